package component

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

// roundTripFunc is a RoundTripper.
type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// badObserver panics before or after a request.
type badObserver struct{ begin, end bool }

func (o badObserver) Begin(r *http.Request, _ bool) context.Context {
	if o.begin {
		panic("begin")
	}
	return r.Context()
}

func (o badObserver) End(context.Context, HTTPEvent) {
	if o.end {
		panic("end")
	}
}

// badBody panics as soon as anybody uses it.
type badBody struct{}

func (badBody) Read([]byte) (int, error) { panic("read") }
func (badBody) Close() error             { panic("close") }

// tried makes a request, and returns what the guest waits for.
func tried(transport roundTripFunc, observer HTTPObserver) *futureResponse {
	ctx, cancel := context.WithCancelCause(context.Background())
	f := &futureResponse{
		of: &httpStore{requests: 1}, client: &httpClient{transport: transport, observer: observer}, ctx: ctx, cancel: cancel,
		done: make(chan struct{}), firstByte: defaultTimeout, betweenBytes: defaultTimeout,
	}
	go f.roundTrip(httptest.NewRequestWithContext(ctx, "GET", "http://x/", nil))
	return f
}

// No RoundTripper and no observer ends the process, whatever it does.
func TestBadTransports(t *testing.T) {
	good := func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("body"))}, nil
	}
	answer := func(r *http.Response, err error) roundTripFunc {
		return func(*http.Request) (*http.Response, error) { return r, err }
	}
	for name, test := range map[string]struct {
		transport roundTripFunc
		observer  HTTPObserver
		want      string
	}{
		"begin":        {good, badObserver{begin: true}, "internal-error"},
		"end":          {good, badObserver{end: true}, "internal-error"},
		"nothing":      {answer(nil, nil), nil, "internal-error"},
		"both":         {answer(&http.Response{StatusCode: 200}, errors.New("failed")), nil, "internal-error"},
		"no body":      {answer(&http.Response{StatusCode: 204}, nil), nil, ""},
		"a status":     {answer(&http.Response{StatusCode: 1<<16 + 200}, nil), nil, "HTTP-protocol-error"},
		"no status":    {answer(&http.Response{}, nil), nil, "HTTP-protocol-error"},
		"a bad status": {answer(&http.Response{StatusCode: -1, Body: badBody{}}, nil), nil, "internal-error"},
	} {
		f := tried(test.transport, test.observer)
		<-f.done
		result, _ := f.get().Get()
		response, _ := result.Ok()
		if r, ok := response.Ok(); !ok {
			if failed, _ := response.Err(); failed.Case != test.want {
				t.Errorf("%s: %v, want %q", name, failed, test.want)
			}
		} else if all, err := io.ReadAll(r.body); test.want != "" || len(all) > 0 || err != nil {
			t.Errorf("%s: %q, %v, want %q", name, all, err, test.want)
		} else {
			r.Close()
		}
		tried(test.transport, test.observer).Close()
	}
	tried(answer(&http.Response{StatusCode: 200, Body: badBody{}}, nil), nil).Close()
}

// What a body panics with that is read for its trailers comes out of the guest's call.
func TestTrailersPanic(t *testing.T) {
	f := &futureTrailers{done: make(chan struct{}), body: &incomingBody{
		of: &httpStore{}, from: &responseBody{
			of: &httpStore{}, ctx: t.Context(), cancel: func(error) {}, between: defaultTimeout,
			response: &http.Response{Body: badBody{}},
		},
	}}
	f.start()
	<-f.done
	defer func() {
		if value := recover(); value != "read" {
			t.Errorf("panicked with %v", value)
		}
	}()
	f.get()
}

// A request that the guest lets go of does not leave its connection behind, which is not made yet.
func TestLetGoWhileConnecting(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := newHTTPClient()
	c.networks = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	if err := c.prepare(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	f := &futureResponse{
		of: &httpStore{requests: 1}, client: c, ctx: ctx, cancel: cancel,
		done: make(chan struct{}), firstByte: defaultTimeout, betweenBytes: defaultTimeout,
	}
	go f.roundTrip(httptest.NewRequestWithContext(
		connecting(ctx, defaultTimeout), "GET", "https://"+l.Addr().String(), nil))
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	f.Close()
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection is still there")
	}
}

// The built-in transport speaks HTTP/2 where the server does, and believes only what it is to trust.
func TestBuiltInTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	trusting := s.Client().Transport.(*http.Transport).TLSClientConfig
	for name, test := range map[string]struct {
		config *tls.Config
		want   string
	}{
		"trusted":   {trusting, ""},
		"untrusted": {nil, "TLS-certificate-error"},
		"another":   {&tls.Config{ServerName: "x.test", RootCAs: trusting.RootCAs}, "TLS-certificate-error"},
	} {
		c := newHTTPClient()
		c.networks = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		if test.config != nil {
			c.tls = test.config.Clone()
		}
		if err := c.prepare(); err != nil {
			t.Fatal(err)
		}
		request := httptest.NewRequestWithContext(connecting(t.Context(), defaultTimeout), "GET", s.URL, nil)
		r, err := c.transport.RoundTrip(request)
		if err != nil {
			if got := httpErrorCode(err); got.Case != test.want {
				t.Errorf("%s: %v is %v", name, err, got)
			}
			continue
		}
		r.Body.Close()
		if r.ProtoMajor != 2 || test.want != "" {
			t.Errorf("%s: %s", name, r.Proto)
		}
		c.transport.(*http.Transport).CloseIdleConnections()
	}
}

// A guest that keeps the bodies of requests that are over keeps no memory of the host.
func TestBodiesOfPastRequests(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := newRequestPipe(httptest.NewRequestWithContext(ctx, "POST", "/", nil), &outgoingBody{})
	if n, err := p.write([]byte("body"), false); n != 4 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	cancel()
	for n := 1; n > 0; {
		n, _ = p.write([]byte("x"), true) // until it is closed
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.buffer != nil {
		t.Errorf("%d bytes are kept", len(p.buffer))
	}
}
