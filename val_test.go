package wasmtime_test

import (
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestVal(t *testing.T) {
	store := NewStore(NewEngine())
	f := WrapFunc(store, func() {})
	vector := V128{1, 15: 2}
	vals := map[string]struct {
		val  Val
		kind ValKind
		get  any
	}{
		"an i32":       {ValI32(-3), KindI32, int32(-3)},
		"an i64":       {ValI64(1 << 60), KindI64, int64(1 << 60)},
		"an f32":       {ValF32(1.5), KindF32, float32(1.5)},
		"an f64":       {ValF64(2.5), KindF64, 2.5},
		"a v128":       {ValV128(vector), KindV128, vector},
		"a funcref":    {ValFuncref(f), KindFuncref, f},
		"an externref": {ValExternref("x"), KindExternref, "x"},
	}
	accessors := map[string]func(Val) any{
		"an i32": func(v Val) any { return v.I32() }, "an i64": func(v Val) any { return v.I64() },
		"an f32": func(v Val) any { return v.F32() }, "an f64": func(v Val) any { return v.F64() },
		"a v128": func(v Val) any { return v.V128() }, "a funcref": func(v Val) any { return v.Funcref() },
		"an externref": func(v Val) any { return v.Externref() },
	}
	for name, c := range vals {
		Equal(t, name, c.val.Kind(), c.kind)
		Equal(t, name, c.val.Get(), c.get)
		for other, access := range accessors {
			if other == name {
				Equal(t, name, access(c.val), c.get)
			} else {
				Equal(t, other, PanicOf(t, func() { access(c.val) }), any("not "+other))
			}
		}
	}
	Equal(t, "null funcref", ValFuncref(nil).Funcref(), nil)
	Equal(t, "null externref", ValExternref(nil).Externref(), nil)
	Equal(t, "comparable", ValI32(1) == ValI32(1) && ValI32(1) != ValI64(1), true)
	Equal(t, "zero", Val{}.Get(), nil)
}

// A Val without a value is refused and breaks nothing.
func TestZeroVal(t *testing.T) {
	store, instance := Guest(t, echoWat)
	for _, name := range []string{"i32", "externref", "funcref"} {
		func() {
			defer func() { recover() }()
			if got, err := instance.GetFunc(store, name).Call(store, Val{}); err == nil {
				t.Errorf("%s: a Val without a value became %v", name, got)
			}
		}()
		Equal(t, "afterwards", Call(t, store, instance, "i32", 1), any(int32(1)))
	}
}

func TestRawValues(t *testing.T) {
	vector := V128{3, 15: 4}
	Equal(t, "i32", RawI32(-5).I32(), -5)
	Equal(t, "i64", RawI64(-1<<62).I64(), -1<<62)
	Equal(t, "f32", RawF32(-1.5).F32(), -1.5)
	Equal(t, "f64", RawF64(1e300).F64(), 1e300)
	Equal(t, "v128", RawV128(vector).V128(), vector)
	Equal(t, "zero", Raw{}.I64(), 0)
	Equal(t, "comparable", RawI32(-1) != RawI64(-1), true) // an i32 leaves the upper half alone
}
