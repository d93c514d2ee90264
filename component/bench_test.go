package component_test

import (
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func BenchmarkCalls(b *testing.B) {
	w := newWorld(b, testWat, nil)
	add := Must(component.Bind2[uint32, uint32, uint32](w.fn(b, "add")))
	echo := Must(component.Bind1[string, string](w.fn(b, "echo")))
	points := Must(component.Bind1[[]point, []point](w.fn(b, "points")))
	bytes := Must(component.Bind1[[]byte, []byte](w.fn(b, "bytes")))
	text, many, large := strings.Repeat("x", 1024), make([]point, 1000), make([]byte, 1<<20)
	any1, any2 := any(uint32(1)), any(uint32(2))
	f := w.fn(b, "add")
	for name, call := range map[string]func(){
		"add":          func() { Must(add.Call(nil, 1, 2)) },
		"add any":      func() { Must(f.Call(nil, any1, any2)) },
		"echo 1 KiB":   func() { Must(echo.Call(nil, text)) },
		"1,000 points": func() { Must(points.Call(nil, many)) },
		"echo 1 MiB":   func() { Must(bytes.Call(nil, large)) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				call()
			}
		})
	}
}

func BenchmarkHost(b *testing.B) {
	typed, plain := plainHost(), plainHost()
	typed.inc = component.HostFunc1(func(_ *wasmtime.Caller, n uint32) (uint32, error) { return n + 1, nil })
	for name, host := range map[string]hostFuncs{"typed": typed, "plain": plain} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, hostWat, host.define)
			incs := Must(component.Bind1[uint32, uint32](w.fn(b, "incs")))
			b.ReportAllocs()
			for b.Loop() { // of 1,000 calls
				Must(incs.Call(nil, 1000))
			}
		})
	}
}

func BenchmarkInstantiate(b *testing.B) {
	w := newWorld(b, hostWat, plainHost().define)
	pre := Must(w.linker.InstantiatePre(w.component))
	b.ReportAllocs()
	for b.Loop() {
		store := wasmtime.NewStore(w.engine)
		Must(pre.Instantiate(nil, store))
		store.Close()
	}
}
