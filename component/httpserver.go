package component

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// incomingRequest is the resource incoming-request.
type incomingRequest struct {
	request *http.Request
	body    *requestBody
	// shown are the headers, once somebody has asked for them.
	shown *fields
}

// methods are those that have cases in WIT.
var methods = map[string]Variant{
	http.MethodGet: {Case: "get"}, http.MethodHead: {Case: "head"}, http.MethodPost: {Case: "post"},
	http.MethodPut: {Case: "put"}, http.MethodDelete: {Case: "delete"}, http.MethodConnect: {Case: "connect"},
	http.MethodOptions: {Case: "options"}, http.MethodTrace: {Case: "trace"}, http.MethodPatch: {Case: "patch"},
}

// methodVariant is a method as WIT has it.
func methodVariant(method string) Variant {
	if v, ok := methods[method]; ok {
		return v
	}
	return Variant{Case: "other", Value: method}
}

// pathWithQuery is path-with-query: func() -> option<string>
func (r *incomingRequest) pathWithQuery() Option[string] {
	if r.request.Method == http.MethodConnect && r.request.URL.Path == "" {
		return None[string]()
	}
	return Some(r.request.URL.RequestURI())
}

// scheme is scheme: func() -> option<scheme>
func (r *incomingRequest) scheme() Option[Variant] {
	if r.request.TLS != nil {
		return Some(Variant{Case: "HTTPS"})
	}
	return Some(Variant{Case: "HTTP"})
}

// authority is authority: func() -> option<string>
func (r *incomingRequest) authority() Option[string] {
	if r.request.Host == "" {
		return None[string]()
	}
	return Some(r.request.Host)
}

// headers is headers: func() -> headers
func (r *incomingRequest) headers() *fields {
	if r.shown == nil {
		r.shown = fieldsOf(r.request.Header)
	}
	return r.shown.shown()
}

// consume is consume: func() -> result<incoming-body>
func (r *incomingRequest) consume(of *httpStore) Result[*incomingBody, struct{}] {
	if r.body == nil {
		return Err[*incomingBody](struct{}{})
	}
	body := &incomingBody{of: of, from: r.body}
	if !r.body.x.hasBody() {
		body.err = io.EOF
	}
	r.body = nil
	return Ok[*incomingBody, struct{}](body)
}

// requestBody is the body of a request that a guest is served.
type requestBody struct{ x *exchange }

// Read reads the body. It ends with the request's context.
func (b *requestBody) Read(p []byte) (int, error) {
	x := b.x
	x.reading.Lock() // until the exchange has ended
	defer x.reading.Unlock()
	if err := x.wait.begin(x, &x.wait.reads); err != nil {
		return 0, err
	}
	defer x.wait.end(&x.wait.reads)
	n, err := x.request.Body.Read(p)
	x.received.Add(int64(n))
	if err == io.EOF {
		x.readAll.Store(true)
	}
	return n, err
}

func (b *requestBody) trailers() http.Header { return b.x.request.Trailer }

// stop ends reading after what waits now. That goes on until the guest's call is over: package net/http takes a Read
// that is interrupted for a client that has gone, and ends the request.
func (b *requestBody) stop() {
	b.x.wait.mu.Lock()
	defer b.x.wait.mu.Unlock()
	b.x.wait.over = true
}

// outgoingResponse is the resource outgoing-response.
type outgoingResponse struct {
	of      *httpStore
	status  uint16
	headers *fields
	body    *outgoingBody
}

// setStatus is set-status-code: func(status-code: status-code) -> result
func (r *outgoingResponse) setStatus(status uint16) bool {
	if status < 100 || status > 999 {
		return false
	}
	r.status = status
	return true
}

// newBody is body: func() -> result<outgoing-body>
func (r *outgoingResponse) newBody() Result[*outgoingBody, struct{}] {
	if r.body != nil {
		return Err[*outgoingBody](struct{}{})
	}
	r.body = newOutgoingBody(r.of, r.headers, "HTTP-response-body-size")
	return Ok[*outgoingBody, struct{}](r.body)
}

// Close hears that the guest has dropped the response, and so a body that it has finished already.
func (r *outgoingResponse) Close() {
	r.headers.Close()
	if r.body != nil && r.body.finished {
		r.body.forget()
	}
}

// responseOutparam is the resource response-outparam.
type responseOutparam struct{ to *exchange }

// set is set: static func(param: response-outparam, response: result<outgoing-response, error-code>)
func (p *responseOutparam) set(r Result[*outgoingResponse, HTTPErrorCode]) error {
	response, ok := r.Ok()
	if !ok {
		failed, _ := r.Err()
		return p.to.respond(nil, failed)
	}
	response.headers.Close()
	return p.to.respond(response, nil)
}

// keepBytes is how much of a body is kept before anything is sent: a response that ends by then has a length, and can
// still become an error if its guest traps.
const keepBytes = 4 << 10

// flushAfter is how long what a guest has written may stay in the server.
const flushAfter = 5 * time.Millisecond

// kept are buffers for what is kept.
var keptBuffers = sync.Pool{New: func() any { return new([keepBytes]byte) }}

// exchange is a request and its response. The guest's calls run on the goroutine of ServeHTTP, which does all but two
// things: what the guest has written is flushed by a timer, and a goroutine may read the request's body.
type exchange struct {
	ctx     context.Context
	request *http.Request
	control http.ResponseController

	// mu is held by whoever uses the writer, and guards what follows.
	mu     sync.Mutex
	w      http.ResponseWriter
	buffer *[keepBytes]byte
	kept   int
	// response is what the guest has set, or failed what it has set instead.
	response *outgoingResponse
	failed   error
	trailers *fields
	// set says that one of them is there, finished and aborted how the body has ended, committed that the headers are
	// sent, and ended that the guest's call is over.
	set, finished, aborted, committed, ended bool
	// gone says that the client had gone when the guest's call ended.
	gone bool
	// drains says that the rest of the request's body has to be read in the end.
	drains bool
	// broken is what the writer has said, and panicked what it has panicked with while it was flushed.
	broken   error
	panicked any
	status   int
	// timer flushes what has been written, once it is armed.
	timer *time.Timer
	armed bool

	sent, received atomic.Int64
	// reading is held while the request's body is read.
	reading sync.Mutex
	// readAll says that the end of the request's body has been read.
	readAll atomic.Bool
	wait    waiting

	// in, body and out are what the guest is called with.
	in   incomingRequest
	body requestBody
	out  responseOutparam
}

// waiting is what waits for the client, to be interrupted.
type waiting struct {
	mu            sync.Mutex
	reads, writes bool
	// over says that nobody reads the request's body any more, and interrupted that a deadline for writing was
	// set: the connection serves nothing else.
	over, interrupted bool
	watching          bool
	unwatch           func() bool
}

// longAgo is a deadline that ends what waits.
var longAgo = time.Unix(1, 0)

// begin says that something is about to wait: what, which is reads or writes. From the first time on, the end of the
// context ends it.
func (w *waiting) begin(x *exchange, what *bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if what == &w.reads && w.over {
		return http.ErrBodyReadAfterClose
	}
	if err := x.ctx.Err(); err != nil {
		return err
	}
	if !w.watching {
		w.watching = true
		w.unwatch = context.AfterFunc(x.ctx, func() { w.interrupt(x) })
	}
	*what = true
	return nil
}

// end says that it does not wait any more.
func (w *waiting) end(what *bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*what = false
}

// interrupt ends what waits.
func (w *waiting) interrupt(x *exchange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.reads {
		w.interruptReadLocked(x)
	}
	if w.writes {
		w.interrupted = true
		_ = x.control.SetWriteDeadline(longAgo)
	}
}

func (w *waiting) interruptReadLocked(x *exchange) {
	if x.control.SetReadDeadline(longAgo) != nil {
		_ = x.request.Body.Close() // it is not a connection that is read
	}
}

// stopReading ends reading of the request's body.
func (x *exchange) stopReading() {
	x.wait.mu.Lock()
	defer x.wait.mu.Unlock()
	x.wait.over = true
	if x.wait.reads {
		x.wait.interruptReadLocked(x)
	}
}

// close ends the watch of the context, and tells whether a write was interrupted.
func (w *waiting) close() (interrupted bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.watching {
		w.unwatch()
	}
	return w.interrupted
}

// respond takes what the guest answers with: a response, or an error.
func (x *exchange) respond(r *outgoingResponse, failed error) error {
	x.mu.Lock()
	if x.set || x.ended { // of an instance that serves many: the parameter is gone after the first time
		x.mu.Unlock()
		return errorf(ErrHandle, "response-outparam.set: %v: a response has been set", ErrHandle)
	}
	if r != nil && r.status < http.StatusOK {
		r, failed = nil, errorf(nil, "the guest's response has the status %d, which is none of a response", r.status)
	}
	x.set, x.response, x.failed = true, r, failed
	x.armLocked()
	x.mu.Unlock()
	switch {
	case r != nil && r.body != nil:
		r.body.send(x)
	case r != nil:
		x.finish(nil)
	}
	return nil
}

// inform is send-informational: func(status: u16, headers: headers) -> result<_, error-code>
func (x *exchange) inform(status uint16, headers *fields) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case status < 100 || status >= 200 || status == http.StatusSwitchingProtocols:
		return internalErrorf("this is no status of an informational response")
	case x.set || x.ended:
		return internalErrorf("the response has been set already")
	case !x.request.ProtoAtLeast(1, 1):
		return nil // such a client takes the first status for the last
	}
	if err := x.wait.begin(x, &x.wait.writes); err != nil { // it is sent at once
		return err
	}
	defer x.wait.end(&x.wait.writes)
	h := x.w.Header()
	had := h.Clone()
	headers.copyTo(h, "")
	x.w.WriteHeader(int(status))
	clear(h)
	for name, values := range had {
		h[name] = values
	}
	return nil
}

// write takes bytes of the response's body.
func (x *exchange) write(p []byte, _ bool) (n int, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.ended:
		return 0, io.ErrClosedPipe
	case !x.committed && x.kept+len(p) <= keepBytes:
		if x.buffer == nil {
			x.buffer = keptBuffers.Get().(*[keepBytes]byte)
		}
		x.kept += copy(x.buffer[x.kept:], p)
		x.armLocked()
		return len(p), nil
	}
	x.commitLocked(false)
	if n, err = x.putLocked(p); err == nil {
		x.armLocked()
	}
	return n, err
}

// room is how much write takes: it always waits.
func (x *exchange) room() int { return mostKept }

// finish ends the response's body.
func (x *exchange) finish(trailers *fields) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.finished, x.trailers = true, trailers
}

// abort ends the response's body in the middle.
func (x *exchange) abort() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.aborted = true
}

// putLocked writes a part of the body.
func (x *exchange) putLocked(p []byte) (n int, err error) {
	if x.broken != nil {
		return 0, x.broken
	}
	if !x.ended { // what is left then does not wait for the client
		if err := x.wait.begin(x, &x.wait.writes); err != nil {
			return 0, err
		}
		defer x.wait.end(&x.wait.writes)
	}
	n, err = x.w.Write(p)
	x.sent.Add(int64(n))
	switch {
	case errors.Is(err, http.ErrBodyNotAllowed):
		return len(p), nil // such as that of a HEAD
	case errors.Is(err, http.ErrContentLength):
		x.broken = err
	case err != nil:
		x.broken = io.ErrClosedPipe // the client has gone
	}
	return n, err
}

// commitLocked sends the headers, and what has been kept of the body. last says that nothing follows.
func (x *exchange) commitLocked(last bool) {
	if x.committed {
		return
	}
	x.committed = true
	h := x.w.Header()
	x.response.headers.copyTo(h, "")
	if x.trailers != nil {
		x.trailers.copyTo(h, http.TrailerPrefix)
	}
	_, sized := h["Content-Length"]
	x.status = int(x.response.status)
	if x.finished && x.trailers == nil && !sized && x.bodyAllowed() {
		h.Set("Content-Length", strconv.Itoa(x.kept))
	}
	if !last && x.request.ProtoMajor == 1 && x.hasBody() && !x.readAll.Load() {
		x.readOnLocked(h)
	}
	x.w.WriteHeader(x.status)
	if x.kept > 0 {
		_, _ = x.putLocked(x.buffer[:x.kept])
	}
	if x.buffer != nil {
		keptBuffers.Put(x.buffer)
		x.buffer = nil
	}
	x.kept = 0
}

// hasBody tells whether the request has a body.
func (x *exchange) hasBody() bool { return x.request.Body != nil && x.request.Body != http.NoBody }

// mostDrained is how much of a request's body is read for nobody, so that its connection can serve others.
const mostDrained = 16 << 20

// readOnLocked lets the guest read the request's body when the response has begun. Package net/http takes that for the
// handler's business from then on: so the rest has to be read in the end, or the connection to be closed.
func (x *exchange) readOnLocked(h http.Header) {
	if x.control.EnableFullDuplex() != nil {
		return
	}
	if n := x.request.ContentLength; n < 0 || n > mostDrained {
		h.Set("Connection", "close")
		return
	}
	x.drains = true
}

// drain reads what is left of the request's body, and tells whether its end was reached.
func (x *exchange) drain() bool {
	const patience = 10 * time.Second
	_ = x.control.SetReadDeadline(time.Now().Add(patience))
	_, err := io.Copy(io.Discard, x.request.Body)
	return err == nil
}

// bodyAllowed tells whether the response may have a body, and so a length that is that of what is written.
func (x *exchange) bodyAllowed() bool {
	return x.request.Method != http.MethodHead && x.status != http.StatusNoContent && x.status != http.StatusNotModified
}

// armLocked makes the timer flush what has been written.
func (x *exchange) armLocked() {
	switch {
	case x.armed:
		return
	case x.timer == nil:
		x.timer = time.AfterFunc(flushAfter, x.flush)
	default:
		x.timer.Reset(flushAfter)
	}
	x.armed = true
}

// flush sends what the guest has written, while it goes on with something else.
func (x *exchange) flush() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.armed = false
	defer func() {
		if value := recover(); value != nil { // of a middleware's writer, say: for the goroutine of ServeHTTP
			x.panicked, x.broken = value, io.ErrClosedPipe
		}
	}()
	if x.ended || x.response == nil || x.aborted || x.broken != nil {
		return
	}
	x.commitLocked(false)
	if x.wait.begin(x, &x.wait.writes) == nil {
		defer x.wait.end(&x.wait.writes)
		_ = x.control.Flush() // if it fails, the next write will
	}
}

// end ends the exchange after the guest's call: nobody uses the writer afterwards but the goroutine of ServeHTTP. It
// tells whether the response is complete, once the writer has it. It panics with what the writer has panicked with in
// flush.
func (x *exchange) end(returned bool) (complete bool) {
	// Package net/http takes a Read that is interrupted for a client that has gone.
	x.gone = x.request.Context().Err() != nil && context.Cause(x.ctx) != errTimeout
	x.stopReading()
	x.reading.Lock() // whoever reads has ended
	defer x.reading.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ended = true
	interrupted := x.wait.close()
	if x.timer != nil {
		x.timer.Stop()
	}
	if value := x.panicked; value != nil {
		x.panicked = nil
		panic(value)
	}
	switch {
	case x.response == nil || x.aborted || x.broken != nil:
	case x.short():
		x.aborted = true
	case x.finished || returned:
		committed := x.committed
		x.finished = true
		x.commitLocked(true)
		if committed && x.trailers != nil {
			x.trailers.copyTo(x.w.Header(), http.TrailerPrefix)
		}
		complete = x.broken == nil
	}
	if x.buffer != nil {
		keptBuffers.Put(x.buffer)
		x.buffer = nil
	}
	if interrupted && x.committed && x.broken == nil {
		complete, x.broken = false, io.ErrClosedPipe
	}
	if x.drains && x.broken == nil && !x.readAll.Load() && !x.drain() {
		complete, x.broken = false, io.ErrClosedPipe // what follows on the connection is nobody's request
	}
	return complete
}

// short tells whether the guest has left the body at another length than the headers say. A body that was finished has
// that, but there may be none, or one that nobody has finished.
func (x *exchange) short() bool {
	if x.request.Method == http.MethodHead || x.response.status == http.StatusNotModified {
		return false
	}
	written := int64(0)
	if b := x.response.body; b != nil {
		written = b.written
	}
	length := x.response.headers.contentLength()
	return length >= 0 && length != written
}

// newExchange begins an exchange.
func newExchange(ctx context.Context, w http.ResponseWriter, r *http.Request) *exchange {
	return &exchange{ctx: ctx, request: r, w: w, control: *http.NewResponseController(w)}
}

// resources returns what the guest is called with.
func (x *exchange) resources() params2[*incomingRequest, *responseOutparam] {
	x.body.x, x.out.to = x, x
	x.in.request, x.in.body = x.request, &x.body
	return params2[*incomingRequest, *responseOutparam]{&x.in, &x.out}
}
