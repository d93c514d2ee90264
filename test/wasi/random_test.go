package wasi_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestWasiSecureRandom(t *testing.T) {
	const text = "bytes that everybody can foresee"
	for name, r := range map[string]io.Reader{
		"whole":        strings.NewReader(text),
		"byte by byte": iotest.OneByteReader(strings.NewReader(text)),
		"with its end": iotest.DataErrReader(strings.NewReader(text)),
	} {
		config := NewWasiConfig()
		config.SetSecureRandom(r)
		g := NewWasiGuest(t, config)
		for _, wanted := range []string{"", "bytes", " that everybody can foresee"} {
			got, err := g.Random(len(wanted))
			if got != wanted || err != nil {
				t.Errorf("%s: %q, %v, not %q", name, got, err, wanted)
			}
		}
	}
}

// Two stores with the same seed get the same bytes, and other stores get others.
func TestWasiSecureRandomIsRepeatable(t *testing.T) {
	var all []string
	for seed := range byte(3) {
		config := NewWasiConfig()
		config.SetSecureRandom(rand.NewChaCha8([32]byte{seed / 2}))
		g := NewWasiGuest(t, config)
		got, err := g.Random(100_000)
		Check(t, err)
		all = append(all, got)
	}
	Equal(t, "the same seed", all[0] == all[1], true)
	Equal(t, "another seed", all[0] == all[2], false)
	config := NewWasiConfig()
	config.SetSecureRandom(rand.NewChaCha8([32]byte{}))
	config.SetSecureRandom(nil) // the host's again
	for range 2 {
		got, err := NewWasiGuest(t, config).Random(32)
		Check(t, err)
		all = append(all, got)
	}
	Equal(t, "the host's", all[3] == all[4], false)
}

// A guest never gets anything in place of the bytes that a source does not give.
func TestWasiSecureRandomFails(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		r     io.Reader
		cause error
	}{
		"nothing":     {strings.NewReader(""), io.EOF},
		"too little":  {strings.NewReader("xyz"), io.EOF},
		"broken":      {io.MultiReader(strings.NewReader("xyz"), iotest.ErrReader(broken)), broken},
		"no progress": {ReaderFunc(func([]byte) (int, error) { return 0, nil }), io.ErrNoProgress},
		"negative":    {ReaderFunc(func([]byte) (int, error) { return -1, broken }), broken},
	} {
		config := NewWasiConfig()
		config.SetSecureRandom(c.r)
		g := NewWasiGuest(t, config)
		_, err := g.Random(8)
		WantIs(t, err, c.cause)
		WantText(t, err, "reading random bytes: "+c.cause.Error())
		// The store goes on, and what it is asked later is not mixed up with this.
		_, err = g.Instance.GetFunc(g.Store, "random_get").Call(g.Store, 0, -1)
		if err == nil || errors.Is(err, c.cause) {
			t.Errorf("%s: afterwards: %v", name, err)
		}
	}
	for _, n := range []int{1000, -1} {
		config := NewWasiConfig()
		config.SetSecureRandom(ReaderFunc(func(p []byte) (int, error) { return n, nil }))
		_, err := NewWasiGuest(t, config).Random(8)
		WantIs(t, err, ErrBadCount)
	}
}

// A reader that fails and is good again.
func TestWasiSecureRandomRecovers(t *testing.T) {
	config := NewWasiConfig()
	config.SetSecureRandom(iotest.TimeoutReader(strings.NewReader(strings.Repeat("x", 100))))
	g := NewWasiGuest(t, config)
	for i, wanted := range []string{"xx", "", "xx"} {
		got, err := g.Random(2)
		if got != wanted || (wanted == "") != errors.Is(err, iotest.ErrTimeout) {
			t.Errorf("%d: %q, %v", i, got, err)
		}
	}
}

// A memory that is shared between threads gets its bytes as any other.
func TestWasiSecureRandomInSharedMemory(t *testing.T) {
	engine := EngineWith(t, func(cfg *Config) { cfg.SetWasmThreads(true); cfg.SetSharedMemory(true) })
	linker := NewLinker(engine)
	Check(t, linker.DefineWasi())
	store := NewStore(engine)
	defer store.Close()
	config := NewWasiConfig()
	config.SetSecureRandom(strings.NewReader("\x01\x02\x03\x04"))
	store.SetWasi(config)
	instance := Must(linker.Instantiate(store, Compile(t, engine, `(module
		(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
		(memory (export "memory") 1 1 shared)
		(func (export "random") (result i32)
			(drop (call $random (i32.const 8) (i32.const 4)))
			(i32.load (i32.const 8))))`)))
	Equal(t, "bytes", Call(t, store, instance, "random"), any(int32(0x04030201)))
}

func TestWasiMaxRandomSize(t *testing.T) {
	for _, r := range []io.Reader{nil, bytes.NewReader(make([]byte, 1000))} {
		config := NewWasiConfig()
		config.SetSecureRandom(r)
		config.SetMaxRandomSize(100)
		g := NewWasiGuest(t, config)
		_, err := g.Random(100)
		Check(t, err)
		_, err = g.Random(101)
		WantText(t, err, "requested len 101 exceeds limit 100")
		_, err = g.Random(0)
		Check(t, err)
	}
	config := NewWasiConfig()
	config.SetMaxRandomSize(0)
	g := NewWasiGuest(t, config)
	_, err := g.Random(1)
	WantText(t, err, "exceeds limit 0")
}

func BenchmarkWasiRandom(b *testing.B) {
	for name, r := range map[string]io.Reader{"host": nil, "go": rand.NewChaCha8([32]byte{})} {
		b.Run(name, func(b *testing.B) {
			config := NewWasiConfig()
			config.SetSecureRandom(r)
			g := NewWasiGuest(b, config)
			get := Must(Bind2[int32, int32, int32](g.Store, g.Instance.GetFunc(g.Store, "random_get")))
			b.ReportAllocs()
			for b.Loop() {
				if errno, err := get.Call(GuestBuffer, 32); errno != 0 || err != nil {
					b.Fatal(errno, err)
				}
			}
		})
	}
}
