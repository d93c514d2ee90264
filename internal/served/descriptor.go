package served

import (
	"context"
	"fmt"
	"net"
	"reflect"
	"sync"
	"syscall"

	"github.com/gowasmtime/wasmtime/ffi"
)

// Descriptor is a descriptor of a guest that Go serves: a stream, or a listener. C asks for it by its number.
type Descriptor struct {
	by     server
	kind   ffi.StreamKind
	number uint64
	// serves is what has the number: the descriptor itself, or the one that there was of an equal reader or writer.
	serves *Descriptor
	host   Host

	mu sync.Mutex
	// closed says that the guest's descriptor is gone.
	closed bool
	// uses is how many descriptors of the guest it is; more than one if they are a reader's or a writer's.
	uses int
	// changed is closed when a goroutine is done. It is made for whoever waits for that.
	changed chan struct{}
	panics  Panics
}

// server is what differs between streams and listeners.
type server interface {
	// serveLocked answers a request of the guest. It lets go of the lock while it waits.
	serveLocked(ctx context.Context, r *ffi.StreamRequest) (uint64, ffi.StreamStatus)
	// goneLocked lets go of what the guest no longer uses. It does not wait: what closes something is counted in b.
	goneLocked(b *Behind)
}

// owned are the descriptors whose connections and listeners are closed when the guest's descriptors are gone, also when
// the garbage collector frees their store. So one that leads back to its store keeps it, until the store is closed or
// the guest has closed it.
var owned leftovers[*Descriptor]

// Attach makes d a descriptor of host, which is in an operation or in a call, and gives it the number by which C asks
// for it. A reader or a writer that host has already is served by the pipe that there is.
func (d *Descriptor) Attach(host Host) (number uint64) {
	d.host, d.uses, d.serves = host, 1, d
	shelf := host.Shelf()
	if st, ok := d.by.(*Stream); ok && st.conn == nil {
		d.serves = &shelf.ends.share(st).Descriptor
	}
	d.number = host.Number()<<tableBits | shelf.descriptors.add(d.serves)
	if d.kind != ffi.StreamPipe {
		owned.keep(d.number, d)
	}
	return d.number
}

// Detach takes Attach back. It is for a descriptor whose number C has not got.
func (d *Descriptor) Detach() {
	d.host.Shelf().descriptors.remove(d.number)
	owned.take(d.number)
	if st, ok := d.serves.by.(*Stream); ok && st.conn == nil {
		st.detach()
	}
}

// Kind returns what the descriptor is for the guest.
func (d *Descriptor) Kind() ffi.StreamKind { return d.kind }

// OnStream serves every request of a guest to a stream or a listener.
func OnStream(r *ffi.StreamRequest) {
	var d *Descriptor
	if host := HostOf(r.Env >> tableBits); host != nil {
		there := &host.Shelf().descriptors
		d = there.get(r.Env)
		if r.What == ffi.StreamGone {
			there.remove(r.Env)
		}
	}
	if r.What == ffi.StreamGone {
		if d == nil || d.kind != ffi.StreamPipe {
			d, _ = owned.take(r.Env)
		}
		if d != nil { // otherwise it was a reader or a writer of a store that is garbage
			d.gone()
		}
		return
	}
	Call(d.host, func(stop context.Context) { r.Count, r.Status = d.serve(stop, r) }, func() { r.Status = ffi.StreamStop })
}

// serve answers a request of the guest.
func (d *Descriptor) serve(ctx context.Context, r *ffi.StreamRequest) (uint64, ffi.StreamStatus) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.panics.Raise()
	return d.by.serveLocked(ctx, r)
}

// gone hears that the guest has closed its descriptor.
func (d *Descriptor) gone() {
	b := d.leave()
	if b == nil {
		return
	}
	b.settle()
	if value, panicked := b.Panicked(); panicked {
		d.host.Panicked(value)
	}
}

// leave lets go of one use, and of what nobody uses any more. It returns what has to be waited for, which may be nil.
func (d *Descriptor) leave() *Behind {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.uses--; d.uses > 0 {
		return nil
	}
	d.closed = true
	if st, ok := d.by.(*Stream); ok && st.conn == nil && !st.inUseLocked() {
		st.pipes.forget(st)
		return nil
	}
	b := d.host.Behind()
	d.by.goneLocked(b)
	return b
}

// waitLocked waits for a goroutine to be done, and tells whether the guest may go on. It lets go of the lock meanwhile.
func (d *Descriptor) waitLocked(ctx context.Context) bool {
	changed := d.nextChangeLocked()
	d.mu.Unlock()
	defer d.mu.Lock()
	if !canStop(ctx) {
		<-changed
		return true
	}
	select {
	case <-changed:
		return true
	case <-ctx.Done():
		return false
	}
}

// nextChangeLocked is closed when a goroutine is done the next time.
func (d *Descriptor) nextChangeLocked() <-chan struct{} {
	if d.changed == nil {
		d.changed = make(chan struct{})
	}
	return d.changed
}

// doneLocked ends a goroutine, and says so. panicked is what it panicked with, if it did.
func (d *Descriptor) doneLocked(panicked any) {
	if panicked != nil {
		d.panics.Keep(panicked)
	}
	if d.changed != nil {
		close(d.changed)
		d.changed = nil
	}
	if !d.closed {
		d.host.Wake()
	}
}

// IsSocket tells whether a connection is just a socket of the host, and not one that Go has to serve. A type that
// embeds one may read and write otherwise.
func IsSocket(c net.Conn) bool {
	switch c.(type) {
	case *net.TCPConn, *net.UnixConn, *net.UDPConn, *net.IPConn:
		return true
	}
	return false
}

// IsListeningSocket is [IsSocket] for listeners. A type that embeds one may accept otherwise, and make something of
// what it accepts.
func IsListeningSocket(l net.Listener) bool {
	switch l.(type) {
	case *net.TCPListener, *net.UnixListener:
		return true
	}
	return false
}

// IsNil tells whether there is nothing in x, or a nil pointer.
func IsNil(x any) bool {
	v := reflect.ValueOf(x)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

// WithDescriptor runs f while the descriptor, or handle on Windows, of something open is held. It does not change its
// blocking mode, as os.File.Fd would. name is what an error names; something closed is an error.
func WithDescriptor(name string, open syscall.Conn, f func(fd uintptr)) error {
	conn, err := open.SyscallConn()
	if err == nil {
		err = conn.Control(f)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
