package files_test

import (
	"fmt"
	"os"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// Each operation on a regular file in each mode. The host's file can do everything.
func TestAccessModeOfRegularFile(t *testing.T) {
	modes := []WasiFileAccessMode{READ_ONLY, WRITE_ONLY, READ_WRITE}
	const ok, badf = ErrnoSuccess, ErrnoBadf
	operations := []struct {
		name string
		run  func(g *WasiGuest) Errno
		want [3]Errno // for READ_ONLY, WRITE_ONLY, READ_WRITE
	}{
		{"fd_read", func(g *WasiGuest) Errno { _, e := g.Read(5, 1); return e }, [3]Errno{ok, badf, ok}},
		{"fd_pread", func(g *WasiGuest) Errno { _, e := g.Pread(5, 1, 0); return e }, [3]Errno{ok, badf, ok}},
		{"fd_read of nothing", func(g *WasiGuest) Errno { _, e := g.Read(5, 0); return e }, [3]Errno{ok, badf, ok}},
		{"fd_write", func(g *WasiGuest) Errno { _, e := g.Write(5, "!"); return e }, [3]Errno{badf, ok, ok}},
		{"fd_pwrite", func(g *WasiGuest) Errno { _, e := g.Pwrite(5, "!", 0); return e }, [3]Errno{badf, ok, ok}},
		{"fd_write of nothing", func(g *WasiGuest) Errno { _, e := g.Write(5, ""); return e }, [3]Errno{badf, ok, ok}},
		{"fd_allocate", func(g *WasiGuest) Errno { return g.Call("fd_allocate", 5, 0, 100) }, [3]Errno{badf, ok, ok}},
		{"fd_filestat_set_size", func(g *WasiGuest) Errno { return g.Call("fd_filestat_set_size", 5, 1) }, [3]Errno{ErrnoInval, ok, ok}},
		{"fd_filestat_set_times", func(g *WasiGuest) Errno { return g.Call("fd_filestat_set_times", 5, 0, 0, 5) }, [3]Errno{ErrnoPerm, ok, ok}},
		{"fd_seek", func(g *WasiGuest) Errno { _, e := g.Seek(5, 1, 0); return e }, [3]Errno{ok, ok, ok}},
		{"fd_tell", func(g *WasiGuest) Errno { _, e := g.Tell(5); return e }, [3]Errno{ok, ok, ok}},
		{"fd_filestat_get", func(g *WasiGuest) Errno { _, e := g.Filestat(5); return e }, [3]Errno{ok, ok, ok}},
		{"fd_fdstat_get", func(g *WasiGuest) Errno { _, e := g.Fdstat(5); return e }, [3]Errno{ok, ok, ok}},
		{"fd_advise", func(g *WasiGuest) Errno { return g.Call("fd_advise", 5, 0, 0, 0) }, [3]Errno{ok, ok, ok}},
		{"fd_sync", func(g *WasiGuest) Errno { return g.Call("fd_sync", 5) }, [3]Errno{ok, ok, ok}},
		{"fd_datasync", func(g *WasiGuest) Errno { return g.Call("fd_datasync", 5) }, [3]Errno{ok, ok, ok}},
		{"fd_fdstat_set_flags", func(g *WasiGuest) Errno { return g.Call("fd_fdstat_set_flags", 5, FdflagAppend) }, [3]Errno{ok, ok, ok}},
	}
	g := NewWasiGuest(t, nil)
	for i, mode := range modes {
		for _, op := range operations {
			t.Run(fmt.Sprintf("%s/%d", op.name, mode), func(t *testing.T) {
				f := TempFile(t, "0123456789")
				before, err := f.Stat()
				if err != nil {
					t.Fatal(err)
				}
				Insert(t, g.Store, 5, f, mode)
				WantErrno(t, op.name, op.run(g), op.want[i])
				if op.want[i] == ok {
					return
				}
				after, err := f.Stat()
				if err != nil || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) || Content(t, f) != "0123456789" {
					t.Errorf("the refused operation changed the file")
				}
				if at, _ := f.Seek(0, 1); at != 0 {
					t.Errorf("the refused operation moved the position to %d", at)
				}
			})
		}
	}
}

func TestAccessModeInRights(t *testing.T) {
	g := NewWasiGuest(t, nil)
	f := TempFile(t, "")
	for mode, rights := range map[WasiFileAccessMode]uint64{READ_ONLY: RightRead, WRITE_ONLY: RightWrite, READ_WRITE: RightRead | RightWrite} {
		Insert(t, g.Store, 3, f, mode)
		stat, errno := g.Fdstat(3)
		Want(t, fmt.Sprintf("rights of mode %d", mode), stat.Rights&(RightRead|RightWrite), errno, rights)
	}
}

// The host's own access comes first: what it cannot do, the guest cannot either.
func TestAccessModeCannotWiden(t *testing.T) {
	g := NewWasiGuest(t, nil)
	path := TempFile(t, "content").Name()
	reading, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer reading.Close()
	writing, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer writing.Close()
	Insert(t, g.Store, 3, reading, READ_WRITE)
	Insert(t, g.Store, 4, writing, READ_WRITE)
	_, errno := g.Write(3, "x")
	WantErrno(t, "write to a file opened for reading", errno, ErrnoBadf)
	_, errno = g.Read(4, 1)
	WantErrno(t, "read from a file opened for writing", errno, ErrnoBadf)
	s, errno := g.Read(3, 20)
	Want(t, "read", s, errno, "content")
}

func TestAccessModeOfPipe(t *testing.T) {
	g := NewWasiGuest(t, nil)
	r, w := Pipe(t)
	Insert(t, g.Store, 3, r, WRITE_ONLY)
	Insert(t, g.Store, 4, w, READ_ONLY)
	if _, err := w.WriteString("data"); err != nil {
		t.Fatal(err)
	}
	_, errno := g.Read(3, 4)
	WantErrno(t, "read", errno, ErrnoBadf)
	_, errno = g.Write(4, "x")
	WantErrno(t, "write", errno, ErrnoBadf)
	_, errno = g.Write(3, "x")
	WantErrno(t, "write to the reading end", errno, ErrnoBadf)
	b := make([]byte, 10)
	if n, err := r.Read(b); err != nil || string(b[:n]) != "data" {
		t.Errorf("the host reads %q, %v", b[:n], err)
	}
}

// One file given twice has two access modes.
func TestAccessModeBelongsToDescriptor(t *testing.T) {
	g := NewWasiGuest(t, nil)
	f := TempFile(t, "abc")
	Insert(t, g.Store, 3, f, READ_ONLY)
	Insert(t, g.Store, 4, f, WRITE_ONLY)
	s, errno := g.Read(3, 1)
	Want(t, "read", s, errno, "a")
	n, errno := g.Write(4, "B")
	Want(t, "write", n, errno, 1)
	s, errno = g.Read(3, 1)
	Want(t, "read on", s, errno, "c")
	_, errno = g.Write(3, "x")
	WantErrno(t, "write", errno, ErrnoBadf)
}
