package wasmtime

import (
	"runtime"

	"github.com/gowasmtime/wasmtime/ffi"
)

// SetMemoryInitCOWSet sets whether a memory's data is mapped copy-on-write instead of copied, which makes instantiation
// fast. On by default. See wasmtime::Config::memory_init_cow.
func (cfg *Config) SetMemoryInitCOWSet(enabled bool) { cfg.flag(ffi.MemoryInitCOW, enabled) }

// SetMemoryMayMove sets whether a memory that outgrows its reservation may move; otherwise it cannot grow beyond it. On by
// default. See wasmtime::Config::memory_may_move.
func (cfg *Config) SetMemoryMayMove(enabled bool) { cfg.flag(ffi.MemoryMayMove, enabled) }

// SetMemoryReservation sets the address space that a memory reserves, in bytes; 4 GiB by default on 64-bit machines. See
// wasmtime::Config::memory_reservation.
func (cfg *Config) SetMemoryReservation(bytes uint64) {
	cfg.open().SetMemoryReservation(bytes)
	runtime.KeepAlive(cfg)
}

// SetMemoryGuardSize sets the size of the guard region behind a memory, in bytes. See wasmtime::Config::memory_guard_size.
func (cfg *Config) SetMemoryGuardSize(bytes uint64) {
	cfg.open().SetMemoryGuardSize(bytes)
	runtime.KeepAlive(cfg)
}

// SetMemoryReservationForGrowth sets what a memory that moves reserves beyond its new size, in bytes. See
// wasmtime::Config::memory_reservation_for_growth.
func (cfg *Config) SetMemoryReservationForGrowth(bytes uint64) {
	cfg.open().SetMemoryReservationForGrowth(bytes)
	runtime.KeepAlive(cfg)
}

// SetNativeUnwindInfo sets whether unwind tables for the compiled code are made. See wasmtime::Config::native_unwind_info.
func (cfg *Config) SetNativeUnwindInfo(enabled bool) { cfg.flag(ffi.NativeUnwindInfo, enabled) }

// SetMacOSUseMachPorts sets whether traps on macOS are caught with Mach ports; otherwise, and by default here, with signals,
// which Go's runtime needs. See wasmtime::Config::macos_use_mach_ports.
func (cfg *Config) SetMacOSUseMachPorts(enabled bool) { cfg.flag(ffi.MacOSUseMachPorts, enabled) }

// PoolingConfig says how large the pools of a pooling allocator are. A field of 0 keeps the default of Wasmtime. The pools
// are address space, not memory: pages count when they are touched. See wasmtime::PoolingAllocationConfig.
type PoolingConfig struct {
	// MaxInstances is the number of instances that can live at once, of all stores of the engine; memories, tables, GC heaps
	// and stacks are as many. One more is an error.
	MaxInstances uint32
	// MaxMemorySize is the largest size of a memory in bytes.
	MaxMemorySize uint64
	// MaxTableElements is the largest size of a table.
	MaxTableElements uint64
	// MaxMemoriesPerModule and MaxTablesPerModule are how many memories and tables one module may define. No module has more
	// than 100 of either; above 10,000 memories no engine can be made, since closing a module goes through all that it might have.
	MaxMemoriesPerModule, MaxTablesPerModule uint32
	// KeepResident is how many bytes of a memory and of a table stay in place between two uses of a slot, cleared by hand.
	// It saves page faults and costs clearing: the best size is what a guest usually touches.
	KeepResident uint64
	// MaxUnusedWarmSlots is how many unused slots are kept as they are, ready for the module that used them last.
	MaxUnusedWarmSlots uint32
}

// PoolingPreset is a pooling configuration for servers that run many short-lived instances: 1,000 at once, memories up to
// 4 GiB each, 128 KiB of each kept resident. An instance has its place until its store is closed; the garbage collector does
// not know that places are short.
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

// SetPooling makes the engine take instances, memories and tables from pools instead of mapping them anew, which is several
// times faster. [PoolingPreset] is a good start. See wasmtime::InstanceAllocationStrategy::Pooling.
func (cfg *Config) SetPooling(p PoolingConfig) {
	if p.MaxMemoriesPerModule > maxMemoriesPerModule {
		cfg.refuse("a module of the pool cannot have %d memories; the most is %d", p.MaxMemoriesPerModule, maxMemoriesPerModule)
	}
	cfg.open().SetPooling(ffi.Pooling{
		TotalCoreInstances:       p.MaxInstances,
		TotalMemories:            p.MaxInstances,
		TotalTables:              p.MaxInstances,
		TotalGCHeaps:             p.MaxInstances,
		TotalStacks:              p.MaxInstances,
		MaxUnusedWarmSlots:       p.MaxUnusedWarmSlots,
		MaxMemoriesPerModule:     p.MaxMemoriesPerModule,
		MaxTablesPerModule:       p.MaxTablesPerModule,
		MaxMemorySize:            p.MaxMemorySize,
		TableElements:            p.MaxTableElements,
		LinearMemoryKeepResident: p.KeepResident,
		TableKeepResident:        p.KeepResident,
	})
	runtime.KeepAlive(cfg)
}
