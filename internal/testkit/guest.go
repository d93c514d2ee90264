package testkit

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/gowasmtime/wasmtime"
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

// Where the wrapper guest keeps things in its memory: the vector of the one buffer that reads and writes use, results
// of calls, paths, and the buffer.
const (
	GuestIovec  = 0
	GuestResult = 16
	GuestPath   = 1024
	GuestPath2  = 1 << 14 // the second path of a call
	GuestBuffer = 1 << 16
	GuestPages  = 33                     // two MiB behind GuestBuffer
	GuestRoom   = (GuestPages - 1) << 16 // the buffer's size
)

// WrapperWat is a guest that exports every WASI function as one of its own, under the same name.
func WrapperWat() string {
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
	return fmt.Sprintf("(module\n%s(memory (export \"memory\") %d)\n%s)", &imports, GuestPages, &funcs)
}

// WrapperCode is the wrapper guest as NewModuleDeserialize takes it: compiled once, loaded by each test.
var WrapperCode = sync.OnceValues(func() ([]byte, error) {
	wasm, err := wasmtime.Wat2Wasm(WrapperWat())
	if err != nil {
		return nil, err
	}
	engine := wasmtime.NewEngine()
	defer engine.Close()
	module, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		return nil, err
	}
	defer module.Close()
	return module.Serialize()
})

// WasiGuest is a store with the wrapper guest, driven from Go one WASI call at a time. Its methods make one call each,
// and put what is not a number into the guest's memory before. A call that does not return, because of a trap say,
// fails the test.
type WasiGuest struct {
	// TB is the test that fails.
	TB       testing.TB
	Store    *wasmtime.Store
	Instance *wasmtime.Instance
	// Mem is the guest's memory.
	Mem *wasmtime.MemoryView
	// Ctx is the context of the guest's calls; none at first.
	Ctx context.Context
}

// Context is the context of the guest's calls.
func (g *WasiGuest) Context() context.Context {
	if g.Ctx == nil {
		return context.Background()
	}
	return g.Ctx
}

// NewWasiGuest makes a guest with a configuration, or with an empty one for nil. It is closed with the test.
func NewWasiGuest(t testing.TB, config *wasmtime.WasiConfig) *WasiGuest {
	t.Helper()
	code, err := WrapperCode()
	if err != nil {
		t.Fatal(err)
	}
	engine := wasmtime.NewEngine()
	t.Cleanup(engine.Close)
	module, err := wasmtime.NewModuleDeserialize(engine, code)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(module.Close)
	return NewGuestOf(t, engine, module, config)
}

// NewGuestOf makes a guest of the compiled wrapper guest.
func NewGuestOf(t testing.TB, engine *wasmtime.Engine, module *wasmtime.Module, config *wasmtime.WasiConfig) *WasiGuest {
	t.Helper()
	linker := wasmtime.NewLinker(engine)
	defer linker.Close()
	if err := linker.DefineWasi(); err != nil {
		t.Fatal(err)
	}
	// Windows removes no open file. A test's folder goes last when it is asked for first.
	TempDir(t)
	store := wasmtime.NewStore(engine)
	t.Cleanup(store.Close)
	if config == nil {
		config = wasmtime.NewWasiConfig()
	}
	store.SetWasi(config)
	instance, err := linker.Instantiate(store, module)
	if err != nil {
		t.Fatal(err)
	}
	return WasiGuestOf(t, store, instance)
}

// WasiGuestOf drives an instance of the wrapper guest that there is already.
func WasiGuestOf(t testing.TB, store *wasmtime.Store, instance *wasmtime.Instance) *WasiGuest {
	return &WasiGuest{TB: t, Store: store, Instance: instance, Mem: instance.GetMemory(store, "memory").View(store)}
}

// Call calls a WASI function by its name.
func (g *WasiGuest) Call(name string, args ...any) Errno {
	result, err := g.Instance.GetFunc(g.Store, name).CallContext(g.Context(), g.Store, args...)
	if err != nil {
		g.TB.Errorf("%s: %v", name, err)
		return ^Errno(0)
	}
	return Errno(result.(int32))
}

// Fdstat is what fd_fdstat_get tells.
type Fdstat struct {
	Filetype byte
	Flags    uint16
	Rights   uint64
}

// Filestat is what fd_filestat_get tells.
type Filestat struct {
	Device, Inode      uint64
	Filetype           byte
	Links, Size        uint64
	Access, Mod, State uint64
}

// Want fails the test, and lets it go on, if a call of the guest has an error or another result than is wanted.
func Want[T comparable](t testing.TB, what string, got T, errno Errno, wanted T) {
	t.Helper()
	if errno != ErrnoSuccess || got != wanted {
		t.Errorf("%s: %#v and errno %d, want %#v", what, got, errno, wanted)
	}
}

// WantErrno fails the test, and lets it go on, if a call of the guest has another error number than is wanted.
func WantErrno(t testing.TB, what string, errno, wanted Errno) {
	t.Helper()
	if errno != wanted {
		t.Errorf("%s: errno %d, want %d", what, errno, wanted)
	}
}

// ErrnoOf is the error number of a call that has a result as well.
func ErrnoOf[T any](_ T, errno Errno) Errno { return errno }

// NewCancellableGuest is NewWasiGuest with an empty configuration and an engine whose guests can be interrupted.
func NewCancellableGuest(t testing.TB) *WasiGuest {
	t.Helper()
	engine := EngineWith(t, WithEpochs)
	wasm, err := wasmtime.Wat2Wasm(WrapperWat())
	if err != nil {
		t.Fatal(err)
	}
	module, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(module.Close)
	g := NewGuestOf(t, engine, module, nil)
	g.Store.SetEpochDeadline(1 << 40)
	return g
}
