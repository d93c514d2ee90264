package wasmtime_test

import (
	"encoding/binary"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
)

// The clocks of WASI 0.1.
const (
	clockRealtime  = 0
	clockMonotonic = 1

	errnoOverflow wasiErrno = 61
)

func (g *wasiGuest) clock(id int) (uint64, wasiErrno) {
	errno := g.call("clock_time_get", id, int64(0), guestResult)
	return g.result64(), errno
}

func (g *wasiGuest) resolution(id int) (uint64, wasiErrno) {
	errno := g.call("clock_res_get", id, guestResult)
	return g.result64(), errno
}

// pollClock polls one clock and returns how the event ended.
func (g *wasiGuest) pollClock(id byte, timeout uint64, absolute bool) (wasiErrno, error) {
	sub := make([]byte, 48)
	sub[16] = id
	binary.LittleEndian.PutUint64(sub[24:], timeout)
	if absolute {
		sub[40] = 1
	}
	g.mem.Write(guestBuffer, sub)
	result, err := g.instance.GetFunc(g.store, "poll_oneoff").Call(g.store, guestBuffer, guestBuffer+4096, 1, guestResult)
	if err != nil {
		return 0, err
	}
	wantErrno(g.t, "poll_oneoff", wasiErrno(result.(int32)), errnoSuccess)
	equal(g.t, "events", g.result32(), 1)
	errno, _ := g.mem.Uint16(guestBuffer + 4096 + 8)
	return wasiErrno(errno), nil
}

func TestWasiClocks(t *testing.T) {
	now, since := time.Date(2001, 2, 3, 4, 5, 6, 789, time.FixedZone("somewhere", 3600)), 90*time.Second+1
	config := NewWasiConfig()
	config.SetWallClock(func() time.Time { return now }, time.Millisecond)
	config.SetMonotonicClock(func() time.Duration { return since }, 0)
	g := newWasiGuest(t, config)
	got, errno := g.clock(clockRealtime)
	want(t, "wall clock", got, errno, uint64(now.UnixNano()))
	got, errno = g.clock(clockMonotonic)
	want(t, "monotonic clock", got, errno, 90_000_000_001)
	got, errno = g.resolution(clockRealtime)
	want(t, "resolution of the wall clock", got, errno, 1_000_000)
	got, errno = g.resolution(clockMonotonic)
	want(t, "resolution of the monotonic clock", got, errno, 1)
	for id := 2; id < 4; id++ {
		_, errno = g.clock(id)
		wantErrno(t, "a processor's clock", errno, errnoBadf)
	}

	now, since = time.Unix(0, 0), 0
	got, errno = g.clock(clockRealtime)
	want(t, "1970", got, errno, 0)
	got, errno = g.clock(clockMonotonic)
	want(t, "the beginning", got, errno, 0)
	now, since = time.Date(2554, 7, 21, 0, 0, 0, 0, time.UTC), 1<<63-1
	got, errno = g.clock(clockRealtime)
	want(t, "2554", got, errno, uint64(now.Unix())*1e9)
	got, errno = g.clock(clockMonotonic)
	want(t, "the end", got, errno, 1<<63-1)
	now = time.Date(2555, 1, 1, 0, 0, 0, 0, time.UTC)
	_, errno = g.clock(clockRealtime)
	wantErrno(t, "2555", errno, errnoOverflow)
}

// Nil is the host's own, as if nothing had been set.
func TestWasiClocksOfTheHost(t *testing.T) {
	config := NewWasiConfig()
	config.SetWallClock(func() time.Time { return time.Unix(1, 0) }, time.Hour)
	config.SetMonotonicClock(func() time.Duration { return 1 }, time.Hour)
	config.SetWallClock(nil, 0)
	config.SetMonotonicClock(nil, 0)
	g := newWasiGuest(t, config)
	got, errno := g.clock(clockRealtime)
	wantErrno(t, "wall clock", errno, errnoSuccess)
	if off := time.Since(time.Unix(0, int64(got))).Abs(); off > time.Minute {
		t.Errorf("the wall clock is %v off", off)
	}
	first, _ := g.clock(clockMonotonic)
	second, _ := g.clock(clockMonotonic)
	if first == 1 || second < first {
		t.Errorf("the monotonic clock says %d, %d", first, second)
	}
	if got, _ := g.resolution(clockRealtime); got >= uint64(time.Hour) {
		t.Errorf("resolution %d", got)
	}
}

// A time that WASI cannot have ends the guest, not silently and not for good.
func TestWasiClocksBeforeTheirBeginning(t *testing.T) {
	var now time.Time
	since := -time.Nanosecond
	config := NewWasiConfig()
	config.SetWallClock(func() time.Time { return now }, 1)
	config.SetMonotonicClock(func() time.Duration { return since }, 1)
	g := newWasiGuest(t, config)
	for id, text := range []string{"before 1970", "before its beginning"} {
		_, err := g.instance.GetFunc(g.store, "clock_time_get").Call(g.store, id, int64(0), guestResult)
		wantText(t, err, text)
		_, err = g.pollClock(byte(id), 1, true)
		wantText(t, err, text)
	}
	now, since = time.Unix(1, 0), 1
	_, errno := g.clock(clockRealtime)
	wantErrno(t, "afterwards", errno, errnoSuccess)
}

// A wait takes the host's time. What the clock says counts for absolute times, when the wait begins.
func TestWasiClocksAndPoll(t *testing.T) {
	asked := 0
	now := func() time.Time { asked++; return time.Unix(1<<32, 0) }
	config := NewWasiConfig()
	config.SetWallClock(now, 1)
	config.SetMonotonicClock(func() time.Duration { return time.Duration(now().UnixNano()) }, 1)
	g := newWasiGuest(t, config)
	const at, wait = uint64(1<<32) * 1e9, uint64(20 * time.Millisecond)
	for id := byte(0); id < 2; id++ {
		asked = 0
		for _, c := range []struct {
			name     string
			timeout  uint64
			absolute bool
			least    uint64
		}{
			{"none", 0, false, 0},
			{"relative", wait, false, wait},
			{"absolute", at + wait, true, wait},
			{"now", at, true, 0},
			{"past", 5, true, 0},
		} {
			start := time.Now()
			errno, err := g.pollClock(id, c.timeout, c.absolute)
			check(t, err)
			wantErrno(t, c.name, errno, errnoSuccess)
			if took := time.Since(start); took < time.Duration(c.least) || took > time.Minute {
				t.Errorf("clock %d, %s: waited %v", id, c.name, took)
			}
		}
		equal(t, "questions", asked, 3)
	}
	if _, errno := g.fdstat(0); errno != errnoSuccess {
		t.Errorf("afterwards: %d", errno)
	}
}

// A clock that takes long to say what time it is does not make the guest wake up early.
func TestWasiSlowClockAndPoll(t *testing.T) {
	const slow, wait = 30 * time.Millisecond, 20 * time.Millisecond
	config := NewWasiConfig()
	config.SetMonotonicClock(func() time.Duration { time.Sleep(slow); return 0 }, 1)
	g := newWasiGuest(t, config)
	start := time.Now()
	_, err := g.pollClock(clockMonotonic, uint64(wait), true)
	check(t, err)
	if took := time.Since(start); took < slow+wait {
		t.Errorf("woke up after %v", took)
	}
}

// An absolute time of a clock that says no time of WASI is EOVERFLOW for its subscription.
func TestWasiClockOverflowInPoll(t *testing.T) {
	config := NewWasiConfig()
	config.SetWallClock(func() time.Time { return time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC) }, 1)
	g := newWasiGuest(t, config)
	errno, err := g.pollClock(clockRealtime, 1, true)
	check(t, err)
	wantErrno(t, "an event", errno, errnoOverflow)
}

func BenchmarkWasiWallClock(b *testing.B) {
	for name, config := range map[string]*WasiConfig{"host": NewWasiConfig(), "go": NewWasiConfig()} {
		if now := time.Unix(5, 0); name == "go" {
			config.SetWallClock(func() time.Time { return now }, 1)
		}
		b.Run(name, func(b *testing.B) {
			g := newWasiGuest(b, config)
			get := must(Bind3[int32, int64, int32, int32](g.store, g.instance.GetFunc(g.store, "clock_time_get")))
			b.ReportAllocs()
			for b.Loop() {
				if errno, err := get.Call(clockRealtime, 0, guestResult); errno != 0 || err != nil {
					b.Fatal(errno, err)
				}
			}
		})
	}
}
