//go:build linux

package filesystems_test

import (
	"bytes"
	"context"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

// prober runs the probe guest, which does one operation on descriptor 10 and prints what came of it.
type prober struct {
	engine         *Engine
	probe, wrapper *Module
	linker         *Linker
	// rights are those for which a file is opened.
	rights int64
}

func newProber(t *testing.T) *prober {
	p := &prober{engine: EngineWith(t, WithEpochs), rights: RightRead}
	var err error
	p.probe, err = NewModule(p.engine, guests.C("probe"))
	Check(t, err)
	t.Cleanup(p.probe.Close)
	p.wrapper = Compile(t, p.engine, WrapperWat())
	p.linker = NewLinker(p.engine)
	t.Cleanup(p.linker.Close)
	Check(t, p.linker.DefineWasi())
	return p
}

// run runs an operation; insert puts a directory at 10. If file is not empty, the file with that name below it is what
// is at 10 then.
func (p *prober) run(t *testing.T, ctx context.Context, op string, insert func(*Store) error, file string) string {
	t.Helper()
	config := NewWasiConfig()
	config.SetArgv([]string{"probe", op})
	var out bytes.Buffer
	config.SetStdout(&out)
	store := NewStore(p.engine)
	defer store.Close()
	store.SetEpochDeadline(1 << 40)
	store.SetWasi(config)
	Check(t, insert(store))
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	Check(t, err)
	defer null.Close()
	Check(t, store.InsertFile(11, null, READ_WRITE))
	quiet, w := Pipe(t)
	defer quiet.Close()
	defer w.Close()
	Check(t, store.InsertFile(12, quiet, READ_ONLY))
	if file != "" {
		instance, err := p.linker.Instantiate(store, p.wrapper)
		Check(t, err)
		g := WasiGuestOf(t, store, instance)
		fd, errno := g.PathOpen(10, LookupFollow, file, 0, p.rights, 0)
		WantErrno(t, "open "+file, errno, ErrnoSuccess)
		WantErrno(t, "renumber", g.Call("fd_renumber", int(fd), 10), ErrnoSuccess)
	}
	instance, err := p.linker.Instantiate(store, p.probe)
	Check(t, err)
	_, err = instance.GetFunc(store, "_start").CallContext(ctx, store)
	if status := ExitStatus(t, err); status != 0 {
		t.Errorf("%s: status %d", op, status)
	}
	return strings.TrimSpace(out.String())
}

var (
	dirLinks = regexp.MustCompile(`(type=directory) links=\d+`)
	accessed = regexp.MustCompile(`atime=\S+`)
	modified = regexp.MustCompile(`mtime=\S+`)
)

// A guest gets the same answers from a file system of Go's and from a directory of the host with the same tree in it.
func TestFSAnswersAsHostDir(t *testing.T) {
	if testing.Short() {
		t.Skip("starts five thousand guests")
	}
	p := newProber(t)
	config := NewWasiConfig()
	config.SetArgv([]string{"probe", "list"})
	var list bytes.Buffer
	config.SetStdout(&list)
	if status := ExitStatus(t, RunModule(t, p.engine, p.probe, config, func(store *Store) { store.SetEpochDeadline(1 << 40) })); status != 0 {
		t.Fatal(status)
	}
	dir := probeTree.host(t)
	host := func(store *Store) error { return store.InsertDir(10, OpenDir(t, dir), "", READ_ONLY) }
	systems := probeTree.all(t)
	bare := probeTree
	bare.links = nil
	systems["zip"] = bare.zip(t)
	systems["bare"] = bareFS{bare.mapFS()}
	linkless := map[string]bool{"zip": true, "bare": true}
	never, cancel := context.WithCancel(context.Background())
	defer cancel()
	compared := 0
	for line := range strings.Lines(list.String()) {
		op, class, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch op {
		case "poll_quiet_forever":
			continue // it waits for something that never comes
		case "dir_open_long", "seek_highest":
			continue // how long a name may be, or a file, is the file system's affair
		}
		for _, object := range []string{"", "file", "sub/below"} {
			if object != "" && (class == "looks" || class == "changes" || class == "directory") {
				continue
			}
			want := sync.OnceValue(func() string { return p.run(t, context.Background(), op, host, object) })
			for _, name := range slices.Sorted(maps.Keys(systems)) {
				fsys := systems[name]
				if linkless[name] && (strings.Contains(op, "link") || op == "dir_list" || op == "dir_list_twice" || op == "dir_rename_escape") {
					continue
				}
				for i, ctx := range []context.Context{context.Background(), never} {
					if compared++; Debug && compared%101 != 0 {
						continue // it would take too long
					}
					got := p.run(t, ctx, op, func(store *Store) error { return store.InsertFS(10, fsys, "") }, object)
					if normal(got, name) != normal(want(), name) {
						t.Errorf("%s on %q of %s, context %d:\n got %s\nwant %s", op, object, name, i, got, want())
					}
				}
			}
		}
	}
	t.Logf("%d comparisons", compared)
}

// normal leaves out what file systems of Go do not know: how many links there are to a directory, when a file was
// read, and in what zone an archive was packed.
func normal(answer, system string) string {
	answer = accessed.ReplaceAllString(dirLinks.ReplaceAllString(answer, "$1"), "")
	if system == "zip" {
		answer = modified.ReplaceAllString(answer, "")
	}
	return answer
}

// A named pipe in a directory of the host does not keep the guest waiting.
func TestFSNamedPipe(t *testing.T) {
	dir := probeTree.host(t)
	Mkfifo(t, dir+"/fifo")
	g := NewWasiGuest(t, nil)
	fd, _ := pushFS(t, g, os.DirFS(dir), "")
	_, errno := g.PathOpen(fd, LookupFollow, "fifo", 0, RightRead, 0)
	WantErrno(t, "open", errno, 60) // ENXIO
	stat, errno := g.Stat(fd, 0, "fifo")
	Want(t, "type", stat.Filetype, errno, FiletypeUnknown)
}

// Files of the host below a file system of Go's are handed over as what they are.
func TestFSHandsOverFiles(t *testing.T) {
	dir := probeTree.host(t)
	g := NewWasiGuest(t, nil)
	before := OpenFds(t)
	root, fd := pushFS(t, g, os.DirFS(dir), "file")
	Equal(t, "descriptors with a file", OpenFds(t), before+1)
	// Only a file of the host's sees what is written to it behind the guest's back, 64 KiB ahead or not.
	s, errno := g.Read(fd, 3)
	Want(t, "read", s, errno, "con")
	Check(t, os.WriteFile(dir+"/file", []byte("changed"), 0o644))
	s, errno = g.Read(fd, 10)
	Want(t, "read on", s, errno, "nged")
	Check(t, os.Chtimes(dir+"/file", servedTime, servedTime))
	opened, errno := g.Filestat(fd)
	WantErrno(t, "stat", errno, ErrnoSuccess)
	found, errno := g.Stat(root, 0, "file")
	WantErrno(t, "stat", errno, ErrnoSuccess)
	Equal(t, "attributes", opened, found)
	_, errno = g.Write(fd, "x")
	WantErrno(t, "write", errno, ErrnoBadf)
	WantErrno(t, "close", g.Close(fd), ErrnoSuccess)
	Equal(t, "descriptors", OpenFds(t), before)
	_, errno = g.PathOpen(root, LookupFollow, "link", 0, RightRead, 0)
	WantErrno(t, "open again", errno, ErrnoSuccess)
	g.Store.Close()
	Equal(t, "descriptors after closing the store", OpenFds(t), before)
}

// Links that lead out are refused, even where the file system itself would follow them.
func TestFSNoWayOut(t *testing.T) {
	tree := probeTree
	tree.dirs = []string{"sub/deep"}
	tree.links = map[string]string{
		"up": "..", "upup": "sub/../..", "abs": "/etc", "absfile": "/etc/passwd", "rel": "../outside",
		"chain": "chain2", "chain2": "sub/../chain3", "chain3": "rel", "root": "/", "sub/out": "../../outside", "sub/in": "../file",
	}
	for name, fsys := range tree.all(t) {
		t.Run(name, func(t *testing.T) {
			g := NewWasiGuest(t, nil)
			dir, _ := pushFS(t, g, fsys, "")
			refused := func(dir uint32, way string) {
				t.Helper()
				for what, errno := range map[string]Errno{
					"open":   ErrnoOf(g.PathOpen(dir, LookupFollow, way, 0, RightRead, 0)),
					"list":   ErrnoOf(g.PathOpen(dir, LookupFollow, way, OflagDirectory, RightReaddir, 0)),
					"stat":   ErrnoOf(g.Stat(dir, LookupFollow, way)),
					"create": ErrnoOf(g.PathOpen(dir, LookupFollow, way, OflagCreate, RightWrite, 0)),
				} {
					WantErrno(t, what+" "+way, errno, ErrnoPerm)
				}
			}
			for _, way := range []string{
				"..", "../", "../..", "../outside", "sub/../..", "./..", "sub/../../dir", "/", "//", "/etc", "up", "up/", "up/outside",
				"upup/outside", "abs", "abs/passwd", "absfile", "rel", "chain", "chain/", "root/etc", "sub/out", "sub/../sub/out",
			} {
				refused(dir, way)
			}
			for _, link := range []string{"abs", "absfile", "root"} {
				WantErrno(t, "readlink "+link, ErrnoOf(g.Readlink(dir, link, 100)), ErrnoPerm)
			}
			s, errno := g.Readlink(dir, "rel", 100)
			Want(t, "readlink", s, errno, "../outside")
			s, errno = g.Readlink(dir, "rel", 5)
			Want(t, "readlink into little room", s, errno, "../ou")
			// What lies above a directory that the guest has opened lies outside of that.
			sub, errno := g.PathOpen(dir, 0, "sub", OflagDirectory, RightReaddir, 0)
			WantErrno(t, "open", errno, ErrnoSuccess)
			refused(sub, "..")
			refused(sub, "../file")
			refused(sub, "in")
			refused(sub, "deep/../../file")
			_, errno = g.PathOpen(dir, LookupFollow, "sub/in", 0, RightRead, 0)
			WantErrno(t, "a link inside", errno, ErrnoSuccess)
			_, errno = g.PathOpen(sub, LookupFollow, "deep/../below", 0, RightRead, 0)
			WantErrno(t, "a detour inside", errno, ErrnoSuccess)
		})
	}
}
