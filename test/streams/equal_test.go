package streams_test

import (
	"bytes"
	"fmt"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// A writer that is several descriptors of a guest is called by one goroutine at a time, which the race detector sees,
// and gets what the guest writes to either in the guest's order: whether it waits or not.
func TestEqualWritersTakeTurns(t *testing.T) {
	for name, serve := range ways {
		for _, flags := range []int{0, FdflagNonblock} {
			t.Run(fmt.Sprint(name, ", flags ", flags), func(t *testing.T) {
				g := serve(t)
				var w bytes.Buffer // not safe for concurrent use
				Check(t, g.Store.InsertWriter(3, &w))
				Check(t, g.Store.InsertWriter(4, &w))
				for fd := uint32(3); fd < 5; fd++ {
					WantErrno(t, "flags", g.SetFlags(fd, flags), ErrnoSuccess)
				}
				want := alternate(t, g, 250)
				Equal(t, "written", w.String(), want)
				// Whichever goes first, the other one stays.
				WantErrno(t, "close", g.Close(3), ErrnoSuccess)
				n, errno := g.Write(4, "end")
				Want(t, "write", n, errno, 3)
				Equal(t, "written in the end", w.String(), want+"end")
				WantErrno(t, "close", g.Close(4), ErrnoSuccess)
				Check(t, g.Store.InsertWriter(3, &w))
				n, errno = g.Write(3, "again")
				Want(t, "write", n, errno, 5)
				Equal(t, "written anew", w.String(), want+"endagain")
			})
		}
	}
}

// alternate makes the guest write n bytes, without a host call between them, to descriptors 3 and 4 in turn: 0, 1, 2
// and so on. It returns them.
func alternate(t *testing.T, g *WasiGuest, n int) string {
	t.Helper()
	g.Iovec(1)
	wasm := Must(Wat2Wasm(fmt.Sprintf(`(module (import "" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
		(import "" "memory" (memory 1))
		(func (export "run") (param $n i32) (local $i i32)
			(loop $again
				(i32.store8 (i32.const %[1]d) (local.get $i))
				(drop (call $write (i32.add (i32.const 3) (i32.and (local.get $i) (i32.const 1)))
					(i32.const %[2]d) (i32.const 1) (i32.const %[3]d)))
				(local.set $i (i32.add (local.get $i) (i32.const 1)))
				(br_if $again (i32.lt_u (local.get $i) (local.get $n))))))`, GuestBuffer, GuestIovec, GuestResult)))
	module := Must(NewModule(g.Store.Engine, wasm))
	instance := Must(NewInstance(g.Store, module, []AsExtern{
		g.Instance.GetExport(g.Store, "fd_write"), g.Instance.GetExport(g.Store, "memory"),
	}))
	run := instance.GetFunc(g.Store, "run")
	Must(run.CallContext(g.Context(), g.Store, n))
	want := make([]byte, n)
	for i := range want {
		want[i] = byte(i)
	}
	return string(want)
}
