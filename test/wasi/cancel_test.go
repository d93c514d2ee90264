package wasi_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// A guest that waits is stopped when its context is, and the store is good for more.
func TestContextEndsWaits(t *testing.T) {
	text := strings.Repeat("x", GuestRoom)
	for name, c := range map[string]struct {
		prepare func(t *testing.T, g *WasiGuest)
		call    func(g *WasiGuest) (string, []any)
	}{
		"read a pipe": {
			func(t *testing.T, g *WasiGuest) { r, _ := Pipe(t); Insert(t, g.Store, 3, r, READ_ONLY) },
			func(g *WasiGuest) (string, []any) { g.Iovec(1); return "fd_read", []any{3, GuestIovec, 1, GuestResult} },
		},
		"read a blocking pipe": {
			func(t *testing.T, g *WasiGuest) { r, _ := BlockingPipe(t); Insert(t, g.Store, 3, r, READ_ONLY) },
			func(g *WasiGuest) (string, []any) { g.Iovec(1); return "fd_read", []any{3, GuestIovec, 1, GuestResult} },
		},
		"write a pipe": {
			func(t *testing.T, g *WasiGuest) { _, w := Pipe(t); Insert(t, g.Store, 3, w, WRITE_ONLY) },
			func(g *WasiGuest) (string, []any) {
				g.Iovec(len(text))
				return "fd_write", []any{3, GuestIovec, 1, GuestResult}
			},
		},
		"write a blocking pipe": {
			func(t *testing.T, g *WasiGuest) { _, w := BlockingPipe(t); Insert(t, g.Store, 3, w, WRITE_ONLY) },
			func(g *WasiGuest) (string, []any) {
				g.Iovec(len(text))
				return "fd_write", []any{3, GuestIovec, 1, GuestResult}
			},
		},
		"read a connection": {
			func(t *testing.T, g *WasiGuest) {
				_, its := Connected(t, "tcp")
				if err := g.Store.InsertConn(3, its); err != nil {
					t.Fatal(err)
				}
			},
			func(g *WasiGuest) (string, []any) { g.Iovec(1); return "fd_read", []any{3, GuestIovec, 1, GuestResult} },
		},
		"wait for all of a connection": {
			func(t *testing.T, g *WasiGuest) {
				mine, its := Connected(t, Networks[len(Networks)-1])
				if err := g.Store.InsertConn(3, its); err != nil {
					t.Fatal(err)
				}
				mine.Write([]byte("part"))
			},
			func(g *WasiGuest) (string, []any) {
				g.Iovec(9)
				return "sock_recv", []any{3, GuestIovec, 1, WaitAll | Peek, GuestResult, GuestResult + 8}
			},
		},
		"accept": {
			func(t *testing.T, g *WasiGuest) {
				if err := g.Store.InsertListener(3, Listen(t, "tcp")); err != nil {
					t.Fatal(err)
				}
			},
			func(g *WasiGuest) (string, []any) { return "sock_accept", []any{3, 0, GuestResult} },
		},
		"sleep": {
			func(t *testing.T, g *WasiGuest) {},
			func(g *WasiGuest) (string, []any) {
				sub := make([]byte, 48)
				sub[16], sub[24+4] = 1, 255 // the monotonic clock, minutes
				g.Mem.Write(GuestBuffer, sub)
				return "poll_oneoff", []any{GuestBuffer, GuestBuffer + 4096, 1, GuestResult}
			},
		},
		"poll": {
			func(t *testing.T, g *WasiGuest) { r, _ := Pipe(t); Insert(t, g.Store, 3, r, READ_ONLY) },
			func(g *WasiGuest) (string, []any) {
				sub := make([]byte, 48)
				sub[8], sub[16] = 1, 3 // reading descriptor 3
				g.Mem.Write(GuestBuffer, sub)
				return "poll_oneoff", []any{GuestBuffer, GuestBuffer + 4096, 1, GuestResult}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewCancellableGuest(t)
			c.prepare(t, g)
			for round, delay := 0, 20*time.Millisecond; round < 3; round++ {
				ctx, cancel := context.WithCancel(context.Background())
				name, args := c.call(g)
				start := time.Now()
				time.AfterFunc(delay, cancel)
				_, err := g.Instance.GetFunc(g.Store, name).CallContext(ctx, g.Store, args...)
				waited := time.Since(start)
				var trap *Trap
				if !errors.As(err, &trap) && errors.Is(err, context.Canceled) && delay < time.Second {
					delay *= 2 // it was over before the guest began
					round--
					continue
				}
				if waited < 10*time.Millisecond || waited > 10*time.Second {
					t.Errorf("the guest waited %v", waited)
				}
				if !errors.As(err, &trap) || !errors.Is(err, context.Canceled) {
					t.Fatalf("got %v", err)
				}
				if code := trap.Code(); code == nil || *code != Interrupt {
					t.Errorf("the trap's code is %v", code)
				}
			}
			// The interrupt is over.
			if _, errno := g.Fdstat(0); errno != ErrnoSuccess {
				t.Errorf("afterwards: errno %d", errno)
			}
			if kinds, _, _ := g.PollRead(0, uint64(time.Millisecond)); len(kinds) == 0 {
				t.Error("a poll afterwards returned nothing")
			}
		})
	}
}
