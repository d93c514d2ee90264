package wasmtime

import (
	"unsafe"

	"github.com/gowasmtime/wasmtime/ffi"
)

// NewFunc makes a host function of a signature that is known only at run time. f gets its arguments as values of the
// parameters' types and returns values of the results' types; anything else is a panic. A *Trap that it returns, or a panic,
// ends the guest. [WrapFunc] and [HostFunc2] read better where the signature is known. See wasmtime::Func::new.
func NewFunc(store Storelike, ty *FuncType, f func(*Caller, []Val) ([]Val, *Trap)) *Func {
	s := store.storeState()
	return s.addHost(newHostFunc(ty, f))
}

func newHostFunc(ty *FuncType, f func(*Caller, []Val) ([]Val, *Trap)) *hostFunc {
	plain := ty.plain()
	return &hostFunc{ty, func(c *Caller, slots unsafe.Pointer) error {
		results, trap := f(c, liftArgs(c.state, ty.params, slots, plain))
		if trap != nil {
			return trap
		}
		if len(results) != len(ty.results) {
			panic("callback didn't produce the correct number of results")
		}
		for i, t := range ty.results {
			if results[i].kind != t.kind {
				panic("callback produced wrong type of result")
			}
		}
		return lowerResults(c.state, results, slots, plain)
	}}
}

// liftArgs reads the arguments of a host call.
func liftArgs(s *state, params []*ValType, slots unsafe.Pointer, plain bool) []Val {
	args := make([]Val, len(params))
	for i, ty := range params {
		if plain {
			args[i] = valOfBits(ty.kind, (*ffi.Slot)(slot(slots, uintptr(i))))
		} else {
			args[i] = s.lift(valAt(slots, i))
		}
	}
	return args
}

// lowerResults writes the results of a host call.
func lowerResults(s *state, results []Val, slots unsafe.Pointer, plain bool) error {
	for i, v := range results {
		if plain {
			*(*ffi.Slot)(slot(slots, uintptr(i))) = v.bits()
			continue
		}
		lowered, err := s.lower(v)
		if err != nil {
			for j := range i {
				s.unlower(valAt(slots, j))
			}
			return err
		}
		*valAt(slots, i) = lowered
	}
	return nil
}

func valAt(vals unsafe.Pointer, i int) *ffi.Val {
	return (*ffi.Val)(unsafe.Add(vals, uintptr(i)*unsafe.Sizeof(ffi.Val{})))
}
