package canon_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime/internal/canon"
)

// noSample is what Whole is in package testkit, which needs the native library; this package does not.
var noSample = flag.Bool("whole", false, "everything of which some tests otherwise take a sample")

// random makes types and values.
type random struct{ *rand.Rand }

// typ makes a WIT type and a Go type for it.
func (r random) typ(depth int) (*canon.Type, reflect.Type) {
	scalars := []struct {
		wit    *canon.Type
		goType reflect.Type
	}{
		{tBool, reflect.TypeFor[bool]()}, {tU8, reflect.TypeFor[uint8]()}, {tS8, reflect.TypeFor[int8]()},
		{tU16, reflect.TypeFor[uint16]()}, {tS16, reflect.TypeFor[int16]()}, {tU32, reflect.TypeFor[uint32]()},
		{tS32, reflect.TypeFor[int32]()}, {tU64, reflect.TypeFor[uint64]()}, {tS64, reflect.TypeFor[int64]()},
		{tF32, reflect.TypeFor[float32]()}, {tF64, reflect.TypeFor[float64]()}, {tChar, reflect.TypeFor[rune]()},
		{tString, reflect.TypeFor[string]()},
	}
	if depth == 0 || r.IntN(4) == 0 {
		s := scalars[r.IntN(len(scalars))]
		return s.wit, s.goType
	}
	elem, goElem := r.typ(depth - 1)
	switch r.IntN(13) {
	case 0, 1:
		return canon.ListType(elem), reflect.SliceOf(goElem)
	case 2:
		n := 1 + r.IntN(4)
		return canon.FixedListType(elem, uint32(n)), reflect.ArrayOf(n, goElem)
	case 3:
		key := scalars[r.IntN(len(scalars))]
		if key.wit == tF32 || key.wit == tF64 {
			key = scalars[0]
		}
		return canon.MapType(key.wit, elem), reflect.MapOf(key.goType, goElem)
	case 4, 5, 6:
		var fields []canon.Field
		var goFields []reflect.StructField
		for i := range 1 + r.IntN(5) {
			t, g := r.typ(depth - 1)
			fields = append(fields, canon.Field{Name: fmt.Sprintf("field-%c", 'a'+i), Type: t})
			goFields = append(goFields, reflect.StructField{Name: fmt.Sprintf("Field%c", 'A'+i), Type: g})
		}
		if r.IntN(2) == 0 {
			var types []*canon.Type
			for _, f := range fields {
				types = append(types, f.Type)
			}
			return canon.TupleType(types...), reflect.StructOf(goFields)
		}
		r.Shuffle(len(goFields), func(i, j int) { goFields[i], goFields[j] = goFields[j], goFields[i] })
		return canon.RecordType(fields...), reflect.StructOf(goFields)
	case 7, 8:
		cases := []canon.Case{{Name: "none-of-them"}}
		for i := range r.IntN(4) {
			t, _ := r.typ(depth - 1)
			cases = append(cases, canon.Case{Name: fmt.Sprintf("case-%c", 'a'+i), Type: t})
		}
		return canon.VariantType(cases...), reflect.TypeFor[Variant]()
	case 9:
		n := []int{1, 3, 256, 257}[r.IntN(4)]
		return canon.EnumType(names(n)...), []reflect.Type{reflect.TypeFor[string](), reflect.TypeFor[uint16](), reflect.TypeFor[int32]()}[r.IntN(3)]
	case 10:
		n := []int{1, 8, 9, 16, 17, 32}[r.IntN(6)]
		return canon.FlagsType(names(n)...), []reflect.Type{reflect.TypeFor[uint32](), reflect.TypeFor[uint64]()}[r.IntN(2)]
	case 11:
		return canon.OptionType(elem), reflect.PointerTo(goElem)
	default:
		err, _ := r.typ(depth - 1)
		payloads := []*canon.Type{elem, err}
		payloads[r.IntN(2)] = nil
		if r.IntN(2) == 0 {
			payloads = []*canon.Type{elem, err}
		}
		return canon.ResultType(payloads[0], payloads[1]), dynamic.Result
	}
}

// fill makes a value.
func (r random) fill(t *canon.Type, v reflect.Value) {
	switch t.Kind {
	case canon.Bool:
		v.SetBool(r.IntN(2) == 0)
	case canon.S8, canon.S16, canon.S32, canon.S64:
		v.SetInt(int64(r.Uint64()) >> r.IntN(64) << (64 - 8*t.Size) >> (64 - 8*t.Size))
	case canon.U8, canon.U16, canon.U32, canon.U64:
		v.SetUint(r.Uint64() >> r.IntN(64) << (64 - 8*t.Size) >> (64 - 8*t.Size))
	case canon.F32:
		v.SetFloat(float64(math.Float32frombits(r.Uint32())))
	case canon.F64:
		v.SetFloat(math.Float64frombits(r.Uint64()))
	case canon.Char:
		v.SetInt(int64(r.char()))
	case canon.String:
		var text []rune
		for range r.IntN(20) {
			text = append(text, r.char())
		}
		v.SetString(string(text))
	case canon.List:
		n := r.IntN(5)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			r.fill(t.Elem, v.Index(i))
		}
	case canon.FixedList:
		for i := range v.Len() {
			r.fill(t.Elem, v.Index(i))
		}
	case canon.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range r.IntN(4) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			r.fill(t.Key(), key)
			r.fill(t.Value(), value)
			v.SetMapIndex(key, value)
		}
	case canon.Record:
		for _, f := range t.Fields {
			name := "Field" + string(f.Name[6]-'a'+'A')
			r.fill(f.Type, v.FieldByName(name))
		}
	case canon.Tuple:
		for i, f := range t.Fields {
			r.fill(f.Type, v.Field(i))
		}
	case canon.Variant:
		c := t.Cases[r.IntN(len(t.Cases))]
		v.Set(reflect.ValueOf(Variant{Case: c.Name, Value: r.any(c.Type)}))
	case canon.Enum:
		i := r.IntN(len(t.Cases))
		switch {
		case v.Kind() == reflect.String:
			v.SetString(t.Cases[i].Name)
		case v.CanInt():
			v.SetInt(int64(i))
		default:
			v.SetUint(uint64(i))
		}
	case canon.Flags:
		v.SetUint(r.Uint64() >> (64 - len(t.Names)))
	case canon.Option:
		if r.IntN(2) == 0 {
			v.Set(reflect.New(v.Type().Elem()))
			r.fill(t.Elem, v.Elem())
		}
	case canon.Result:
		if r.IntN(2) == 0 {
			v.Set(reflect.ValueOf(ok[any, any](r.any(t.Ok()))))
		} else {
			v.Set(reflect.ValueOf(failed[any, any](r.any(t.Err()))))
		}
	}
}

func (r random) char() rune {
	c := []rune{'a' + rune(r.IntN(26)), rune(r.IntN(128)), rune(r.IntN(0xd800)), 0xe000 + rune(r.IntN(0x110000-0xe000))}
	return c[r.IntN(len(c))]
}

// any makes a value of the kind that comes out of an any: by a first way through a message, of which every byte is
// random that may be.
func (r random) any(t *canon.Type) any {
	if t == nil {
		return nil
	}
	p := newPlanner()
	zero, err := decodeAny(p, t, make([]byte, t.Size))
	if err != nil {
		panic(err)
	}
	switch t.Kind {
	case canon.U32:
		return r.Uint32()
	case canon.S64:
		return int64(r.Uint64())
	case canon.String:
		return string(r.char())
	case canon.List:
		if v := reflect.ValueOf(zero); v.Type() != reflect.TypeFor[[]any]() {
			s := reflect.New(v.Type())
			r.fillNatural(t, s.Elem())
			return s.Elem().Interface()
		}
		return []any{r.any(t.Elem)}
	case canon.Tuple:
		list := zero.([]any)
		for i := range list {
			list[i] = r.any(t.Fields[i].Type)
		}
		return list
	case canon.Record:
		fields := zero.(map[string]any)
		for _, f := range t.Fields {
			fields[f.Name] = r.any(f.Type)
		}
		return fields
	case canon.Variant:
		c := t.Cases[r.IntN(len(t.Cases))]
		return Variant{Case: c.Name, Value: r.any(c.Type)}
	case canon.Option:
		if t.Elem.Kind != canon.Option && r.IntN(2) == 0 {
			return r.any(t.Elem)
		}
	case canon.Result:
		if r.IntN(2) == 0 {
			return failed[any, any](r.any(t.Err()))
		}
		return ok[any, any](r.any(t.Ok()))
	}
	return zero
}

// fillNatural fills lists of what has a type of its own.
func (r random) fillNatural(t *canon.Type, v reflect.Value) {
	if t.Kind != canon.List {
		if t.Kind <= canon.String {
			r.fill(t, v)
		} else {
			v.Set(reflect.ValueOf(r.any(t)))
		}
		return
	}
	n := 1 + r.IntN(3)
	v.Set(reflect.MakeSlice(v.Type(), n, n))
	for i := range n {
		r.fillNatural(t.Elem, v.Index(i))
	}
}

// seed returns the seed of a test: that of the environment, or a new one.
func seed(t *testing.T) uint64 {
	n := uint64(time.Now().UnixNano())
	if text := os.Getenv("SEED"); text != "" {
		n, _ = strconv.ParseUint(text, 10, 64)
	}
	t.Logf("SEED=%d", n)
	return n
}

// Random values of random types come back the same, also as values of type any and as texts, and nothing shows of the
// memory that they were written to.
func TestRandom(t *testing.T) {
	types, values := 2000, 5
	switch {
	case *noSample:
		types, values = 10_000, 10
	case testing.Short():
		types = 200
	}
	first := seed(t)
	for i := range uint64(types) {
		r := random{rand.New(rand.NewPCG(first, i))}
		wit, goType := r.typ(1 + r.IntN(4))
		p := newPlanner()
		for range values {
			value := reflect.New(goType).Elem()
			r.fill(wit, value)
			if !check(t, p, wit, value.Interface()) {
				t.Fatalf("type %d: %s as %v: %#v", i, wit, goType, value)
			}
		}
	}
}

func check(t *testing.T, p *canon.Planner, wit *canon.Type, value any) bool {
	t.Helper()
	message := roundTrip(t, p, wit, value)
	natural, err := decodeAny(p, wit, message)
	if err != nil {
		t.Errorf("as any: %v", err)
		return false
	}
	again, err := encodeAny(p, wit, natural)
	if err != nil {
		t.Errorf("from any: %v", err)
		return false
	}
	back, err := decode(p, wit, reflect.TypeOf(value), again)
	if err != nil || !same(reflect.ValueOf(back), reflect.ValueOf(value)) {
		t.Errorf("any %#v is %#v, %v", natural, back, err)
		return false
	}
	text, err := p.FormatWave(wit, natural)
	if err != nil {
		t.Errorf("as text: %v", err)
		return false
	}
	parsed, err := p.ParseWave(wit, text)
	if err != nil || !same(reflect.ValueOf(&parsed).Elem(), reflect.ValueOf(&natural).Elem()) {
		t.Errorf("the text %s is %#v, %v", text, parsed, err)
		return false
	}
	return true
}

// Whatever bytes a message has, it is an error or a value that is encoded again.
func FuzzDecode(f *testing.F) {
	for i := range uint64(20) {
		r := random{rand.New(rand.NewPCG(1, i))}
		wit, goType := r.typ(3)
		value := reflect.New(goType).Elem()
		r.fill(wit, value)
		message, err := encode(newPlanner(), wit, value.Interface(), 0)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(i, message)
	}
	f.Fuzz(func(t *testing.T, seed uint64, b []byte) {
		r := random{rand.New(rand.NewPCG(1, seed))}
		wit, goType := r.typ(3)
		p := newPlanner()
		message := append(aligned(len(b))[:0], b...)
		plan, err := p.Plan(goType, wit, canon.Decode)
		if err != nil {
			t.Fatal(err)
		}
		for _, alias := range []bool{false, true} {
			holder := reflect.New(goType)
			v := canon.View{Alias: alias, Limit: 1 << 24}
			v.Reset(message)
			if err := plan.Decode(&v, 0, holder.UnsafePointer()); err != nil {
				continue
			}
			if _, err := encode(p, wit, holder.Elem().Interface(), 0); err != nil && !notText(err) {
				t.Errorf("%s: what was decoded cannot be encoded: %v", wit, err)
			}
		}
		v := canon.View{Limit: 1 << 24}
		v.Reset(message)
		if value, err := p.DecodeAny(&v, 0, wit); err == nil {
			if _, err := encodeAny(p, wit, value); err != nil && !notText(err) {
				t.Errorf("%s: what was decoded into an any cannot be encoded: %v", wit, err)
			}
		}
		v.Reset(message)
		_, _ = v.FormatWave(0, wit)
		if !slices.Equal(message, b) {
			t.Error("the message was changed")
		}
	})
}

// notText tells whether an error is about a string that the library would not have let through.
func notText(err error) bool {
	e, ok := err.(*canon.ValueError)
	return ok && e.Reason == "the string is not UTF-8"
}
