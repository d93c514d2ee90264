// Witgen writes a Go package for WIT interfaces: their types, a Go interface for each with its functions as methods,
// another for each resource, and a function that defines it in a linker. It reads the JSON of the crate wit-parser,
// which `cargo xtask wit` writes for WASI, and `wasm-tools component wit --json` for anything else:
//
//	go run ./internal/witgen -wit world.json -out component/wasi wasi:cli wasi:io
//
// The arguments are packages of WIT, without versions, or worlds, such as wasi:cli/imports, for what they import.
// There is a file for each package.
//
//	-docs FILE   lines of an interface, or a type as interface#type, a tab and what it is: for the comments. What has
//	             none is described by its WIT
//	-library     the interfaces are also defined by Linker.DefineWasi, so that a resource of another interface may be
//	             a *component.Resource
//	-package P   the name of the Go package; that of the folder if absent
//
// What cannot be generated yet: functions of a world that are in no interface, what is async, and streams and
// futures.
//
// WASI's WIT is Apache-2.0 WITH LLVM-exception; the JSON has names and types of it and no text.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/gowasmtime/wasmtime/internal/witjson"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("witgen: ")
	wit := flag.String("wit", "", "the JSON")
	docs := flag.String("docs", "", "the comments")
	library := flag.Bool("library", false, "the library has the interfaces, too")
	out := flag.String("out", ".", "the folder of the Go package")
	name := flag.String("package", "", "the name of the Go package")
	flag.Parse()
	if *name == "" {
		*name = filepath.Base(*out)
	}
	files, err := generate(options{*wit, *docs, *name, *library, flag.Args()})
	if err != nil {
		log.Fatal(err)
	}
	for file, content := range files {
		if err := os.WriteFile(filepath.Join(*out, file), content, 0o666); err != nil {
			log.Fatal(err)
		}
	}
}

// options say what is written.
type options struct {
	wit, docs, pkg string
	library        bool
	// from are WIT packages, or worlds.
	from []string
}

// generate returns the files of a Go package.
func generate(o options) (map[string][]byte, error) {
	text, err := os.ReadFile(o.wit)
	if err != nil {
		return nil, err
	}
	resolve, err := witjson.Parse(text)
	if err != nil {
		return nil, err
	}
	interfaces, err := chosen(resolve, o.from)
	if err != nil {
		return nil, err
	}
	g := &generator{
		pkg: o.pkg, from: filepath.Base(o.wit), library: o.library, interfaces: interfaces,
		names: newNaming(interfaces), errors: map[*witjson.Def]bool{}, docs: map[string]string{},
	}
	if o.docs != "" {
		if err := g.readDocs(o.docs); err != nil {
			return nil, err
		}
	}
	g.findErrors()
	files := map[string][]byte{"text.go": g.helpers()}
	var pkg *witjson.Package
	for _, i := range interfaces {
		if i.Package != pkg || len(files) == 1 {
			pkg = i.Package
			name := "world.go"
			if pkg != nil {
				name = strings.ReplaceAll(pkg.Short(), "-", "_") + ".go"
			}
			files[name] = g.file(pkg)
		}
	}
	for name, content := range files {
		formatted, err := format.Source(content)
		if err != nil {
			g.errs = append(g.errs, fmt.Errorf("%s: %w", name, err))
		}
		files[name] = formatted
	}
	g.twice(files)
	return files, errors.Join(g.errs...)
}

// twice reports names that are declared more than once: WIT tells more names apart than Go does.
func (g *generator) twice(files map[string][]byte) {
	declared := map[string]bool{}
	for name, content := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, content, parser.SkipObjectResolution)
		if err != nil {
			continue // which has been reported
		}
		declare := func(id *ast.Ident) {
			if id.Name != "_" && declared[id.Name] {
				g.fail("two things would be called %s", id.Name)
			}
			declared[id.Name] = true
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					declare(d.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						declare(spec.Name)
					case *ast.ValueSpec:
						for _, id := range spec.Names {
							declare(id)
						}
					}
				}
			}
		}
	}
}

// chosen returns the interfaces that are meant, those of a package together.
func chosen(resolve *witjson.Resolve, from []string) (interfaces []*witjson.Interface, err error) {
	wanted := map[*witjson.Interface]bool{}
	for _, name := range from {
		found := false
		for _, pkg := range resolve.Packages {
			if short, _, _ := strings.Cut(pkg.Name, "@"); short != name {
				continue
			}
			for _, i := range pkg.Interfaces {
				wanted[i], found = true, true
			}
		}
		for _, world := range resolve.Worlds {
			if world.Package == nil {
				continue
			}
			if pkg, _, _ := strings.Cut(world.Package.Name, "@"); pkg+"/"+world.Name != name {
				continue
			}
			found = true
			for _, item := range world.Imports {
				if item.Interface == nil {
					return nil, fmt.Errorf("the world %s imports %s, which is in no interface: that is not supported yet", name, item.Name)
				}
				wanted[item.Interface] = true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no package or world %s", name)
		}
	}
	for _, pkg := range append(resolve.Packages, nil) {
		for _, i := range resolve.Interfaces {
			if i.Package == pkg && wanted[i] {
				interfaces = append(interfaces, i)
			}
		}
	}
	return interfaces, nil
}

// generator writes the files.
type generator struct {
	pkg, from  string
	library    bool
	interfaces []*witjson.Interface
	names      *naming
	// errors are the definitions that are the error of some function's result.
	errors map[*witjson.Def]bool
	docs   map[string]string
	errs   []error

	// b is the file that is being written.
	b bytes.Buffer
}

func (g *generator) fail(format string, args ...any) {
	g.errs = append(g.errs, fmt.Errorf(format, args...))
}

func (g *generator) readDocs(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		name, doc, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok {
			return fmt.Errorf("%s: a line without a tab: %s", file, line)
		}
		g.docs[name] = doc
	}
	return nil
}

func (g *generator) findErrors() {
	for _, i := range g.interfaces {
		for _, f := range i.Functions {
			if e := errOf(f.Result); e != nil && e.Def != nil {
				g.errors[e.Def.Origin()] = true
			}
		}
	}
}

// p writes a line.
func (g *generator) p(format string, args ...any) {
	fmt.Fprintf(&g.b, format, args...)
	g.b.WriteByte('\n')
}

// comment writes a comment of at most so many columns.
func (g *generator) comment(indent, format string, args ...any) {
	line := indent + "//"
	for _, word := range strings.Fields(fmt.Sprintf(format, args...)) {
		if len(line)+3*len(indent)+1+len(word) > 118 {
			g.p("%s", line)
			line = indent + "//"
		}
		line += " " + word
	}
	g.p("%s", line)
}
