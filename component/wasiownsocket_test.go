package component_test

import (
	"context"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	"github.com/gowasmtime/wasmtime/component/wasi"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// newNetworkGuest is a guest that may use TCP, and each address that the check allows; nil allows all.
func newNetworkGuest(t *testing.T, check func(netip.AddrPort, wasmtime.SocketAddrUse) bool) *socketGuest {
	t.Helper()
	config := wasmtime.NewWasiConfig()
	config.AllowTCP(true)
	config.InheritNetwork()
	if check != nil {
		config.SetSocketAddrCheck(check)
	}
	return newSocketGuestWith(t, config)
}

// makes calls what returns a resource.
func (g *socketGuest) makes(name string, args ...any) *component.Resource {
	g.t.Helper()
	return Must(g.call(context.Background(), name, args...)).(*component.Resource)
}

// ok calls what returns nothing.
func (g *socketGuest) ok(name string, args ...any) {
	g.t.Helper()
	if _, err := g.call(context.Background(), name, args...); err != nil {
		g.t.Fatalf("%s: %v", name, err)
	}
}

// at is an ip-socket-address.
func at(address string) component.Variant {
	a := netip.MustParseAddrPort(address)
	if a.Addr().Is4() {
		return component.Variant{Case: "ipv4", Value: wasi.IPv4SocketAddress{Port: a.Port(), Address: a.Addr().As4()}}
	}
	var parts wasi.IPv6Address
	for i, b := range a.Addr().As16() {
		parts[i/2] |= uint16(b) << (8 * (1 - i%2))
	}
	return component.Variant{Case: "ipv6", Value: wasi.IPv6SocketAddress{Port: a.Port(), Address: parts}}
}

// port is the port of a socket of IPv4.
func (g *socketGuest) port(socket *component.Resource) string {
	g.t.Helper()
	local := Must(component.Bind1[*component.Resource, wasi.IPSocketAddress](Must(g.instance.Func("local-address"))))
	a := Must(local.Call(context.Background(), socket)).(wasi.IPSocketAddressIPv4).Value
	return netip.AddrPortFrom(netip.AddrFrom4(a.Address), a.Port).String()
}

// A component makes a listener itself, and accepts who may connect.
func TestWasiOwnListener(t *testing.T) {
	refused := true
	g := newNetworkGuest(t, func(_ netip.AddrPort, use wasmtime.SocketAddrUse) bool {
		return use != wasmtime.SocketTCPAccept || !refused
	})
	socket := g.makes("create", "ipv4")
	Equal(t, "family", g.told("address-family", socket), "ipv4")
	testOptions(t, g, socket)
	g.fails("invalid-state", "local-address", socket)
	g.fails("invalid-state", "start-listen", socket)
	for _, address := range []string{"224.0.0.1:0", "255.255.255.255:0", "[::1]:0"} {
		g.fails("invalid-argument", "start-bind", socket, at(address))
	}
	g.ok("set-listen-backlog-size", socket, uint64(5))
	g.ok("start-bind", socket, at("127.0.0.1:0"))
	g.fails("concurrency-conflict", "start-listen", socket)
	g.ok("finish-bind", socket)
	g.fails("not-in-progress", "finish-bind", socket)
	g.fails("invalid-state", "start-bind", socket, at("127.0.0.1:0"))
	g.ok("start-listen", socket)
	g.ok("finish-listen", socket)
	Equal(t, "listens", g.told("is-listening", socket), "true")
	g.ok("set-listen-backlog-size", socket, uint64(7))
	g.fails("invalid-state", "remote-address", socket)
	g.fails("would-block", "accept", socket)
	other := g.makes("create", "ipv4")
	g.fails("address-in-use", "start-bind", other, at(g.port(socket)))

	unwanted := Must(net.Dial("tcp4", g.port(socket)))
	defer unwanted.Close()
	g.ok("wait", socket)
	g.fails("would-block", "accept", socket)
	if _, err := unwanted.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("a connection that was refused: %v", err)
	}
	refused = false
	peer := Must(net.Dial("tcp4", g.port(socket)))
	defer peer.Close()
	Check(t, peer.SetDeadline(time.Now().Add(10*time.Second)))
	g.ok("wait", socket)
	accept := Must(component.Bind1[*component.Resource, component.Tuple3[*component.Resource, *component.Resource, *component.Resource]](
		Must(g.instance.Func("accept"))))
	got, err := accept.Call(context.Background(), socket)
	Check(t, err)
	g.hasAddress("remote-address", got.A, peer.LocalAddr())
	Equal(t, "hop limit", g.told("hop-limit", got.A), "42")

	Must(io.WriteString(Must(component.WasiWriter(g.store, got.C)), "bye"))
	Check(t, got.C.Drop(nil))
	// The stream that is gone ends its direction.
	Equal(t, "what came before the end", string(Must(io.ReadAll(peer))), "bye")
	Must(io.WriteString(peer, "hello"))
	text := make([]byte, 5)
	Must(io.ReadFull(Must(component.WasiReader(g.store, got.B)), text))
	Equal(t, "received", string(text), "hello")
	g.ok("shutdown", got.A, "receive")
	Must(io.WriteString(peer, "too late"))
	if n, err := Must(component.WasiReader(g.store, got.B)).Read(text); n != 0 || err != io.EOF {
		t.Errorf("a stream that was shut down: %d bytes, %v", n, err)
	}
	Check(t, got.B.Drop(nil))
	Check(t, got.A.Drop(nil))
}

// A component connects itself.
func TestWasiOwnConnection(t *testing.T) {
	g := newNetworkGuest(t, nil)
	listener := Must(net.Listen("tcp4", "127.0.0.1:0"))
	defer listener.Close()
	socket := g.makes("create", "ipv4")
	for _, address := range []string{"0.0.0.0:1", "127.0.0.1:0", "[::1]:1", "[::ffff:127.0.0.1]:1"} {
		g.fails("invalid-argument", "start-connect", socket, at(address))
	}
	g.fails("not-in-progress", "finish-connect", socket)
	g.ok("start-connect", socket, at(listener.Addr().String()))
	g.fails("concurrency-conflict", "start-connect", socket, at(listener.Addr().String()))
	g.ok("wait", socket)
	connect := Must(component.Bind1[*component.Resource, component.Tuple2[*component.Resource, *component.Resource]](
		Must(g.instance.Func("finish-connect"))))
	streams, err := connect.Call(context.Background(), socket)
	Check(t, err)
	peer := Must(listener.Accept())
	defer peer.Close()
	g.hasAddress("remote-address", socket, listener.Addr())
	g.fails("not-in-progress", "finish-connect", socket)
	g.fails("invalid-state", "start-connect", socket, at(listener.Addr().String()))
	go func() {
		io.Copy(peer, peer)
		peer.Close()
	}()
	w, r := Must(component.WasiWriter(g.store, streams.B)), Must(component.WasiReader(g.store, streams.A))
	for range 100 {
		Must(io.WriteString(w, text))
		got := make([]byte, len(text))
		Must(io.ReadFull(r, got))
		Equal(t, "echo", string(got), text)
	}
	g.ok("shutdown", socket, "send")
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("after the end: %d bytes, %v", n, err)
	}

	// Nobody listens any more.
	listener.Close()
	socket = g.makes("create", "ipv4")
	g.ok("start-connect", socket, at(listener.Addr().String()))
	g.ok("wait", socket)
	g.fails("connection-refused", "finish-connect", socket)
	g.fails("not-in-progress", "finish-connect", socket)
	g.fails("connection-refused", "local-address", socket)
	Check(t, socket.Drop(nil))
}

// Sockets of IPv6 are of IPv6 only.
func TestWasiOwnIPv6(t *testing.T) {
	listener, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skip(err)
	}
	defer listener.Close()
	g := newNetworkGuest(t, nil)
	socket := g.makes("create", "ipv6")
	Equal(t, "family", g.told("address-family", socket), "ipv6")
	testOptions(t, g, socket)
	for _, address := range []string{"127.0.0.1:1", "[::ffff:127.0.0.1]:1", "[::7f00:1]:1", "[ff02::1]:1"} {
		g.fails("invalid-argument", "start-connect", socket, at(address))
	}
	g.ok("start-connect", socket, at(listener.Addr().String()))
	g.ok("wait", socket)
	g.ok("finish-connect", socket)
}

// The network is closed unless it was opened.
func TestWasiOwnRefused(t *testing.T) {
	newSocketGuest(t).fails("access-denied", "create", "ipv4")
	var use wasmtime.SocketAddrUse
	g := newNetworkGuest(t, func(_ netip.AddrPort, u wasmtime.SocketAddrUse) bool { return u != use })
	use = wasmtime.SocketTCPBind
	socket := g.makes("create", "ipv4")
	g.fails("access-denied", "start-bind", socket, at("127.0.0.1:0"))
	use = wasmtime.SocketTCPListen
	g.ok("start-bind", socket, at("127.0.0.1:0"))
	g.ok("finish-bind", socket)
	g.fails("access-denied", "start-listen", socket)
	for _, use = range []wasmtime.SocketAddrUse{wasmtime.SocketTCPBind, wasmtime.SocketTCPConnect} {
		socket = g.makes("create", "ipv4")
		g.ok("start-connect", socket, at("127.0.0.1:1"))
		g.ok("wait", socket)
		g.fails("access-denied", "finish-connect", socket)
	}
}
