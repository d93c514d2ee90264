package wasmtime

import (
	"fmt"
	"time"

	"github.com/gowasmtime/wasmtime/ffi"
)

// SetWallClock makes now the guest's wall clock, in place of the host's; nil is the host's again. resolution is what the guest is
// told about it: the time between two of its ticks. Less than a nanosecond is taken as one.
//
// now is called in the middle of the guest's call, by every store that is given the configuration, and so by several goroutines
// at once if they are used by several. It must not use the store. A panic, or a time before 1970, ends the guest and comes
// out of the call that runs it. A guest of WASI 0.1 that asks for a time after the year 2554 gets EOVERFLOW.
//
// A clock tells the time; it does not make it pass. A guest that sleeps, or polls with a timeout, waits in the host's time. If
// it does so until a time of the clock, that is asked once, when the wait begins, and the guest waits for the difference. Times
// of files are the host's. See wasmtime_wasi::WasiCtxBuilder::wall_clock.
func (c *WasiConfig) SetWallClock(now func() time.Time, resolution time.Duration) {
	system := c.useSystem()
	system.wallClock = now
	system.spec.WallClock = ffi.WasiClock{Served: now != nil, Resolution: nanoseconds(resolution)}
}

// SetMonotonicClock makes now the guest's monotonic clock: the time since any moment, which never falls. Everything else is as
// with [WasiConfig.SetWallClock].
//
// A guest with timers of its own, such as a Go program, looks at this clock after every wait. If the clock stands still, it goes
// on waiting; one that goes on a little whenever it is asked is as repeatable. It should not be 0, which a Go program takes
// for a broken clock: it ends with "nanotime returning zero". See
// wasmtime_wasi::WasiCtxBuilder::monotonic_clock.
func (c *WasiConfig) SetMonotonicClock(now func() time.Duration, resolution time.Duration) {
	system := c.useSystem()
	system.monotonicClock = now
	system.spec.MonotonicClock = ffi.WasiClock{Served: now != nil, Resolution: nanoseconds(resolution)}
}

// nanoseconds is a resolution as a guest gets it.
func nanoseconds(resolution time.Duration) uint64 { return uint64(max(resolution, 1)) }

// onWallClock and onMonotonicClock tell a guest the time.

func onWallClock(env uint64, now *ffi.WasiTime) ffi.Error {
	sys := systems.get(env)
	return sys.serve(func() error {
		t := sys.wallClock()
		if t.Unix() < 0 {
			return fmt.Errorf("the wall clock says %v, which is before 1970 and so no time in WASI", t)
		}
		now.Seconds, now.Nanoseconds = uint64(t.Unix()), uint32(t.Nanosecond())
		return nil
	})
}

func onMonotonicClock(env uint64, now *ffi.WasiTime) ffi.Error {
	sys := systems.get(env)
	return sys.serve(func() error {
		d := sys.monotonicClock()
		if d < 0 {
			return fmt.Errorf("the monotonic clock says %v, which is before its beginning", d)
		}
		now.Seconds, now.Nanoseconds = uint64(d/time.Second), uint32(d%time.Second)
		return nil
	})
}
