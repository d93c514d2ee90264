package wasi_test

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
	"sync/atomic"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

func TestWasiArgsAndEnv(t *testing.T) {
	config := NewWasiConfig()
	config.SetArgv([]string{"program", "", "ü, with spaces"})
	config.SetArgv([]string{"more", "\xff not UTF-8"})
	config.SetEnv([]string{"A", "EMPTY"}, []string{"1", ""})
	config.SetEnv([]string{"B"}, []string{"x=y"})
	g := NewWasiGuest(t, config)
	if got := g.Strings("args"); !slices.Equal(got, []string{"program", "", "ü, with spaces", "more", "\xff not UTF-8"}) {
		t.Errorf("arguments %q", got)
	}
	if got := g.Strings("environ"); !slices.Equal(got, []string{"A=1", "EMPTY=", "B=x=y"}) {
		t.Errorf("environment %q", got)
	}
}

func TestWasiGivesNothingByDefault(t *testing.T) {
	g := NewWasiGuest(t, nil)
	if args, env := g.Strings("args"), g.Strings("environ"); args != nil || env != nil {
		t.Errorf("%q %q", args, env)
	}
	s, errno := g.Read(0, 10)
	Want(t, "read standard input", s, errno, "")
	for fd := uint32(1); fd <= 2; fd++ {
		n, errno := g.Write(fd, "nobody sees this")
		Want(t, "write", n, errno, 16)
	}
	_, errno = g.Write(0, "x")
	WantErrno(t, "write to standard input", errno, ErrnoBadf)
	_, errno = g.Read(1, 1)
	WantErrno(t, "read from standard output", errno, ErrnoBadf)
	WantErrno(t, "a preopened directory", g.Call("fd_prestat_get", 3, GuestResult), ErrnoBadf)
}

func TestWasiConfigRefusesBadStrings(t *testing.T) {
	g := NewWasiGuest(t, nil)
	Insert(t, g.Store, 3, TempFile(t, "kept"), READ_ONLY)
	for name, spoil := range map[string]func(*WasiConfig){
		"argument":   func(c *WasiConfig) { c.SetArgv([]string{"a\x00b"}) },
		"variable":   func(c *WasiConfig) { c.SetEnv([]string{"a"}, []string{"b\x00"}) },
		"guest path": func(c *WasiConfig) { Check(t, c.PreopenDir(".", "\xff", DIR_READ, FILE_READ)) },
	} {
		config := NewWasiConfig()
		spoil(config)
		if err := g.Store.ConfigureWasi(config); err == nil {
			t.Errorf("%s: no error", name)
		} else if _, ok := err.(*Error); !ok {
			t.Errorf("%s: the error is a %T", name, err)
		}
		WantPanic(t, name, "", func() { g.Store.SetWasi(config) })
	}
	s, errno := g.Pread(3, 10, 0)
	Want(t, "read after the failures", s, errno, "kept")
	WantPanic(t, "keys without values", "mismatched", func() { NewWasiConfig().SetEnv([]string{"a"}, nil) })
}

func TestWasiConfigAfterClose(t *testing.T) {
	g := NewWasiGuest(t, nil)
	config := NewWasiConfig()
	config.Close()
	config.Close()
	for name, use := range map[string]func(){
		"SetArgv":      func() { config.SetArgv(nil) },
		"SetEnv":       func() { config.SetEnv(nil, nil) },
		"InheritStdin": func() { config.InheritStdin() },
		"SetWasi":      func() { g.Store.SetWasi(config) },
	} {
		WantPanic(t, name, ClosedText, use)
	}
	for _, err := range []error{
		config.SetStdinFile(os.DevNull), config.PreopenDir(".", "/", DIR_READ, FILE_READ), g.Store.ConfigureWasi(config),
	} {
		WantTyped(t, err, ErrClosed, "the WASI configuration")
	}
}

func TestWasiStdioFiles(t *testing.T) {
	dir := TempDir(t)
	path := func(name string) string { return filepath.Join(dir, name) }
	Check(t, os.WriteFile(path("in"), []byte("input"), 0o644))
	Check(t, os.WriteFile(path("out"), []byte("this is cut off"), 0o644))
	config := NewWasiConfig()
	Check(t, config.SetStdinFile(path("in")))
	Check(t, config.SetStdoutFile(path("out")))
	Check(t, config.SetStderrFile(path("err")))
	g := NewWasiGuest(t, config)
	config.Close() // the store has its own
	s, errno := g.ReadAll(0)
	Want(t, "read", s, errno, "input")
	g.Write(1, "one ")
	g.Write(2, "three")
	g.Write(1, "two")
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
	path := filepath.Join(TempDir(t), "out")
	config := NewWasiConfig()
	defer config.Close()
	Check(t, config.SetStdoutFile(path))
	if err := runCommand(t, guests.C("hello"), config, nil); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "Hello from a guest\n" {
		t.Errorf("the file holds %q, %v", b, err)
	}
}

// One configuration serves many stores, which run at the same time.
func TestWasiConfigServesManyStores(t *testing.T) {
	dir := TempDir(t)
	Check(t, os.WriteFile(filepath.Join(dir, "file"), []byte("shared file"), 0o644))
	config := NewWasiConfig()
	defer config.Close()
	config.SetArgv([]string{"shared argument"})
	Check(t, config.PreopenDir(dir, "/", DIR_READ, FILE_READ))
	var wg sync.WaitGroup
	defer wg.Wait()
	for range 20 {
		g := NewWasiGuest(t, config)
		wg.Go(func() {
			if args := g.Strings("args"); len(args) != 1 || args[0] != "shared argument" {
				t.Errorf("arguments %q", args)
			}
			fd, errno := g.OpenRights(3, "file", 0, RightRead)
			Want(t, "open", fd, errno, 4)
			s, errno := g.ReadAll(fd)
			Want(t, "read", s, errno, "shared file")
		})
	}
}

// The files of the standard streams go to the first store. The configuration does not keep them open, so a program
// need not close it.
func TestWasiConfigFilesGoToOneStore(t *testing.T) {
	first, second := NewWasiGuest(t, nil), NewWasiGuest(t, nil)
	path := filepath.Join(TempDir(t), "out")
	before := OpenFds(t)
	config := NewWasiConfig()
	Check(t, config.SetStdoutFile(path))
	Check(t, first.Store.ConfigureWasi(config))
	if after := OpenFds(t); after > before+1 {
		t.Errorf("%d descriptors before, %d after: the configuration keeps its own", before, after)
	}
	Insert(t, second.Store, 3, TempFile(t, "kept"), READ_ONLY)
	WantTyped(t, second.Store.ConfigureWasi(config), ErrClosed, "standard stream 1")
	s, errno := second.Read(3, 10)
	Want(t, "read what the second store had", s, errno, "kept")

	config = NewWasiConfig()
	Check(t, config.SetStdoutFile(path+"2"))
	Check(t, second.Store.ConfigureWasi(config))
	first.Write(1, "first")
	second.Write(1, "second")
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
		child := Again(t, "-test.run=^TestWasiInherit$", "-test.count=1", "extra argument")
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
	Check(t, os.Setenv("GOWASMTIME_TEST_LATER", "set in the child"))
	config := NewWasiConfig()
	config.InheritStdin()
	config.InheritStdout()
	config.InheritStderr()
	config.InheritArgv()
	config.SetArgv([]string{"one more"})
	config.InheritEnv()
	config.SetEnv([]string{"OWN"}, []string{"1"})
	g := NewWasiGuest(t, config)
	s, _ := g.ReadAll(0)
	g.Write(1, "guest: "+s+"\n")
	g.Write(2, "guest's error\n")
	if got := g.Strings("args"); !slices.Equal(got, append(slices.Clone(os.Args), "one more")) {
		t.Errorf("arguments %q", got)
	}
	env := g.Strings("environ")
	for _, variable := range []string{marker + "=set in the parent", "GOWASMTIME_TEST_LATER=set in the child", "OWN=1"} {
		if !slices.Contains(env, variable) {
			t.Errorf("%q is missing in %q", variable, env)
		}
	}
	g.Store.Close()
	if _, err := os.Stdout.WriteString("still open\n"); err != nil {
		t.Errorf("the guest's end closed the process's standard output: %v", err)
	}
}

// Choosing anew replaces the former choice.
func TestWasiInheritAfterFile(t *testing.T) {
	before := OpenFds(t)
	path := filepath.Join(TempDir(t), "out")
	config := NewWasiConfig()
	Check(t, config.SetStdoutFile(path))
	Check(t, config.SetStdoutFile(path+"2"))
	config.InheritStdout()
	if after := OpenFds(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
	Check(t, config.SetStdoutFile(path+"3"))
	defer config.Close()
	g := NewWasiGuest(t, config)
	g.Write(1, "third")
	if b, err := os.ReadFile(path + "3"); err != nil || string(b) != "third" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestWasiPreopenReadWrite(t *testing.T) {
	dir := TempDir(t)
	Check(t, os.WriteFile(filepath.Join(dir, "old"), []byte("old content"), 0o644))
	config := NewWasiConfig()
	Check(t, config.PreopenDir(dir, "/data", DIR_READ|DIR_WRITE, FILE_READ|FILE_WRITE))
	g := NewWasiGuest(t, config)

	WantErrno(t, "prestat", g.Call("fd_prestat_get", 3, GuestResult), ErrnoSuccess)
	length, _ := g.Mem.Uint32(GuestResult + 4)
	WantErrno(t, "dir name", g.Call("fd_prestat_dir_name", 3, GuestBuffer, int(length)), ErrnoSuccess)
	if name, _ := g.Mem.String(GuestBuffer, uint64(length)); name != "/data" {
		t.Errorf("the directory is called %q", name)
	}
	stat, errno := g.Filestat(3)
	Want(t, "type", stat.Filetype, errno, FiletypeDirectory)

	fd, errno := g.Open(3, "old", 0)
	Want(t, "open", fd, errno, 4)
	s, errno := g.ReadAll(fd)
	Want(t, "read", s, errno, "old content")
	fd, errno = g.Open(3, "new", OflagCreate)
	Want(t, "create", fd, errno, 5)
	n, errno := g.Write(fd, "new content")
	Want(t, "write", n, errno, 11)
	at, errno := g.Seek(fd, 4, 0)
	Want(t, "seek", at, errno, 4)
	s, errno = g.Read(fd, 3)
	Want(t, "read", s, errno, "con")
	g.PutPath("sub")
	WantErrno(t, "mkdir", g.Call("path_create_directory", 3, GuestPath, 3), ErrnoSuccess)
	g.PutPath("newsub/moved")
	WantErrno(t, "rename", g.Call("path_rename", 3, GuestPath, 3, 3, GuestPath+3, 9), ErrnoSuccess)
	if OnWine() {
		g.Close(4) // it would be there until it is closed
	}
	g.PutPath("old")
	WantErrno(t, "unlink", g.Call("path_unlink_file", 3, GuestPath, 3), ErrnoSuccess)
	if b, err := os.ReadFile(filepath.Join(dir, "sub", "moved")); err != nil || string(b) != "new content" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "old")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	WantErrno(t, "readdir", g.Call("fd_readdir", 3, GuestBuffer, 4096, int64(0), GuestResult), ErrnoSuccess)
	if listing, _ := g.Mem.String(GuestBuffer, uint64(g.Result32())); !strings.Contains(listing, "sub") {
		t.Errorf("the listing %q", listing)
	}
}

func TestWasiPreopenReadOnly(t *testing.T) {
	dir := TempDir(t)
	Check(t, os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o644))
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
			Check(t, config.PreopenDir(dir, ".", perms.dir, perms.file))
			g := NewWasiGuest(t, config)
			fd, errno := g.OpenRights(3, "file", 0, RightRead)
			Want(t, "open", fd, errno, 4)
			s, errno := g.ReadAll(fd)
			Want(t, "read", s, errno, "content")
			for what, open := range map[string]func() (uint32, Errno){
				"open to write": func() (uint32, Errno) { return g.Open(3, "file", 0) },
				"cut":           func() (uint32, Errno) { return g.Open(3, "file", OflagTrunc) },
				"create":        func() (uint32, Errno) { return g.Open(3, "new", OflagCreate) },
			} {
				if fd, errno := open(); errno == ErrnoSuccess {
					if _, errno := g.Write(fd, "x"); errno == ErrnoSuccess {
						t.Errorf("%s: it worked", what)
					}
				}
			}
			g.PutPath("file")
			if errno := g.Call("path_unlink_file", 3, GuestPath, 4); errno == ErrnoSuccess {
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
	dir := TempDir(t)
	file := filepath.Join(dir, "file")
	Check(t, os.WriteFile(file, nil, 0o644))
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
	g := NewWasiGuest(t, config)
	WantErrno(t, "what the failures gave", g.Call("fd_prestat_get", 3, GuestResult), ErrnoBadf)

	// A directory that goes away between the two calls.
	gone := filepath.Join(dir, "gone")
	Check(t, os.Mkdir(gone, 0o755))
	config = NewWasiConfig()
	Check(t, config.PreopenDir(gone, "/", DIR_READ, FILE_READ))
	Check(t, os.Remove(gone))
	Insert(t, g.Store, 3, TempFile(t, "kept"), READ_ONLY)
	err := g.Store.ConfigureWasi(config)
	if err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("%T %v", err, err)
	}
	s, errno := g.Read(3, 10)
	Want(t, "read what the store had", s, errno, "kept")
}

func TestWasiSandbox(t *testing.T) {
	dir := TempDir(t)
	inner := filepath.Join(dir, "inner")
	Check(t, os.Mkdir(inner, 0o755))
	Check(t, os.WriteFile(filepath.Join(dir, "secret"), []byte("secret"), 0o644))
	if CanSymlink() {
		Check(t, os.Symlink("../secret", filepath.Join(inner, "link")))
	}
	config := NewWasiConfig()
	Check(t, config.PreopenDir(inner, "/", DIR_READ|DIR_WRITE, FILE_READ|FILE_WRITE))
	g := NewWasiGuest(t, config)
	for _, path := range []string{"../secret", "link", "/etc/passwd", "..", "a/../../secret"} {
		if fd, errno := g.OpenRights(3, path, 0, RightRead); errno == ErrnoSuccess {
			t.Errorf("%s was opened as %d", path, fd)
		}
	}
	_, errno := g.Open(3, "missing", 0)
	WantErrno(t, "open what is missing", errno, ErrnoNoent)
}

func TestWasiSeveralPreopens(t *testing.T) {
	config := NewWasiConfig()
	for _, name := range []string{"a", "b", "c"} {
		dir := TempDir(t)
		Check(t, os.WriteFile(filepath.Join(dir, "name"), []byte(name), 0o644))
		Check(t, config.PreopenDir(dir, "/"+name, DIR_READ, FILE_READ))
	}
	g := NewWasiGuest(t, config)
	for i, name := range []string{"a", "b", "c"} {
		fd, errno := g.OpenRights(uint32(3+i), "name", 0, RightRead)
		Want(t, "open", fd, errno, uint32(6+i))
		s, errno := g.ReadAll(fd)
		Want(t, "read", s, errno, name)
	}
}

func TestWasiClockAndRandom(t *testing.T) {
	g := NewWasiGuest(t, nil)
	for clock := range 2 {
		WantErrno(t, "clock", g.Call("clock_time_get", clock, int64(1), GuestResult), ErrnoSuccess)
		if g.Result64() == 0 {
			t.Errorf("clock %d is at 0", clock)
		}
	}
	WantErrno(t, "random", g.Call("random_get", GuestBuffer, 64), ErrnoSuccess)
	b := make([]byte, 64)
	g.Mem.Read(GuestBuffer, b)
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
	Check(t, linker.DefineWasi())
	module, err := NewModule(engine, guests.C("hello"))
	Check(t, err)
	defer module.Close()
	instance, err := linker.Instantiate(store, module)
	Check(t, err)
	_, err = instance.GetFunc(store, "_start").Call(store)
	if err == nil {
		t.Fatal("the guest ran")
	}
	if !errors.Is(err, ErrNoWasi) {
		t.Errorf("%T %v", err, err)
	}
}

// Goroutines may give one configuration to their stores at once. A file that it opened goes to one of them.
func TestWasiConfigInManyGoroutines(t *testing.T) {
	engine, dir := NewEngine(), TempDir(t)
	for range 20 {
		config := NewWasiConfig()
		config.SetArgv([]string{"program"})
		config.InheritEnv()
		Check(t, config.SetStdoutFile(filepath.Join(dir, "out")))
		Check(t, config.PreopenFS(os.DirFS(dir), "/dir"))
		var given, refused atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				store := NewStore(engine)
				defer store.Close()
				switch err := store.ConfigureWasi(config); {
				case err == nil:
					given.Add(1)
				case errors.Is(err, ErrClosed):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		Equal(t, "given", given.Load(), 1)
		Equal(t, "refused", refused.Load(), 7)
	}
}
