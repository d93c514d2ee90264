package relay_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// soakBytes is how much goes through the relays: a GiB with -whole.
func soakBytes() int64 {
	if testing.Short() || Debug || Race {
		return 32 << 20
	}
	return int64(Sample(1<<30, 128<<20))
}

// soakRuns is what connection i is used for: most carry all that is to be carried, the others end as they can.
func soakRuns(i int) string {
	whole := []string{"echo", "both ways", "request", "stall"}
	cut := []string{"reset by the client", "reset by the server", "vanish", "silence", "stop", "host gone", "context", "nothing"}
	if i%5 == 4 {
		return cut[i/5%len(cut)]
	}
	return whole[i%5]
}

// soak runs so many relays at once, which carry at least so many bytes, and returns how many they carried.
func soak(h *relayHost, relays int, bytes int64) (int64, error) {
	each := bytes*5/8/int64(relays) + 1 // in both directions of four relays out of five
	var begin, over sync.WaitGroup
	begin.Add(relays)
	errs := make([]error, relays)
	for i := range relays {
		over.Go(func() {
			name := soakRuns(i)
			run := relayRuns[name]
			r, err := h.start("", run)
			begin.Done()
			if err != nil {
				errs[i] = err
				return
			}
			defer r.close()
			begin.Wait() // all are there before the first one goes
			if err := run.do(r, each); err != nil {
				errs[i] = fmt.Errorf("relay %d, %s: %w", i, name, err)
			}
		})
	}
	over.Wait()
	return h.moved.Swap(0), errors.Join(errs...)
}

// processUse is what a process has of what relays could leave behind.
type processUse struct{ fds, goroutines, threads int }

func useOfProcess(t *testing.T) (u processUse) {
	t.Helper()
	count := func(dir string) int {
		entries, err := os.ReadDir(dir)
		Check(t, err)
		return len(entries)
	}
	return processUse{count("/proc/self/fd"), runtime.NumGoroutine(), count("/proc/self/task")}
}

// Two hundred relays at once, with peers of all kinds, leave no descriptor, goroutine or thread behind.
func TestRelaySoak(t *testing.T) {
	if !Survives(t) {
		return
	}
	collects := make(chan struct{})
	var collector sync.WaitGroup
	collector.Go(func() {
		for {
			select {
			case <-collects:
				return
			default:
				runtime.GC()
			}
		}
	})
	defer func() { close(collects); collector.Wait() }()
	for _, c := range []struct {
		language string
		relays   int
		bytes    int64
	}{{"C", 200, soakBytes()}, {"Rust", 200, soakBytes() / 2}, {"Go", 200, soakBytes() / 4}} {
		h := relayGuests[c.language](t)
		// Go keeps the threads that it once needed.
		_, err := soak(h, c.relays, 0)
		Check(t, err)
		var before processUse
		Collected(t, "the relays that came first", func() bool {
			was := before
			before = useOfProcess(t)
			return was == before
		})
		start := time.Now()
		moved, err := soak(h, c.relays, c.bytes)
		Check(t, err)
		t.Logf("%s: %d relays, %d MiB in %v", c.language, c.relays, moved>>20, time.Since(start))
		if moved < c.bytes {
			t.Errorf("%d bytes were moved, want %d", moved, c.bytes)
		}
		var after processUse
		Collected(t, "what the relays left behind: "+strconv.Itoa(c.relays), func() bool {
			after = useOfProcess(t)
			return after.fds <= before.fds && after.goroutines <= before.goroutines
		})
		// How many threads were needed at once is a little different each time.
		if after.threads > before.threads+c.relays/10 {
			t.Errorf("%d threads before, %d after", before.threads, after.threads)
		}
		t.Logf("%+v -> %+v", before, after)
	}
}
