package component

import (
	"io"
	"io/fs"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/bridge"
	"github.com/gowasmtime/wasmtime/internal/registry"
)

// TakeReader takes an input-stream of wasi:io out of its store: the reader is for any goroutine, one at a time, also
// while guests run. That is what a Go function needs that goes on when it has returned:
//
//	proxy.Func("relay", func(caller *wasmtime.Caller, from, to *component.Resource) error {
//		r, err := component.TakeReader(caller, from)
//		if err != nil {
//			return err
//		}
//		w, err := component.TakeWriter(caller, to)
//		if err != nil {
//			return errors.Join(err, r.Close())
//		}
//		go func() {
//			defer r.Close()
//			defer w.Close()
//			io.Copy(w, r)
//		}()
//		return nil
//	})
//
// The stream has to be the program's own; the handle is gone afterwards. A borrow is an error that wraps [ErrBorrowed],
// a resource that is no input-stream one that wraps [ErrType], one that was dropped or given away one that wraps
// [ErrHandle]. A stream of which a guest has pollables cannot be taken out. If there is an error, the stream stays.
//
// The reader is apart from the store then, outlives it, and counts for [wasmtime.Store.SetMaxResources] until it is
// closed. Where Go serves the stream, of a reader or a connection of the program's, it stays the store's, and is closed
// with it at the latest. A pipe or a connection takes a thread while somebody waits for it, of which there are 512 for
// the whole process. What belongs to a file of an [fs.FS] is an error that wraps [wasmtime.ErrUnsupported].
//
// Read waits for as long as it takes, or until Close, which any goroutine may call: then its error is [net.ErrClosed].
// Other errors are those of [StreamReader.Read]. Close has to be called in the end; twice is an error that wraps
// [fs.ErrClosed]. See wasmtime_wasi::p2::InputStream.
func TakeReader(store wasmtime.Storelike, r *Resource) (io.ReadCloser, error) {
	return takeStream(store, r, ffi.WasiInputStream, "input-stream")
}

// TakeWriter is [TakeReader] for an output-stream. What a guest has written before comes first. Write returns when all
// has been handed on, to the system if it is a connection; so nothing is lost by Close. When nobody reads what is
// written, the error wraps [io.ErrClosedPipe].
func TakeWriter(store wasmtime.Storelike, r *Resource) (io.WriteCloser, error) {
	return takeStream(store, r, ffi.WasiOutputStream, "output-stream")
}

func takeStream(store wasmtime.Storelike, r *Resource, kind ffi.WasiResource, name string) (io.ReadWriteCloser, error) {
	var u used
	if _, err := u.use(store, r, kind, name); err != nil {
		return nil, err
	}
	if !u.owned {
		return nil, errorf(ErrBorrowed, "take %s: %v: only its owner can take it out of the store", name, ErrBorrowed)
	}
	s := r.state
	s.dropLeft()
	err := u.do("take", ffi.WasiUseTake, nil, 0)
	switch status := u.answer.Status; {
	case err != nil && status == ffi.WasiUsedOther:
		return nil, errorf(wasmtime.ErrUnsupported, "take %s: %v of what is behind it", name, wasmtime.ErrUnsupported)
	case err != nil:
		return nil, err
	case status == ffi.WasiUsedServed:
		outermost, err := s.store.Enter()
		if err != nil {
			return nil, err
		}
		outside := s.store.Served(u.answer.Count)
		s.store.Leave(outermost)
		if outside == nil {
			return nil, errorf(wasmtime.ErrUnsupported, "take %s: %v of a listener", name, wasmtime.ErrUnsupported)
		}
		left := &servedStream{ReadWriteCloser: outside, r: &Resource{s, r.handle, r.name}}
		r.handle = 0 // which is none
		s.left = append(s.left, left)
		return left, nil
	}
	return newTakenStream(ffi.TakenStreamOf(u.answer.Count), name), nil
}

// servedStream is a stream that Go serves. When it has been closed, whoever takes the next one drops its resource.
type servedStream struct {
	io.ReadWriteCloser
	r      *Resource
	closed atomic.Bool
}

func (l *servedStream) Close() error {
	if l.closed.Swap(true) {
		return &fs.PathError{Op: "close", Path: l.r.name, Err: fs.ErrClosed}
	}
	return l.ReadWriteCloser.Close()
}

// dropLeft drops the streams that Go serves whose readers and writers have been closed.
func (s *state) dropLeft() {
	s.left = slices.DeleteFunc(s.left, func(l *servedStream) bool {
		if !l.closed.Load() {
			return false
		}
		_ = l.r.Drop(nil) // it is the program's, and nobody hears what its writer says now
		return true
	})
}

// takenStream is a stream that is not the store's any more.
type takenStream struct {
	name   string
	handle registry.Handle[ffi.TakenStream]
	number uint64
	// turn is whose turn it is to read or write.
	turn sync.Mutex
	// ready has something in it when the stream may be ready, and done is closed by Close.
	ready, done chan struct{}
	closed      atomic.Bool
}

// taken are those that may be waited for, by their numbers.
var taken struct {
	sync.Map
	numbers atomic.Uint64
}

func init() {
	ffi.OnTaken = func(number uint64) {
		if ready, ok := taken.Load(number); ok {
			signal(ready.(chan struct{}))
		}
	}
}

// signal says something that is said already or will be heard.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func newTakenStream(native ffi.TakenStream, name string) *takenStream {
	t := &takenStream{
		name: name, number: taken.numbers.Add(1), ready: make(chan struct{}, 1), done: make(chan struct{}),
	}
	registry.Own(&t.handle, t, native)
	return t
}

// Read reads up to len(p) bytes.
func (t *takenStream) Read(p []byte) (int, error) {
	t.turn.Lock()
	defer t.turn.Unlock()
	return t.do("read", ffi.WasiUseRead, p[:min(len(p), most)])
}

// Write writes all of p.
func (t *takenStream) Write(p []byte) (n int, err error) {
	t.turn.Lock()
	defer t.turn.Unlock()
	for n < len(p) && err == nil {
		var some int
		some, err = t.do("write", ffi.WasiUseWrite, p[n:min(len(p), n+most)])
		n += some
	}
	if err == nil {
		_, err = t.do("write", ffi.WasiUseWrite, nil) // which has to wait until all has arrived
	}
	if err == io.EOF {
		err = t.failed("write", io.ErrClosedPipe)
	}
	return n, err
}

// do does something, and waits until it is done.
func (t *takenStream) do(op string, what ffi.WasiUse, p []byte) (int, error) {
	for {
		native, ok := t.handle.TryAcquire()
		if !ok {
			return 0, net.ErrClosed
		}
		status, count := native.Use(what, p)
		if status == ffi.WasiUsedWaits {
			taken.Store(t.number, t.ready)
			native.Watch(t.number)
		}
		t.handle.Release()
		switch status {
		case ffi.WasiUsed:
			return int(count), nil
		case ffi.WasiUsedEnd:
			return 0, io.EOF
		case ffi.WasiUsedNetwork:
			return 0, t.failed(op, networkError(count))
		case ffi.WasiUsedWaits:
		default:
			return 0, t.failed(op, fileError(count))
		}
		select {
		case <-t.ready:
		case <-t.done:
		}
		taken.Delete(t.number)
	}
}

func (t *takenStream) failed(op string, err error) error {
	return &fs.PathError{Op: op, Path: t.name, Err: err}
}

// Close closes the stream, and ends what waits for it.
func (t *takenStream) Close() error {
	if t.closed.Swap(true) {
		return t.failed("close", fs.ErrClosed)
	}
	t.handle.Close()
	close(t.done)
	return nil
}

// NewError makes an error of wasi:io with a text, which guests get by to-debug-string: for a Go function that returns
// one. It is the program's until it is given away, or dropped with [Resource.Drop]. The store must have been given a
// [wasmtime.WasiConfig], or the error wraps [wasmtime.ErrNoWasi].
func NewError(store wasmtime.Storelike, text string) (*Resource, error) {
	inside, err := bridge.StoreOf(store)
	if err != nil {
		return nil, err
	}
	outermost, err := inside.Enter()
	if err != nil {
		return nil, err
	}
	defer inside.Leave(outermost)
	s := stateOf(inside)
	handle, failed := inside.Native().MakeWasiError(text)
	if !failed.IsNil() {
		return nil, bridge.NewError(failed)
	}
	return &Resource{s, handle, "error"}, nil
}

// ShutdownSocket shuts a tcp-socket of wasi:sockets down, one that a Go function was passed or the program has made by
// [WasiSocket]: so that nothing more is read from it, nothing more is written, or both. What was written before is sent
// first. Errors are those of [WasiReader], and a [*fs.PathError] for what the socket fails with.
func ShutdownSocket(store wasmtime.Storelike, socket *Resource, read, write bool) error {
	var u used
	if _, err := u.use(store, socket, ffi.WasiTCPSocket, "tcp-socket"); err != nil {
		return err
	}
	how := uint64(0)
	if read {
		how |= 1
	}
	if write {
		how |= 2
	}
	if how == 0 {
		return nil
	}
	return u.do("shutdown", ffi.WasiUseShutdown, nil, how)
}
