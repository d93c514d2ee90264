package relay_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

// What the relay guests return; other errors are negative as well.
const (
	relayRefused   = -14 // ECONNREFUSED, which the host has told
	relayEnded     = 0
	relayCancelled = 1
	relayIdle      = 2
)

// relayHost runs a relay guest for one connection after the other, or for many at once.
type relayHost struct {
	engine *Engine
	pre    *InstancePre
	counts int // how many counts the guest has
	moved  atomic.Int64
	// served lets Go serve the connections, as if they had no descriptors.
	served bool
}

// servedConn hides what a connection has besides what a tls.Conn has.
type servedConn struct{ relayPeer }

// push gives a connection to a guest: a copy, so that this one is closed, or the connection itself.
func (h *relayHost) push(store interface {
	PushConn(net.Conn) (uint32, error)
}, conn net.Conn) (uint32, error) {
	if h.served {
		return store.PushConn(servedConn{conn.(relayPeer)})
	}
	defer conn.Close()
	return store.PushConn(conn)
}

// The relay guests, by their language.
var relayGuests = map[string]func(testing.TB) *relayHost{
	"C": func(t testing.TB) *relayHost { return newRelayHost(t, guests.C("relay"), 3) },
	"Go": func(t testing.TB) *relayHost {
		wasm, err := guests.Go("relay")
		Check(t, err)
		return newRelayHost(t, wasm, 2, CompilesQuickly)
	},
	"Rust": func(t testing.TB) *relayHost { return newRelayHost(t, guests.Rust("relay"), 3) },
}

func newRelayHost(t testing.TB, wasm []byte, counts int, options ...func(*Config)) *relayHost {
	t.Helper()
	h := &relayHost{counts: counts}
	engine := EngineWith(t, append(options, WithEpochs, func(c *Config) { c.SetPooling(PoolingPreset()) })...)
	t.Cleanup(engine.Close)
	linker := NewLinker(engine)
	t.Cleanup(linker.Close)
	Check(t, linker.DefineWasi())
	Check(t, linker.DefineHost("host", "dial", HostFunc0(func(c *Caller) (int32, error) {
		conn, err := c.Data().(func() (net.Conn, error))()
		if errors.Is(err, ErrRefused) {
			return relayRefused, nil
		}
		if err != nil {
			return 0, err
		}
		fd, err := h.push(c, conn)
		return int32(fd), err
	})))
	module, err := NewModule(engine, wasm)
	Check(t, err)
	t.Cleanup(module.Close)
	pre, err := linker.InstantiatePre(module)
	Check(t, err)
	t.Cleanup(pre.Close)
	h.engine, h.pre = engine, pre
	return h
}

// relayOutcome is how a relay ended.
type relayOutcome struct {
	result   int32
	err      error
	up, down int64 // bytes to the server and back
	polls    int64 // how often the guest waited, if it tells
}

// serve runs a guest for a connection until it returns. The connection and the pipe are the guest's alone from then
// on.
func (h *relayHost) serve(ctx context.Context, conn net.Conn, stop *os.File, dial func() (net.Conn, error), idle time.Duration) (o relayOutcome) {
	store := NewStoreWithData(h.engine, dial)
	defer store.Close()
	config := NewWasiConfig()
	store.SetWasi(config)
	config.Close()
	connFd, err := h.push(store, conn)
	o.err = err
	stopFd, err := store.PushFile(stop, READ_ONLY)
	if o.err = errors.Join(o.err, err, stop.Close()); o.err != nil {
		return o
	}
	instance, err := h.pre.InstantiateContext(context.Background(), store)
	if err != nil {
		o.err = err
		return o
	}
	if _, o.err = instance.GetFunc(store, "_initialize").CallContext(context.Background(), store); o.err != nil {
		return o
	}
	relay := Must(Bind3[uint32, uint32, int32, int32](store, instance.GetFunc(store, "relay")))
	if o.result, o.err = relay.CallContext(ctx, connFd, stopFd, int32(idle.Milliseconds())); o.err != nil {
		return o
	}
	count := Must(Bind1[int32, int64](store, instance.GetFunc(store, "count")))
	for i, n := range []*int64{&o.up, &o.down, &o.polls}[:h.counts] {
		*n, err = count.CallContext(context.Background(), int32(i))
		o.err = errors.Join(o.err, err)
	}
	h.moved.Add(o.up + o.down)
	return o
}

// relayPeer is an end of a connection.
type relayPeer interface {
	net.Conn
	CloseWrite() error
	SetReadBuffer(int) error
	SetWriteBuffer(int) error
}

// relayed is a client and a server with a guest in between.
type relayed struct {
	client, server relayPeer
	stop           *os.File // what is written here ends the relay
	cancel         context.CancelFunc
	outcome        chan relayOutcome
}

// relayRun is one use of a relay: what the peers do, and how that has to end.
type relayRun struct {
	idle   time.Duration // 0 is long
	narrow bool          // small buffers in the operating system, which fill up soon
	do     func(r *relayed, n int64) error
}

// start connects a client to the host, runs a guest, and accepts the connection that the guest has asked for. With a
// name, the sockets are Unix sockets whose names begin with it.
func (h *relayHost) start(name string, run relayRun) (r *relayed, err error) {
	var frontName, backName string
	if name != "" {
		frontName, backName = name+"front", name+"back"
	}
	front, err := relayListen(frontName)
	if err != nil {
		return nil, err
	}
	defer front.Close()
	back, err := relayListen(backName)
	if err != nil {
		return nil, err
	}
	defer back.Close()
	narrow := func(c net.Conn) relayPeer {
		peer := c.(relayPeer)
		if run.narrow {
			peer.SetReadBuffer(32 << 10)
			peer.SetWriteBuffer(32 << 10)
		}
		return peer
	}
	dial := func(l net.Listener) (net.Conn, error) {
		c, err := net.Dial(l.Addr().Network(), l.Addr().String())
		if err == nil {
			narrow(c)
		}
		return c, err
	}

	client, err := dial(front)
	if err != nil {
		return nil, err
	}
	accepted, err := front.Accept()
	if err != nil {
		return nil, err
	}
	narrow(accepted)
	stop, stopW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	idle := run.idle
	if idle == 0 {
		idle = time.Minute
	}
	outcome := make(chan relayOutcome, 1)
	go func() {
		outcome <- h.serve(ctx, accepted, stop, func() (net.Conn, error) { return dial(back) }, idle)
	}()
	server, err := back.Accept()
	if err != nil {
		cancel()
		return nil, errors.Join(err, (<-outcome).err)
	}
	return &relayed{client.(relayPeer), narrow(server), stopW, cancel, outcome}, nil
}

// relayListen listens on a port, or on a Unix socket of that name.
func relayListen(path string) (net.Listener, error) {
	if path != "" {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
		if err == nil {
			l.SetDeadline(time.Now().Add(20 * time.Second))
		}
		return l, err
	}
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err == nil {
		l.SetDeadline(time.Now().Add(20 * time.Second))
	}
	return l, err
}

func (r *relayed) close() {
	r.client.Close()
	r.server.Close()
	r.stop.Close()
	r.cancel()
}

// wait waits for the end of the guest.
func (r *relayed) wait() (relayOutcome, error) {
	select {
	case o := <-r.outcome:
		return o, o.err
	case <-time.After(time.Minute):
		return relayOutcome{}, errors.New("the guest does not return")
	}
}

// ends checks that the relay ended with a result, having moved so many bytes.
func (r *relayed) ends(result int32, up, down int64) error {
	o, err := r.wait()
	if err == nil && (o.result != result || o.up != up || o.down != down) {
		err = fmt.Errorf("the guest returned %d after %d and %d bytes, want %d after %d and %d", o.result, o.up, o.down, result, up, down)
	}
	return errors.Join(err, o.busy())
}

// busy is an error if the guest waited without need: each wait is for something, so there are not many more than
// chunks.
func (o relayOutcome) busy() error {
	if o.polls > (o.up+o.down)/1024+100 {
		return fmt.Errorf("the guest waited %d times for %d bytes", o.polls, o.up+o.down)
	}
	return nil
}

// stops checks that the relay ended with a result that does not depend on what was moved, and that both peers see it.
func (r *relayed) stops(result int32) error {
	o, err := r.wait()
	if err == nil && o.result != result {
		err = fmt.Errorf("the guest returned %d, want %d", o.result, result)
	}
	return errors.Join(err, o.busy(), gone(r.client), gone(r.server))
}

// gone checks that a peer's connection is over, by an end or a reset.
func gone(peer relayPeer) error {
	peer.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.Copy(io.Discard, peer); errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.New("a peer does not see that the relay is over")
	}
	return nil
}

// sendAll sends n random bytes and what they add to a hash, and ends its direction.
func sendAll(to relayPeer, n int64, sum hash.Hash) error {
	_, err := io.Copy(struct{ io.Writer }{to}, io.TeeReader(io.LimitReader(RandomStream(rand.Uint64()), n), sum))
	return errors.Join(err, to.CloseWrite())
}

// transfer sends from one peer to another, or to itself by an echo, and compares what comes with what was sent.
func transfer(from, to relayPeer, n int64) error { return transferMore(from, to, n, sha256.New()) }

// transferMore is transfer after something was sent that is in the hash.
func transferMore(from, to relayPeer, n int64, sent hash.Hash) error {
	failed := make(chan error, 1)
	go func() { failed <- sendAll(from, n, sent) }()
	received := sha256.New()
	_, err := io.Copy(received, to)
	if err := errors.Join(err, <-failed); err != nil {
		return err
	}
	if string(received.Sum(nil)) != string(sent.Sum(nil)) {
		return errors.New("something else came than was sent")
	}
	return nil
}

// fill writes until nothing more fits, and returns how much did.
func fill(to relayPeer, sum hash.Hash) (total int64, err error) {
	block := make([]byte, 64<<10)
	io.ReadFull(RandomStream(rand.Uint64()), block)
	defer to.SetWriteDeadline(time.Time{})
	for total < 1<<28 {
		to.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		n, err := to.Write(block)
		total += int64(n)
		sum.Write(block[:n])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
	return total, errors.New("it is never full")
}

// reset makes a peer break its connection off while the other one sends.
func reset(r *relayed, breaks, sends relayPeer) error {
	failed := make(chan error, 1)
	go func() {
		_, err := io.Copy(struct{ io.Writer }{sends}, RandomStream(1))
		failed <- err
	}()
	_, err := io.ReadFull(breaks, make([]byte, 100_000))
	err = errors.Join(err, breaks.(*net.TCPConn).SetLinger(0), breaks.Close())
	if err != nil {
		return err
	}
	o, err := r.wait()
	if err == nil && o.result >= 0 {
		err = fmt.Errorf("the guest returned %d after a reset", o.result)
	}
	if <-failed == nil {
		err = errors.Join(err, errors.New("a peer could go on sending"))
	}
	return err
}

// relayRuns are the ways in which peers can behave.
var relayRuns = map[string]relayRun{
	"echo": {do: func(r *relayed, n int64) error {
		failed := make(chan error, 1)
		go func() {
			_, err := io.Copy(struct{ io.Writer }{r.server}, r.server)
			failed <- errors.Join(err, r.server.CloseWrite())
		}()
		return errors.Join(transfer(r.client, r.client, n), <-failed, r.ends(relayEnded, n, n))
	}},
	"both ways": {do: func(r *relayed, n int64) error {
		failed := make(chan error, 1)
		go func() { failed <- transfer(r.server, r.client, n+1) }()
		return errors.Join(transfer(r.client, r.server, n), <-failed, r.ends(relayEnded, n, n+1))
	}},
	// One direction ends before the other one begins.
	"request": {do: func(r *relayed, n int64) error {
		return errors.Join(transfer(r.client, r.server, n), transfer(r.server, r.client, n), r.ends(relayEnded, n, n))
	}},
	"banner": {do: func(r *relayed, n int64) error {
		return errors.Join(transfer(r.server, r.client, n), transfer(r.client, r.server, n), r.ends(relayEnded, n, n))
	}},
	"nothing": {do: func(r *relayed, n int64) error {
		return errors.Join(r.client.CloseWrite(), r.server.CloseWrite(), r.ends(relayEnded, 0, 0))
	}},
	// The server does not read until everything in between is full.
	"stall": {narrow: true, do: func(r *relayed, n int64) error {
		sum := sha256.New()
		before, err := fill(r.client, sum)
		if err != nil {
			return err
		}
		return errors.Join(transferMore(r.client, r.server, n, sum), transfer(r.server, r.client, n), r.ends(relayEnded, before+n, n))
	}},
	"reset by the client": {do: func(r *relayed, n int64) error { return reset(r, r.client, r.server) }},
	"reset by the server": {do: func(r *relayed, n int64) error { return reset(r, r.server, r.client) }},
	// Nobody reads, writes or closes any more, which only the clock tells.
	"vanish": {idle: time.Second, narrow: true, do: func(r *relayed, n int64) error {
		fill(r.client, sha256.New())
		return r.stops(relayIdle)
	}},
	"silence": {idle: 100 * time.Millisecond, do: func(r *relayed, n int64) error { return r.stops(relayIdle) }},
	"stop": {narrow: true, do: func(r *relayed, n int64) error {
		_, err := fill(r.client, sha256.New())
		_, err2 := r.stop.WriteString("x")
		return errors.Join(err, err2, r.stops(relayCancelled))
	}},
	"stop while sending": {do: func(r *relayed, n int64) error {
		go io.Copy(struct{ io.Writer }{r.client}, RandomStream(2))
		_, err := io.CopyN(io.Discard, r.server, n)
		_, err2 := r.stop.WriteString("x")
		return errors.Join(err, err2, r.stops(relayCancelled))
	}},
	"host gone": {do: func(r *relayed, n int64) error { return errors.Join(r.stop.Close(), r.stops(relayCancelled)) }},
	"context": {narrow: true, do: func(r *relayed, n int64) error {
		_, err := fill(r.client, sha256.New())
		r.cancel()
		if o, _ := r.wait(); !errors.Is(o.err, context.Canceled) {
			err = errors.Join(err, fmt.Errorf("the guest returned %d, %v", o.result, o.err))
		}
		return errors.Join(err, gone(r.client), gone(r.server))
	}},
}

func (run relayRun) test(t *testing.T, h *relayHost, name string) {
	r, err := h.start(name, run)
	Check(t, err)
	defer r.close()
	Check(t, run.do(r, 3<<20+77))
}

// A proxy in a guest, with peers that behave in all ways, while the collector runs.
func TestRelay(t *testing.T) {
	During(t, runtime.GC)
	for language, host := range relayGuests {
		t.Run(language, func(t *testing.T) {
			t.Parallel() // they wait for each other's ends most of the time
			h := host(t)
			for name, run := range relayRuns {
				t.Run(name, func(t *testing.T) { run.test(t, h, "") })
			}
			if slices.Contains(Networks, "unix") {
				t.Run("Unix sockets", func(t *testing.T) { relayRuns["echo"].test(t, h, TempDir(t)+"/") })
			}
			h.served = true
			for name, run := range relayRuns {
				t.Run(name+", served by Go", func(t *testing.T) { run.test(t, h, "") })
			}
			h.served = false
			t.Run("refused", func(t *testing.T) { testRelayRefused(t, h) })
		})
	}
}

// The guest is told why it gets no other side, and the client sees the end.
func testRelayRefused(t *testing.T, h *relayHost) {
	front, back := Must(relayListen("")), Must(relayListen(""))
	defer front.Close()
	back.Close()
	client := Must(net.Dial("tcp", front.Addr().String()))
	defer client.Close()
	stop, stopW := Pipe(t)
	defer stopW.Close()
	dial := func() (net.Conn, error) { return net.Dial("tcp", back.Addr().String()) }
	o := h.serve(context.Background(), Must(front.Accept()), stop, dial, time.Minute)
	Check(t, o.err)
	Equal(t, "result", o.result, int32(relayRefused))
	Check(t, gone(client.(relayPeer)))
}
