package wasmtime_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
)

// newCancellableGuest is newWasiGuest with an engine whose guests can be interrupted.
func newCancellableGuest(t testing.TB) *wasiGuest {
	t.Helper()
	engine := newEngine(t, func(cfg *Config) { cfg.SetEpochInterruption(true) })
	wasm, err := Wat2Wasm(wrapperWat())
	if err != nil {
		t.Fatal(err)
	}
	module, err := NewModule(engine, wasm)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(module.Close)
	g := newGuestOf(t, engine, module, nil)
	g.store.SetEpochDeadline(1 << 40)
	return g
}

// A guest that waits is stopped when its context is, and the store is good for more.
func TestContextEndsWaits(t *testing.T) {
	text := strings.Repeat("x", guestRoom)
	for name, c := range map[string]struct {
		prepare func(t *testing.T, g *wasiGuest)
		call    func(g *wasiGuest) (string, []any)
	}{
		"read a pipe": {
			func(t *testing.T, g *wasiGuest) { r, _ := pipe(t); insert(t, g.store, 3, r, READ_ONLY) },
			func(g *wasiGuest) (string, []any) { g.iovec(1); return "fd_read", []any{3, guestIovec, 1, guestResult} },
		},
		"read a blocking pipe": {
			func(t *testing.T, g *wasiGuest) { r, _ := blockingPipe(t); insert(t, g.store, 3, r, READ_ONLY) },
			func(g *wasiGuest) (string, []any) { g.iovec(1); return "fd_read", []any{3, guestIovec, 1, guestResult} },
		},
		"write a pipe": {
			func(t *testing.T, g *wasiGuest) { _, w := pipe(t); insert(t, g.store, 3, w, WRITE_ONLY) },
			func(g *wasiGuest) (string, []any) {
				g.iovec(len(text))
				return "fd_write", []any{3, guestIovec, 1, guestResult}
			},
		},
		"write a blocking pipe": {
			func(t *testing.T, g *wasiGuest) { _, w := blockingPipe(t); insert(t, g.store, 3, w, WRITE_ONLY) },
			func(g *wasiGuest) (string, []any) {
				g.iovec(len(text))
				return "fd_write", []any{3, guestIovec, 1, guestResult}
			},
		},
		"read a connection": {
			func(t *testing.T, g *wasiGuest) {
				_, its := connected(t, "tcp")
				if err := g.store.InsertConn(3, its); err != nil {
					t.Fatal(err)
				}
			},
			func(g *wasiGuest) (string, []any) { g.iovec(1); return "fd_read", []any{3, guestIovec, 1, guestResult} },
		},
		"wait for all of a connection": {
			func(t *testing.T, g *wasiGuest) {
				mine, its := connected(t, networks[len(networks)-1])
				if err := g.store.InsertConn(3, its); err != nil {
					t.Fatal(err)
				}
				mine.Write([]byte("part"))
			},
			func(g *wasiGuest) (string, []any) {
				g.iovec(9)
				return "sock_recv", []any{3, guestIovec, 1, waitAll | peek, guestResult, guestResult + 8}
			},
		},
		"accept": {
			func(t *testing.T, g *wasiGuest) {
				if err := g.store.InsertListener(3, listen(t, "tcp")); err != nil {
					t.Fatal(err)
				}
			},
			func(g *wasiGuest) (string, []any) { return "sock_accept", []any{3, 0, guestResult} },
		},
		"sleep": {
			func(t *testing.T, g *wasiGuest) {},
			func(g *wasiGuest) (string, []any) {
				sub := make([]byte, 48)
				sub[16], sub[24+4] = 1, 255 // the monotonic clock, minutes
				g.mem.Write(guestBuffer, sub)
				return "poll_oneoff", []any{guestBuffer, guestBuffer + 4096, 1, guestResult}
			},
		},
		"poll": {
			func(t *testing.T, g *wasiGuest) { r, _ := pipe(t); insert(t, g.store, 3, r, READ_ONLY) },
			func(g *wasiGuest) (string, []any) {
				sub := make([]byte, 48)
				sub[8], sub[16] = 1, 3 // reading descriptor 3
				g.mem.Write(guestBuffer, sub)
				return "poll_oneoff", []any{guestBuffer, guestBuffer + 4096, 1, guestResult}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newCancellableGuest(t)
			c.prepare(t, g)
			for round, delay := 0, 20*time.Millisecond; round < 3; round++ {
				ctx, cancel := context.WithCancel(context.Background())
				name, args := c.call(g)
				start := time.Now()
				time.AfterFunc(delay, cancel)
				_, err := g.instance.GetFunc(g.store, name).CallContext(ctx, g.store, args...)
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
			if _, errno := g.fdstat(0); errno != errnoSuccess {
				t.Errorf("afterwards: errno %d", errno)
			}
			if kinds, _, _ := g.pollRead(0, uint64(time.Millisecond)); len(kinds) == 0 {
				t.Error("a poll afterwards returned nothing")
			}
		})
	}
}
