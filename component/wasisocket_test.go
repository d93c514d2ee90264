package component_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// anAddress are the core parameters of an ip-socket-address.
const anAddress = "i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32"

// methods are those of tcp-socket that the guest passes on: parameters and results in the text format, and the core
// parameters behind the socket. A result is in memory if it is a result<T, E>. One that takes an address takes the
// network before it, which the guest adds.
var methods = []struct{ name, params, result, core string }{
	{"accept", "", "(result (tuple (own $s) (own $i) (own $o)) (error $e))", ""},
	{"local-address", "", "(result $a (error $e))", ""},
	{"remote-address", "", "(result $a (error $e))", ""},
	{"is-listening", "", "bool", ""},
	{"address-family", "", "$f", ""},
	{"set-listen-backlog-size", `(param "value" u64)`, "(result (error $e))", "i64"},
	{"keep-alive-enabled", "", "(result bool (error $e))", ""},
	{"set-keep-alive-enabled", `(param "value" bool)`, "(result (error $e))", "i32"},
	{"keep-alive-idle-time", "", "(result u64 (error $e))", ""},
	{"set-keep-alive-idle-time", `(param "value" u64)`, "(result (error $e))", "i64"},
	{"keep-alive-interval", "", "(result u64 (error $e))", ""},
	{"set-keep-alive-interval", `(param "value" u64)`, "(result (error $e))", "i64"},
	{"keep-alive-count", "", "(result u32 (error $e))", ""},
	{"set-keep-alive-count", `(param "value" u32)`, "(result (error $e))", "i32"},
	{"hop-limit", "", "(result u8 (error $e))", ""},
	{"set-hop-limit", `(param "value" u8)`, "(result (error $e))", "i32"},
	{"receive-buffer-size", "", "(result u64 (error $e))", ""},
	{"set-receive-buffer-size", `(param "value" u64)`, "(result (error $e))", "i64"},
	{"send-buffer-size", "", "(result u64 (error $e))", ""},
	{"set-send-buffer-size", `(param "value" u64)`, "(result (error $e))", "i64"},
	{"start-listen", "", "(result (error $e))", ""},
	{"start-bind", `(param "local-address" $a)`, "(result (error $e))", anAddress},
	{"finish-bind", "", "(result (error $e))", ""},
	{"start-connect", `(param "remote-address" $a)`, "(result (error $e))", anAddress},
	{"finish-connect", "", "(result (tuple (own $i) (own $o)) (error $e))", ""},
	{"finish-listen", "", "(result (error $e))", ""},
	{"shutdown", `(param "how" $h)`, "(result (error $e))", "i32"},
}

// sockets exports the methods, create, which makes a socket, and wait, which returns when its pollable is ready.
func sockets() string {
	var imports, lowered, passed, core, bodies, lifted strings.Builder
	for _, m := range methods {
		network, lent, given := "", "", ""
		if m.core == anAddress {
			network, lent, given = `(param "network" (borrow $n))`, "i32", "(call $network)"
		}
		fmt.Fprintf(&imports, "(export \"[method]tcp-socket.%s\" (func (param \"self\" (borrow $s)) %s %s (result %s)))\n",
			m.name, network, m.params, m.result)
		fmt.Fprintf(&lowered, "(core func $%s (canon lower (func $tcp \"[method]tcp-socket.%s\") (memory $m)))\n", m.name, m.name)
		fmt.Fprintf(&passed, "(export %q (func $%s))\n", m.name, m.name)
		for i := range strings.Fields(m.core) {
			given += fmt.Sprintf(" (local.get %d)", i+1)
		}
		inMemory := strings.HasPrefix(m.result, "(")
		if inMemory {
			fmt.Fprintf(&core, `(import "" %q (func $%s (param i32 %s %s i32)))`, m.name, m.name, lent, m.core)
		} else {
			fmt.Fprintf(&core, `(import "" %q (func $%s (param i32) (result i32)))`, m.name, m.name)
		}
		fmt.Fprintf(&lifted, "(func (export %q) (param \"self\" (borrow $s)) %s (result %s) (canon lift (core func $main %q) (memory $m)))\n",
			m.name, m.params, m.result, m.name)
		body := fmt.Sprintf("(local.set $r (i32.const 16)) (call $%s (local.get 0) %s (i32.const 16))", m.name, given)
		if !inMemory {
			body = fmt.Sprintf("(local.set $r (call $%s (local.get 0)))", m.name)
		}
		fmt.Fprintf(&bodies, "(func (export %q) (param i32 %s) (result i32) (local $r i32) %s (call $drop (local.get 0)) (local.get $r))\n",
			m.name, m.core, body)
	}
	const types = `
    (alias outer 1 $error (type $e')) (export "error-code" (type $e (eq $e')))
    (alias outer 1 $address (type $a')) (export "ip-socket-address" (type $a (eq $a')))
    (alias outer 1 $family (type $f')) (export "ip-address-family" (type $f (eq $f')))
    (alias outer 1 $input (type $i')) (export "input-stream" (type $i (eq $i')))
    (alias outer 1 $output (type $o')) (export "output-stream" (type $o (eq $o')))
    (alias outer 1 $net (type $n')) (export "network" (type $n (eq $n')))
    (alias outer 1 $pollable (type $p')) (export "pollable" (type $p (eq $p')))
    (type $h' (enum "receive" "send" "both")) (export "shutdown-type" (type $h (eq $h')))`
	return `(component
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $p (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $p))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (export "input-stream" (type (sub resource))) (export "output-stream" (type (sub resource)))))
  (alias export $streams "input-stream" (type $input))
  (alias export $streams "output-stream" (type $output))
  (import "wasi:sockets/network@0.2.0" (instance $network
    (export "network" (type (sub resource)))
    (type $e (enum "unknown" "access-denied" "not-supported" "invalid-argument" "out-of-memory" "timeout"
      "concurrency-conflict" "not-in-progress" "would-block" "invalid-state" "new-socket-limit" "address-not-bindable"
      "address-in-use" "remote-unreachable" "connection-refused" "connection-reset" "connection-aborted"
      "datagram-too-large" "name-unresolvable" "temporary-resolver-failure" "permanent-resolver-failure"))
    (export "error-code" (type (eq $e)))
    (type $f (enum "ipv4" "ipv6"))
    (export "ip-address-family" (type (eq $f)))
    (type $v4' (tuple u8 u8 u8 u8))
    (export "ipv4-address" (type $v4 (eq $v4')))
    (type $v6' (tuple u16 u16 u16 u16 u16 u16 u16 u16))
    (export "ipv6-address" (type $v6 (eq $v6')))
    (type $s4' (record (field "port" u16) (field "address" $v4)))
    (export "ipv4-socket-address" (type $s4 (eq $s4')))
    (type $s6' (record (field "port" u16) (field "flow-info" u32) (field "address" $v6) (field "scope-id" u32)))
    (export "ipv6-socket-address" (type $s6 (eq $s6')))
    (type $a (variant (case "ipv4" $s4) (case "ipv6" $s6)))
    (export "ip-socket-address" (type (eq $a)))))
  (alias export $network "network" (type $net))
  (alias export $network "error-code" (type $error))
  (alias export $network "ip-socket-address" (type $address))
  (alias export $network "ip-address-family" (type $family))
  (import "wasi:sockets/tcp@0.2.0" (instance $tcp
    (export "tcp-socket" (type $s (sub resource)))` + types + `
    (export "[method]tcp-socket.subscribe" (func (param "self" (borrow $s)) (result (own $p))))
    ` + imports.String() + `))
  (import "wasi:sockets/instance-network@0.2.0" (instance $instance
    (alias outer 1 $net (type $n')) (export "network" (type $n (eq $n')))
    (export "instance-network" (func (result (own $n))))))
  (alias export $tcp "tcp-socket" (type $s))
  (import "wasi:sockets/tcp-create-socket@0.2.0" (instance $create
    (alias outer 1 $error (type $e')) (export "error-code" (type $e (eq $e')))
    (alias outer 1 $family (type $f')) (export "ip-address-family" (type $f (eq $f')))
    (alias outer 1 $s (type $s')) (export "tcp-socket" (type $t (eq $s')))
    (export "create-tcp-socket" (func (param "address-family" $f) (result (result (own $t) (error $e)))))))
  (alias export $tcp "error-code" (type $e))
  (alias export $tcp "ip-socket-address" (type $a))
  (alias export $tcp "ip-address-family" (type $f))
  (alias export $tcp "input-stream" (type $i))
  (alias export $tcp "output-stream" (type $o))
  (alias export $tcp "shutdown-type" (type $h))
  (core module $memory (memory (export "memory") 1))
  (core instance $mem (instantiate $memory))
  (alias core export $mem "memory" (core memory $m))
  (core func $drop (canon resource.drop $s))
  (core func $drop-pollable (canon resource.drop $pollable))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core func $network (canon lower (func $instance "instance-network")))
  (core func $create (canon lower (func $create "create-tcp-socket") (memory $m)))
  (core func $subscribe (canon lower (func $tcp "[method]tcp-socket.subscribe")))
  ` + lowered.String() + `
  (core module $Main
    (import "" "drop" (func $drop (param i32)))
    (import "" "drop-pollable" (func $drop-pollable (param i32)))
    (import "" "block" (func $block (param i32)))
    (import "" "network" (func $network (result i32)))
    (import "" "create" (func $create (param i32 i32)))
    (import "" "subscribe" (func $subscribe (param i32) (result i32)))
    ` + core.String() + `
    ` + bodies.String() + `
    (func (export "create") (param i32) (result i32) (call $create (local.get 0) (i32.const 16)) (i32.const 16))
    (func (export "wait") (param $s i32) (local $p i32)
      (call $block (local.tee $p (call $subscribe (local.get $s))))
      (call $drop-pollable (local.get $p))
      (call $drop (local.get $s))))
  (core instance $main (instantiate $Main (with "" (instance
    (export "drop" (func $drop)) (export "drop-pollable" (func $drop-pollable))
    (export "block" (func $block)) (export "subscribe" (func $subscribe))
    (export "network" (func $network)) (export "create" (func $create))
    ` + passed.String() + `))))
  ` + lifted.String() + `
  (func (export "create") (param "address-family" $f) (result (result (own $s) (error $e)))
    (canon lift (core func $main "create") (memory $m)))
  (func (export "wait") (param "self" (borrow $s)) (canon lift (core func $main "wait"))))`
}

var socketsComponent = sync.OnceValues(func() (*component.Component, error) {
	return share(component.New(stdEngine(), []byte(sockets())))
})

// socketGuest is an instance of sockets.
type socketGuest struct{ handsGuest }

func newSocketGuest(t *testing.T) *socketGuest {
	t.Helper()
	return newSocketGuestWith(t, wasmtime.NewWasiConfig())
}

func newSocketGuestWith(t *testing.T, config *wasmtime.WasiConfig) *socketGuest {
	t.Helper()
	linker := component.NewLinker(stdEngine())
	t.Cleanup(linker.Close)
	Check(t, linker.DefineWasi())
	store := wasmtime.NewStore(stdEngine())
	t.Cleanup(store.Close)
	store.SetEpochDeadline(1 << 40)
	Check(t, store.ConfigureWasi(config))
	return &socketGuest{handsGuest{t, linker, store, Must(linker.Instantiate(nil, store, Must(socketsComponent())))}}
}

// told is what a method of a socket returns, as a text.
func (g *socketGuest) told(name string, args ...any) string {
	g.t.Helper()
	got, err := g.call(context.Background(), name, args...)
	if err != nil {
		var failed *component.ResultError
		if !errors.As(err, &failed) {
			g.t.Fatalf("%s: %v", name, err)
		}
		return err.Error()
	}
	return fmt.Sprint(got)
}

// fails checks that a method fails with an error-code.
func (g *socketGuest) fails(code, name string, args ...any) {
	g.t.Helper()
	if got := g.told(name, args...); !strings.HasSuffix(got, code) {
		g.t.Errorf("%s: %s, and not %s", name, got, code)
	}
}

// plain makes a text of nothing but its words.
func plain(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("{}[]()& map:,", r) }), " ")
}

// hasAddress checks the address that a method tells.
func (g *socketGuest) hasAddress(name string, socket *component.Resource, a net.Addr) {
	g.t.Helper()
	got := g.told(name, socket)
	at := a.(*net.TCPAddr).AddrPort()
	b := at.Addr().As4()
	for _, part := range []string{fmt.Sprint(at.Port()), fmt.Sprintf("%d %d %d %d", b[0], b[1], b[2], b[3])} {
		if !strings.Contains(plain(got), part) {
			g.t.Errorf("%s: %s, and not %v", name, got, at)
		}
	}
}

// wrapped are a connection and a listener that Go serves.
type wrapped struct{ net.Conn }

type wrappedListener struct{ net.Listener }

func (l wrappedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return wrapped{c}, err
}

// A connection of the host's, or one that Go serves, is a tcp-socket that is connected.
func TestWasiSocket(t *testing.T) {
	for _, served := range []bool{false, true} {
		t.Run(fmt.Sprintf("served=%v", served), func(t *testing.T) {
			g := newSocketGuest(t)
			listener := Must(net.Listen("tcp4", "127.0.0.1:0"))
			defer listener.Close()
			peer := Must(net.Dial("tcp4", listener.Addr().String()))
			defer peer.Close()
			conn := Must(listener.Accept())
			defer conn.Close()
			given := conn
			if served {
				given = wrapped{conn}
			}
			socket, input, output, err := component.WasiSocket(g.store, Must(g.store.PushConn(given)))
			Check(t, err)
			if !served {
				conn.Close() // the guest has a duplicate
			}
			Equal(t, "names", fmt.Sprintln(socket.Name(), input.Name(), output.Name()), "tcp-socket input-stream output-stream\n")
			Equal(t, "listens", g.told("is-listening", socket), "false")
			Equal(t, "family", g.told("address-family", socket), "ipv4")
			g.hasAddress("local-address", socket, listener.Addr())
			g.hasAddress("remote-address", socket, peer.LocalAddr())
			g.fails("invalid-state", "accept", socket)
			g.fails("invalid-state", "start-listen", socket)
			g.fails("not-in-progress", "finish-bind", socket)
			g.fails("invalid-state", "set-listen-backlog-size", socket, uint64(1))
			g.fails("invalid-argument", "set-listen-backlog-size", socket, uint64(0))
			Must(g.call(context.Background(), "wait", socket)) // nothing to wait for
			if served {
				g.fails("not-supported", "hop-limit", socket)
				g.fails("not-supported", "set-hop-limit", socket, uint8(7))
			} else {
				testOptions(t, g, socket)
			}

			w, r := Must(component.WasiWriter(g.store, output)), Must(component.WasiReader(g.store, input))
			Must(io.WriteString(w, "from here"))
			got := make([]byte, 9)
			Must(io.ReadFull(peer, got))
			Equal(t, "sent", string(got), "from here")
			Must(io.WriteString(peer, "from there"))
			got = make([]byte, 10)
			Must(io.ReadFull(r, got))
			Equal(t, "received", string(got), "from there")
			if !served { // a net.Conn has no way to end one direction unless it is a *net.TCPConn
				g.told("shutdown", socket, "send")
				_, err = peer.Read(got)
				Equal(t, "the end", err, io.EOF)
				_, err = io.WriteString(w, "more")
				isError(t, err, io.ErrClosedPipe)
			}
			if err := socket.Drop(nil); err == nil {
				t.Error("the socket was dropped before its streams")
			}
		})
	}
}

func testOptions(t *testing.T, g *socketGuest, socket *component.Resource) {
	t.Helper()
	for _, o := range []struct {
		name string
		set  any
		get  string
	}{
		{"keep-alive-enabled", true, "true"}, {"keep-alive-enabled", false, "false"},
		{"keep-alive-idle-time", uint64(5 * time.Second), "5000000000"}, {"keep-alive-idle-time", uint64(1), "1000000000"},
		{"keep-alive-interval", uint64(7 * time.Second), "7000000000"},
		{"keep-alive-count", uint32(3), "3"}, {"keep-alive-count", uint32(1 << 31), "127"},
		{"hop-limit", uint8(42), "42"},
		{"receive-buffer-size", uint64(8192), "8192"}, {"send-buffer-size", uint64(8192), "8192"},
	} {
		g.told("set-"+o.name, socket, o.set)
		Equal(t, o.name, g.told(o.name, socket), o.get)
	}
	g.fails("invalid-argument", "set-hop-limit", socket, uint8(0))
	g.fails("invalid-argument", "set-keep-alive-count", socket, uint32(0))
	g.fails("invalid-argument", "set-receive-buffer-size", socket, uint64(0))
}

// A listener is a tcp-socket that listens.
func TestWasiSocketListener(t *testing.T) {
	for _, served := range []bool{false, true} {
		t.Run(fmt.Sprintf("served=%v", served), func(t *testing.T) {
			g := newSocketGuest(t)
			g.store.SetMaxResources(2)
			listener := Must(net.Listen("tcp4", "127.0.0.1:0"))
			defer listener.Close()
			given := listener
			if served {
				given = wrappedListener{listener}
			}
			socket, input, output, err := component.WasiSocket(g.store, Must(g.store.PushListener(given)))
			Check(t, err)
			if input != nil || output != nil {
				t.Error("a listener has streams")
			}
			Equal(t, "listens", g.told("is-listening", socket), "true")
			g.hasAddress("local-address", socket, listener.Addr())
			g.fails("invalid-state", "remote-address", socket)
			g.fails("invalid-state", "shutdown", socket, "both")
			g.fails("not-supported", "set-listen-backlog-size", socket, uint64(7))
			g.fails("would-block", "accept", socket)

			// A guest that waits goes on when somebody connects.
			dialed := make(chan net.Conn)
			go func() {
				time.Sleep(20 * time.Millisecond)
				dialed <- Must(net.Dial("tcp4", listener.Addr().String()))
			}()
			Must(g.call(context.Background(), "wait", socket))
			peer := <-dialed
			defer peer.Close()
			accept := Must(component.Bind1[*component.Resource, component.Tuple3[*component.Resource, *component.Resource, *component.Resource]](
				Must(g.instance.Func("accept"))))
			got, err := accept.Call(context.Background(), socket)
			Check(t, err)
			accepted := [3]*component.Resource{got.A, got.B, got.C}
			g.hasAddress("remote-address", accepted[0], peer.LocalAddr())
			Must(io.WriteString(Must(component.WasiWriter(g.store, accepted[2])), "hello"))
			text := make([]byte, 5)
			Must(io.ReadFull(peer, text))
			Equal(t, "sent", string(text), "hello")

			// The limit is found before anything is accepted.
			another := Must(net.Dial("tcp4", listener.Addr().String()))
			defer another.Close()
			g.fails("new-socket-limit", "accept", socket)
			Check(t, accepted[1].Drop(nil))
			Check(t, accepted[2].Drop(nil))
			Check(t, accepted[0].Drop(nil))
			Must(g.call(context.Background(), "wait", socket))
			got, err = accept.Call(context.Background(), socket)
			Check(t, err)
			g.hasAddress("remote-address", got.A, another.LocalAddr())

			// A context ends the wait.
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(20*time.Millisecond, cancel)
			_, err = g.call(ctx, "wait", socket)
			isError(t, err, context.Canceled)
		})
	}
}

// What is no connection cannot be a socket, and one without addresses has none.
func TestWasiSocketRefused(t *testing.T) {
	g := newSocketGuest(t)
	fd := Must(g.store.PushReader(strings.NewReader("")))
	if _, _, _, err := component.WasiSocket(g.store, fd); err == nil || !strings.Contains(err.Error(), "tcp-socket") {
		t.Errorf("a reader: %v", err)
	}
	Check(t, g.store.RemoveFile(fd))
	one, other := net.Pipe()
	defer other.Close()
	socket, input, output, err := component.WasiSocket(g.store, Must(g.store.PushConn(one)))
	Check(t, err)
	g.fails("not-supported", "local-address", socket)
	g.fails("not-supported", "remote-address", socket)
	Equal(t, "family", g.told("address-family", socket), "ipv4")
	Check(t, input.Drop(nil))
	Check(t, output.Drop(nil))
	Check(t, socket.Drop(nil))
	if _, err := other.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the connection is open: %v", err)
	}
}
