package wasmtime

import (
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gowasmtime/wasmtime/ffi"
)

// What stores hold is outside of Go's heap: address space, places in an engine's pool. The garbage collector does not
// see it, and may be in no hurry to find stores that nobody has closed. So what stores hold is counted, and much of it
// starts a collection; and whoever lacks room tries again when garbage has been collected.

// held is what open stores hold, those included that are garbage and have not been found.
var held = newLedger()

// fewHeld is how much may be held before anything is collected for it. It is small beside what a process can hold:
// some 30,000 memories of 4 GiB with their guards are all the address space of a process on amd64.
const fewHeld = 4096

// ledger counts what is held.
type ledger struct {
	// stores are open. Their instances and memories have taken so many places since the process began, and given so
	// many back.
	stores, taken, given atomic.Int64
	// found are those of them that were found to be garbage.
	found atomic.Int64
	// enough is where the next collection begins.
	enough atomic.Int64

	// collecting is held by whoever collects garbage.
	collecting sync.Mutex
	// ended is the time of the last collection. useful says that it has found any place; begun is what had been taken
	// when it began.
	ended  time.Time
	begun  int64
	useful bool
}

func newLedger() *ledger {
	l := &ledger{}
	l.enough.Store(fewHeld)
	return l
}

// places is how many are taken.
func (l *ledger) places() int64 { return l.taken.Load() - l.given.Load() }

func (l *ledger) all() int64 { return l.stores.Load() + l.places() }

// relieve collects garbage if a lot is held, unless somebody does. The next time is when twice as much is held as is
// left: so a program that has many open stores pays for one collection each time their number doubles, and one that
// closes its stores for none.
func (l *ledger) relieve() {
	if l.all() <= l.enough.Load() || !l.collecting.TryLock() {
		return
	}
	defer l.collecting.Unlock()
	if l.all() > l.enough.Load() {
		l.collectLocked()
	}
}

// Who lacks room for good fails at once: a collection that has found no place is not followed by another for the length
// of a pause, unless places have been taken since it began. Who can wait leaves a longer pause in any case.
const (
	pause     = 100 * time.Millisecond
	longPause = time.Second
	many      = 4
)

// A need is that of somebody who has failed for want of room, and tries again when garbage has been collected, by it or
// by others. Once may not be enough: others may take what was found. If nothing is found, that is the end of it.
type need struct {
	collected, others int
	// patient says that it can wait: others close their stores soon, and a program that does needs no collections.
	patient bool
}

// met collects garbage after a failure, and tells whether it makes sense to try again.
func (n *need) met(l *ledger, err ffi.Error) bool {
	if n.collected == 10 || n.others == 100 || !lacksRoom(err) {
		return false
	}
	collected, again := l.makeRoom(n.patient)
	if collected {
		n.collected++
	} else {
		n.others++
	}
	return again
}

// makeRoom collects garbage for somebody who has just failed for want of room, unless somebody else has. It tells
// whether it makes sense to try again.
func (l *ledger) makeRoom(patient bool) (collected, again bool) {
	failed := time.Now()
	l.collecting.Lock()
	defer l.collecting.Unlock()
	switch {
	case l.ended.After(failed): // somebody else's collection
		return false, true
	case patient && !l.useful && time.Since(l.ended) < longPause:
		return false, false
	case !l.useful && l.taken.Load() < l.begun+many && time.Since(l.ended) < pause:
		return false, false
	}
	l.collectLocked()
	return true, true
}

// collectLocked collects garbage, and lets the cleanups of what it has found finish.
func (l *ledger) collectLocked() {
	found := l.found.Load()
	l.begun = l.taken.Load()
	runtime.GC()
	awaitCleanups()
	l.ended, l.useful = time.Now(), l.found.Load() > found
	l.enough.Store(max(fewHeld, 2*l.all()))
}

// awaitCleanups waits for the cleanups that a collection has queued, as long as they go on: one of the program's own
// may never return.
func awaitCleanups() {
	const patience = 200 * time.Millisecond
	counts := []metrics.Sample{{Name: "/gc/cleanups/queued:cleanups"}, {Name: "/gc/cleanups/executed:cleanups"}}
	count := func(i int) uint64 {
		metrics.Read(counts)
		if counts[i].Value.Kind() != metrics.KindUint64 {
			return 0
		}
		return counts[i].Value.Uint64()
	}
	queued, executed, last := count(0), count(1), time.Now()
	for executed < queued && time.Since(last) < patience {
		time.Sleep(20 * time.Microsecond)
		if now := count(1); now != executed {
			executed, last = now, time.Now()
		}
	}
}

// lacksRoom tells whether something failed for want of what stores hold.
func lacksRoom(err ffi.Error) bool {
	switch err.Code() {
	case ffi.ErrorPoolFull:
		return true
	case ffi.ErrorOther:
		message := err.Message()
		for _, sign := range outOfMemory {
			if strings.Contains(message, sign) {
				return true
			}
		}
	}
	return false
}

// outOfMemory is how the native library says that the operating system has no memory or address space left. The numbers
// are ENOMEM, and on Windows ERROR_NOT_ENOUGH_MEMORY and ERROR_COMMITMENT_LIMIT.
var outOfMemory = []string{"mmap failed", "(os error 12)", "(os error 8)", "(os error 1455)"}

// withRoom does something that takes room, again when garbage has been collected if there is none.
func withRoom(f func() ffi.Error) ffi.Error {
	n := need{}
	for {
		err := f()
		if err.IsNil() || !n.met(held, err) {
			return err
		}
		err.Delete()
	}
}
