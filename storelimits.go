package wasmtime

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/served"
)

// Limits are what instances of a store may use. A field that is 0 leaves its limit at the default; to allow nothing at
// all of a kind takes [Store.Limiter]. See wasmtime::StoreLimitsBuilder.
//
// A guest that asks for more than a limit of sizes gets what WebAssembly has for it: memory.grow and table.grow return
// -1, and an instantiation that needs more at once is an [*Error].
type Limits struct {
	// MemorySize is the most bytes that each memory may have. The default is what the memory's own type, the engine and
	// the machine allow.
	MemorySize uint64
	// TotalMemory is the most bytes that all memories of the store may have together, those included that [NewMemory]
	// makes, and the heap of the store's garbage collector. By default there is no limit but Memories times MemorySize.
	// Shared memories belong to no store and are not counted. What the modules of a component have taken that could not
	// be instantiated as a whole counts until the store is closed.
	TotalMemory uint64
	// TableElements is the most elements that each table may have. The default is what the table's own type allows.
	TableElements uint64
	// Instances is how many instances there may be in the store, of all modules; 10,000 by default.
	Instances uint64
	// Tables is how many tables there may be in the store; 10,000 by default.
	Tables uint64
	// Memories is how many memories there may be in the store; 10,000 by default.
	Memories uint64

	// OnRefusal, if it is not nil, is called whenever one of these limits refuses something, and learns which: the
	// guest itself sees no more than a failure. What a memory's or table's own type, the engine's pool or the machine
	// refuses is not told.
	//
	// It is called on the goroutine that runs the guest, in the middle of its instruction or of an instantiation. A
	// guest may ask for too much over and over, so it should be quick. It must not use the store, which refuses that
	// with [ErrConcurrentUse]. A panic ends the guest and comes out of the call that runs it, as that of a host
	// function does.
	OnRefusal func(Refusal)
}

// Refusal is what a limit of a store has refused.
type Refusal struct {
	// Reason says which limit it was.
	Reason RefusalReason
	// Wanted is how much there was to be with what was asked for: bytes, elements, or a number.
	Wanted uint64
	// Limit is how much there may be.
	Limit uint64
}

// RefusalReason says which of [Limits] has refused something.
type RefusalReason uint32

// The limits that refuse.
const (
	// RefusedMemorySize: a memory was to have more bytes than [Limits] allows each.
	RefusedMemorySize RefusalReason = RefusalReason(ffi.LimitMemorySize)
	// RefusedTotalMemory: all memories together were to have more bytes than they may.
	RefusedTotalMemory RefusalReason = RefusalReason(ffi.LimitTotalMemory)
	// RefusedTableElements: a table was to have more elements than each may have.
	RefusedTableElements RefusalReason = RefusalReason(ffi.LimitTableElements)
	// RefusedInstances: there was to be one more instance than there may be.
	RefusedInstances RefusalReason = RefusalReason(ffi.LimitInstances)
	// RefusedTables: the tables of an instance were too many.
	RefusedTables RefusalReason = RefusalReason(ffi.LimitTables)
	// RefusedMemories: the memories of an instance were too many.
	RefusedMemories RefusalReason = RefusalReason(ffi.LimitMemories)
)

var refusalReasons = [...]string{"", "memory size", "total memory", "table elements", "instances", "tables", "memories"}

// String returns words such as "total memory".
func (r RefusalReason) String() string {
	if r > 0 && int(r) < len(refusalReasons) {
		return refusalReasons[r]
	}
	return fmt.Sprintf("RefusalReason(%d)", uint32(r))
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
	store.setLimits(ffi.Limits{
		MemorySize:    limit(limits.MemorySize),
		TableElements: limit(limits.TableElements),
		Instances:     limit(limits.Instances),
		Tables:        limit(limits.Tables),
		Memories:      limit(limits.Memories),
		TotalMemory:   limit(limits.TotalMemory),
	}, limits.OnRefusal)
}

// Limiter limits what instances of the store may use from now on: bytes for each memory, elements for each table, and
// the numbers of instances, tables and memories. A negative number leaves a limit at its default. Limits that were set
// before, by this or by [Store.SetLimits], are gone. See wasmtime::StoreLimitsBuilder.
func (store *Store) Limiter(memorySize, tableElements, instances, tables, memories int64) {
	store.setLimits(ffi.Limits{
		MemorySize:    memorySize,
		TableElements: tableElements,
		Instances:     instances,
		Tables:        tables,
		Memories:      memories,
		TotalMemory:   -1,
	}, nil)
}

// setLimits sets all limits. refused, which may be nil, hears of what they refuse.
func (store *Store) setLimits(limits ffi.Limits, refused func(Refusal)) {
	s, outermost := mustEnter(store)
	defer s.Leave(outermost)
	if refused != nil || s.more != nil {
		s.belongings().refused = refused
	}
	limits.Tell = refused != nil
	s.native.Limit(limits)
}

// onRefusal hears of what the limits of a store have refused.
func onRefusal(data uintptr, limit ffi.LimitKind, wanted, most uint64) (failed ffi.Error) {
	s := entered.get(data)
	refused, stopped := s.more.refused, false
	served.Call(s.slot, func(context.Context) {
		refused(Refusal{RefusalReason(limit), wanted, most})
	}, func() { stopped = true })
	if stopped {
		failed = ffi.NewError(errPanicked.Error())
	}
	return failed
}

// SetMaxResources sets how many descriptors a guest can have before it may not open more; 1,024 at first, as many as
// Linux lets a process have. Each file, directory or connection that a guest opens takes a descriptor of this
// process, too.
//
// Standard streams and preopened directories count, and so does what is inserted, which is never refused. A guest
// that opens a file or accepts a connection beyond that gets EMFILE; what is open stays open. A component has as many
// again, of which listings of directories, sockets and look-ups of names take one each; it hears quota or
// new-socket-limit. It may have as many pollables besides, those that Go has made included, once a limit is set here,
// and otherwise 65,536: what needs one more ends it, with an error that wraps component.ErrTooManyHandles.
//
// It may be set at any time, also before [Store.SetWasi]. What it is called in the command wasmtime is -S
// max-resources. See wasmtime::component::ResourceTable::set_max_capacity.
func (store *Store) SetMaxResources(n uint64) {
	s, outermost := mustEnter(store)
	defer s.Leave(outermost)
	if err := s.made().SetMaxResources(n); !err.IsNil() {
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
	s, outermost := mustEnter(store)
	defer s.Leave(outermost)
	s.made().SetHostcallFuel(bytes)
	s.belongings().shelf.LimitListings(bytes)
	runtime.KeepAlive(store)
}
