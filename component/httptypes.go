package component

import (
	"net/http"

	"github.com/gowasmtime/wasmtime"
)

// The resources of wasi:http/types.
// httpFunc is a function of an interface.
type httpFunc struct {
	name string
	f    HostFunc
}

// define defines the interfaces.
func (o *httpOptions) define(l *Linker) error {
	types := l.Instance("wasi:http/types@" + httpVersion)
	for _, r := range []ResourceType{
		ResourceOf[*fields]().Named("fields"),
		ResourceOf[*incomingRequest]().Named("incoming-request"),
		ResourceOf[*outgoingRequest]().Named("outgoing-request"),
		ResourceOf[*requestOptions]().Named("request-options"),
		ResourceOf[*responseOutparam]().Named("response-outparam"),
		ResourceOf[*incomingResponse]().Named("incoming-response"),
		ResourceOf[*incomingBody]().Named("incoming-body"),
		ResourceOf[*futureTrailers]().Named("future-trailers"),
		ResourceOf[*outgoingResponse]().Named("outgoing-response"),
		ResourceOf[*outgoingBody]().Named("outgoing-body"),
		ResourceOf[*futureResponse]().Named("future-incoming-response"),
	} {
		if err := types.Resource(r.witName, r); err != nil {
			return err
		}
	}
	for _, funcs := range [][]httpFunc{
		o.fieldsFuncs(), o.incomingFuncs(), o.outgoingFuncs(), o.responseFuncs(), o.bodyFuncs(),
	} {
		for _, each := range funcs {
			if err := types.Func(each.name, each.f); err != nil {
				return err
			}
		}
	}
	handler := l.Instance("wasi:http/outgoing-handler@" + httpVersion)
	return handler.Func("handle", HostFunc2(o.handle))
}

// getter makes a host function that asks a resource for something.
func getter[T, R any](get func(T) R) HostFunc {
	return HostFunc1(func(_ *wasmtime.Caller, self T) (R, error) { return get(self), nil })
}

// setter makes a host function whose result is no more than whether a value is one.
func setter[T, V any](set func(T, V) bool) HostFunc {
	return HostFunc2(func(_ *wasmtime.Caller, self T, value V) (Result[struct{}, struct{}], error) {
		if !set(self, value) {
			return Err[struct{}](struct{}{}), nil
		}
		return Ok[struct{}, struct{}](struct{}{}), nil
	})
}

func (o *httpOptions) fieldsFuncs() []httpFunc {
	return []httpFunc{
		{"[constructor]fields", HostFunc0(func(c *wasmtime.Caller) (*fields, error) {
			h, err := o.http(c)
			if err != nil {
				return nil, err
			}
			return h.newFields(), nil
		})},
		{"[static]fields.from-list", HostFunc1(func(c *wasmtime.Caller, entries []Tuple2[string, []byte]) (*fields, error) {
			h, err := o.http(c)
			if err != nil {
				return nil, err
			}
			f := h.newFields()
			for _, entry := range entries {
				if err := f.append(entry.A, entry.B); err != nil {
					f.Close()
					return nil, err
				}
			}
			return f, nil
		})},
		{"[method]fields.get", HostFunc2(func(_ *wasmtime.Caller, f *fields, name string) ([][]byte, error) {
			return f.get(name), nil
		})},
		{"[method]fields.has", HostFunc2(func(_ *wasmtime.Caller, f *fields, name string) (bool, error) {
			return f.has(name), nil
		})},
		{"[method]fields.set", HostVoid3(func(_ *wasmtime.Caller, f *fields, name string, values [][]byte) error {
			return f.set(name, values)
		})},
		{"[method]fields.delete", HostVoid2(func(_ *wasmtime.Caller, f *fields, name string) error { return f.delete(name) })},
		{"[method]fields.append", HostVoid3(func(_ *wasmtime.Caller, f *fields, name string, value []byte) error {
			return f.append(name, value)
		})},
		{"[method]fields.entries", getter((*fields).entries)},
		{"[method]fields.clone", HostFunc1(func(c *wasmtime.Caller, f *fields) (*fields, error) {
			h, err := o.http(c)
			if err != nil {
				return nil, err
			}
			return f.clone(h)
		})},
		{"http-error-code", HostFunc1(func(c *wasmtime.Caller, _ *Resource) (Option[HTTPErrorCode], error) {
			h, err := o.http(c)
			if err != nil {
				return None[HTTPErrorCode](), err
			}
			if last, ok := h.lastFailed(); ok {
				return Some(last), nil
			}
			return None[HTTPErrorCode](), nil
		})},
	}
}

func (o *httpOptions) incomingFuncs() []httpFunc {
	return []httpFunc{
		{"[method]incoming-request.method", getter(func(r *incomingRequest) Variant { return methodVariant(r.request.Method) })},
		{"[method]incoming-request.path-with-query", getter((*incomingRequest).pathWithQuery)},
		{"[method]incoming-request.scheme", getter((*incomingRequest).scheme)},
		{"[method]incoming-request.authority", getter((*incomingRequest).authority)},
		{"[method]incoming-request.headers", getter((*incomingRequest).headers)},
		{"[method]incoming-request.consume", HostFunc1(
			func(c *wasmtime.Caller, r *incomingRequest) (Result[*incomingBody, struct{}], error) {
				h, err := o.http(c)
				if err != nil {
					return Result[*incomingBody, struct{}]{}, err
				}
				return r.consume(h), nil
			})},
		{"[method]incoming-response.status", getter(func(r *incomingResponse) uint16 { return r.status })},
		{"[method]incoming-response.headers", getter(func(r *incomingResponse) *fields { return r.headers.shown() })},
		{"[method]incoming-response.consume", getter((*incomingResponse).consume)},
		{"[method]future-incoming-response.subscribe", HostFunc1(
			func(c *wasmtime.Caller, f *futureResponse) (*Resource, error) { return NewPollable(c, f.done) })},
		{"[method]future-incoming-response.get", getter((*futureResponse).get)},
	}
}

func (o *httpOptions) outgoingFuncs() []httpFunc {
	return []httpFunc{
		{"[constructor]outgoing-request", HostFunc1(func(c *wasmtime.Caller, headers *fields) (*outgoingRequest, error) {
			h, err := o.http(c)
			if err != nil {
				return nil, err
			}
			headers.freeze()
			return &outgoingRequest{of: h, headers: headers, method: methodVariant(http.MethodGet)}, nil
		})},
		{"[method]outgoing-request.body", getter((*outgoingRequest).newBody)},
		{"[method]outgoing-request.method", getter(func(r *outgoingRequest) Variant { return r.method })},
		{"[method]outgoing-request.set-method", setter((*outgoingRequest).setMethod)},
		{"[method]outgoing-request.path-with-query", getter(func(r *outgoingRequest) Option[string] { return r.path })},
		{"[method]outgoing-request.set-path-with-query", setter((*outgoingRequest).setPath)},
		{"[method]outgoing-request.scheme", getter(func(r *outgoingRequest) Option[Variant] { return r.scheme })},
		{"[method]outgoing-request.set-scheme", setter((*outgoingRequest).setScheme)},
		{"[method]outgoing-request.authority", getter(func(r *outgoingRequest) Option[string] { return r.authority })},
		{"[method]outgoing-request.set-authority", setter((*outgoingRequest).setAuthority)},
		{"[method]outgoing-request.headers", getter(func(r *outgoingRequest) *fields { return r.headers.shown() })},
		{"[constructor]request-options", HostFunc0(func(*wasmtime.Caller) (*requestOptions, error) {
			return &requestOptions{}, nil
		})},
		{"[method]request-options.connect-timeout", getter(func(r *requestOptions) Option[uint64] { return r.connect })},
		{"[method]request-options.set-connect-timeout", setter(func(r *requestOptions, d Option[uint64]) bool {
			r.connect = d
			return true
		})},
		{"[method]request-options.first-byte-timeout", getter(func(r *requestOptions) Option[uint64] { return r.firstByte })},
		{"[method]request-options.set-first-byte-timeout", setter(func(r *requestOptions, d Option[uint64]) bool {
			r.firstByte = d
			return true
		})},
		{"[method]request-options.between-bytes-timeout", getter(func(r *requestOptions) Option[uint64] { return r.betweenBytes })},
		{"[method]request-options.set-between-bytes-timeout", setter(func(r *requestOptions, d Option[uint64]) bool {
			r.betweenBytes = d
			return true
		})},
	}
}

func (o *httpOptions) responseFuncs() []httpFunc {
	return []httpFunc{
		{"[constructor]outgoing-response", HostFunc1(func(c *wasmtime.Caller, headers *fields) (*outgoingResponse, error) {
			h, err := o.http(c)
			if err != nil {
				return nil, err
			}
			headers.freeze()
			return &outgoingResponse{of: h, status: http.StatusOK, headers: headers}, nil
		})},
		{"[method]outgoing-response.status-code", getter(func(r *outgoingResponse) uint16 { return r.status })},
		{"[method]outgoing-response.set-status-code", setter((*outgoingResponse).setStatus)},
		{"[method]outgoing-response.headers", getter(func(r *outgoingResponse) *fields { return r.headers.shown() })},
		{"[method]outgoing-response.body", getter((*outgoingResponse).newBody)},
		{"[method]response-outparam.send-informational", HostVoid3(
			func(_ *wasmtime.Caller, p *responseOutparam, status uint16, headers *fields) error {
				defer headers.Close()
				return p.to.inform(status, headers)
			})},
		{"[static]response-outparam.set", HostVoid2(
			func(_ *wasmtime.Caller, p *responseOutparam, r Result[*outgoingResponse, HTTPErrorCode]) error {
				return p.set(r)
			})},
	}
}

func (o *httpOptions) bodyFuncs() []httpFunc {
	return []httpFunc{
		{"[method]incoming-body.stream", HostFunc1(func(c *wasmtime.Caller, b *incomingBody) (Result[*Resource, struct{}], error) {
			return b.stream(c)
		})},
		{"[static]incoming-body.finish", HostFunc1(func(_ *wasmtime.Caller, b *incomingBody) (*futureTrailers, error) {
			return b.finish()
		})},
		{"[method]future-trailers.subscribe", HostFunc1(func(c *wasmtime.Caller, f *futureTrailers) (*Resource, error) {
			return f.subscribe(c)
		})},
		{"[method]future-trailers.get", getter((*futureTrailers).get)},
		{"[method]outgoing-body.write", HostFunc1(func(c *wasmtime.Caller, b *outgoingBody) (Result[*Resource, struct{}], error) {
			return b.write(c)
		})},
		{"[static]outgoing-body.finish", HostVoid2(func(_ *wasmtime.Caller, b *outgoingBody, trailers Option[*fields]) error {
			return b.finish(trailers.Or(nil))
		})},
	}
}
