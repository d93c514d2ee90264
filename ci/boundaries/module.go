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
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// module is the source of a Go module, without its tests.
type module struct {
	root, path string
	fset       *token.FileSet
	// dirs holds all folders but ffi/ and those below which the module does not look, relative to the root.
	dirs []string
	// packages holds the import paths of all packages, in the order of their folders.
	packages []string
	files    map[string][]*ast.File
	checked  map[string]*types.Package
	std      types.Importer
	errs     []string
}

// load parses all packages of a module. Files are chosen as the go command does for the supported platform: with cgo in
// ffi/, without elsewhere.
func load(root string) (*module, error) {
	path, err := modulePath(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, err
	}
	build.Default.CgoEnabled = false // for the standard library, which is read from source
	m := &module{root: root, path: path, fset: token.NewFileSet(), files: map[string][]*ast.File{}, checked: map[string]*types.Package{}}
	m.std = importer.ForCompiler(m.fset, "source", nil)
	err = filepath.WalkDir(root, func(dir string, entry fs.DirEntry, err error) error {
		switch name := ""; {
		case err != nil:
			return err
		case !entry.IsDir():
			return nil
		case dir != root:
			name = entry.Name()
			_, nested := os.Stat(filepath.Join(dir, "go.mod"))
			if nested == nil || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "vendor" {
				return filepath.SkipDir
			}
		}
		return m.parse(dir)
	})
	return m, err
}

func modulePath(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(line, "module "); ok {
			return strings.TrimSpace(path), nil
		}
	}
	return "", fmt.Errorf("%s names no module", file)
}

// parse adds the package in a folder, if there is one.
func (m *module) parse(dir string) error {
	rel, err := filepath.Rel(m.root, dir)
	if err != nil {
		return err
	}
	path := m.path
	if rel != "." {
		path += "/" + filepath.ToSlash(rel)
	}
	if path != m.ffi() {
		m.dirs = append(m.dirs, rel)
	}
	context := build.Default
	context.CgoEnabled = path == m.ffi()
	pkg, err := context.ImportDir(dir, 0)
	if none := new(build.NoGoError); err != nil {
		if !errors.As(err, &none) {
			m.errs = append(m.errs, fmt.Sprintf("%s: %v", rel, err))
		}
		return nil
	}
	if len(pkg.GoFiles)+len(pkg.CgoFiles) == 0 { // there are only tests
		return nil
	}
	for _, name := range append(pkg.GoFiles, pkg.CgoFiles...) {
		file, err := parser.ParseFile(m.fset, filepath.Join(dir, name), nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return err
		}
		m.files[path] = append(m.files[path], file)
	}
	m.packages = append(m.packages, path)
	return nil
}

func (m *module) ffi() string { return m.path + "/ffi" }

// Import type-checks a package of the module, or finds one of the standard library. It makes a module an importer.
func (m *module) Import(path string) (*types.Package, error) {
	if pkg := m.checked[path]; pkg != nil {
		return pkg, nil
	}
	files, ours := m.files[path]
	if !ours {
		return m.std.Import(path)
	}
	inFFI := path == m.ffi()
	config := types.Config{
		Importer:         m,
		FakeImportC:      inFFI,
		IgnoreFuncBodies: inFFI,
		Error: func(err error) {
			if !inFFI { // what depends on C cannot be checked without a C compiler; go vet does it
				m.errs = append(m.errs, fmt.Sprintf("does not type-check without cgo: %v", err))
			}
		},
	}
	pkg, err := config.Check(path, m.fset, files, nil)
	if pkg == nil {
		return nil, err
	}
	m.checked[path] = pkg
	return pkg, nil
}
