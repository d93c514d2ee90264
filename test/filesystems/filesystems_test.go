package filesystems_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

func TestInsertFSNames(t *testing.T) {
	g := NewWasiGuest(t, nil)
	fsys := probeTree.mapFS()
	fd, err := g.Store.PushFS(fsys, "/first")
	Check(t, err)
	Equal(t, "pushed to", fd, 3)
	Check(t, g.Store.InsertFS(4, fsys, "Ünï/code"))
	Check(t, g.Store.InsertFS(5, fsys, ""))
	Check(t, g.Store.InsertFS(6, fsys, "/behind one without a name"))
	Equal(t, "preopened", g.Preopens(), "/first Ünï/code")
	WantErrno(t, "too short a buffer", g.Call("fd_prestat_dir_name", 4, GuestBuffer, 3), ErrnoNametoolong)
	WantErrno(t, "the name of one without", g.Call("fd_prestat_dir_name", 5, GuestBuffer, 100), ErrnoNotdir)
	WantErrno(t, "renumber", g.Call("fd_renumber", 6, 3), ErrnoSuccess)
	Equal(t, "preopened", g.Preopens(), "/behind one without a name Ünï/code")
	Check(t, g.Store.RemoveFile(3))
	Equal(t, "preopened", g.Preopens(), "")
}

func TestInsertFSErrors(t *testing.T) {
	g := NewWasiGuest(t, nil)
	Insert(t, g.Store, 3, TempFile(t, "kept"), READ_ONLY)
	good := probeTree.mapFS()
	for _, c := range []struct {
		name  string
		fd    uint32
		fsys  fs.FS
		path  string
		cause error
		text  string
		push  bool
	}{
		{"nil", 3, nil, "", ErrBadFile, "nil", true},
		{"a nil pointer", 3, (*hookedFS)(nil), "", ErrBadFile, "nil", true},
		{"missing", 3, os.DirFS(TempDir(t) + "/missing"), "", ErrBadFile, "the root of the file system", true},
		{"missing, as the file system says it", 3, os.DirFS(TempDir(t) + "/missing"), "", fs.ErrNotExist, "the root of the file system", true},
		{"a file", 3, fileFS{good}, "", ErrBadFile, "not a directory", true},
		{"number", 1 << 20, good, "", ErrBadFd, "1048576", false},
		{"not UTF-8", 3, good, "\xff", nil, "UTF-8", true},
		{"a zero", 3, good, "a\x00b", nil, "zero byte", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			errs := []error{g.Store.InsertFS(c.fd, c.fsys, c.path)}
			if c.push {
				fd, err := g.Store.PushFS(c.fsys, c.path)
				Equal(t, "a number beside an error", fd, 0)
				errs = append(errs, err)
			}
			WantAll(t, errs, c.cause, c.text)
			s, errno := g.Pread(3, 10, 0)
			Want(t, "read what was there", s, errno, "kept")
		})
	}
	engine := NewEngine()
	defer engine.Close()
	store := NewStore(engine)
	WantTyped(t, store.InsertFS(3, good, ""), ErrNoWasi, "WASI")
	store.Close()
	WantTyped(t, store.InsertFS(3, good, ""), ErrClosed, "closed")
	_, err := store.PushFS(good, "")
	WantTyped(t, err, ErrClosed, "closed")
}

// fileFS is a file system whose root is a file.
type fileFS struct{ fs.FS }

func (f fileFS) Open(string) (fs.File, error) { return f.FS.Open("file") }

func TestCallerInsertsFS(t *testing.T) {
	fsys := probeTree.mapFS()
	store, instance := CallerGuest(t, func(c *Caller) int32 {
		Check(t, c.InsertFS(100, fsys, "/"))
		fd, err := c.PushFS(fsys, "/")
		Check(t, err)
		Equal(t, "pushed to", fd, 3)
		return 3
	}, func(*Caller, int32) {})
	// The guest reads the descriptor as if it were a file's, and returns.
	result, err := instance.GetFunc(store, "run").Call(store)
	if err != nil || result != int32(-1) {
		t.Error(result, err)
	}
}

// withEachFS runs a test with every kind of file system, and with contexts that can and cannot be cancelled. All calls
// of the guest are made with the context.
func withEachFS(t *testing.T, tree served, test func(t *testing.T, g *WasiGuest, dir uint32)) {
	for name, fsys := range tree.all(t) {
		t.Run(name, func(t *testing.T) {
			g := NewWasiGuest(t, nil)
			dir, _ := pushFS(t, g, fsys, "")
			test(t, g, dir)
		})
		t.Run(name+", cancellable", func(t *testing.T) {
			g := NewCancellableGuest(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			g.Ctx = ctx
			dir, _ := pushFS(t, g, fsys, "")
			test(t, g, dir)
		})
	}
}

// The calls on the directory itself.
func TestFSDirectory(t *testing.T) {
	withEachFS(t, probeTree, func(t *testing.T, g *WasiGuest, fd uint32) {
		stat, errno := g.Filestat(fd)
		WantErrno(t, "filestat", errno, ErrnoSuccess)
		if stat.Filetype != FiletypeDirectory || stat.Inode == 0 || stat.Links != 1 {
			t.Errorf("filestat: %+v", stat)
		}
		fdstat, errno := g.Fdstat(fd)
		WantErrno(t, "fdstat", errno, ErrnoSuccess)
		if fdstat.Filetype != FiletypeDirectory || fdstat.Rights&RightReaddir == 0 || fdstat.Rights&RightSeek != 0 {
			t.Errorf("fdstat: %+v", fdstat)
		}
		WantErrno(t, "sync", g.Call("fd_sync", int(fd)), ErrnoSuccess)
		WantErrno(t, "datasync", g.Call("fd_datasync", int(fd)), ErrnoSuccess)
		WantErrno(t, "set times", g.Call("fd_filestat_set_times", int(fd), int64(5), int64(7), FstAtim|FstMtim), ErrnoPerm)
		WantErrno(t, "a time and now", g.Call("fd_filestat_set_times", int(fd), int64(0), int64(0), FstAtim|FstAtimNow), ErrnoInval)
		WantErrno(t, "set flags", g.Call("fd_fdstat_set_flags", int(fd), FdflagNonblock), ErrnoSuccess)
		WantErrno(t, "set flags", g.Call("fd_fdstat_set_flags", int(fd), FdflagSync), ErrnoInval)
		fdstat, errno = g.Fdstat(fd)
		Want(t, "flags", fdstat.Flags, errno, FdflagNonblock)
		WantErrno(t, "read", ErrnoOf(g.Read(fd, 1)), ErrnoIsdir)
		WantErrno(t, "pread", ErrnoOf(g.Pread(fd, 1, 0)), ErrnoIsdir)
		WantErrno(t, "write", ErrnoOf(g.Write(fd, "x")), ErrnoBadf)
		WantErrno(t, "pwrite", ErrnoOf(g.Pwrite(fd, "x", 0)), ErrnoBadf)
		WantErrno(t, "seek", ErrnoOf(g.Seek(fd, 0, 0)), ErrnoBadf)
		WantErrno(t, "tell", ErrnoOf(g.Tell(fd)), ErrnoBadf)
		WantErrno(t, "allocate", g.Call("fd_allocate", int(fd), int64(0), int64(1)), ErrnoBadf)
		WantErrno(t, "advise", g.Call("fd_advise", int(fd), int64(0), int64(1), 0), ErrnoBadf)
		WantErrno(t, "set size", g.Call("fd_filestat_set_size", int(fd), int64(0)), ErrnoInval)
		WantErrno(t, "accept", ErrnoOf(g.Accept(fd, 0)), ErrnoNotsock)
		kinds, _, _ := g.PollRead(fd, 0)
		Equal(t, "events", len(kinds), 1)

		WantErrno(t, "mkdir", g.Mkdir(fd, "new"), ErrnoPerm)
		WantErrno(t, "rmdir", g.Rmdir(fd, "empty"), ErrnoPerm)
		WantErrno(t, "unlink", g.Unlink(fd, "file"), ErrnoPerm)
		WantErrno(t, "rename", g.Rename(fd, "file", fd, "new"), ErrnoPerm)
		WantErrno(t, "link", g.Link(fd, 0, "file", fd, "new"), ErrnoPerm)
		WantErrno(t, "symlink", g.Symlink("file", fd, "new"), ErrnoPerm)
		WantErrno(t, "times", g.SetTimes(fd, 0, "file", 0, 0, FstMtim), ErrnoPerm)
		WantErrno(t, "a time and now", g.SetTimes(fd, 0, "file", 0, 0, FstAtim|FstAtimNow), ErrnoInval)
		Check(t, g.Store.InsertDir(20, OpenDir(t, TempDir(t)), "", READ_WRITE))
		WantErrno(t, "rename to the host", g.Rename(fd, "file", 20, "new"), Errno(75))
		WantErrno(t, "link from the host", g.Link(20, 0, "file", fd, "new"), Errno(75))

		WantErrno(t, "close", g.Close(fd), ErrnoSuccess)
		WantErrno(t, "after the close", ErrnoOf(g.Stat(fd, 0, "file")), ErrnoBadf)
	})
}

// Whatever files can do by themselves, a guest can seek and read at an offset.
func TestFSFile(t *testing.T) {
	content := largeTree.files["large"]
	withEachFS(t, largeTree, func(t *testing.T, g *WasiGuest, dir uint32) {
		fd, errno := g.PathOpen(dir, LookupFollow, "large", 0, RightRead, 0)
		WantErrno(t, "open", errno, ErrnoSuccess)
		at := 0
		for _, n := range []int{1, 100, 5000, 70_000, 1, 200_000} {
			s, errno := g.Read(fd, n)
			Want(t, fmt.Sprint("read ", n), s, errno, content[at:at+n])
			at += n
		}
		s, errno := g.Read(fd, 1<<20)
		Want(t, "the rest", s, errno, content[at:])
		s, errno = g.Read(fd, 10)
		Want(t, "at the end", s, errno, "")
		for _, c := range []struct {
			offset int64
			whence int
			at     int64
		}{
			{10, 0, 10}, {5, 1, 15}, {-15, 1, 0}, {-7, 2, int64(len(content)) - 7}, {300_000, 0, 300_000}, {100, 0, 100},
			{int64(len(content)) + 1000, 0, int64(len(content)) + 1000}, {0, 2, int64(len(content))}, {65_536, 0, 65_536}, {65_535, 0, 65_535},
		} {
			n, errno := g.Seek(fd, c.offset, c.whence)
			Want(t, fmt.Sprint("seek ", c), n, errno, c.at)
			n, errno = g.Tell(fd)
			Want(t, "tell", n, errno, c.at)
			s, errno := g.Read(fd, 9)
			from, to := min(c.at, int64(len(content))), min(c.at+9, int64(len(content)))
			Want(t, fmt.Sprint("read after seeking ", c), s, errno, content[from:to])
			_, errno = g.Seek(fd, c.at, 0)
			WantErrno(t, "seek back", errno, ErrnoSuccess)
		}
		for _, off := range []int64{350_000, 0, 1, 100_000, int64(len(content)) - 3, int64(len(content)), 1 << 40} {
			s, errno := g.Pread(fd, 20, off)
			Want(t, fmt.Sprint("pread at ", off), s, errno, content[min(off, int64(len(content))):min(off+20, int64(len(content)))])
		}
		_, errno = g.Pread(fd, 1, -1)
		WantErrno(t, "pread before the beginning", errno, ErrnoInval)
		WantErrno(t, "seek before the beginning", ErrnoOf(g.Seek(fd, -1, 0)), ErrnoInval)
		WantErrno(t, "seek far too far", ErrnoOf(g.Seek(fd, 1<<63-1, 1)), ErrnoInval)
		n, errno := g.Tell(fd)
		Want(t, "tell in the end", n, errno, 65_535)
		kinds, bytes, hangup := g.PollRead(fd, 0)
		if len(kinds) != 1 || bytes != uint64(len(content)-65_535) || hangup {
			t.Errorf("poll: %v, %d bytes, hang-up %v", kinds, bytes, hangup)
		}

		stat, errno := g.Filestat(fd)
		WantErrno(t, "stat", errno, ErrnoSuccess)
		found, errno := g.Stat(dir, 0, "large")
		Want(t, "stat of the path", found, errno, stat)
		if stat.Size != uint64(len(content)) || stat.Filetype != FiletypeRegular || stat.Mod != uint64(servedTime.UnixNano()) || stat.Access != stat.Mod {
			t.Errorf("stat: %+v", stat)
		}
		fdstat, errno := g.Fdstat(fd)
		WantErrno(t, "fdstat", errno, ErrnoSuccess)
		if fdstat.Rights&(RightRead|RightSeek) != RightRead|RightSeek || fdstat.Rights&(RightWrite|RightAllocate) != 0 {
			t.Errorf("rights %x", fdstat.Rights)
		}
		WantErrno(t, "write", ErrnoOf(g.Write(fd, "x")), ErrnoBadf)
		WantErrno(t, "pwrite", ErrnoOf(g.Pwrite(fd, "x", 0)), ErrnoBadf)
		WantErrno(t, "set size", g.Call("fd_filestat_set_size", int(fd), int64(0)), ErrnoInval)
		WantErrno(t, "allocate", g.Call("fd_allocate", int(fd), int64(0), int64(1)), ErrnoBadf)
		WantErrno(t, "set times", g.Call("fd_filestat_set_times", int(fd), int64(5), int64(7), FstAtim), ErrnoPerm)
		WantErrno(t, "advise", g.Call("fd_advise", int(fd), int64(0), int64(10), 1), ErrnoSuccess)
		WantErrno(t, "sync", g.Call("fd_sync", int(fd)), ErrnoSuccess)
		WantErrno(t, "readdir", g.Call("fd_readdir", int(fd), GuestBuffer, 100, int64(0), GuestResult), ErrnoNotdir)
		WantErrno(t, "look below", ErrnoOf(g.PathOpen(fd, 0, "x", 0, RightRead, 0)), ErrnoNotdir)
		WantErrno(t, "recv", ErrnoOf(g.Recv(fd, 1, 0)), ErrnoNotsock)
		WantErrno(t, "close", g.Close(fd), ErrnoSuccess)
		WantErrno(t, "close again", g.Close(fd), ErrnoBadf)
	})
}

// Embedded files, which never wait and are read in place, whatever the context. They refuse to go beyond their end.
func TestFSEmbedded(t *testing.T) {
	const name = "go/fstest/main.go"
	b, err := guests.Sources.ReadFile(name)
	Check(t, err)
	content := string(b)
	cancellable := NewCancellableGuest(t)
	cancellable.Ctx = t.Context()
	for _, g := range []*WasiGuest{NewWasiGuest(t, nil), cancellable} {
		dir, fd := pushFS(t, g, guests.Sources, name)
		s, errno := g.ReadAll(fd)
		Want(t, "content", s, errno, content)
		_, errno = g.Seek(fd, 100, io.SeekEnd)
		WantErrno(t, "seek beyond the end", errno, ErrnoSuccess)
		s, errno = g.Read(fd, 10)
		Want(t, "read there", s, errno, "")
		s, errno = g.Pread(fd, 10, 1<<40)
		Want(t, "pread far behind", s, errno, "")
		s, errno = g.Pread(fd, 9, 0)
		Want(t, "pread", s, errno, content[:9])
		stat, errno := g.Stat(dir, 0, name)
		Want(t, "time", stat.Mod, errno, 0)
		WantErrno(t, "close", g.Close(fd), ErrnoSuccess)
	}
}

// A file that is no regular one, and cannot be sought, gives what there is, and has no position.
func TestFSIrregularFile(t *testing.T) {
	cancellable := NewCancellableGuest(t)
	cancellable.Ctx = t.Context()
	for _, g := range []*WasiGuest{NewWasiGuest(t, nil), cancellable} {
		parts := []string{"one ", "two ", "three"}
		dir, fd := pushFS(t, g, streamFS{&parts}, "stream")
		stat, errno := g.Stat(dir, 0, "stream")
		Want(t, "type", stat.Filetype, errno, FiletypeUnknown)
		for _, wanted := range []string{"one ", "two ", "three", "", ""} {
			s, errno := g.Read(fd, 100)
			Want(t, "read", s, errno, wanted)
		}
		WantErrno(t, "seek", ErrnoOf(g.Seek(fd, 0, io.SeekStart)), ErrnoSpipe)
		WantErrno(t, "tell", ErrnoOf(g.Tell(fd)), ErrnoSpipe)
		WantErrno(t, "pread", ErrnoOf(g.Pread(fd, 1, 0)), ErrnoSpipe)
	}
}

// streamFS has a file that is a stream of parts.
type streamFS struct{ parts *[]string }

func (f streamFS) Open(name string) (fs.File, error) {
	if name == "." {
		return fstest.MapFS{}.Open(name)
	}
	return streamFile(f), nil
}

type streamFile streamFS

func (f streamFile) Stat() (fs.FileInfo, error) {
	return fstest.MapFS{"stream": {Mode: fs.ModeIrregular}}.Lstat("stream")
}

func (f streamFile) Read(p []byte) (int, error) {
	if len(*f.parts) == 0 {
		return 0, io.EOF
	}
	part := (*f.parts)[0]
	*f.parts = (*f.parts)[1:]
	return copy(p, part), nil
}

func (f streamFile) Close() error { return nil }

// Listings through little buffers, from any cookie on, with the numbers of files that other calls tell.
func TestFSListing(t *testing.T) {
	tree := served{files: map[string]string{}}
	for i := range 300 {
		tree.files[fmt.Sprintf("%03d%s", i, strings.Repeat("x", i%50))] = ""
	}
	tree.dirs = []string{"zz"}
	withEachFS(t, tree, func(t *testing.T, g *WasiGuest, dir uint32) {
		for _, room := range []int{512, 4096, 1 << 20} {
			var all []DirEntry
			for cookie, end := uint64(0), false; !end; {
				var some []DirEntry
				some, end = g.Entries(dir, cookie, room)
				if len(some) == 0 && !end {
					t.Fatalf("no entry fits into %d bytes", room)
				}
				all = append(all, some...)
				cookie = all[len(all)-1].Next
			}
			Equal(t, "entries", len(all), 303)
			Equal(t, "the first", all[0].Name+all[1].Name+all[2].Name, "...000")
			for i, e := range all[2:302] {
				if !strings.HasPrefix(e.Name, fmt.Sprintf("%03d", i)) || e.Filetype != FiletypeRegular {
					t.Fatalf("entry %d is %+v", i, e)
				}
			}
			Equal(t, "the type of a directory", all[302].Filetype, FiletypeDirectory)
			for _, e := range all[100:103] {
				stat, errno := g.Stat(dir, 0, e.Name)
				Want(t, "inode", stat.Inode, errno, e.Inode)
			}
			again, _ := g.Entries(dir, all[99].Next, room)
			Equal(t, "behind a cookie", again[0], all[100])
		}
		for _, cookie := range []uint64{303, 1 << 63} {
			if last, end := g.Entries(dir, cookie, 100); len(last) != 0 || !end {
				t.Errorf("behind the end: %v", last)
			}
		}
		WantErrno(t, "an empty buffer", g.Call("fd_readdir", int(dir), GuestBuffer, 0, int64(0), GuestResult), ErrnoSuccess)
		if _, err := g.Instance.GetFunc(g.Store, "fd_readdir").CallContext(g.Context(), g.Store, int(dir), GuestPages<<16-8, 100, int64(0), GuestResult); err == nil {
			t.Error("a buffer behind the end of memory was taken")
		}
		self, errno := g.Filestat(dir)
		all, _ := g.Entries(dir, 0, 4096)
		Want(t, "the inode of .", all[0].Inode, errno, self.Inode)
		Want(t, "the inode of ..", all[1].Inode, errno, self.Inode)
		sub, errno := g.PathOpen(dir, 0, "zz", OflagDirectory, RightReaddir, 0)
		WantErrno(t, "open", errno, ErrnoSuccess)
		all, _ = g.Entries(sub, 0, 4096)
		Want(t, "the inode of .. below", all[1].Inode, errno, self.Inode)
	})
}

// Opening is what it is below a directory of the host, beyond what the probe guest tries.
func TestFSOpen(t *testing.T) {
	withEachFS(t, probeTree, func(t *testing.T, g *WasiGuest, dir uint32) {
		const both = RightRead | RightWrite
		for _, c := range []struct {
			path   string
			lookup int
			oflags int
			rights int64
			errno  Errno
		}{
			{"file", 0, 0, 0, ErrnoSuccess},
			{"./sub/..//sub/../file", 0, 0, RightRead, ErrnoSuccess},
			{"missing", 0, 0, RightRead, ErrnoNoent},
			{"missing/../file", 0, 0, RightRead, ErrnoNoent},
			{"file/../file", 0, 0, RightRead, ErrnoNotdir},
			{"file/below", 0, 0, RightRead, ErrnoNotdir},
			{"file/", 0, 0, RightRead, ErrnoNotdir},
			{"file/.", 0, 0, RightRead, ErrnoNotdir},
			{"missing/below", 0, 0, RightRead, ErrnoNoent},
			{"", 0, 0, RightRead, ErrnoNoent},
			{"fi\x00le", 0, 0, RightRead, ErrnoInval},
			{"\xff", 0, 0, RightRead, ErrnoIlseq},
			{strings.Repeat("a/", 3000), 0, 0, RightRead, ErrnoNametoolong},
			{"file", 0, OflagDirectory, RightRead, ErrnoNotdir},
			{"sub", 0, 0, RightRead, ErrnoSuccess},
			{"sub/", 0, OflagDirectory, RightReaddir, ErrnoSuccess},
			{".", 0, OflagDirectory, RightReaddir, ErrnoSuccess},
			{"link", LookupFollow, 0, RightRead, ErrnoSuccess},
			{"link", 0, 0, RightRead, ErrnoLoop},
			{"loop", LookupFollow, 0, RightRead, ErrnoLoop},
			{"file", 0, 0, both, ErrnoPerm},
			{"new", 0, OflagCreate, both, ErrnoPerm},
			{"new", 0, OflagCreate | OflagDirectory, RightRead, ErrnoInval},
			{"file", 0, OflagTrunc, RightRead, ErrnoPerm},
			{"missing", 0, 0, RightWrite, ErrnoPerm},
		} {
			fd, errno := g.PathOpen(dir, c.lookup, c.path, c.oflags, c.rights, 0)
			WantErrno(t, fmt.Sprintf("open %.20q", c.path), errno, c.errno)
			if errno == ErrnoSuccess {
				WantErrno(t, "close", g.Close(fd), ErrnoSuccess)
			}
		}
		fd, errno := g.PathOpen(dir, 0, "file", 0, RightRead, FdflagAppend|FdflagNonblock|FdflagSync)
		WantErrno(t, "open with flags", errno, ErrnoSuccess)
		stat, errno := g.Fdstat(fd)
		Want(t, "flags", stat.Flags, errno, FdflagAppend|FdflagNonblock|FdflagSync)
		WantErrno(t, "set flags", g.SetFlags(fd, FdflagSync), ErrnoSuccess)
		stat, errno = g.Fdstat(fd)
		Want(t, "flags", stat.Flags, errno, FdflagSync)
		WantErrno(t, "take synchronising back", g.SetFlags(fd, 0), ErrnoSuccess)
		linked, errno := g.Stat(dir, LookupFollow, "link")
		WantErrno(t, "stat of a link", errno, ErrnoSuccess)
		opened, errno := g.Filestat(fd)
		Want(t, "what a link leads to", linked, errno, opened)
		link, errno := g.Stat(dir, 0, "link")
		if errno != ErrnoSuccess || link.Filetype != FiletypeSymlink || link.Inode == linked.Inode {
			t.Errorf("a link itself: %+v, errno %d", link, errno)
		}
	})
}

// Links in an archive, which nobody can follow, are seen as what they are.
func TestFSLinksInArchive(t *testing.T) {
	g := NewWasiGuest(t, nil)
	dir, _ := pushFS(t, g, linksFS{fstest.MapFS{"link": {Data: []byte("file"), Mode: fs.ModeSymlink | 0o777}, "file": {}}}, "")
	stat, errno := g.Stat(dir, 0, "link")
	Want(t, "type", stat.Filetype, errno, FiletypeSymlink)
	WantErrno(t, "stat", ErrnoOf(g.Stat(dir, LookupFollow, "link")), ErrnoLoop)
	WantErrno(t, "open", ErrnoOf(g.PathOpen(dir, LookupFollow, "link", 0, RightRead, 0)), ErrnoLoop)
	WantErrno(t, "read the link", ErrnoOf(g.Readlink(dir, "link", 10)), ErrnoInval)
}

// linksFS shows links and cannot tell where they lead to.
type linksFS struct{ files fstest.MapFS }

func (l linksFS) Open(name string) (fs.File, error) {
	if name != "link" {
		return l.files.Open(name)
	}
	return linkFile(l), nil
}

type linkFile struct{ files fstest.MapFS }

func (l linkFile) Stat() (fs.FileInfo, error) { return l.files.Lstat("link") }
func (l linkFile) Read([]byte) (int, error)   { return 0, errors.New("not to be read") }
func (l linkFile) Close() error               { return nil }

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
	cancellable := NewCancellableGuest(t)
	cancellable.Ctx = t.Context()
	for _, g := range []*WasiGuest{NewWasiGuest(t, nil), cancellable} {
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
		s, errno := g.Read(fd, 10)
		Want(t, "before the error", s, errno, "par")
		_, errno = g.Read(fd, 10)
		WantErrno(t, "the error", errno, ErrnoIo)
		s, errno = g.Read(fd, 10)
		Want(t, "after it", s, errno, "AFTER")
	}
}

// A guest gets what it asks for as soon as it is there, also where reading goes ahead of it.
func TestFSReadsAsMuchAsIsAsked(t *testing.T) {
	cancellable := NewCancellableGuest(t)
	cancellable.Ctx = t.Context()
	for _, g := range []*WasiGuest{NewWasiGuest(t, nil), cancellable} {
		reads, stuck := 0, make(chan struct{})
		_, fd := pushFS(t, g, partsFS{func(p []byte) (int, error) {
			if reads++; reads > 5 {
				<-stuck
			}
			return copy(p, "x"), nil
		}}, "file")
		s, errno := g.Read(fd, 5)
		Want(t, "read", s, errno, "xxxxx")
		close(stuck)
	}
}
