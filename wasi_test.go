package wasmtime_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

// wasiStrings reads what args_get and environ_get give.
func (g *wasiGuest) strings(what string) []string {
	g.t.Helper()
	wantErrno(g.t, what+"_sizes_get", g.call(what+"_sizes_get", guestResult, guestResult+4), errnoSuccess)
	count := g.result32()
	size, _ := g.mem.Uint32(guestResult + 4)
	wantErrno(g.t, what+"_get", g.call(what+"_get", guestBuffer, guestBuffer+4*int(count)), errnoSuccess)
	all, ok := g.mem.String(guestBuffer+4*uint64(count), uint64(size))
	if !ok {
		g.t.Fatalf("%s: %d bytes", what, size)
	}
	list := strings.Split(strings.TrimSuffix(all, "\x00"), "\x00")
	if count == 0 {
		list = nil
	}
	if len(list) != int(count) {
		g.t.Errorf("%s: %d strings, not %d: %q", what, len(list), count, list)
	}
	return list
}

func TestWasiArgsAndEnv(t *testing.T) {
	config := NewWasiConfig()
	config.SetArgv([]string{"program", "", "ü, with spaces"})
	config.SetArgv([]string{"more", "\xff not UTF-8"})
	config.SetEnv([]string{"A", "EMPTY"}, []string{"1", ""})
	config.SetEnv([]string{"B"}, []string{"x=y"})
	g := newWasiGuest(t, config)
	if got := g.strings("args"); !slices.Equal(got, []string{"program", "", "ü, with spaces", "more", "\xff not UTF-8"}) {
		t.Errorf("arguments %q", got)
	}
	if got := g.strings("environ"); !slices.Equal(got, []string{"A=1", "EMPTY=", "B=x=y"}) {
		t.Errorf("environment %q", got)
	}
}

func TestWasiGivesNothingByDefault(t *testing.T) {
	g := newWasiGuest(t, nil)
	if args, env := g.strings("args"), g.strings("environ"); args != nil || env != nil {
		t.Errorf("%q %q", args, env)
	}
	s, errno := g.read(0, 10)
	want(t, "read standard input", s, errno, "")
	for fd := uint32(1); fd <= 2; fd++ {
		n, errno := g.write(fd, "nobody sees this")
		want(t, "write", n, errno, 16)
	}
	_, errno = g.write(0, "x")
	wantErrno(t, "write to standard input", errno, errnoBadf)
	_, errno = g.read(1, 1)
	wantErrno(t, "read from standard output", errno, errnoBadf)
	wantErrno(t, "a preopened directory", g.call("fd_prestat_get", 3, guestResult), errnoBadf)
}

func TestWasiConfigRefusesBadStrings(t *testing.T) {
	g := newWasiGuest(t, nil)
	insert(t, g.store, 3, tempFile(t, "kept"), READ_ONLY)
	for name, spoil := range map[string]func(*WasiConfig){
		"argument":   func(c *WasiConfig) { c.SetArgv([]string{"a\x00b"}) },
		"variable":   func(c *WasiConfig) { c.SetEnv([]string{"a"}, []string{"b\x00"}) },
		"guest path": func(c *WasiConfig) { check(t, c.PreopenDir(".", "\xff", DIR_READ, FILE_READ)) },
	} {
		config := NewWasiConfig()
		spoil(config)
		if err := g.store.ConfigureWasi(config); err == nil {
			t.Errorf("%s: no error", name)
		} else if _, ok := err.(*Error); !ok {
			t.Errorf("%s: the error is a %T", name, err)
		}
		wantPanic(t, name, "", func() { g.store.SetWasi(config) })
	}
	s, errno := g.pread(3, 10, 0)
	want(t, "read after the failures", s, errno, "kept")
	wantPanic(t, "keys without values", "mismatched", func() { NewWasiConfig().SetEnv([]string{"a"}, nil) })
}

func TestWasiConfigAfterClose(t *testing.T) {
	g := newWasiGuest(t, nil)
	config := NewWasiConfig()
	config.Close()
	config.Close()
	for name, use := range map[string]func(){
		"SetArgv":      func() { config.SetArgv(nil) },
		"SetEnv":       func() { config.SetEnv(nil, nil) },
		"InheritStdin": func() { config.InheritStdin() },
		"SetStdinFile": func() { _ = config.SetStdinFile(os.DevNull) },
		"PreopenDir":   func() { _ = config.PreopenDir(".", "/", DIR_READ, FILE_READ) },
		"SetWasi":      func() { g.store.SetWasi(config) },
	} {
		wantPanic(t, name, closedText, use)
	}
}

func TestWasiStdioFiles(t *testing.T) {
	dir := tempDir(t)
	path := func(name string) string { return filepath.Join(dir, name) }
	check(t, os.WriteFile(path("in"), []byte("input"), 0o644))
	check(t, os.WriteFile(path("out"), []byte("this is cut off"), 0o644))
	config := NewWasiConfig()
	check(t, config.SetStdinFile(path("in")))
	check(t, config.SetStdoutFile(path("out")))
	check(t, config.SetStderrFile(path("err")))
	g := newWasiGuest(t, config)
	config.Close() // the store has its own
	s, errno := g.readAll(0)
	want(t, "read", s, errno, "input")
	g.write(1, "one ")
	g.write(2, "three")
	g.write(1, "two")
	for name, wanted := range map[string]string{"out": "one two", "err": "three"} {
		if b, err := os.ReadFile(path(name)); err != nil || string(b) != wanted {
			t.Errorf("%s holds %q, %v", name, b, err)
		}
	}

	other := NewWasiConfig()
	defer other.Close()
	if err := other.SetStdinFile(path("missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := other.SetStdoutFile(path("missing/out")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// What a program wrote to a file is on disk when _start returns, without closing anything.
func TestWasiStdoutFileIsOnDisk(t *testing.T) {
	path := filepath.Join(tempDir(t), "out")
	config := NewWasiConfig()
	defer config.Close()
	check(t, config.SetStdoutFile(path))
	if err := runCommand(t, guests.C("hello"), config, nil); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "Hello from a guest\n" {
		t.Errorf("the file holds %q, %v", b, err)
	}
}

// One configuration serves many stores, which run at the same time.
func TestWasiConfigServesManyStores(t *testing.T) {
	dir := tempDir(t)
	check(t, os.WriteFile(filepath.Join(dir, "file"), []byte("shared file"), 0o644))
	config := NewWasiConfig()
	defer config.Close()
	config.SetArgv([]string{"shared argument"})
	check(t, config.PreopenDir(dir, "/", DIR_READ, FILE_READ))
	var wg sync.WaitGroup
	defer wg.Wait()
	for range 20 {
		g := newWasiGuest(t, config)
		wg.Go(func() {
			if args := g.strings("args"); len(args) != 1 || args[0] != "shared argument" {
				t.Errorf("arguments %q", args)
			}
			fd, errno := g.openRights(3, "file", 0, rightRead)
			want(t, "open", fd, errno, 4)
			s, errno := g.readAll(fd)
			want(t, "read", s, errno, "shared file")
		})
	}
}

// The files of the standard streams go to the first store. The configuration does not keep them open, so a program need
// not close it.
func TestWasiConfigFilesGoToOneStore(t *testing.T) {
	first, second := newWasiGuest(t, nil), newWasiGuest(t, nil)
	path := filepath.Join(tempDir(t), "out")
	before := openFds(t)
	config := NewWasiConfig()
	check(t, config.SetStdoutFile(path))
	check(t, first.store.ConfigureWasi(config))
	if after := openFds(t); after > before+1 {
		t.Errorf("%d descriptors before, %d after: the configuration keeps its own", before, after)
	}
	insert(t, second.store, 3, tempFile(t, "kept"), READ_ONLY)
	wantTyped(t, second.store.ConfigureWasi(config), ErrClosed, "standard stream 1")
	s, errno := second.read(3, 10)
	want(t, "read what the second store had", s, errno, "kept")

	check(t, config.SetStdoutFile(path+"2"))
	check(t, second.store.ConfigureWasi(config))
	first.write(1, "first")
	second.write(1, "second")
	for name, wanted := range map[string]string{path: "first", path + "2": "second"} {
		if b, err := os.ReadFile(name); err != nil || string(b) != wanted {
			t.Errorf("%s holds %q, %v", name, b, err)
		}
	}
}

// The test runs itself as a child, whose guest has the child's streams, arguments and environment.
func TestWasiInherit(t *testing.T) {
	const marker = "GOWASMTIME_TEST_INHERIT"
	if os.Getenv(marker) == "" {
		child := again(t, "-test.run=^TestWasiInherit$", "-test.count=1", "extra argument")
		child.Env = append(os.Environ(), marker+"=set in the parent")
		child.Stdin = strings.NewReader("from the parent")
		var out, stderr bytes.Buffer
		child.Stdout, child.Stderr = &out, &stderr
		if err := child.Run(); err != nil {
			t.Fatalf("%v\n%s%s", err, &out, &stderr)
		}
		if !strings.Contains(out.String(), "guest: from the parent\n") {
			t.Errorf("standard output: %q", &out)
		}
		if !strings.Contains(stderr.String(), "guest's error\n") {
			t.Errorf("standard error: %q", &stderr)
		}
		return
	}
	check(t, os.Setenv("GOWASMTIME_TEST_LATER", "set in the child"))
	config := NewWasiConfig()
	config.InheritStdin()
	config.InheritStdout()
	config.InheritStderr()
	config.InheritArgv()
	config.SetArgv([]string{"one more"})
	config.InheritEnv()
	config.SetEnv([]string{"OWN"}, []string{"1"})
	g := newWasiGuest(t, config)
	s, _ := g.readAll(0)
	g.write(1, "guest: "+s+"\n")
	g.write(2, "guest's error\n")
	if got := g.strings("args"); !slices.Equal(got, append(slices.Clone(os.Args), "one more")) {
		t.Errorf("arguments %q", got)
	}
	env := g.strings("environ")
	for _, variable := range []string{marker + "=set in the parent", "GOWASMTIME_TEST_LATER=set in the child", "OWN=1"} {
		if !slices.Contains(env, variable) {
			t.Errorf("%q is missing in %q", variable, env)
		}
	}
	g.store.Close()
	if _, err := os.Stdout.WriteString("still open\n"); err != nil {
		t.Errorf("the guest's end closed the process's standard output: %v", err)
	}
}

// Choosing anew replaces the former choice.
func TestWasiInheritAfterFile(t *testing.T) {
	before := openFds(t)
	path := filepath.Join(tempDir(t), "out")
	config := NewWasiConfig()
	check(t, config.SetStdoutFile(path))
	check(t, config.SetStdoutFile(path+"2"))
	config.InheritStdout()
	if after := openFds(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
	check(t, config.SetStdoutFile(path+"3"))
	defer config.Close()
	g := newWasiGuest(t, config)
	g.write(1, "third")
	if b, err := os.ReadFile(path + "3"); err != nil || string(b) != "third" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestWasiPreopenReadWrite(t *testing.T) {
	dir := tempDir(t)
	check(t, os.WriteFile(filepath.Join(dir, "old"), []byte("old content"), 0o644))
	config := NewWasiConfig()
	check(t, config.PreopenDir(dir, "/data", DIR_READ|DIR_WRITE, FILE_READ|FILE_WRITE))
	g := newWasiGuest(t, config)

	wantErrno(t, "prestat", g.call("fd_prestat_get", 3, guestResult), errnoSuccess)
	length, _ := g.mem.Uint32(guestResult + 4)
	wantErrno(t, "dir name", g.call("fd_prestat_dir_name", 3, guestBuffer, int(length)), errnoSuccess)
	if name, _ := g.mem.String(guestBuffer, uint64(length)); name != "/data" {
		t.Errorf("the directory is called %q", name)
	}
	stat, errno := g.filestat(3)
	want(t, "type", stat.filetype, errno, filetypeDirectory)

	fd, errno := g.open(3, "old", 0)
	want(t, "open", fd, errno, 4)
	s, errno := g.readAll(fd)
	want(t, "read", s, errno, "old content")
	fd, errno = g.open(3, "new", oflagCreate)
	want(t, "create", fd, errno, 5)
	n, errno := g.write(fd, "new content")
	want(t, "write", n, errno, 11)
	at, errno := g.seek(fd, 4, 0)
	want(t, "seek", at, errno, 4)
	s, errno = g.read(fd, 3)
	want(t, "read", s, errno, "con")
	g.putPath("sub")
	wantErrno(t, "mkdir", g.call("path_create_directory", 3, guestPath, 3), errnoSuccess)
	g.putPath("newsub/moved")
	wantErrno(t, "rename", g.call("path_rename", 3, guestPath, 3, 3, guestPath+3, 9), errnoSuccess)
	if onWine() {
		g.close(4) // it would be there until it is closed
	}
	g.putPath("old")
	wantErrno(t, "unlink", g.call("path_unlink_file", 3, guestPath, 3), errnoSuccess)
	if b, err := os.ReadFile(filepath.Join(dir, "sub", "moved")); err != nil || string(b) != "new content" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "old")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	wantErrno(t, "readdir", g.call("fd_readdir", 3, guestBuffer, 4096, int64(0), guestResult), errnoSuccess)
	if listing, _ := g.mem.String(guestBuffer, uint64(g.result32())); !strings.Contains(listing, "sub") {
		t.Errorf("the listing %q", listing)
	}
}

func TestWasiPreopenReadOnly(t *testing.T) {
	dir := tempDir(t)
	check(t, os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o644))
	for name, perms := range map[string]struct {
		dir  WasiDirPerms
		file WasiFilePerms
	}{
		"both read":  {DIR_READ, FILE_READ},
		"dir write":  {DIR_READ | DIR_WRITE, FILE_READ},
		"file write": {DIR_READ, FILE_READ | FILE_WRITE},
	} {
		t.Run(name, func(t *testing.T) {
			config := NewWasiConfig()
			check(t, config.PreopenDir(dir, ".", perms.dir, perms.file))
			g := newWasiGuest(t, config)
			fd, errno := g.openRights(3, "file", 0, rightRead)
			want(t, "open", fd, errno, 4)
			s, errno := g.readAll(fd)
			want(t, "read", s, errno, "content")
			for what, open := range map[string]func() (uint32, wasiErrno){
				"open to write": func() (uint32, wasiErrno) { return g.open(3, "file", 0) },
				"cut":           func() (uint32, wasiErrno) { return g.open(3, "file", oflagTrunc) },
				"create":        func() (uint32, wasiErrno) { return g.open(3, "new", oflagCreate) },
			} {
				if fd, errno := open(); errno == errnoSuccess {
					if _, errno := g.write(fd, "x"); errno == errnoSuccess {
						t.Errorf("%s: it worked", what)
					}
				}
			}
			g.putPath("file")
			if errno := g.call("path_unlink_file", 3, guestPath, 4); errno == errnoSuccess {
				t.Error("the file was removed")
			}
			entries, err := os.ReadDir(dir)
			if b, _ := os.ReadFile(filepath.Join(dir, "file")); err != nil || len(entries) != 1 || string(b) != "content" {
				t.Errorf("the directory has changed: %v %q %v", entries, b, err)
			}
		})
	}
}

func TestWasiPreopenErrors(t *testing.T) {
	dir := tempDir(t)
	file := filepath.Join(dir, "file")
	check(t, os.WriteFile(file, nil, 0o644))
	config := NewWasiConfig()
	if err := config.PreopenDir(filepath.Join(dir, "missing"), "/", DIR_READ, FILE_READ); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := config.PreopenDir(file, "/", DIR_READ, FILE_READ); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Error(err)
	}
	for _, perms := range [][2]int{{0, 0}, {0, 1}, {1, 0}, {2, 2}, {2, 3}, {3, 2}, {3, 0}, {0, 3}} {
		err := config.PreopenDir(dir, "/", WasiDirPerms(perms[0]), WasiFilePerms(perms[1]))
		if !errors.Is(err, ErrUnsupported) {
			t.Errorf("permissions %v: %v", perms, err)
		}
	}
	g := newWasiGuest(t, config)
	wantErrno(t, "what the failures gave", g.call("fd_prestat_get", 3, guestResult), errnoBadf)

	// A directory that goes away between the two calls.
	gone := filepath.Join(dir, "gone")
	check(t, os.Mkdir(gone, 0o755))
	check(t, config.PreopenDir(gone, "/", DIR_READ, FILE_READ))
	check(t, os.Remove(gone))
	insert(t, g.store, 3, tempFile(t, "kept"), READ_ONLY)
	err := g.store.ConfigureWasi(config)
	if err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("%T %v", err, err)
	}
	s, errno := g.read(3, 10)
	want(t, "read what the store had", s, errno, "kept")
}

func TestWasiSandbox(t *testing.T) {
	dir := tempDir(t)
	inner := filepath.Join(dir, "inner")
	check(t, os.Mkdir(inner, 0o755))
	check(t, os.WriteFile(filepath.Join(dir, "secret"), []byte("secret"), 0o644))
	if canSymlink() {
		check(t, os.Symlink("../secret", filepath.Join(inner, "link")))
	}
	config := NewWasiConfig()
	check(t, config.PreopenDir(inner, "/", DIR_READ|DIR_WRITE, FILE_READ|FILE_WRITE))
	g := newWasiGuest(t, config)
	for _, path := range []string{"../secret", "link", "/etc/passwd", "..", "a/../../secret"} {
		if fd, errno := g.openRights(3, path, 0, rightRead); errno == errnoSuccess {
			t.Errorf("%s was opened as %d", path, fd)
		}
	}
	_, errno := g.open(3, "missing", 0)
	wantErrno(t, "open what is missing", errno, errnoNoent)
}

func TestWasiSeveralPreopens(t *testing.T) {
	config := NewWasiConfig()
	for _, name := range []string{"a", "b", "c"} {
		dir := tempDir(t)
		check(t, os.WriteFile(filepath.Join(dir, "name"), []byte(name), 0o644))
		check(t, config.PreopenDir(dir, "/"+name, DIR_READ, FILE_READ))
	}
	g := newWasiGuest(t, config)
	for i, name := range []string{"a", "b", "c"} {
		fd, errno := g.openRights(uint32(3+i), "name", 0, rightRead)
		want(t, "open", fd, errno, uint32(6+i))
		s, errno := g.readAll(fd)
		want(t, "read", s, errno, name)
	}
}

func TestWasiClockAndRandom(t *testing.T) {
	g := newWasiGuest(t, nil)
	for clock := range 2 {
		wantErrno(t, "clock", g.call("clock_time_get", clock, int64(1), guestResult), errnoSuccess)
		if g.result64() == 0 {
			t.Errorf("clock %d is at 0", clock)
		}
	}
	wantErrno(t, "random", g.call("random_get", guestBuffer, 64), errnoSuccess)
	b := make([]byte, 64)
	g.mem.Read(guestBuffer, b)
	if binary.LittleEndian.Uint64(b) == 0 && binary.LittleEndian.Uint64(b[56:]) == 0 {
		t.Error("random bytes are zeros")
	}
}

// A module linked to WASI in a store without any is told so by its first call; nothing aborts.
func TestWasiLinkedWithoutConfiguration(t *testing.T) {
	engine := NewEngine()
	defer engine.Close()
	store := NewStore(engine)
	defer store.Close()
	linker := NewLinker(engine)
	defer linker.Close()
	check(t, linker.DefineWasi())
	module, err := NewModule(engine, guests.C("hello"))
	check(t, err)
	defer module.Close()
	instance, err := linker.Instantiate(store, module)
	check(t, err)
	_, err = instance.GetFunc(store, "_start").Call(store)
	if err == nil {
		t.Fatal("the guest ran")
	}
	if !errors.Is(err, ErrNoWasi) {
		t.Errorf("%T %v", err, err)
	}
}
