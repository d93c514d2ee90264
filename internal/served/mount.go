package served

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"sync/atomic"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/registry"
)

// mount is a file system of Go's that guests of a store have as a directory.
type mount struct {
	fsys fs.FS
	// writes is fsys if the guest may write; otherwise nil.
	writes *Writable
	// inMemory says that no call waits for anything.
	inMemory bool
	// links tells whether there may be symbolic links to follow.
	links bool
	// dev is its number for the guest.
	dev  uint64
	host Host
	// listings is where the listings of its directories count.
	listings *listings
	// turn holds something while the file system is being called: one call at a time, even when nobody waits for it
	// any more.
	turn chan struct{}
	// open are the directories and files that the guest has open and may change.
	open   openNodes
	panics Panics
}

// node is a directory or a file of a mount that a guest has open.
type node struct {
	mount *mount
	// path is its name for the file system. Once it has been opened, only whoever has the turn uses it.
	path string
	// removed says that it has no name any more.
	removed bool
	// file is nil for a directory.
	file *servedFile
	// listing is what a directory's guest goes on to read; nil as long as it has not begun.
	listing *listing
}

// nodes finds those that guests have open. The stores keep them.
var nodes registry.Registry[node]

// openFiles are closed when the guest's descriptors are gone, also when the garbage collector frees their store. So an
// open file that leads back to its store keeps it, until the store is closed or the guest has closed the file.
var openFiles leftovers[fs.File]

// servedDevs is where the device numbers of file systems begin, where the host has none.
const servedDevs = 1 << 32

// errStopped says that the guest has to stop.
var errStopped = errors.New("stopped")

// Mount makes fsys a file system of host, the n-th one, and returns the number by which C asks for its root.
func Mount(host Host, fsys fs.FS, n uint64) (number uint64) {
	shelf := host.Shelf()
	m := &mount{fsys: fsys, dev: servedDevs + n, host: host, listings: shelf.counted(), turn: make(chan struct{}, 1)}
	_, m.inMemory = fsys.(embed.FS)
	_, m.links = fsys.(fs.ReadLinkFS)
	if w, ok := fsys.(*Writable); ok {
		m.writes, m.links = w, w.links
	}
	return nodes.Add(&shelf.nodes, &node{mount: m, path: "."})
}

// Unmount takes Mount back. It is for a root whose number C has not got.
func Unmount(number uint64) { nodes.Remove(number) }

// OnFS serves every request of a guest to a file system.
func OnFS(r *ffi.FSRequest) {
	n := nodes.Get(r.Env)
	if r.What == ffi.FSGone {
		nodes.Remove(r.Env)
		file, ok := openFiles.take(r.Env)
		if n == nil { // garbage like its store, and so nobody is at work on it
			if ok {
				(*Behind)(nil).close(file)
			}
			return
		}
		n.forget()
		n.mount.open.remove(n)
		if b := n.mount.host.Behind(); b == nil || b.Together {
			n.closeLater(b)
			return
		}
	}
	Call(n.mount.host, func(stop context.Context) { n.serve(stop, r) }, func() { r.Status = ffi.FSStop })
}

// serve answers a request.
func (n *node) serve(ctx context.Context, r *ffi.FSRequest) {
	switch err := n.answer(ctx, r); {
	case err == nil:
		r.Status = ffi.FSDone
	case err == errStopped:
		r.Status = ffi.FSStop
	default:
		r.Status, r.Count = ffi.FSFailed, errnoOf(err)
	}
}

func (n *node) answer(ctx context.Context, r *ffi.FSRequest) (err error) {
	if n.mount.inMemory {
		ctx = nil
	}
	if r.What == ffi.FSGone {
		return n.gone(ctx)
	}
	n.mount.panics.Raise()
	switch r.What {
	case ffi.FSOpen:
		return n.serveOpen(ctx, r.Path(), r)
	case ffi.FSPathStat:
		path, follow := r.Path(), r.Flags&ffi.FSFollow != 0
		r.Stat, err = call(ctx, n.mount, func() (ffi.FSStat, error) { return n.statPath(path, follow) })
	case ffi.FSReadLink:
		path, target := r.Path(), ""
		target, err = call(ctx, n.mount, func() (string, error) { return n.readLink(path) })
		r.Count = uint64(copy(r.Buffer(), target))
	case ffi.FSReadDir:
		r.Count, err = n.readDir(ctx, r.Buffer(), r.Number)
	case ffi.FSRead:
		r.Count, err = n.file.read(ctx, r.Buffer(), r.Flags&ffi.FSGoesOn != 0)
	case ffi.FSPread:
		r.Count, err = n.file.pread(ctx, r.Buffer(), int64(r.Number), r.Flags&ffi.FSGoesOn != 0)
	case ffi.FSSeek:
		r.Count, err = n.file.seek(ctx, int64(r.Number), r.Flags)
	case ffi.FSFileStat:
		r.Stat, err = call(ctx, n.mount, n.stat)
		if n.file != nil {
			r.Count = uint64(n.file.pos)
		}
	default:
		err = n.answerChange(ctx, r)
	}
	return err
}

// do calls the file system when it is its turn.
func (m *mount) do(ctx context.Context, f func() error) error {
	if err := m.take(ctx); err != nil {
		return err
	}
	return m.run(ctx, f, nil)
}

// gone closes what the guest has no descriptor of any more.
func (n *node) gone(ctx context.Context) error {
	if n.file == nil {
		return nil
	}
	select {
	case n.mount.turn <- struct{}{}:
		return n.mount.run(ctx, n.file.close, nil)
	default: // a call for which nobody waits is still at work
		n.closeLater(nil)
		return nil
	}
}

// closeLater closes what the guest has no descriptor of any more, when it is its turn.
func (n *node) closeLater(b *Behind) {
	if n.file == nil {
		return
	}
	b.begin()
	b.finish(func() {
		n.mount.turn <- struct{}{}
		defer n.mount.release()
		if err := n.file.close(); err != nil && n.file.writes {
			b.fail(err)
		}
	})
}

// call calls the file system when it is its turn, and returns what came of it.
func call[T any](ctx context.Context, m *mount, f func() (T, error)) (result T, err error) {
	if err := m.take(ctx); err != nil {
		return result, err
	}
	var late T // what f writes to when nobody waits any more
	err = m.run(ctx, func() (err error) { late, err = f(); return err }, nil)
	if err == nil {
		result = late
	}
	return result, err
}

// take waits for the turn.
func (m *mount) take(ctx context.Context) error {
	if !canStop(ctx) {
		m.turn <- struct{}{}
		return nil
	}
	select {
	case m.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return errStopped
	}
}

// release ends the turn.
func (m *mount) release() { <-m.turn }

// run calls the file system for the goroutine that has the turn, which it ends. If the guest has to stop meanwhile,
// the call goes on without it; undo then takes back what came of it, and what f has written must not be read.
func (m *mount) run(ctx context.Context, f func() error, undo func()) error {
	if !canStop(ctx) {
		defer m.release()
		return f()
	}
	c := &fsCall{done: make(chan struct{})}
	go c.run(m, f, undo)
	select {
	case <-c.done:
	case <-ctx.Done():
		if c.settled.CompareAndSwap(false, true) {
			return errStopped
		}
		<-c.done
	}
	if c.panicked != nil {
		panic(c.panicked)
	}
	return c.err
}

// fsCall is a call of a file system by a goroutine.
type fsCall struct {
	// settled is set by the first of the two: the call when it returns, and the guest when it stops waiting.
	settled  atomic.Bool
	done     chan struct{}
	err      error
	panicked any
}

func (c *fsCall) run(m *mount, f func() error, undo func()) {
	c.err = errGoexit
	defer func() {
		c.panicked = recover()
		abandoned := !c.settled.CompareAndSwap(false, true)
		switch {
		case abandoned && c.panicked != nil:
			m.panics.Keep(c.panicked)
		case abandoned && c.err == nil && undo != nil:
			m.panics.Guard(undo)
		}
		m.release()
		close(c.done)
	}()
	c.err = f()
}
