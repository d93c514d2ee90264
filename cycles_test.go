package wasmtime_test

import (
	"context"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// plugin is the usual shape of a program: one object with the guest and all that the guest may call.
type plugin struct {
	payload  *Payload
	engine   *Engine
	linker   *Linker
	pre      *InstancePre
	store    *Store
	instance *Instance
	run      *TypedFunc0[int32]
	calls    int
}

func (p *plugin) call() int32                                { p.calls++; return int32(len(p.payload.Bytes)) }
func (p *plugin) typed(*Caller) (int32, error)               { return p.call(), nil }
func (p *plugin) vals(*Caller, []Val) ([]Val, *Trap)         { return []Val{ValI32(p.call())}, nil }
func (p *plugin) Read(b []byte) (int, error)                 { b[0] = byte(p.call()); return 1, nil }
func (p *plugin) Write(b []byte) (int, error)                { p.call(); return len(b), nil }
func (p *plugin) now() time.Time                             { return time.Unix(int64(p.call()), 0) }
func (p *plugin) since() time.Duration                       { return time.Duration(p.call()) }
func (p *plugin) allowed(netip.AddrPort, SocketAddrUse) bool { return p.call() > 0 }

func (p *plugin) Open(name string) (fs.File, error) {
	p.call()
	return fstest.MapFS{"file": {Data: []byte("text")}}.Open(name)
}

const pluginWat = `(module (import "p" "f" (func $f (result i32))) (func (export "run") (result i32) (call $f)))`

// wasiPluginWat calls what needs no plugin of its own: it reads the standard input, writes the standard output, and
// opens a file below the first preopened directory, as far as there are such.
const wasiPluginWat = `(module
	(import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "path_open"
		(func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
	(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
	(memory (export "memory") 1)
	(data (i32.const 0) "\10\00\00\00\01\00\00\00")
	(data (i32.const 32) "file")
	(func (export "run") (result i32)
		(drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
		(drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
		(drop (call $open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 4) (i32.const 0) (i64.const 2)
			(i64.const 0) (i32.const 0) (i32.const 8)))
		(drop (call $clock (i32.const 0) (i64.const 1) (i32.const 16)))
		(drop (call $clock (i32.const 1) (i64.const 1) (i32.const 16)))
		(drop (call $random (i32.const 16) (i32.const 4)))
		(i32.const 64)))`

// begin instantiates the plugin's module with its linker, or with an InstancePre.
func (p *plugin) begin(t *testing.T, wat string) {
	p.instance = Must(p.linker.Instantiate(p.store, Compile(t, p.engine, wat)))
	p.run = Must(Bind0[int32](p.store, p.instance.GetFunc(p.store, "run")))
}

// cycles are the ways in which a plugin is held by what belongs to it. Each is given a store and a linker.
var cycles = map[string]func(t *testing.T, p *plugin){
	"FuncWrap": func(t *testing.T, p *plugin) {
		Check(t, p.linker.FuncWrap("p", "f", p.call))
		p.begin(t, pluginWat)
	},
	"FuncNew": func(t *testing.T, p *plugin) {
		Check(t, p.linker.FuncNew("p", "f", NewFuncType(nil, []*ValType{NewValType(KindI32)}), p.vals))
		p.begin(t, pluginWat)
	},
	"DefineHost": func(t *testing.T, p *plugin) {
		Check(t, p.linker.DefineHost("p", "f", HostFunc0(p.typed)))
		p.begin(t, pluginWat)
	},
	"a closed linker": func(t *testing.T, p *plugin) {
		Check(t, p.linker.FuncWrap("p", "f", p.call))
		p.begin(t, pluginWat)
		p.linker.Close()
	},
	"a lost linker": func(t *testing.T, p *plugin) {
		Check(t, p.linker.FuncWrap("p", "f", p.call))
		p.begin(t, pluginWat)
		p.linker = nil
	},
	"InstancePre": func(t *testing.T, p *plugin) {
		Check(t, p.linker.FuncWrap("p", "f", p.call))
		p.pre = Must(p.linker.InstantiatePre(Compile(t, p.engine, pluginWat)))
		p.linker = nil
		p.instance = Must(p.pre.Instantiate(p.store))
		p.run = Must(Bind0[int32](p.store, p.instance.GetFunc(p.store, "run")))
	},
	"Linker.Get": func(t *testing.T, p *plugin) {
		Check(t, p.linker.FuncWrap("p", "f", p.call))
		p.run = Must(Bind0[int32](p.store, p.linker.Get(p.store, "p", "f").Func()))
		p.linker = nil
	},
	"GetDefault": func(t *testing.T, p *plugin) {
		Check(t, p.linker.FuncWrap("p", "", p.call))
		p.run = Must(Bind0[int32](p.store, Must(p.linker.GetDefault(p.store, "p"))))
		p.linker = nil
	},
	"DefineModule": func(t *testing.T, p *plugin) {
		Check(t, p.linker.FuncWrap("p", "f", p.call))
		Check(t, p.linker.DefineModule(p.store, "m", Compile(t, p.engine, pluginWat)))
		p.run = Must(Bind0[int32](p.store, p.linker.Get(p.store, "m", "run").Func()))
		p.linker = nil
	},
	"several linkers": func(t *testing.T, p *plugin) {
		for range 3 {
			p.linker = NewLinker(p.engine)
			Check(t, p.linker.FuncWrap("p", "f", p.call))
			p.begin(t, pluginWat)
			p.linker = nil
		}
	},
	"a function that is called by none": func(t *testing.T, p *plugin) {
		Check(t, p.linker.FuncWrap("p", "f", p.call))
		Check(t, p.linker.FuncWrap("p", "g", p.call))
		p.begin(t, pluginWat)
	},
	"reader and writer": func(t *testing.T, p *plugin) {
		Check(t, p.linker.DefineWasi())
		p.store.SetWasi(NewWasiConfig())
		Check(t, p.store.InsertReader(0, p))
		Check(t, p.store.InsertWriter(1, p))
		p.begin(t, wasiPluginWat)
	},
	"standard streams": func(t *testing.T, p *plugin) {
		Check(t, p.linker.DefineWasi())
		config := NewWasiConfig()
		config.SetStdin(p)
		config.SetStdout(p)
		p.store.SetWasi(config)
		p.begin(t, wasiPluginWat)
	},
	"a file system": func(t *testing.T, p *plugin) {
		Check(t, p.linker.DefineWasi())
		p.store.SetWasi(NewWasiConfig())
		Check(t, p.store.InsertFS(3, p, "/"))
		p.begin(t, wasiPluginWat)
	},
	"a preopened file system": func(t *testing.T, p *plugin) {
		Check(t, p.linker.DefineWasi())
		config := NewWasiConfig()
		Check(t, config.PreopenFS(p, "/"))
		p.store.SetWasi(config)
		p.begin(t, wasiPluginWat)
	},
	"the system": func(t *testing.T, p *plugin) {
		Check(t, p.linker.DefineWasi())
		config := NewWasiConfig()
		config.SetWallClock(p.now, time.Second)
		config.SetMonotonicClock(p.since, time.Second)
		config.SetSecureRandom(p)
		config.SetInsecureRandom(p)
		config.SetSocketAddrCheck(p.allowed)
		p.store.SetWasi(config)
		p.begin(t, wasiPluginWat)
	},
}

var _ = io.Reader(&plugin{})

// collectedSoon collects garbage until a condition holds that a cleanup brings about.
func collectedSoon(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 200 {
		if done() {
			return
		}
		runtime.GC()
	}
	t.Errorf("%s: not collected", what)
}

// What belongs to a store may lead back to it: all of it is collected together, and works as long as any of it is
// there.
func TestCyclesAreCollected(t *testing.T) {
	for name, makeCycle := range cycles {
		t.Run(name, func(t *testing.T) {
			var gone atomic.Int32
			engine := NewEngine()
			begin := func() *plugin {
				p := &plugin{payload: Tracked(&gone), engine: engine, linker: NewLinker(engine), store: NewStore(engine)}
				makeCycle(t, p)
				return p
			}
			func() {
				for range 3 {
					Equal(t, "run", Must(begin().run.Call()), 64)
				}
				p := begin()
				Check(t, ErrorOf(p.run.CallContext(context.Background())))
				p.store.Close()
			}()
			collectedSoon(t, "plugins", func() bool { return gone.Load() == 4 })

			// The typed function leads to the store, and that to the rest.
			run := begin().run
			for range 3 {
				runtime.GC()
				Equal(t, "run", Must(run.Call()), 64)
			}
			Equal(t, "collected too early", gone.Load(), 4)
			runtime.KeepAlive(run)
		})
	}
}

// A linker, or an InstancePre, that is alive keeps its functions when all stores are gone.
func TestLinkersKeepTheirFunctions(t *testing.T) {
	var gone atomic.Int32
	engine := NewEngine()
	linker := NewLinker(engine)
	p := &plugin{payload: Tracked(&gone), engine: engine}
	Check(t, linker.FuncWrap("p", "f", p.call))
	p = nil
	pre := Must(linker.InstantiatePre(Compile(t, engine, pluginWat)))
	run := func() {
		store := NewStore(engine)
		instance := Must(pre.Instantiate(store))
		Equal(t, "run", Call(t, store, instance, "run"), any(int32(64)))
	}
	for range 3 {
		run()
		runtime.GC()
	}
	linker.Close()
	linker = nil
	for range 3 {
		runtime.GC()
		run()
	}
	Equal(t, "collected too early", gone.Load(), 0)
	pre = nil
	collectedSoon(t, "the functions of a linker", func() bool { return gone.Load() == 1 })
}

// A store in which things of many linkers are does not keep more of them than there are.
func TestLinkersThatAreReplacedAreFreed(t *testing.T) {
	var gone atomic.Int32
	engine := NewEngine()
	linker := NewLinker(engine)
	linker.AllowShadowing(true)
	for range 100 {
		p := &plugin{payload: Tracked(&gone)}
		Check(t, linker.FuncWrap("p", "f", p.call))
	}
	collectedSoon(t, "functions that were replaced", func() bool { return gone.Load() == 99 })
	store := NewStore(engine)
	defer store.Close()
	module := Compile(t, engine, pluginWat)
	for range 3 {
		Equal(t, "run", Call(t, store, Must(linker.Instantiate(store, module)), "run"), any(int32(64)))
		runtime.GC()
	}
	Equal(t, "collected too early", gone.Load(), 99)
}

// closing counts how often it is closed.
type closing struct {
	net.Conn
	closed *atomic.Int32
}

func (c closing) Close() error { c.closed.Add(1); return c.Conn.Close() }

// What is closed with its store is closed when the store is collected, too: garbage as it is by then.
func TestWhatALostStoreOwnsIsClosed(t *testing.T) {
	engine := NewEngine()
	var closed atomic.Int32
	func() {
		store := NewStore(engine)
		store.SetWasi(NewWasiConfig())
		here, there := net.Pipe()
		t.Cleanup(func() { there.Close() })
		Check(t, ErrorOf(store.PushConn(closing{here, &closed})))
	}()
	collectedSoon(t, "a connection", func() bool { return closed.Load() == 1 })
}
