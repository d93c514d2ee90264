package wasi2_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	. "github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/ffi"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// live are the native handles that there are; a kind of which there are none counts as one that was never heard of.
func live() map[string]int {
	all := maps.Clone(ffi.Live())
	maps.DeleteFunc(all, func(_ string, n int) bool { return n == 0 })
	return all
}

// usage is what this process has: resident memory in KiB, open descriptors, goroutines and native handles. The memory
// is 0 under the race detector, whose own grows by some 7 KiB a run, for as long as there are runs. Without it, ten
// thousand runs leave one MiB.
type usage struct {
	memory, descriptors, goroutines int
	handles                         string
}

func used(t *testing.T) usage {
	t.Helper()
	debug.FreeOSMemory()
	u := usage{goroutines: runtime.NumGoroutine(), descriptors: len(Must(os.ReadDir("/proc/self/fd"))), handles: fmt.Sprint(live())}
	if Race {
		return u
	}
	for line := range bytes.Lines(Must(os.ReadFile("/proc/self/status"))) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmRSS:")); ok {
			u.memory = Must(strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(string(rest)), " kB")))
		}
	}
	return u
}

// Ten thousand runs that use something of everything, on several threads, and end in each way, leave nothing behind.
func TestRunsLeaveNothing(t *testing.T) {
	if !Survives(t) {
		return
	}
	dir := TempDir(t)
	Check(t, os.WriteFile(filepath.Join(dir, "f"), []byte("text"), 0o600))
	operations := []string{
		"open|0|f|||r", "stream-read|2|4|0", "list|0", "open|1|f|||r", "stream-read|3|4|0", "list|1", "stdin|read", "sleep|1", "random|u64",
		"hoard|streams|10|2", "hoard|tcp|2", "hoard|udp|2", "hoard|pollables|10", "hoard|stdin|3", "hoard|listed|2|1",
	}
	ends := []string{"exit|ok", "exit|bad", "abort", "sleep|100000000000", "random|secure|99999999"}
	run := func(i int) error {
		r := newTry(t, append(operations, ends[i%len(ends)])...)
		network(r)
		defer r.config.Close()
		Check(t, r.config.PreopenDir(dir, "/d", DIR_READ, FILE_READ))
		Check(t, r.config.PreopenFS(fstest.MapFS{"f": {Data: []byte("text")}}, "/m"))
		r.config.SetStdin(strings.NewReader("input"))
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		if i%len(ends) == 3 {
			time.AfterFunc(time.Duration(i%20)*time.Millisecond, cancel)
		}
		err := r.Run(ctx)
		var exit *ExitError
		switch {
		case i%len(ends) == 0 && err != nil, i%len(ends) == 1 && !errors.As(err, &exit), i%len(ends) >= 2 && err == nil:
			return fmt.Errorf("%s: %w, %s", ends[i%len(ends)], err, r.said())
		}
		return nil
	}
	round := func(n int) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for i := range n / 8 {
					if err := run(i); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	round(Rounds(1000))
	before := used(t)
	round(Rounds(5000))
	round(Rounds(5000))
	var after usage
	for range 200 { // what was stopped takes a moment to end
		after = used(t)
		if after.descriptors <= before.descriptors && after.goroutines <= before.goroutines && after.handles == before.handles && after.memory <= before.memory+32<<10 {
			t.Logf("%+v -> %+v", before, after)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%+v -> %+v", before, after)
}
