package wasmtime

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/gowasmtime/wasmtime/ffi"
)

// The network is for components only: a guest of WASI 0.1 cannot open sockets, and gets connections from its host (see
// [Store.PushConn]).

// AllowTCP says whether components may have TCP sockets; without it they may not. Which addresses these may use is another
// question: see [WasiConfig.InheritNetwork] and [WasiConfig.SetSocketAddrCheck]. See wasmtime_wasi::WasiCtxBuilder::allow_tcp.
func (c *WasiConfig) AllowTCP(enable bool) { c.useSystem().spec.AllowTCP = enable }

// AllowUDP says whether components may have UDP sockets; without it they may not. As with [WasiConfig.AllowTCP], the addresses
// are another question. See wasmtime_wasi::WasiCtxBuilder::allow_udp.
func (c *WasiConfig) AllowUDP(enable bool) { c.useSystem().spec.AllowUDP = enable }

// AllowIPNameLookup says whether components may look the addresses of names up; without it they may not. See
// wasmtime_wasi::WasiCtxBuilder::allow_ip_name_lookup.
func (c *WasiConfig) AllowIPNameLookup(enable bool) { c.useSystem().spec.AllowIPNameLookup = enable }

// InheritNetwork lets the sockets of components use all addresses that this process can use, in place of a check that was set.
// It takes [WasiConfig.AllowTCP] or [WasiConfig.AllowUDP] to have sockets. See wasmtime_wasi::WasiCtxBuilder::inherit_network.
func (c *WasiConfig) InheritNetwork() {
	system := c.useSystem()
	system.socketAddrCheck = nil
	system.spec.SocketAddrCheck, system.spec.InheritNetwork = false, true
}

// SetSocketAddrCheck lets allowed decide which addresses the sockets of components may use, in place of
// [WasiConfig.InheritNetwork]; nil refuses all of them, as by default. It takes [WasiConfig.AllowTCP] or [WasiConfig.AllowUDP]
// to have sockets.
//
// An address is checked whenever a socket is about to use it: for a client that is accepted and for every datagram as well as
// for what the component itself names. The function is called on a goroutine of its own, by several at once, and perhaps while
// the component does something else, which waits for it or not. It must not use the store. If it panics, the address is
// refused, and the panic comes out of a call into the guest. See wasmtime_wasi::WasiCtxBuilder::socket_addr_check.
func (c *WasiConfig) SetSocketAddrCheck(allowed func(addr netip.AddrPort, use SocketAddrUse) bool) {
	system := c.useSystem()
	system.socketAddrCheck = allowed
	system.spec.SocketAddrCheck, system.spec.InheritNetwork = allowed != nil, false
}

// SocketAddrUse is what a socket of a component does with an address. See wasmtime_wasi::sockets::SocketAddrUse.
type SocketAddrUse uint32

// The uses of an address. A socket that is not bound when it has to be is bound to the wildcard address, which is checked as
// well.
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

// onSocketAddrCheck decides on an address. It is called on any thread, also one that Go has not made, where a goroutine could not
// end otherwise than by returning. So the check has one of its own.
func onSocketAddrCheck(env uint64, addr *ffi.SocketAddr, use uint32) (allowed bool, failed ffi.Error) {
	sys := systems.get(env)
	at := addrPort(addr)
	ended := make(chan struct{})
	go func() {
		returned := false
		defer func() {
			if value := recover(); value != nil {
				sys.panics.keep(value)
			}
			if !returned {
				allowed, failed = false, ffi.NewError("go panicked")
			}
			close(ended)
		}()
		allowed = sys.socketAddrCheck(at, SocketAddrUse(use))
		returned = true
	}()
	<-ended
	return allowed, failed
}

// addrPort is an address as Go has it. A scope is a zone by its number, which package net takes for the name of an interface
// that has no other.
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
