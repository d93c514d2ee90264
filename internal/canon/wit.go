package canon

import (
	"cmp"
	"slices"
	"strings"
)

// WIT returns what the component imports and exports as WIT text: a world, and the interfaces that it names. A type
// has the name that it has in the interface; two types of one interface that are the same have the name of the first.
// What WIT has no words for, like a core module, is a comment.
func (c *Component) WIT() string {
	w := &witWriter{seen: map[string]bool{}, left: new(int)}
	*w.left = maxWIT
	w.add("package root:component;\n\nworld root {\n")
	s := newScope(slices.Concat(c.Imports, c.Exports))
	w.world("import", c.Imports, s)
	w.world("export", c.Exports, s)
	w.add("}\n")
	for _, pkg := range w.packages {
		w.buf.WriteString("\npackage " + pkg.name + " {\n" + pkg.text.String() + "}\n") // has been counted
	}
	return w.text()
}

// witWriter writes a component as WIT.
type witWriter struct {
	buf      strings.Builder
	packages []*witPackage
	seen     map[string]bool // interfaces that are in a package
	left     *int            // how many bytes may still be written, here and in packages
}

type witPackage struct {
	name string
	text strings.Builder
}

// maxWIT is about how long a text becomes: types share their parts, so that a small component can have a long text.
const maxWIT = 16 << 20

func (w *witWriter) add(parts ...string) {
	for _, part := range parts {
		if *w.left -= len(part); w.full() {
			return
		}
		w.buf.WriteString(part)
	}
}

func (w *witWriter) full() bool { return *w.left < 0 }

// writer returns a writer of types that knows the names of a scope.
func (w *witWriter) writer(s *witScope) *typeWriter {
	return &typeWriter{limit: max(*w.left, 0), resource: s.resource, name: func(t *Type) string {
		if t.Kind == Own {
			return label(s.resource(t))
		}
		return label(s.types[t])
	}}
}

func (w *witWriter) text() string { return w.buf.String() }

// witScope are the names of types in an interface or world.
type witScope struct {
	types     map[*Type]string
	resources map[int]string
}

// witMembers are the functions of resources in an interface, or among the imports or exports of a world, by the
// resource's name.
type witMembers map[string][]*Named

func newMembers(items []Named) witMembers {
	members := witMembers{}
	for i := range items {
		if items[i].Item.Kind == FuncItem {
			if resource, _, _ := memberOf(items[i].Name); resource != "" {
				members[resource] = append(members[resource], &items[i])
			}
		}
	}
	return members
}

func newScope(items []Named) *witScope {
	s := &witScope{map[*Type]string{}, map[int]string{}}
	for _, item := range items {
		switch item.Item.Kind {
		case TypeItem:
			if _, named := s.types[item.Item.Type]; !named && hasName(item.Item.Type) {
				s.types[item.Item.Type] = item.Name
			}
		case ResourceItem:
			if _, named := s.resources[item.Item.Resource]; !named {
				s.resources[item.Item.Resource] = item.Name
			}
		}
	}
	return s
}

// hasName tells whether WIT writes a type by its name only.
func hasName(t *Type) bool {
	return t.Kind == Record || t.Kind == Variant || t.Kind == Enum || t.Kind == Flags
}

func (s *witScope) resource(t *Type) string { return cmp.Or(s.resources[t.Resource], t.ResourceName) }

// world writes imports or exports.
func (w *witWriter) world(keyword string, items []Named, s *witScope) {
	members := newMembers(items)
	for _, item := range items {
		if w.full() {
			return
		}
		switch {
		case item.Item.Kind != InstanceItem:
			prefix := keyword + " "
			if item.Item.Kind == TypeItem || item.Item.Kind == ResourceItem {
				prefix = ""
			}
			w.item("  ", prefix, item, s, members)
		case strings.Contains(item.Name, ":"):
			w.add("  ", keyword, " ", item.Name, ";\n")
			w.named(item)
		default:
			w.add("  ", keyword, " ", label(item.Name), ": interface {\n")
			w.items("    ", item.Item.Items)
			w.add("  }\n")
		}
	}
}

// named writes an interface into its package, once.
func (w *witWriter) named(item Named) {
	if w.seen[item.Name] {
		return
	}
	w.seen[item.Name] = true
	path, version, _ := strings.Cut(item.Name, "@")
	pkg, name, found := strings.Cut(path, "/")
	if !found {
		return
	}
	if version != "" {
		pkg += "@" + version
	}
	inner := &witWriter{seen: w.seen, left: w.left}
	inner.add("  interface ", label(name), " {\n")
	inner.items("    ", item.Item.Items)
	inner.add("  }\n")
	for _, p := range w.packages {
		if p.name == pkg {
			p.text.WriteString("\n" + inner.text())
			return
		}
	}
	p := &witPackage{name: pkg}
	p.text.WriteString(inner.text())
	w.packages = append(w.packages, p)
}

// items writes what is in an interface.
func (w *witWriter) items(indent string, items []Named) {
	s, members := newScope(items), newMembers(items)
	for _, item := range items {
		if w.full() {
			return
		}
		w.item(indent, "", item, s, members)
	}
}

// item writes one item, behind a keyword.
func (w *witWriter) item(indent, keyword string, item Named, s *witScope, members witMembers) {
	switch item.Item.Kind {
	case TypeItem:
		w.define(indent, item.Name, item.Item.Type, s)
	case ResourceItem:
		w.resource(indent, item, s, members[item.Name])
	case FuncItem:
		if resource, _, _ := memberOf(item.Name); resource == "" {
			t := w.writer(s)
			t.function(item.Item.Func)
			w.add(indent, keyword, label(item.Name), ": ", t.text(), ";\n")
		}
	default:
		w.add(indent, "// ", keyword, itemNames[item.Item.Kind], " ", item.Name, "\n")
	}
}

var itemNames = [numItemKinds]string{
	InstanceItem: "instance", ComponentItem: "component", CoreModuleItem: "core module", CoreFuncItem: "core function",
}

// define writes the definition of a type.
func (w *witWriter) define(indent, name string, t *Type, s *witScope) {
	if first := s.types[t]; first != name || !hasName(t) {
		tw := w.writer(s)
		tw.write(t)
		w.add(indent, "type ", label(name), " = ", tw.text(), ";\n")
		return
	}
	w.add(indent, t.Kind.String(), " ", label(name), " {\n")
	for _, f := range t.Fields {
		if w.full() {
			return
		}
		tw := w.writer(s)
		tw.write(f.Type)
		w.add(indent, "  ", label(f.Name), ": ", tw.text(), ",\n")
	}
	for _, c := range t.Cases {
		if w.full() {
			return
		}
		tw := w.writer(s)
		tw.oneCase(c)
		w.add(indent, "  ", tw.text(), ",\n")
	}
	for _, flag := range t.Names {
		w.add(indent, "  ", label(flag), ",\n")
	}
	w.add(indent, "}\n")
}

// resource writes a resource with the functions that belong to it.
func (w *witWriter) resource(indent string, item Named, s *witScope, members []*Named) {
	if first := s.resources[item.Item.Resource]; first != item.Name {
		w.add(indent, "type ", label(item.Name), " = ", label(first), ";\n")
		return
	}
	if len(members) == 0 {
		w.add(indent, "resource ", label(item.Name), ";\n")
		return
	}
	w.add(indent, "resource ", label(item.Name), " {\n")
	for _, member := range members {
		if w.full() {
			return
		}
		_, kind, name := memberOf(member.Name)
		f := *member.Item.Func
		tw := w.writer(s)
		w.add(indent, "  ")
		switch kind {
		case "constructor":
			if f.Result != nil && f.Result.Kind == Own {
				f.Result = nil
			}
			tw.function(&f)
			w.add("constructor", strings.TrimPrefix(tw.text(), "func"))
		case "method":
			f.Params = f.Params[min(1, len(f.Params)):]
			tw.function(&f)
			w.add(label(name), ": ", tw.text())
		default:
			tw.function(&f)
			w.add(label(name), ": static ", tw.text())
		}
		w.add(";\n")
	}
	w.add(indent, "}\n")
}

// memberOf takes the name of a resource's function apart: [method]file.read. The resource is empty for other names.
func memberOf(name string) (resource, kind, member string) {
	rest, ok := strings.CutPrefix(name, "[")
	if !ok {
		return "", "", ""
	}
	kind, rest, ok = strings.Cut(rest, "]")
	if !ok {
		return "", "", ""
	}
	kind = strings.TrimPrefix(kind, "async ")
	resource, member, _ = strings.Cut(rest, ".")
	switch kind {
	case "constructor", "method", "static":
		return resource, kind, member
	}
	return "", "", ""
}
