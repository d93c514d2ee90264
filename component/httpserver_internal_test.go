package component

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
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
