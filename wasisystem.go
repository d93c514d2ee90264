package wasmtime

import (
	"io"
	"net/netip"
	"time"

	"github.com/gowasmtime/wasmtime/ffi"
)

// wasiSystem is what the system is for a guest besides its files. What is not set is the host's own.
type wasiSystem struct {
	spec            ffi.WasiSystem
	wallClock       func() time.Time
	monotonicClock  func() time.Duration
	secureRandom    io.Reader
	insecureRandom  io.Reader
	socketAddrCheck func(addr netip.AddrPort, use SocketAddrUse) bool
}

// useSystem is use for those who set a part of the system.
func (c *WasiConfig) useSystem() *wasiSystem {
	c.use()
	if c.system == nil {
		c.system = &wasiSystem{}
	}
	return c.system
}

// SetInitialDir makes dir the current directory that a component starts in. A guest of WASI 0.1 has none, and cannot notice;
// one written in Go takes the variable PWD for it. See wasmtime_wasi::WasiCtxBuilder::initial_cwd.
func (c *WasiConfig) SetInitialDir(dir string) { c.useSystem().spec.InitialDir = &dir }

// servedSystem is a wasiSystem as one store has it: what C calls by a number.
type servedSystem struct {
	wasiSystem
	// entry is where the store is found during a guest's call: it does not keep the store alive, as the table would.
	entry **state
	// panics are those of address checks.
	panics latePanics
}

// systems are those of all stores.
var systems registry[servedSystem]

// serveSystem gives a store's guests the parts of the system that Go serves, and returns their number. forget takes it back;
// it is for when C has not got the number.
func (s *state) serveSystem(system *wasiSystem) (env uint64, forget func()) {
	if system == nil || !system.spec.Serves() {
		return 0, nothing
	}
	number := systems.add(&servedSystem{wasiSystem: *system, entry: s.entry})
	return number, func() { systems.remove(number) }
}

// serve runs f in the middle of a guest's WASI call. What f returns, or panics with, ends the guest and comes out of the call
// that the guest is part of.
func (sys *servedSystem) serve(f func() error) (failed ffi.Error) {
	s, stopped := *sys.entry, false
	s.serveGuest(func() {
		sys.panics.raise()
		if err := f(); err != nil {
			s.hostErr = err
			failed = ffi.NewError(err.Error())
		}
	}, func() { stopped = true })
	if stopped {
		failed = ffi.NewError("go panicked")
	}
	return failed
}
