package wasmtime_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

type (
	offset  uint32
	errno   uint16
	flag    bool
	ratio   float64
	level   int8
	handle  int64
	failure struct{ code int }
)

func (f *failure) Error() string { return fmt.Sprint("failure ", f.code) }

// goFunc makes a function of the store of a Go function.
func goFunc(t testing.TB, store *Store, f any) *Func {
	t.Helper()
	return NewHostFunc(store, Must(HostFuncOf(f)))
}

func TestHostFuncOfTypes(t *testing.T) {
	store := NewStore(NewEngine())
	vector := V128{1, 15: 2}
	for _, c := range []struct {
		f    any
		sig  string
		args []any
		want any
	}{
		{func() {}, "[] []", nil, nil},
		{func(a int32, b uint32) int32 { return a - int32(b) }, "[i32 i32] [i32]", []any{1, 2}, int32(-1)},
		{func(a uint32) uint32 { return a }, "[i32] [i32]", []any{math.MaxUint32}, int32(-1)},
		{func(a uint64) uint64 { return a + 1 }, "[i64] [i64]", []any{uint64(math.MaxUint64 - 1)}, int64(-1)},
		{func(a int64) int64 { return -a }, "[i64] [i64]", []any{5}, int64(-5)},
		{func(a float32) float32 { return -a }, "[f32] [f32]", []any{float32(1.5)}, float32(-1.5)},
		{func(a ratio) ratio { return a / 2 }, "[f64] [f64]", []any{3.0}, 1.5},
		{func(a V128) V128 { a[0]++; return a }, "[v128] [v128]", []any{vector}, V128{2, 15: 2}},
		{func(p offset, n uint32) errno { return errno(uint32(p) + n) }, "[i32 i32] [i32]", []any{1, 2}, int32(3)},
		{func(a bool) bool { return !a }, "[i32] [i32]", []any{0}, int32(1)},
		{func(a, b flag) flag { return a && b }, "[i32 i32] [i32]", []any{-256, 2}, int32(1)},
		{func(a int8, b level) level { return b - level(a) }, "[i32 i32] [i32]", []any{1, -127}, int32(-128)},
		{func(a uint8) uint8 { return ^a }, "[i32] [i32]", []any{0}, int32(255)},
		{func(a int16) int16 { return ^a }, "[i32] [i32]", []any{0}, int32(-1)},
		{func(a uint16) uint16 { return ^a }, "[i32] [i32]", []any{0}, int32(65535)},
		{func(h handle) bool { return h < 0 }, "[i64] [i32]", []any{-1}, int32(1)},
		{func(a uint32) uint8 { return uint8(a) }, "[i32] [i32]", []any{0x1ff}, int32(0xff)},
		{func(a uint32) int8 { return int8(a) }, "[i32] [i32]", []any{0x80}, int32(-128)},
		{func(a, b, c, d, e, f, g int32) int32 { return a*b + c*d + e*f + g }, "[i32 i32 i32 i32 i32 i32 i32] [i32]",
			[]any{1, 2, 3, 4, 5, 6, 7}, int32(2 + 12 + 30 + 7)},
		{func(a int32, b float64, c int64, d float32) float64 { return float64(a) + b + float64(c) + float64(d) },
			"[i32 f64 i64 f32] [f64]", []any{1, 0.5, 2, float32(0.25)}, 3.75},
	} {
		t.Run(reflect.TypeOf(c.f).String(), func(t *testing.T) {
			f := goFunc(t, store, c.f)
			Equal(t, "type", fmt.Sprint(f.Type(store).Params(), f.Type(store).Results()), c.sig)
			Equal(t, "result", Must(f.Call(store, c.args...)), c.want)
		})
	}
	two := goFunc(t, store, func(a int32) (int64, bool, float32, error) { return int64(a), a > 0, float32(a) / 2, nil })
	Equal(t, "results", fmt.Sprint(Must(two.Call(store, 3))), fmt.Sprint([]Val{ValI64(3), ValI32(1), ValF32(1.5)}))
}

// A guest's i32 that a parameter's type cannot hold is no other number, but the end of the guest.
func TestHostFuncOfRanges(t *testing.T) {
	store := NewStore(NewEngine())
	for _, c := range []struct {
		f        any
		min, max int
		below    int
		above    int
	}{
		{func(a int8) int32 { return int32(a) }, -128, 127, -129, 128},
		{func(a uint8) int32 { return int32(a) }, 0, 255, -1, 256},
		{func(a int16) int32 { return int32(a) }, -32768, 32767, -32769, 32768},
		{func(a uint16) int32 { return int32(a) }, 0, 65535, -1, 65536},
		{func(_ float64, a errno) int32 { return int32(a) }, 0, 65535, math.MinInt32, math.MaxInt32},
	} {
		host := goFunc(t, store, c.f)
		params := reflect.TypeOf(c.f).NumIn()
		instance := Instantiate(t, store, `(module (import "" "" (func $f (param`+strings.Repeat(" f64", params-1)+` i32) (result i32)))
			(func (export "f") (param i32) (result i32) (call $f `+strings.Repeat("(f64.const 0)", params-1)+`(local.get 0))))`, host)
		for _, n := range []int{c.min, c.max} {
			Equal(t, fmt.Sprintf("%T", c.f), Call(t, store, instance, "f", n), any(int32(n)))
		}
		for _, n := range []int{c.below, c.above} {
			_, err := instance.GetFunc(store, "f").Call(store, n)
			if _, ok := err.(*Error); !ok {
				t.Errorf("%T of %d: %v", c.f, n, err)
			}
			WantText(t, err, fmt.Sprintf("argument %d of the host function is %d, which is out of the range of %v", params, n,
				reflect.TypeOf(c.f).In(params-1)))
			if cause, ok := errors.Unwrap(err).(*Error); !ok {
				t.Errorf("%T of %d: the cause is %v", c.f, n, cause)
			}
		}
	}
}

func TestHostFuncOfErrors(t *testing.T) {
	store := NewStore(NewEngine())
	var fail error
	for name, f := range map[string]any{
		"only":         func() error { return fail },
		"with caller":  func(*Caller) error { return fail },
		"by reflected": func(float32, int32) (int16, error) { return 7, fail },
		"result":       func(a uint32) (uint32, error) { return a, fail },
		"bool":         func(c *Caller, a uint32) (bool, error) { return a > 0, fail },
		"context":      func(context.Context, int64) (int64, error) { return 0, fail },
	} {
		t.Run(name, func(t *testing.T) {
			host := Must(HostFuncOf(f))
			var params []string
			var push strings.Builder
			for _, ty := range host.Type().Params() {
				params = append(params, ty.String())
				push.WriteString("(" + ty.String() + ".const 1)")
			}
			result, drop := "", ""
			for _, ty := range host.Type().Results() {
				result, drop = "(result "+ty.String()+")", "(drop)"
			}
			instance := Instantiate(t, store, `(module (import "" "" (func $f (param `+strings.Join(params, " ")+`) `+result+`))
				(func (export "run") `+push.String()+`(call $f)`+drop+`))`, host)
			run := instance.GetFunc(store, "run")
			fail = fmt.Errorf("wrapped: %w", &failure{4})
			_, err := run.Call(store)
			if _, ok := err.(*Error); !ok {
				t.Fatalf("%T: %v", err, err)
			}
			WantIs(t, err, fail)
			var is *failure
			if !errors.As(err, &is) || is.code != 4 {
				t.Errorf("the cause is lost: %v", err)
			}
			fail = NewTrap("a trap of its own")
			_, err = run.Call(store)
			WantText(t, err, "a trap of its own")
			fail = nil
			if _, err = run.Call(store); err != nil {
				t.Error(err)
			}
		})
	}
	trap := goFunc(t, store, func(a int32) *Trap {
		if a == 0 {
			return nil
		}
		return NewTrap("not zero")
	})
	Must(trap.Call(store, 0))
	_, err := trap.Call(store, 1)
	WantText(t, err, "not zero")
	both := goFunc(t, store, func(c context.Context, a float64) (float64, *Trap) { return a, nil })
	Equal(t, "context and trap", Must(both.Call(store, 2.5)), any(2.5))
}

func TestHostFuncOfCallerAndContext(t *testing.T) {
	store := NewStoreWithData(EngineWith(t, func(cfg *Config) { cfg.SetEpochInterruption(true) }), "data")
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "value")
	for name, f := range map[string]any{
		"caller":               func(c *Caller) { Equal(t, "data", c.Data(), any("data")) },
		"context":              func(c context.Context) { Equal(t, "value", c.Value(key{}), any("value")) },
		"caller, reflected":    func(c *Caller, _ V128) { Equal(t, "data", c.Data(), any("data")) },
		"context, reflected":   func(c context.Context, _ V128) { Equal(t, "value", c.Value(key{}), any("value")) },
		"context with results": func(c context.Context, a uint32) (uint32, error) { return uint32(len(c.Value(key{}).(string))), nil },
	} {
		host := goFunc(t, store, f)
		var args []any
		for _, ty := range host.Type(store).Params() {
			args = append(args, map[ValKind]any{KindV128: V128{}, KindI32: 1}[ty.Kind()])
		}
		got, err := host.CallContext(ctx, store, args...)
		if err != nil || name == "context with results" && got != int32(5) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	background := goFunc(t, store, func(c context.Context) bool { return c == context.Background() })
	Equal(t, "no context", Must(background.Call(store)), any(int32(1)))
}

// What cannot be a host function is refused where it is defined, and the error says what is wrong.
func TestHostFuncOfRefusals(t *testing.T) {
	var none func(int32)
	linker := NewLinker(NewEngine())
	for _, c := range []struct {
		f    any
		want string
	}{
		{nil, "<nil> is no function"},
		{1, "int is no function"},
		{none, "the func(int32) is nil"},
		{func(int) {}, "parameter 1: int has no size of its own, write int32"},
		{func(int32) uint { return 0 }, "result 1: uint has no size of its own"},
		{func(uintptr) {}, "parameter 1: uintptr has no size"},
		{func(int32, string) {}, "parameter 2: string is no number; a guest passes the offset"},
		{func([]byte) {}, "parameter 1: []uint8 is no number; a guest"},
		{func(any) {}, "parameter 1: interface {} is no number"},
		{func([16]byte) {}, "parameter 1: [16]uint8 is no number"},
		{func(*int32) {}, "parameter 1: *int32 is no number"},
		{func(complex64) {}, "parameter 1: complex64 is no number"},
		{func(...int32) {}, "any number of arguments"},
		{func(int32, *Caller) {}, "parameter 2: a *Caller comes first"},
		{func(*Caller, context.Context) {}, "parameter 2: a context.Context comes first"},
		{func(context.Context, *Caller) {}, "parameter 2: a *Caller comes first"},
		//lint:ignore ST1008 that is what is refused
		{func() (error, int32) { return nil, 0 }, "result 1: an error comes last"},
		{func() (error, error) { return nil, nil }, "result 1: an error comes last"},
		{func() *failure { return nil }, "result 1: *wasmtime_test.failure is no number"},
		{func(error) {}, "parameter 1: error is no number"},
	} {
		_, err := HostFuncOf(c.f)
		if _, ok := err.(*Error); !ok {
			t.Errorf("%T: %v", c.f, err)
			continue
		}
		WantText(t, err, c.want)
		err = linker.DefineGoFunc("env", "f", c.f)
		WantText(t, err, c.want)
		WantText(t, err, "env.f: ")
	}
}

func TestDefineGoFunc(t *testing.T) {
	engine := NewEngine()
	linker := NewLinker(engine)
	Check(t, linker.DefineGoFunc("env", "add", func(a, b uint32) uint32 { return a + b }))
	for range 2 {
		store := NewStore(engine)
		instance := Must(linker.Instantiate(store, Compile(t, engine, `(module
			(import "env" "add" (func $f (param i32 i32) (result i32)))
			(func (export "f") (result i32) (call $f (i32.const 2) (i32.const 3))))`)))
		Equal(t, "sum", Call(t, store, instance, "f"), any(int32(5)))
	}
	if err := linker.DefineGoFunc("env", "add", func() {}); err == nil {
		t.Error("a second definition is no error")
	}
}

// Every shape that is called without reflection, in every form, passes what it is given and returns what it gets.
func TestGoFuncShapes(t *testing.T) {
	store := NewStore(NewEngine())
	letters := map[rune]reflect.Type{'i': reflect.TypeFor[offset](), 'l': reflect.TypeFor[uint64](), 'f': reflect.TypeFor[float32](),
		'd': reflect.TypeFor[ratio](), 'b': reflect.TypeFor[flag]()}
	types := func(text string) (all []reflect.Type) {
		for _, letter := range text {
			all = append(all, letters[letter])
		}
		return all
	}
	// number is a value of a type that differs from its neighbours.
	number := func(ty reflect.Type, n int) reflect.Value {
		v := reflect.New(ty).Elem()
		switch ty.Kind() {
		case reflect.Bool:
			v.SetBool(n%2 == 0)
		case reflect.Uint32, reflect.Uint64:
			v.SetUint(uint64(1_000_000+n) << (8 * (ty.Size() - 4)))
		default:
			v.SetFloat(float64(n) + 0.25)
		}
		return v
	}
	// passed is such a value as the host passes it to a function, or gets it back.
	passed := func(v reflect.Value) any {
		switch {
		case v.Kind() == reflect.Bool && v.Bool():
			return int32(1)
		case v.Kind() == reflect.Bool:
			return int32(0)
		case v.Kind() == reflect.Uint32:
			return int32(v.Uint())
		case v.Kind() == reflect.Uint64:
			return int64(v.Uint())
		case v.Kind() == reflect.Float32:
			return float32(v.Float())
		}
		return v.Float()
	}
	params := []string{"", "f", "d", "ff", "dd", "fff", "ddd", "iiii", "iiiii", "iiiiii", "iiiiiii", "b", "ib", "il" + "d", "fd", "lf"}
	for _, a := range []string{"i", "l"} {
		params = append(params, a)
		for _, b := range []string{"i", "l"} {
			params = append(params, a+b, a+b+"i", a+b+"l")
		}
	}
	caller, ctx := reflect.TypeFor[*Caller](), reflect.TypeFor[context.Context]()
	failing := reflect.ValueOf(errors.New("failed")).Convert(reflect.TypeFor[error]())
	shapes := 0
	for _, ins := range params {
		for _, outs := range []string{"", "i", "l", "f", "d", "b", "il"} {
			for _, first := range []reflect.Type{nil, caller, ctx} {
				for _, last := range []reflect.Type{nil, reflect.TypeFor[error](), reflect.TypeFor[*Trap]()} {
					if shapes++; Debug && shapes%10 != 0 {
						continue
					}
					in, out := types(ins), types(outs)
					if first != nil {
						in = append([]reflect.Type{first}, in...)
					}
					if last != nil {
						out = append(out, last)
					}
					ty := reflect.FuncOf(in, out, false)
					var want, wantResults []any
					for i, in := range types(ins) {
						want = append(want, passed(number(in, i)))
					}
					for i, out := range types(outs) {
						wantResults = append(wantResults, passed(number(out, i)))
					}
					fail := false
					made := reflect.MakeFunc(ty, func(args []reflect.Value) (results []reflect.Value) {
						if first != nil {
							if args[0].IsNil() {
								t.Errorf("%v: nil came first", ty)
							}
							args = args[1:]
						}
						for i, arg := range args {
							if got := passed(arg); got != want[i] {
								t.Errorf("%v: argument %d is %v, want %v", ty, i, got, want[i])
							}
						}
						for i, out := range types(outs) {
							results = append(results, number(out, i))
						}
						switch {
						case last == nil:
						case !fail:
							results = append(results, reflect.Zero(last))
						case last == failing.Type():
							results = append(results, failing)
						default:
							results = append(results, reflect.ValueOf(NewTrap("failed")))
						}
						return results
					})
					f := goFunc(t, store, made.Interface())
					got, err := f.Call(store, want...)
					if err != nil {
						t.Fatalf("%v: %v", ty, err)
					}
					var all []any
					switch vals, several := got.([]Val); {
					case several:
						for _, v := range vals {
							all = append(all, v.Get())
						}
					case outs != "":
						all = append(all, got)
					}
					if !reflect.DeepEqual(all, wantResults) {
						t.Errorf("%v: results %v, want %v", ty, all, wantResults)
					}
					fail = true
					if _, err := f.Call(store, want...); last != nil && (err == nil || err.Error() != "failed") {
						t.Errorf("%v: %v", ty, err)
					}
				}
			}
		}
	}
}

// Functions of common shapes are called without an allocation, whatever their types are called.
func TestGoFuncsDoNotAllocate(t *testing.T) {
	if Race || Debug {
		t.Skip("the race detector and the debug mode allocate")
	}
	engine := NewEngine()
	wrap := func(store *Store, f any) *Func { return WrapFunc(store, f) }
	of := func(store *Store, f any) *Func { return goFunc(t, store, f) }
	for _, c := range []struct {
		name string
		make func(*Store, any) *Func
		f    any
	}{
		{"WrapFunc", wrap, func(a, b int32) int32 { return a + b }},
		{"WrapFunc", wrap, func(c *Caller, a, b int32) (int32, *Trap) { return a + b, nil }},
		{"HostFuncOf", of, func(a, b int32) int32 { return a + b }},
		{"HostFuncOf", of, func(a offset, b uint32) errno32 { return errno32(uint32(a) + b) }},
		{"HostFuncOf", of, func(a, b uint32) bool { return a > b }},
		{"HostFuncOf", of, func(c *Caller, a, b uint32) (uint32, error) { return a + b, nil }},
		{"HostFuncOf", of, func(c context.Context, a, b uint32) (uint32, error) { return a + b, nil }},
	} {
		store := NewStore(engine)
		instance := Instantiate(t, store, `(module (import "" "" (func $f (param i32 i32) (result i32)))
			(func (export "f") (drop (call $f (i32.const 100000) (i32.const 200000)))))`, c.make(store, c.f))
		f := Must(Bind0[None](store, instance.GetFunc(store, "f")))
		if n := testing.AllocsPerRun(100, func() { f.Call() }); n != 0 {
			t.Errorf("%s of %T: %v allocations", c.name, c.f, n)
		}
	}
}

type errno32 uint32

// An import that has another type because FuncWrap makes externrefs of most Go types is no riddle.
func TestExternrefsAreExplained(t *testing.T) {
	engine := NewEngine()
	module := Compile(t, engine, `(module (import "env" "add" (func (param i32 i32) (result i32))))`)
	const why = "FuncWrap and WrapFunc make externrefs of the Go types int, error, as wasmtime-go does. Linker.DefineGoFunc and HostFuncOf"
	add := func(a, b int) (int, error) { return a + b, nil }
	store := NewStore(engine)

	linker := NewLinker(engine)
	linker.AllowShadowing(true)
	Check(t, linker.FuncWrap("env", "add", add))
	_, err := linker.Instantiate(store, module)
	WantText(t, err, why)
	WantText(t, err, "incompatible import type for `env::add`")
	if _, ok := err.(*Error); !ok {
		t.Errorf("%T", err)
	}
	_, err = linker.InstantiatePre(module)
	WantText(t, err, why)
	_, err = NewInstance(store, module, []AsExtern{WrapFunc(store, add)})
	WantText(t, err, why)
	stored := NewLinker(engine)
	Check(t, stored.DefineFunc(store, "env", "add", add))
	_, err = stored.Instantiate(store, module)
	WantText(t, err, why)

	// What replaces it is what counts.
	for _, f := range []any{func(a, b int64) int64 { return a }, func(a, b any) int32 { return 0 }} {
		Check(t, linker.FuncWrap("env", "add", f))
		_, err = linker.Instantiate(store, module)
		if err == nil || strings.Contains(err.Error(), "FuncWrap") {
			t.Errorf("%T: %v", f, err)
		}
	}
	Check(t, linker.FuncWrap("env", "add", func(a, b int32) int32 { return a + b }))
	Must(linker.Instantiate(store, module))
}
