package wasitls

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
)

// transport is the connection that a guest has handed over, as crypto/tls wants it. After a deadline it is closed:
// crypto/tls goes on with no connection that has missed one.
type transport struct {
	io.ReadCloser
	writer io.WriteCloser
	close  func() error

	mu sync.Mutex
	// read and write close it when their time has come; nil without a deadline.
	read, write *time.Timer
}

// take takes the streams out of the store.
func take(c *wasmtime.Caller, input, output *component.Resource) (*transport, error) {
	r, err := component.TakeReader(c, input)
	if err != nil {
		return nil, err
	}
	w, err := component.TakeWriter(c, output)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	t := &transport{ReadCloser: r, writer: w}
	t.close = sync.OnceValue(func() error { return errors.Join(r.Close(), w.Close()) })
	return t, nil
}

// errCut is the end of a connection without TLS's word for that: somebody may have cut it.
var errCut = fmt.Errorf("the connection has ended without close-notify: %w", io.ErrUnexpectedEOF)

// Read does not let crypto/tls take the end of the connection for that of what the server has sent.
func (t *transport) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if err == io.EOF {
		err = errCut
	}
	return n, err
}

func (t *transport) Write(p []byte) (int, error) { return t.writer.Write(p) }

// Close closes both streams. Any goroutine may call it, any number of times.
func (t *transport) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, timer := range []*time.Timer{t.read, t.write} {
		if timer != nil {
			timer.Stop()
		}
	}
	return t.close()
}

func (t *transport) SetDeadline(at time.Time) error {
	return errors.Join(t.SetReadDeadline(at), t.SetWriteDeadline(at))
}

func (t *transport) SetReadDeadline(at time.Time) error {
	t.setTimer(&t.read, at, func() { t.close() })
	return nil
}

// SetWriteDeadline ends the writing alone: crypto/tls uses one that has passed to say that nothing more comes, and goes
// on to read.
func (t *transport) SetWriteDeadline(at time.Time) error {
	t.setTimer(&t.write, at, func() { t.writer.Close() })
	return nil
}

func (t *transport) setTimer(timer **time.Timer, at time.Time, end func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if *timer != nil {
		(*timer).Stop()
		*timer = nil
	}
	if !at.IsZero() {
		*timer = time.AfterFunc(time.Until(at), end)
	}
}

// address is that of both sides: nobody knows more of two streams.
type address struct{}

func (address) Network() string { return "wasi" }
func (address) String() string  { return "wasi:io/streams" }

func (*transport) LocalAddr() net.Addr  { return address{} }
func (*transport) RemoteAddr() net.Addr { return address{} }
