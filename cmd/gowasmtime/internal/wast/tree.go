package wast

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gowasmtime/wasmtime/component"
)

// tree is a value of the component model in a form in which values from scripts and from components are compared.
type tree struct {
	// kind is the word for the type, as scripts have it.
	kind string
	// text is a number, a text, or the name of a case; the bits of a float.
	text string
	// names are those of a record's fields, or of flags that are set.
	names []string
	// parts are elements, fields, or a payload; a map has a key and a value in turn.
	parts []tree
}

// equal tells whether two values are the same, of the same kind.
func (t tree) equal(other tree) bool {
	return t.kind == other.kind && t.text == other.text && slices.Equal(t.names, other.names) &&
		slices.EqualFunc(t.parts, other.parts, tree.equal)
}

// String returns the kind and the value, as WAVE writes it.
func (t tree) String() string { return t.kind + " " + t.wave() }

// wave is the value as WAVE writes it.
func (t tree) wave() string {
	list := func(open, end string) string {
		var texts []string
		for i, part := range t.parts {
			text := part.wave()
			if t.names != nil {
				text = t.names[i] + ": " + text
			}
			texts = append(texts, text)
		}
		return open + strings.Join(texts, ", ") + end
	}
	switch t.kind {
	case "string":
		return strconv.Quote(t.text)
	case "char":
		return "'" + t.text + "'"
	case "f32", "f64":
		return floatPattern(t.text, laneBits[t.kind])
	case "list":
		return list("[", "]")
	case "record":
		return list("{", "}")
	case "tuple":
		return list("(", ")")
	case "map":
		var texts []string
		for i := 0; i < len(t.parts); i += 2 {
			texts = append(texts, t.parts[i].wave()+": "+t.parts[i+1].wave())
		}
		return "{" + strings.Join(texts, ", ") + "}"
	case "flags":
		return "{" + strings.Join(t.names, ", ") + "}"
	}
	if len(t.parts) > 0 {
		return t.text + list("(", ")")
	}
	return t.text
}

// sorted puts what has no order into one: flags, and the entries of a map.
func (t tree) sorted() tree {
	switch t.kind {
	case "flags":
		slices.Sort(t.names)
	case "map":
		entries := slices.Collect(slices.Chunk(t.parts, 2))
		slices.SortFunc(entries, func(a, b []tree) int { return strings.Compare(a[0].wave(), b[0].wave()) })
		t.parts = slices.Concat(entries...)
	}
	return t
}

// integerKinds are the integers of the component model, by their size; a negative one has a sign.
var integerKinds = map[string]int{"u8": 8, "s8": -8, "u16": 16, "s16": -16, "u32": 32, "s32": -32, "u64": 64, "s64": -64}

// tree makes a tree of a constant.
func (c *constant) tree() (tree, error) {
	t := tree{kind: c.Type}
	wrong := fmt.Errorf("the value of a constant of type %q is wrong: %s", c.Type, c.Value)
	if bits := integerKinds[c.Type]; bits != 0 {
		n, ok := c.witInteger(bits)
		t.text = n
		if !ok {
			return t, wrong
		}
		return t, nil
	}
	switch c.Type {
	case "string", "char", "enum":
		text, ok := c.text()
		t.text = text
		if !ok || c.Type == "char" && utf8.RuneCountInString(text) != 1 {
			return t, wrong
		}
		return t, nil
	case "bool":
		var b bool
		if json.Unmarshal(c.Value, &b) != nil {
			return t, wrong
		}
		t.text = strconv.FormatBool(b)
		return t, nil
	case "f32", "f64":
		n, err := c.float(laneBits[c.Type])
		t.text = strconv.FormatUint(n, 10)
		return t, err
	case "flags":
		if json.Unmarshal(c.Value, &t.names) != nil {
			return t, wrong
		}
		return t.sorted(), nil
	}
	parts, ok := c.parts(&t)
	if !ok {
		return t, wrong
	}
	for i := range parts {
		part, err := parts[i].tree()
		if err != nil {
			return t, err
		}
		t.parts = append(t.parts, part)
	}
	return t.sorted(), nil
}

// witInteger returns an integer in decimals, if the value is one that has a place in so many bits.
func (c *constant) witInteger(bits int) (decimal string, ok bool) {
	text, _ := c.text()
	if bits < 0 {
		n, err := strconv.ParseInt(text, 10, -bits)
		return strconv.FormatInt(n, 10), err == nil
	}
	n, err := strconv.ParseUint(text, 10, bits)
	return strconv.FormatUint(n, 10), err == nil
}

// parts returns the constants that are part of one, and puts names into its tree.
func (c *constant) parts(t *tree) (parts []constant, ok bool) {
	var payload *constant
	err := error(nil)
	switch c.Type {
	case "list", "tuple":
		err = json.Unmarshal(c.Value, &parts)
	case "map":
		var entries [][2]constant
		err = json.Unmarshal(c.Value, &entries)
		for _, e := range entries {
			parts = append(parts, e[:]...)
		}
	case "record":
		return c.fields(t)
	case "variant":
		var of struct {
			Case    string
			Payload *constant
		}
		err = json.Unmarshal(c.Value, &of)
		t.text, payload = of.Case, of.Payload
	case "option":
		err = json.Unmarshal(c.Value, &payload)
		t.text = "none"
		if payload != nil {
			t.text = "some"
		}
	case "result":
		var of map[string]*constant
		err = json.Unmarshal(c.Value, &of)
		for name, p := range of {
			t.text, payload = strings.ToLower(name), p
		}
		if len(of) != 1 || t.text != "ok" && t.text != "err" {
			return nil, false
		}
	default:
		return nil, false
	}
	if payload != nil {
		parts = append(parts, *payload)
	}
	return parts, err == nil
}

// fields returns the values of a record's fields, and puts their names into its tree.
func (c *constant) fields(t *tree) (parts []constant, ok bool) {
	var fields [][2]json.RawMessage
	if json.Unmarshal(c.Value, &fields) != nil {
		return nil, false
	}
	for _, f := range fields {
		var name string
		var part constant
		if json.Unmarshal(f[0], &name) != nil || json.Unmarshal(f[1], &part) != nil {
			return nil, false
		}
		t.names, parts = append(t.names, name), append(parts, part)
	}
	return parts, true
}

// componentArgument makes of a constant what a component's function takes.
func (c *constant) componentArgument() (any, error) {
	t, err := c.tree()
	if err != nil {
		return nil, err
	}
	return t.value(), nil
}

// value is the tree as a Go value that a component's function takes.
func (t tree) value() any {
	if bits := integerKinds[t.kind]; bits < 0 {
		n, _ := strconv.ParseInt(t.text, 10, 64)
		return n
	} else if bits > 0 {
		n, _ := strconv.ParseUint(t.text, 10, 64)
		return n
	}
	values := make([]any, len(t.parts))
	for i, part := range t.parts {
		values[i] = part.value()
	}
	var payload any
	if len(values) > 0 {
		payload = values[0]
	}
	switch t.kind {
	case "bool":
		return t.text == "true"
	case "char":
		char, _ := utf8.DecodeRuneInString(t.text)
		return char
	case "f32":
		n, _ := strconv.ParseUint(t.text, 10, 32)
		return math.Float32frombits(uint32(n))
	case "f64":
		n, _ := strconv.ParseUint(t.text, 10, 64)
		return math.Float64frombits(n)
	case "list", "tuple":
		return values
	case "map":
		entries := []any{}
		for entry := range slices.Chunk(values, 2) {
			entries = append(entries, entry)
		}
		return entries
	case "record":
		fields := map[string]any{}
		for i, name := range t.names {
			fields[name] = values[i]
		}
		return fields
	case "flags":
		return append([]string{}, t.names...)
	case "variant":
		return component.Variant{Case: t.text, Value: payload}
	case "option":
		if t.text == "none" {
			return component.None[any]()
		}
		return component.Some(payload)
	case "result":
		if t.text == "err" {
			return component.Err[any, any](orNothing(payload))
		}
		return component.Ok[any, any](orNothing(payload))
	}
	return t.text
}

// orNothing is the payload of a result: struct{} for none.
func orNothing(payload any) any {
	if payload == nil {
		return struct{}{}
	}
	return payload
}

// treeOf makes a tree of what a component's function has returned.
func treeOf(ty *component.Type, v any) (tree, error) {
	t := tree{kind: ty.Kind().String()}
	switch v := v.(type) {
	case float32:
		t.text = strconv.FormatUint(uint64(math.Float32bits(v)), 10)
		return t, nil
	case float64:
		t.text = strconv.FormatUint(math.Float64bits(v), 10)
		return t, nil
	case component.Variant:
		t.text = v.Case
		return t.payload(ty, v.Value)
	case component.Result[any, any]:
		value, ok := v.Ok()
		t.text = "ok"
		if !ok {
			value, _ = v.Err()
			t.text = "err"
		}
		return t.payload(ty, value)
	case component.Option[any]:
		value, some := v.Get()
		return t.option(ty, value, some)
	case map[string]any:
		if ty.Kind() == component.KindRecord {
			return t.record(ty, v)
		}
	case []string:
		if ty.Kind() == component.KindFlags {
			t.names = v
			return t.sorted(), nil
		}
	case rune:
		if ty.Kind() == component.KindChar {
			t.text = string(v)
			return t, nil
		}
	}
	switch ty.Kind() {
	case component.KindOption:
		return t.option(ty, v, v != nil)
	case component.KindList, component.KindFixedList, component.KindTuple:
		return t.elements(ty, reflect.ValueOf(v))
	case component.KindMap:
		return t.entries(ty, reflect.ValueOf(v))
	case component.KindOwn, component.KindBorrow:
		t.text = ty.String()
		return t, nil
	}
	t.text = fmt.Sprint(v)
	return t, nil
}

// add adds a part.
func (t *tree) add(ty *component.Type, v any) error {
	part, err := treeOf(ty, v)
	t.parts = append(t.parts, part)
	return err
}

// payload adds the payload of the case that the tree names, if that has one.
func (t tree) payload(ty *component.Type, v any) (tree, error) {
	for _, c := range ty.Cases() {
		if c.Name == t.text && c.Type != nil {
			return t, t.add(c.Type, v)
		}
	}
	return t, nil
}

func (t tree) option(ty *component.Type, v any, some bool) (tree, error) {
	t.text = "none"
	if !some {
		return t, nil
	}
	t.text = "some"
	return t, t.add(ty.Elem(), v)
}

func (t tree) record(ty *component.Type, v map[string]any) (tree, error) {
	for _, f := range ty.Fields() {
		t.names = append(t.names, f.Name)
		if err := t.add(f.Type, v[f.Name]); err != nil {
			return t, err
		}
	}
	return t, nil
}

// elements adds those of a list or tuple. A list of a fixed length is a list to scripts.
func (t tree) elements(ty *component.Type, v reflect.Value) (tree, error) {
	fields := ty.Fields()
	if ty.Kind() != component.KindTuple {
		t.kind = "list"
	}
	if v.Kind() != reflect.Slice || ty.Kind() == component.KindTuple && v.Len() != len(fields) {
		return t, fmt.Errorf("a %v is no %v", v.Type(), ty)
	}
	for i := range v.Len() {
		elem := ty.Elem()
		if ty.Kind() == component.KindTuple {
			elem = fields[i].Type
		}
		if err := t.add(elem, v.Index(i).Interface()); err != nil {
			return t, err
		}
	}
	return t, nil
}

// entries adds those of a map.
func (t tree) entries(ty *component.Type, v reflect.Value) (tree, error) {
	key, value := ty.MapTypes()
	if v.Kind() != reflect.Map {
		return t, fmt.Errorf("a %v is no %v", v.Type(), ty)
	}
	for _, k := range v.MapKeys() {
		if err := t.add(key, k.Interface()); err != nil {
			return t, err
		}
		if err := t.add(value, v.MapIndex(k).Interface()); err != nil {
			return t, err
		}
	}
	return t.sorted(), nil
}
