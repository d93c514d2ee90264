package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// imports reports files outside of ffi/ that import "C": of any platform, and tests too.
func (m *module) imports() (found []string) {
	for _, dir := range m.dirs {
		names, _ := filepath.Glob(filepath.Join(m.root, dir, "*.go"))
		for _, name := range names {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			if err != nil {
				found = append(found, err.Error())
				continue
			}
			if slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"C"` }) {
				found = append(found, filepath.Join(dir, filepath.Base(name))+`: imports "C"; only ffi/ may`)
			}
		}
	}
	return found
}

// dependencies reports packages outside of cmd/ that import one of another module, on any platform, and in tests too:
// so whoever imports a package of this module builds, vendors and downloads no other.
func (m *module) dependencies() (found []string) {
	for _, dir := range append(slices.Clone(m.dirs), "ffi") {
		if dir == "cmd" || strings.HasPrefix(filepath.ToSlash(dir), "cmd/") {
			continue
		}
		names, _ := filepath.Glob(filepath.Join(m.root, dir, "*.go"))
		for _, name := range names {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			if err != nil {
				continue // imports reports it
			}
			for _, spec := range file.Imports {
				path, _ := strconv.Unquote(spec.Path.Value)
				first, _, _ := strings.Cut(path, "/")
				// The standard library has no dot in the first element; every module that can be downloaded has one.
				if strings.Contains(first, ".") && path != m.path && !strings.HasPrefix(path, m.path+"/") {
					found = append(found, fmt.Sprintf("%s: imports %s of another module; only cmd/ may",
						filepath.Join(dir, filepath.Base(name)), path))
				}
			}
		}
	}
	return found
}

// types type-checks everything outside of ffi/.
func (m *module) types() []string {
	for _, path := range m.packages {
		if _, err := m.Import(path); err != nil {
			m.errs = append(m.errs, err.Error())
		}
	}
	return m.errs
}

// exported reports exported items of ffi/ that have a C type, or a type that comes from one, in what other packages
// see.
func (m *module) exported() (found []string) {
	for _, file := range m.files[m.ffi()] {
		report := func(name string, t ast.Node) {
			ast.Inspect(t, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := sel.X.(*ast.Ident); ok && x.Name == "C" {
						found = append(found, fmt.Sprintf("%s: %s shows C.%s to other packages", m.position(sel), name, sel.Sel.Name))
					}
				}
				return true
			})
		}
		for _, decl := range file.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if decl.Name.IsExported() {
					report(decl.Name.Name, decl.Type)
				}
			case *ast.GenDecl:
				for _, spec := range decl.Specs {
					reportSpec(spec, report)
				}
			}
		}
	}
	if pkg := m.checked[m.ffi()]; pkg != nil {
		found = append(found, untyped(pkg)...)
	}
	return found
}

// reportSpec reports on the visible parts of a declaration.
func reportSpec(spec ast.Spec, report func(string, ast.Node)) {
	switch spec := spec.(type) {
	case *ast.ValueSpec:
		if spec.Type != nil && slices.ContainsFunc(spec.Names, (*ast.Ident).IsExported) {
			report(spec.Names[0].Name, spec.Type)
		}
	case *ast.TypeSpec:
		if !spec.Name.IsExported() {
			return
		}
		st, ok := spec.Type.(*ast.StructType)
		if !ok {
			report(spec.Name.Name, spec.Type)
			return
		}
		for _, field := range st.Fields.List {
			if len(field.Names) == 0 || slices.ContainsFunc(field.Names, (*ast.Ident).IsExported) {
				report(spec.Name.Name, field.Type)
			}
		}
	}
}

// untyped reports exported variables and constants whose type is inferred from C.
func untyped(pkg *types.Package) (found []string) {
	for _, name := range pkg.Scope().Names() {
		obj := pkg.Scope().Lookup(name)
		if obj.Exported() && obj.Type() == types.Typ[types.Invalid] {
			found = append(found, fmt.Sprintf("ffi: the type of %s comes from C", name))
		}
	}
	return found
}

// platforms compares the platforms of the archives with those that the messages of ffi/ name.
func (m *module) platforms() (found []string) {
	text, err := os.ReadFile(filepath.Join(m.root, "build", "manifest.json"))
	if err != nil {
		return []string{err.Error()}
	}
	var manifest struct{ Archives map[string]any }
	if err := json.Unmarshal(text, &manifest); err != nil {
		return []string{err.Error()}
	}
	links, _ := filepath.Glob(filepath.Join(m.root, "ffi", "link_*.go"))
	if len(links) != len(manifest.Archives) {
		found = append(found, fmt.Sprintf("ffi/: %d files link_*.go for %d archives", len(links), len(manifest.Archives)))
	}
	var names, tags []string
	for _, link := range links {
		// A third part is the tag that chooses between two archives of one platform.
		parts := strings.Split(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(link), "link_"), ".go"), "_")
		if len(parts) < 2 || slices.Contains(names, parts[0]+"/"+parts[1]) {
			continue
		}
		names = append(names, parts[0]+"/"+parts[1])
		tags = append(tags, fmt.Sprintf("!(%s && %s)", parts[0], parts[1]))
	}
	want := map[string][]string{
		"nocgo.go":       {"it supports " + strings.Join(names, ", ") + `"`, "gowasmtime_local || " + strings.ReplaceAll(strings.Join(tags, " || "), "!", "") + ")\n"},
		"unsupported.go": {"it supports " + strings.Join(names, ", ") + ".", "!gowasmtime_local && " + strings.Join(tags, " && ") + "\n"},
		// What is said without cgo depends on whether cgo would help.
		"unsupported_nocgo.go": {"it supports " + strings.Join(names, ", ") + `"`, "!cgo && !wasmtime_shared && !gowasmtime_local && " + strings.Join(tags, " && ") + "\n"},
	}
	for name, parts := range want {
		text, err := os.ReadFile(filepath.Join(m.root, "ffi", name))
		if err != nil {
			found = append(found, err.Error())
			continue
		}
		for _, part := range parts {
			if !strings.Contains(string(text), part) {
				found = append(found, fmt.Sprintf("ffi/%s: does not say %q", name, strings.TrimSpace(part)))
			}
		}
	}
	return found
}

func (m *module) position(n ast.Node) string {
	p := m.fset.Position(n.Pos())
	rel, err := filepath.Rel(m.root, p.Filename)
	if err != nil {
		rel = p.Filename
	}
	return fmt.Sprintf("%s:%d", rel, p.Line)
}
