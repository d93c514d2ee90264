package wasmtime_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
)

// newLargeGuest is newCancellableGuest with a memory of so many pages.
func newLargeGuest(t *testing.T, pages int, config *WasiConfig) *wasiGuest {
	t.Helper()
	engine := newEngine(t, withEpochs)
	wat := wrapperWat()
	memory := fmt.Sprintf(`(memory (export "memory") %d)`, guestPages)
	if strings.Count(wat, memory) != 1 {
		t.Fatalf("the guest has no %s", memory)
	}
	module := compile(t, engine, strings.Replace(wat, memory, fmt.Sprintf(`(memory (export "memory") %d)`, pages), 1))
	t.Cleanup(module.Close)
	g := newGuestOf(t, engine, module, config)
	g.store.SetEpochDeadline(1 << 40)
	return g
}

// A call that keeps the host busy, and waits for nothing, ends with its context, too. A call that does not look at its context
// returns without an error here: the guest does nothing more in which it could be stopped.
func TestContextEndsLongCalls(t *testing.T) {
	const subscription, event = 48, 32
	for name, c := range map[string]struct {
		pages   int
		prepare func(t *testing.T, g *wasiGuest) (function string, args []any)
	}{
		"random_get": {64<<4 + 1, func(t *testing.T, g *wasiGuest) (string, []any) {
			return "random_get", []any{guestBuffer, 64 << 20}
		}},
		"poll_oneoff": {81 << 4, func(t *testing.T, g *wasiGuest) (string, []any) {
			const count = 1_000_000
			subs := make([]byte, count*subscription)
			for i := range count {
				subs[i*subscription+16] = 1 // the monotonic clock, at once
			}
			g.mem.Write(guestBuffer, subs)
			return "poll_oneoff", []any{guestBuffer, guestBuffer, count, guestResult}
		}},
		"fd_readdir": {guestPages, func(t *testing.T, g *wasiGuest) (string, []any) {
			dir := tempDir(t)
			for i := range 20_000 {
				check(t, os.WriteFile(filepath.Join(dir, fmt.Sprint("entry ", i)), nil, 0o600))
			}
			f := must(os.Open(dir))
			defer f.Close()
			check(t, g.store.InsertDir(3, f, "", READ_ONLY))
			return "fd_readdir", []any{3, guestBuffer, 1000, int64(0), guestResult}
		}},
		"fd_read":   {8<<4 + 1, func(t *testing.T, g *wasiGuest) (string, []any) { return transferLarge(t, g, "fd_read") }},
		"fd_pread":  {8<<4 + 1, func(t *testing.T, g *wasiGuest) (string, []any) { return transferLarge(t, g, "fd_pread") }},
		"fd_write":  {8<<4 + 1, func(t *testing.T, g *wasiGuest) (string, []any) { return transferLarge(t, g, "fd_write") }},
		"fd_pwrite": {8<<4 + 1, func(t *testing.T, g *wasiGuest) (string, []any) { return transferLarge(t, g, "fd_pwrite") }},
	} {
		t.Run(name, func(t *testing.T) {
			g := newLargeGuest(t, c.pages, nil)
			function, args := c.prepare(t, g)
			f := g.instance.GetFunc(g.store, function)
			for delay := 200 * time.Microsecond; ; delay += delay / 4 {
				ctx, cancel := context.WithTimeout(context.Background(), delay)
				_, err := f.CallContext(ctx, g.store, args...)
				cancel()
				if err == nil {
					t.Fatalf("a call that was given %v returned without an error", delay)
				}
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("got %v", err)
				}
				// A shorter time may be over before the guest has called.
				var trap *Trap
				if errors.As(err, &trap) && delay > 2*time.Millisecond {
					wantTrap(t, err, Interrupt)
					return
				}
			}
		})
	}
}

// transferLarge prepares a call that moves 256 MiB from or to a file.
func transferLarge(t *testing.T, g *wasiGuest, function string) (string, []any) {
	const span, count = 8 << 20, 32
	f := must(os.Create(filepath.Join(tempDir(t), "large")))
	defer f.Close()
	if strings.HasSuffix(function, "read") {
		check(t, f.Truncate(span*count))
	}
	insert(t, g.store, 3, f, READ_WRITE)
	vec := make([]byte, 0, 8*count)
	for range count { // all of them are one
		vec = binary.LittleEndian.AppendUint32(vec, guestBuffer)
		vec = binary.LittleEndian.AppendUint32(vec, span)
	}
	g.mem.Write(guestPath, vec)
	if strings.Contains(function, "fd_p") {
		return function, []any{3, guestPath, count, int64(0), guestResult}
	}
	return function, []any{3, guestPath, count, guestResult}
}

// endingReader ends a context when it is first read.
type endingReader struct {
	end  func()
	read int
}

func (r *endingReader) Read(p []byte) (int, error) {
	r.end()
	r.read += len(p)
	return len(p), nil
}

// Random bytes of the host's program are asked for in parts, so that the guest stops before it has had all.
func TestContextEndsServedRandom(t *testing.T) {
	const all = 64 << 20
	ctx, cancel := context.WithCancel(context.Background())
	source := &endingReader{end: cancel}
	config := NewWasiConfig()
	config.SetSecureRandom(source)
	g := newLargeGuest(t, all>>16+1, config)
	_, err := g.instance.GetFunc(g.store, "random_get").CallContext(ctx, g.store, guestBuffer, all)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	// The interrupt comes from another goroutine, so it may take a part or a few more.
	if source.read >= all/2 {
		t.Errorf("after its end the guest got %d bytes of %d", source.read, all)
	}
}
