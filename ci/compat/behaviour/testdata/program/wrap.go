package main

import (
	"errors"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

func init() {
	cases["wrap/types"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		type namedError error
		for name, f := range map[string]any{
			"numbers":           func(int32, int64, float32, float64) (int32, int64, float32, float64) { return 0, 0, 0, 0 },
			"func":              func(*wasmtime.Func) *wasmtime.Func { return nil },
			"caller first":      func(*wasmtime.Caller, int32) {},
			"caller later":      func(int32, *wasmtime.Caller, int64) {},
			"caller only":       func(*wasmtime.Caller) {},
			"two callers":       func(*wasmtime.Caller, *wasmtime.Caller) {},
			"trap last":         func() (int32, *wasmtime.Trap) { return 0, nil },
			"trap only":         func() *wasmtime.Trap { return nil },
			"trap first":        func() (*wasmtime.Trap, int32) { return nil, 0 },
			"trap as parameter": func(*wasmtime.Trap) {},
			"two traps":         func() (*wasmtime.Trap, *wasmtime.Trap) { return nil, nil },
			"error":             func(error) error { return nil },
			"named error":       func(namedError) namedError { return nil },
			"named int32":       func(namedInt32) namedInt32 { return 0 },
			"any":               func(any) any { return nil },
			"store":             func(*wasmtime.Store) *wasmtime.Store { return nil },
			"func value":        func(wasmtime.Func) {},
			"other integers":    func(int, int8, int16, uint, uint8, uint16, uint32, uint64, uintptr) {},
			"string and bool":   func(string, bool, []byte, map[string]int, func(), chan int) {},
			"Val":               func(wasmtime.Val) wasmtime.Val { return wasmtime.Val{} },
			"variadic":          func(...int32) {},
			"storelike":         func(wasmtime.Storelike) {},
			"caller result":     func() *wasmtime.Caller { return nil },
			"*int32":            func(*int32) *int32 { return nil },
		} {
			r.say(name, "%s", signature(wasmtime.WrapFunc(store, f).Type(store)))
		}
	}
	cases["wrap/externref-results"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		e := errors.New("message")
		r.call("error", store, wasmtime.WrapFunc(store, func() error { return e }))
		r.call("nil error", store, wasmtime.WrapFunc(store, func() error { return nil }))
		r.call("nil any", store, wasmtime.WrapFunc(store, func() any { return nil }))
		r.call("named", store, wasmtime.WrapFunc(store, func() namedInt32 { return 4 }))
		r.call("uint8", store, wasmtime.WrapFunc(store, func() uint8 { return 4 }))
		r.call("nil pointer", store, wasmtime.WrapFunc(store, func() *point { return nil }))
		r.call("nil func", store, wasmtime.WrapFunc(store, func() *wasmtime.Func { return nil }))
		r.call("string", store, wasmtime.WrapFunc(store, func() string { return "s" }))
		r.call("string in any", store, wasmtime.WrapFunc(store, func() any { return "s" }))
	}
	cases["wrap/externref-arguments"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		show := func(label string) any {
			return func(v any) { r.say(label, "%s", describe(v)) }
		}
		r.call("string call", store, wasmtime.WrapFunc(store, show("string")), "s")
		r.call("uint8 call", store, wasmtime.WrapFunc(store, func(v uint8) { r.say("uint8", "%d", v) }), uint8(3))
		r.call("error call", store, wasmtime.WrapFunc(store, func(v error) { r.say("error", "%v", v) }), errors.New("e"))
		r.call("named call", store, wasmtime.WrapFunc(store, func(v namedInt32) namedInt32 { return v + 1 }), namedInt32(3))
		r.call("int for named", store, wasmtime.WrapFunc(store, func(v namedInt32) namedInt32 { return v + 1 }), 3)
		r.call("int32 for named", store, wasmtime.WrapFunc(store, func(v namedInt32) namedInt32 { return v + 1 }), int32(3))
		r.call("store call", store, wasmtime.WrapFunc(store, func(v *wasmtime.Store) { r.say("same store", "%v", v == store) }), store)
		r.call("func call", store, wasmtime.WrapFunc(store, func(v *wasmtime.Func) { r.say("nil func", "%v", v == nil) }), (*wasmtime.Func)(nil))
	}
	cases["wrap/externref-wrong-go-type"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		r.call("string for uint8", store, wasmtime.WrapFunc(store, func(uint8) {}), "s")
	}
	cases["wrap/null-for-any"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		r.call("call", store, wasmtime.WrapFunc(store, func(v any) { r.say("any", "%s", describe(v)) }), nil)
	}
	cases["wrap/null-for-error"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		r.call("call", store, wasmtime.WrapFunc(store, func(v error) { r.say("error", "%v", v == nil) }), nil)
	}
	cases["wrap/null-for-pointer"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		r.call("call", store, wasmtime.WrapFunc(store, func(v *point) { r.say("pointer", "%v", v == nil) }), nil)
	}
	cases["wrap/null-for-string"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		r.call("call", store, wasmtime.WrapFunc(store, func(v string) { r.say("string", "%q", v) }), nil)
	}
	cases["wrap/variadic"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		r.call("call", store, wasmtime.WrapFunc(store, func(v ...int32) int32 { return int32(len(v)) }), []int32{1, 2})
	}
	cases["wrap/caller-places"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		r.call("later", store, wasmtime.WrapFunc(store, func(a int32, c *wasmtime.Caller, b int64) int64 { return int64(a)*100 + b }), 1, 2)
		r.call("two", store, wasmtime.WrapFunc(store, func(a, b *wasmtime.Caller) { r.say("same", "%v", a == b) }))
	}
	cases["wrap/trap-in-front"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		r.call("trap first", store, wasmtime.WrapFunc(store, func() (*wasmtime.Trap, int32) { return wasmtime.NewTrap("x"), 1 }))
	}
	cases["wrap/nil-trap-in-front"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		r.call("nil trap first", store, wasmtime.WrapFunc(store, func() (*wasmtime.Trap, int32) { return nil, 1 }))
	}
	cases["wrap/trap-in-any"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		r.call("trap as any", store, wasmtime.WrapFunc(store, func() any { return wasmtime.NewTrap("x") }))
	}
	cases["wrap/number-in-any"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		r.call("int32 as any", store, wasmtime.WrapFunc(store, func() any { return int32(3) }))
	}
	cases["wrap/int-in-any"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		r.call("int as any", store, wasmtime.WrapFunc(store, func() any { return 3 }))
	}
	cases["wrap/method-value"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		r.call("method value", store, wasmtime.WrapFunc(store, adder{3}.add), 4)
	}
	cases["new/arguments"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		var params []*wasmtime.ValType
		for _, kind := range []wasmtime.ValKind{wasmtime.KindI32, wasmtime.KindI64, wasmtime.KindF32, wasmtime.KindF64, wasmtime.KindExternref, wasmtime.KindFuncref} {
			params = append(params, wasmtime.NewValType(kind))
		}
		f := wasmtime.NewFunc(store, wasmtime.NewFuncType(params, params), func(c *wasmtime.Caller, args []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
			r.say("inside", "%s", describe(args))
			return args, nil
		})
		r.call("call", store, f, 1, 2, float32(3), 4.0, "five", (*wasmtime.Func)(nil))
		r.call("null", store, f, 1, 2, float32(3), 4.0, nil, f)
		r.say("type", "%s", signature(f.Type(store)))
		none := wasmtime.NewFunc(store, wasmtime.NewFuncType(nil, nil), func(_ *wasmtime.Caller, args []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
			r.say("no arguments", "%d nil %v", len(args), args == nil)
			return nil, nil
		})
		r.call("none", store, none)
	}
}

type adder struct{ n int32 }

func (a adder) add(i int32) int32 { return a.n + i }
