package wasmtime

import (
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"unicode/utf8"

	"github.com/gowasmtime/wasmtime/internal/served"
)

// firstPushed is the lowest number that something pushed can have: after the standard streams.
const firstPushed = 3

// wasiPushed is what a configuration has been pushed: a descriptor of each store that is given it.
type wasiPushed struct {
	fd uint32
	// insert gives it to a store.
	insert func(d descriptors, to place) (uint32, error)
	// check finds out beforehand whether that cannot be; nil if it always can.
	check func() error
	// owned is what Go serves and one store can have; nil for what every store can. The configuration closes it if no
	// store has got it.
	owned io.Closer
	// gone says that a store has got it.
	gone atomic.Bool
}

// PushFile makes an open file of the host a descriptor of the guest, as [Store.PushFile] does, of every store that is
// given the configuration. It returns the descriptor's number, so that arguments and environment can say it.
//
// The numbers follow those of the directories of [WasiConfig.PreopenDir] and [WasiConfig.PreopenFS], which have to be
// there before: afterwards, these return an error that wraps [ErrTooLate]. The first one is 3 if there are none.
//
// The configuration does not duplicate the file, the stores do: f has to be open when a store is given the
// configuration, and may be closed afterwards. It stays the program's in any case, also after an error. An error that
// is known now wraps [ErrBadFile], [ErrBadAccessMode] or [ErrTooLate], and the configuration stays as it was; one that
// only the store finds is an error of [Store.ConfigureWasi].
func (c *WasiConfig) PushFile(f *os.File, mode WasiFileAccessMode) (uint32, error) {
	if mode < READ_ONLY || mode > READ_WRITE {
		return 0, errorf(ErrBadAccessMode, "%d is %v", mode, ErrBadAccessMode)
	}
	return c.pushOpen(f, func(d descriptors, to place) (uint32, error) { return d.file(to, f, mode) })
}

// PushDir makes an open directory of the host a descriptor of the guest, as [Store.PushDir] does. Everything else is as
// with [WasiConfig.PushFile].
//
// With a guestPath, the guest finds it among its preopened directories if nothing but directories has a lower number.
func (c *WasiConfig) PushDir(dir *os.File, guestPath string, mode WasiFileAccessMode) (uint32, error) {
	if mode != READ_ONLY && mode != READ_WRITE {
		return 0, errorf(ErrBadAccessMode, "%d is %v of a directory", mode, ErrBadAccessMode)
	}
	if err := checkGuestPath(guestPath); err != nil {
		return 0, err
	}
	if dir != nil {
		if info, err := dir.Stat(); err == nil && !info.IsDir() {
			return 0, errorf(ErrBadFile, "%s: %v", dir.Name(), errNotDirectory)
		}
	}
	return c.pushOpen(dir, func(d descriptors, to place) (uint32, error) { return d.dir(to, dir, guestPath, mode) })
}

// PushFS makes a file system of Go's a descriptor of the guest, as [Store.PushFS] does. The number is as with
// [WasiConfig.PushFile]. Several stores use it at once, if they are used at once. The root is looked at now; an error
// wraps [ErrBadFile] and what the file system says, or [ErrTooLate].
func (c *WasiConfig) PushFS(fsys fs.FS, guestPath string) (uint32, error) {
	if err := checkGuestPath(guestPath); err != nil {
		return 0, err
	}
	if err := checkFS(fsys); err != nil {
		return 0, err
	}
	return c.push(&wasiPushed{
		insert: func(d descriptors, to place) (uint32, error) { return d.fileSystem(to, fsys, guestPath) },
	})
}

// PushConn makes a connection of the host a descriptor of the guest, as [Store.PushConn] does. The number is as with
// [WasiConfig.PushFile], and so is everything else for a connection that is one of package net's sockets.
//
// Any other one is served by Go and given away, unless there is an error: to the configuration, and with it to the
// first store, which closes it as Store.PushConn says. Giving the configuration to a second store is an error that
// wraps [ErrClosed]. If no store has got it, [WasiConfig.Close] closes it.
func (c *WasiConfig) PushConn(conn net.Conn) (uint32, error) {
	insert := func(d descriptors, to place) (uint32, error) { return d.conn(to, conn) }
	switch {
	case served.IsNil(conn):
		return 0, errorf(ErrBadFile, "the connection is nil: %v", ErrBadFile)
	case served.IsSocket(conn):
		return c.pushOpen(conn.(syscall.Conn), insert)
	}
	return c.push(&wasiPushed{insert: insert, owned: conn})
}

// PushListener makes a listener of the host a descriptor of the guest, as [Store.PushListener] does. Everything else is
// as with [WasiConfig.PushConn].
func (c *WasiConfig) PushListener(l net.Listener) (uint32, error) {
	insert := func(d descriptors, to place) (uint32, error) { return d.listener(to, l) }
	switch {
	case served.IsNil(l):
		return 0, errorf(ErrBadFile, "the listener is nil: %v", ErrBadFile)
	case served.IsListeningSocket(l):
		return c.pushOpen(l.(syscall.Conn), insert)
	}
	return c.push(&wasiPushed{insert: insert, owned: l})
}

// PushReader makes a reader a descriptor of the guest, as [Store.PushReader] does, of every store that is given the
// configuration: a reader that several stores use at once has to be safe for that. It is never closed. For an
// [*os.File], and for the number, everything is as with [WasiConfig.PushFile].
func (c *WasiConfig) PushReader(r io.Reader) (uint32, error) {
	return c.pushStream(r, func(d descriptors, to place) (uint32, error) { return d.reader(to, r) })
}

// PushWriter makes a writer a descriptor of the guest, as [Store.PushWriter] does. Everything else is as with
// [WasiConfig.PushReader].
func (c *WasiConfig) PushWriter(w io.Writer) (uint32, error) {
	return c.pushStream(w, func(d descriptors, to place) (uint32, error) { return d.writer(to, w) })
}

func (c *WasiConfig) pushStream(stream any, insert func(descriptors, place) (uint32, error)) (uint32, error) {
	if f, ok := stream.(*os.File); ok {
		return c.pushOpen(f, insert)
	}
	if served.IsNil(stream) {
		return 0, errorf(ErrBadFile, "the reader or the writer is nil: %v", ErrBadFile)
	}
	return c.push(&wasiPushed{insert: insert})
}

// pushOpen pushes what has a descriptor of the host, which has to be open.
func (c *WasiConfig) pushOpen(open syscall.Conn, insert func(descriptors, place) (uint32, error)) (uint32, error) {
	name := fmt.Sprintf("%T", open)
	if f, ok := open.(*os.File); ok {
		if f == nil {
			return 0, errNilFile
		}
		name = f.Name()
	}
	check := func() error { return withDescriptor(name, open, func(uintptr) {}) }
	if err := check(); err != nil {
		return 0, err
	}
	return c.push(&wasiPushed{insert: insert, check: check})
}

// push adds something to what the stores get, and returns its number.
func (c *WasiConfig) push(p *wasiPushed) (uint32, error) {
	spec, err := c.change()
	if err != nil {
		return 0, err
	}
	p.fd = uint32(firstPushed + len(spec.Preopens) + len(c.fileSystems) + len(c.pushed))
	c.pushed = append(c.pushed, p)
	return p.fd, nil
}

// checkPushed finds out whether a store can be given what was pushed.
func (c *WasiConfig) checkPushed() error {
	for _, p := range c.pushed {
		switch {
		case p.owned != nil && p.gone.Load():
			return errorf(ErrClosed, "descriptor %d has been given to another store: a %T serves one", p.fd, p.owned)
		case p.check != nil:
			if err := p.check(); err != nil {
				return errorf(err, "descriptor %d: %v", p.fd, err)
			}
		}
	}
	return nil
}

// closePushed closes what no store has got.
func (c *WasiConfig) closePushed() {
	var owned []io.Closer
	for _, p := range c.pushed {
		if p.owned != nil && !p.gone.Swap(true) {
			owned = append(owned, p.owned)
		}
	}
	closeAll(owned)
}

// closeAll closes everything, even if closing panics.
func closeAll(all []io.Closer) {
	if len(all) > 0 {
		defer closeAll(all[1:])
		all[0].Close()
	}
}

// receive gives the store what a configuration has besides, whose other parts the store has already. If that fails, the
// store gets nothing at all, and what it was to own is closed.
func (store *Store) receive(fileSystems []fsPreopen, pushed []*wasiPushed) error {
	s := store.state
	s.lock.Identify() // they are inserted as by a program, which enters the store
	d := descriptors{store}
	var err error
	for _, p := range fileSystems {
		if _, err = d.mount(lowestFree, p.fsys, &p.guestPath); err != nil {
			break
		}
	}
	received := 0
	for ; err == nil && received < len(pushed); received++ {
		p := pushed[received]
		if _, failed := p.insert(d, at(p.fd)); failed != nil {
			err = errorf(failed, "descriptor %d: %v", p.fd, failed)
			break
		}
	}
	if err == nil {
		return nil
	}
	var owned []io.Closer
	for _, p := range pushed[received:] {
		if p.owned != nil {
			owned = append(owned, p.owned)
		}
	}
	defer closeAll(owned)
	if undo := s.setWasi(NewWasiConfig()); undo != nil { // it closes what has been inserted
		return undo
	}
	s.raisePanic()
	return err
}

// checkGuestPath finds what cannot be the name of a directory for a guest.
func checkGuestPath(guestPath string) error {
	if !utf8.ValidString(guestPath) || strings.Contains(guestPath, "\x00") {
		return errorf(nil, "guest path %q: not UTF-8, or a zero byte", guestPath)
	}
	return nil
}
