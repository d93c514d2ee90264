package canon

import "strconv"

// kindNames are the WIT keywords of the kinds.
var kindNames = [numKinds]string{
	Bool: "bool", S8: "s8", U8: "u8", S16: "s16", U16: "u16", S32: "s32", U32: "u32", S64: "s64", U64: "u64",
	F32: "f32", F64: "f64", Char: "char", String: "string", List: "list", Map: "map", FixedList: "list",
	Record: "record", Tuple: "tuple", Variant: "variant", Enum: "enum", Option: "option", Result: "result",
	Flags: "flags", Own: "own", Borrow: "borrow", Future: "future", Stream: "stream", ErrorContext: "error-context",
}

// String returns the WIT keyword of a kind.
func (k Kind) String() string { return kindNames[k] }

// String returns the type as WIT text. Records and what else has a name in WIT are written out, without a name.
func (t *Type) String() string {
	w := typeWriter{limit: 1 << 20}
	w.write(t)
	return w.text()
}

// short is the text of a type in messages: it is cut off when it is long.
func (t *Type) short() string {
	w := typeWriter{limit: 80}
	w.write(t)
	return w.text()
}

// String returns the function's type as WIT text.
func (f *Func) String() string {
	w := typeWriter{limit: 1 << 20}
	w.function(f)
	return w.text()
}

// Short is String for messages: the text is cut off when it is long. A component chooses how long its names are, and
// how many of its functions there is something to be said about.
func (f *Func) Short() string {
	w := typeWriter{limit: 1 << 10}
	w.function(f)
	return w.text()
}

// typeWriter writes WIT. It stops after about as many bytes as its limit: types share their parts, so that a small
// description can have a long text.
type typeWriter struct {
	buf   []byte
	limit int
	// name returns the name of a type, or an empty string if it is to be written out. It may be nil.
	name func(*Type) string
	// resource returns the name of a resource. It may be nil.
	resource func(*Type) string
}

func (w *typeWriter) full() bool { return len(w.buf) > w.limit }

func (w *typeWriter) text() string {
	if w.full() {
		return string(w.buf[:w.limit]) + "…"
	}
	return string(w.buf)
}

func (w *typeWriter) add(parts ...string) {
	for _, part := range parts {
		w.buf = append(w.buf, part...)
	}
}

// write writes a type, by its name if it has one.
func (w *typeWriter) write(t *Type) {
	if w.name != nil {
		if name := w.name(t); name != "" {
			w.add(name)
			return
		}
	}
	w.expand(t)
}

// expand writes what a type is.
func (w *typeWriter) expand(t *Type) {
	if w.full() {
		return
	}
	w.add(t.Kind.String())
	switch t.Kind {
	case List, Option:
		w.arguments(t.Elem)
	case Future, Stream:
		if t.Elem != nil {
			w.arguments(t.Elem)
		}
	case Map:
		w.arguments(t.Key(), t.Value())
	case FixedList:
		w.add("<")
		w.write(t.Elem)
		w.add(", ", strconv.FormatUint(uint64(t.Len), 10), ">")
	case Tuple:
		w.add("<")
		for i := range t.Fields {
			w.separate(i)
			w.write(t.Fields[i].Type)
		}
		w.add(">")
	case Result:
		w.result(t.Ok(), t.Err())
	case Record:
		w.add(" { ")
		w.fields(t.Fields)
		w.add(" }")
	case Variant, Enum:
		w.add(" { ")
		for i := range t.Cases {
			w.separate(i)
			w.oneCase(t.Cases[i])
		}
		w.add(" }")
	case Flags:
		w.add(" { ")
		for i, name := range t.Names {
			w.separate(i)
			w.add(label(name))
		}
		w.add(" }")
	case Own, Borrow:
		w.handle(t)
	}
}

func (w *typeWriter) separate(i int) {
	if i > 0 {
		w.add(", ")
	}
}

func (w *typeWriter) arguments(types ...*Type) {
	w.add("<")
	for i, t := range types {
		w.separate(i)
		w.write(t)
	}
	w.add(">")
}

func (w *typeWriter) result(ok, err *Type) {
	switch {
	case ok == nil && err == nil:
	case err == nil:
		w.arguments(ok)
	case ok == nil:
		w.add("<_, ")
		w.write(err)
		w.add(">")
	default:
		w.arguments(ok, err)
	}
}

func (w *typeWriter) fields(fields []Field) {
	for i := range fields {
		if w.full() {
			return
		}
		w.separate(i)
		w.add(label(fields[i].Name), ": ")
		w.write(fields[i].Type)
	}
}

func (w *typeWriter) oneCase(c Case) {
	if w.full() {
		return
	}
	w.add(label(c.Name))
	if c.Type != nil {
		w.add("(")
		w.write(c.Type)
		w.add(")")
	}
}

func (w *typeWriter) handle(t *Type) {
	name := t.ResourceName
	if w.resource != nil {
		name = w.resource(t)
	}
	if name == "" {
		name = "resource-" + strconv.Itoa(t.Resource)
	}
	w.add("<", name, ">")
}

func (w *typeWriter) function(f *Func) {
	if f.Async {
		w.add("async ")
	}
	w.add("func(")
	w.fields(f.Params)
	w.add(")")
	if f.Result != nil {
		w.add(" -> ")
		w.write(f.Result)
	}
}

// keywords are the words that WIT does not take as a name without a percent sign.
var keywords = map[string]bool{
	"as": true, "async": true, "bool": true, "borrow": true, "char": true, "constructor": true, "enum": true,
	"error-context": true, "export": true, "f32": true, "f64": true, "flags": true, "from": true, "func": true,
	"future": true, "import": true, "include": true, "interface": true, "list": true, "map": true, "option": true,
	"own": true, "package": true, "record": true, "resource": true, "result": true, "s16": true, "s32": true,
	"s64": true, "s8": true, "static": true, "stream": true, "string": true, "tuple": true, "type": true, "u16": true,
	"u32": true, "u64": true, "u8": true, "use": true, "variant": true, "with": true, "world": true,
}

// label returns a name as WIT has it.
func label(name string) string {
	if keywords[name] {
		return "%" + name
	}
	return name
}
