package component

import (
	"context"
	"io"

	"github.com/gowasmtime/wasmtime"
)

// errNotYet stands in for what is still to be written.
var errNotYet = errorf(nil, "not yet")

// NewPollable makes a pollable of wasi:io, for a Go function that returns one: ready when done is closed, and from then
// on. A guest that waits for it, alone or together with clocks, streams and sockets, goes on at once. A nil channel is
// never ready. It is the program's until it is given away, or dropped with [Resource.Drop]; then, and when the store is
// closed, nothing is left of it. The store must have been given a [wasmtime.WasiConfig], or the error wraps
// [wasmtime.ErrNoWasi].
func NewPollable(store wasmtime.Storelike, done <-chan struct{}) (*Resource, error) {
	return nil, errNotYet
}

// NewPollableContext is [NewPollable] for a context: ready when that has ended.
func NewPollableContext(store wasmtime.Storelike, ctx context.Context) (*Resource, error) {
	return NewPollable(store, ctx.Done())
}

// NewInput makes an input-stream of wasi:io of a reader, for an export that takes one, or for a Go function that returns
// one. It is [wasmtime.Store.PushReader] and [WasiInput] at once: the reader is served as there, and stays the
// program's. If it fails, nothing is left behind.
func NewInput(store wasmtime.Storelike, r io.Reader) (*Resource, error) {
	return nil, errNotYet
}

// NewOutput is [NewInput] for an output-stream and a writer, as [wasmtime.Store.PushWriter] serves it.
func NewOutput(store wasmtime.Storelike, w io.Writer) (*Resource, error) {
	return nil, errNotYet
}

// WasiSocket is [WasiDescriptor] for a tcp-socket of wasi:sockets: of a connection, which is connected and whose
// streams are returned beside it, as finish-connect and accept return them; or of a listener, which listens, and has no
// streams.
//
// Its addresses, its options, accept, shutdown and subscribe are those of the connection or the listener. Each stream
// is the program's like the socket, to be given away or dropped, before that.
func WasiSocket(store wasmtime.Storelike, fd uint32) (socket, input, output *Resource, err error) {
	return nil, nil, nil, errNotYet
}
