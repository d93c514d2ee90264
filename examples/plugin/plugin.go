package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/gowasmtime/wasmtime"
)

// What a request may use of memory, in bytes, and of time.
const (
	maxMemory = 64 << 20
	maxTime   = 2 * time.Second
)

// errNoMemory is for a plugin that has no address to tell: its malloc returned 0, since maxMemory is used up.
var errNoMemory = fmt.Errorf("the plugin has reached its limit of %d MiB of memory", maxMemory>>20)

// Host is what plugins run in.
type Host struct {
	engine *wasmtime.Engine
	linker *wasmtime.Linker
}

// NewHost makes a host whose plugins can ask for the settings.
func NewHost(settings map[string]string) (*Host, error) {
	config := wasmtime.NewConfig()
	config.SetEpochInterruption(true) // so that contexts stop guests
	pool := wasmtime.PoolingPreset()
	pool.MaxInstances, pool.MaxMemorySize = 100, maxMemory
	config.SetPooling(pool)
	engine, err := wasmtime.TryNewEngine(config)
	if err != nil {
		return nil, err
	}
	linker := wasmtime.NewLinker(engine)
	// The guest says where the name is, and where it has room for the value. It is told how many bytes there are now.
	setting := func(c *wasmtime.Caller, name, nameLen, buffer, room uint32) (uint32, error) {
		key, ok := c.Memory().String(uint64(name), uint64(nameLen))
		value := settings[key]
		value = value[:min(len(value), int(room))]
		if !ok || !c.Memory().WriteString(uint64(buffer), value) {
			return 0, wasmtime.ErrOutOfBounds
		}
		return uint32(len(value)), nil
	}
	err = errors.Join(
		linker.DefineWasi(), // what runtimes of languages import
		linker.DefineHost("host", "setting", wasmtime.HostFunc4(setting)),
	)
	if err != nil {
		engine.Close()
		return nil, err
	}
	return &Host{engine, linker}, nil
}

// Plugin is a plugin of any number of requests at once, each in an instance of its own.
type Plugin struct {
	host *Host
	pre  atomic.Pointer[wasmtime.InstancePre]
}

// Load makes a plugin of a module in the binary format.
func (h *Host) Load(wasm []byte) (*Plugin, error) {
	p := &Plugin{host: h}
	return p, p.Reload(wasm)
}

// Reload makes it another plugin: for the requests that follow, while those that have begun go on with the old one. On
// an error it stays what it was.
func (p *Plugin) Reload(wasm []byte) error {
	module, err := wasmtime.NewModule(p.host.engine, wasm)
	if err != nil {
		return err
	}
	defer module.Close()
	pre, err := p.host.linker.InstantiatePre(module) // an import that the host has not is an error here
	if err != nil {
		return err
	}
	p.pre.Store(pre) // nobody closes the old one: somebody may be about to instantiate it
	return nil
}

// Call serves a request: it calls one of the plugin's functions with bytes, and returns the bytes of its answer.
func (p *Plugin) Call(ctx context.Context, function string, argument []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	store := wasmtime.NewStore(p.host.engine)
	defer store.Close() // gives the instance's place back
	store.SetLimits(wasmtime.Limits{MemorySize: maxMemory})
	store.SetWasi(wasmtime.NewWasiConfig()) // no files, no arguments, no output
	instance, err := p.pre.Load().InstantiateReactorContext(ctx, store)
	if err != nil {
		return nil, err
	}
	return exchange(ctx, store, instance, function, argument)
}

// exchange puts the argument where the plugin's alloc says, and takes the answer from where the function says.
func exchange(ctx context.Context, store *wasmtime.Store, plugin *wasmtime.Instance, function string, argument []byte,
) ([]byte, error) {
	memory := plugin.GetMemory(store, "memory")
	alloc, err := wasmtime.Bind1[uint32, uint32](store, plugin.GetFunc(store, "alloc"))
	if err != nil {
		return nil, fmt.Errorf("alloc: %w", err)
	}
	call, err := wasmtime.Bind2[uint32, uint32, uint64](store, plugin.GetFunc(store, function))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", function, err)
	}
	at, err := alloc.CallContext(ctx, uint32(len(argument)))
	if err != nil {
		return nil, err
	}
	if at == 0 {
		return nil, errNoMemory
	}
	if err := memory.Write(store, uint64(at), argument); err != nil {
		return nil, err
	}
	answer, err := call.CallContext(ctx, at, uint32(len(argument)))
	if err != nil {
		return nil, err
	}
	if answer>>32 == 0 && answer != 0 { // an empty answer may have no address
		return nil, errNoMemory
	}
	return memory.ReadBytes(store, answer>>32, answer&math.MaxUint32)
}
