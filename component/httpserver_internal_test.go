package component

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// serveExchange serves requests with a function that has the exchange as a guest's call has it.
func serveExchange(t *testing.T, timeout time.Duration, f func(x *exchange, w http.ResponseWriter)) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		f(newExchange(ctx, w, r), w)
	}))
	t.Cleanup(s.Close)
	return s
}

// A guest that lets go of a body, which its client has not sent, goes on with its request.
func TestBodyLetGoWhileItIsRead(t *testing.T) {
	ended := make(chan error, 1)
	s := serveExchange(t, time.Minute, func(x *exchange, _ http.ResponseWriter) {
		body := &requestBody{x}
		read := make(chan struct{})
		go func() {
			defer close(read)
			_, _ = body.Read(make([]byte, 10))
		}()
		time.Sleep(100 * time.Millisecond)
		body.stop()
		time.Sleep(100 * time.Millisecond)
		ended <- x.request.Context().Err()
		x.end(true)
		<-read
	})
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the request has ended: %v", err)
	}
}

// A client that takes no informational responses does not keep the guest beyond its time.
func TestInformWaitsForNobody(t *testing.T) {
	ended := make(chan error, 1)
	s := serveExchange(t, 300*time.Millisecond, func(x *exchange, _ http.ResponseWriter) {
		h := &fields{list: []field{{"x", strings.Repeat("x", 10000)}}}
		var err error
		for err == nil {
			err = x.inform(http.StatusEarlyHints, h)
		}
		ended <- err
		x.end(false)
		panic(http.ErrAbortHandler)
	})
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the guest waits for its client")
	}
}

// A client of HTTP/1.0 would take an informational response for the last.
func TestInformOldClients(t *testing.T) {
	s := serveExchange(t, time.Minute, func(x *exchange, _ http.ResponseWriter) {
		if err := x.inform(http.StatusEarlyHints, &fields{}); err != nil {
			t.Error(err)
		}
		if err := x.respond(&outgoingResponse{status: 204, headers: &fields{}}, nil); err != nil {
			t.Error(err)
		}
		x.end(true)
	})
	for version, want := range map[string]string{"1.0": "HTTP/1.0 204", "1.1": "HTTP/1.1 103"} {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		p := make([]byte, len(want))
		_, _ = io.WriteString(conn, "GET / HTTP/"+version+"\r\nHost: x\r\n\r\n")
		if _, err := io.ReadFull(conn, p); err != nil || string(p) != want {
			t.Errorf("got %q, %v, want %s", p, err, want)
		}
	}
}

// panickingWriter is a ResponseWriter that ends the request.
type panickingWriter struct{ http.ResponseWriter }

func (panickingWriter) WriteHeader(int) { panic("the writer") }

// What a ResponseWriter panics with while it is flushed comes out of the request.
func TestFlushPanics(t *testing.T) {
	x := newExchange(t.Context(), panickingWriter{httptest.NewRecorder()}, httptest.NewRequest("GET", "/", nil))
	body := &outgoingBody{length: -1, of: &httpStore{options: &httpOptions{fieldSize: 1}}}
	if err := x.respond(&outgoingResponse{status: 200, headers: &fields{}, body: body}, nil); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	defer func() {
		if value := recover(); value != "the writer" {
			t.Errorf("panicked with %v", value)
		}
		if x.end(false) {
			t.Error("the response is complete")
		}
	}()
	x.end(true)
}

// A response whose body is not as long as its headers say is not complete.
func TestShortBodies(t *testing.T) {
	for _, test := range []struct {
		method string
		status uint16
		body   bool
		want   bool
	}{
		{"GET", 200, true, false}, {"GET", 200, false, false}, {"HEAD", 200, true, true}, {"GET", 304, false, true},
	} {
		w := httptest.NewRecorder()
		x := newExchange(t.Context(), w, httptest.NewRequest(test.method, "/", nil))
		r := &outgoingResponse{status: test.status, headers: &fields{list: []field{{"content-length", "10"}}}}
		if test.body {
			r.of = &httpStore{options: &httpOptions{fieldSize: 1}}
			r.newBody()
		}
		if err := x.respond(r, nil); err != nil {
			t.Fatal(err)
		}
		if got := x.end(true); got != test.want || x.committed != test.want {
			t.Errorf("%+v: complete is %v, and sent %v", test, got, x.committed)
		}
	}
}

// Fields that say how a message is read are there once, and not at its end.
func TestFramingFields(t *testing.T) {
	if n := len(fieldsOf(http.Header{"Content-Length": {"1", "2"}, "X": {"1", "2"}}).list); n != 3 {
		t.Errorf("%d fields, want 3", n)
	}
	b := &outgoingBody{length: -1}
	if err := b.finish(&fields{list: []field{{"content-length", "5"}, {"trailer", "x"}, {"x", "1"}}}); err != nil {
		t.Fatal(err)
	}
	if len(b.trailers.list) != 1 || b.trailers.list[0].name != "x" {
		t.Errorf("trailers: %v", b.trailers.list)
	}
}

// What a guest has given away, or dropped, does not count for it any more: its instance may serve many requests.
func TestMemoryGivenBack(t *testing.T) {
	h := &httpStore{options: &httpOptions{fieldSize: 1000}}
	trailers := h.newFields()
	if err := trailers.append("x", []byte("1")); err != nil {
		t.Fatal(err)
	}
	r := &outgoingResponse{of: h, headers: h.newFields()}
	r.newBody()
	if _, err := r.body.Write([]byte("body"), false); err != nil || h.memory == 0 {
		t.Fatal(err, h.memory)
	}
	if err := r.body.finish(trailers); err != nil {
		t.Fatal(err)
	}
	r.Close()
	if h.memory != 0 {
		t.Errorf("%d bytes are counted still", h.memory)
	}
}
