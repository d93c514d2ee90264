package wasmtime_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// sums is a module with functions of 0 to 16 parameters, the result of which says what each parameter was. Those whose
// name begins with v return nothing.
func sums() string {
	var b strings.Builder
	b.WriteString("(module\n")
	for _, void := range []bool{false, true} {
		for n := range 17 {
			name, result := fmt.Sprint(n), " (result i64)"
			if void {
				name, result = fmt.Sprint("v", n), ""
			}
			fmt.Fprintf(&b, "(import \"h\" %q (func $h%s (param%s)%s))\n", name, name, strings.Repeat(" i64", n), result)
		}
	}
	for _, void := range []bool{false, true} {
		for n := range 17 {
			name, result := fmt.Sprint(n), " (result i64)"
			if void {
				name, result = fmt.Sprint("v", n), ""
			}
			fmt.Fprintf(&b, "(func (export %q) (param%s)%s", name, strings.Repeat(" i64", n), result)
			for i := range n {
				fmt.Fprintf(&b, " (local.get %d)", i)
			}
			fmt.Fprintf(&b, " (call $h%s))\n", name)
		}
	}
	b.WriteString(")")
	return b.String()
}

func digits(n ...int64) (sum int64, err error) {
	for _, d := range n {
		sum = sum*10 + d
	}
	return sum, nil
}

// Typed functions of every number of parameters, in both directions, with a result and without one.
func TestTypedArities(t *testing.T) {
	type c = *Caller
	type i = int64
	var last int64
	note := func(sum int64, err error) error { last = sum; return err }
	store, instance := Guest(t, sums(),
		HostFunc0(func(c) (i, error) { return digits() }),
		HostFunc1(func(_ c, p1 i) (i, error) { return digits(p1) }),
		HostFunc2(func(_ c, p1, p2 i) (i, error) { return digits(p1, p2) }),
		HostFunc3(func(_ c, p1, p2, p3 i) (i, error) { return digits(p1, p2, p3) }),
		HostFunc4(func(_ c, p1, p2, p3, p4 i) (i, error) { return digits(p1, p2, p3, p4) }),
		HostFunc5(func(_ c, p1, p2, p3, p4, p5 i) (i, error) { return digits(p1, p2, p3, p4, p5) }),
		HostFunc6(func(_ c, p1, p2, p3, p4, p5, p6 i) (i, error) { return digits(p1, p2, p3, p4, p5, p6) }),
		HostFunc7(func(_ c, p1, p2, p3, p4, p5, p6, p7 i) (i, error) { return digits(p1, p2, p3, p4, p5, p6, p7) }),
		HostFunc8(func(_ c, p1, p2, p3, p4, p5, p6, p7, p8 i) (i, error) { return digits(p1, p2, p3, p4, p5, p6, p7, p8) }),
		HostFunc9(func(_ c, p1, p2, p3, p4, p5, p6, p7, p8, p9 i) (i, error) {
			return digits(p1, p2, p3, p4, p5, p6, p7, p8, p9)
		}),
		HostFunc10(func(_ c, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10 i) (i, error) {
			return digits(p1, p2, p3, p4, p5, p6, p7, p8, p9, p10)
		}),
		HostFunc11(func(_ c, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11 i) (i, error) {
			return digits(p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11)
		}),
		HostFunc12(func(_ c, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12 i) (i, error) {
			return digits(p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12)
		}),
		HostFunc13(func(_ c, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13 i) (i, error) {
			return digits(p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13)
		}),
		HostFunc14(func(_ c, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14 i) (i, error) {
			return digits(p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14)
		}),
		HostFunc15(func(_ c, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15 i) (i, error) {
			return digits(p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15)
		}),
		HostFunc16(func(_ c, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15, p16 i) (i, error) {
			return digits(p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15, p16)
		}),
		HostVoid0(func(c) error { return note(digits()) }),
		HostVoid1(func(_ c, p1 i) error { return note(digits(p1)) }),
		HostVoid2(func(_ c, p1, p2 i) error { return note(digits(p1, p2)) }),
		HostVoid3(func(_ c, p1, p2, p3 i) error { return note(digits(p1, p2, p3)) }),
		HostVoid4(func(_ c, p1, p2, p3, p4 i) error { return note(digits(p1, p2, p3, p4)) }),
		HostVoid5(func(_ c, p1, p2, p3, p4, p5 i) error { return note(digits(p1, p2, p3, p4, p5)) }),
		HostVoid6(func(_ c, p1, p2, p3, p4, p5, p6 i) error { return note(digits(p1, p2, p3, p4, p5, p6)) }),
		HostVoid7(func(_ c, p1, p2, p3, p4, p5, p6, p7 i) error { return note(digits(p1, p2, p3, p4, p5, p6, p7)) }),
		HostVoid8(func(_ c, p1, p2, p3, p4, p5, p6, p7, p8 i) error { return note(digits(p1, p2, p3, p4, p5, p6, p7, p8)) }),
		HostVoid9(func(_ c, p1, p2, p3, p4, p5, p6, p7, p8, p9 i) error {
			return note(digits(p1, p2, p3, p4, p5, p6, p7, p8, p9))
		}),
		HostVoid10(func(_ c, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10 i) error {
			return note(digits(p1, p2, p3, p4, p5, p6, p7, p8, p9, p10))
		}),
		HostVoid11(func(_ c, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11 i) error {
			return note(digits(p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11))
		}),
		HostVoid12(func(_ c, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12 i) error {
			return note(digits(p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12))
		}),
		HostVoid13(func(_ c, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13 i) error {
			return note(digits(p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13))
		}),
		HostVoid14(func(_ c, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14 i) error {
			return note(digits(p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14))
		}),
		HostVoid15(func(_ c, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15 i) error {
			return note(digits(p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15))
		}),
		HostVoid16(func(_ c, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15, p16 i) error {
			return note(digits(p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15, p16))
		}))
	f := func(name string) *Func { return instance.GetFunc(store, name) }
	ctx := t.Context()
	var want [17]int64
	for n := range want {
		for d := range n {
			want[n] = want[n]*10 + int64(d+1)
		}
	}
	f0 := Must(Bind0[i](store, f("0")))
	f1 := Must(Bind1[i, i](store, f("1")))
	f2 := Must(Bind2[i, i, i](store, f("2")))
	f3 := Must(Bind3[i, i, i, i](store, f("3")))
	f4 := Must(Bind4[i, i, i, i, i](store, f("4")))
	f5 := Must(Bind5[i, i, i, i, i, i](store, f("5")))
	f6 := Must(Bind6[i, i, i, i, i, i, i](store, f("6")))
	f7 := Must(Bind7[i, i, i, i, i, i, i, i](store, f("7")))
	f8 := Must(Bind8[i, i, i, i, i, i, i, i, i](store, f("8")))
	f9 := Must(Bind9[i, i, i, i, i, i, i, i, i, i](store, f("9")))
	f10 := Must(Bind10[i, i, i, i, i, i, i, i, i, i, i](store, f("10")))
	f11 := Must(Bind11[i, i, i, i, i, i, i, i, i, i, i, i](store, f("11")))
	f12 := Must(Bind12[i, i, i, i, i, i, i, i, i, i, i, i, i](store, f("12")))
	f13 := Must(Bind13[i, i, i, i, i, i, i, i, i, i, i, i, i, i](store, f("13")))
	f14 := Must(Bind14[i, i, i, i, i, i, i, i, i, i, i, i, i, i, i](store, f("14")))
	f15 := Must(Bind15[i, i, i, i, i, i, i, i, i, i, i, i, i, i, i, i](store, f("15")))
	f16 := Must(Bind16[i, i, i, i, i, i, i, i, i, i, i, i, i, i, i, i, i](store, f("16")))
	v0 := Must(BindVoid0(store, f("v0")))
	v1 := Must(BindVoid1[i](store, f("v1")))
	v2 := Must(BindVoid2[i, i](store, f("v2")))
	v3 := Must(BindVoid3[i, i, i](store, f("v3")))
	v4 := Must(BindVoid4[i, i, i, i](store, f("v4")))
	v5 := Must(BindVoid5[i, i, i, i, i](store, f("v5")))
	v6 := Must(BindVoid6[i, i, i, i, i, i](store, f("v6")))
	v7 := Must(BindVoid7[i, i, i, i, i, i, i](store, f("v7")))
	v8 := Must(BindVoid8[i, i, i, i, i, i, i, i](store, f("v8")))
	v9 := Must(BindVoid9[i, i, i, i, i, i, i, i, i](store, f("v9")))
	v10 := Must(BindVoid10[i, i, i, i, i, i, i, i, i, i](store, f("v10")))
	v11 := Must(BindVoid11[i, i, i, i, i, i, i, i, i, i, i](store, f("v11")))
	v12 := Must(BindVoid12[i, i, i, i, i, i, i, i, i, i, i, i](store, f("v12")))
	v13 := Must(BindVoid13[i, i, i, i, i, i, i, i, i, i, i, i, i](store, f("v13")))
	v14 := Must(BindVoid14[i, i, i, i, i, i, i, i, i, i, i, i, i, i](store, f("v14")))
	v15 := Must(BindVoid15[i, i, i, i, i, i, i, i, i, i, i, i, i, i, i](store, f("v15")))
	v16 := Must(BindVoid16[i, i, i, i, i, i, i, i, i, i, i, i, i, i, i, i](store, f("v16")))
	for n, got := range []int64{
		Must(f0.Call()),
		Must(f1.Call(1)),
		Must(f2.Call(1, 2)),
		Must(f3.Call(1, 2, 3)),
		Must(f4.Call(1, 2, 3, 4)),
		Must(f5.Call(1, 2, 3, 4, 5)),
		Must(f6.Call(1, 2, 3, 4, 5, 6)),
		Must(f7.Call(1, 2, 3, 4, 5, 6, 7)),
		Must(f8.Call(1, 2, 3, 4, 5, 6, 7, 8)),
		Must(f9.Call(1, 2, 3, 4, 5, 6, 7, 8, 9)),
		Must(f10.Call(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)),
		Must(f11.Call(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)),
		Must(f12.Call(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)),
		Must(f13.Call(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)),
		Must(f14.Call(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)),
		Must(f15.Call(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)),
		Must(f16.Call(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)),
	} {
		Equal(t, fmt.Sprint(n, " parameters"), got, want[n])
	}
	for n, call := range []func() error{
		func() error { return v0.Call() },
		func() error { return v1.Call(1) },
		func() error { return v2.Call(1, 2) },
		func() error { return v3.Call(1, 2, 3) },
		func() error { return v4.Call(1, 2, 3, 4) },
		func() error { return v5.Call(1, 2, 3, 4, 5) },
		func() error { return v6.Call(1, 2, 3, 4, 5, 6) },
		func() error { return v7.Call(1, 2, 3, 4, 5, 6, 7) },
		func() error { return v8.Call(1, 2, 3, 4, 5, 6, 7, 8) },
		func() error { return v9.Call(1, 2, 3, 4, 5, 6, 7, 8, 9) },
		func() error { return v10.Call(1, 2, 3, 4, 5, 6, 7, 8, 9, 10) },
		func() error { return v11.Call(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11) },
		func() error { return v12.Call(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12) },
		func() error { return v13.Call(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13) },
		func() error { return v14.Call(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14) },
		func() error { return v15.Call(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) },
		func() error { return v16.Call(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16) },
	} {
		last = -1
		Check(t, call())
		Equal(t, fmt.Sprint(n, " parameters, no result"), last, want[n])
	}
	// Without epochs a context that can be cancelled is refused by all of them.
	for n, errs := range [][2]error{
		{ErrorOf(f0.CallContext(ctx)), v0.CallContext(ctx)},
		{ErrorOf(f1.CallContext(ctx, 1)), v1.CallContext(ctx, 1)},
		{ErrorOf(f2.CallContext(ctx, 1, 2)), v2.CallContext(ctx, 1, 2)},
		{ErrorOf(f3.CallContext(ctx, 1, 2, 3)), v3.CallContext(ctx, 1, 2, 3)},
		{ErrorOf(f4.CallContext(ctx, 1, 2, 3, 4)), v4.CallContext(ctx, 1, 2, 3, 4)},
		{ErrorOf(f5.CallContext(ctx, 1, 2, 3, 4, 5)), v5.CallContext(ctx, 1, 2, 3, 4, 5)},
		{ErrorOf(f6.CallContext(ctx, 1, 2, 3, 4, 5, 6)), v6.CallContext(ctx, 1, 2, 3, 4, 5, 6)},
		{ErrorOf(f7.CallContext(ctx, 1, 2, 3, 4, 5, 6, 7)), v7.CallContext(ctx, 1, 2, 3, 4, 5, 6, 7)},
		{ErrorOf(f8.CallContext(ctx, 1, 2, 3, 4, 5, 6, 7, 8)), v8.CallContext(ctx, 1, 2, 3, 4, 5, 6, 7, 8)},
		{ErrorOf(f9.CallContext(ctx, 1, 2, 3, 4, 5, 6, 7, 8, 9)), v9.CallContext(ctx, 1, 2, 3, 4, 5, 6, 7, 8, 9)},
		{ErrorOf(f10.CallContext(ctx, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)), v10.CallContext(ctx, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)},
		{ErrorOf(f11.CallContext(ctx, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)), v11.CallContext(ctx, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)},
		{ErrorOf(f12.CallContext(ctx, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)), v12.CallContext(ctx, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)},
		{ErrorOf(f13.CallContext(ctx, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)), v13.CallContext(ctx, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)},
		{ErrorOf(f14.CallContext(ctx, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)), v14.CallContext(ctx, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)},
		{ErrorOf(f15.CallContext(ctx, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)), v15.CallContext(ctx, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)},
		{ErrorOf(f16.CallContext(ctx, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)), v16.CallContext(ctx, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)},
	} {
		t.Run(fmt.Sprint("context ", n), func(t *testing.T) {
			WantIs(t, errs[0], ErrNoEpochs)
			WantIs(t, errs[1], ErrNoEpochs)
		})
	}
}

// The forms without a result refuse functions that have one, and pass errors on.
func TestVoid(t *testing.T) {
	store, instance := Guest(t, `(module (import "" "" (func $f (param f64)))
		(func (export "f") (param f64) (call $f (local.get 0)))
		(func (export "one") (param f64) (result f64) (local.get 0)))`,
		HostVoid1(func(_ *Caller, x float64) error {
			if x < 0 {
				return io.ErrUnexpectedEOF
			}
			return nil
		}))
	f := Must(BindVoid1[float64](store, instance.GetFunc(store, "f")))
	Check(t, f.Call(1))
	WantIs(t, f.Call(-1), io.ErrUnexpectedEOF)
	Check(t, f.CallContext(context.Background(), 1))
	WantText(t, ErrorOf(BindVoid1[float64](store, instance.GetFunc(store, "one"))), "the function has type [f64] -> [f64], not [f64] -> []")
	Equal(t, "type", fmt.Sprint(HostVoid1(func(*Caller, V128) error { return nil }).Type().Results()), "[]")
	WantPanic(t, "nil", "wasmtime: HostVoid0 of a nil function", func() { HostVoid0(nil) })
}

func TestTypedKinds(t *testing.T) {
	store, instance := Guest(t, echoWat)
	f := func(name string) *Func { return instance.GetFunc(store, name) }
	Equal(t, "int32", Must(Must(Bind1[int32, int32](store, f("i32"))).Call(-1)), -1)
	Equal(t, "uint32", Must(Must(Bind1[uint32, uint32](store, f("i32"))).Call(0xffffffff)), 0xffffffff)
	Equal(t, "both", Must(Must(Bind1[uint32, int32](store, f("i32"))).Call(0xffffffff)), -1)
	Equal(t, "int64", Must(Must(Bind1[int64, int64](store, f("i64"))).Call(-1<<63)), -1<<63)
	Equal(t, "uint64", Must(Must(Bind1[uint64, uint64](store, f("i64"))).Call(1<<63)), 1<<63)
	Equal(t, "float32", Must(Must(Bind1[float32, float32](store, f("f32"))).Call(1.25)), 1.25)
	Equal(t, "float64", Must(Must(Bind1[float64, float64](store, f("f64"))).Call(1e300)), 1e300)
	vector := V128{1, 2, 3, 15: 4}
	Equal(t, "V128", Must(Must(Bind1[V128, V128](store, f("v128"))).Call(vector)), vector)
	Equal(t, "None", Must(Must(Bind0[None](store, f("nothing"))).Call()), None{})
	for name, err := range map[string]error{
		"kind":           ErrorOf(Bind1[int64, int32](store, f("i32"))),
		"result":         ErrorOf(Bind1[int32, int64](store, f("i32"))),
		"float":          ErrorOf(Bind1[float32, int32](store, f("i32"))),
		"too few":        ErrorOf(Bind0[int32](store, f("i32"))),
		"too many":       ErrorOf(Bind2[int32, int32, int32](store, f("i32"))),
		"no result":      ErrorOf(Bind1[int32, None](store, f("i32"))),
		"a result":       ErrorOf(Bind0[int32](store, f("nothing"))),
		"several":        ErrorOf(Bind2[int32, int64, int64](store, f("two"))),
		"references":     ErrorOf(Bind1[int32, int32](store, f("externref"))),
		"another store":  ErrorOf(Bind0[None](NewStore(store.Engine), f("nothing"))),
		"raw references": ErrorOf(BindRaw(store, f("mixed"))),
	} {
		if _, ok := err.(*Error); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	WantIs(t, ErrorOf(BindRaw(store, f("externref"))), ErrUnsupported)
	WantIs(t, ErrorOf(BindRaw(NewStore(store.Engine), f("i32"))), ErrWrongStore)
}

func TestTypedHost(t *testing.T) {
	vector := V128{7, 15: 8}
	all := HostFunc8(func(c *Caller, a int32, b uint32, d int64, e uint64, f float32, g float64, h V128, i int32) (float64, error) {
		Equal(t, "arguments", fmt.Sprint(a, b, d, e, f, g, h == vector, i), "-1 4294967295 -2 18446744073709551615 1.5 2.5 true 9")
		return 6.5, nil
	})
	Equal(t, "type", fmt.Sprint(all.Type().Params(), all.Type().Results()), "[i32 i32 i64 i64 f32 f64 v128 i32] [f64]")
	store := NewStore(NewEngine())
	f := NewHostFunc(store, all)
	Equal(t, "result", Must(f.Call(store, -1, -1, -2, -1, float32(1.5), 2.5, vector, 9)), any(6.5))
	twice := HostFunc1(func(c *Caller, v V128) (V128, error) { v[0] *= 2; return v, nil })
	instance := Instantiate(t, store, `(module (import "" "" (func $f (param v128) (result v128)))
		(func (export "f") (param v128) (result v128) (call $f (local.get 0))))`, twice)
	Equal(t, "vector", Call(t, store, instance, "f", vector), any(V128{14, 15: 8}))
	none := HostFunc0(func(*Caller) (None, error) { return None{}, nil })
	Equal(t, "none", Must(NewHostFunc(store, none).Call(store)), nil)
}

// A bound call allocates nothing, in either direction.
func TestTypedCallsDoNotAllocate(t *testing.T) {
	if Race || Debug {
		t.Skip("the race detector and the debug mode allocate")
	}
	store, instance := Guest(t, addWat, HostFunc2(func(c *Caller, a, b int32) (int32, error) { return a + b, nil }))
	add := Must(Bind2[int32, int32, int32](store, instance.GetFunc(store, "add")))
	loop := Must(Bind1[int32, int32](store, instance.GetFunc(store, "loop")))
	raw := Must(BindRaw(store, instance.GetFunc(store, "add")))
	idle, other := Guest(t, `(module (func (export "nothing")))`)
	nothing := Must(BindVoid0(idle, other.GetFunc(idle, "nothing")))
	view := instance.GetMemory(store, "memory").View(store)
	stack := make([]Raw, 2)
	for name, f := range map[string]func(){
		"typed": func() { add.Call(1, 2) },
		"void":  func() { nothing.Call() },
		"raw":   func() { raw.Call(stack) },
		"host":  func() { loop.Call(10) },
		"view":  func() { view.PutUint64(0, 1); view.Uint64(0) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestRawCall(t *testing.T) {
	store, instance := Guest(t, echoWat)
	two := Must(BindRaw(store, instance.GetFunc(store, "two")))
	Equal(t, "slots", two.Slots(), 2)
	stack := []Raw{RawI32(1), RawI64(2), RawI32(77)}
	Check(t, two.Call(stack))
	Equal(t, "first", stack[0].I64(), 2)
	Equal(t, "second", stack[1].I32(), 1)
	Equal(t, "beyond", stack[2].I32(), 77)
	if _, ok := two.Call(stack[:1]).(*Error); !ok {
		t.Error("a short stack is no error")
	}
	if _, ok := two.Call(nil).(*Error); !ok {
		t.Error("no stack is no error")
	}
	Check(t, Must(BindRaw(store, instance.GetFunc(store, "nothing"))).Call(nil))
	v := Must(BindRaw(store, instance.GetFunc(store, "v128")))
	vector := V128{1, 15: 2}
	stack[0] = RawV128(vector)
	Check(t, v.Call(stack))
	Equal(t, "v128", stack[0].V128(), vector)
}
