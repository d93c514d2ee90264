package ours_test

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/bench/internal/work"
	"github.com/gowasmtime/wasmtime/component"
)

// The committed binaries are what the texts say.
func TestComponentsAreTheirTexts(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		binary []byte
	}{
		"component": {work.ComponentText, work.Component},
		"httphello": {work.HTTPHelloText, work.HTTPHello},
		"wasiclock": {work.WasiClockText, work.WasiClock},
		"wasiecho":  {work.WasiEchoText, work.WasiEcho},
		"wasifiles": {work.WasiFilesText, work.WasiFiles},
		"wasihello": {work.WasiHelloText, work.WasiHello},
	} {
		binary, err := wasmtime.Wat2Wasm(c.text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if bytes.Equal(binary, c.binary) {
			continue
		}
		if os.Getenv("BENCH_UPDATE") == "" {
			t.Errorf("%s.wasm is not what %[1]s.wat says; component.wat tells how to make it anew", name)
			continue
		}
		if err := os.WriteFile("../internal/work/"+name+".wasm", binary, 0o644); err != nil {
			t.Error(err)
		}
	}
}

// newComponent compiles the component, and defines what it imports.
func newComponent(b *testing.B, pooling bool) (*wasmtime.Engine, *component.InstancePre) {
	b.Helper()
	engine := newEngine(pooling)
	c, err := component.New(engine, work.Component)
	check(b, err)
	linker := component.NewLinker(engine)
	inc := component.HostFunc1(func(_ *wasmtime.Caller, n uint32) (uint32, error) { return work.Inc(n), nil })
	check(b, linker.Instance(work.ComponentHost).Func("inc", inc))
	pre, err := linker.InstantiatePre(c)
	check(b, err)
	return engine, pre
}

// instantiateComponent makes an instance in a store of its own, and returns how to find its functions.
func instantiateComponent(b *testing.B) func(name string) *component.Func {
	b.Helper()
	engine, pre := newComponent(b, false)
	inst, err := pre.Instantiate(nil, wasmtime.NewStore(engine))
	check(b, err)
	return func(name string) *component.Func {
		b.Helper()
		f, err := inst.Func(name)
		check(b, err)
		return f
	}
}

// An op is one call of add.
func BenchmarkComponentAdd(b *testing.B) {
	add, err := component.Bind2[uint32, uint32, uint32](instantiateComponent(b)("add"))
	check(b, err)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		sum, err := add.Call(nil, uint32(i), 2)
		if err != nil || sum != uint32(i)+2 {
			b.Fatal(sum, err)
		}
	}
}

// An op is a string of 1 KiB to the guest, and back.
func BenchmarkComponentEcho(b *testing.B) {
	echo, err := component.Bind1[string, string](instantiateComponent(b)("echo"))
	check(b, err)
	text := work.Text()
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		back, err := echo.Call(nil, text)
		if err != nil || back != text {
			b.Fatal(back, err)
		}
	}
}

// keepBytes has the guest keep the bytes that the function kept returns, and checks that it does so.
func keepBytes(b *testing.B, f func(name string) *component.Func, all []byte) *component.TypedFunc[struct{}, []byte] {
	b.Helper()
	keep, err := component.BindVoid1[[]byte](f("keep"))
	check(b, err)
	check(b, keep.Call(nil, all))
	kept, err := component.Bind[struct{}, []byte](f("kept"))
	check(b, err)
	back, err := kept.Call(nil, struct{}{})
	check(b, err)
	if !bytes.Equal(back, all) {
		b.Fatal("the guest has kept other bytes")
	}
	return kept
}

// An op is 1 MiB to the guest.
func BenchmarkComponentBytesIn(b *testing.B) {
	f, all := instantiateComponent(b), work.Bytes()
	keepBytes(b, f, all)
	take, err := component.Bind1[[]byte, uint32](f("take"))
	check(b, err)
	want := work.Taken(all)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if n, err := take.Call(nil, all); err != nil || n != want {
			b.Fatal(n, err)
		}
	}
}

// An op is 1 MiB from the guest, in a new slice.
func BenchmarkComponentBytesOut(b *testing.B) {
	all := work.Bytes()
	kept := keepBytes(b, instantiateComponent(b), all)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		back, err := kept.Call(nil, struct{}{})
		if err != nil || work.Taken(back) != work.Taken(all) {
			b.Fatal(len(back), err)
		}
	}
}

// An op is 1 MiB from the guest, in the same slice each time.
func BenchmarkComponentBytesOutInto(b *testing.B) {
	all := work.Bytes()
	kept := keepBytes(b, instantiateComponent(b), all)
	back := make([]byte, len(all))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		err := kept.CallInto(nil, &struct{}{}, &back)
		if err != nil || work.Taken(back) != work.Taken(all) {
			b.Fatal(len(back), err)
		}
	}
}

// echoed measures a function that returns the records that it is given. What it returns is compared once, and then its
// length and its last record.
func echoed[T comparable](b *testing.B, name string, all []T) {
	b.Helper()
	echo, err := component.Bind1[[]T, []T](instantiateComponent(b)(name))
	check(b, err)
	back, err := echo.Call(nil, all)
	check(b, err)
	if !slices.Equal(back, all) {
		b.Fatal("other records came back")
	}
	last := len(all) - 1
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		back, err := echo.Call(nil, all)
		if err != nil || len(back) != len(all) || back[last] != all[last] {
			b.Fatal(len(back), err)
		}
	}
}

// An op is 1,000 records of two numbers and a string to the guest, and back.
func BenchmarkComponentRows(b *testing.B) { echoed(b, "rows", work.Rows()) }

// An op is 1,000 records of two numbers to the guest, and back.
func BenchmarkComponentPoints(b *testing.B) { echoed(b, "points", work.Points()) }

// An op is one call of the imported function by the guest.
func BenchmarkComponentHostCall(b *testing.B) {
	incs, err := component.Bind1[uint32, uint32](instantiateComponent(b)("incs"))
	check(b, err)
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += work.Loops {
		if n, err := incs.Call(nil, work.Loops); err != nil || n != work.Loops {
			b.Fatal(n, err)
		}
	}
}

// An op is one call of a method of a resource that the guest defines.
func BenchmarkComponentMethod(b *testing.B) {
	f := instantiateComponent(b)
	newCounter, err := component.Bind1[uint32, *component.Resource](f(work.NewCounter))
	check(b, err)
	counter, err := newCounter.Call(nil, work.Counted)
	check(b, err)
	get, err := component.Bind1[*component.Resource, uint32](f(work.GetCounter))
	check(b, err)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if n, err := get.Call(nil, counter); err != nil || n != work.Counted {
			b.Fatal(n, err)
		}
	}
	b.StopTimer()
	check(b, counter.Drop(nil))
}

// An op is a store, an instantiation and the end of the store.
func componentInstantiation(b *testing.B, pooling bool) {
	engine, pre := newComponent(b, pooling)
	b.ReportAllocs()
	for b.Loop() {
		store := wasmtime.NewStore(engine)
		_, err := pre.Instantiate(nil, store)
		check(b, err)
		store.Close()
	}
}

func BenchmarkComponentInstantiate(b *testing.B)        { componentInstantiation(b, false) }
func BenchmarkComponentInstantiatePooling(b *testing.B) { componentInstantiation(b, true) }
