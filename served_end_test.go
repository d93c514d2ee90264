package wasmtime_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net"
	"testing"
	"testing/fstest"
	"time"

	. "github.com/gowasmtime/wasmtime"
)

// gatedWriter lets writes through when its gate is open.
type gatedWriter struct {
	bytes.Buffer
	gate chan struct{}
}

func (w *gatedWriter) Write(p []byte) (int, error) {
	<-w.gate
	return w.Buffer.Write(p)
}

// What a guest writes without waiting, as a Go program does, is all with the writer when the call returns.
func TestWriterHasAllWhenTheCallReturns(t *testing.T) {
	for name, call := range map[string]func(t *testing.T, g *wasiGuest) wasiErrno{
		"Call": func(t *testing.T, g *wasiGuest) wasiErrno {
			return g.call("fd_write", 3, guestIovec, 1, guestResult)
		},
		"Bind4": func(t *testing.T, g *wasiGuest) wasiErrno {
			write, err := Bind4[int32, int32, int32, int32, int32](g.store, g.instance.GetFunc(g.store, "fd_write"))
			check(t, err)
			errno, err := write.Call(3, guestIovec, 1, guestResult)
			check(t, err)
			return wasiErrno(errno)
		},
		"BindRaw": func(t *testing.T, g *wasiGuest) wasiErrno {
			write, err := BindRaw(g.store, g.instance.GetFunc(g.store, "fd_write"))
			check(t, err)
			stack := []Raw{RawI32(3), RawI32(guestIovec), RawI32(1), RawI32(guestResult)}
			check(t, write.Call(stack))
			return wasiErrno(stack[0].I32())
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newWasiGuest(t, nil)
			w := &gatedWriter{gate: make(chan struct{})}
			check(t, g.store.InsertWriter(3, w))
			wantErrno(t, "set flags", g.setFlags(3, fdflagNonblock), errnoSuccess)
			g.mem.Write(guestBuffer, []byte("all of it"))
			g.iovec(9)
			time.AfterFunc(20*time.Millisecond, func() { close(w.gate) })
			wantErrno(t, "write", call(t, g), errnoSuccess)
			equal(t, "written", w.String(), "all of it")
		})
	}
}

// Writers that are stuck, however many, do not hold the call for long, nor the store.
func TestStuckWritersAreLeft(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes the five seconds that writers have")
	}
	g := newWasiGuest(t, nil)
	w := &gatedWriter{gate: make(chan struct{})}
	defer close(w.gate)
	for _, fd := range []uint32{3, 4} {
		check(t, g.store.InsertWriter(fd, &gatedWriter{gate: w.gate}))
		wantErrno(t, "set flags", g.setFlags(fd, fdflagNonblock), errnoSuccess)
	}
	linker := NewLinker(g.store.Engine)
	defer linker.Close()
	check(t, linker.DefineWasi())
	both, err := linker.Instantiate(g.store, compile(t, g.store.Engine, `(module
	  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
	  (memory (export "memory") 1)
	  (data (i32.const 0) "\40\00\00\00\04\00\00\00")
	  (func (export "both") (result i32)
	    (i32.add (call $write (i32.const 3) (i32.const 0) (i32.const 1) (i32.const 8))
	      (call $write (i32.const 4) (i32.const 0) (i32.const 1) (i32.const 8)))))`))
	check(t, err)
	equal(t, "errors", call(t, g.store, both, "both").(int32), 0)
}

// closeTold tells when it is closed.
type closeTold struct {
	net.Listener
	closed bool
}

func (l *closeTold) Close() error {
	err := l.Listener.Close()
	l.closed = true
	return err
}

// connTold is closeTold for a connection.
type connTold struct {
	net.Conn
	closed bool
}

func (c *connTold) Close() error {
	err := c.Conn.Close()
	c.closed = true
	return err
}

// What is given away is closed when the store is.
func TestStoreCloseClosesWhatItServes(t *testing.T) {
	g := newWasiGuest(t, nil)
	l := &closeTold{Listener: newMemoryListener()}
	its, mine := net.Pipe()
	defer mine.Close()
	c := &connTold{Conn: its}
	check(t, g.store.InsertListener(3, l))
	check(t, g.store.InsertConn(4, c))
	g.store.Close()
	equal(t, "listener closed", l.closed, true)
	equal(t, "connection closed", c.closed, true)
}

// partsFS has a file, of ten bytes as it says, that is read by what the function says.
type partsFS struct{ read func(p []byte) (int, error) }

func (f partsFS) Open(name string) (fs.File, error) {
	file, err := fstest.MapFS{"file": {Data: make([]byte, 10)}}.Open(name)
	if err != nil || name == "." {
		return file, err
	}
	return partsFile{file, f}, nil
}

type partsFile struct {
	fs.File
	in partsFS
}

func (f partsFile) Read(p []byte) (int, error) { return f.in.read(p) }

var errDisk = errors.New("the disk is gone")

// An error that comes with data is met after the data, and once more if it stays.
func TestFSErrorAfterData(t *testing.T) {
	cancellable := newCancellableGuest(t)
	cancellable.ctx = t.Context()
	for _, g := range []*wasiGuest{newWasiGuest(t, nil), cancellable} {
		reads := 0
		_, fd := pushFS(t, g, partsFS{func(p []byte) (int, error) {
			switch reads++; reads {
			case 1:
				return copy(p, "par"), errDisk
			case 2:
				return copy(p, "AFTER"), nil
			}
			return 0, io.EOF
		}}, "file")
		s, errno := g.read(fd, 10)
		want(t, "before the error", s, errno, "par")
		_, errno = g.read(fd, 10)
		wantErrno(t, "the error", errno, errnoIo)
		s, errno = g.read(fd, 10)
		want(t, "after it", s, errno, "AFTER")
	}
}

// A guest gets what it asks for as soon as it is there, also where reading goes ahead of it.
func TestFSReadsAsMuchAsIsAsked(t *testing.T) {
	cancellable := newCancellableGuest(t)
	cancellable.ctx = t.Context()
	for _, g := range []*wasiGuest{newWasiGuest(t, nil), cancellable} {
		reads, stuck := 0, make(chan struct{})
		_, fd := pushFS(t, g, partsFS{func(p []byte) (int, error) {
			if reads++; reads > 5 {
				<-stuck
			}
			return copy(p, "x"), nil
		}}, "file")
		s, errno := g.read(fd, 5)
		want(t, "read", s, errno, "xxxxx")
		close(stuck)
	}
}

func TestConfigureWasiWithNothing(t *testing.T) {
	store := NewStore(NewEngine())
	defer store.Close()
	if err := store.ConfigureWasi(nil); err == nil {
		t.Error("no error")
	}
}
