package component_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// A resource that others were made of stays when it is dropped before them, and is dropped after them.
func TestWasiDropChildren(t *testing.T) {
	for _, served := range []bool{false, true} {
		g := newSocketGuest(t)
		listener := Must(net.Listen("tcp4", "127.0.0.1:0"))
		defer listener.Close()
		peer := Must(net.Dial("tcp4", listener.Addr().String()))
		defer peer.Close()
		conn := Must(listener.Accept())
		defer conn.Close()
		if served {
			conn = wrapped{conn}
		}
		socket, input, output, err := component.WasiSocket(g.store, Must(g.store.PushConn(conn)))
		Check(t, err)
		for range 3 {
			WantTyped(t, socket.Drop(nil), component.ErrHasChildren, "drop of the resource tcp-socket: the resource has children")
		}
		g.hasAddress("remote-address", socket, peer.LocalAddr()) // it can be used
		Check(t, input.Drop(nil))
		WantTyped(t, socket.Drop(nil), component.ErrHasChildren, "drop")
		Check(t, output.Drop(nil))
		Check(t, socket.Drop(nil))
		WantTyped(t, socket.Drop(nil), component.ErrHandle, "dropped")
		if !served {
			conn.Close()
		}
		if _, err := peer.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the connection is open: %v", err)
		}
	}
}

// What a call returns for which there are no handles is dropped in an order in which it can be.
func TestWasiDropsResults(t *testing.T) {
	g := newSocketGuest(t)
	listener := Must(net.Listen("tcp4", "127.0.0.1:0"))
	defer listener.Close()
	socket, _, _, err := component.WasiSocket(g.store, Must(g.store.PushListener(listener)))
	Check(t, err)
	component.SetLimits(g.store, component.Limits{Resources: 3})
	peer := Must(net.Dial("tcp4", listener.Addr().String()))
	defer peer.Close()
	_, err = g.call(context.Background(), "accept", socket)
	WantTyped(t, err, component.ErrTooManyHandles, "were dropped")
	Check(t, peer.SetDeadline(time.Now().Add(5*time.Second)))
	if _, err := peer.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("what was accepted is open: %v", err)
	}
}

// makers make resources of WASI of what Go has.
var makers = map[string]func(*wasmtime.Store) error{
	"pollable":   func(s *wasmtime.Store) error { _, err := component.NewPollable(s, nil); return err },
	"input":      func(s *wasmtime.Store) error { _, err := component.NewInput(s, strings.NewReader("")); return err },
	"output":     func(s *wasmtime.Store) error { _, err := component.NewOutput(s, io.Discard); return err },
	"descriptor": func(s *wasmtime.Store) error { _, err := component.NewDescriptor(s, fstest.MapFS{}); return err },
	"socket": func(s *wasmtime.Store) error {
		one, other := net.Pipe()
		defer other.Close()
		fd := Must(s.PushConn(one))
		_, _, _, err := component.WasiSocket(s, fd)
		if err != nil {
			err = errors.Join(err, s.RemoveFile(fd)) // it is still there
		}
		return err
	},
}

// What would be more than there may be is a typed error, and nothing is taken for it.
func TestWasiLimitsAreTyped(t *testing.T) {
	for name, limit := range map[string]func(*wasmtime.Store){
		"no handles":   func(s *wasmtime.Store) { component.SetLimits(s, component.Limits{Resources: 2}) },
		"no resources": func(s *wasmtime.Store) { s.SetMaxResources(2) },
	} {
		for kind, make := range makers {
			if name == "no resources" && (kind == "input" || kind == "output") {
				continue // a stream is no descriptor
			}
			store := wasmtime.NewStore(stdEngine())
			Check(t, store.ConfigureWasi(wasmtime.NewWasiConfig()))
			limit(store)
			var err error
			for n := 0; err == nil && n < 4; n++ {
				err = make(store)
			}
			if !errors.Is(err, component.ErrTooManyHandles) || errors.Is(err, wasmtime.ErrBadFd) {
				t.Errorf("%s, %s: %v", name, kind, err)
			}
			Equal(t, name+", the lowest number free, "+kind, Must(store.PushReader(strings.NewReader(""))), 3)
			store.Close()
		}
	}
}

// The table of a component's resources comes to its end as well.
func TestWasiTableIsFull(t *testing.T) {
	if Debug {
		t.Skip("65,536 crossings, with a collection at each")
	}
	store := wasmtime.NewStore(stdEngine())
	defer store.Close()
	Check(t, store.ConfigureWasi(wasmtime.NewWasiConfig()))
	component.SetLimits(store, component.Limits{Resources: 1 << 20})
	var err error
	for n := 0; err == nil && n < 70_000; n++ {
		err = makers["pollable"](store)
	}
	WantTyped(t, err, component.ErrTooManyHandles, "more resources of WASI than it may")
	for kind, make := range makers {
		if err := make(store); !errors.Is(err, component.ErrTooManyHandles) || errors.Is(err, wasmtime.ErrBadFd) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// A guest has no more pollables than descriptors, if somebody has said how many that are.
func TestWasiLimitedPollables(t *testing.T) {
	g := newSocketGuest(t)
	listener := Must(net.Listen("tcp4", "127.0.0.1:0"))
	defer listener.Close()
	socket, _, _, err := component.WasiSocket(g.store, Must(g.store.PushListener(listener)))
	Check(t, err)
	g.store.SetMaxResources(1)
	go func() {
		if peer, err := net.Dial("tcp4", listener.Addr().String()); err == nil {
			peer.Close()
		}
	}()
	for range 3 { // the pollable of a call is dropped in it
		Must(g.call(context.Background(), "wait", socket))
	}
	pollable := Must(component.NewPollable(g.store, nil))
	_, err = g.call(context.Background(), "wait", socket)
	WantIs(t, err, component.ErrTooManyHandles)
	Check(t, pollable.Drop(nil))
}

// What cannot be a stream, or a descriptor, is refused and stays where it is.
func TestWasiRefusedStreams(t *testing.T) {
	store := wasmtime.NewStore(stdEngine())
	defer store.Close()
	Check(t, store.ConfigureWasi(wasmtime.NewWasiConfig()))
	listener := Must(net.Listen("tcp4", "127.0.0.1:0"))
	defer listener.Close()
	packets := Must(net.ListenPacket("udp4", "127.0.0.1:0"))
	defer packets.Close()
	file := TempFile(t, text)
	in, out, streams, descriptor := "input", "output", "streams", "descriptor"
	for name, test := range map[string]struct {
		fd      uint32
		refused []string
	}{
		"listener":        {Must(store.PushListener(listener)), []string{in, out, streams, descriptor}},
		"served listener": {Must(store.PushListener(wrappedListener{listener})), []string{in, out, streams, descriptor}},
		"datagrams":       {Must(store.PushConn(packets.(*net.UDPConn))), []string{in, out, streams, descriptor}},
		"reader":          {Must(store.PushReader(strings.NewReader(""))), []string{out, streams, descriptor}},
		"writer":          {Must(store.PushWriter(io.Discard)), []string{in, streams, descriptor}},
		"read-only":       {Must(store.PushFile(file, wasmtime.READ_ONLY)), []string{out, streams}},
		"write-only":      {Must(store.PushFile(file, wasmtime.WRITE_ONLY)), []string{in, streams}},
		"directory":       {Must(store.PushFS(fstest.MapFS{}, "")), []string{in, out, streams}},
		"host directory":  {Must(store.PushDir(Must(os.Open(t.TempDir())), "", wasmtime.READ_ONLY)), []string{in, out, streams}},
	} {
		for _, as := range test.refused {
			var err error
			switch as {
			case in:
				_, err = component.WasiInput(store, test.fd)
			case out:
				_, err = component.WasiOutput(store, test.fd)
			case streams:
				_, _, err = component.WasiStreams(store, test.fd)
			default:
				_, err = component.WasiDescriptor(store, test.fd)
			}
			if !errors.Is(err, component.ErrType) {
				t.Errorf("%s as %s: %v", name, as, err)
			}
		}
		if err := store.RemoveFile(test.fd); err != nil {
			t.Errorf("%s was taken: %v", name, err)
		}
	}
}

// The goroutine that waits for a pollable of Go's ends with the call that has asked for it.
func TestWasiPollableGoroutine(t *testing.T) {
	g := newSocketGuest(t)
	polls := newPollGuest(t, g.store)
	p := Must(component.NewPollable(g.store, make(chan struct{})))
	before := runtime.NumGoroutine()
	for range 100 {
		if Must(polls.Call(context.Background(), p)) != false {
			t.Fatal("it is ready")
		}
	}
	settled(t, before)
	Check(t, p.Drop(nil))
	done := make(chan struct{})
	p = Must(component.NewPollable(g.store, done))
	Equal(t, "before", Must(polls.Call(context.Background(), p)), any(false))
	close(done)
	Equal(t, "after", Must(polls.Call(context.Background(), p)), any(true))
}

// newPollGuest is ready, of a component that asks whether a pollable is ready.
func newPollGuest(t *testing.T, store *wasmtime.Store) *component.Func {
	t.Helper()
	c := Must(component.New(store.Engine, []byte(`(component
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $p (sub resource)))
    (export "[method]pollable.ready" (func (param "self" (borrow $p)) (result bool)))))
  (alias export $poll "pollable" (type $p))
  (core func $ready (canon lower (func $poll "[method]pollable.ready")))
  (core func $drop (canon resource.drop $p))
  (core module $m (import "h" "ready" (func $ready (param i32) (result i32))) (import "h" "drop" (func $drop (param i32)))
    (func (export "ready") (param i32) (result i32) (call $ready (local.get 0)) (call $drop (local.get 0))))
  (core instance $i (instantiate $m (with "h" (instance (export "ready" (func $ready)) (export "drop" (func $drop))))))
  (func (export "ready") (param "p" (borrow $p)) (result bool) (canon lift (core func $i "ready"))))`)))
	l := component.NewLinker(store.Engine)
	t.Cleanup(l.Close)
	Check(t, l.DefineWasi())
	return Must(Must(l.Instantiate(context.Background(), store, c)).Func("ready"))
}

// What serves WASI of a store cannot use that store, and nothing is lost when it tries.
func TestWasiServersCannotUseTheStore(t *testing.T) {
	p := newProgram(t, "time")
	var store *wasmtime.Store
	var refused []error
	try := func() {
		_, err := component.NewInput(store, strings.NewReader(""))
		refused = append(refused, err, store.ConfigureWasi(wasmtime.NewWasiConfig()))
	}
	p.config.SetWallClock(func() time.Time { try(); return time.Unix(1, 0) }, time.Second)
	p.config.SetSecureRandom(ReaderFunc(func(b []byte) (int, error) { try(); return len(b), nil }))
	p.config.SetInsecureRandom(ReaderFunc(func(b []byte) (int, error) { try(); return len(b), nil }))
	p.Prepare = func(s *wasmtime.Store) error { store = s; return nil }
	Equal(t, "stdout", p.run(), "slept true\nnow 1\n")
	if len(refused) == 0 {
		t.Error("nothing was tried")
	}
	for _, err := range refused {
		WantIs(t, err, wasmtime.ErrConcurrentUse)
	}
}

// A count that cannot be ends what uses it, with the cause.
func TestWasiBadCounts(t *testing.T) {
	for name, n := range map[string]int{"more": 1 << 30, "negative": -1} {
		store := wasmtime.NewStore(stdEngine())
		store.SetEpochDeadline(1 << 40)
		Check(t, store.ConfigureWasi(wasmtime.NewWasiConfig()))
		bad := miscount(n)
		r := Must(component.WasiReader(store, Must(component.NewInput(store, bad))))
		_, err := r.Read(make([]byte, 10))
		WantIs(t, err, wasmtime.ErrBadCount)
		if text := "component_test.miscount returned a number of bytes that cannot be"; !strings.Contains(err.Error(), text) {
			t.Errorf("%s: the error does not say %q: %v", name, text, err)
		}
		w := Must(component.WasiWriter(store, Must(component.NewOutput(store, bad))))
		_, err = w.Write(make([]byte, 10))
		WantIs(t, err, wasmtime.ErrBadCount)
		store.Close()
	}
}

// miscount reads and writes so many bytes, it says.
type miscount int

func (m miscount) Read([]byte) (int, error)  { return int(m), nil }
func (m miscount) Write([]byte) (int, error) { return int(m), nil }
