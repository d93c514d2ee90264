package wasmtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"time"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/registry"
	"github.com/gowasmtime/wasmtime/internal/served"
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

// changeSystem is mustChange for those who set a part of the system.
func (c *WasiConfig) changeSystem() *wasiSystem {
	c.mustChange()
	if c.system == nil {
		c.system = &wasiSystem{}
	}
	return c.system
}

// SetInitialDir is for components, with WASI 0.2: it makes dir the current directory
// that one starts in. A guest of WASI 0.1 has none, and cannot notice; one written in Go takes the variable PWD for it.
// See wasmtime_wasi::WasiCtxBuilder::initial_cwd.
func (c *WasiConfig) SetInitialDir(dir string) { c.changeSystem().spec.InitialDir = &dir }

// servedSystem is a wasiSystem as one store has it: what C calls by a number.
type servedSystem struct {
	wasiSystem
	host *storeSlot
	// panics are those of address checks.
	panics served.Panics
}

// systems finds those of all stores. The stores keep them.
var systems registry.Registry[servedSystem]

// serveSystem gives a store's guests the parts of the system that Go serves, and returns their number. forget takes
// it back; it is for when C has not got the number.
func (s *state) serveSystem(system *wasiSystem) (env uint64, forget func()) {
	if system == nil || !system.spec.Serves() {
		return 0, func() {}
	}
	number := systems.Add(&s.belongings().systems, &servedSystem{wasiSystem: *system, host: s.slot})
	return number, func() { systems.Remove(number) }
}

// serve runs f in the middle of a guest's WASI call. What f returns, or panics with, ends the guest and comes out of
// the call that the guest is part of.
func (sys *servedSystem) serve(f func() error) (failed ffi.Error) {
	stopped := false
	served.Call(sys.host, func(context.Context) {
		sys.panics.Raise()
		if err := f(); err != nil {
			(*sys.host.entry).hostErr = err
			failed = ffi.NewError(err.Error())
		}
	}, func() { stopped = true })
	if stopped {
		failed = ffi.NewError(errPanicked.Error())
	}
	return failed
}

// SetWallClock makes now the guest's wall clock, in place of the host's; nil is the host's again. resolution is what
// the guest is told about it: the time between two of its ticks. Less than a nanosecond is taken as one.
//
// now is called in the middle of the guest's call, by every store that is given the configuration, and so by several
// goroutines at once if they are used by several. It must not use the store, which is an error then that wraps
// [ErrConcurrentUse]. A panic, or a time before 1970, ends the
// guest and comes out of the call that runs it. A guest of WASI 0.1 that asks for a time after the year 2554 gets
// EOVERFLOW.
//
// A clock tells the time; it does not make it pass. A guest that sleeps, or polls with a timeout, waits in the host's
// time. If it does so until a time of the clock, that is asked once, when the wait begins, and the guest waits for
// the difference. Times of files are the host's. See wasmtime_wasi::WasiCtxBuilder::wall_clock.
func (c *WasiConfig) SetWallClock(now func() time.Time, resolution time.Duration) {
	system := c.changeSystem()
	system.wallClock = now
	system.spec.WallClock = ffi.WasiClock{Served: now != nil, Resolution: nanoseconds(resolution)}
}

// SetMonotonicClock makes now the guest's monotonic clock: the time since any moment, which never falls. Everything
// else is as with [WasiConfig.SetWallClock].
//
// A guest with timers of its own, such as a Go program, looks at this clock after every wait. If the clock stands
// still, it goes on waiting; one that goes on a little whenever it is asked is as repeatable. It should not be 0,
// which a Go program takes for a broken clock: it ends with "nanotime returning zero". See
// wasmtime_wasi::WasiCtxBuilder::monotonic_clock.
func (c *WasiConfig) SetMonotonicClock(now func() time.Duration, resolution time.Duration) {
	system := c.changeSystem()
	system.monotonicClock = now
	system.spec.MonotonicClock = ffi.WasiClock{Served: now != nil, Resolution: nanoseconds(resolution)}
}

// nanoseconds is a resolution as a guest gets it.
func nanoseconds(resolution time.Duration) uint64 { return uint64(max(resolution, 1)) }

// onWallClock and onMonotonicClock tell a guest the time.

func onWallClock(env uint64, now *ffi.WasiTime) ffi.Error {
	sys := systems.Get(env)
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
	sys := systems.Get(env)
	return sys.serve(func() error {
		d := sys.monotonicClock()
		if d < 0 {
			return fmt.Errorf("the monotonic clock says %v, which is before its beginning", d)
		}
		now.Seconds, now.Nanoseconds = uint64(d/time.Second), uint32(d%time.Second)
		return nil
	})
}

// SetSecureRandom makes r the source of the guest's random bytes, in place of the host's generator; nil is the host's
// again. Guests rely on such bytes being unpredictable, for keys as well as for hash tables: a source that repeats
// itself is for tests and for programs that have to be repeatable.
//
// r is read in the middle of the guest's call, as often as it takes, and a guest of WASI 0.1 gets its bytes in their
// order. Every store that is given the configuration reads it, so it has to be safe for use by several goroutines if
// the stores are used by several. It must not use the store, as a clock must not, and a guest cannot be stopped while
// it reads.
//
// An error, [io.EOF] included, ends the guest, which never gets other bytes instead. The call that runs it returns an
// [*Error] that wraps it. A panic comes out of that call as it was. See wasmtime_wasi::WasiCtxBuilder::secure_random.
func (c *WasiConfig) SetSecureRandom(r io.Reader) {
	system := c.changeSystem()
	system.secureRandom, system.spec.SecureRandom = r, r != nil
}

// SetInsecureRandom is for components, with WASI 0.2: it makes r the source of the
// random bytes that one asks for where they need not be unpredictable (wasi:random/insecure). WASI 0.1 has no such
// bytes. Everything else is as with [WasiConfig.SetSecureRandom]. See wasmtime_wasi::WasiCtxBuilder::insecure_random.
func (c *WasiConfig) SetInsecureRandom(r io.Reader) {
	system := c.changeSystem()
	system.insecureRandom, system.spec.InsecureRandom = r, r != nil
}

// SetInsecureRandomSeed is for components, with WASI 0.2: it sets the number that one
// gets for seeding its hash tables (wasi:random/insecure-seed), 128 bits in two halves. Otherwise it is a random one.
// WASI 0.1 has no such number. See wasmtime_wasi::WasiCtxBuilder::insecure_random_seed.
func (c *WasiConfig) SetInsecureRandomSeed(hi, lo uint64) {
	c.changeSystem().spec.InsecureRandomSeed = &[2]uint64{lo, hi}
}

// SetMaxRandomSize limits how many random bytes a guest gets in one call. Asking for more ends it. Otherwise the
// limit is 64 MiB. See wasmtime_wasi::WasiCtxBuilder::max_random_size.
func (c *WasiConfig) SetMaxRandomSize(bytes uint64) { c.changeSystem().spec.MaxRandomSize = &bytes }

// onSecureRandom and onInsecureRandom give a guest random bytes.

func onSecureRandom(env uint64, p []byte) ffi.Error {
	sys := systems.Get(env)
	return sys.serve(func() error { return readRandom(sys.secureRandom, p) })
}

func onInsecureRandom(env uint64, p []byte) ffi.Error {
	sys := systems.Get(env)
	return sys.serve(func() error { return readRandom(sys.insecureRandom, p) })
}

// readRandom is io.ReadFull, with an error for a reader that brings nothing over and over.
func readRandom(r io.Reader, p []byte) error {
	for empty := 0; len(p) > 0; {
		n, err := r.Read(p)
		n, err = served.Count(r, "Read", n, len(p), err)
		p = p[n:]
		switch {
		case len(p) == 0:
			return nil
		case n == 0:
			empty++
		default:
			empty = 0
		}
		if err == nil && empty == 100 {
			err = io.ErrNoProgress
		}
		if err != nil {
			return fmt.Errorf("reading random bytes: %w", err)
		}
	}
	return nil
}

// The network is for components only: a guest of WASI 0.1 cannot open sockets, and gets connections from its host (see
// [Store.PushConn]).

// AllowTCP is for components, with WASI 0.2: it says whether they may have TCP sockets;
// without it they may not. Which addresses these may use is another question: see [WasiConfig.InheritNetwork] and
// [WasiConfig.SetSocketAddrCheck]. See wasmtime_wasi::WasiCtxBuilder::allow_tcp.
func (c *WasiConfig) AllowTCP(enable bool) { c.changeSystem().spec.AllowTCP = enable }

// AllowUDP is for components, with WASI 0.2: it says whether they may have UDP sockets;
// without it they may not. As with [WasiConfig.AllowTCP], the addresses are another question. See
// wasmtime_wasi::WasiCtxBuilder::allow_udp.
func (c *WasiConfig) AllowUDP(enable bool) { c.changeSystem().spec.AllowUDP = enable }

// AllowIPNameLookup is for components, with WASI 0.2: it says whether they may look the
// addresses of names up; without it they may not. See wasmtime_wasi::WasiCtxBuilder::allow_ip_name_lookup.
func (c *WasiConfig) AllowIPNameLookup(enable bool) { c.changeSystem().spec.AllowIPNameLookup = enable }

// InheritNetwork is for components, with WASI 0.2: it lets their sockets use all
// addresses that this process can use, in place of a check that was set. It takes [WasiConfig.AllowTCP] or
// [WasiConfig.AllowUDP] to have sockets. See wasmtime_wasi::WasiCtxBuilder::inherit_network.
func (c *WasiConfig) InheritNetwork() {
	system := c.changeSystem()
	system.socketAddrCheck = nil
	system.spec.SocketAddrCheck, system.spec.InheritNetwork = false, true
}

// SetSocketAddrCheck is for components, with WASI 0.2: it lets allowed decide which
// addresses their sockets may use, in place of [WasiConfig.InheritNetwork]; nil refuses all of them, as by default. It
// takes [WasiConfig.AllowTCP] or [WasiConfig.AllowUDP] to have sockets.
//
// An address is checked whenever a socket is about to use it: for a client that is accepted and for every datagram as
// well as for what the component itself names. The function is called on a goroutine of its own, by several at once,
// and perhaps while the component does something else, which waits for it or not. It must not use the store. If it
// panics, the address is refused, and the panic comes out of a call into the guest. See
// wasmtime_wasi::WasiCtxBuilder::socket_addr_check.
func (c *WasiConfig) SetSocketAddrCheck(allowed func(addr netip.AddrPort, use SocketAddrUse) bool) {
	system := c.changeSystem()
	system.socketAddrCheck = allowed
	system.spec.SocketAddrCheck, system.spec.InheritNetwork = allowed != nil, false
}

// SocketAddrUse is what a socket of a component does with an address. See wasmtime_wasi::sockets::SocketAddrUse.
type SocketAddrUse uint32

// The uses of an address. A socket that is not bound when it has to be is bound to the wildcard address, which is
// checked as well.
const (
	// SocketTCPBind: a TCP socket is bound to the address.
	SocketTCPBind SocketAddrUse = SocketAddrUse(ffi.SocketTCPBind)
	// SocketTCPListen: a TCP socket with the address begins to listen.
	SocketTCPListen SocketAddrUse = SocketAddrUse(ffi.SocketTCPListen)
	// SocketTCPAccept: a client with the address is accepted. The connection of one that is refused is closed.
	SocketTCPAccept SocketAddrUse = SocketAddrUse(ffi.SocketTCPAccept)
	// SocketTCPConnect: a TCP socket connects to the address.
	SocketTCPConnect SocketAddrUse = SocketAddrUse(ffi.SocketTCPConnect)
	// SocketUDPBind: a UDP socket is bound to the address.
	SocketUDPBind SocketAddrUse = SocketAddrUse(ffi.SocketUDPBind)
	// SocketUDPSend: a datagram goes to the address.
	SocketUDPSend SocketAddrUse = SocketAddrUse(ffi.SocketUDPSend)
	// SocketUDPReceive: a datagram has come from the address. One that is refused is dropped.
	SocketUDPReceive SocketAddrUse = SocketAddrUse(ffi.SocketUDPReceive)
)

var socketAddrUses = [...]string{"TCP bind", "TCP listen", "TCP accept", "TCP connect", "UDP bind", "UDP send", "UDP receive"}

// String returns words such as "TCP connect".
func (u SocketAddrUse) String() string {
	if int(u) < len(socketAddrUses) {
		return socketAddrUses[u]
	}
	return fmt.Sprintf("SocketAddrUse(%d)", uint32(u))
}

// onSocketAddrCheck decides on an address. It is called on any thread, also one that Go has not made, where a
// goroutine could not end otherwise than by returning. So the check has one of its own.
func onSocketAddrCheck(env uint64, addr *ffi.SocketAddr, use uint32) (allowed bool, failed ffi.Error) {
	sys := systems.Get(env)
	if sys == nil {
		return false, ffi.NewError(errStoreGone.Error())
	}
	at := addrPort(addr)
	ended := make(chan struct{})
	go func() {
		returned := false
		defer func() {
			if value := recover(); value != nil {
				sys.panics.Keep(value)
			}
			if !returned {
				allowed, failed = false, ffi.NewError(errPanicked.Error())
			}
			close(ended)
		}()
		allowed = sys.socketAddrCheck(at, SocketAddrUse(use))
		returned = true
	}()
	<-ended
	return allowed, failed
}

// errStoreGone is for what a component had begun when its store became garbage.
var errStoreGone = errors.New("the store is gone")

// addrPort is an address as Go has it. A scope is a zone by its number, which package net takes for the name of an
// interface that has no other.
func addrPort(addr *ffi.SocketAddr) netip.AddrPort {
	if !addr.IPv6 {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(addr.IP[:4])), addr.Port)
	}
	ip := netip.AddrFrom16(addr.IP)
	if addr.ScopeID != 0 {
		ip = ip.WithZone(strconv.FormatUint(uint64(addr.ScopeID), 10))
	}
	return netip.AddrPortFrom(ip, addr.Port)
}
