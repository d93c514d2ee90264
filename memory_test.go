package wasmtime_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"unsafe"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

const memoryWat = `(module (memory (export "m") 1 3)
	(func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
	(func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
	(func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`

func TestMemory(t *testing.T) {
	store, instance := Guest(t, memoryWat)
	memory := instance.GetMemory(store, "m")
	Equal(t, "pages", memory.Size(store), 1)
	Equal(t, "bytes", memory.DataSize(store), 65536)
	data := memory.UnsafeData(store)
	Equal(t, "slice", len(data), 65536)
	Equal(t, "data", memory.Data(store), unsafe.Pointer(&data[0]))
	data[100] = 9
	Equal(t, "written by the host", Call(t, store, instance, "load", 100), any(int32(9)))
	Call(t, store, instance, "store", 101, 8)
	Equal(t, "written by the guest", data[101], 8)

	for _, c := range []struct{ delta, before uint64 }{{0, 1}, {1, 1}, {1, 2}} {
		Equal(t, "grow", Must(memory.Grow(store, c.delta)), c.before)
	}
	for _, delta := range []uint64{1, 1 << 16, 1 << 40, math.MaxUint64} {
		got, err := memory.Grow(store, delta)
		WantText(t, err, "failed to grow memory")
		Equal(t, "grown", got, 0)
	}
	Equal(t, "grow by 0 at the limit", Must(memory.Grow(store, 0)), 3)
	Equal(t, "kept", memory.UnsafeData(store)[100], 9)
	Equal(t, "last byte", memory.UnsafeData(store)[3<<16-1], 0)
	_, err := instance.GetFunc(store, "load").Call(store, 3<<16)
	WantTrap(t, err, MemoryOutOfBounds)

	other := NewStore(store.Engine)
	_, err = memory.Grow(other, 1)
	WantIs(t, err, ErrWrongStore)
	for name, use := range map[string]func(){
		"Size": func() { memory.Size(other) }, "Data": func() { memory.Data(other) }, "Type": func() { memory.Type(other) },
		"DataSize": func() { memory.DataSize(other) }, "UnsafeData": func() { memory.UnsafeData(other) }, "View": func() { memory.View(other) },
	} {
		WantPanic(t, name, ErrWrongStore.Error(), use)
	}
}

func TestNewMemory(t *testing.T) {
	store := NewStore(NewEngine())
	memory, err := NewMemory(store, Must(NewMemoryType(2, true, 4, false)))
	Check(t, err)
	Equal(t, "type", describe(memory.Type(store).AsExternType()), "memory 2 true4 falsefalse 65536")
	empty := Must(NewMemory(store, Must(NewMemoryType(0, false, 0, false))))
	Equal(t, "empty", len(empty.UnsafeData(store)), 0)
	Equal(t, "empty", empty.Size(store), 0)
	Equal(t, "first page", Must(empty.Grow(store, 1)), 0)
	big := Must(NewMemory(store, Must(NewMemoryType64(1, true, 1<<33, false))))
	Equal(t, "64", big.Type(store).Is64(), true)
	_, err = NewMemory(store, Must(NewMemoryType(1, true, 1, true)))
	WantText(t, err, "shared memor")
	_, err = NewMemory(store, Must(NewMemoryType64(1<<47, false, 0, false)))
	if _, ok := err.(*Error); !ok {
		t.Errorf("a memory larger than the address space: %v", err)
	}
	instance := Instantiate(t, store, `(module (import "" "" (memory 1)) (func (export "size") (result i32) (memory.size)))`, memory)
	Equal(t, "imported", Call(t, store, instance, "size"), any(int32(2)))
}

func TestMemory64(t *testing.T) {
	store, instance := Guest(t, `(module (memory (export "m") i64 1 10)
		(func (export "load") (param i64) (result i32) (i32.load8_u (local.get 0)))
		(func (export "grow") (param i64) (result i64) (memory.grow (local.get 0))))`)
	memory := instance.GetMemory(store, "m")
	view := memory.View(store)
	Equal(t, "put", view.PutByte(65535, 5), true)
	Equal(t, "load", Call(t, store, instance, "load", 65535), any(int32(5)))
	Equal(t, "grow", Call(t, store, instance, "grow", 2), any(int64(1)))
	Equal(t, "size", view.Size(), 3<<16)
	Equal(t, "too much", Call(t, store, instance, "grow", 8), any(int64(-1)))
	_, err := instance.GetFunc(store, "load").Call(store, int64(math.MinInt64))
	WantTrap(t, err, MemoryOutOfBounds)
}

func TestMultiMemory(t *testing.T) {
	store, instance := Guest(t, `(module (memory (export "a") 1) (memory $b (export "b") 2) (data (memory $b) (i32.const 3) "x"))`)
	a, b := instance.GetMemory(store, "a").View(store), instance.GetMemory(store, "b").View(store)
	x, _ := a.Byte(3)
	y, _ := b.Byte(3)
	Equal(t, "a", x, 0)
	Equal(t, "b", y, 'x')
	Equal(t, "sizes", b.Size(), 2*a.Size())
}

// Every read and write at, before and behind the end; what is out of bounds changes nothing.
func TestMemoryViewBounds(t *testing.T) {
	engine := EngineWith(t, func(cfg *Config) { cfg.SetWasmCustomPageSizes(true) })
	step := uint64(1)
	if Debug {
		step = 5
	}
	for _, size := range []uint64{0, 1, 3, 7, 8, 9, 65536} {
		store, instance := GuestIn(t, engine, `(module (memory (export "m") 0 100000 (pagesize 1)))`)
		memory := instance.GetMemory(store, "m")
		Must(memory.Grow(store, size))
		view := memory.View(store)
		Equal(t, "size", view.Size(), size)
		var offsets []uint64
		for d := uint64(0); d < 18; d += step {
			offsets = append(offsets, size+8-d, math.MaxUint64-d, math.MaxUint32-d, 1<<63-d, d)
		}
		for _, off := range offsets {
			for n, access := range map[uint64][]func() bool{
				0: {func() bool { return view.Read(off, nil) }, func() bool { return view.Write(off, []byte{}) },
					func() bool { s, ok := view.String(off, 0); return ok && s == "" },
					func() bool { b, ok := view.Bytes(off, 0); return ok && len(b) == 0 },
					func() bool { return view.WriteString(off, "") }},
				1: {func() bool { _, ok := view.Byte(off); return ok }, func() bool { return view.PutByte(off, 0) }},
				2: {func() bool { _, ok := view.Uint16(off); return ok }, func() bool { return view.PutUint16(off, 0) }},
				4: {func() bool { _, ok := view.Uint32(off); return ok }, func() bool { return view.PutUint32(off, 0) },
					func() bool { _, ok := view.Float32(off); return ok }, func() bool { return view.PutFloat32(off, 0) }},
				8: {func() bool { _, ok := view.Uint64(off); return ok }, func() bool { return view.PutUint64(off, 0) },
					func() bool { _, ok := view.Float64(off); return ok }, func() bool { return view.PutFloat64(off, 0) }},
				5: {func() bool { return view.Read(off, make([]byte, 5)) }, func() bool { return view.Write(off, make([]byte, 5)) },
					func() bool { s, ok := view.String(off, 5); return ok && len(s) == 5 },
					func() bool { b, ok := view.Bytes(off, 5); return ok && len(b) == 5 },
					func() bool { return view.WriteString(off, "\x00\x00\x00\x00\x00") }},
			} {
				want := off <= size && n <= size-off
				for i, f := range withErrors(t, store, memory, off, n) {
					if err := f(); want && err != nil {
						t.Errorf("%d bytes at %d of %d, with an error %d: %v", n, off, size, i, err)
					} else if !want {
						WantTyped(t, err, ErrOutOfBounds, fmt.Sprintf("%d bytes at %d of %d", n, off, size))
					}
				}
				for i, f := range access {
					if f() != want {
						t.Errorf("%d bytes at %d of %d, access %d: %v", n, off, size, i, !want)
					}
				}
			}
			if _, ok := view.String(off, math.MaxUint64-off+1); ok && off > 0 {
				t.Errorf("a string that wraps around from %d is in bounds", off)
			}
			if _, ok := view.String(off, math.MaxUint64); ok {
				t.Errorf("an endless string at %d is in bounds", off)
			}
			for _, n := range []uint64{math.MaxUint64 - off + 1, math.MaxUint64, math.MaxInt64} {
				if _, ok := view.Bytes(off, n); ok && n > size {
					t.Errorf("%d bytes at %d are in bounds", n, off)
				}
				if _, err := memory.ReadString(store, off, n); !errors.Is(err, ErrOutOfBounds) && n > size {
					t.Errorf("a string of %d bytes at %d: %v", n, off, err)
				}
				if _, err := memory.ReadBytes(store, off, n); !errors.Is(err, ErrOutOfBounds) && n > size {
					t.Errorf("%d bytes at %d: %v", n, off, err)
				}
			}
		}
		store.Close()
	}
}

// withErrors are the ways to get at n bytes of a memory with an error if these are out of bounds.
func withErrors(t *testing.T, store *Store, memory *Memory, off, n uint64) []func() error {
	zeros := make([]byte, n)
	return []func() error{
		func() error { return memory.Read(store, off, make([]byte, n)) },
		func() error { return memory.Write(store, off, zeros) },
		func() error { return memory.WriteString(store, off, string(zeros)) },
		func() error {
			b, err := memory.ReadBytes(store, off, n)
			if err == nil && !slices.Equal(b, zeros) {
				t.Errorf("%q at %d", b, off)
			}
			return err
		},
		func() error {
			s, err := memory.ReadString(store, off, n)
			if err == nil && s != string(zeros) {
				t.Errorf("%q at %d", s, off)
			}
			return err
		},
	}
}

func TestMemoryValues(t *testing.T) {
	store, instance := Guest(t, memoryWat)
	memory := instance.GetMemory(store, "m")
	Check(t, memory.WriteString(store, 100, "hällo\x00\xff"))
	text, err := memory.ReadString(store, 100, 8)
	Check(t, err)
	Equal(t, "string", text, "hällo\x00\xff")
	Equal(t, "guest", Call(t, store, instance, "load", 107), any(int32(0xff)))
	Check(t, memory.Write(store, 101, []byte("aa")))
	Equal(t, "a string is a copy", text, "hällo\x00\xff")
	b := make([]byte, 4)
	Check(t, memory.Read(store, 100, b))
	Equal(t, "read", string(b), "haal")
	Call(t, store, instance, "grow", 1)
	Check(t, memory.Write(store, 2<<16-1, []byte("z")))
	Equal(t, "in what has grown", Call(t, store, instance, "load", 2<<16-1), any(int32('z')))

	// Nothing is read or written if a part is out of bounds.
	WantTyped(t, memory.Write(store, 2<<16-2, []byte("abc")), ErrOutOfBounds, "3 bytes at 131070 of 131072")
	Equal(t, "guest", Call(t, store, instance, "load", 2<<16-2), any(int32(0)))
	WantTyped(t, memory.Read(store, 2<<16-2, b), ErrOutOfBounds, "4 bytes at 131070 of 131072")
	Equal(t, "read", string(b), "haal")

	copied, err := memory.ReadBytes(store, 100, 4)
	Check(t, err)
	Check(t, memory.WriteString(store, 100, "HAAL"))
	Equal(t, "bytes are a copy", string(copied), "haal")

	view := memory.View(store)
	Equal(t, "put", view.WriteString(200, "by view"), true)
	text, _ = memory.ReadString(store, 200, 7)
	Equal(t, "string", text, "by view")
	copied, ok := view.Bytes(200, 2) // also a copy
	Equal(t, "bytes", string(copied), "by")
	view.WriteString(200, "BY")
	Equal(t, "bytes are a copy", ok && string(copied) == "by", true)

	if !Race && !Debug {
		for name, f := range map[string]func(){
			"Read":             func() { memory.Read(store, 100, b) },
			"Write":            func() { memory.Write(store, 100, b) },
			"WriteString":      func() { memory.WriteString(store, 100, text) },
			"view.WriteString": func() { view.WriteString(100, text) },
		} {
			Equal(t, name+" allocates", testing.AllocsPerRun(100, f), 0)
		}
		Equal(t, "ReadBytes allocates", testing.AllocsPerRun(100, func() { memory.ReadBytes(store, 100, 8) }), 1)
		Equal(t, "ReadString allocates", testing.AllocsPerRun(100, func() { memory.ReadString(store, 100, 8) }), 1)
	}
}

// What is no memory of the store, or not there, is an error and no panic.
func TestMemoryErrors(t *testing.T) {
	store, instance := Guest(t, memoryWat)
	memory := instance.GetMemory(store, "m")
	for i, f := range withErrors(t, NewStore(store.Engine), memory, 0, 1) {
		WantIs(t, f(), ErrWrongStore)
		WantText(t, withErrors(t, store, instance.GetMemory(store, "none"), 0, 1)[i](), "nil *Memory")
	}
	host := WrapFunc(store, func(c *Caller) {
		busy := make(chan []error)
		go func() {
			var errs []error
			for _, f := range withErrors(t, store, memory, 0, 1) {
				errs = append(errs, f())
			}
			busy <- errs
		}()
		for _, err := range <-busy {
			WantTyped(t, err, ErrConcurrentUse, "")
		}
		Check(t, memory.WriteString(c, 5, "inside"))
	})
	Check(t, ErrorOf(host.Call(store)))
	text, err := memory.ReadString(store, 5, 6)
	Check(t, err)
	Equal(t, "written inside", text, "inside")
	store.Close()
	for _, f := range withErrors(t, store, memory, 0, 1) {
		WantIs(t, f(), ErrClosed)
	}
}

func TestMemoryViewValues(t *testing.T) {
	store, instance := Guest(t, memoryWat)
	view := instance.GetMemory(store, "m").View(store)
	Equal(t, "put", view.PutUint64(1, 0x8877665544332211), true)
	u64, _ := view.Uint64(1)
	u32, _ := view.Uint32(2)
	u16, _ := view.Uint16(3)
	u8, _ := view.Byte(8)
	Equal(t, "uint64", u64, 0x8877665544332211)
	Equal(t, "uint32", u32, 0x55443322)
	Equal(t, "uint16", u16, 0x4433)
	Equal(t, "byte", u8, 0x88)
	Equal(t, "put", view.PutFloat32(16, 1.5), true)
	f32, _ := view.Float32(16)
	Equal(t, "float32", f32, 1.5)
	Equal(t, "put", view.PutFloat64(24, -2.25), true)
	f64, _ := view.Float64(24)
	Equal(t, "float64", f64, -2.25)
	Equal(t, "put", view.PutUint16(32, 0x1234), true)
	u16, _ = view.Uint16(32)
	Equal(t, "uint16", u16, 0x1234)
	Equal(t, "write", view.Write(100, []byte("hello")), true)
	text, _ := view.String(100, 5)
	Equal(t, "string", text, "hello")
	view.Write(100, []byte("jolly"))
	Equal(t, "a string is a copy", text, "hello")
	b := make([]byte, 3)
	Equal(t, "read", view.Read(101, b), true)
	if !slices.Equal(b, []byte("oll")) {
		t.Errorf("%q", b)
	}
	Equal(t, "guest", Call(t, store, instance, "load", 104), any(int32('y')))
}

// A view follows its memory wherever it goes: growth by the guest, by the host, inside of a host function, in a memory
// that has to move, and growth that fails.
func TestMemoryViewFollows(t *testing.T) {
	for name, set := range map[string]func(*Config){
		"in place": func(cfg *Config) {},
		"moving": func(cfg *Config) {
			cfg.SetMemoryReservation(0)
			cfg.SetMemoryReservationForGrowth(0)
			cfg.SetMemoryGuardSize(0)
		},
		"pooling": func(cfg *Config) { cfg.SetPooling(PoolingConfig{MaxInstances: 5, MaxMemorySize: 64 << 16}) },
		"copied":  func(cfg *Config) { cfg.SetMemoryInitCOWSet(false); cfg.SetMemoryReservation(0) },
	} {
		t.Run(name, func(t *testing.T) {
			engine := EngineWith(t, set)
			store := NewStore(engine)
			defer store.Close()
			var view *MemoryView
			instance := Instantiate(t, store, `(module (import "" "" (func $host)) (memory (export "m") 1 40)
				(func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
				(func (export "both") (drop (memory.grow (i32.const 3))) (call $host))
				(func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1))))`,
				func(c *Caller) {
					size := view.Size()
					Equal(t, "put inside", view.PutUint32(size-4, 77), true)
					Must(c.GetMemory("m").Grow(c, 2))
					Equal(t, "size inside", view.Size(), size+2<<16)
					n, ok := view.Uint32(size - 4)
					Equal(t, "kept inside", n == 77 && ok, true)
				})
			memory := instance.GetMemory(store, "m")
			view = memory.View(store)
			second := memory.View(store)
			other := Instantiate(t, store, `(module (memory (export "m") 1 40))`).GetMemory(store, "m")
			otherView := other.View(store)
			view.PutUint64(8, 0x1234567890abcdef)
			otherView.PutUint64(8, 1)
			moved := map[unsafe.Pointer]bool{memory.Data(store): true}
			for i := range 8 {
				before := view.Size()
				switch i % 4 {
				case 0:
					Call(t, store, instance, "grow", 2)
				case 1:
					Must(memory.Grow(store, 1))
				case 2:
					Call(t, store, instance, "both")
				case 3:
					Must(other.Grow(store, 1))
					Equal(t, "the other", otherView.PutByte(otherView.Size()-1, 1), true)
				}
				if i%4 != 3 && view.Size() <= before {
					t.Errorf("step %d: %d bytes", i, view.Size())
				}
				Equal(t, "both views", second.Size(), view.Size())
				n, _ := view.Uint64(8)
				Equal(t, "kept", n, 0x1234567890abcdef)
				last := view.Size() - 4
				Call(t, store, instance, "store", int(last), i+1)
				m, ok := second.Uint32(last)
				Equal(t, "the last word", m == uint32(i+1) && ok, true)
				moved[memory.Data(store)] = true
			}
			if name == "moving" && len(moved) == 1 {
				t.Error("the memory never moved: the test proves nothing")
			}
			size := view.Size()
			if _, err := memory.Grow(store, 100); err == nil {
				t.Error("growth beyond the maximum")
			}
			Equal(t, "after growth that failed", view.Size(), size)
			n, _ := otherView.Uint64(8)
			Equal(t, "the other memory", n, 1)
		})
	}
}

// Memory may grow to its last page, and not further; every page is there.
func TestMemoryGrowthToTheLimit(t *testing.T) {
	store, instance := Guest(t, `(module (memory (export "m") 0)
		(func (export "grow") (result i32) (memory.grow (i32.const 256)))
		(func (export "touch") (param i32) (i32.store8 (local.get 0) (i32.const 1))))`)
	view := instance.GetMemory(store, "m").View(store)
	steps := 0
	for Call(t, store, instance, "grow") != any(int32(-1)) {
		steps++
		Call(t, store, instance, "touch", int32(uint32(view.Size()-1)))
		if b, ok := view.Byte(view.Size() - 1); b != 1 || !ok {
			t.Fatalf("step %d: the last byte is %d, %v", steps, b, ok)
		}
	}
	Equal(t, "steps", steps, 256)
	Equal(t, "4 GiB", view.Size(), 1<<32)
	_, err := instance.GetMemory(store, "m").Grow(store, 1)
	WantText(t, err, "failed to grow memory")
}
