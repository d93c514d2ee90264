package canon

import (
	"reflect"
	"strings"
	"sync"
	"unsafe"
)

// Dir is the direction in which a plan is used.
type Dir uint8

// The directions.
const (
	Encode Dir = iota // from Go to a guest
	Decode            // from a guest to Go
)

// Handles says how Go values stand for resources. It must be comparable, and safe for concurrent use.
type Handles interface {
	// Handle returns how a Go type stands for an own or a borrow, or says in an error why it does not. The type any
	// stands for every handle.
	Handle(t reflect.Type, wit *Type, dir Dir) (HandleCodec, error)
}

// HandleCodec carries handles. Only the function of the plan's direction is needed. The Go type is an interface, a
// pointer, or a struct of one pointer; its value is at a pointer that is good during the call, and not that of a caller
// of [Plan.Encode] or [Plan.Decode].
type HandleCodec struct {
	// Lower returns the handle of a Go value. That a handle was lowered does not mean that the call takes place:
	// something behind it may be wrong.
	Lower func(m *Message, value unsafe.Pointer) (uint32, error)
	// Lift stores what stands for a handle. It is called once for each handle of a message, until something in the
	// message is wrong.
	Lift func(v *View, handle uint32, value unsafe.Pointer) error
}

// Tags say what a struct stands for. Each is the type of the first field, which is blank; the other fields may be
// unexported, are as many as is said here, and in this order.
type (
	// OptionTag marks an option: a value, and a bool that tells whether there is one.
	OptionTag struct{}
	// ResultTag marks a result: the value of ok, the value of err, and a bool that is true for err.
	ResultTag struct{}
	// VariantTag marks a variant of any kind: the name of the case, a string, and its payload, an any, nil if it has
	// none.
	VariantTag struct{}
)

// Dynamic are the types that are decoded into an any; each has the tag of its name.
type Dynamic struct {
	Variant reflect.Type
	// Option has a value of type any.
	Option reflect.Type
	// Result has values of type any.
	Result reflect.Type
}

// Planner makes plans and keeps them. It is safe for concurrent use.
type Planner struct {
	handles Handles
	dynamic Dynamic

	mu    sync.RWMutex
	plans map[planKey]planned
}

type planKey struct {
	wit *Type
	typ reflect.Type
	dir Dir
}

type planned struct {
	node *node
	err  error
}

// NewPlanner returns a planner. handles may be nil: then nothing stands for a resource.
func NewPlanner(handles Handles, dynamic Dynamic) *Planner {
	return &Planner{handles: handles, dynamic: dynamic, plans: map[planKey]planned{}}
}

// Plan encodes or decodes values of one Go type as one WIT type. It is safe for concurrent use.
type Plan struct {
	node *node
	step string
	at   uint32
}

// Plan returns the plan for a type. The error is a [*TypeError], or that of [Handles].
func (p *Planner) Plan(t reflect.Type, wit *Type, dir Dir) (*Plan, error) {
	n, err := p.plan(t, wit, dir)
	if err != nil {
		return nil, err
	}
	return &Plan{node: n}, nil
}

// Params returns the plan for all parameters of a function: t is a struct whose exported fields are the parameters,
// in order. A field that has a tag must have the parameter's name in it.
func (p *Planner) Params(t reflect.Type, f *Func, dir Dir) (*Plan, error) {
	n, err := p.params(t, f, dir)
	if err != nil {
		return nil, err
	}
	return &Plan{node: n}, nil
}

// Param returns the plan for the i-th parameter of a function. Its place is relative to the block of all parameters.
func (p *Planner) Param(t reflect.Type, f *Func, i int, dir Dir) (*Plan, error) {
	step := f.step(i)
	n, err := p.plan(t, f.Params[i].Type, dir)
	if err != nil {
		return nil, In(step, err)
	}
	return &Plan{node: n, step: step, at: f.Params[i].Offset}, nil
}

// Result returns the plan for the result of a function, which must have one.
func (p *Planner) Result(t reflect.Type, f *Func, dir Dir) (*Plan, error) {
	n, err := p.plan(t, f.Result, dir)
	if err != nil {
		return nil, In("result", err)
	}
	return &Plan{node: n, step: "result"}, nil
}

// Type returns the WIT type. For a plan of all parameters it is a record of them.
func (p *Plan) Type() *Type { return p.node.wit }

// Plain returns how many bytes the value is of in Go and in a message alike, if that is all that there is to it: a
// number, or several without a gap. [Copy] encodes and decodes it, and nothing about it can be wrong.
func (p *Plan) Plain() (size uint32, ok bool) {
	n := p.node
	return n.wit.Size, n.op == opCopy && n.gaps == nil
}

// Copy copies a value that is plain.
func Copy(to, from unsafe.Pointer, size uint32) { copyBytes(to, from, size) }

// EncodeFirst writes the value at a pointer into the message, as its first block. The error is that of Encode, or of
// [Message.Block].
func (p *Plan) EncodeFirst(m *Message, value unsafe.Pointer) error {
	n := p.node
	if n.op == opCopy && n.gaps == nil && int64(n.wit.Size) <= int64(m.cap) { // nothing to make zero, nothing can fail
		copyBytes(m.base, value, n.wit.Size)
		m.len = int(n.wit.Size)
		return nil
	}
	if _, err := m.Block(n.wit.Size, n.wit.Align); err != nil {
		return err
	}
	return p.Encode(m, 0, value)
}

// Encode writes the value at a pointer into the message, at an offset that [Message.Block] has reserved. The error is
// a [*ValueError], or a [*TypeError] if an any has the wrong type in it; the message is of no use then.
func (p *Plan) Encode(m *Message, at uint32, value unsafe.Pointer) error {
	err := p.node.encode(m, at+p.at, value)
	if err != nil && p.step != "" {
		return In(p.step, err)
	}
	return err
}

// Decode reads a value from a message into memory that holds the zero value of the Go type, or a value of which
// slices of numbers have memory that may be used again. The error is a [*ValueError]; some of the value may have been
// written then.
func (p *Plan) Decode(v *View, at uint32, value unsafe.Pointer) error {
	n := p.node
	at += p.at
	err := v.use(at, n.wit)
	switch {
	case err != nil:
	case n.op == opCopy:
		copyBytes(value, unsafe.Add(v.base, at), n.wit.Size)
		return nil
	default:
		err = n.decode(v, at, value)
	}
	if err != nil && p.step != "" {
		return In(p.step, err)
	}
	return err
}

// List returns the memory of the slice at a pointer, all of it, if the plan is that of a list of numbers, or of structs
// of numbers, which are copied there: so they may be written there in the first place, see [View.Place]. Otherwise it
// returns nil.
func (p *Plan) List(value unsafe.Pointer) []byte {
	n := p.node
	if n.op != opSlice || !n.elem.copies() {
		return nil
	}
	s := (*slice)(value)
	return unsafe.Slice((*byte)(s.data), uintptr(s.cap)*n.elem.size)
}

// MakeList stores an empty slice with room for n elements at a pointer, for [Plan.List], which must not be nil for the
// plan. What is in the room is not zero: [Plan.TrimList] has to follow when the list has been decoded.
func (p *Plan) MakeList(value unsafe.Pointer, n int) {
	// A builder is what Go has to allocate memory that it does not make zero first.
	var b strings.Builder
	b.Grow(n * int(p.node.elem.size))
	_ = b.WriteByte(0)
	*(*slice)(value) = slice{unsafe.Pointer(unsafe.StringData(b.String())), 0, n}
}

// TrimList ends the slice at a pointer with its last element, and copies it if it has far more room than it needs. It
// returns the number of elements if [Plan.List] is not nil and they are many enough to be written there, otherwise 0.
func (p *Plan) TrimList(value unsafe.Pointer) int {
	n := p.node
	if n.op != opSlice || !n.elem.copies() {
		return 0
	}
	s := (*slice)(value)
	used := uintptr(s.len) * n.elem.size
	switch {
	case s.cap == s.len:
	case s.len == 0:
		s.data = unsafe.Pointer(&empty)
	case s.cap/2 > s.len:
		s.data = cloned(s.data, used, n.elem.typ.Align())
	}
	s.cap = s.len
	if used < MinSegment {
		return 0
	}
	return s.len
}

// EncodeAny writes a value as a type, at an offset that [Message.Block] has reserved.
func (p *Planner) EncodeAny(m *Message, at uint32, t *Type, value any) error {
	return p.encodeAny(m, at, t, value)
}

// DecodeAny reads a value of a type.
func (p *Planner) DecodeAny(v *View, at uint32, t *Type) (any, error) {
	if err := v.use(at, t); err != nil {
		return nil, err
	}
	return p.decodeAny(v, at, t)
}
