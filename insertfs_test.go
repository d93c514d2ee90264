package wasmtime_test

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
)

func TestInsertFSNames(t *testing.T) {
	g := newWasiGuest(t, nil)
	fsys := probeTree.mapFS()
	fd, err := g.store.PushFS(fsys, "/first")
	check(t, err)
	equal(t, "pushed to", fd, 3)
	check(t, g.store.InsertFS(4, fsys, "Ünï/code"))
	check(t, g.store.InsertFS(5, fsys, ""))
	check(t, g.store.InsertFS(6, fsys, "/behind one without a name"))
	equal(t, "preopened", g.preopens(), "/first Ünï/code")
	wantErrno(t, "too short a buffer", g.call("fd_prestat_dir_name", 4, guestBuffer, 3), errnoNametoolong)
	wantErrno(t, "the name of one without", g.call("fd_prestat_dir_name", 5, guestBuffer, 100), errnoNotdir)
	wantErrno(t, "renumber", g.call("fd_renumber", 6, 3), errnoSuccess)
	equal(t, "preopened", g.preopens(), "/behind one without a name Ünï/code")
	check(t, g.store.RemoveFile(3))
	equal(t, "preopened", g.preopens(), "")
}

func TestInsertFSErrors(t *testing.T) {
	g := newWasiGuest(t, nil)
	insert(t, g.store, 3, tempFile(t, "kept"), READ_ONLY)
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
		{"missing", 3, os.DirFS(tempDir(t) + "/missing"), "", ErrBadFile, "the root of the file system", true},
		{"missing, as the file system says it", 3, os.DirFS(tempDir(t) + "/missing"), "", fs.ErrNotExist, "the root of the file system", true},
		{"a file", 3, fileFS{good}, "", ErrBadFile, "not a directory", true},
		{"number", 1 << 20, good, "", ErrBadFd, "1048576", false},
		{"not UTF-8", 3, good, "\xff", nil, "UTF-8", true},
		{"a zero", 3, good, "a\x00b", nil, "zero byte", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			errs := []error{g.store.InsertFS(c.fd, c.fsys, c.path)}
			if c.push {
				fd, err := g.store.PushFS(c.fsys, c.path)
				equal(t, "a number beside an error", fd, 0)
				errs = append(errs, err)
			}
			wantAll(t, errs, c.cause, c.text)
			s, errno := g.pread(3, 10, 0)
			want(t, "read what was there", s, errno, "kept")
		})
	}
	engine := NewEngine()
	defer engine.Close()
	store := NewStore(engine)
	wantTyped(t, store.InsertFS(3, good, ""), ErrNoWasi, "WASI")
	store.Close()
	wantTyped(t, store.InsertFS(3, good, ""), ErrClosed, "closed")
	_, err := store.PushFS(good, "")
	wantTyped(t, err, ErrClosed, "closed")
}

// fileFS is a file system whose root is a file.
type fileFS struct{ fs.FS }

func (f fileFS) Open(string) (fs.File, error) { return f.FS.Open("file") }

func TestCallerInsertsFS(t *testing.T) {
	fsys := probeTree.mapFS()
	store, instance := callerGuest(t, func(c *Caller) int32 {
		check(t, c.InsertFS(100, fsys, "/"))
		fd, err := c.PushFS(fsys, "/")
		check(t, err)
		equal(t, "pushed to", fd, 3)
		return 3
	}, func(*Caller, int32) {})
	// The guest reads the descriptor as if it were a file's, and returns.
	result, err := instance.GetFunc(store, "run").Call(store)
	if err != nil || result != int32(-1) {
		t.Error(result, err)
	}
}

// withEachFS runs a test with every kind of file system, and with contexts that can and cannot be cancelled. All calls of the guest are
// made with the context.
func withEachFS(t *testing.T, tree served, test func(t *testing.T, g *wasiGuest, dir uint32)) {
	for name, fsys := range tree.all(t) {
		t.Run(name, func(t *testing.T) {
			g := newWasiGuest(t, nil)
			dir, _ := pushFS(t, g, fsys, "")
			test(t, g, dir)
		})
		t.Run(name+", cancellable", func(t *testing.T) {
			g := newCancellableGuest(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			g.ctx = ctx
			dir, _ := pushFS(t, g, fsys, "")
			test(t, g, dir)
		})
	}
}

// The calls on the directory itself.
func TestFSDirectory(t *testing.T) {
	withEachFS(t, probeTree, func(t *testing.T, g *wasiGuest, fd uint32) {
		stat, errno := g.filestat(fd)
		wantErrno(t, "filestat", errno, errnoSuccess)
		if stat.filetype != filetypeDirectory || stat.inode == 0 || stat.links != 1 {
			t.Errorf("filestat: %+v", stat)
		}
		fdstat, errno := g.fdstat(fd)
		wantErrno(t, "fdstat", errno, errnoSuccess)
		if fdstat.filetype != filetypeDirectory || fdstat.rights&rightReaddir == 0 || fdstat.rights&rightSeek != 0 {
			t.Errorf("fdstat: %+v", fdstat)
		}
		wantErrno(t, "sync", g.call("fd_sync", int(fd)), errnoSuccess)
		wantErrno(t, "datasync", g.call("fd_datasync", int(fd)), errnoSuccess)
		wantErrno(t, "set times", g.call("fd_filestat_set_times", int(fd), int64(5), int64(7), fstAtim|fstMtim), errnoPerm)
		wantErrno(t, "a time and now", g.call("fd_filestat_set_times", int(fd), int64(0), int64(0), fstAtim|fstAtimNow), errnoInval)
		wantErrno(t, "set flags", g.call("fd_fdstat_set_flags", int(fd), fdflagNonblock), errnoSuccess)
		wantErrno(t, "set flags", g.call("fd_fdstat_set_flags", int(fd), fdflagSync), errnoInval)
		fdstat, errno = g.fdstat(fd)
		want(t, "flags", fdstat.flags, errno, fdflagNonblock)
		wantErrno(t, "read", errnoOf(g.read(fd, 1)), errnoIsdir)
		wantErrno(t, "pread", errnoOf(g.pread(fd, 1, 0)), errnoIsdir)
		wantErrno(t, "write", errnoOf(g.write(fd, "x")), errnoBadf)
		wantErrno(t, "pwrite", errnoOf(g.pwrite(fd, "x", 0)), errnoBadf)
		wantErrno(t, "seek", errnoOf(g.seek(fd, 0, 0)), errnoBadf)
		wantErrno(t, "tell", errnoOf(g.tell(fd)), errnoBadf)
		wantErrno(t, "allocate", g.call("fd_allocate", int(fd), int64(0), int64(1)), errnoBadf)
		wantErrno(t, "advise", g.call("fd_advise", int(fd), int64(0), int64(1), 0), errnoBadf)
		wantErrno(t, "set size", g.call("fd_filestat_set_size", int(fd), int64(0)), errnoInval)
		wantErrno(t, "accept", errnoOf(g.accept(fd, 0)), errnoNotsock)
		kinds, _, _ := g.pollRead(fd, 0)
		equal(t, "events", len(kinds), 1)

		wantErrno(t, "mkdir", g.mkdir(fd, "new"), errnoPerm)
		wantErrno(t, "rmdir", g.rmdir(fd, "empty"), errnoPerm)
		wantErrno(t, "unlink", g.unlink(fd, "file"), errnoPerm)
		wantErrno(t, "rename", g.rename(fd, "file", fd, "new"), errnoPerm)
		wantErrno(t, "link", g.link(fd, 0, "file", fd, "new"), errnoPerm)
		wantErrno(t, "symlink", g.symlink("file", fd, "new"), errnoPerm)
		wantErrno(t, "times", g.setTimes(fd, 0, "file", 0, 0, fstMtim), errnoPerm)
		wantErrno(t, "a time and now", g.setTimes(fd, 0, "file", 0, 0, fstAtim|fstAtimNow), errnoInval)
		check(t, g.store.InsertDir(20, openDir(t, tempDir(t)), "", READ_WRITE))
		wantErrno(t, "rename to the host", g.rename(fd, "file", 20, "new"), wasiErrno(75))
		wantErrno(t, "link from the host", g.link(20, 0, "file", fd, "new"), wasiErrno(75))

		wantErrno(t, "close", g.close(fd), errnoSuccess)
		wantErrno(t, "after the close", errnoOf(g.stat(fd, 0, "file")), errnoBadf)
	})
}

// Whatever files can do by themselves, a guest can seek and read at an offset.
func TestFSFile(t *testing.T) {
	content := largeTree.files["large"]
	withEachFS(t, largeTree, func(t *testing.T, g *wasiGuest, dir uint32) {
		fd, errno := g.pathOpen(dir, lookupFollow, "large", 0, rightRead, 0)
		wantErrno(t, "open", errno, errnoSuccess)
		at := 0
		for _, n := range []int{1, 100, 5000, 70_000, 1, 200_000} {
			s, errno := g.read(fd, n)
			want(t, fmt.Sprint("read ", n), s, errno, content[at:at+n])
			at += n
		}
		s, errno := g.read(fd, 1<<20)
		want(t, "the rest", s, errno, content[at:])
		s, errno = g.read(fd, 10)
		want(t, "at the end", s, errno, "")
		for _, c := range []struct {
			offset int64
			whence int
			at     int64
		}{
			{10, 0, 10}, {5, 1, 15}, {-15, 1, 0}, {-7, 2, int64(len(content)) - 7}, {300_000, 0, 300_000}, {100, 0, 100},
			{int64(len(content)) + 1000, 0, int64(len(content)) + 1000}, {0, 2, int64(len(content))}, {65_536, 0, 65_536}, {65_535, 0, 65_535},
		} {
			n, errno := g.seek(fd, c.offset, c.whence)
			want(t, fmt.Sprint("seek ", c), n, errno, c.at)
			n, errno = g.tell(fd)
			want(t, "tell", n, errno, c.at)
			s, errno := g.read(fd, 9)
			from, to := min(c.at, int64(len(content))), min(c.at+9, int64(len(content)))
			want(t, fmt.Sprint("read after seeking ", c), s, errno, content[from:to])
			_, errno = g.seek(fd, c.at, 0)
			wantErrno(t, "seek back", errno, errnoSuccess)
		}
		for _, off := range []int64{350_000, 0, 1, 100_000, int64(len(content)) - 3, int64(len(content)), 1 << 40} {
			s, errno := g.pread(fd, 20, off)
			want(t, fmt.Sprint("pread at ", off), s, errno, content[min(off, int64(len(content))):min(off+20, int64(len(content)))])
		}
		_, errno = g.pread(fd, 1, -1)
		wantErrno(t, "pread before the beginning", errno, errnoInval)
		wantErrno(t, "seek before the beginning", errnoOf(g.seek(fd, -1, 0)), errnoInval)
		wantErrno(t, "seek far too far", errnoOf(g.seek(fd, 1<<63-1, 1)), errnoInval)
		n, errno := g.tell(fd)
		want(t, "tell in the end", n, errno, 65_535)
		kinds, bytes, hangup := g.pollRead(fd, 0)
		if len(kinds) != 1 || bytes != uint64(len(content)-65_535) || hangup {
			t.Errorf("poll: %v, %d bytes, hang-up %v", kinds, bytes, hangup)
		}

		stat, errno := g.filestat(fd)
		wantErrno(t, "stat", errno, errnoSuccess)
		found, errno := g.stat(dir, 0, "large")
		want(t, "stat of the path", found, errno, stat)
		if stat.size != uint64(len(content)) || stat.filetype != filetypeRegular || stat.mod != uint64(servedTime.UnixNano()) || stat.access != stat.mod {
			t.Errorf("stat: %+v", stat)
		}
		fdstat, errno := g.fdstat(fd)
		wantErrno(t, "fdstat", errno, errnoSuccess)
		if fdstat.rights&(rightRead|rightSeek) != rightRead|rightSeek || fdstat.rights&(rightWrite|rightAllocate) != 0 {
			t.Errorf("rights %x", fdstat.rights)
		}
		wantErrno(t, "write", errnoOf(g.write(fd, "x")), errnoBadf)
		wantErrno(t, "pwrite", errnoOf(g.pwrite(fd, "x", 0)), errnoBadf)
		wantErrno(t, "set size", g.call("fd_filestat_set_size", int(fd), int64(0)), errnoInval)
		wantErrno(t, "allocate", g.call("fd_allocate", int(fd), int64(0), int64(1)), errnoBadf)
		wantErrno(t, "set times", g.call("fd_filestat_set_times", int(fd), int64(5), int64(7), fstAtim), errnoPerm)
		wantErrno(t, "advise", g.call("fd_advise", int(fd), int64(0), int64(10), 1), errnoSuccess)
		wantErrno(t, "sync", g.call("fd_sync", int(fd)), errnoSuccess)
		wantErrno(t, "readdir", g.call("fd_readdir", int(fd), guestBuffer, 100, int64(0), guestResult), errnoNotdir)
		wantErrno(t, "look below", errnoOf(g.pathOpen(fd, 0, "x", 0, rightRead, 0)), errnoNotdir)
		wantErrno(t, "recv", errnoOf(g.recv(fd, 1, 0)), errnoNotsock)
		wantErrno(t, "close", g.close(fd), errnoSuccess)
		wantErrno(t, "close again", g.close(fd), errnoBadf)
	})
}

// Embedded files, which never wait and are read in place, whatever the context. They refuse to go beyond their end.
func TestFSEmbedded(t *testing.T) {
	const name = "testdata/guests/build.sh"
	b, err := embedded.ReadFile(name)
	check(t, err)
	content := string(b)
	cancellable := newCancellableGuest(t)
	cancellable.ctx = t.Context()
	for _, g := range []*wasiGuest{newWasiGuest(t, nil), cancellable} {
		dir, fd := pushFS(t, g, embedded, name)
		s, errno := g.readAll(fd)
		want(t, "content", s, errno, content)
		_, errno = g.seek(fd, 100, io.SeekEnd)
		wantErrno(t, "seek beyond the end", errno, errnoSuccess)
		s, errno = g.read(fd, 10)
		want(t, "read there", s, errno, "")
		s, errno = g.pread(fd, 10, 1<<40)
		want(t, "pread far behind", s, errno, "")
		s, errno = g.pread(fd, 9, 0)
		want(t, "pread", s, errno, content[:9])
		stat, errno := g.stat(dir, 0, name)
		want(t, "time", stat.mod, errno, 0)
		wantErrno(t, "close", g.close(fd), errnoSuccess)
	}
}

// A file that is no regular one, and cannot be sought, gives what there is, and has no position.
func TestFSIrregularFile(t *testing.T) {
	cancellable := newCancellableGuest(t)
	cancellable.ctx = t.Context()
	for _, g := range []*wasiGuest{newWasiGuest(t, nil), cancellable} {
		parts := []string{"one ", "two ", "three"}
		dir, fd := pushFS(t, g, streamFS{&parts}, "stream")
		stat, errno := g.stat(dir, 0, "stream")
		want(t, "type", stat.filetype, errno, filetypeUnknown)
		for _, wanted := range []string{"one ", "two ", "three", "", ""} {
			s, errno := g.read(fd, 100)
			want(t, "read", s, errno, wanted)
		}
		wantErrno(t, "seek", errnoOf(g.seek(fd, 0, io.SeekStart)), errnoSpipe)
		wantErrno(t, "tell", errnoOf(g.tell(fd)), errnoSpipe)
		wantErrno(t, "pread", errnoOf(g.pread(fd, 1, 0)), errnoSpipe)
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
	withEachFS(t, tree, func(t *testing.T, g *wasiGuest, dir uint32) {
		for _, room := range []int{512, 4096, 1 << 20} {
			var all []guestEntry
			for cookie, end := uint64(0), false; !end; {
				var some []guestEntry
				some, end = g.entries(dir, cookie, room)
				if len(some) == 0 && !end {
					t.Fatalf("no entry fits into %d bytes", room)
				}
				all = append(all, some...)
				cookie = all[len(all)-1].next
			}
			equal(t, "entries", len(all), 303)
			equal(t, "the first", all[0].name+all[1].name+all[2].name, "...000")
			for i, e := range all[2:302] {
				if !strings.HasPrefix(e.name, fmt.Sprintf("%03d", i)) || e.filetype != filetypeRegular {
					t.Fatalf("entry %d is %+v", i, e)
				}
			}
			equal(t, "the type of a directory", all[302].filetype, filetypeDirectory)
			for _, e := range all[100:103] {
				stat, errno := g.stat(dir, 0, e.name)
				want(t, "inode", stat.inode, errno, e.inode)
			}
			again, _ := g.entries(dir, all[99].next, room)
			equal(t, "behind a cookie", again[0], all[100])
		}
		for _, cookie := range []uint64{303, 1 << 63} {
			if last, end := g.entries(dir, cookie, 100); len(last) != 0 || !end {
				t.Errorf("behind the end: %v", last)
			}
		}
		wantErrno(t, "an empty buffer", g.call("fd_readdir", int(dir), guestBuffer, 0, int64(0), guestResult), errnoSuccess)
		if _, err := g.instance.GetFunc(g.store, "fd_readdir").CallContext(g.context(), g.store, int(dir), guestPages<<16-8, 100, int64(0), guestResult); err == nil {
			t.Error("a buffer behind the end of memory was taken")
		}
		self, errno := g.filestat(dir)
		all, _ := g.entries(dir, 0, 4096)
		want(t, "the inode of .", all[0].inode, errno, self.inode)
		want(t, "the inode of ..", all[1].inode, errno, self.inode)
		sub, errno := g.pathOpen(dir, 0, "zz", oflagDirectory, rightReaddir, 0)
		wantErrno(t, "open", errno, errnoSuccess)
		all, _ = g.entries(sub, 0, 4096)
		want(t, "the inode of .. below", all[1].inode, errno, self.inode)
	})
}

// Opening is what it is below a directory of the host, beyond what the probe guest tries.
func TestFSOpen(t *testing.T) {
	withEachFS(t, probeTree, func(t *testing.T, g *wasiGuest, dir uint32) {
		const both = rightRead | rightWrite
		for _, c := range []struct {
			path   string
			lookup int
			oflags int
			rights int64
			errno  wasiErrno
		}{
			{"file", 0, 0, 0, errnoSuccess},
			{"./sub/..//sub/../file", 0, 0, rightRead, errnoSuccess},
			{"missing", 0, 0, rightRead, errnoNoent},
			{"missing/../file", 0, 0, rightRead, errnoNoent},
			{"file/../file", 0, 0, rightRead, errnoNotdir},
			{"file/below", 0, 0, rightRead, errnoNotdir},
			{"file/", 0, 0, rightRead, errnoNotdir},
			{"file/.", 0, 0, rightRead, errnoNotdir},
			{"missing/below", 0, 0, rightRead, errnoNoent},
			{"", 0, 0, rightRead, errnoNoent},
			{"fi\x00le", 0, 0, rightRead, errnoInval},
			{"\xff", 0, 0, rightRead, errnoIlseq},
			{strings.Repeat("a/", 3000), 0, 0, rightRead, errnoNametoolong},
			{"file", 0, oflagDirectory, rightRead, errnoNotdir},
			{"sub", 0, 0, rightRead, errnoSuccess},
			{"sub/", 0, oflagDirectory, rightReaddir, errnoSuccess},
			{".", 0, oflagDirectory, rightReaddir, errnoSuccess},
			{"link", lookupFollow, 0, rightRead, errnoSuccess},
			{"link", 0, 0, rightRead, errnoLoop},
			{"loop", lookupFollow, 0, rightRead, errnoLoop},
			{"file", 0, 0, both, errnoPerm},
			{"new", 0, oflagCreate, both, errnoPerm},
			{"new", 0, oflagCreate | oflagDirectory, rightRead, errnoInval},
			{"file", 0, oflagTrunc, rightRead, errnoPerm},
			{"missing", 0, 0, rightWrite, errnoPerm},
		} {
			fd, errno := g.pathOpen(dir, c.lookup, c.path, c.oflags, c.rights, 0)
			wantErrno(t, fmt.Sprintf("open %.20q", c.path), errno, c.errno)
			if errno == errnoSuccess {
				wantErrno(t, "close", g.close(fd), errnoSuccess)
			}
		}
		fd, errno := g.pathOpen(dir, 0, "file", 0, rightRead, fdflagAppend|fdflagNonblock|fdflagSync)
		wantErrno(t, "open with flags", errno, errnoSuccess)
		stat, errno := g.fdstat(fd)
		want(t, "flags", stat.flags, errno, fdflagAppend|fdflagNonblock|fdflagSync)
		wantErrno(t, "set flags", g.setFlags(fd, fdflagSync), errnoSuccess)
		stat, errno = g.fdstat(fd)
		want(t, "flags", stat.flags, errno, fdflagSync)
		wantErrno(t, "take synchronising back", g.setFlags(fd, 0), errnoSuccess)
		linked, errno := g.stat(dir, lookupFollow, "link")
		wantErrno(t, "stat of a link", errno, errnoSuccess)
		opened, errno := g.filestat(fd)
		want(t, "what a link leads to", linked, errno, opened)
		link, errno := g.stat(dir, 0, "link")
		if errno != errnoSuccess || link.filetype != filetypeSymlink || link.inode == linked.inode {
			t.Errorf("a link itself: %+v, errno %d", link, errno)
		}
	})
}

// Links in an archive, which nobody can follow, are seen as what they are.
func TestFSLinksInArchive(t *testing.T) {
	g := newWasiGuest(t, nil)
	dir, _ := pushFS(t, g, linksFS{fstest.MapFS{"link": {Data: []byte("file"), Mode: fs.ModeSymlink | 0o777}, "file": {}}}, "")
	stat, errno := g.stat(dir, 0, "link")
	want(t, "type", stat.filetype, errno, filetypeSymlink)
	wantErrno(t, "stat", errnoOf(g.stat(dir, lookupFollow, "link")), errnoLoop)
	wantErrno(t, "open", errnoOf(g.pathOpen(dir, lookupFollow, "link", 0, rightRead, 0)), errnoLoop)
	wantErrno(t, "read the link", errnoOf(g.readlink(dir, "link", 10)), errnoInval)
}

// linksFS shows links and cannot tell where they lead to.
type linksFS struct{ files fstest.MapFS }

func (l linksFS) Open(name string) (fs.File, error) {
	if name != "link" {
		return l.files.Open(name)
	}
	return linkFile{l.files}, nil
}

type linkFile struct{ files fstest.MapFS }

func (l linkFile) Stat() (fs.FileInfo, error) { return l.files.Lstat("link") }
func (l linkFile) Read([]byte) (int, error)   { return 0, errors.New("not to be read") }
func (l linkFile) Close() error               { return nil }
