package wasmtime_test

import (
	"fmt"
	"os"
	"testing"

	. "github.com/gowasmtime/wasmtime"
)

// Each operation on a regular file in each mode. The host's file can do everything.
func TestAccessModeOfRegularFile(t *testing.T) {
	modes := []WasiFileAccessMode{READ_ONLY, WRITE_ONLY, READ_WRITE}
	const ok, badf = errnoSuccess, errnoBadf
	operations := []struct {
		name string
		run  func(g *wasiGuest) wasiErrno
		want [3]wasiErrno // for READ_ONLY, WRITE_ONLY, READ_WRITE
	}{
		{"fd_read", func(g *wasiGuest) wasiErrno { _, e := g.read(5, 1); return e }, [3]wasiErrno{ok, badf, ok}},
		{"fd_pread", func(g *wasiGuest) wasiErrno { _, e := g.pread(5, 1, 0); return e }, [3]wasiErrno{ok, badf, ok}},
		{"fd_read of nothing", func(g *wasiGuest) wasiErrno { _, e := g.read(5, 0); return e }, [3]wasiErrno{ok, badf, ok}},
		{"fd_write", func(g *wasiGuest) wasiErrno { _, e := g.write(5, "!"); return e }, [3]wasiErrno{badf, ok, ok}},
		{"fd_pwrite", func(g *wasiGuest) wasiErrno { _, e := g.pwrite(5, "!", 0); return e }, [3]wasiErrno{badf, ok, ok}},
		{"fd_write of nothing", func(g *wasiGuest) wasiErrno { _, e := g.write(5, ""); return e }, [3]wasiErrno{badf, ok, ok}},
		{"fd_allocate", func(g *wasiGuest) wasiErrno { return g.call("fd_allocate", 5, 0, 100) }, [3]wasiErrno{badf, ok, ok}},
		{"fd_filestat_set_size", func(g *wasiGuest) wasiErrno { return g.call("fd_filestat_set_size", 5, 1) }, [3]wasiErrno{errnoInval, ok, ok}},
		{"fd_filestat_set_times", func(g *wasiGuest) wasiErrno { return g.call("fd_filestat_set_times", 5, 0, 0, 5) }, [3]wasiErrno{errnoPerm, ok, ok}},
		{"fd_seek", func(g *wasiGuest) wasiErrno { _, e := g.seek(5, 1, 0); return e }, [3]wasiErrno{ok, ok, ok}},
		{"fd_tell", func(g *wasiGuest) wasiErrno { _, e := g.tell(5); return e }, [3]wasiErrno{ok, ok, ok}},
		{"fd_filestat_get", func(g *wasiGuest) wasiErrno { _, e := g.filestat(5); return e }, [3]wasiErrno{ok, ok, ok}},
		{"fd_fdstat_get", func(g *wasiGuest) wasiErrno { _, e := g.fdstat(5); return e }, [3]wasiErrno{ok, ok, ok}},
		{"fd_advise", func(g *wasiGuest) wasiErrno { return g.call("fd_advise", 5, 0, 0, 0) }, [3]wasiErrno{ok, ok, ok}},
		{"fd_sync", func(g *wasiGuest) wasiErrno { return g.call("fd_sync", 5) }, [3]wasiErrno{ok, ok, ok}},
		{"fd_datasync", func(g *wasiGuest) wasiErrno { return g.call("fd_datasync", 5) }, [3]wasiErrno{ok, ok, ok}},
		{"fd_fdstat_set_flags", func(g *wasiGuest) wasiErrno { return g.call("fd_fdstat_set_flags", 5, fdflagAppend) }, [3]wasiErrno{ok, ok, ok}},
	}
	g := newWasiGuest(t, nil)
	for i, mode := range modes {
		for _, op := range operations {
			t.Run(fmt.Sprintf("%s/%d", op.name, mode), func(t *testing.T) {
				f := tempFile(t, "0123456789")
				before, err := f.Stat()
				if err != nil {
					t.Fatal(err)
				}
				insert(t, g.store, 5, f, mode)
				wantErrno(t, op.name, op.run(g), op.want[i])
				if op.want[i] == ok {
					return
				}
				after, err := f.Stat()
				if err != nil || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) || content(t, f) != "0123456789" {
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
	g := newWasiGuest(t, nil)
	f := tempFile(t, "")
	for mode, rights := range map[WasiFileAccessMode]uint64{READ_ONLY: rightRead, WRITE_ONLY: rightWrite, READ_WRITE: rightRead | rightWrite} {
		insert(t, g.store, 3, f, mode)
		stat, errno := g.fdstat(3)
		want(t, fmt.Sprintf("rights of mode %d", mode), stat.rights&(rightRead|rightWrite), errno, rights)
	}
}

// The host's own access comes first: what it cannot do, the guest cannot either.
func TestAccessModeCannotWiden(t *testing.T) {
	g := newWasiGuest(t, nil)
	path := tempFile(t, "content").Name()
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
	insert(t, g.store, 3, reading, READ_WRITE)
	insert(t, g.store, 4, writing, READ_WRITE)
	_, errno := g.write(3, "x")
	wantErrno(t, "write to a file opened for reading", errno, errnoBadf)
	_, errno = g.read(4, 1)
	wantErrno(t, "read from a file opened for writing", errno, errnoBadf)
	s, errno := g.read(3, 20)
	want(t, "read", s, errno, "content")
}

func TestAccessModeOfPipe(t *testing.T) {
	g := newWasiGuest(t, nil)
	r, w := pipe(t)
	insert(t, g.store, 3, r, WRITE_ONLY)
	insert(t, g.store, 4, w, READ_ONLY)
	if _, err := w.WriteString("data"); err != nil {
		t.Fatal(err)
	}
	_, errno := g.read(3, 4)
	wantErrno(t, "read", errno, errnoBadf)
	_, errno = g.write(4, "x")
	wantErrno(t, "write", errno, errnoBadf)
	_, errno = g.write(3, "x")
	wantErrno(t, "write to the reading end", errno, errnoBadf)
	b := make([]byte, 10)
	if n, err := r.Read(b); err != nil || string(b[:n]) != "data" {
		t.Errorf("the host reads %q, %v", b[:n], err)
	}
}

// One file given twice has two access modes.
func TestAccessModeBelongsToDescriptor(t *testing.T) {
	g := newWasiGuest(t, nil)
	f := tempFile(t, "abc")
	insert(t, g.store, 3, f, READ_ONLY)
	insert(t, g.store, 4, f, WRITE_ONLY)
	s, errno := g.read(3, 1)
	want(t, "read", s, errno, "a")
	n, errno := g.write(4, "B")
	want(t, "write", n, errno, 1)
	s, errno = g.read(3, 1)
	want(t, "read on", s, errno, "c")
	_, errno = g.write(3, "x")
	wantErrno(t, "write", errno, errnoBadf)
}
