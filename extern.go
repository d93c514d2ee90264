package wasmtime

import (
	"reflect"
	"runtime"

	"github.com/gowasmtime/wasmtime/ffi"
)

// AsExtern is what can be imported: [*Func], [*Memory], [*Table], [*Global] and [*Extern].
type AsExtern interface {
	// external returns the store that the item belongs to and the item.
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

func (e *Extern) external() (*state, *ffi.Item) { return e.state, &e.item }

// Close does nothing: the store owns the item. It is there for programs written for wasmtime-go.
func (e *Extern) Close() {}

// Type returns the item's type.
func (e *Extern) Type(store Storelike) *ExternType { return externalType(store, e) }

// Func returns the item as a function, nil if it is something else.
func (e *Extern) Func() *Func {
	if e.item.Kind != ffi.ItemFunc {
		return nil
	}
	return e.state.funcOf(e.item)
}

// Global returns the item as a global, nil if it is something else.
func (e *Extern) Global() *Global {
	if e.item.Kind != ffi.ItemGlobal {
		return nil
	}
	return &Global{e.state, e.item}
}

// Memory returns the item as a memory, nil if it is something else or a shared memory.
func (e *Extern) Memory() *Memory {
	if e.item.Kind != ffi.ItemMemory {
		return nil
	}
	return &Memory{state: e.state, item: e.item}
}

// Table returns the item as a table, nil if it is something else.
func (e *Extern) Table() *Table {
	if e.item.Kind != ffi.ItemTable {
		return nil
	}
	return &Table{e.state, e.item}
}

// itemOf returns the item of what is to be imported in a store.
func itemOf(s *state, e AsExtern) (*ffi.Item, error) {
	if nilItem(e) {
		return nil, errNilItem
	}
	if f, ok := e.(*Func); ok && f.refused != nil {
		return nil, f.refused
	}
	of, item := e.external()
	if of != s {
		return nil, errorf(ErrWrongStore, "%v", ErrWrongStore)
	}
	return item, nil
}

// errNilItem is for those who use what GetExport and its like did not find.
var errNilItem = errorf(nil, "it is nil: is there an export of that name, and is it of that kind?")

// nilItem tells whether there is no item.
func nilItem(e AsExtern) bool {
	v := reflect.ValueOf(e)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

// enterItem enters the store that an item belongs to; of is nil if the item is. store has to be that store.
func enterItem(store Storelike, of *state) (s *state, outermost bool, err error) {
	s = store.storeState()
	if s != of {
		if of == nil {
			return s, false, errNilItem
		}
		return s, false, errorf(ErrWrongStore, "%v", ErrWrongStore)
	}
	outermost, err = s.Enter()
	return s, outermost, err
}

// mustEnterItem is enterItem for methods that cannot return an error.
func mustEnterItem(store Storelike, of *state) (*state, bool) {
	s, outermost, err := enterItem(store, of)
	if err != nil {
		panic(err.Error())
	}
	return s, outermost
}

// newHolder makes what holds values of a type, and at first one value: a global or a table, as kind says.
func newHolder(
	store Storelike, kind string, holds *ValType, encode func() []byte, first Val,
	create func(s ffi.Store, ty []byte, first *ffi.Val, out *ffi.Item) ffi.Error,
) (s *state, item ffi.Item, err error) {
	s = store.storeState()
	outermost, err := s.Enter()
	if err != nil {
		return nil, item, err
	}
	defer s.Leave(outermost)
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
	if nilItem(e) {
		panic(errNilItem.Error())
	}
	of, item := e.external()
	s, outermost := mustEnterItem(store, of)
	defer s.Leave(outermost)
	encoded, err := s.native.ItemType(*item)
	runtime.KeepAlive(e)
	if !err.IsNil() {
		panic(newError(err))
	}
	return (&typeReader{encoded}).external()
}
