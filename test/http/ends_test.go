package http

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// ask sends text over a connection of its own, and returns the first line of the answer; "" if there is none.
func (s *server) ask(t *testing.T, text string, halfClosed bool) string {
	t.Helper()
	conn := Must(net.Dial("tcp", s.Listener.Addr().String())).(*net.TCPConn)
	defer conn.Close()
	Check(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	Must(io.WriteString(conn, text))
	if halfClosed {
		time.Sleep(100 * time.Millisecond)
		Check(t, conn.CloseWrite())
	}
	line, _ := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(line)
}

// A guest that is stopped before it has answered is no empty answer with status 200.
func TestStoppedIsNoAnswer(t *testing.T) {
	s := serve(t, nil, component.WithTimeout(500*time.Millisecond))
	Equal(t, "half closed", s.ask(t, "GET /sleep?400 HTTP/1.1\r\nHost: x\r\n\r\n", true), "")
	Equal(t, "half closed in the body", s.ask(t, "POST /sleep?400 HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", true), "HTTP/1.1 200 OK")
	Equal(t, "a body that does not come", s.ask(t, "POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", false),
		"HTTP/1.1 504 Gateway Timeout")
}

// A configuration that panics does not take the place with it.
func TestPlacesOutliveAPanic(t *testing.T) {
	var calls atomic.Int32
	nothing := wasmtime.NewWasiConfig()
	defer nothing.Close()
	s := serve(t, nil, component.WithMaxInstances(1), component.WithTimeout(2*time.Second),
		component.WithWasi(func(*http.Request) (*wasmtime.WasiConfig, error) {
			if calls.Add(1) == 1 {
				panic(http.ErrAbortHandler)
			}
			return nothing, nil
		}))
	_ = s.get(t, "/count") // the client may try again itself
	Equal(t, "afterwards", s.get(t, "/count"), "200 1")
}
