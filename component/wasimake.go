package component

import (
	"context"
	"io"
	"io/fs"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/bridge"
	"github.com/gowasmtime/wasmtime/internal/served"
)

// NewPollable makes a pollable of wasi:io, for a Go function that returns one: ready when done is closed, and from then
// on. A guest that waits for it, alone or together with clocks, streams and sockets, goes on at once. A nil channel is
// never ready; one that something is sent on makes it ready only if nobody else receives that, and only once.
//
//	jobs.Func("subscribe", func(caller *wasmtime.Caller) (*component.Resource, error) {
//		return component.NewPollable(caller, job.done)
//	})
//
// It is the program's until it is given away, or dropped with [Resource.Drop]. A goroutine waits for done from the
// first time that a guest has asked in vain, and no longer than the call into the guest. The store must have been given
// a [wasmtime.WasiConfig], or the error wraps [wasmtime.ErrNoWasi]. More than there may be is an error that wraps
// [ErrTooManyHandles]: see [SetLimits] and [wasmtime.Store.SetMaxResources].
func NewPollable(store wasmtime.Storelike, done <-chan struct{}) (*Resource, error) {
	return newServed(store, served.NewSignal(done), ffi.WasiPollable, "pollable")
}

// newServed makes a resource of something that Go serves.
func newServed(store wasmtime.Storelike, what *served.Descriptor, kind ffi.WasiResource, name string) (*Resource, error) {
	inside, err := bridge.StoreOf(store)
	if err != nil {
		return nil, err
	}
	outermost, err := inside.Enter()
	if err != nil {
		return nil, err
	}
	defer inside.Leave(outermost)
	fd, failed := inside.PushServed(what, kind == ffi.WasiOutputStream)
	if !failed.IsNil() {
		return nil, bridge.NewError(failed)
	}
	s := stateOf(inside)
	handles, failed := inside.Native().TakeDescriptor(fd, kind)
	if !failed.IsNil() {
		err := bridge.NewError(failed)
		if failed := inside.Native().RemoveFile(fd); !failed.IsNil() {
			failed.Delete() // it is gone already
		}
		return nil, err
	}
	return &Resource{s, handles[0], name}, nil
}

// NewPollableContext is [NewPollable] for a context: ready when that has ended, and never for one that cannot end, or
// for nil, which is no context.
func NewPollableContext(store wasmtime.Storelike, ctx context.Context) (*Resource, error) {
	if ctx == nil {
		return NewPollable(store, nil)
	}
	return NewPollable(store, ctx.Done())
}

// pusher is a store, or the caller of a host function.
type pusher interface {
	wasmtime.Storelike
	PushReader(r io.Reader) (uint32, error)
	PushWriter(w io.Writer) (uint32, error)
	PushFS(fsys fs.FS, path string) (uint32, error)
	RemoveFile(fd uint32) error
}

// NewInput makes an input-stream of wasi:io of a reader, for an export that takes one, or for a Go function that
// returns one. It is [wasmtime.Store.PushReader] and [WasiInput] at once: the reader is served as there, and stays the
// program's. If it fails, nothing is left behind.
//
//	stdin := linker.Instance("wasi:cli/stdin@0.2.0")
//	stdin.Func("get-stdin", func(caller *wasmtime.Caller) (*component.Resource, error) {
//		return component.NewInput(caller, strings.NewReader("from Go"))
//	})
func NewInput(store wasmtime.Storelike, r io.Reader) (*Resource, error) {
	return pushed(store, func(p pusher) (uint32, error) { return p.PushReader(r) }, WasiInput)
}

// NewOutput is [NewInput] for an output-stream and a writer, as [wasmtime.Store.PushWriter] serves it.
func NewOutput(store wasmtime.Storelike, w io.Writer) (*Resource, error) {
	return pushed(store, func(p pusher) (uint32, error) { return p.PushWriter(w) }, WasiOutput)
}

// NewDescriptor is [NewInput] for a descriptor of wasi:filesystem and a file system of Go's: its root, as
// [wasmtime.Store.PushFS] serves it. [wasmtime.Writable] makes a file system that can be written.
func NewDescriptor(store wasmtime.Storelike, fsys fs.FS) (*Resource, error) {
	return pushed(store, func(p pusher) (uint32, error) { return p.PushFS(fsys, "") }, WasiDescriptor)
}

// pushed makes a resource of what is pushed first.
func pushed(store wasmtime.Storelike, push func(pusher) (uint32, error), take func(wasmtime.Storelike, uint32) (*Resource, error)) (*Resource, error) {
	if _, err := bridge.StoreOf(store); err != nil {
		return nil, err
	}
	p := store.(pusher)
	fd, err := push(p)
	if err != nil {
		return nil, err
	}
	r, err := take(store, fd)
	if err != nil {
		_ = p.RemoveFile(fd) // if it is still there
	}
	return r, err
}

// WasiSocket is [WasiDescriptor] for a tcp-socket of wasi:sockets: of a connection, which is connected and whose
// streams come with it, as finish-connect and accept return them; or of a listener, which listens, and whose streams
// are nil. Either is one of package net or one that Go serves, see [wasmtime.Store.PushConn] and
// [wasmtime.Store.PushListener].
//
//	fd, err := store.PushListener(listener)
//	…
//	socket, _, _, err := component.WasiSocket(store, fd)
//	…
//	_, err = serve.Call(ctx, socket)
//
// Accept, subscribe, shutdown, the addresses and the options are those of the connection or the listener; on Windows,
// the hop limit is the only option. A shutdown of what is sent waits until all is sent that was written before. One
// that Go serves has no options, and addresses if they are of the form of [netip.AddrPort]. It is bound from the start:
// what binds, connects or listens fails with invalid-state. The switches of the network and the check of addresses are
// not about it, since the program has given it. What a guest accepts counts for [wasmtime.Store.SetMaxResources].
//
// All three are the program's, to be given away or dropped; the streams have to be dropped before the socket. There is
// no such function for UDP: upstream's udp-socket cannot be made of what there is.
func WasiSocket(store wasmtime.Storelike, fd uint32) (socket, input, output *Resource, err error) {
	taken, err := takeDescriptor(store, fd, ffi.WasiTCPSocket, "tcp-socket", "input-stream", "output-stream")
	return taken[0], taken[1], taken[2], err
}
