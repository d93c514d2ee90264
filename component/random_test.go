package component_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// randomType is a WIT type, as a component's text has it.
type randomType struct {
	// wat is how it is referred to.
	wat string
	// flat are the core types that it is passed as, and size is at least its size in memory.
	flat []string
	size int
	// value makes a value, as Func.Call returns it.
	value func(r *rand.Rand) any
	// isOption says that nil is a value.
	isOption bool
}

// token is a resource of the host's.
type token struct{ number uint32 }

// ownToken is the type of one that is handed on.
var ownToken = randomType{wat: "(own $token)", flat: []string{"i32"}, size: 4, value: func(r *rand.Rand) any { return &token{r.Uint32()} }}

// randomTypes makes types, and the definitions of those that need names.
type randomTypes struct {
	*rand.Rand
	defs  strings.Builder
	named int
}

// define gives a type a name.
func (r *randomTypes) define(body string) string {
	r.named++
	fmt.Fprintf(&r.defs, "  (type $t%d' %s)\n  (import \"t%[1]d\" (type $t%[1]d (eq $t%[1]d')))\n", r.named, body)
	return fmt.Sprintf("$t%d", r.named)
}

// scalars are the types without parts.
var scalars = []randomType{
	{wat: "bool", flat: []string{"i32"}, value: func(r *rand.Rand) any { return r.IntN(2) == 0 }},
	{wat: "s8", flat: []string{"i32"}, value: func(r *rand.Rand) any { return int8(r.Uint32()) }},
	{wat: "u8", flat: []string{"i32"}, value: func(r *rand.Rand) any { return uint8(r.Uint32()) }},
	{wat: "s16", flat: []string{"i32"}, value: func(r *rand.Rand) any { return int16(r.Uint32()) }},
	{wat: "u16", flat: []string{"i32"}, value: func(r *rand.Rand) any { return uint16(r.Uint32()) }},
	{wat: "s32", flat: []string{"i32"}, value: func(r *rand.Rand) any { return int32(r.Uint32()) }},
	{wat: "u32", flat: []string{"i32"}, value: func(r *rand.Rand) any { return r.Uint32() }},
	{wat: "s64", flat: []string{"i64"}, value: func(r *rand.Rand) any { return int64(r.Uint64()) }},
	{wat: "u64", flat: []string{"i64"}, value: func(r *rand.Rand) any { return r.Uint64() }},
	{wat: "f32", flat: []string{"f32"}, value: func(r *rand.Rand) any { return float32(r.NormFloat64()) }},
	{wat: "f64", flat: []string{"f64"}, value: func(r *rand.Rand) any { return r.NormFloat64() }},
	{wat: "char", flat: []string{"i32"}, value: func(r *rand.Rand) any { return []rune("a\x00é世🙂\U0010ffff\ud7ff\ue000")[r.IntN(8)] }},
	{wat: "string", flat: []string{"i32", "i32"}, value: func(r *rand.Rand) any { return strings.Repeat("é世🙂x", r.IntN(4)) + "y"[:r.IntN(2)] }},
}

// next makes a type. It is a scalar at the latest when depth is 0.
func (r *randomTypes) next(depth int) randomType {
	kind := r.IntN(24)
	if depth == 0 || kind < 9 {
		t := scalars[r.IntN(len(scalars))]
		t.size = 8
		return t
	}
	switch kind {
	case 9, 10, 11:
		return r.list(r.next(depth - 1))
	case 12, 13:
		return r.fields(depth, true)
	case 14, 15:
		return r.fields(depth, false)
	case 16:
		return r.option(r.next(depth - 1))
	case 17:
		return r.result(depth)
	case 18:
		return r.enum()
	case 19:
		return r.flags()
	case 20:
		return r.fixedList(r.next(depth - 1))
	case 21:
		return r.mapType(r.next(depth - 1))
	case 22:
		return ownToken
	}
	var cases []*randomType
	for range 1 + r.IntN(5) {
		cases = append(cases, r.maybe(depth-1))
	}
	return r.variant(cases)
}

// maybe makes a type, or none.
func (r *randomTypes) maybe(depth int) *randomType {
	if r.IntN(3) == 0 {
		return nil
	}
	t := r.next(depth)
	return &t
}

func (r *randomTypes) list(elem randomType) randomType {
	return randomType{wat: "(list " + elem.wat + ")", flat: []string{"i32", "i32"}, size: 8, value: func(r *rand.Rand) any {
		return listOf(elem, r.IntN(5), r)
	}}
}

func listOf(elem randomType, n int, r *rand.Rand) any {
	list := make([]any, n)
	for i := range list {
		list[i] = elem.value(r)
	}
	return list
}

func (r *randomTypes) fixedList(elem randomType) randomType {
	n := 1 + r.IntN(4)
	t := randomType{wat: fmt.Sprintf("(list %s %d)", elem.wat, n), size: n * elem.size, value: func(r *rand.Rand) any { return listOf(elem, n, r) }}
	for range n {
		t.flat = append(t.flat, elem.flat...)
	}
	return t
}

// keyTypes are those of keys: without floats, of which 0 and -0 are one key in Go.
var keyTypes = slices.DeleteFunc(slices.Clone(scalars), func(t randomType) bool { return t.wat[0] == 'f' })

func (r *randomTypes) mapType(value randomType) randomType {
	key := keyTypes[r.IntN(len(keyTypes))]
	return randomType{wat: "(map " + key.wat + " " + value.wat + ")", flat: []string{"i32", "i32"}, size: 8, value: func(r *rand.Rand) any {
		all := map[any]any{}
		for range r.IntN(5) {
			all[key.value(r)] = value.value(r)
		}
		return all
	}}
}

func (r *randomTypes) fields(depth int, record bool) randomType {
	var t randomType
	var parts []randomType
	body := "("
	for i := range 1 + r.IntN(5) {
		part := r.next(depth - 1)
		parts = append(parts, part)
		t.flat = append(t.flat, part.flat...)
		t.size += part.size + 8
		if record {
			body += fmt.Sprintf(" (field \"f-%d\" %s)", i, part.wat)
		} else {
			body += " " + part.wat
		}
	}
	if !record {
		t.wat = "(tuple" + body[1:] + ")"
		t.value = func(r *rand.Rand) any {
			all := []any{}
			for _, part := range parts {
				all = append(all, part.value(r))
			}
			return all
		}
		return t
	}
	t.wat = r.define("(record" + body[1:] + ")")
	t.value = func(r *rand.Rand) any {
		all := map[string]any{}
		for i, part := range parts {
			all[fmt.Sprintf("f-%d", i)] = part.value(r)
		}
		return all
	}
	return t
}

func (r *randomTypes) enum() randomType {
	n := 1 + r.IntN(300)
	var body strings.Builder
	for i := range n {
		fmt.Fprintf(&body, " \"e-%d\"", i)
	}
	return randomType{wat: r.define("(enum" + body.String() + ")"), flat: []string{"i32"}, size: 4, value: func(r *rand.Rand) any {
		return fmt.Sprintf("e-%d", r.IntN(n))
	}}
}

func (r *randomTypes) flags() randomType {
	n := 1 + r.IntN(32)
	var body strings.Builder
	for i := range n {
		fmt.Fprintf(&body, " \"b-%d\"", i)
	}
	return randomType{wat: r.define("(flags" + body.String() + ")"), flat: []string{"i32"}, size: 4, value: func(r *rand.Rand) any {
		set := []string{}
		for i := range n {
			if r.IntN(2) == 0 {
				set = append(set, fmt.Sprintf("b-%d", i))
			}
		}
		return set
	}}
}

// choice is what a variant, an option and a result have in common.
func choice(cases []*randomType) (t randomType) {
	t.flat = []string{"i32"}
	for _, c := range cases {
		if c == nil {
			continue
		}
		t.size = max(t.size, c.size)
		for i, flat := range c.flat {
			switch {
			case i+1 == len(t.flat):
				t.flat = append(t.flat, flat)
			case t.flat[i+1] == flat:
			case t.flat[i+1]+flat == "i32f32" || t.flat[i+1]+flat == "f32i32":
				t.flat[i+1] = "i32"
			default:
				t.flat[i+1] = "i64"
			}
		}
	}
	t.size += 16
	return t
}

func valueOf(t *randomType, r *rand.Rand) any {
	if t == nil {
		return nil
	}
	return t.value(r)
}

func (r *randomTypes) option(elem randomType) randomType {
	t := choice([]*randomType{nil, &elem})
	t.wat, t.isOption = "(option "+elem.wat+")", true
	t.value = func(r *rand.Rand) any {
		some := r.IntN(3) > 0
		switch {
		case elem.isOption && some:
			return component.Some(elem.value(r))
		case elem.isOption:
			return component.None[any]()
		case some:
			return elem.value(r)
		}
		return nil
	}
	return t
}

func (r *randomTypes) result(depth int) randomType {
	ok, err := r.maybe(depth-1), r.maybe(depth-1)
	t := choice([]*randomType{ok, err})
	t.wat = "(result"
	if ok != nil {
		t.wat += " " + ok.wat
	}
	if err != nil {
		t.wat += " (error " + err.wat + ")"
	}
	t.wat += ")"
	t.value = func(r *rand.Rand) any {
		if r.IntN(2) == 0 {
			return component.Ok[any, any](valueOf(ok, r))
		}
		return component.Err[any](valueOf(err, r))
	}
	return t
}

func (r *randomTypes) variant(cases []*randomType) randomType {
	t := choice(cases)
	body := ""
	for i, c := range cases {
		if c == nil {
			body += fmt.Sprintf(" (case \"c-%d\")", i)
		} else {
			body += fmt.Sprintf(" (case \"c-%d\" %s)", i, c.wat)
		}
	}
	t.wat = r.define("(variant" + body + ")")
	t.value = func(r *rand.Rand) any {
		i := r.IntN(len(cases))
		return component.Variant{Case: fmt.Sprintf("c-%d", i), Value: valueOf(cases[i], r)}
	}
	return t
}

// echoWat is a component that has, for each type, a function which passes its parameter to one of the host, and returns
// what that returns.
func echoWat(r *randomTypes, types []randomType) string {
	var imports, lowered, core, funcs, with, exports strings.Builder
	for i, t := range types {
		params := strings.Join(t.flat, " ")
		args := len(t.flat)
		if args > 16 {
			params, args = "i32", 1
		}
		result, outParams, call := t.flat[0], params, ""
		for j := range args {
			call += fmt.Sprintf(" (local.get %d)", j)
		}
		hostResult := "(result " + result + ")"
		tail := ""
		if len(t.flat) > 1 {
			result, hostResult, outParams, call, tail = "i32", "", params+" i32", call+" (i32.const 16)", " (i32.const 16)"
		}
		fmt.Fprintf(&imports, "  (import \"g%d\" (func $g%[1]d (param \"x\" %s) (result %[2]s)))\n", i, t.wat)
		fmt.Fprintf(&lowered, "  (core func $l%d (canon lower (func $g%[1]d) (memory $memory) (realloc $realloc)))\n", i)
		fmt.Fprintf(&core, "    (import \"h\" \"g%d\" (func $g%[1]d (param %s) %s))\n", i, outParams, hostResult)
		fmt.Fprintf(&funcs, "    (func (export \"f%d\") (param %s) (result %s) (call $g%[1]d%[4]s)%[5]s)\n", i, params, result, call, tail)
		fmt.Fprintf(&with, " (export \"g%d\" (func $l%[1]d))", i)
		fmt.Fprintf(&exports, "  (func (export \"f%d\") (param \"x\" %s) (result %[2]s) (canon lift (core func $i \"f%[1]d\") (memory $memory) "+
			"(realloc $realloc) (post-return (core func $i \"reset%[1]d\"))))\n", i, t.wat)
		fmt.Fprintf(&funcs, "    (func (export \"reset%d\") (param %s) (call $reset (i32.const 0)))\n", i, result)
	}
	memory := strings.ReplaceAll(memoryWat, "(i32.const 1024)", "(i32.const 65536)")
	memory = strings.Replace(memory, `(memory (export "memory") 1)`, `(memory (export "memory") 2)`, 1)
	return "(component\n  (import \"token\" (type $token (sub resource)))\n" + r.defs.String() + imports.String() + "  (core module $mem" + memory + `)
  (core instance $mi (instantiate $mem))
  (alias core export $mi "memory" (core memory $memory))
  (alias core export $mi "realloc" (core func $realloc))
  (alias core export $mi "reset" (core func $reset))
` + lowered.String() + "  (core module $m\n    (import \"h\" \"reset\" (func $reset (param i32)))\n" + core.String() + funcs.String() +
		")\n  (core instance $i (instantiate $m (with \"h\" (instance (export \"reset\" (func $reset))" + with.String() + "))))\n" + exports.String() + ")"
}

// same tells whether two values are the same, but for the Go types of lists and maps.
func same(a, b any) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	if x.Kind() == reflect.Slice && y.Kind() == reflect.Slice {
		if x.Len() != y.Len() {
			return false
		}
		for i := range x.Len() {
			if !same(x.Index(i).Interface(), y.Index(i).Interface()) {
				return false
			}
		}
		return true
	}
	if x.Kind() == reflect.Map && y.Kind() == reflect.Map {
		in := map[any]any{}
		for key, value := range y.Seq2() {
			in[key.Interface()] = value.Interface()
		}
		for key, value := range x.Seq2() {
			w, ok := in[key.Interface()]
			if !ok || !same(value.Interface(), w) {
				return false
			}
		}
		return x.Len() == y.Len()
	}
	switch a := a.(type) {
	case component.Variant:
		b, ok := b.(component.Variant)
		return ok && a.Case == b.Case && same(a.Value, b.Value)
	case component.Option[any]:
		b, ok := b.(component.Option[any])
		v, some := a.Get()
		w, too := b.Get()
		return ok && some == too && same(v, w)
	case component.Result[any, any]:
		b, ok := b.(component.Result[any, any])
		v, _ := a.Ok()
		w, _ := b.Ok()
		e, _ := a.Err()
		f, _ := b.Err()
		return ok && a.IsOk() == b.IsOk() && same(v, w) && same(e, f)
	}
	return reflect.DeepEqual(a, b)
}

// Values of random types go through a guest to a host function and back: as parameters and results on both sides,
// by themselves, in a list and in a variant.
func TestRandomTypes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("the seed is %d", seed)
	r := &randomTypes{Rand: rand.New(rand.NewPCG(seed, 15))}
	engine := EngineWith(t, CompilesQuickly, func(c *wasmtime.Config) {
		c.SetWasmComponentModelFixedLengthLists(true)
		c.SetWasmComponentModelMap(true)
	})
	defer engine.Close()
	const each, values = 10, 10
	for range max(1, Sample(10_000, Rounds(200))/each) {
		r.defs.Reset()
		var types []randomType
		for len(types) < 3*each {
			one := r.next(4)
			if one.size > 20_000 {
				continue
			}
			types = append(types, one, r.list(one), r.variant([]*randomType{nil, &one, {wat: "f32", flat: []string{"f32"}, size: 4,
				value: func(r *rand.Rand) any { return float32(1) }}}))
		}
		wat := echoWat(r, types)
		c, err := component.New(engine, []byte(wat))
		if err != nil {
			t.Fatalf("%v\n%s", err, wat)
		}
		linker := component.NewLinker(engine)
		Check(t, linker.Root().Resource("token", component.ResourceOf[*token]()))
		var seen any
		for i := range types {
			host := component.HostFunc1(func(_ *wasmtime.Caller, v any) (any, error) { seen = v; return v, nil })
			if strings.HasPrefix(types[i].wat, "(result") {
				host = component.HostFunc1(func(_ *wasmtime.Caller, v component.Result[any, any]) (component.Result[any, any], error) {
					seen = v
					return v, nil
				})
			}
			Check(t, linker.Root().Func(fmt.Sprintf("g%d", i), host))
		}
		store := wasmtime.NewStore(engine)
		instance, err := linker.Instantiate(nil, store, c)
		if err != nil {
			t.Fatalf("%v\n%s", err, wat)
		}
		for i, one := range types {
			f := Must(instance.Func(fmt.Sprintf("f%d", i)))
			for range values {
				want := one.value(r.Rand)
				got, err := f.Call(nil, want)
				if strings.HasPrefix(one.wat, "(result") {
					got, err = resultOf(got, err)
				}
				if err != nil || !same(got, want) || !same(seen, want) {
					t.Fatalf("%s: %v\ngot  %#v\nwant %#v\nseen %#v\n%s", one.wat, err, got, want, seen, r.defs.String())
				}
			}
		}
		store.Close()
		linker.Close()
		c.Close()
	}
}

// resultOf is the value that Func.Call has returned as a value and an error.
func resultOf(value any, err error) (any, error) {
	failed, ok := err.(*component.ResultError)
	switch {
	case ok:
		return component.Err[any](failed.Value), nil
	case err != nil:
		return nil, err
	}
	return component.Ok[any, any](value), nil
}
