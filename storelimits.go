package wasmtime

import (
	"math"
	"runtime"
)

// Limits are what instances of a store may use. A field that is 0 leaves its limit at the default; to allow nothing at
// all of a kind takes [Store.Limiter]. See wasmtime::StoreLimitsBuilder.
//
// A guest that asks for more than a limit of sizes gets what WebAssembly has for it: memory.grow and table.grow return
// -1, and an instantiation that needs more at once is an [*Error].
type Limits struct {
	// MemorySize is the most bytes that each memory may have. The default is what the memory's own type, the engine and
	// the machine allow. All memories together have no limit but Memories times this.
	MemorySize uint64
	// TableElements is the most elements that each table may have. The default is what the table's own type allows.
	TableElements uint64
	// Instances is how many instances there may be in the store, of all modules; 10,000 by default.
	Instances uint64
	// Tables is how many tables there may be in the store; 10,000 by default.
	Tables uint64
	// Memories is how many memories there may be in the store; 10,000 by default.
	Memories uint64
}

// SetLimits limits what instances of the store may use from now on, in place of all limits that were set before, by
// this or by [Store.Limiter]. What is there already stays, and counts. It panics if the store is closed, or in use by
// another goroutine.
func (store *Store) SetLimits(limits Limits) {
	limit := func(n uint64) int64 {
		if n == 0 {
			return -1
		}
		return int64(min(n, math.MaxInt64))
	}
	store.Limiter(limit(limits.MemorySize), limit(limits.TableElements),
		limit(limits.Instances), limit(limits.Tables), limit(limits.Memories))
}

// SetMaxResources sets how many descriptors a guest can have before it may not open more; 1,024 at first, as many as
// Linux lets a process have. Each file, directory or connection that a guest opens takes a descriptor of this
// process, too.
//
// Standard streams and preopened directories count, and so does what is inserted, which is never refused. A guest
// that opens a file or accepts a connection beyond that gets EMFILE; what is open stays open. It may be set at any
// time, also before [Store.SetWasi]. What it is called in the command wasmtime is -S max-resources. See
// wasmtime::component::ResourceTable::set_max_capacity.
func (store *Store) SetMaxResources(n uint64) {
	s := store.state
	outermost := s.mustEnter()
	defer s.Leave(outermost)
	if err := s.native.SetMaxResources(n); !err.IsNil() {
		panic(newError(err))
	}
	runtime.KeepAlive(store)
}

// SetHostcallFuel sets how many bytes a WASI call may make the host copy or keep; 128 MiB at first. A guest whose
// call would take more gets ENOMEM. What it reads and writes is not copied, and does not count. A component may pass so
// many in one call of the host, and return so many from one of its own: more is an error of package component.
//
// The listings of directories that a guest reads are kept as long as it has the directories open: 24 bytes and the
// name for each entry of a directory of the host, 32 bytes and the name in a file system that Go serves. All of the
// store together may take as much as one call, those of the host and those that Go serves each for themselves. See
// wasmtime::Store::set_hostcall_fuel.
func (store *Store) SetHostcallFuel(bytes uint64) {
	s := store.state
	outermost := s.mustEnter()
	defer s.Leave(outermost)
	s.native.SetHostcallFuel(bytes)
	s.belongings().shelf.LimitListings(bytes)
	runtime.KeepAlive(store)
}
