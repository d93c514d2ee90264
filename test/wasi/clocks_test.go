package wasi_test

import (
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestWasiClocks(t *testing.T) {
	now, since := time.Date(2001, 2, 3, 4, 5, 6, 789, time.FixedZone("somewhere", 3600)), 90*time.Second+1
	config := NewWasiConfig()
	config.SetWallClock(func() time.Time { return now }, time.Millisecond)
	config.SetMonotonicClock(func() time.Duration { return since }, 0)
	g := NewWasiGuest(t, config)
	got, errno := g.Clock(ClockRealtime)
	Want(t, "wall clock", got, errno, uint64(now.UnixNano()))
	got, errno = g.Clock(ClockMonotonic)
	Want(t, "monotonic clock", got, errno, 90_000_000_001)
	got, errno = g.Resolution(ClockRealtime)
	Want(t, "resolution of the wall clock", got, errno, 1_000_000)
	got, errno = g.Resolution(ClockMonotonic)
	Want(t, "resolution of the monotonic clock", got, errno, 1)
	for id := 2; id < 4; id++ {
		_, errno = g.Clock(id)
		WantErrno(t, "a processor's clock", errno, ErrnoBadf)
	}

	now, since = time.Unix(0, 0), 0
	got, errno = g.Clock(ClockRealtime)
	Want(t, "1970", got, errno, 0)
	got, errno = g.Clock(ClockMonotonic)
	Want(t, "the beginning", got, errno, 0)
	now, since = time.Date(2554, 7, 21, 0, 0, 0, 0, time.UTC), 1<<63-1
	got, errno = g.Clock(ClockRealtime)
	Want(t, "2554", got, errno, uint64(now.Unix())*1e9)
	got, errno = g.Clock(ClockMonotonic)
	Want(t, "the end", got, errno, 1<<63-1)
	now = time.Date(2555, 1, 1, 0, 0, 0, 0, time.UTC)
	_, errno = g.Clock(ClockRealtime)
	WantErrno(t, "2555", errno, ErrnoOverflow)
}

// Nil is the host's own, as if nothing had been set.
func TestWasiClocksOfTheHost(t *testing.T) {
	config := NewWasiConfig()
	config.SetWallClock(func() time.Time { return time.Unix(1, 0) }, time.Hour)
	config.SetMonotonicClock(func() time.Duration { return 1 }, time.Hour)
	config.SetWallClock(nil, 0)
	config.SetMonotonicClock(nil, 0)
	g := NewWasiGuest(t, config)
	got, errno := g.Clock(ClockRealtime)
	WantErrno(t, "wall clock", errno, ErrnoSuccess)
	if off := time.Since(time.Unix(0, int64(got))).Abs(); off > time.Minute {
		t.Errorf("the wall clock is %v off", off)
	}
	first, _ := g.Clock(ClockMonotonic)
	second, _ := g.Clock(ClockMonotonic)
	if first == 1 || second < first {
		t.Errorf("the monotonic clock says %d, %d", first, second)
	}
	if got, _ := g.Resolution(ClockRealtime); got >= uint64(time.Hour) {
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
	g := NewWasiGuest(t, config)
	for id, text := range []string{"before 1970", "before its beginning"} {
		_, err := g.Instance.GetFunc(g.Store, "clock_time_get").Call(g.Store, id, int64(0), GuestResult)
		WantText(t, err, text)
		_, err = g.PollClock(byte(id), 1, true)
		WantText(t, err, text)
	}
	now, since = time.Unix(1, 0), 1
	_, errno := g.Clock(ClockRealtime)
	WantErrno(t, "afterwards", errno, ErrnoSuccess)
}

// A wait takes the host's time. What the clock says counts for absolute times, when the wait begins.
func TestWasiClocksAndPoll(t *testing.T) {
	asked := 0
	now := func() time.Time { asked++; return time.Unix(1<<32, 0) }
	config := NewWasiConfig()
	config.SetWallClock(now, 1)
	config.SetMonotonicClock(func() time.Duration { return time.Duration(now().UnixNano()) }, 1)
	g := NewWasiGuest(t, config)
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
			errno, err := g.PollClock(id, c.timeout, c.absolute)
			Check(t, err)
			WantErrno(t, c.name, errno, ErrnoSuccess)
			if took := time.Since(start); took < time.Duration(c.least) || took > time.Minute {
				t.Errorf("clock %d, %s: waited %v", id, c.name, took)
			}
		}
		Equal(t, "questions", asked, 3)
	}
	if _, errno := g.Fdstat(0); errno != ErrnoSuccess {
		t.Errorf("afterwards: %d", errno)
	}
}

// A clock that takes long to say what time it is does not make the guest wake up early.
func TestWasiSlowClockAndPoll(t *testing.T) {
	const slow, wait = 30 * time.Millisecond, 20 * time.Millisecond
	config := NewWasiConfig()
	config.SetMonotonicClock(func() time.Duration { time.Sleep(slow); return 0 }, 1)
	g := NewWasiGuest(t, config)
	start := time.Now()
	_, err := g.PollClock(ClockMonotonic, uint64(wait), true)
	Check(t, err)
	if took := time.Since(start); took < slow+wait {
		t.Errorf("woke up after %v", took)
	}
}

// An absolute time of a clock that says no time of WASI is EOVERFLOW for its subscription.
func TestWasiClockOverflowInPoll(t *testing.T) {
	config := NewWasiConfig()
	config.SetWallClock(func() time.Time { return time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC) }, 1)
	g := NewWasiGuest(t, config)
	errno, err := g.PollClock(ClockRealtime, 1, true)
	Check(t, err)
	WantErrno(t, "an event", errno, ErrnoOverflow)
}

func BenchmarkWasiWallClock(b *testing.B) {
	for name, config := range map[string]*WasiConfig{"host": NewWasiConfig(), "go": NewWasiConfig()} {
		if now := time.Unix(5, 0); name == "go" {
			config.SetWallClock(func() time.Time { return now }, 1)
		}
		b.Run(name, func(b *testing.B) {
			g := NewWasiGuest(b, config)
			get := Must(Bind3[int32, int64, int32, int32](g.Store, g.Instance.GetFunc(g.Store, "clock_time_get")))
			b.ReportAllocs()
			for b.Loop() {
				if errno, err := get.Call(ClockRealtime, 0, GuestResult); errno != 0 || err != nil {
					b.Fatal(errno, err)
				}
			}
		})
	}
}
