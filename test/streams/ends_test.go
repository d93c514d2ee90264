package streams_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// gatedWriter lets writes through when its gate is open.
type gatedWriter struct {
	bytes.Buffer
	gate chan struct{}
}

func (w *gatedWriter) Write(p []byte) (int, error) {
	<-w.gate
	return w.Buffer.Write(p)
}

// What a guest writes without waiting, as a Go program does, is all with the writer when the call returns.
func TestWriterHasAllWhenTheCallReturns(t *testing.T) {
	for name, call := range map[string]func(t *testing.T, g *WasiGuest) Errno{
		"Call": func(t *testing.T, g *WasiGuest) Errno {
			return g.Call("fd_write", 3, GuestIovec, 1, GuestResult)
		},
		"Bind4": func(t *testing.T, g *WasiGuest) Errno {
			write, err := Bind4[int32, int32, int32, int32, int32](g.Store, g.Instance.GetFunc(g.Store, "fd_write"))
			Check(t, err)
			errno, err := write.Call(3, GuestIovec, 1, GuestResult)
			Check(t, err)
			return Errno(errno)
		},
		"BindRaw": func(t *testing.T, g *WasiGuest) Errno {
			write, err := BindRaw(g.Store, g.Instance.GetFunc(g.Store, "fd_write"))
			Check(t, err)
			stack := []Raw{RawI32(3), RawI32(GuestIovec), RawI32(1), RawI32(GuestResult)}
			Check(t, write.Call(stack))
			return Errno(stack[0].I32())
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWasiGuest(t, nil)
			w := &gatedWriter{gate: make(chan struct{})}
			Check(t, g.Store.InsertWriter(3, w))
			WantErrno(t, "set flags", g.SetFlags(3, FdflagNonblock), ErrnoSuccess)
			g.Mem.Write(GuestBuffer, []byte("all of it"))
			g.Iovec(9)
			time.AfterFunc(20*time.Millisecond, func() { close(w.gate) })
			WantErrno(t, "write", call(t, g), ErrnoSuccess)
			Equal(t, "written", w.String(), "all of it")
		})
	}
}

// Writers that are stuck, however many, do not hold the call for long, nor the store; the call says so, and a second
// one does not wait again.
func TestStuckWritersAreLeft(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes the five seconds that writers have")
	}
	t.Parallel()
	g := NewWasiGuest(t, nil)
	w := &gatedWriter{gate: make(chan struct{})}
	defer close(w.gate)
	for _, fd := range []uint32{3, 4} {
		Check(t, g.Store.InsertWriter(fd, &gatedWriter{gate: w.gate}))
		WantErrno(t, "set flags", g.SetFlags(fd, FdflagNonblock), ErrnoSuccess)
	}
	linker := NewLinker(g.Store.Engine)
	defer linker.Close()
	Check(t, linker.DefineWasi())
	calls := 1
	both, err := linker.Instantiate(g.Store, Compile(t, g.Store.Engine, `(module
	  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
	  (memory (export "memory") 1)
	  (data (i32.const 0) "\40\00\00\00\04\00\00\00")
	  (func (export "both") (result i32)
	    (i32.add (call $write (i32.const 3) (i32.const 0) (i32.const 1) (i32.const 8))
	      (call $write (i32.const 4) (i32.const 0) (i32.const 1) (i32.const 8)))))`))
	Check(t, err)
	for range 2 {
		start := time.Now()
		errors, err := both.GetFunc(g.Store, "both").Call(g.Store)
		Equal(t, "errors", errors.(int32), 0)
		wantUnwritten(t, err, 4*calls, nil)
		if got := strings.Count(err.Error(), "still at work"); got != 2 {
			t.Errorf("%d of two writers: %v", got, err)
		}
		if took := time.Since(start); calls > 1 && took > 3*time.Second {
			t.Errorf("a writer that is late is waited for again: %v", took)
		}
		calls++
	}
}
