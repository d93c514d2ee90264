package canon

import (
	"fmt"
	"reflect"
	"slices"
)

// goKinds are the kinds of Go types that stand for WIT types without parts.
var goKinds = [numKinds]reflect.Kind{
	Bool: reflect.Bool, S8: reflect.Int8, U8: reflect.Uint8, S16: reflect.Int16, U16: reflect.Uint16,
	S32: reflect.Int32, U32: reflect.Uint32, S64: reflect.Int64, U64: reflect.Uint64, F32: reflect.Float32,
	F64: reflect.Float64, Char: reflect.Int32, String: reflect.String,
}

var (
	anyType        = reflect.TypeFor[any]()
	optionTagType  = reflect.TypeFor[OptionTag]()
	resultTagType  = reflect.TypeFor[ResultTag]()
	variantTagType = reflect.TypeFor[VariantTag]()
)

// witNames is what an integer type for an enum or flags may have.
type witNames interface{ WitNames() []string }

// plan returns the node for a type, made once.
func (p *Planner) plan(t reflect.Type, wit *Type, dir Dir) (*node, error) {
	key := planKey{wit, t, dir}
	p.mu.RLock()
	found := p.plans[key]
	p.mu.RUnlock()
	if found.node != nil || found.err != nil {
		return found.node, found.err
	}
	n, err := p.build(t, wit, dir)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plans[key] = planned{n, err}
	return n, err
}

// isAny tells whether a type is an interface without methods.
func isAny(t reflect.Type) bool { return t.Kind() == reflect.Interface && t.NumMethod() == 0 }

func mismatch(t reflect.Type, wit *Type, format string, args ...any) error {
	return &TypeError{WIT: wit, Go: t, Reason: fmt.Sprintf(format, args...)}
}

// build makes the node for a type.
func (p *Planner) build(t reflect.Type, wit *Type, dir Dir) (*node, error) {
	if t == nil {
		return nil, mismatch(t, wit, "")
	}
	n := &node{wit: wit, typ: t, size: t.Size(), planner: p}
	if wit.unsupported == wit {
		return nil, mismatch(t, wit, "it is not supported yet")
	}
	if t.Kind() != reflect.Interface {
		n.direct = isDirect(t)
	}
	var err error
	switch {
	case wit.Kind == Own || wit.Kind == Borrow:
		err = n.handle(dir)
	case isAny(t) && wit.unsupported != nil:
		err = mismatch(t, wit, "%s is not supported yet", wit.unsupported.short())
	case isAny(t):
		n.op = opAny
	case wit.Kind <= String:
		err = n.scalar()
	default:
		err = n.compound(dir)
	}
	if err != nil {
		return nil, err
	}
	return n, nil
}

func (n *node) scalar() error {
	kind := n.wit.Kind
	if n.typ.Kind() != goKinds[kind] {
		if k := n.typ.Kind(); k >= reflect.Int && k <= reflect.Float64 && kind != Bool && kind != String {
			if kind == Char {
				return mismatch(n.typ, n.wit, "it takes rune")
			}
			return mismatch(n.typ, n.wit, "it takes %s", goKinds[kind])
		}
		return mismatch(n.typ, n.wit, "")
	}
	switch kind {
	case Bool:
		n.op = opBool
	case Char:
		n.op = opChar
	case String:
		n.op = opString
	default:
		n.op = opCopy
	}
	return nil
}

func (n *node) compound(dir Dir) error {
	switch n.wit.Kind {
	case List, Map:
		return n.list(dir)
	case FixedList:
		return n.array(dir)
	case Record:
		return n.record(dir)
	case Tuple:
		return n.tuple(dir)
	case Variant:
		return n.variant(dir)
	case Enum:
		return n.enum()
	case Flags:
		return n.flags()
	case Option:
		return n.option(dir)
	default:
		return n.result(dir)
	}
}

// part plans a part of a type, named by a step.
func (n *node) part(step string, t reflect.Type, wit *Type, dir Dir) (*node, error) {
	part, err := n.planner.plan(t, wit, dir)
	return part, In(step, err)
}

func (n *node) list(dir Dir) (err error) {
	elem := n.wit.Elem
	switch {
	case n.typ.Kind() == reflect.Slice:
		n.op = opSlice
		n.elem, err = n.part("element", n.typ.Elem(), elem, dir)
		return err
	case n.typ.Kind() == reflect.Map && (n.wit.Kind == Map || elem.Kind == Tuple && len(elem.Fields) == 2):
		n.op, n.once = opMap, n.wit.Kind == List
		if n.key, err = n.part("key", n.typ.Key(), elem.Fields[0].Type, dir); err != nil {
			return err
		}
		n.elem, err = n.part("value", n.typ.Elem(), elem.Fields[1].Type, dir)
		return err
	}
	return mismatch(n.typ, n.wit, "")
}

func (n *node) array(dir Dir) (err error) {
	if n.typ.Kind() != reflect.Array {
		return mismatch(n.typ, n.wit, "")
	}
	if uint64(n.typ.Len()) != uint64(n.wit.Len) {
		return mismatch(n.typ, n.wit, "the lengths differ")
	}
	n.op = opArray
	n.elem, err = n.part("element", n.typ.Elem(), n.wit.Elem, dir)
	if err == nil {
		n.becomeCopy()
	}
	return err
}

func (n *node) record(dir Dir) error {
	if n.typ.Kind() != reflect.Struct || tagOf(n.typ) != nil {
		return mismatch(n.typ, n.wit, "")
	}
	names := make([]string, len(n.wit.Fields))
	for i := range names {
		names[i] = n.wit.Fields[i].Name
	}
	matched, reason := match(n.typ, names)
	if reason != "" {
		return mismatch(n.typ, n.wit, "%s", reason)
	}
	return n.structure(matched, dir, func(i int) string { return nameStep("field", names[i], matched[i].Name) })
}

func (n *node) tuple(dir Dir) error {
	if n.typ.Kind() == reflect.Array {
		return n.uniform(dir)
	}
	if n.typ.Kind() != reflect.Struct || tagOf(n.typ) != nil {
		return mismatch(n.typ, n.wit, "")
	}
	fields := exported(n.typ)
	if len(fields) != len(n.wit.Fields) {
		return mismatch(n.typ, n.wit, "a struct of %d exported fields for %d elements", len(fields), len(n.wit.Fields))
	}
	return n.structure(fields, dir, func(i int) string { return fmt.Sprintf("element %d (%s)", i, fields[i].Name) })
}

// uniform plans an array for a tuple, whose elements have all the same Go type.
func (n *node) uniform(dir Dir) error {
	if n.typ.Len() != len(n.wit.Fields) {
		return mismatch(n.typ, n.wit, "the lengths differ")
	}
	elem := n.typ.Elem()
	fields := make([]reflect.StructField, n.typ.Len())
	for i := range fields {
		fields[i] = reflect.StructField{Type: elem, Offset: uintptr(i) * elem.Size()}
	}
	return n.structure(fields, dir, elementStep)
}

// params makes the node for all parameters of a function.
func (p *Planner) params(t reflect.Type, f *Func, dir Dir) (*node, error) {
	if t.Kind() != reflect.Struct {
		return nil, mismatch(t, f.record, "the parameters are the fields of a struct")
	}
	fields := exported(t)
	if len(fields) != len(f.Params) {
		return nil, mismatch(t, f.record, "a struct of %d exported fields for %d parameters", len(fields), len(f.Params))
	}
	for i, field := range fields {
		if name := field.Tag.Get("wit"); name != "" && name != f.Params[i].Name {
			return nil, In(f.step(i), mismatch(field.Type, f.Params[i].Type, "the tag of %s says %s", field.Name, name))
		}
	}
	n := &node{wit: f.record, typ: t, size: t.Size(), planner: p}
	if err := n.structure(fields, dir, f.step); err != nil {
		return nil, err
	}
	return n, nil
}

// structure plans a struct whose fields are those of the WIT type, in its order.
func (n *node) structure(fields []reflect.StructField, dir Dir, step func(int) string) error {
	n.op = opStruct
	for i, field := range fields {
		part, err := n.part(step(i), field.Type, n.wit.Fields[i].Type, dir)
		if err != nil {
			return err
		}
		n.fields = append(n.fields, fieldNode{part.op, 0, n.wit.Fields[i].Offset, field.Offset, part, step(i)})
	}
	n.becomeCopy()
	if !n.copies() {
		n.merge()
	}
	return nil
}

// merge makes one copy of fields that can be copied and follow each other without a gap.
func (n *node) merge() {
	merged := n.fields[:0]
	for _, f := range n.fields {
		if f.op == opCopy {
			f.n = f.node.wit.Size
			if last := len(merged) - 1; last >= 0 {
				if m := &merged[last]; m.op == opCopy && m.node == nil && f.node.gaps == nil &&
					m.at+m.n == f.at && m.off+uintptr(m.n) == f.off {
					m.n += f.n
					continue
				}
			}
			if f.node.gaps == nil {
				f.node = nil // nothing but bytes
			}
		}
		merged = append(merged, f)
	}
	n.fields = slices.Clip(merged)
}

func (n *node) enum() error {
	count := uint64(len(n.wit.Cases))
	k := n.typ.Kind()
	switch {
	case k == reflect.String:
		n.op = opEnumName
		return nil
	case k >= reflect.Int && k <= reflect.Uint64:
		bits := n.typ.Bits()
		if isSigned(n.typ) {
			bits--
		}
		if bits < 32 && count > 1<<bits {
			return mismatch(n.typ, n.wit, "the Go type has no room for %d cases", count)
		}
		n.op = opEnum
		names := make([]string, count)
		for i := range names {
			names[i] = n.wit.Cases[i].Name
		}
		return n.sameNames(names)
	}
	return mismatch(n.typ, n.wit, "")
}

func (n *node) flags() error {
	k := n.typ.Kind()
	switch {
	case k < reflect.Uint || k > reflect.Uint64:
		return mismatch(n.typ, n.wit, "")
	case n.typ.Bits() < len(n.wit.Names):
		return mismatch(n.typ, n.wit, "the Go type has no room for %d flags", len(n.wit.Names))
	}
	n.op, n.mask = opFlags, 1<<len(n.wit.Names)-1
	return n.sameNames(n.wit.Names)
}

// sameNames compares the names that a Go type has for its numbers with those of the WIT type.
func (n *node) sameNames(names []string) error {
	named, ok := reflect.Zero(n.typ).Interface().(witNames)
	if !ok {
		return nil
	}
	got := named.WitNames()
	if slices.Equal(got, names) {
		return nil
	}
	for i := range min(len(got), len(names)) {
		if got[i] != names[i] {
			return mismatch(n.typ, n.wit, "its name %d is %s, not %s", i, got[i], names[i])
		}
	}
	return mismatch(n.typ, n.wit, "it has %d names, not %d", len(got), len(names))
}

func (n *node) option(dir Dir) (err error) {
	elem := n.wit.Elem
	switch {
	case n.typ.Kind() == reflect.Pointer:
		n.op = opPointer
		n.elem, err = n.part("some", n.typ.Elem(), elem, dir)
	case tagOf(n.typ) == optionTagType:
		n.op = opOption
		n.at = [2]uintptr{n.typ.Field(1).Offset, n.typ.Field(2).Offset}
		n.elem, err = n.part("some", n.typ.Field(1).Type, elem, dir)
	default:
		return mismatch(n.typ, n.wit, "a pointer or a component.Option stands for an option")
	}
	return err
}

func (n *node) result(dir Dir) (err error) {
	if tagOf(n.typ) != resultTagType {
		return mismatch(n.typ, n.wit, "")
	}
	n.op = opResult
	n.at = [2]uintptr{n.typ.Field(1).Offset, n.typ.Field(2).Offset}
	n.last = n.typ.Field(3).Offset
	if n.elem, err = n.payload("ok", n.typ.Field(1).Type, n.wit.Ok(), dir); err != nil {
		return err
	}
	n.err, err = n.payload("err", n.typ.Field(2).Type, n.wit.Err(), dir)
	return err
}

// payload plans a payload of a result, which may not be there.
func (n *node) payload(step string, t reflect.Type, wit *Type, dir Dir) (*node, error) {
	switch {
	case wit != nil:
		return n.part(step, t, wit, dir)
	case isAny(t) || t.Kind() == reflect.Struct && len(exported(t)) == 0 && tagOf(t) == nil:
		return &node{op: opNothing, typ: t, size: t.Size()}, nil
	}
	return nil, In(step, mismatch(t, nil, "struct{} stands for nothing"))
}

func (n *node) variant(dir Dir) error {
	switch {
	case tagOf(n.typ) == variantTagType:
		n.op = opNamedCase
		n.at = [2]uintptr{n.typ.Field(1).Offset, n.typ.Field(2).Offset}
		if n.wit.unsupported != nil {
			return mismatch(n.typ, n.wit, "%s is not supported yet", n.wit.unsupported.short())
		}
		return nil
	case n.typ.Kind() != reflect.Interface:
		return mismatch(n.typ, n.wit, "")
	}
	cases, reason := casesOf(n.typ)
	if reason != "" {
		return mismatch(n.typ, n.wit, "%s", reason)
	}
	names := make([]string, len(n.wit.Cases))
	for i := range names {
		names[i] = n.wit.Cases[i].Name
	}
	matched, reason := match(cases, names)
	if reason != "" {
		return mismatch(cases, n.wit, "%s", reason)
	}
	n.op = opInterface
	for i, field := range matched {
		step := nameStep("case", names[i], field.Name)
		c, err := n.oneCase(field.Type, n.wit.Cases[i].Type, dir)
		if err != nil {
			return In(step, err)
		}
		c.step = step
		n.cases = append(n.cases, c)
	}
	for i := range n.cases {
		for j := range i {
			if n.cases[i].word == n.cases[j].word {
				return mismatch(cases, n.wit, "%s and %s have the same Go type", names[j], names[i])
			}
		}
	}
	return nil
}

// oneCase plans a case of a variant: a Go type, and the WIT type of the payload or nil.
func (n *node) oneCase(t reflect.Type, wit *Type, dir Dir) (c caseNode, err error) {
	switch {
	case t.Implements(n.typ):
	case reflect.PointerTo(t).Implements(n.typ):
		return c, mismatch(t, wit, "it does not implement %s, a *%v does", n.typ, t)
	default:
		return c, mismatch(t, wit, "it does not implement %s", n.typ)
	}
	held := reflect.New(n.typ)
	if t.Kind() == reflect.Interface {
		return c, mismatch(t, wit, "a case is not an interface")
	}
	held.Elem().Set(reflect.Zero(t))
	c.table = (*words)(held.UnsafePointer())[0]
	base := t
	if t.Kind() == reflect.Pointer {
		base, c.byPointer = t.Elem(), true
	}
	c.word, c.pointer = typeWord(base), typeWord(reflect.PointerTo(base))
	c.value = &node{op: opNothing, typ: base, size: base.Size(), direct: isDirect(base)}
	var fields []reflect.StructField
	if base.Kind() == reflect.Struct {
		fields = exported(base)
	}
	switch {
	case wit == nil && (base.Kind() != reflect.Struct || len(fields) > 0):
		return c, mismatch(t, nil, "a struct without exported fields stands for nothing")
	case wit == nil:
	case len(fields) == 1 && fields[0].Name == "Value" && fields[0].Tag.Get("wit") == "":
		c.off = fields[0].Offset
		c.payload, err = n.planner.plan(fields[0].Type, wit, dir)
	default:
		c.payload, err = n.planner.plan(base, wit, dir)
		c.value = c.payload
	}
	return c, err
}

func (n *node) handle(dir Dir) (err error) {
	n.op = opHandle
	if n.planner.handles == nil {
		return mismatch(n.typ, n.wit, "nothing stands for a resource here")
	}
	if n.typ.Kind() != reflect.Interface && !n.direct {
		return mismatch(n.typ, n.wit, "a pointer or an interface stands for a resource")
	}
	n.codec, err = n.planner.handles.Handle(n.typ, n.wit, dir)
	return err
}
