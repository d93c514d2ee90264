package component

import (
	"errors"
	"io"
	"sync"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/internal/bridge"
)

// httpVersion is the newest version of wasi:http 0.2 that is defined here.
const httpVersion = "0.2.12"

// defaultFieldSize is how much the fields of a message may take if nothing else is said: as much as with upstream.
const defaultFieldSize = 128 << 10

// httpOptions is what DefineHTTP was given.
type httpOptions struct {
	fieldSize int
	client    *httpClient
}

// HTTPOption is an option of [DefineHTTP].
type HTTPOption func(*httpOptions) error

// HTTPFieldSize limits how much the fields of one message, headers or trailers, may take that a guest makes: the bytes
// of names and values, and about 40 for each of them. More ends the guest with an error. All messages that the guests
// of a store have made and not sent may take 16 times as much, and 1 MiB for their bodies. 128 KiB is what there is
// otherwise. See wasmtime_wasi_http::WasiHttpCtx::set_field_size_limit.
func HTTPFieldSize(bytes int) HTTPOption {
	return func(o *httpOptions) error {
		if bytes <= 0 {
			return errorf(nil, "HTTPFieldSize(%d): fields need room", bytes)
		}
		o.fieldSize = bytes
		return nil
	}
}

// DefineHTTP defines wasi:http/types and wasi:http/outgoing-handler for the components that the linker serves, in all
// versions 0.2.0 to 0.2.12: what a component needs to be served by a [Handler], and to make requests itself. It goes
// with [Linker.DefineWasi], whose streams and pollables it uses, and which it does not replace.
//
// Requests that guests make are refused as long as no option allows them: see [HTTPAllowHosts]. What the fields of
// messages take is limited, see [HTTPFieldSize]; the names that are the host's business, such as connection and
// transfer-encoding, are forbidden and not shown, as with upstream. A limit that ends a guest is an error of its call.
//
// The store needs a [wasmtime.WasiConfig], which may have nothing in it: streams belong to that.
// See wasmtime_wasi_http::p2::add_only_http_to_linker_sync.
func DefineHTTP(l *Linker, options ...HTTPOption) error {
	if l == nil {
		return isNil("linker")
	}
	o := &httpOptions{fieldSize: defaultFieldSize, client: newHTTPClient()}
	for _, option := range options {
		if option == nil {
			return errorf(nil, "an HTTPOption is nil")
		}
		if err := option(o); err != nil {
			return err
		}
	}
	if err := o.client.prepare(); err != nil {
		return err
	}
	return o.define(l)
}

// httpStore is what a store has for wasi:http. Only the goroutine that has entered the store touches it, but for the
// error.
type httpStore struct {
	options *httpOptions
	// memory is what all messages count for that guests have made, and not sent yet.
	memory int
	// requests is how many requests of guests are on their way, or have a body that is not closed.
	requests int
	// closed says that the store is being closed.
	closed bool

	mu sync.Mutex
	// last is the code that a stream of a body failed with the last time.
	last HTTPErrorCode
}

// http returns what the store of a host function has for wasi:http.
func (o *httpOptions) http(c *wasmtime.Caller) (*httpStore, error) {
	inside, err := bridge.StoreOf(c)
	if err != nil {
		return nil, err
	}
	return o.of(stateOf(inside)), nil
}

func (o *httpOptions) of(s *state) *httpStore {
	h, ok := s.http.(*httpStore)
	if !ok {
		h = &httpStore{}
		s.http = h
	}
	h.options = o // that of the component that runs
	return h
}

// storeClosed hears that the store is being closed.
func (h *httpStore) storeClosed() { h.closed = true }

// open tells whether guests may still run.
func (h *httpStore) open() bool { return !h.closed }

// mostFieldSizes is how many times as much as the fields of one message all messages of a store may take, and
// mostUnsent how much more, for bodies that are not sent yet.
const (
	mostFieldSizes = 16
	mostUnsent     = 1 << 20
)

// take counts memory that a guest takes, and tells whether it may; less is always possible.
func (h *httpStore) take(bytes int) bool {
	if bytes > 0 && h.memory+bytes > h.options.fieldSize*mostFieldSizes+mostUnsent {
		return false
	}
	h.memory += bytes
	return true
}

// newFields makes fields that a guest fills.
func (h *httpStore) newFields() *fields { return &fields{limit: h.options.fieldSize, of: h} }

// failed remembers what a stream fails with, for a guest that asks for it. It may be called by any goroutine.
func (h *httpStore) failed(err error) error {
	if errors.Is(err, io.ErrClosedPipe) {
		return err // nobody is there to read: no error but the end
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = httpErrorCode(err)
	return h.last
}

// lastFailed returns what a stream has failed with.
func (h *httpStore) lastFailed() (code HTTPErrorCode, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last, h.last.Case != ""
}
