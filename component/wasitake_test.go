package component_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// takingStore is a store with WASI.
func takingStore(t *testing.T) *wasmtime.Store {
	store := wasmtime.NewStore(stdEngine())
	t.Cleanup(store.Close)
	Check(t, store.ConfigureWasi(wasmtime.NewWasiConfig()))
	return store
}

// is checks an error that need not be one of this module's.
func is(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("got %T %v, want %v", err, err, target)
	}
}

// What Go serves is read and written by another goroutine while the store is used, behind what was read before.
func TestTakeServed(t *testing.T) {
	store := takingStore(t)
	input := Must(component.NewInput(store, iotestChunks{strings.NewReader(text)}))
	first := make([]byte, 3)
	_, err := io.ReadFull(Must(component.WasiReader(store, input)), first)
	Check(t, err)
	var written bytes.Buffer
	output := Must(component.NewOutput(store, &written))
	r, w := Must(component.TakeReader(store, input)), Must(component.TakeWriter(store, output))
	copied := make(chan error, 1)
	go func() {
		_, err := io.Copy(w, r)
		copied <- err
	}()
	for range 100 { // the store is free meanwhile
		Check(t, Must(component.NewError(store, "text")).Drop(nil))
	}
	Check(t, <-copied)
	Equal(t, "copied", string(first)+written.String(), text)

	for _, taken := range []*component.Resource{input, output} {
		WantIs(t, taken.Drop(nil), component.ErrHandle)
	}
	_, err = component.TakeReader(store, input)
	WantIs(t, err, component.ErrHandle)
	Check(t, r.Close())
	Check(t, w.Close())
	is(t, w.Close(), fs.ErrClosed)
	_, err = w.Write([]byte("more"))
	is(t, err, net.ErrClosed)
}

// iotestChunks reads little at a time.
type iotestChunks struct{ io.Reader }

func (c iotestChunks) Read(p []byte) (int, error) { return c.Reader.Read(p[:min(3, len(p))]) }

// Both sides of a connection that Go serves, which ends with the store.
func TestTakeConn(t *testing.T) {
	store := takingStore(t)
	near, far := net.Pipe()
	defer far.Close()
	input, output, err := component.WasiStreams(store, Must(store.PushConn(near)))
	Check(t, err)
	r, w := Must(component.TakeReader(store, input)), Must(component.TakeWriter(store, output))
	go io.Copy(w, r)
	for range 10 {
		_, err := far.Write([]byte(text))
		Check(t, err)
		got := make([]byte, len(text))
		_, err = io.ReadFull(far, got)
		Check(t, err)
		Equal(t, "echo", string(got), text)
	}
	store.Close()
	far.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := far.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("after the end of the store: %v", err)
	}
	_, err = w.Write([]byte("more"))
	if err == nil {
		t.Error("written after the end of the store")
	}
}

// Close ends a wait, and what is closed takes no place in the store for long.
func TestTakeClosed(t *testing.T) {
	store := takingStore(t)
	never, end := io.Pipe()
	defer end.Close()
	r := Must(component.TakeReader(store, Must(component.NewInput(store, never))))
	read := make(chan error)
	go func() {
		_, err := r.Read(make([]byte, 1))
		read <- err
	}()
	time.Sleep(10 * time.Millisecond)
	Check(t, r.Close())
	is(t, <-read, net.ErrClosed)

	component.SetLimits(store, component.Limits{Resources: 5})
	for range 100 {
		w := Must(component.TakeWriter(store, Must(component.NewOutput(store, io.Discard))))
		Check(t, w.Close())
	}
}

// A file, from where the guest is, and a connection of the host's. They outlive the store.
func TestTakeOfTheHost(t *testing.T) {
	store := takingStore(t)
	input := Must(component.WasiInput(store, Must(store.PushFile(TempFile(t, text), wasmtime.READ_ONLY))))
	first := make([]byte, 3)
	_, err := io.ReadFull(Must(component.WasiReader(store, input)), first)
	Check(t, err)
	file := TempFile(t, "")
	output := Must(component.WasiOutput(store, Must(store.PushFile(file, wasmtime.READ_WRITE))))
	_, err = Must(component.WasiWriter(store, output)).Write([]byte("before "))
	Check(t, err)
	fr, fw := Must(component.TakeReader(store, input)), Must(component.TakeWriter(store, output))

	listener := Must(net.Listen("tcp4", "127.0.0.1:0"))
	defer listener.Close()
	far := Must(net.Dial("tcp4", listener.Addr().String()))
	defer far.Close()
	near := Must(listener.Accept())
	socket, input, output, err := component.WasiSocket(store, Must(store.PushConn(near)))
	Check(t, err)
	near.Close()
	cr, cw := Must(component.TakeReader(store, input)), Must(component.TakeWriter(store, output))
	WantIs(t, input.Drop(nil), component.ErrHandle)
	Check(t, socket.Drop(nil))
	store.Close()

	Equal(t, "the file", string(first)+string(Must(io.ReadAll(fr))), text)
	_, err = fw.Write([]byte("and after"))
	Check(t, err)
	Equal(t, "written", Content(t, file), "before and after")

	go io.Copy(cw, cr)
	large := strings.Repeat(text, 300_000)
	go io.WriteString(far, large)
	got := make([]byte, len(large))
	_, err = io.ReadFull(far, got)
	Check(t, err)
	if string(got) != large {
		t.Error("another text has come back")
	}
	Check(t, errors.Join(fr.Close(), fw.Close(), cw.Close(), cr.Close()))
	_, err = far.Read(make([]byte, 1))
	Equal(t, "the end", err, io.EOF)
}

func TestTakeRefused(t *testing.T) {
	store := takingStore(t)
	input := Must(component.NewInput(store, strings.NewReader(text)))
	_, err := component.TakeWriter(store, input)
	WantIs(t, err, component.ErrType)
	_, err = component.TakeReader(store, nil)
	WantText(t, err, "nil")
	_, err = component.TakeReader(takingStore(t), input)
	WantIs(t, err, wasmtime.ErrWrongStore)
	directory := Must(component.WasiDescriptor(store, Must(store.PushFS(fstest.MapFS{"f": {}}, ""))))
	_, err = component.TakeReader(store, directory)
	WantIs(t, err, component.ErrType)
	WantIs(t, component.ShutdownSocket(store, directory, true, false), component.ErrType)
	bare := wasmtime.NewStore(stdEngine())
	defer bare.Close()
	_, err = component.NewError(bare, "text")
	WantIs(t, err, wasmtime.ErrNoWasi)
}

// halves is a connection whose writing can be ended alone.
type halves struct {
	net.Conn
	ended chan struct{}
}

func (h halves) CloseWrite() error {
	close(h.ended)
	return nil
}

func TestShutdownSocket(t *testing.T) {
	store := takingStore(t)
	near, far := net.Pipe()
	defer far.Close()
	conn := halves{near, make(chan struct{})}
	socket, input, output, err := component.WasiSocket(store, Must(store.PushConn(conn)))
	Check(t, err)
	Check(t, component.ShutdownSocket(store, socket, false, false))
	Check(t, component.ShutdownSocket(store, socket, false, true))
	<-conn.ended
	_, err = Must(component.WasiWriter(store, output)).Write([]byte("more"))
	is(t, err, io.ErrClosedPipe)
	Check(t, component.ShutdownSocket(store, socket, true, false))
	_, err = Must(component.WasiReader(store, input)).Read(make([]byte, 1))
	Equal(t, "the end", err, io.EOF)
	for _, r := range []*component.Resource{input, output, socket} {
		Check(t, r.Drop(nil))
	}

	whole, _, _, err := component.WasiSocket(store, Must(store.PushConn(wrapped{far})))
	Check(t, err)
	var failed *fs.PathError
	if err := component.ShutdownSocket(store, whole, false, true); !errors.As(err, &failed) {
		t.Errorf("a connection whose writing cannot be ended alone: %v", err)
	}
}
