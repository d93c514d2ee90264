// Package wasitls gives components wasi:tls: they make TLS of a connection, as a client, with the library crypto/tls.
//
//	err := wasitls.Define(linker, wasitls.Options{Config: &tls.Config{RootCAs: roots}})
//
// A guest hands over the two streams of a connection, and the name of the server, and gets two streams of clear text.
// The connection is its own affair: it comes from wasi:sockets, with the switches that the guest's store has for that,
// or from the host. Keys and certificates are the program's: a guest sees none of them, and cannot change what the
// program wants of a server.
//
// The interface is wasi:tls@0.2.0-draft as the crate wasmtime-wasi-tls 48.0.8 has it in wit/deps/tls. No other version
// is compatible with a pre-release.
package wasitls

import (
	"context"
	"crypto/tls"
	"errors"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	"github.com/gowasmtime/wasmtime/internal/clip"
	"github.com/gowasmtime/wasmtime/internal/served"
)

// name is that of the interface.
const name = "wasi:tls/types@0.2.0-draft"

// Options say how guests' connections are made.
type Options struct {
	// Config is what crypto/tls is to do: what roots there are, which versions, whether the program shows a certificate
	// of its own. nil is all as crypto/tls has it. It is copied for each connection, with the server's name that the
	// guest has given; so it must not be changed afterwards. Its functions are called by goroutines of their own; what
	// they panic with comes out of the guest's call that asks for the connection.
	Config *tls.Config
	// CheckServerName decides whether a guest may ask for a server of a name, which is the guest's to choose and may be
	// anything. An error refuses it: the guest gets the text of that. nil allows all. It is called by a goroutine of
	// its own, with the context of the guest's call, and has to be safe for that. It is about names alone; what a guest
	// connects to is for [wasmtime.WasiConfig.SetSocketAddrCheck].
	CheckServerName func(ctx context.Context, name string) error
}

// Define defines wasi:tls in a linker, whose components need [component.Linker.DefineWasi], too. If it is defined
// already, that is an error: see [component.Linker.AllowShadowing]. See wasmtime_wasi_tls::p2::add_to_linker.
//
// A handshake goes on while the guest does other things. It ends with the context of the call in which the guest has
// begun it, when the guest drops what it waits for, and with the store. What it fails with, the guest gets as an error
// whose debug string is that of crypto/tls, of at most 4096 bytes.
//
// The streams of the connection are taken as by [component.TakeReader]. Those of clear text hold up to 64 KiB in each
// direction, and what crypto/tls needs itself: a guest, or a server, that does not read holds up the other side, and
// costs no more memory. A server that ends without TLS's word for that is an error for the guest and no end: somebody
// may have cut the connection. A connection counts for [wasmtime.Store.SetMaxResources], as up to three
// resources: it and the two streams that it has taken; handshakes also count as values for [component.SetLimits]. A
// guest that drops all of it closes the connection, with TLS's word for that. So does the end of the store. A
// connection must not be dropped before its streams, as in Wasmtime: that ends the guest.
func Define(linker *component.Linker, options Options) error {
	config := options.Config
	if config == nil {
		config = &tls.Config{}
	}
	types := linker.Instance(name)
	for _, r := range []struct {
		name     string
		resource component.ResourceType
	}{
		{"client-handshake", component.ResourceOf[*handshake]()},
		{"client-connection", component.ResourceOf[*connection]()},
		{"future-client-streams", component.ResourceOf[*future]()},
	} {
		if err := types.Resource(r.name, r.resource.Named(r.name)); err != nil {
			return err
		}
	}
	for _, f := range []struct {
		name     string
		function component.HostFunc
	}{
		{"[constructor]client-handshake", component.HostFunc3(begin)},
		{"[static]client-handshake.finish", component.HostFunc1(func(c *wasmtime.Caller, h *handshake) (*future, error) {
			config := config.Clone()
			config.ServerName = h.server
			return finish(c.Context(), h, config, options.CheckServerName), nil
		})},
		{"[method]future-client-streams.subscribe", component.HostFunc1(subscribe)},
		{"[method]future-client-streams.get", component.HostFunc1(get)},
		{"[method]client-connection.close-output", component.HostVoid1(closeOutput)},
	} {
		if err := types.Func(f.name, f.function); err != nil {
			return err
		}
	}
	return nil
}

// handshake is the resource client-handshake: what is to be done.
type handshake struct {
	server    string
	transport *transport
}

// Close closes the connection, of which nothing was made.
func (h *handshake) Close() error { return h.transport.Close() }

func begin(c *wasmtime.Caller, server string, input, output *component.Resource) (*handshake, error) {
	t, err := take(c, input, output)
	if err != nil {
		return nil, err
	}
	return &handshake{server, t}, nil
}

// future is the resource future-client-streams: a handshake that goes on, or has ended.
type future struct {
	stop context.CancelFunc
	// done is closed when conn and err are there.
	done chan struct{}
	conn *tls.Conn
	err  error
	// got says that the guest has got them.
	got bool
	// panics are of the program's functions, for the guest's call that asks.
	panics served.Panics
}

// Close ends the handshake. What the guest has not got is closed.
func (f *future) Close() {
	if f.got {
		return
	}
	f.stop()
	go func() { // closing may wait for the other side
		<-f.done
		if f.err == nil {
			f.conn.Close()
		}
	}()
}

// finish begins the handshake.
func finish(ctx context.Context, h *handshake, config *tls.Config, check func(context.Context, string) error) *future {
	ctx, stop := context.WithCancel(ctx)
	f := &future{stop: stop, done: make(chan struct{}), conn: tls.Client(h.transport, config)}
	go func() {
		defer close(f.done)
		defer stop()
		f.err = errPanicked
		f.panics.Guard(func() {
			var err error
			if check != nil {
				err = check(ctx, h.server)
			}
			if err == nil {
				err = f.conn.HandshakeContext(ctx)
			}
			f.err = err
		})
		if f.err != nil {
			h.transport.Close()
		}
	}()
	return f
}

// errPanicked is the error of a handshake in which a function of the program's has panicked.
var errPanicked = errors.New("a function of the program's has panicked")

func subscribe(c *wasmtime.Caller, f *future) (*component.Resource, error) {
	return component.NewPollable(c, f.done)
}

// streams are what a guest gets in the end: the connection, and its two streams of clear text.
type streams = component.Tuple3[*connection, *component.Resource, *component.Resource]

// outcome is what becomes of a handshake; the error outside says that the guest has got it already.
type outcome = component.Result[component.Result[streams, *component.Resource], struct{}]

func get(c *wasmtime.Caller, f *future) (component.Option[outcome], error) {
	select {
	case <-f.done:
	default:
		return component.None[outcome](), nil
	}
	f.panics.Raise()
	var result outcome
	switch {
	case f.got:
		result = component.Err[component.Result[streams, *component.Resource]](struct{}{})
	case f.err != nil:
		text, err := component.NewError(c, clip.Error(f.err))
		if err != nil {
			return component.None[outcome](), err
		}
		result = component.Ok[component.Result[streams, *component.Resource], struct{}](component.Err[streams](text))
	default:
		clear, err := give(c, f.conn)
		if err != nil {
			return component.None[outcome](), err
		}
		result = component.Ok[component.Result[streams, *component.Resource], struct{}](
			component.Ok[streams, *component.Resource](clear))
	}
	f.got = true
	return component.Some(result), nil
}

// connection is the resource client-connection. It is a socket for the store, whose streams are those of clear text: so
// it counts as one, and its streams have to be gone before it.
type connection struct{ socket *component.Resource }

// Close drops the socket. A store that is being closed has dropped it.
func (c *connection) Close() error {
	if err := c.socket.Drop(nil); err != nil && !errors.Is(err, wasmtime.ErrClosed) {
		return err
	}
	return nil
}

// give makes the connection the guest's.
func give(c *wasmtime.Caller, conn *tls.Conn) (clear streams, err error) {
	fd, err := c.PushConn(conn)
	if err != nil {
		return clear, err
	}
	socket, input, output, err := component.WasiSocket(c, fd)
	if err != nil {
		return clear, errors.Join(err, c.RemoveFile(fd))
	}
	return streams{A: &connection{socket}, B: input, C: output}, nil
}

// closeOutput has TLS's word for the end sent, after what the guest has written.
func closeOutput(c *wasmtime.Caller, conn *connection) error {
	return component.ShutdownSocket(c, conn.socket, false, true)
}
