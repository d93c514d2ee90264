package wasi2_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// What a component has written before it ends its direction of a connection arrives, however slow the other side is.
func TestShutdownComesAfterWrites(t *testing.T) {
	listener := Listen(t, "tcp")
	Check(t, listener.(*net.TCPListener).SetDeadline(time.Now().Add(time.Minute))) // nobody may connect
	received := make(chan int64, 1)
	go func() {
		peer, err := listener.Accept()
		if err != nil {
			received <- -1
			return
		}
		defer peer.Close()
		time.Sleep(50 * time.Millisecond)
		n, _ := io.Copy(io.Discard, peer)
		received <- n
	}()
	r := newTry(t, "connect-shutdown|"+strings.TrimPrefix(listener.Addr().String(), "127.0.0.1:"))
	network(r)
	said := r.run()[0]
	Equal(t, "bytes", said, fmt.Sprint(<-received))
}
