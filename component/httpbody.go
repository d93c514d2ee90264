package component

import (
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/served"
)

// incoming is the body of a message that a guest gets.
type incoming interface {
	io.Reader
	// trailers are what comes after the body, once a Read has returned io.EOF.
	trailers() http.Header
	// stop ends a Read that waits, and all that follow. It may be called at any time, any number of times.
	stop()
}

// incomingBody is the resource incoming-body.
type incomingBody struct {
	of   *httpStore
	from incoming
	// mu is held while somebody reads.
	mu  sync.Mutex
	err error
	// taken says that the guest has had its stream, and streaming that it has it still.
	taken, streaming bool
	// finished says that the guest waits for the trailers, and has closed the body otherwise.
	finished bool
}

// Read reads for the stream of the guest.
func (b *incomingBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.from.Read(p)
	if err != nil && err != io.EOF {
		err = b.of.failed(err)
	}
	b.err = err
	return n, err
}

// ended tells whether there is nothing more to be read. A goroutine may be reading.
func (b *incomingBody) ended() bool {
	if !b.mu.TryLock() {
		return false
	}
	defer b.mu.Unlock()
	return b.err != nil
}

// Gone hears that the guest has dropped the stream.
func (b *incomingBody) Gone() { b.streaming = false }

// stream is stream: func() -> result<input-stream>
func (b *incomingBody) stream(c *wasmtime.Caller) (Result[*Resource, struct{}], error) {
	if b.taken {
		return Err[*Resource](struct{}{}), nil
	}
	r, err := newServed(c, served.NewSource(b), ffi.WasiInputStream, "input-stream")
	if err == nil {
		b.taken, b.streaming = true, true
	}
	return Ok[*Resource, struct{}](r), err
}

// Close hears that the guest has dropped the body, or given it back.
func (b *incomingBody) Close() error {
	if b.streaming && b.of.open() {
		return errorf(ErrHasChildren, "incoming-body: %v: its input-stream", ErrHasChildren)
	}
	if !b.finished {
		b.from.stop()
	}
	return nil
}

// finish is finish: static func(this: incoming-body) -> future-trailers
func (b *incomingBody) finish() (*futureTrailers, error) {
	if b.streaming {
		return nil, errorf(ErrHasChildren, "incoming-body.finish: %v: its input-stream", ErrHasChildren)
	}
	b.finished = true
	f := &futureTrailers{body: b, done: make(chan struct{})}
	if b.ended() {
		f.started = true
		close(f.done)
	}
	return f, nil
}

// futureTrailers is the resource future-trailers.
type futureTrailers struct {
	body *incomingBody
	// done is closed when the body has been read to its end. A goroutine does so once it has been started.
	done    chan struct{}
	started bool
	got     bool
	panics  served.Panics
}

// start begins to read what the guest has left of the body.
func (f *futureTrailers) start() {
	if f.started {
		return
	}
	f.started = true
	go func() {
		defer close(f.done)
		f.panics.Guard(func() { _, _ = io.Copy(io.Discard, struct{ io.Reader }{f.body}) })
	}()
}

// subscribe is subscribe: func() -> pollable
func (f *futureTrailers) subscribe(c *wasmtime.Caller) (*Resource, error) {
	f.start()
	return NewPollable(c, f.done)
}

// trailersResult is what get of future-trailers returns.
type trailersResult = Option[Result[Result[Option[*fields], HTTPErrorCode], struct{}]]

// get is get: func() -> option<result<result<option<trailers>, error-code>>>
func (f *futureTrailers) get() trailersResult {
	f.start()
	select {
	case <-f.done:
	default:
		return trailersResult{}
	}
	f.panics.Raise()
	if f.got {
		return Some(Err[Result[Option[*fields], HTTPErrorCode]](struct{}{}))
	}
	f.got = true
	if err := f.body.err; err != nil && err != io.EOF {
		return Some(Ok[Result[Option[*fields], HTTPErrorCode], struct{}](Err[Option[*fields]](httpErrorCode(err))))
	}
	var trailers Option[*fields]
	if h := f.body.from.trailers(); len(h) > 0 {
		trailers = Some(fieldsOf(h))
	}
	return Some(Ok[Result[Option[*fields], HTTPErrorCode], struct{}](Ok[Option[*fields], HTTPErrorCode](trailers)))
}

// Close hears that the guest has dropped it.
func (f *futureTrailers) Close() { f.body.from.stop() }

// outgoing is where the body of a message goes that a guest writes.
type outgoing interface {
	// write takes bytes, as [served.Sink] has it.
	write(p []byte, wait bool) (int, error)
	// room is how much write takes now without waiting.
	room() int
	// finish ends the body, with trailers if there are some.
	finish(trailers *fields)
	// abort ends it in the middle.
	abort()
}

// mostKept is how much a guest may write of a body before it is sent: before the response is set, or the request
// handled.
const mostKept = 64 << 10

// outgoingBody is the resource outgoing-body.
type outgoingBody struct {
	of *httpStore
	// sizeError is the case of error-code for a wrong length.
	sizeError string
	// length is what content-length says, -1 if nothing does.
	length, written int64
	// to is where it goes, nil as long as that is not known: what has been written is kept then, and how it ended.
	to       outgoing
	kept     []byte
	trailers *fields
	// finished and aborted say how it has ended.
	finished, aborted bool
	// taken says that the guest has had its stream, and streaming that it has it still.
	taken, streaming bool
	// wake makes a guest that waits for room look again; nil as long as there is no stream.
	wake atomic.Pointer[func()]
}

// newOutgoingBody makes a body for a message with some fields.
func newOutgoingBody(of *httpStore, headers *fields, sizeError string) *outgoingBody {
	return &outgoingBody{of: of, sizeError: sizeError, length: headers.contentLength()}
}

// send says where the body goes.
func (b *outgoingBody) send(to outgoing) {
	b.to = to
	kept := b.kept
	b.forget()
	for len(kept) > 0 {
		n, err := to.write(kept, true)
		if err != nil {
			return // who writes again will meet it, and so will the other side
		}
		kept = kept[n:]
	}
	switch {
	case b.aborted:
		to.abort()
	case b.finished:
		to.finish(b.trailers)
	}
}

// forget lets go of what has been kept.
func (b *outgoingBody) forget() {
	b.of.take(-len(b.kept))
	b.kept = nil
}

// errBodyUnsent is the error of a guest that waits until what it writes has been sent, of a message that is not.
var errBodyUnsent = internalErrorf("a body is written and waited for before its message is sent")

// internalErrorf is an internal-error that says why.
func internalErrorf(text string) error { return codeOf("internal-error", text) }

// Write takes what the guest writes.
func (b *outgoingBody) Write(p []byte, wait bool) (n int, err error) {
	if b.length >= 0 && int64(len(p)) > b.length-b.written {
		if n = int(b.length - b.written); n == 0 {
			b.written += int64(len(p)) // it will not be finished well
			return 0, b.of.failed(codeOf(b.sizeError, uint64(b.written)))
		}
		p = p[:n] // the rest is asked for next
	}
	switch {
	case b.to != nil:
		n, err = b.to.write(p, wait)
	case len(b.kept) >= mostKept && wait:
		err = errBodyUnsent
	default:
		if n = min(len(p), mostKept-len(b.kept)); !b.of.take(n) {
			return 0, errorf(errFieldSize, "%v", errFieldSize)
		}
		b.kept = append(b.kept, p[:n]...)
	}
	b.written += int64(n)
	if err != nil && n == 0 {
		err = b.of.failed(err)
	}
	return n, err
}

// Room is how much can be written without waiting.
func (b *outgoingBody) Room() int {
	if b.to != nil {
		return b.to.room()
	}
	return mostKept - len(b.kept)
}

// Gone hears that the guest has dropped the stream.
func (b *outgoingBody) Gone() { b.streaming = false }

// write is write: func() -> result<output-stream>
func (b *outgoingBody) write(c *wasmtime.Caller) (Result[*Resource, struct{}], error) {
	if b.taken {
		return Err[*Resource](struct{}{}), nil
	}
	sink, wake := served.NewSink(b)
	r, err := newServed(c, sink, ffi.WasiOutputStream, "output-stream")
	if err == nil {
		b.taken, b.streaming = true, true
		b.wake.Store(&wake)
	}
	return Ok[*Resource, struct{}](r), err
}

// wakeGuest makes a guest that waits for room look again. It may be called by any goroutine.
func (b *outgoingBody) wakeGuest() {
	if wake := b.wake.Load(); wake != nil {
		(*wake)()
	}
}

// finish is finish: static func(this: outgoing-body, trailers: option<trailers>) -> result<_, error-code>
func (b *outgoingBody) finish(trailers *fields) error {
	if trailers != nil {
		trailers.Close() // they are the guest's no more
	}
	if b.streaming {
		return errorf(ErrHasChildren, "outgoing-body.finish: %v: its output-stream", ErrHasChildren)
	}
	if b.length >= 0 && b.written != b.length {
		b.abort()
		return codeOf(b.sizeError, uint64(b.written))
	}
	if trailers != nil {
		trailers = trailers.trailers()
	}
	b.finished, b.trailers = true, trailers
	if b.to != nil {
		b.to.finish(trailers)
	}
	return nil
}

func (b *outgoingBody) abort() {
	if b.finished || b.aborted {
		return
	}
	b.aborted = true
	if b.to != nil {
		b.to.abort()
	}
}

// Close hears that the guest has dropped the body, or that the store is closed.
func (b *outgoingBody) Close() error {
	switch {
	case b.streaming && b.of.open():
		return errorf(ErrHasChildren, "outgoing-body: %v: its output-stream", ErrHasChildren)
	case b.of.open():
		b.abort()
		b.forget()
	}
	return nil
}
