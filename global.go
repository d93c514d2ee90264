package wasmtime

import (
	"errors"

	"github.com/gowasmtime/wasmtime/ffi"
)

// Global is a global variable. It belongs to a store. See wasmtime::Global.
type Global struct {
	state *state
	item  ffi.Item
}

// NewGlobal creates a global in the store with a value, which must have the global's type. See wasmtime::Global::new.
func NewGlobal(store Storelike, ty *GlobalType, val Val) (*Global, error) {
	if ty == nil || ty.content == nil {
		return nil, isNil[GlobalType]()
	}
	s, item, err := newHolder(store, "global", ty.content, ty.encode, val, ffi.Store.NewGlobal)
	if err != nil {
		return nil, err
	}
	return &Global{s, item}, nil
}

func (g *Global) external() (*state, *ffi.Item) {
	if g == nil {
		return nil, nil
	}
	return g.state, &g.item
}

// Type returns the global's type.
func (g *Global) Type(store Storelike) *GlobalType { return externalType(store, g).GlobalType() }

// Get returns the global's value. A reference that Go cannot hold comes as a [Val] that says no more than its kind
// and that it is not null: see there. See wasmtime::Global::get.
func (g *Global) Get(store Storelike) Val {
	s, outermost := mustEnterItem(store, g)
	defer s.Leave(outermost)
	v, failed := s.native.GlobalGet(g.item)
	if failed.IsNil() {
		val, _ := s.lift(&v)
		return val
	}
	if err := newError(failed); !errors.Is(err, ErrUnsupported) {
		panic(err)
	}
	content, err := s.native.ItemType(g.item)
	if !err.IsNil() {
		panic(newError(err))
	}
	ty := (&typeReader{content}).external().GlobalType().content
	return Val{KindOther, otherRef{ty.hierarchy(), false}}
}

// Set writes the global. An immutable global and a value of another type are errors. See wasmtime::Global::set.
func (g *Global) Set(store Storelike, val Val) error {
	s, outermost, err := enterItem(store, g)
	if err != nil {
		return err
	}
	defer s.Leave(outermost)
	lowered, err := s.lower(val)
	if err != nil {
		return err
	}
	if err := s.native.GlobalSet(g.item, &lowered); !err.IsNil() {
		return newError(err)
	}
	return nil
}
