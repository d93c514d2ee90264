package wasmtime

import (
	"cmp"
	"errors"
	"runtime"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/gowasmtime/wasmtime/ffi"
)

// Config is what an engine is made with. It is used once: making an engine of it closes it. Then its methods panic, and
// those that return an error return one that wraps [ErrClosed]. Goroutines that set it at once, or make an engine of
// it, take turns. See wasmtime::Config.
type Config struct {
	// using is held while the native configuration is used or given away.
	using   sync.Mutex
	native  ffi.Config
	cleanup runtime.Cleanup
	epochs  bool
	// guestStack is how much stack guests may use, in bytes.
	guestStack uintptr
	cache      *moduleCache
	// target is what has been set, if anything.
	target string
	// pool is the queue for the engine's pool; nil if it has none.
	pool *poolQueue
	// refused and stack say why no engine can be made with the configuration, if that is known already.
	refused, stack error
}

// NewConfig returns the default configuration.
func NewConfig() *Config {
	cfg := &Config{native: plainConfig(), guestStack: defaultGuestStack}
	cfg.cleanup = runtime.AddCleanup(cfg, func(native ffi.Config) { native.Delete() }, cfg.native)
	return cfg
}

// plainConfig is the native configuration that others begin with.
func plainConfig() ffi.Config {
	native := ffi.NewConfig()
	native.SetFlag(ffi.ConcurrencySupport, false) // which costs each call into a component as much as the call itself
	return native
}

// Close frees a configuration that no engine was made of. Closing twice does nothing.
func (cfg *Config) Close() {
	defer cfg.hold()()
	if native, err := cfg.takeLocked(); err == nil {
		native.Delete()
	}
}

// hold takes the configuration, if there is one, until the function is called that it returns.
func (cfg *Config) hold() func() {
	if cfg == nil {
		return func() {}
	}
	cfg.using.Lock()
	return cfg.using.Unlock
}

// take gives the native configuration away; it is an error that wraps ErrClosed if that has happened before.
func (cfg *Config) take() (ffi.Config, error) {
	defer cfg.hold()()
	return cfg.takeLocked()
}

func (cfg *Config) takeLocked() (ffi.Config, error) {
	native, err := cfg.tryOpen()
	if err == nil {
		cfg.cleanup.Stop()
		cfg.native = ffi.Config{}
	}
	return native, err
}

// tryOpen returns the native configuration, which is held; it is an error that wraps ErrClosed if it has been given
// away or closed.
func (cfg *Config) tryOpen() (ffi.Config, error) {
	switch {
	case cfg == nil:
		return ffi.Config{}, isNil[Config]()
	case cfg.native.IsNil():
		return ffi.Config{}, errorf(ErrClosed, "Config has already been used up")
	}
	return cfg.native, nil
}

// open is tryOpen for methods that cannot return an error.
func (cfg *Config) open() ffi.Config {
	native, err := notNil(cfg).tryOpen()
	if err != nil {
		panic(err.Error())
	}
	return native
}

// refuse makes the engine's creation fail; the first reason stays.
func (cfg *Config) refuse(format string, args ...any) {
	if cfg.refused == nil {
		cfg.refused = errorf(nil, format, args...)
	}
}

// checkText finds what the native library cannot be told: text that is not UTF-8, or that a zero byte would cut.
func checkText(s string) error {
	switch {
	case !utf8.ValidString(s):
		return errors.New("not UTF-8")
	case strings.Contains(s, "\x00"):
		return errors.New("a zero byte inside")
	}
	return nil
}

func (cfg *Config) flag(flag ffi.ConfigFlag, on bool) {
	defer cfg.hold()()
	cfg.open().SetFlag(flag, on)
	runtime.KeepAlive(cfg)
}

// choose sets something that has the numbers up to last; another makes the engine's creation fail. what is its type.
func (cfg *Config) choose(what string, n, last uint8, set func(native ffi.Config, n uint8)) {
	defer cfg.hold()()
	native := cfg.open()
	if n > last {
		cfg.refuse("%d is no %s", n, what)
		return
	}
	set(native, n)
	runtime.KeepAlive(cfg)
}

// SetDebugInfo sets whether DWARF for the compiled code is made, for native debuggers. Off by default. See
// wasmtime::Config::debug_info.
func (cfg *Config) SetDebugInfo(enabled bool) { cfg.flag(ffi.DebugInfo, enabled) }

// SetConsumeFuel sets whether guests use up fuel as they run. A store has none at first, so its guests trap at once
// before [Store.SetFuel], with [OutOfFuel] and a text that says so. Off by default. See wasmtime::Config::consume_fuel.
func (cfg *Config) SetConsumeFuel(enabled bool) { cfg.flag(ffi.ConsumeFuel, enabled) }

// SetEpochInterruption sets whether guests can be stopped by deadlines, see [Store.SetEpochDeadline], and by
// contexts, see [Func.CallContext]. A store's deadline has passed at first, so its guests are interrupted at once
// unless one of these is used. Off by default; guests that compute are about a tenth slower with it. See
// wasmtime::Config::epoch_interruption.
func (cfg *Config) SetEpochInterruption(enable bool) {
	cfg.flag(ffi.EpochInterruption, enable)
	cfg.epochs = enable
}

// SetMaxWasmStack sets how much stack guests may use, in bytes; 512 KiB by default. A size of 0 or less, or one for
// which the threads of Go have no room, makes the engine's creation fail.
//
// Guests run on the stacks of threads. Those that Go makes have 36 MiB each; on Windows and macOS, as a library of a
// program in another language, what that program's threads have by default. The main thread has what the soft limit
// (ulimit -s) was when the program started, 8 MiB on most systems, and a thread of a C program what it was made with.
//
// A call or an instantiation from outside of the store needs this size and 128 KiB more. If less is left, because the
// thread is small, or because the call comes from a host function of another store, it fails with an error that wraps
// [ErrStackTooSmall]. Four guests of up to 8 MiB fit on a thread of Go, each nested in a host function of the one
// before. Where they would not fit on the main thread, a goroutine leaves that, unless it is locked to it; a goroutine
// of this package then keeps that thread for good. See wasmtime::Config::max_wasm_stack.
func (cfg *Config) SetMaxWasmStack(size int) {
	defer cfg.hold()()
	native := cfg.open()
	n := uint64(max(size, 0))
	native.SetMaxWasmStack(uint(n))
	if fiber := n + 1<<20; fiber > 2<<20 {
		native.SetAsyncStackSize(fiber)
	}
	cfg.guestStack, cfg.stack = uintptr(n), nil
	if threads := ffi.ThreadStack(); threads < n+2*hostRoom { // twice, for what Go and the C library have of it
		cfg.stack = errorf(ErrUnsupported, "guests cannot have %d bytes of stack: the threads of this process have %d", n, threads)
	}
	runtime.KeepAlive(cfg)
}

// Strategy is a compiler.
type Strategy uint8

// The compilers.
const (
	// StrategyAuto lets Wasmtime choose: Cranelift.
	StrategyAuto Strategy = 0
	// StrategyCranelift is the optimising compiler.
	StrategyCranelift Strategy = 1
	// StrategyWinch is the single-pass compiler: it compiles several times faster than Cranelift, and what it makes
	// runs slower. It lacks some proposals, and it is not made for riscv64, where an engine with it is an error.
	StrategyWinch Strategy = 2
)

// SetStrategy sets the compiler. See wasmtime::Config::strategy.
func (cfg *Config) SetStrategy(strat Strategy) {
	cfg.choose("Strategy", uint8(strat), uint8(StrategyWinch), ffi.Config.SetStrategy)
}

// OptLevel is how hard Cranelift tries.
type OptLevel uint8

// The levels.
const (
	// OptLevelNone compiles fastest.
	OptLevelNone OptLevel = 0
	// OptLevelSpeed makes the fastest code. It is the default.
	OptLevelSpeed OptLevel = 1
	// OptLevelSpeedAndSize makes fast code that is small as well.
	OptLevelSpeedAndSize OptLevel = 2
)

// SetCraneliftOptLevel sets how hard Cranelift tries. See wasmtime::Config::cranelift_opt_level.
func (cfg *Config) SetCraneliftOptLevel(level OptLevel) {
	cfg.choose("OptLevel", uint8(level), uint8(OptLevelSpeedAndSize), ffi.Config.SetOptLevel)
}

// ProfilingStrategy is a profiler that compiled code is made known to.
type ProfilingStrategy uint8

// The profilers.
const (
	// ProfilingStrategyNone is the default.
	ProfilingStrategyNone ProfilingStrategy = 0
	// ProfilingStrategyJitdump writes a jitdump file for Linux's perf.
	ProfilingStrategyJitdump ProfilingStrategy = 1
	// ProfilingStrategyVTune is Intel VTune.
	ProfilingStrategyVTune ProfilingStrategy = 2
	// ProfilingStrategyPerfmap writes a perf map file for Linux's perf.
	ProfilingStrategyPerfmap ProfilingStrategy = 3
)

// SetProfiler sets the profiler. See wasmtime::Config::profiler.
func (cfg *Config) SetProfiler(profiler ProfilingStrategy) {
	cfg.choose("ProfilingStrategy", uint8(profiler), uint8(ProfilingStrategyPerfmap), ffi.Config.SetProfiler)
}

// SetParallelCompilation sets whether a module is compiled by several threads. On by default. See
// wasmtime::Config::parallel_compilation.
func (cfg *Config) SetParallelCompilation(enabled bool) { cfg.flag(ffi.ParallelCompilation, enabled) }

// SetCraneliftDebugVerifier sets whether Cranelift checks its own work. Off by default. See
// wasmtime::Config::cranelift_debug_verifier.
func (cfg *Config) SetCraneliftDebugVerifier(enabled bool) {
	cfg.flag(ffi.CraneliftDebugVerifier, enabled)
}

// SetCraneliftNanCanonicalization sets whether every NaN is made the same, for guests whose results must not depend
// on the machine. Off by default. See wasmtime::Config::cranelift_nan_canonicalization.
func (cfg *Config) SetCraneliftNanCanonicalization(enabled bool) {
	cfg.flag(ffi.CraneliftNanCanonicalization, enabled)
}

// EnableCraneliftFlag enables a flag of Cranelift; one that it does not know makes the engine's creation fail. See
// wasmtime::Config::cranelift_flag_enable.
func (cfg *Config) EnableCraneliftFlag(flag string) {
	defer cfg.hold()()
	native := cfg.open()
	if err := checkText(flag); err != nil {
		cfg.refuse("flag %q: %v", flag, err)
		return
	}
	native.EnableCraneliftFlag(flag)
	runtime.KeepAlive(cfg)
}

// SetCraneliftFlag sets a flag of Cranelift; one that it does not know makes the engine's creation fail. See
// wasmtime::Config::cranelift_flag_set.
func (cfg *Config) SetCraneliftFlag(name, value string) {
	defer cfg.hold()()
	native := cfg.open()
	if err := errors.Join(checkText(name), checkText(value)); err != nil {
		cfg.refuse("flag %q = %q: %v", name, value, err)
		return
	}
	native.SetCraneliftFlag(name, value)
	runtime.KeepAlive(cfg)
}

// SetTarget sets the target triple that code is made for, the host by default; the host's own features are then no
// longer detected. The library compiles for machines of the host's kind only: with a target of another kind, no engine
// can be made. See wasmtime::Config::target.
func (cfg *Config) SetTarget(target string) error {
	defer cfg.hold()()
	native, err := cfg.tryOpen()
	if err != nil {
		return err
	}
	if err := checkText(target); err != nil {
		return errorf(nil, "target %q: %v", target, err)
	}
	failed := native.SetTarget(target)
	runtime.KeepAlive(cfg)
	if !failed.IsNil() {
		return newError(failed)
	}
	cfg.target = target
	return nil
}

// CacheConfigLoad makes the engine keep compiled modules in a cache on disk, in the directory that a configuration
// file for Wasmtime's cache names. A file that is missing or wrong is an error. An entry that is damaged is compiled
// again; one that somebody made up is run: whoever can write to the directory can run any code. Its other settings
// are checked and have no effect: a directory keeps 512 MiB and 65,536 modules, and the oldest go first. See
// wasmtime::Cache::from_file.
func (cfg *Config) CacheConfigLoad(path string) error { return cfg.loadCache(&path) }

// CacheConfigLoadDefault is [Config.CacheConfigLoad] with the default configuration, which needs no file.
func (cfg *Config) CacheConfigLoadDefault() error { return cfg.loadCache(nil) }

func (cfg *Config) loadCache(path *string) error {
	defer cfg.hold()()
	if _, err := cfg.tryOpen(); err != nil {
		return err
	}
	trial := ffi.NewConfig() // says what is wrong with the file
	defer trial.Delete()
	if err := trial.LoadCacheConfig(path); !err.IsNil() {
		return newError(err)
	}
	dir, err := cacheDir(path)
	if err != nil {
		return errorf(err, "%v", err)
	}
	cfg.cache = newModuleCache(dir)
	return nil
}

// SetWasmThreads sets whether the threads proposal is enabled. On by default. See wasmtime::Config::wasm_threads.
func (cfg *Config) SetWasmThreads(enabled bool) { cfg.flag(ffi.WasmThreads, enabled) }

// SetSharedMemory sets whether memories shared between threads may be made. Off by default. See
// wasmtime::Config::shared_memory.
func (cfg *Config) SetSharedMemory(enabled bool) { cfg.flag(ffi.SharedMemory, enabled) }

// SetWasmTailCall sets whether tail calls are enabled. On by default. See wasmtime::Config::wasm_tail_call.
func (cfg *Config) SetWasmTailCall(enabled bool) { cfg.flag(ffi.WasmTailCall, enabled) }

// SetWasmReferenceTypes sets whether reference types are enabled. On by default. See
// wasmtime::Config::wasm_reference_types.
func (cfg *Config) SetWasmReferenceTypes(enabled bool) { cfg.flag(ffi.WasmReferenceTypes, enabled) }

// SetWasmFunctionReferences sets whether typed function references are enabled. On by default. See
// wasmtime::Config::wasm_function_references.
func (cfg *Config) SetWasmFunctionReferences(enabled bool) {
	cfg.flag(ffi.WasmFunctionReferences, enabled)
}

// SetWasmGC sets whether the GC proposal is enabled. On by default. See wasmtime::Config::wasm_gc.
func (cfg *Config) SetWasmGC(enabled bool) { cfg.flag(ffi.WasmGC, enabled) }

// SetGCSupport sets whether the runtime has a garbage collector at all; without one there are no externrefs. On by
// default. See wasmtime::Config::gc_support.
func (cfg *Config) SetGCSupport(enabled bool) { cfg.flag(ffi.GCSupport, enabled) }

// SetWasmSIMD sets whether vectors are enabled. On by default; to switch it off, relaxed SIMD has to be off. See
// wasmtime::Config::wasm_simd.
func (cfg *Config) SetWasmSIMD(enabled bool) { cfg.flag(ffi.WasmSIMD, enabled) }

// SetWasmRelaxedSIMD sets whether relaxed SIMD is enabled. On by default. See wasmtime::Config::wasm_relaxed_simd.
func (cfg *Config) SetWasmRelaxedSIMD(enabled bool) { cfg.flag(ffi.WasmRelaxedSIMD, enabled) }

// SetWasmRelaxedSIMDDeterministic sets whether relaxed SIMD gives the same results on every machine. Off by default.
// See wasmtime::Config::relaxed_simd_deterministic.
func (cfg *Config) SetWasmRelaxedSIMDDeterministic(enabled bool) {
	cfg.flag(ffi.WasmRelaxedSIMDDeterministic, enabled)
}

// SetWasmBulkMemory sets whether bulk memory operations are enabled. On by default. See
// wasmtime::Config::wasm_bulk_memory.
func (cfg *Config) SetWasmBulkMemory(enabled bool) { cfg.flag(ffi.WasmBulkMemory, enabled) }

// SetWasmMultiValue sets whether functions may have several results. On by default. See
// wasmtime::Config::wasm_multi_value.
func (cfg *Config) SetWasmMultiValue(enabled bool) { cfg.flag(ffi.WasmMultiValue, enabled) }

// SetWasmMultiMemory sets whether modules may have several memories. On by default. See
// wasmtime::Config::wasm_multi_memory.
func (cfg *Config) SetWasmMultiMemory(enabled bool) { cfg.flag(ffi.WasmMultiMemory, enabled) }

// SetWasmMemory64 sets whether 64-bit memories are enabled. On by default. See wasmtime::Config::wasm_memory64.
func (cfg *Config) SetWasmMemory64(enabled bool) { cfg.flag(ffi.WasmMemory64, enabled) }

// SetWasmWideArithmetic sets whether wide arithmetic is enabled. Off by default. See
// wasmtime::Config::wasm_wide_arithmetic.
func (cfg *Config) SetWasmWideArithmetic(enabled bool) { cfg.flag(ffi.WasmWideArithmetic, enabled) }

// SetWasmExceptions sets whether exceptions are enabled. On by default. See wasmtime::Config::wasm_exceptions.
func (cfg *Config) SetWasmExceptions(enabled bool) { cfg.flag(ffi.WasmExceptions, enabled) }

// SetWasmCustomPageSizes sets whether memories may have pages of another size than 64 KiB. Off by default. See
// wasmtime::Config::wasm_custom_page_sizes.
func (cfg *Config) SetWasmCustomPageSizes(enabled bool) { cfg.flag(ffi.WasmCustomPageSizes, enabled) }

// SetWasmExtendedConst sets whether constant expressions may compute. On by default. See
// wasmtime::Config::wasm_extended_const.
func (cfg *Config) SetWasmExtendedConst(enabled bool) { cfg.flag(ffi.WasmExtendedConst, enabled) }

// SetWasmComponentModel sets whether components are enabled, see package component: it has no effect on modules. On by
// default. See wasmtime::Config::wasm_component_model.
func (cfg *Config) SetWasmComponentModel(enabled bool) { cfg.flag(ffi.WasmComponentModel, enabled) }

// SetWasmComponentModelMap sets whether components may have map types. Off by default. See
// wasmtime::Config::wasm_component_model_map.
func (cfg *Config) SetWasmComponentModelMap(enabled bool) {
	cfg.flag(ffi.WasmComponentModelMap, enabled)
}

// SetWasmComponentModelFixedLengthLists sets whether components may have lists of a fixed length. Off by default. See
// wasmtime::Config::wasm_component_model_fixed_length_lists.
func (cfg *Config) SetWasmComponentModelFixedLengthLists(enabled bool) {
	cfg.flag(ffi.WasmComponentModelFixedLengthLists, enabled)
}

// SetWasmComponentModelImplements sets whether a component may import or export several instances of one interface,
// each under a name of its own that says which interface it implements. Off by default. See
// wasmtime::Config::wasm_component_model_implements.
func (cfg *Config) SetWasmComponentModelImplements(enabled bool) {
	cfg.flag(ffi.WasmComponentModelImplements, enabled)
}

// SetWasmComponentModelMemory64 sets whether components may use 64-bit memories, which also takes
// [Config.SetWasmMemory64]. Off by default. Components pass each other all values through such memories, but not the
// host: a function whose values are in one can neither be looked up nor, if the host is to provide it, be linked, and a
// resource that is represented by 64 bits cannot be compiled; the errors wrap [ErrUnsupported]. See
// wasmtime::Config::wasm_component_model_memory64.
func (cfg *Config) SetWasmComponentModelMemory64(enabled bool) {
	cfg.flag(ffi.WasmComponentModelMemory64, enabled)
}

// SetConcurrencySupport sets whether components may use the async features of the component model: without, one that
// does is not valid. Off by default, other than in Wasmtime, since it makes calls into all components slower. Compiled
// code is for engines with the same setting, that of modules too: with what the command wasmtime compiles, set it on.
// See wasmtime::Config::concurrency_support.
func (cfg *Config) SetConcurrencySupport(enabled bool) { cfg.flag(ffi.ConcurrencySupport, enabled) }

// SetWasmBranchHinting sets whether the compiler looks at what a module says of how likely its branches are. Off by
// default. See wasmtime::Config::wasm_branch_hinting.
func (cfg *Config) SetWasmBranchHinting(enabled bool) { cfg.flag(ffi.WasmBranchHinting, enabled) }

// SetSignalsBasedTraps sets whether accesses beyond a memory's end, divisions by zero and the like are found by the
// machine, which raises a signal for them; otherwise the compiled code checks for them itself, and is slower. On by
// default. See wasmtime::Config::signals_based_traps.
func (cfg *Config) SetSignalsBasedTraps(enabled bool) { cfg.flag(ffi.SignalsBasedTraps, enabled) }

// SetMemoryInitCOWSet sets whether a memory's data is mapped copy-on-write instead of copied, which makes instantiation
// fast. On by default. See wasmtime::Config::memory_init_cow.
func (cfg *Config) SetMemoryInitCOWSet(enabled bool) { cfg.flag(ffi.MemoryInitCOW, enabled) }

// SetMemoryMayMove sets whether a memory that outgrows its reservation may move; otherwise it cannot grow beyond it.
// On by default. See wasmtime::Config::memory_may_move.
func (cfg *Config) SetMemoryMayMove(enabled bool) { cfg.flag(ffi.MemoryMayMove, enabled) }

// SetMemoryReservation sets the address space that a memory reserves, in bytes; 4 GiB by default on 64-bit machines.
// See wasmtime::Config::memory_reservation.
func (cfg *Config) SetMemoryReservation(bytes uint64) {
	defer cfg.hold()()
	cfg.open().SetMemoryReservation(bytes)
	runtime.KeepAlive(cfg)
}

// SetMemoryGuardSize sets the size of the guard region behind a memory, in bytes. See
// wasmtime::Config::memory_guard_size.
func (cfg *Config) SetMemoryGuardSize(bytes uint64) {
	defer cfg.hold()()
	cfg.open().SetMemoryGuardSize(bytes)
	runtime.KeepAlive(cfg)
}

// SetMemoryReservationForGrowth sets what a memory that moves reserves beyond its new size, in bytes. See
// wasmtime::Config::memory_reservation_for_growth.
func (cfg *Config) SetMemoryReservationForGrowth(bytes uint64) {
	defer cfg.hold()()
	cfg.open().SetMemoryReservationForGrowth(bytes)
	runtime.KeepAlive(cfg)
}

// SetNativeUnwindInfo sets whether unwind tables for the compiled code are made. See
// wasmtime::Config::native_unwind_info.
func (cfg *Config) SetNativeUnwindInfo(enabled bool) { cfg.flag(ffi.NativeUnwindInfo, enabled) }

// SetMacOSUseMachPorts sets whether traps on macOS are caught with Mach ports; otherwise, and by default here, with
// signals, which Go's runtime needs. See wasmtime::Config::macos_use_mach_ports.
func (cfg *Config) SetMacOSUseMachPorts(enabled bool) { cfg.flag(ffi.MacOSUseMachPorts, enabled) }

// PoolingConfig says how large the pools of a pooling allocator are. A field of 0 keeps the default of Wasmtime. The
// pools are address space, not memory: pages count when they are touched. See wasmtime::PoolingAllocationConfig.
type PoolingConfig struct {
	// MaxInstances is the number of instances that can live at once, of all stores of the engine; memories, tables,
	// GC heaps and stacks are as many unless fields below say otherwise. Those of components count apart, and so does
	// each instance of a module that a component is made of, often two or three. One more is an error, or waits, see
	// [Config.SetPooling].
	MaxInstances uint32
	// MaxMemorySize is the largest size of a memory in bytes.
	MaxMemorySize uint64
	// MaxTableElements is the largest size of a table.
	MaxTableElements uint64
	// MaxMemoriesPerModule and MaxTablesPerModule are how many memories and tables one module may define. No module
	// has more than 100 of either; above 10,000 memories no engine can be made, since closing a module goes through
	// all that it might have.
	MaxMemoriesPerModule, MaxTablesPerModule uint32
	// KeepResident is how many bytes of a memory and of a table stay in place between two uses of a slot, cleared by
	// hand. It saves page faults and costs clearing: the best size is what a guest usually touches.
	KeepResident uint64
	// TableKeepResident is the same for tables only, in place of KeepResident unless it is 0.
	TableKeepResident uint64
	// MaxMemories, MaxTables and MaxGCHeaps are how many of these can live at once, of all stores of the engine; as
	// many as MaxInstances where they are 0.
	MaxMemories, MaxTables, MaxGCHeaps uint32
	// MaxInstanceSize is how many bytes an instance may take besides its memories and tables. A module of which they
	// would be more cannot be compiled.
	MaxInstanceSize uint64
	// DecommitBatchSize is how many slots that are not used any more are given back to the system at once.
	DecommitBatchSize uint64
	// MaxUnusedWarmSlots is how many unused slots are kept as they are, ready for the module that used them last.
	MaxUnusedWarmSlots uint32
}

// PoolingPreset is a pooling configuration for servers that run many short-lived instances: 1,000 at once, memories
// up to 4 GiB each, 128 KiB of each kept resident. An instance has its place until its store is closed. A store that
// nobody can reach gives its places back when somebody finds none: that takes a garbage collection, so Close is
// cheaper.
func PoolingPreset() PoolingConfig {
	return PoolingConfig{
		MaxInstances:       1000,
		MaxMemorySize:      4 << 30,
		MaxTableElements:   20000,
		KeepResident:       128 << 10,
		MaxUnusedWarmSlots: 100,
	}
}

// maxMemoriesPerModule is far beyond what a module can have, and keeps Module.Close below a millisecond.
const maxMemoriesPerModule = 10_000

// SetPooling makes the engine take instances, memories and tables from pools instead of mapping them anew, which is
// several times faster. [PoolingPreset] is a good start. See wasmtime::InstanceAllocationStrategy::Pooling.
//
// When all places are taken, an instantiation fails with an error that wraps [ErrPoolFull]. One with a context that can
// end, such as [InstancePre.InstantiateContext], waits instead until stores of the engine are closed, first come, first
// served; if its context ends before, the error wraps both what ended that and ErrPoolFull. The place that it gets is
// free again when its store is closed. An instantiation without a context does not wait for those that do.
//
// One for which no place can become free fails at once, with ErrPoolFull: because all stores that have places are its
// own, those of host functions that it is part of, and those of others that wait. One that lacks an import fails at
// once, too, with the error that says so. A module or a component that takes more than the pool has is refused when it
// is compiled or loaded.
func (cfg *Config) SetPooling(p PoolingConfig) {
	defer cfg.hold()()
	native := cfg.open()
	if p.MaxMemoriesPerModule > maxMemoriesPerModule {
		cfg.refuse("a module of the pool cannot have %d memories; the most is %d",
			p.MaxMemoriesPerModule, maxMemoriesPerModule)
	}
	cfg.pool = new(poolQueue)
	const all = 1000 // of everything, if nobody has given a number: Wasmtime's own
	instances := cmp.Or(p.MaxInstances, all)
	memories, tables := cmp.Or(p.MaxMemories, instances), cmp.Or(p.MaxTables, instances)
	native.SetPooling(ffi.Pooling{
		TotalCoreInstances:      instances,
		TotalComponentInstances: instances,
		TotalMemories:           memories,
		TotalTables:             tables,
		TotalGCHeaps:            cmp.Or(p.MaxGCHeaps, instances),
		TotalStacks:             instances,
		MaxUnusedWarmSlots:      p.MaxUnusedWarmSlots,
		// What needs more than there is would wait for it for ever. So it is refused when it is compiled or loaded.
		MaxMemoriesPerModule:     min(p.MaxMemoriesPerModule, memories),
		MaxTablesPerModule:       min(p.MaxTablesPerModule, tables),
		MaxInstancesPerComponent: instances,
		MaxMemoriesPerComponent:  memories,
		MaxTablesPerComponent:    tables,
		MaxMemorySize:            p.MaxMemorySize,
		TableElements:            p.MaxTableElements,
		LinearMemoryKeepResident: p.KeepResident,
		TableKeepResident:        cmp.Or(p.TableKeepResident, p.KeepResident),
		MaxCoreInstanceSize:      p.MaxInstanceSize,
		DecommitBatchSize:        p.DecommitBatchSize,
	})
	runtime.KeepAlive(cfg)
}
