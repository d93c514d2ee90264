//go:build linux

package wasmtime_test

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
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

// prober runs the probe guest, which does one operation on descriptor 10 and prints what came of it.
type prober struct {
	engine         *Engine
	probe, wrapper *Module
	linker         *Linker
}

func newProber(t *testing.T) *prober {
	p := &prober{engine: newEngine(t, withEpochs)}
	var err error
	p.probe, err = NewModule(p.engine, guests.C("probe"))
	check(t, err)
	t.Cleanup(p.probe.Close)
	p.wrapper = compile(t, p.engine, wrapperWat())
	p.linker = NewLinker(p.engine)
	t.Cleanup(p.linker.Close)
	check(t, p.linker.DefineWasi())
	return p
}

// run runs an operation; insert puts a directory at 10. If file is not empty, the file with that name below it is what is
// at 10 then.
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
	check(t, insert(store))
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	check(t, err)
	defer null.Close()
	check(t, store.InsertFile(11, null, READ_WRITE))
	quiet, w := pipe(t)
	defer quiet.Close()
	defer w.Close()
	check(t, store.InsertFile(12, quiet, READ_ONLY))
	if file != "" {
		instance, err := p.linker.Instantiate(store, p.wrapper)
		check(t, err)
		g := &wasiGuest{t: t, store: store, instance: instance, mem: instance.GetMemory(store, "memory").View(store)}
		fd, errno := g.pathOpen(10, lookupFollow, file, 0, rightRead, 0)
		wantErrno(t, "open "+file, errno, errnoSuccess)
		wantErrno(t, "renumber", g.call("fd_renumber", int(fd), 10), errnoSuccess)
	}
	instance, err := p.linker.Instantiate(store, p.probe)
	check(t, err)
	_, err = instance.GetFunc(store, "_start").CallContext(ctx, store)
	if status := exitStatus(t, err); status != 0 {
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
	if status := exitStatus(t, runModule(t, p.engine, p.probe, config, func(store *Store) { store.SetEpochDeadline(1 << 40) })); status != 0 {
		t.Fatal(status)
	}
	dir := probeTree.host(t)
	host := func(store *Store) error { return store.InsertDir(10, openDir(t, dir), "", READ_ONLY) }
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
					if compared++; debugBuild() && compared%101 != 0 {
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

// normal leaves out what file systems of Go do not know: how many links there are to a directory, when a file was read, and in
// what zone an archive was packed.
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
	mkfifo(t, dir+"/fifo")
	g := newWasiGuest(t, nil)
	fd, _ := pushFS(t, g, os.DirFS(dir), "")
	_, errno := g.pathOpen(fd, lookupFollow, "fifo", 0, rightRead, 0)
	wantErrno(t, "open", errno, 60) // ENXIO
	stat, errno := g.stat(fd, 0, "fifo")
	want(t, "type", stat.filetype, errno, filetypeUnknown)
}

// Files of the host below a file system of Go's are handed over as what they are.
func TestFSHandsOverFiles(t *testing.T) {
	dir := probeTree.host(t)
	g := newWasiGuest(t, nil)
	before := openFds(t)
	root, fd := pushFS(t, g, os.DirFS(dir), "file")
	equal(t, "descriptors with a file", openFds(t), before+1)
	// Only a file of the host's sees what is written to it behind the guest's back, 64 KiB ahead or not.
	s, errno := g.read(fd, 3)
	want(t, "read", s, errno, "con")
	check(t, os.WriteFile(dir+"/file", []byte("changed"), 0o644))
	s, errno = g.read(fd, 10)
	want(t, "read on", s, errno, "nged")
	check(t, os.Chtimes(dir+"/file", servedTime, servedTime))
	opened, errno := g.filestat(fd)
	wantErrno(t, "stat", errno, errnoSuccess)
	found, errno := g.stat(root, 0, "file")
	wantErrno(t, "stat", errno, errnoSuccess)
	equal(t, "attributes", opened, found)
	_, errno = g.write(fd, "x")
	wantErrno(t, "write", errno, errnoBadf)
	wantErrno(t, "close", g.close(fd), errnoSuccess)
	equal(t, "descriptors", openFds(t), before)
	_, errno = g.pathOpen(root, lookupFollow, "link", 0, rightRead, 0)
	wantErrno(t, "open again", errno, errnoSuccess)
	g.store.Close()
	equal(t, "descriptors after closing the store", openFds(t), before)
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
			g := newWasiGuest(t, nil)
			dir, _ := pushFS(t, g, fsys, "")
			refused := func(dir uint32, way string) {
				t.Helper()
				for what, errno := range map[string]wasiErrno{
					"open":   errnoOf(g.pathOpen(dir, lookupFollow, way, 0, rightRead, 0)),
					"list":   errnoOf(g.pathOpen(dir, lookupFollow, way, oflagDirectory, rightReaddir, 0)),
					"stat":   errnoOf(g.stat(dir, lookupFollow, way)),
					"create": errnoOf(g.pathOpen(dir, lookupFollow, way, oflagCreate, rightWrite, 0)),
				} {
					wantErrno(t, what+" "+way, errno, errnoPerm)
				}
			}
			for _, way := range []string{
				"..", "../", "../..", "../outside", "sub/../..", "./..", "sub/../../dir", "/", "//", "/etc", "up", "up/", "up/outside",
				"upup/outside", "abs", "abs/passwd", "absfile", "rel", "chain", "chain/", "root/etc", "sub/out", "sub/../sub/out",
			} {
				refused(dir, way)
			}
			for _, link := range []string{"abs", "absfile", "root"} {
				wantErrno(t, "readlink "+link, errnoOf(g.readlink(dir, link, 100)), errnoPerm)
			}
			s, errno := g.readlink(dir, "rel", 100)
			want(t, "readlink", s, errno, "../outside")
			s, errno = g.readlink(dir, "rel", 5)
			want(t, "readlink into little room", s, errno, "../ou")
			// What lies above a directory that the guest has opened lies outside of that.
			sub, errno := g.pathOpen(dir, 0, "sub", oflagDirectory, rightReaddir, 0)
			wantErrno(t, "open", errno, errnoSuccess)
			refused(sub, "..")
			refused(sub, "../file")
			refused(sub, "in")
			refused(sub, "deep/../../file")
			_, errno = g.pathOpen(dir, lookupFollow, "sub/in", 0, rightRead, 0)
			wantErrno(t, "a link inside", errno, errnoSuccess)
			_, errno = g.pathOpen(sub, lookupFollow, "deep/../below", 0, rightRead, 0)
			wantErrno(t, "a detour inside", errno, errnoSuccess)
		})
	}
}
