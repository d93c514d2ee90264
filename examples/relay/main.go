// Command relay is a proxy whose work is done in guests: each connection has an instance of its own, which gets the
// accepted connection, asks for the other side, and carries bytes both ways until both sides have ended.
//
//	go run ./examples/relay 127.0.0.1:8080 example.org:80
//
// listens on the first address and connects to the second. Ctrl-C ends it, and the guests with it.
//
// The guest can neither listen nor dial nor see any address. It is testdata/guests/c/relay.c of this module; go/relay
// and rust/relay there are the same in Go and in Rust, with mio's event loop.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

// idle is how long a connection may stay silent.
const idle = 5 * time.Minute

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: relay LISTEN TARGET")
		os.Exit(2)
	}
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := serve(ctx, listener, os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

// serve relays what connects to the listener, until the context is done and all guests have returned.
func serve(ctx context.Context, listener net.Listener, target string) error {
	defer listener.Close()
	p, err := newProxy(ctx, target)
	if err != nil {
		return err
	}
	defer p.engine.Close()

	// All guests look at the one pipe, which nobody reads.
	cancelled, cancel, err := os.Pipe()
	if err != nil {
		return err
	}
	defer cancelled.Close()
	defer cancel.Close()
	defer context.AfterFunc(ctx, func() {
		listener.Close()
		cancel.WriteString("x")
	})()

	var guests sync.WaitGroup
	defer guests.Wait()
	for {
		conn, err := listener.Accept()
		if err != nil && ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		guests.Go(func() {
			peer := conn.RemoteAddr()
			if err := p.relay(conn, cancelled); err != nil {
				log.Printf("%v: %v", peer, err)
			}
		})
	}
}

// A proxy is what all connections share.
type proxy struct {
	engine *wasmtime.Engine
	relays *wasmtime.InstancePre
}

func newProxy(ctx context.Context, target string) (*proxy, error) {
	config := wasmtime.NewConfig()
	config.SetPooling(wasmtime.PoolingPreset())
	engine, err := wasmtime.TryNewEngine(config)
	if err != nil {
		return nil, err
	}
	module, err := wasmtime.NewModule(engine, guests.C("relay"))
	if err != nil {
		return nil, err
	}
	linker := wasmtime.NewLinker(engine)
	if err := linker.DefineWasi(); err != nil {
		return nil, err
	}
	dial := wasmtime.HostFunc0(func(guest *wasmtime.Caller) (int32, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", target)
		if err != nil {
			log.Print(err)
			return -14, nil // ECONNREFUSED of WASI: the guest decides what that means
		}
		defer conn.Close() // the guest has its own
		fd, err := guest.PushConn(conn)
		return int32(fd), err
	})
	if err := linker.DefineHost("host", "dial", dial); err != nil {
		return nil, err
	}
	relays, err := linker.InstantiatePre(module)
	if err != nil {
		return nil, err
	}
	return &proxy{engine, relays}, nil
}

// relay runs a guest for a connection, which is the guest's alone from then on.
func (p *proxy) relay(conn net.Conn, cancelled *os.File) error {
	store := wasmtime.NewStore(p.engine)
	defer store.Close() // and whatever the guest has left open
	wasi := wasmtime.NewWasiConfig()
	defer wasi.Close()
	store.SetWasi(wasi)
	connFd, err := store.PushConn(conn)
	conn.Close()
	if err != nil {
		return err
	}
	cancelFd, err := store.PushFile(cancelled, wasmtime.READ_ONLY)
	if err != nil {
		return err
	}

	instance, err := p.relays.Instantiate(store)
	if err != nil {
		return err
	}
	if _, err := instance.GetFunc(store, "_initialize").Call(store); err != nil {
		return err
	}
	relay, err := wasmtime.Bind3[uint32, uint32, int32, int32](store, instance.GetFunc(store, "relay"))
	if err != nil {
		return err
	}
	result, err := relay.Call(connFd, cancelFd, int32(idle.Milliseconds()))
	if err != nil {
		return err
	}
	if result < 0 {
		return fmt.Errorf("the guest failed with WASI's error %d", -result)
	}
	return nil
}
