package wasmtime

import "github.com/gowasmtime/wasmtime/ffi"

// Table is a table of references. It belongs to a store. See wasmtime::Table.
type Table struct {
	state *state
	item  ffi.Item
}

// NewTable creates a table in the store, every element init, which must have the type of the elements. See
// wasmtime::Table::new.
func NewTable(store Storelike, ty *TableType, init Val) (*Table, error) {
	if ty == nil || ty.element == nil {
		return nil, isNil[TableType]()
	}
	s, item, err := newHolder(store, "table", ty.element, ty.encode, init, ffi.Store.NewTable)
	if err != nil {
		return nil, err
	}
	return &Table{s, item}, nil
}

func (t *Table) external() (*state, *ffi.Item) {
	if t == nil {
		return nil, nil
	}
	return t.state, &t.item
}

// Type returns the table's type.
func (t *Table) Type(store Storelike) *TableType { return externalType(store, t).TableType() }

// Size returns the number of elements.
func (t *Table) Size(store Storelike) uint64 {
	s, outermost := mustEnterItem(store, t)
	defer s.Leave(outermost)
	return s.native.TableSize(t.item)
}

// Get returns the element at idx. An index out of bounds is an error, and so is an element that Go cannot hold, which
// wraps [ErrUnsupported]: see [Val]. See wasmtime::Table::get.
func (t *Table) Get(store Storelike, idx uint64) (Val, error) {
	s, outermost, err := enterItem(store, t)
	if err != nil {
		return Val{}, err
	}
	defer s.Leave(outermost)
	v, found, nerr := s.native.TableGet(t.item, idx)
	switch {
	case !nerr.IsNil():
		return Val{}, newError(nerr)
	case !found:
		return Val{}, errorf(nil, "index out of bounds")
	}
	return s.lift(&v)
}

// Set replaces the element at idx. An index out of bounds and a value of another type are errors. See
// wasmtime::Table::set.
func (t *Table) Set(store Storelike, idx uint64, val Val) error {
	s, outermost, err := enterItem(store, t)
	if err != nil {
		return err
	}
	defer s.Leave(outermost)
	lowered, err := s.lower(val)
	if err != nil {
		return err
	}
	if err := s.native.TableSet(t.item, idx, &lowered); !err.IsNil() {
		return newError(err)
	}
	return nil
}

// Grow adds delta elements, each of them init, and returns the size before. Growth beyond a limit is an [*Error] and
// changes nothing. See wasmtime::Table::grow.
func (t *Table) Grow(store Storelike, delta uint64, init Val) (uint64, error) {
	s, outermost, err := enterItem(store, t)
	if err != nil {
		return 0, err
	}
	defer s.Leave(outermost)
	lowered, err := s.lower(init)
	if err != nil {
		return 0, err
	}
	previous, failed := s.native.TableGrow(t.item, delta, &lowered)
	if !failed.IsNil() {
		return 0, s.Failure(ffi.Trap{}, failed)
	}
	return previous, nil
}
