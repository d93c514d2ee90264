package wasmtime_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"testing"

	. "github.com/gowasmtime/wasmtime"
)

// wasiSignatures are the parameters of the WASI 0.1 functions that tests call: i for i32, I for i64.
var wasiSignatures = map[string]string{
	"args_get": "ii", "args_sizes_get": "ii", "environ_get": "ii", "environ_sizes_get": "ii",
	"clock_res_get": "ii", "clock_time_get": "iIi", "random_get": "ii", "sched_yield": "",
	"fd_advise": "iIIi", "fd_allocate": "iII", "fd_close": "i", "fd_datasync": "i", "fd_sync": "i",
	"fd_fdstat_get": "ii", "fd_fdstat_set_flags": "ii", "fd_filestat_get": "ii", "fd_filestat_set_size": "iI",
	"fd_filestat_set_times": "iIIi", "fd_pread": "iiiIi", "fd_pwrite": "iiiIi", "fd_read": "iiii", "fd_write": "iiii",
	"fd_prestat_get": "ii", "fd_prestat_dir_name": "iii", "fd_readdir": "iiiIi", "fd_renumber": "ii",
	"fd_seek": "iIii", "fd_tell": "ii", "path_create_directory": "iii", "path_filestat_get": "iiiii",
	"path_open": "iiiiiIIii", "path_rename": "iiiiii", "path_unlink_file": "iii", "poll_oneoff": "iiii",
	"sock_accept": "iii", "sock_recv": "iiiiii", "sock_send": "iiiii", "sock_shutdown": "ii",
	"path_filestat_set_times": "iiiiIIi", "path_link": "iiiiiii", "path_readlink": "iiiiii",
	"path_remove_directory": "iii", "path_symlink": "iiiii",
}

// wasiErrno is an error number of WASI 0.1.
type wasiErrno uint32

const (
	errnoSuccess wasiErrno = 0
	errnoAgain   wasiErrno = 6
	errnoBadf    wasiErrno = 8
	errnoReset   wasiErrno = 15
	errnoInval   wasiErrno = 28
	errnoNoent   wasiErrno = 44
	errnoNotconn wasiErrno = 53
	errnoNotdir  wasiErrno = 54
	errnoNotsock wasiErrno = 57
	errnoPerm    wasiErrno = 63
	errnoPipe    wasiErrno = 64
	errnoSpipe   wasiErrno = 70
)

// File types and flags of WASI 0.1.
const (
	filetypeUnknown   = 0
	filetypeCharacter = 2
	filetypeDirectory = 3
	filetypeRegular   = 4
	filetypeStream    = 6

	fdflagAppend   = 1
	fdflagNonblock = 4

	rightRead     = 1 << 1
	rightSeek     = 1 << 2
	rightWrite    = 1 << 6
	rightAllocate = 1 << 8

	oflagCreate = 1
	oflagTrunc  = 8
)

// Where the wrapper guest keeps things in its memory.
const (
	guestIovec  = 0
	guestResult = 16
	guestPath   = 1024
	guestBuffer = 1 << 16
	guestPages  = 33 // two MiB behind guestBuffer
	guestRoom   = (guestPages - 1) << 16
)

// wrapperWat is a guest that exports every WASI function as one of its own, under the same name.
func wrapperWat() string {
	var imports, funcs strings.Builder
	for name, signature := range wasiSignatures {
		params, args := "", ""
		for i, kind := range signature {
			ty := "i32"
			if kind == 'I' {
				ty = "i64"
			}
			params += " " + ty
			args += fmt.Sprintf(" (local.get %d)", i)
		}
		if params != "" {
			params = "(param" + params + ")"
		}
		fmt.Fprintf(&imports, "(import \"wasi_snapshot_preview1\" %q (func $%s %s (result i32)))\n", name, name, params)
		fmt.Fprintf(&funcs, "(func (export %q) %s (result i32) (call $%s%s))\n", name, params, name, args)
	}
	return fmt.Sprintf("(module\n%s(memory (export \"memory\") %d)\n%s)", &imports, guestPages, &funcs)
}

// wrapperCode is the compiled wrapper guest: compiled once, loaded by each test.
var wrapperCode = sync.OnceValues(func() ([]byte, error) {
	wasm, err := Wat2Wasm(wrapperWat())
	if err != nil {
		return nil, err
	}
	engine := NewEngine()
	defer engine.Close()
	module, err := NewModule(engine, wasm)
	if err != nil {
		return nil, err
	}
	defer module.Close()
	return module.Serialize()
})

// wasiGuest is a store with the wrapper guest, driven from Go one WASI call at a time.
type wasiGuest struct {
	t        testing.TB
	store    *Store
	instance *Instance
	mem      *MemoryView
	// ctx is the context of the guest's calls; none at first.
	ctx context.Context
}

func (g *wasiGuest) context() context.Context {
	if g.ctx == nil {
		return context.Background()
	}
	return g.ctx
}

// newWasiGuest makes a guest with a configuration, or with an empty one for nil. It is closed with the test.
func newWasiGuest(t testing.TB, config *WasiConfig) *wasiGuest {
	t.Helper()
	code, err := wrapperCode()
	if err != nil {
		t.Fatal(err)
	}
	engine := NewEngine()
	t.Cleanup(engine.Close)
	module, err := NewModuleDeserialize(engine, code)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(module.Close)
	return newGuestOf(t, engine, module, config)
}

func newGuestOf(t testing.TB, engine *Engine, module *Module, config *WasiConfig) *wasiGuest {
	t.Helper()
	linker := NewLinker(engine)
	defer linker.Close()
	if err := linker.DefineWasi(); err != nil {
		t.Fatal(err)
	}
	// Windows removes no open file. A test's folder goes last when it is asked for first.
	tempDir(t)
	store := NewStore(engine)
	t.Cleanup(store.Close)
	if config == nil {
		config = NewWasiConfig()
	}
	store.SetWasi(config)
	instance, err := linker.Instantiate(store, module)
	if err != nil {
		t.Fatal(err)
	}
	g := &wasiGuest{t: t, store: store, instance: instance}
	g.mem = instance.GetMemory(store, "memory").View(store)
	return g
}

// call calls a WASI function.
func (g *wasiGuest) call(name string, args ...any) wasiErrno {
	result, err := g.instance.GetFunc(g.store, name).CallContext(g.context(), g.store, args...)
	if err != nil {
		g.t.Errorf("%s: %v", name, err)
		return ^wasiErrno(0)
	}
	return wasiErrno(result.(int32))
}

// iovec sets the one buffer that reads and writes use.
func (g *wasiGuest) iovec(n int) {
	if n > guestRoom {
		panic("the guest's buffer is too small")
	}
	g.mem.PutUint32(guestIovec, guestBuffer)
	g.mem.PutUint32(guestIovec+4, uint32(n))
}

// transferred is the content of the buffer after a read.
func (g *wasiGuest) transferred(errno wasiErrno) (string, wasiErrno) {
	if errno != errnoSuccess {
		return "", errno
	}
	s, ok := g.mem.String(guestBuffer, uint64(g.result32()))
	if !ok {
		g.t.Error("more than the buffer was read")
	}
	return s, errno
}

func (g *wasiGuest) result32() uint32 { n, _ := g.mem.Uint32(guestResult); return n }
func (g *wasiGuest) result64() uint64 { n, _ := g.mem.Uint64(guestResult); return n }

func (g *wasiGuest) read(fd uint32, n int) (string, wasiErrno) {
	g.iovec(n)
	return g.transferred(g.call("fd_read", int(fd), guestIovec, 1, guestResult))
}

func (g *wasiGuest) pread(fd uint32, n int, offset int64) (string, wasiErrno) {
	g.iovec(n)
	return g.transferred(g.call("fd_pread", int(fd), guestIovec, 1, offset, guestResult))
}

func (g *wasiGuest) write(fd uint32, s string) (int, wasiErrno) {
	g.iovec(len(s))
	g.mem.Write(guestBuffer, []byte(s))
	errno := g.call("fd_write", int(fd), guestIovec, 1, guestResult)
	return int(g.result32()), errno
}

func (g *wasiGuest) pwrite(fd uint32, s string, offset int64) (int, wasiErrno) {
	g.iovec(len(s))
	g.mem.Write(guestBuffer, []byte(s))
	errno := g.call("fd_pwrite", int(fd), guestIovec, 1, offset, guestResult)
	return int(g.result32()), errno
}

// readAll reads to the end.
func (g *wasiGuest) readAll(fd uint32) (string, wasiErrno) {
	var all strings.Builder
	for {
		s, errno := g.read(fd, guestRoom)
		if errno != errnoSuccess || s == "" {
			return all.String(), errno
		}
		all.WriteString(s)
	}
}

func (g *wasiGuest) seek(fd uint32, offset int64, whence int) (int64, wasiErrno) {
	errno := g.call("fd_seek", int(fd), offset, whence, guestResult)
	return int64(g.result64()), errno
}

func (g *wasiGuest) tell(fd uint32) (int64, wasiErrno) {
	errno := g.call("fd_tell", int(fd), guestResult)
	return int64(g.result64()), errno
}

func (g *wasiGuest) accept(fd uint32, flags int) (uint32, wasiErrno) {
	errno := g.call("sock_accept", int(fd), flags, guestResult)
	return g.result32(), errno
}

func (g *wasiGuest) recv(fd uint32, n, flags int) (string, wasiErrno) {
	g.iovec(n)
	return g.transferred(g.call("sock_recv", int(fd), guestIovec, 1, flags, guestResult, guestResult+8))
}

func (g *wasiGuest) send(fd uint32, s string) (int, wasiErrno) {
	g.iovec(len(s))
	g.mem.Write(guestBuffer, []byte(s))
	errno := g.call("sock_send", int(fd), guestIovec, 1, 0, guestResult)
	return int(g.result32()), errno
}

func (g *wasiGuest) setFlags(fd uint32, flags int) wasiErrno {
	return g.call("fd_fdstat_set_flags", int(fd), flags)
}

func (g *wasiGuest) close(fd uint32) wasiErrno { return g.call("fd_close", int(fd)) }

// isOpen tells whether the guest has the descriptor.
func (g *wasiGuest) isOpen(fd uint32) bool {
	_, errno := g.fdstat(fd)
	return errno == errnoSuccess
}

// guestFdstat is what fd_fdstat_get tells.
type guestFdstat struct {
	filetype byte
	flags    uint16
	rights   uint64
}

func (g *wasiGuest) fdstat(fd uint32) (guestFdstat, wasiErrno) {
	errno := g.call("fd_fdstat_get", int(fd), guestResult)
	b := make([]byte, 24)
	g.mem.Read(guestResult, b)
	return guestFdstat{b[0], binary.LittleEndian.Uint16(b[2:]), binary.LittleEndian.Uint64(b[8:])}, errno
}

// guestFilestat is what fd_filestat_get tells.
type guestFilestat struct {
	device, inode      uint64
	filetype           byte
	links, size        uint64
	access, mod, state uint64
}

func (g *wasiGuest) filestat(fd uint32) (guestFilestat, wasiErrno) {
	errno := g.call("fd_filestat_get", int(fd), guestResult)
	b := make([]byte, 64)
	g.mem.Read(guestResult, b)
	u := func(at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }
	return guestFilestat{u(0), u(8), b[16], u(24), u(32), u(40), u(48), u(56)}, errno
}

func (g *wasiGuest) putPath(path string) { g.mem.Write(guestPath, []byte(path)) }

// open opens a path below a directory, for reading and writing.
func (g *wasiGuest) open(dir uint32, path string, oflags int) (uint32, wasiErrno) {
	return g.openRights(dir, path, oflags, rightRead|rightWrite|rightSeek)
}

func (g *wasiGuest) openRights(dir uint32, path string, oflags int, rights int64) (uint32, wasiErrno) {
	g.putPath(path)
	errno := g.call("path_open", int(dir), 0, guestPath, len(path), oflags, rights, int64(0), 0, guestResult)
	return g.result32(), errno
}

// poll waits until a descriptor can be read or the time in nanoseconds is over; 0 is no time limit. It returns the events'
// types and, for the descriptor, bytes and hang-up.
func (g *wasiGuest) pollRead(fd uint32, timeout uint64) (kinds []byte, bytes uint64, hangup bool) {
	const subscriptions, events = guestBuffer, guestBuffer + 4096
	sub := make([]byte, 96)
	sub[8] = 1 // fd_read
	binary.LittleEndian.PutUint32(sub[16:], fd)
	count := 1
	if timeout > 0 {
		binary.LittleEndian.PutUint32(sub[48+16:], 1) // monotonic
		binary.LittleEndian.PutUint64(sub[48+24:], timeout)
		count = 2
	}
	g.mem.Write(subscriptions, sub)
	if errno := g.call("poll_oneoff", subscriptions, events, count, guestResult); errno != errnoSuccess {
		g.t.Errorf("poll_oneoff: errno %d", errno)
		return nil, 0, false
	}
	happened := make([]byte, 32*g.result32())
	g.mem.Read(events, happened)
	for ; len(happened) > 0; happened = happened[32:] {
		kinds = append(kinds, happened[10])
		if happened[10] == 1 {
			bytes = binary.LittleEndian.Uint64(happened[16:])
			hangup = happened[24]&1 != 0
		}
	}
	return kinds, bytes, hangup
}
