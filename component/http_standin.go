package component

// A stand-in until the real one is merged.

import (
	"errors"
	"io"
	"net/http"

	"github.com/gowasmtime/wasmtime"
)

type Handler struct {
	pre     *InstancePre
	prepare func(*wasmtime.Store) error
}

type HandlerOption func(*Handler)

func WithPrepare(f func(*wasmtime.Store) error) HandlerOption {
	return func(h *Handler) { h.prepare = f }
}

func NewHandler(pre *InstancePre, options ...HandlerOption) *Handler {
	h := &Handler{pre: pre}
	for _, o := range options {
		o(h)
	}
	return h
}

func (h *Handler) Close() {}

func (h *Handler) Err() error {
	for _, n := range h.pre.types.Exports {
		if len(n.Name) > 26 && n.Name[:26] == "wasi:http/incoming-handler" {
			return nil
		}
	}
	return errors.New("the component exports no wasi:http/incoming-handler")
}

type stFields struct{ f http.Header }
type stResponse struct{ f *stFields }
type stBody struct{}
type stOut struct{ w http.ResponseWriter }
type stRequest struct{}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	store := wasmtime.NewStoreWithData(h.pre.engine, w)
	defer store.Close()
	if err := h.prepare(store); err != nil {
		http.Error(w, err.Error(), 500)
		return
	}
	i, err := h.pre.Instantiate(r.Context(), store)
	if err == nil {
		var f *Func
		if f, err = i.Func("wasi:http/incoming-handler@0.2.3#handle"); err == nil {
			_, err = f.Call(r.Context(), &stRequest{}, &stOut{w})
		}
	}
	if err != nil {
		http.Error(w, err.Error(), 502)
	}
}

type flushing struct{ w http.ResponseWriter }

func (f flushing) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	f.w.(http.Flusher).Flush()
	return n, err
}

func (l *Linker) DefineHTTP() error {
	t := l.Instance("wasi:http/types@0.2.3")
	return errors.Join(
		t.Resource("fields", ResourceOf[*stFields]()),
		t.Resource("incoming-request", ResourceOf[*stRequest]()),
		t.Resource("outgoing-response", ResourceOf[*stResponse]()),
		t.Resource("outgoing-body", ResourceOf[*stBody]()),
		t.Resource("response-outparam", ResourceOf[*stOut]()),
		t.Func("[constructor]fields", func() *stFields { return &stFields{http.Header{}} }),
		t.Func("[constructor]outgoing-response", func(f *stFields) *stResponse { return &stResponse{f} }),
		t.Func("[method]outgoing-response.body", func(r *stResponse) Result[*stBody, struct{}] {
			return Ok[*stBody, struct{}](&stBody{})
		}),
		t.Func("[method]outgoing-body.write", func(c *wasmtime.Caller, b *stBody) (Result[*Resource, struct{}], error) {
			var w io.Writer = flushing{c.Data().(http.ResponseWriter)}
			o, err := NewOutput(c, w)
			return Ok[*Resource, struct{}](o), err
		}),
		t.Func("[static]outgoing-body.finish", func(b *stBody, trailers Option[*stFields]) Result[struct{}, Variant] {
			return Ok[struct{}, Variant](struct{}{})
		}),
		t.Func("[static]response-outparam.set", func(o *stOut, r Result[*stResponse, Variant]) {}),
	)
}
