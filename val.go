package wasmtime

import (
	"encoding/binary"
	"math"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/registry"
)

// Val is a value of WebAssembly with its kind. Its zero value is none, and an error wherever a value is wanted.
//
// Of the references of the GC and exception proposals, whose kind is [KindOther], only null has a Go value yet: nil.
// Where a guest hands another one to Go, as a result, an argument or an element, or an externref that no host made
// (extern.convert_any), that is an error that wraps [ErrUnsupported]. Only [Global.Get], which returns no error,
// returns a Val that says no more than the kind and that it is not null, and that is refused wherever it is used.
type Val struct {
	kind ValKind
	val  any
}

// ValI32 makes an i32.
func ValI32(val int32) Val { return Val{KindI32, val} }

// ValI64 makes an i64.
func ValI64(val int64) Val { return Val{KindI64, val} }

// ValF32 makes an f32.
func ValF32(val float32) Val { return Val{KindF32, val} }

// ValF64 makes an f64.
func ValF64(val float64) Val { return Val{KindF64, val} }

// V128 is a vector of 128 bits, least significant byte first.
type V128 [16]byte

// ValV128 makes a v128.
func ValV128(val V128) Val { return Val{KindV128, val} }

// ValFuncref makes a funcref; nil is the null reference.
func ValFuncref(f *Func) Val { return Val{KindFuncref, f} }

// ValExternref makes an externref of any Go value; nil is the null reference. A guest that has it keeps the value alive
// until its store is closed or its collector finds the reference dead; the value comes back as it was.
func ValExternref(val any) Val { return Val{KindExternref, val} }

// ValNull makes the null reference of a type; it panics if the type has none, because it is no reference or not
// nullable.
func ValNull(ty *ValType) Val {
	switch {
	case notNil(ty).plain() || !ty.nullable:
		panic("wasmtime: ValNull of the type " + ty.text() + ", which has no null")
	case ty.kind == KindFuncref:
		return ValFuncref(nil)
	case ty.kind == KindExternref:
		return ValExternref(nil)
	}
	return Val{KindOther, otherRef{ty.hierarchy(), true}}
}

// otherRef is a reference of the GC and exception proposals: what it may refer to, and whether it is null.
type otherRef struct {
	hierarchy ffi.ValKind
	null      bool
}

// foreignExternref is what an externref refers to that no host made.
type foreignExternref struct{}

// String says what it is.
func (foreignExternref) String() string { return "an externref that no host made" }

// errForeign and errOther are for references that Go cannot hold.
var (
	errForeign = errorf(ErrUnsupported, "%v has no Go value: %v", foreignExternref{}, ErrUnsupported)
	errOther   = errorf(ErrUnsupported, "a reference to a GC object or an exception has no Go value: %v", ErrUnsupported)
)

// errNoVal is for a Val that is none.
var errNoVal = errorf(nil, "a Val without a value: use ValI32 and its like")

// isNone tells whether v is a Val's zero value.
func (v Val) isNone() bool { return v.kind == KindI32 && v.val == nil }

// IsNull tells whether the value is a null reference.
func (v Val) IsNull() bool {
	switch v.kind {
	case KindFuncref:
		return v.val.(*Func) == nil
	case KindExternref:
		return v.val == nil
	case KindOther:
		return v.val.(otherRef).null
	}
	return false
}

// Kind returns the value's kind.
func (v Val) Kind() ValKind { return v.kind }

// I32 returns an i32; it panics for other kinds.
func (v Val) I32() int32 {
	if v.kind != KindI32 || v.isNone() {
		panic("not an i32")
	}
	return v.val.(int32)
}

// I64 returns an i64; it panics for other kinds.
func (v Val) I64() int64 {
	if v.kind != KindI64 {
		panic("not an i64")
	}
	return v.val.(int64)
}

// F32 returns an f32; it panics for other kinds.
func (v Val) F32() float32 {
	if v.kind != KindF32 {
		panic("not an f32")
	}
	return v.val.(float32)
}

// F64 returns an f64; it panics for other kinds.
func (v Val) F64() float64 {
	if v.kind != KindF64 {
		panic("not an f64")
	}
	return v.val.(float64)
}

// V128 returns a v128; it panics for other kinds.
func (v Val) V128() V128 {
	if v.kind != KindV128 {
		panic("not a v128")
	}
	return v.val.(V128)
}

// Funcref returns a funcref, nil for the null reference; it panics for other kinds.
func (v Val) Funcref() *Func {
	if v.kind != KindFuncref {
		panic("not a funcref")
	}
	return v.val.(*Func)
}

// Externref returns what an externref refers to, nil for the null reference; it panics for other kinds.
func (v Val) Externref() any {
	if v.kind != KindExternref {
		panic("not an externref")
	}
	return v.val
}

// Get returns the value as a Go value: int32, int64, float32, float64, V128, *Func, what an externref refers to, or
// nil for a null reference of [KindOther]. A reference that has no Go value comes back as the Val that it is.
func (v Val) Get() any {
	if ref, ok := v.val.(otherRef); ok && v.kind == KindOther {
		if ref.null {
			return nil
		}
		return v
	}
	return v.val
}

// valOf turns a Go value into the value that it stands for: numbers and functions by their exact types, a Val as it is,
// anything else an externref.
func valOf(val any) Val {
	switch val := val.(type) {
	case int32:
		return ValI32(val)
	case int64:
		return ValI64(val)
	case float32:
		return ValF32(val)
	case float64:
		return ValF64(val)
	case V128:
		return ValV128(val)
	case *Func:
		return ValFuncref(val)
	case Val:
		return val
	}
	return ValExternref(val)
}

// bits returns the raw slot of a value that crosses as it is.
func (v Val) bits() ffi.Slot {
	switch val := v.val.(type) {
	case int32:
		return ffi.Slot{uint64(uint32(val))}
	case int64:
		return ffi.Slot{uint64(val)}
	case float32:
		return ffi.Slot{uint64(math.Float32bits(val))}
	case float64:
		return ffi.Slot{math.Float64bits(val)}
	case V128:
		return v128Slot(val)
	}
	panic("failed to get kind of `Val`")
}

// valOfBits makes a value of a kind that crosses as it is from its raw slot.
func valOfBits(kind ValKind, s *ffi.Slot) Val {
	switch kind {
	case KindI32:
		return ValI32(int32(s[0]))
	case KindI64:
		return ValI64(int64(s[0]))
	case KindF32:
		return ValF32(math.Float32frombits(uint32(s[0])))
	case KindF64:
		return ValF64(math.Float64frombits(s[0]))
	case KindV128:
		return ValV128(slotV128(s))
	}
	panic("failed to get kind of `Val`")
}

// lower turns a value into what crosses the boundary. A function of another store is ErrWrongStore. The Go value of an
// externref stays with the store until the native library lets go of it.
func (s *state) lower(v Val) (ffi.Val, error) {
	out := ffi.Val{Kind: v.kind.ffiKind()}
	switch v.kind {
	case KindFuncref:
		if f := v.Funcref(); f != nil {
			switch {
			case f.state != s:
				return out, errorf(ErrWrongStore, "function reference: %v", ErrWrongStore)
			case f.refused != nil:
				return out, f.refused
			}
			out.Of = [2]uint64(f.item.Raw[:2])
		}
	case KindExternref:
		if v.val == any(foreignExternref{}) {
			return out, errForeign
		}
		if v.val != nil {
			if s.externs == nil {
				s.externs = &registry.Slab{}
				s.slot.takeMore() // a GC heap
			}
			out.Of[0] = s.externs.Add(v.val) + 1
		}
	case KindOther:
		ref := v.val.(otherRef)
		if !ref.null {
			return out, errOther
		}
		out.Kind = ref.hierarchy
	default:
		if v.isNone() {
			return out, errNoVal
		}
		out.Of = v.bits()
	}
	return out, nil
}

// unlower forgets what lower kept of a value that does not cross after all.
func (s *state) unlower(v *ffi.Val) {
	if v.Kind == ffi.ValExternref && v.Of[0] != 0 {
		s.externs.Remove(v.Of[0] - 1)
	}
}

// lift turns what crossed the boundary into a value. What has no Go value is an error.
func (s *state) lift(v *ffi.Val) (Val, error) {
	switch v.Kind {
	case ffi.ValFuncref:
		if v.Of[0] == 0 {
			return ValFuncref(nil), nil
		}
		return ValFuncref(s.funcOf(ffi.Item{Kind: ffi.ItemFunc, Raw: [3]uint64{v.Of[0], v.Of[1]}})), nil
	case ffi.ValExternref:
		switch v.Of[0] {
		case 0:
			return ValExternref(nil), nil
		case ffi.ForeignExternref:
			return ValExternref(foreignExternref{}), errForeign
		}
		return ValExternref(s.externs.Get(v.Of[0] - 1)), nil
	case ffi.ValAnyref, ffi.ValExnref:
		return Val{KindOther, otherRef{v.Kind, true}}, nil
	}
	kinds := [...]ValKind{KindI32, KindI64, KindF32, KindF64, KindV128}
	return valOfBits(kinds[v.Kind], (*ffi.Slot)(&v.Of)), nil
}

// onExternrefGone hears that the native library has let go of an externref.
func onExternrefGone(data uintptr, token uint64) {
	if s := entered.get(data); s != nil {
		s.externs.Remove(token)
	}
}

func v128Slot(v V128) ffi.Slot {
	return ffi.Slot{binary.LittleEndian.Uint64(v[:8]), binary.LittleEndian.Uint64(v[8:])}
}

func slotV128(s *ffi.Slot) (v V128) {
	binary.LittleEndian.PutUint64(v[:8], s[0])
	binary.LittleEndian.PutUint64(v[8:], s[1])
	return v
}
