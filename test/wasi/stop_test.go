package wasi_test

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
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// newLargeGuest is newCancellableGuest with a memory of so many pages.
func newLargeGuest(t *testing.T, pages int, config *WasiConfig) *WasiGuest {
	t.Helper()
	engine := EngineWith(t, WithEpochs)
	wat := WrapperWat()
	memory := fmt.Sprintf(`(memory (export "memory") %d)`, GuestPages)
	if strings.Count(wat, memory) != 1 {
		t.Fatalf("the guest has no %s", memory)
	}
	module := Compile(t, engine, strings.Replace(wat, memory, fmt.Sprintf(`(memory (export "memory") %d)`, pages), 1))
	t.Cleanup(module.Close)
	g := NewGuestOf(t, engine, module, config)
	g.Store.SetEpochDeadline(1 << 40)
	return g
}

// A call that keeps the host busy, and waits for nothing, ends with its context, too. A call that does not look at
// its context returns without an error here: the guest does nothing more in which it could be stopped.
func TestContextEndsLongCalls(t *testing.T) {
	const subscription, event = 48, 32
	for name, c := range map[string]struct {
		pages   int
		prepare func(t *testing.T, g *WasiGuest) (function string, args []any)
	}{
		"random_get": {64<<4 + 1, func(t *testing.T, g *WasiGuest) (string, []any) {
			return "random_get", []any{GuestBuffer, 64 << 20}
		}},
		"poll_oneoff": {81 << 4, func(t *testing.T, g *WasiGuest) (string, []any) {
			const count = 1_000_000
			subs := make([]byte, count*subscription)
			for i := range count {
				subs[i*subscription+16] = 1 // the monotonic clock, at once
			}
			g.Mem.Write(GuestBuffer, subs)
			return "poll_oneoff", []any{GuestBuffer, GuestBuffer, count, GuestResult}
		}},
		"fd_readdir": {GuestPages, func(t *testing.T, g *WasiGuest) (string, []any) {
			dir := TempDir(t)
			for i := range 40_000 {
				Check(t, os.WriteFile(filepath.Join(dir, fmt.Sprint("entry ", i)), nil, 0o600))
			}
			f := Must(os.Open(dir))
			defer f.Close()
			Check(t, g.Store.InsertDir(3, f, "", READ_ONLY))
			return "fd_readdir", []any{3, GuestBuffer, 1000, int64(0), GuestResult}
		}},
		"fd_read":   {8<<4 + 1, func(t *testing.T, g *WasiGuest) (string, []any) { return transferLarge(t, g, "fd_read") }},
		"fd_pread":  {8<<4 + 1, func(t *testing.T, g *WasiGuest) (string, []any) { return transferLarge(t, g, "fd_pread") }},
		"fd_write":  {8<<4 + 1, func(t *testing.T, g *WasiGuest) (string, []any) { return transferLarge(t, g, "fd_write") }},
		"fd_pwrite": {8<<4 + 1, func(t *testing.T, g *WasiGuest) (string, []any) { return transferLarge(t, g, "fd_pwrite") }},
	} {
		if testing.Short() && name != "random_get" {
			continue // they take hundreds of megabytes, or tens of thousands of files
		}
		if OnWine() && name == "fd_readdir" {
			continue // it takes minutes to create the files
		}
		t.Run(name, func(t *testing.T) {
			g := newLargeGuest(t, c.pages, nil)
			function, args := c.prepare(t, g)
			f := g.Instance.GetFunc(g.Store, function)
			for delay := 200 * time.Microsecond; ; delay += delay / 4 {
				ctx, cancel := context.WithTimeout(context.Background(), delay)
				_, err := f.CallContext(ctx, g.Store, args...)
				cancel()
				if err == nil {
					t.Fatalf("a call that was given %v returned without an error", delay)
				}
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("got %v", err)
				}
				// A shorter time may be over before the guest has called.
				var trap *Trap
				if errors.As(err, &trap) && delay > time.Millisecond {
					WantTrap(t, err, Interrupt)
					return
				}
			}
		})
	}
}

// transferLarge prepares a call that moves 256 MiB from or to a file.
func transferLarge(t *testing.T, g *WasiGuest, function string) (string, []any) {
	const span, count = 8 << 20, 32
	f := Must(os.Create(filepath.Join(TempDir(t), "large")))
	defer f.Close()
	if strings.HasSuffix(function, "read") {
		Check(t, f.Truncate(span*count))
	}
	Insert(t, g.Store, 3, f, READ_WRITE)
	vec := make([]byte, 0, 8*count)
	for range count { // all of them are one
		vec = binary.LittleEndian.AppendUint32(vec, GuestBuffer)
		vec = binary.LittleEndian.AppendUint32(vec, span)
	}
	g.Mem.Write(GuestPath, vec)
	if strings.Contains(function, "fd_p") {
		return function, []any{3, GuestPath, count, int64(0), GuestResult}
	}
	return function, []any{3, GuestPath, count, GuestResult}
}

// endingReader ends a context when it is first read. It takes its time, as a source of random bytes may.
type endingReader struct {
	end  func()
	read int
}

func (r *endingReader) Read(p []byte) (int, error) {
	r.end()
	time.Sleep(10 * time.Millisecond)
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
	_, err := g.Instance.GetFunc(g.Store, "random_get").CallContext(ctx, g.Store, GuestBuffer, all)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	// The interrupt comes from another goroutine, so it may take a part or a few more.
	if source.read >= all/2 {
		t.Errorf("after its end the guest got %d bytes of %d", source.read, all)
	}
}
