package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
)

// A loader type-checks packages of one module from source. The standard library
// comes from its own source; anything else that is imported is left empty, which
// is enough for a public API that does not mention it.
type loader struct {
	fset    *token.FileSet
	context build.Context
	std     types.Importer
	c       *types.Package
	root    string // directory of the module
	path    string // its module path
	cache   map[string]*types.Package
}

// load type-checks the package in the root directory of a module. Errors of the
// type checker are expected (functions of C are unknown) and ignored: only
// declarations are looked at, never bodies.
func load(dir string, headers []string) (*types.Package, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	module, err := modulePath(filepath.Join(dir, "go.mod"))
	if err != nil {
		return nil, err
	}
	c, err := parseHeaders(headers)
	if err != nil {
		return nil, err
	}
	context := build.Default
	context.CgoEnabled = true
	build.Default.CgoEnabled = false // the standard library, read without a compiler
	fset := token.NewFileSet()
	l := &loader{
		fset: fset, context: context, c: c, root: dir, path: module,
		std:   importer.ForCompiler(fset, "source", nil),
		cache: map[string]*types.Package{},
	}
	return l.check(module)
}

func modulePath(file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(data)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "module "); ok {
			return strings.Trim(strings.TrimSpace(path), `"`), nil
		}
	}
	return "", fmt.Errorf("%s names no module", file)
}

// check parses and type-checks a package of the module.
func (l *loader) check(path string) (*types.Package, error) {
	if pkg := l.cache[path]; pkg != nil {
		return pkg, nil
	}
	dir := filepath.Join(l.root, filepath.FromSlash(strings.TrimPrefix(path, l.path)))
	found, err := l.context.ImportDir(dir, 0)
	if err != nil {
		return nil, err
	}
	var files []*ast.File
	for _, name := range append(found.GoFiles, found.CgoFiles...) {
		file, err := parser.ParseFile(l.fset, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: no Go files", dir)
	}
	config := types.Config{
		Importer:         l,
		IgnoreFuncBodies: true,
		Error:            func(error) {},
		Sizes:            types.SizesFor("gc", l.context.GOARCH),
	}
	pkg, err := config.Check(path, l.fset, files, nil)
	if pkg == nil {
		return nil, err
	}
	l.cache[path] = pkg
	return pkg, nil
}

// Import implements types.Importer.
func (l *loader) Import(path string) (*types.Package, error) {
	switch first, _, _ := strings.Cut(path, "/"); {
	case path == "C":
		return l.c, nil
	case path == "unsafe":
		return types.Unsafe, nil
	case path == l.path || strings.HasPrefix(path, l.path+"/"):
		pkg, err := l.check(path)
		if noGo := (*build.NoGoError)(nil); errors.As(err, &noGo) {
			return empty(path), nil
		}
		return pkg, err
	case strings.Contains(first, "."):
		return empty(path), nil
	default:
		return l.std.Import(path)
	}
}

func empty(path string) *types.Package {
	pkg := types.NewPackage(path, filepath.Base(path))
	pkg.MarkComplete()
	return pkg
}
