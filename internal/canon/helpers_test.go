package canon_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/gowasmtime/wasmtime/internal/canon"
)

// The tagged types of package component, as it declares them.
type (
	Option[T any] struct {
		_     canon.OptionTag
		value T
		some  bool
	}
	Result[T, E any] struct {
		_      canon.ResultTag
		ok     T
		err    E
		failed bool
	}
	Variant struct {
		_     canon.VariantTag
		Case  string
		Value any
	}
)

func some[T any](v T) Option[T]         { return Option[T]{value: v, some: true} }
func ok[T, E any](v T) Result[T, E]     { return Result[T, E]{ok: v} }
func failed[T, E any](e E) Result[T, E] { return Result[T, E]{err: e, failed: true} }

var dynamic = canon.Dynamic{
	Variant: reflect.TypeFor[Variant](),
	Option:  reflect.TypeFor[Option[any]](),
	Result:  reflect.TypeFor[Result[any, any]](),
}

func newPlanner() *canon.Planner { return canon.NewPlanner(nil, dynamic) }

// Shorter names for types.
var (
	tBool   = canon.ScalarType(canon.Bool)
	tU8     = canon.ScalarType(canon.U8)
	tS8     = canon.ScalarType(canon.S8)
	tU16    = canon.ScalarType(canon.U16)
	tS16    = canon.ScalarType(canon.S16)
	tU32    = canon.ScalarType(canon.U32)
	tS32    = canon.ScalarType(canon.S32)
	tU64    = canon.ScalarType(canon.U64)
	tS64    = canon.ScalarType(canon.S64)
	tF32    = canon.ScalarType(canon.F32)
	tF64    = canon.ScalarType(canon.F64)
	tChar   = canon.ScalarType(canon.Char)
	tString = canon.ScalarType(canon.String)
)

// record makes a record of names and types in turn.
func record(parts ...any) *canon.Type {
	var fields []canon.Field
	for i := 0; i < len(parts); i += 2 {
		fields = append(fields, canon.Field{Name: parts[i].(string), Type: parts[i+1].(*canon.Type)})
	}
	return canon.RecordType(fields...)
}

// variant makes a variant of names and types in turn; a type may be nil.
func variant(parts ...any) *canon.Type {
	var cases []canon.Case
	for i := 0; i < len(parts); i += 2 {
		t, _ := parts[i+1].(*canon.Type)
		cases = append(cases, canon.Case{Name: parts[i].(string), Type: t})
	}
	return canon.VariantType(cases...)
}

// newMessage returns a message whose memory grows, is never zero before it is used, and moves each time.
func newMessage(fill byte) *canon.Message {
	m := &canon.Message{}
	m.Grow = func(_ *canon.Message, n int) []byte {
		memory := aligned(n)
		for i := range memory {
			memory[i] = fill
		}
		copy(memory, m.Bytes())
		return memory
	}
	m.Reset(nil, false)
	return m
}

// aligned returns memory at an address that is a multiple of 16.
func aligned(n int) []byte {
	memory := make([]byte, n+15)
	skip := -uintptr(unsafe.Pointer(&memory[0])) & 15
	return memory[skip : int(skip)+n : int(skip)+n]
}

// encode returns the message of a value.
func encode(p *canon.Planner, t *canon.Type, value any, fill byte) ([]byte, error) {
	plan, err := p.Plan(reflect.TypeOf(value), t, canon.Encode)
	if err != nil {
		return nil, err
	}
	m := newMessage(fill)
	at, err := m.Block(t.Size, t.Align)
	if err != nil {
		return nil, err
	}
	holder := reflect.New(reflect.TypeOf(value))
	holder.Elem().Set(reflect.ValueOf(value))
	err = plan.Encode(m, at, holder.UnsafePointer())
	return m.Bytes(), err
}

// encodeAny returns the message of a value of type any.
func encodeAny(p *canon.Planner, t *canon.Type, value any) ([]byte, error) {
	m := newMessage(0xaa)
	at, err := m.Block(t.Size, t.Align)
	if err != nil {
		return nil, err
	}
	err = p.EncodeAny(m, at, t, value)
	return m.Bytes(), err
}

// decode returns the value of a Go type in a message.
func decode(p *canon.Planner, t *canon.Type, goType reflect.Type, message []byte) (any, error) {
	plan, err := p.Plan(goType, t, canon.Decode)
	if err != nil {
		return nil, err
	}
	holder := reflect.New(goType)
	var v canon.View
	v.Reset(message)
	err = plan.Decode(&v, 0, holder.UnsafePointer())
	return holder.Elem().Interface(), err
}

func decodeAny(p *canon.Planner, t *canon.Type, message []byte) (any, error) {
	var v canon.View
	v.Reset(message)
	return p.DecodeAny(&v, 0, t)
}

// roundTrip checks that a value survives, that the same bytes come whatever was in memory before, and that the memory
// shows nothing that was there.
func roundTrip(t *testing.T, p *canon.Planner, wit *canon.Type, value any) []byte {
	t.Helper()
	message, err := encode(p, wit, value, 0xaa)
	if err != nil {
		t.Fatalf("%s: encode %#v: %v", wit, value, err)
	}
	other, _ := encode(p, wit, value, 0x55)
	if !slices.Equal(message, other) && !hasMap(reflect.TypeOf(value)) {
		t.Fatalf("%s: the memory shows through for %#v:\n% x\n% x", wit, value, message, other)
	}
	got, err := decode(p, wit, reflect.TypeOf(value), message)
	if err != nil {
		t.Fatalf("%s: decode %#v: %v", wit, value, err)
	}
	if !same(reflect.ValueOf(got), reflect.ValueOf(value)) {
		t.Fatalf("%s: got %#v, want %#v", wit, got, value)
	}
	return message
}

// hasMap tells whether the order of what the bytes of a value refer to is random.
func hasMap(t reflect.Type) bool { return strings.Contains(t.String(), "map[") }

// same compares values as far as they can come back: an empty slice is like nil, and NaN is NaN.
func same(a, b reflect.Value) bool {
	if !a.IsValid() || !b.IsValid() {
		return a.IsValid() == b.IsValid()
	}
	if a.Type() != b.Type() {
		return false
	}
	switch a.Kind() {
	case reflect.Float32, reflect.Float64:
		return a.Float() == b.Float() || a.Float() != a.Float() && b.Float() != b.Float()
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Array:
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if a.Len() != b.Len() {
			return false
		}
		for _, key := range a.MapKeys() {
			if other := b.MapIndex(key); !other.IsValid() || !same(a.MapIndex(key), other) {
				return false
			}
		}
		return true
	case reflect.Struct:
		for i := range a.NumField() {
			if a.Type().Field(i).Name != "_" && !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Pointer, reflect.Interface:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		return same(a.Elem(), b.Elem())
	}
	return a.Equal(b)
}
