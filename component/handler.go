package component

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"time"
	"unsafe"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/internal/bridge"
	"github.com/gowasmtime/wasmtime/internal/canon"
)

// handlerFunc is what a component exports that serves HTTP.
const handlerFunc = "wasi:http/incoming-handler@0.2.0#handle"

// Handler serves HTTP with a component that exports wasi:http/incoming-handler. It is an [http.Handler], to be used as
// any other: under a mux, within middleware, with HTTP/1 and HTTP/2. It is made by [NewHandler], and safe for
// concurrent use.
//
// Each request has an instance in a store of its own, or one that has served others: see [WithReuse]. The guest runs on
// the goroutine of ServeHTTP. What it writes of a body is written at once, and waits for the client; what it reads is
// read when it asks. What has been written is flushed when the guest goes on with something else for a few
// milliseconds. The request ends when the guest's call returns: until then the end of a body whose length is not known
// beforehand does not reach the client.
//
// The guest stops when the request's context ends, so when the client has gone, and at its time-out, see [WithTimeout].
// If no headers have been sent by then, or when the guest traps or returns without a response, the client gets 502 Bad
// Gateway, or 504 Gateway Timeout if it was the time, and the log the reason. Afterwards, and when the client has gone,
// the connection is aborted, with [http.ErrAbortHandler], so that nobody takes a part of a body for all of it. Up to 4
// KiB of a body are kept for as long as nothing has to be flushed, so that a short response is all or nothing. A
// response that is complete is sent whatever the guest does then. An error-code that the guest answers with is a status
// that fits it.
type Handler struct {
	pre    *InstancePre
	export *Export
	params *canon.Plan
	result outcome
	err    error

	wasi     func(*http.Request) (*wasmtime.WasiConfig, error)
	prepare  func(*wasmtime.Store, *http.Request) error
	timeout  time.Duration
	maxBody  int64
	logger   *slog.Logger
	access   *slog.Logger
	observer HTTPObserver
	// places has a value for each instance that runs, nil if any number may.
	places chan struct{}
	// reuses is how many requests an instance serves, and reuseFor how long.
	reuses   int
	reuseFor time.Duration
	// idleFor is how long an instance waits for the next request, 0 if for ever.
	idleFor time.Duration
	// nothing is the configuration of stores if nobody has another.
	nothing *wasmtime.WasiConfig

	mu sync.Mutex
	// idle are instances that wait for a request, the one that has waited longest first. sweeper ends those that have
	// waited too long; it is armed if there are any.
	idle    []*worker
	sweeper *time.Timer
	armed   bool
	closed  bool
	// running counts requests, for Close.
	running sync.WaitGroup
}

// HandlerOption is an option of [NewHandler].
type HandlerOption func(*Handler)

// WithWasi gives each store a configuration: what stands behind arguments, environment, standard streams, directories
// and the network for the guest. The function is called before an instance is made, with the first request that it
// will serve; several goroutines call it at once. It may always return the same configuration. An error is answered
// with 500. Without the option, guests have nothing, and what they print is thrown away.
func WithWasi(config func(r *http.Request) (*wasmtime.WasiConfig, error)) HandlerOption {
	return func(h *Handler) { h.wasi = config }
}

// WithStore has a function called with each store that is made, when that has its WASI configuration and nothing of the
// component: to limit it, with [wasmtime.Store.SetLimits], [SetLimits] or fuel. An error is answered with 500.
func WithStore(prepare func(store *wasmtime.Store, r *http.Request) error) HandlerOption {
	return func(h *Handler) { h.prepare = prepare }
}

// WithTimeout limits how long a request may take, from the moment when it is served, the wait for a place included.
// Without it, or with 0, only the client's patience and the server's own time-outs do.
func WithTimeout(d time.Duration) HandlerOption { return func(h *Handler) { h.timeout = d } }

// WithReuse has an instance serve so many requests, one after the other, for so long after it was made, if that is not
// 0. What the guest keeps from one request to the next is the guest's business: so it is for components that are made
// for it, and trusted to keep clients apart. One whose call has failed or was stopped serves nothing else.
func WithReuse(requests int, age time.Duration) HandlerOption {
	return func(h *Handler) { h.reuses, h.reuseFor = requests, age }
}

// WithIdleTimeout ends an instance of [WithReuse] that has waited so long for its next request, and so gives back what
// it takes after a busy time. Without it, or with 0, instances wait until the handler is closed.
func WithIdleTimeout(d time.Duration) HandlerOption { return func(h *Handler) { h.idleFor = d } }

// WithMaxInstances limits how many requests are served at once. Others wait for as long as their context and
// [WithTimeout] let them, and then get 503 Service Unavailable. With 0 there is no limit but that of the engine's pool.
func WithMaxInstances(n int) HandlerOption {
	return func(h *Handler) {
		h.places = nil
		if n > 0 {
			h.places = make(chan struct{}, n)
		}
	}
}

// WithMaxBody limits the body of a request to so many bytes, see [http.MaxBytesReader]: the guest that reads more gets
// HTTP-request-body-size. With 0, nothing does.
func WithMaxBody(bytes int64) HandlerOption { return func(h *Handler) { h.maxBody = bytes } }

// WithLogger says where errors are logged; it is [slog.Default] otherwise. Nil is nowhere.
func WithLogger(logger *slog.Logger) HandlerOption {
	return func(h *Handler) {
		if logger == nil {
			logger = slog.New(slog.DiscardHandler)
		}
		h.logger = logger
	}
}

// WithAccessLog logs every request, with its status, bytes and duration.
func WithAccessLog(logger *slog.Logger) HandlerOption { return func(h *Handler) { h.access = logger } }

// WithObserver has an observer hear of the requests that are served. Those that guests make are for [HTTPObserve].
func WithObserver(observer HTTPObserver) HandlerOption {
	return func(h *Handler) { h.observer = observer }
}

// NewHandler makes a handler of a component, of which the linker had [Linker.DefineWasi] and [DefineHTTP]. What
// is wrong with it is what [Handler.Err] returns, and what every request logs: a component without the export, an
// engine without [wasmtime.Config.SetEpochInterruption], which it takes to stop a guest. The InstancePre stays the
// program's, which closes it after the handler.
//
//	handler := component.NewHandler(pre, component.WithTimeout(30*time.Second))
//	defer handler.Close()
//	err := http.ListenAndServe("localhost:8080", handler)
func NewHandler(pre *InstancePre, options ...HandlerOption) *Handler {
	h := &Handler{pre: pre, nothing: wasmtime.NewWasiConfig(), logger: slog.Default()}
	for _, option := range options {
		if option != nil {
			option(h)
		}
	}
	h.err = h.find()
	return h
}

// find finds what the component exports, and whether it can be served.
func (h *Handler) find() (err error) {
	if h.pre == nil || h.pre.types == nil {
		return isNil("prepared instance")
	}
	if h.export, err = findFunc(h.pre.types, splitName(handlerFunc)); err != nil {
		return errorf(ErrNotFound, "the component serves no HTTP: %v", err)
	}
	params := reflect.TypeFor[params2[*incomingRequest, *responseOutparam]]()
	if len(h.export.fn.Params) != params.NumField() {
		return errorf(ErrType, "%s is a %v", h.export.name, h.export.fn.Short())
	}
	if h.params, err = h.pre.plans.Params(params, h.export.fn, canon.Encode); err == nil {
		h.result, err = h.pre.plans.outcome(nil, h.export.fn, canon.Decode)
	}
	if err != nil {
		return errorf(causeOf(err), "%s: %v: had the linker DefineHTTP?", h.export.name, err)
	}
	return h.probe()
}

// probe finds out whether the engine can stop guests.
func (h *Handler) probe() (err error) {
	if _, ok := bridge.EngineOf(h.pre.engine).TryAcquire(); !ok {
		return closedError("engine")
	}
	defer bridge.EngineOf(h.pre.engine).Release()
	store := wasmtime.NewStore(h.pre.engine)
	defer store.Close()
	inside, err := bridge.StoreOf(store)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	within, err := inside.EnterCall(ctx)
	if err != nil {
		return err
	}
	return inside.LeaveCall(within, nil)
}

// Err tells why the handler cannot serve; nil if it can. Requests are answered with 500 then.
func (h *Handler) Err() error {
	if h == nil {
		return isNil("handler")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err == nil && h.closed {
		return closedError("handler")
	}
	return h.err
}

// Close ends the handler: requests that come now are answered with 503, those that are served are waited for, and
// instances that wait for more are freed. An [http.Server] is shut down before. Closing twice waits as well.
func (h *Handler) Close() error {
	if h == nil {
		return nil
	}
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.running.Wait()
	h.mu.Lock()
	idle := h.idle
	h.idle = nil
	if h.sweeper != nil {
		h.sweeper.Stop()
	}
	h.mu.Unlock()
	for _, each := range idle {
		each.close()
	}
	h.nothing.Close()
	return nil
}

// begin counts a request, unless the handler is closed.
func (h *Handler) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.running.Add(1)
	return true
}

// worker is an instance that serves requests.
type worker struct {
	store *wasmtime.Store
	call  bound
	// requests is how many it has served, and made when it was.
	requests int
	made     time.Time
	// since is when it began to wait.
	since time.Time
}

func (s *worker) close() { s.store.Close() }

// errBusy says that no place was free.
var errBusy = errors.New("no instance was free in time")

// take takes an instance that waits for a request, or makes one.
func (h *Handler) take(ctx context.Context, r *http.Request) (*worker, error) {
	if h.places != nil {
		select {
		case h.places <- struct{}{}:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", errBusy, context.Cause(ctx))
		}
	}
	if s := h.idling(); s != nil {
		return s, nil
	}
	made := false
	defer func() {
		if !made { // there was an error, or a panic of a function of the program's
			h.leave()
		}
	}()
	s, err := h.make(ctx, r)
	made = err == nil
	return s, err
}

// leave gives the place back.
func (h *Handler) leave() {
	if h.places != nil {
		<-h.places
	}
}

// idling returns an instance that may still be used, nil if there is none.
func (h *Handler) idling() *worker {
	if h.reuses <= 1 {
		return nil
	}
	var old []*worker
	defer func() {
		for _, each := range old {
			each.close()
		}
	}()
	h.mu.Lock()
	defer h.mu.Unlock()
	for n := len(h.idle); n > 0; n = len(h.idle) {
		s := h.idle[n-1]
		h.idle[n-1] = nil
		h.idle = h.idle[:n-1]
		if h.fresh(s) {
			return s
		}
		old = append(old, s)
	}
	return nil
}

// fresh tells whether an instance may serve one more request.
func (h *Handler) fresh(s *worker) bool {
	return s.requests < h.reuses && (h.reuseFor <= 0 || time.Since(s.made) < h.reuseFor)
}

// put gives an instance back that has served a request.
func (h *Handler) put(s *worker, reusable bool) {
	defer h.leave()
	if reusable && h.reuses > 1 && h.fresh(s) {
		h.mu.Lock()
		defer h.mu.Unlock()
		s.since = time.Now()
		h.idle = append(h.idle, s)
		if h.idleFor > 0 && !h.armed {
			h.armLocked(h.idleFor)
		}
		return
	}
	s.close()
}

// armLocked has the sweeper come after some time.
func (h *Handler) armLocked(after time.Duration) {
	h.armed = true
	if h.sweeper == nil {
		h.sweeper = time.AfterFunc(after, h.sweep)
	} else {
		h.sweeper.Reset(after)
	}
}

// sweep ends the instances that have waited too long.
func (h *Handler) sweep() {
	h.mu.Lock()
	n, now := 0, time.Now()
	for n < len(h.idle) && now.Sub(h.idle[n].since) >= h.idleFor {
		n++
	}
	ended := slices.Clone(h.idle[:n])
	h.idle = slices.Delete(h.idle, 0, n)
	h.armed = false
	if len(h.idle) > 0 {
		h.armLocked(h.idleFor - now.Sub(h.idle[0].since))
	}
	h.mu.Unlock()
	for _, each := range ended {
		each.close()
	}
}

// make makes an instance.
func (h *Handler) make(ctx context.Context, r *http.Request) (_ *worker, err error) {
	engine := bridge.EngineOf(h.pre.engine)
	if _, ok := engine.TryAcquire(); !ok {
		return nil, closedError("engine")
	}
	defer engine.Release()
	config := h.nothing
	if h.wasi != nil {
		if config, err = h.wasi(r); err != nil {
			return nil, err
		}
		if config == nil {
			config = h.nothing
		}
	}
	s := &worker{store: wasmtime.NewStore(h.pre.engine)}
	if h.reuseFor > 0 {
		s.made = time.Now()
	}
	defer func() {
		if err != nil || s.call.Func == nil {
			s.store.Close()
		}
	}()
	if err := s.store.ConfigureWasi(config); err != nil {
		return nil, err
	}
	if h.prepare != nil {
		if err := h.prepare(s.store, r); err != nil {
			return nil, err
		}
	}
	instance, err := h.pre.Instantiate(ctx, s.store)
	if err != nil {
		return nil, err
	}
	f, err := instance.FuncOf(h.export)
	if err != nil {
		return nil, err
	}
	s.call = bound{Func: f, params: h.params, result: h.result}
	return s, nil
}

// errTimeout is why a request ends that takes too long.
var errTimeout = fmt.Errorf("the request has taken longer than the handler's time-out: %w", context.DeadlineExceeded)

// ServeHTTP serves a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case h == nil || h.err != nil:
		err := h.Err()
		if h != nil {
			h.logger.ErrorContext(r.Context(), "wasi:http: the component cannot serve", "error", err)
		}
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	case !h.begin():
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	defer h.running.Done()
	ctx := r.Context()
	if h.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, h.timeout, errTimeout)
		defer cancel()
	}
	if h.observer == nil && h.access == nil {
		h.serve(ctx, w, r, &HTTPEvent{})
		return
	}
	h.observed(ctx, w, r)
}

// observed serves a request of which somebody hears.
func (h *Handler) observed(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	e := HTTPEvent{Request: r}
	if h.observer != nil {
		ctx = h.observer.Begin(r.WithContext(ctx), false)
	}
	defer func() {
		e.Duration = time.Since(start)
		if h.observer != nil {
			h.observer.End(ctx, e)
		}
		if h.access != nil {
			h.access.LogAttrs(ctx, slog.LevelInfo, "request", slog.String("method", r.Method), slog.String("host", r.Host),
				slog.String("path", r.URL.Path), slog.Int("status", e.Status), slog.Duration("duration", e.Duration),
				slog.Int64("received", e.Received), slog.Int64("sent", e.Sent), slog.String("remote", r.RemoteAddr),
				slog.Bool("reused", e.Reused))
		}
	}()
	h.serve(ctx, w, r, &e)
}

// serve serves a request, and fills in what happened.
func (h *Handler) serve(ctx context.Context, w http.ResponseWriter, r *http.Request, e *HTTPEvent) {
	s, err := h.take(ctx, r)
	if err != nil {
		h.refuse(ctx, w, r, e, err)
		return
	}
	if h.maxBody > 0 && r.Body != nil {
		limited := *r
		limited.Body = http.MaxBytesReader(w, r.Body, h.maxBody)
		r = &limited
	}
	e.Reused = s.requests > 0
	s.requests++
	x := newExchange(ctx, w, r)
	ended := false
	defer func() {
		if !ended { // a panic of a host function, which comes out of the call
			defer h.put(s, false)
			x.end(false)
		}
	}()
	params := x.resources()
	err = s.call.call(ctx, unsafe.Pointer(&params), nil)
	complete := x.end(err == nil)
	ended = true
	h.put(s, err == nil)
	e.Status, e.Received, e.Sent = x.status, x.received.Load(), x.sent.Load()
	h.conclude(ctx, x, e, complete, err)
}

// refuse answers a request for which there is no instance.
func (h *Handler) refuse(ctx context.Context, w http.ResponseWriter, r *http.Request, e *HTTPEvent, err error) {
	e.Err, e.Status = err, http.StatusInternalServerError
	switch {
	case errors.Is(err, errBusy), errors.Is(err, wasmtime.ErrPoolFull), errors.Is(err, wasmtime.ErrTooManyGuests):
		e.Status = http.StatusServiceUnavailable
	case errors.Is(err, context.DeadlineExceeded):
		e.Status = http.StatusGatewayTimeout
	case isTrap(err):
		e.Status = http.StatusBadGateway
	}
	h.log(ctx, r, "wasi:http: no instance could be made", err)
	http.Error(w, http.StatusText(e.Status), e.Status)
}

func isTrap(err error) bool {
	_, ok := errors.AsType[*wasmtime.Trap](err)
	return ok
}

// errNoResponse says that a guest has returned, and left the client without an answer.
var errNoResponse = errors.New("the guest has returned without setting the response")

// errAborted says that a guest has dropped the body of its response before its end.
var errAborted = errors.New("the guest has dropped the body of its response before its end")

// conclude answers what the guest has left open, and logs what was wrong.
func (h *Handler) conclude(ctx context.Context, x *exchange, e *HTTPEvent, complete bool, err error) {
	if cause := context.Cause(ctx); err != nil && cause == errTimeout {
		err = fmt.Errorf("%w: %w", errTimeout, err)
	}
	switch {
	case err != nil:
	case x.failed != nil:
		err = x.failed
	case x.response == nil:
		err = errNoResponse
	case x.aborted:
		err = errAborted
	}
	e.Err = err
	if complete && err == nil {
		return
	}
	message := "wasi:http: the guest has failed"
	switch {
	case complete:
		message = "wasi:http: the guest has failed after its response"
	case x.broken != nil && err == nil:
		e.Err = x.broken
		panic(http.ErrAbortHandler) // the client has gone, and nobody hears
	case x.gone:
		message = "wasi:http: the client has gone"
	}
	h.log(ctx, x.request, message, err)
	switch {
	case complete:
	case x.committed, x.gone: // who only sends nothing more would take an answer that is not written for an empty one
		panic(http.ErrAbortHandler)
	default:
		e.Status = http.StatusBadGateway
		known, isCode := errors.AsType[HTTPErrorCode](x.failed)
		switch {
		case isCode:
			e.Status = known.status()
		case errors.Is(err, context.DeadlineExceeded):
			e.Status = http.StatusGatewayTimeout
		}
		http.Error(x.w, http.StatusText(e.Status), e.Status)
	}
}

// log logs what went wrong with a request.
func (h *Handler) log(ctx context.Context, r *http.Request, message string, err error) {
	level := slog.LevelError
	if r.Context().Err() != nil {
		level = slog.LevelInfo
	}
	if h.logger.Enabled(ctx, level) {
		h.logger.LogAttrs(ctx, level, message, slog.String("method", r.Method), slog.String("host", r.Host),
			slog.String("path", r.URL.Path), slog.Any("error", err))
	}
}
