package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// declared returns the declarations in what "go doc -all" prints, without comments and without the names of
// receivers. Those of a group are single ones, unless they follow from each other.
func declared(text string) (declarations []string, err error) {
	// Declarations start at the left margin, and their lines are indented by tabs; the documentation is indented by
	// spaces.
	source := strings.Builder{}
	inside := false
	for line := range strings.Lines(text) {
		switch word, _, _ := strings.Cut(line, " "); {
		case slices.Contains([]string{"CONSTANTS\n", "VARIABLES\n", "FUNCTIONS\n", "TYPES\n"}, word):
			inside = true
		case inside && !strings.HasPrefix(line, "    "):
			source.WriteString(line)
		}
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "go doc", "package p\n"+source.String(), parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("what go doc prints: %w", err)
	}
	add := func(node any) {
		out := bytes.Buffer{}
		if failed := format.Node(&out, fset, node); failed != nil {
			err = failed
		}
		// What was between comments.
		lines := slices.DeleteFunc(strings.Split(out.String(), "\n"), func(line string) bool { return strings.TrimSpace(line) == "" })
		declarations = append(declarations, strings.Join(lines, "\n"))
	}
	for _, decl := range file.Decls {
		if method, ok := decl.(*ast.FuncDecl); ok && method.Recv != nil {
			method.Recv.List[0].Names = nil
		}
		group, ok := decl.(*ast.GenDecl)
		if !ok || slices.ContainsFunc(group.Specs, isImplied) {
			add(decl)
			continue
		}
		for _, spec := range group.Specs {
			add(&ast.GenDecl{Tok: group.Tok, Specs: []ast.Spec{spec}})
		}
	}
	return declarations, err
}

// isImplied tells whether a declaration depends on its place in a group: by iota, or as the repetition of the one
// before.
func isImplied(spec ast.Spec) bool {
	value, ok := spec.(*ast.ValueSpec)
	if !ok {
		return false
	}
	implied := value.Type == nil && value.Values == nil
	ast.Inspect(value, func(n ast.Node) bool {
		ident, ok := n.(*ast.Ident)
		implied = implied || ok && ident.Name == "iota"
		return true
	})
	return implied
}
