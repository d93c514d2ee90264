package wasmtime

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/gowasmtime/wasmtime/ffi"
)

// AsExtern is what can be imported: [*Func], [*Memory], [*Table], [*Global] and [*Extern].
type AsExtern interface {
	// external returns the store that the item belongs to and the item; nil if there is none.
	external() (*state, *ffi.Item)
}

// Extern is something that was exported, of any kind. It belongs to a store.
type Extern struct {
	state *state
	item  ffi.Item
}

// own makes the Extern let go of what its item owns, a share in a shared memory, when it is collected.
func (e *Extern) own() *Extern {
	if e.item.Kind == ffi.ItemSharedMemory {
		runtime.AddCleanup(e, func(item ffi.Item) { item.Delete() }, e.item.Own())
	}
	return e
}

func (e *Extern) external() (*state, *ffi.Item) {
	if e == nil {
		return nil, nil
	}
	return e.state, &e.item
}

// is tells whether there is an item, and of this kind.
func (e *Extern) is(kind ffi.ItemKind) bool { return e != nil && e.state != nil && e.item.Kind == kind }

// Close does nothing: the store owns the item. It is there for programs written for wasmtime-go.
func (e *Extern) Close() {}

// Type returns the item's type.
func (e *Extern) Type(store Storelike) *ExternType { return externalType(store, e) }

// Func returns the item as a function, nil if it is something else, or e is nil.
func (e *Extern) Func() *Func {
	if !e.is(ffi.ItemFunc) {
		return nil
	}
	return e.state.funcOf(e.item)
}

// Global returns the item as a global, nil if it is something else, or e is nil.
func (e *Extern) Global() *Global {
	if !e.is(ffi.ItemGlobal) {
		return nil
	}
	return &Global{e.state, e.item}
}

// Memory returns the item as a memory, nil if it is something else or a shared memory, or e is nil.
func (e *Extern) Memory() *Memory {
	if !e.is(ffi.ItemMemory) {
		return nil
	}
	return &Memory{state: e.state, item: e.item}
}

// Table returns the item as a table, nil if it is something else, or e is nil.
func (e *Extern) Table() *Table {
	if !e.is(ffi.ItemTable) {
		return nil
	}
	return &Table{e.state, e.item}
}

// itemOf returns the item of what is to be imported in a store.
func itemOf(s *state, e AsExtern) (*ffi.Item, error) {
	of, item := externalOf(e)
	if of == nil {
		return nil, noItem(e)
	}
	if f, ok := e.(*Func); ok && f.refused != nil {
		return nil, f.refused
	}
	if of != s {
		return nil, errorf(ErrWrongStore, "%v", ErrWrongStore)
	}
	return item, nil
}

// externalOf returns the store that an item belongs to and the item; nil if there is none.
func externalOf(e AsExtern) (*state, *ffi.Item) {
	if e == nil {
		return nil, nil
	}
	return e.external()
}

// noItem is the error about an item when externalOf returns nil: for those who use what GetExport and its like did not
// find.
func noItem(e AsExtern) *Error {
	what := "AsExtern"
	if e != nil {
		what = strings.Replace(fmt.Sprintf("%T", e), "wasmtime.", "", 1)
	}
	return errorf(ErrClosed, "nil %s: is there an export of that name, and is it of that kind?", what)
}

// enterItem enters the store that an item belongs to, which store has to be.
func enterItem(store Storelike, item AsExtern) (s *state, outermost bool, err error) {
	of, _ := externalOf(item)
	if of == nil {
		return nil, false, noItem(item)
	}
	return enterOwned(store, of)
}

// enterOwned enters the store that something belongs to, which store has to be.
func enterOwned(store Storelike, of *state) (s *state, outermost bool, err error) {
	if s = stateOf(store); s != nil && s != of {
		return nil, false, errorf(ErrWrongStore, "%v", ErrWrongStore)
	}
	return enter(store)
}

// mustEnterItem is enterItem for methods that cannot return an error.
func mustEnterItem(store Storelike, item AsExtern) (*state, bool) {
	of, _ := externalOf(item)
	if of == nil {
		panicNil(noItem(item))
	}
	return mustEnterOwned(store, of)
}

// mustEnterOwned is enterOwned for methods that cannot return an error.
func mustEnterOwned(store Storelike, of *state) (*state, bool) {
	if s := stateOf(store); s != nil && s != of {
		panic(ErrWrongStore.Error())
	}
	return mustEnter(store)
}

// newHolder makes what holds values of a type, and at first one value: a global or a table, as kind says.
func newHolder(
	store Storelike, kind string, holds *ValType, encode func() []byte, first Val,
	create func(s ffi.Store, ty []byte, first *ffi.Val, out *ffi.Item) ffi.Error,
) (s *state, item ffi.Item, err error) {
	s, outermost, err := enter(store)
	if err != nil {
		return nil, item, err
	}
	defer s.Leave(outermost)
	s.slot.takeMore() // perhaps a GC heap
	if holds.concrete() {
		return nil, item, errorf(ErrUnsupported, "a %s of the type %v, which a module defines: %v", kind, holds.text(), ErrUnsupported)
	}
	lowered, err := s.lower(first)
	if err != nil {
		return nil, item, err
	}
	if err := create(s.made(), encode(), &lowered, &item); !err.IsNil() {
		return nil, item, s.Failure(ffi.Trap{}, err)
	}
	return s, item, nil
}

func externalType(store Storelike, e AsExtern) *ExternType {
	s, outermost := mustEnterItem(store, e)
	defer s.Leave(outermost)
	_, item := e.external()
	encoded, err := s.native.ItemType(*item)
	runtime.KeepAlive(e)
	if !err.IsNil() {
		panic(newError(err))
	}
	return (&typeReader{encoded}).external()
}
