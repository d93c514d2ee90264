package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gowasmtime/wasmtime/ci/compat/internal/workspace"
)

type skips struct{ files, tests, race []string }

func readSkips(file string) (skips, error) {
	var s skips
	data, err := os.ReadFile(file)
	if err != nil {
		return s, err
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		kind, name, _ := strings.Cut(line, " ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case kind == "file":
			s.files = append(s.files, name)
		case kind == "test":
			s.tests = append(s.tests, name)
		case kind == "race":
			s.race = append(s.race, name)
		default:
			return s, fmt.Errorf("%s: cannot read %q", file, line)
		}
	}
	return s, nil
}

// transform copies the tests of wasmtime-go, so that they test the package with the
// import path given from the outside, and returns the names of tests and examples.
func transform(peer, to, importPath string, skip []string) ([]string, error) {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(peer, "*_test.go"))
	if err != nil {
		return nil, err
	}
	for _, name := range skip {
		if !slices.Contains(files, filepath.Join(peer, name)) {
			return nil, fmt.Errorf("skip.txt names %s, which does not exist", name)
		}
	}
	if data := filepath.Join(peer, "testdata"); isDir(data) {
		if err := os.CopyFS(filepath.Join(to, "testdata"), os.DirFS(data)); err != nil {
			return nil, err
		}
	}
	var tests []string
	for _, file := range files {
		if slices.Contains(skip, filepath.Base(file)) {
			continue
		}
		source, names, err := fromOutside(file, importPath)
		if err != nil {
			return nil, err
		}
		tests = append(tests, names...)
		if err := os.WriteFile(filepath.Join(to, filepath.Base(file)), source, 0o644); err != nil {
			return nil, err
		}
	}
	return tests, nil
}

// fromOutside turns a test file into one of package wasmtime_test.
func fromOutside(file, importPath string) ([]byte, []string, error) {
	source, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, file, source, parser.ParseComments)
	if err != nil {
		return nil, nil, err
	}
	var names []string
	for _, decl := range parsed.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && runs(f) {
			names = append(names, f.Name.Name)
		}
	}
	if parsed.Name.Name == "wasmtime" {
		end := fset.Position(parsed.Name.End()).Offset
		source = slices.Concat(source[:end], []byte("_test\n\nimport . \""+importPath+"\"\n"), source[end:])
	}
	return bytes.ReplaceAll(source, []byte(`"`+workspace.Peer+`"`), []byte(`"`+importPath+`"`)), names, nil
}

// runs says whether a function is a test, which go test must then mention. Examples
// are not counted on: go test leaves those out that do not say what they print.
func runs(f *ast.FuncDecl) bool {
	return f.Name.Name != "TestMain" && strings.HasPrefix(f.Name.Name, "Test") && f.Type.Params.NumFields() == 1
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
