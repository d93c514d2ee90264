package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// good is a module without a fault.
var good = map[string]string{
	"go.mod":                   "module example.org/m\n\ngo 1.26\n",
	"m.go":                     "package m\n\nimport \"example.org/m/ffi\"\n\nvar X int = ffi.F()\n",
	"ffi/ffi.go":               "package ffi\n\n// int f(void);\nimport \"C\"\n\ntype T struct{ p *C.int }\n\nfunc F() int { return int(C.f()) }\n",
	"ffi/link_os_arch.go":      "package ffi\n",
	"ffi/nocgo.go":             "//go:build !cgo && (wasmtime_shared || gowasmtime_local || (os && arch))\n\npackage ffi\n\nvar _ int = \"it supports os/arch\"\n",
	"ffi/unsupported_nocgo.go": "//go:build !cgo && !wasmtime_shared && !gowasmtime_local && !(os && arch)\n\npackage ffi\n\nvar _ int = \"it supports os/arch\"\n",
	"ffi/unsupported.go":       "//go:build cgo && !gowasmtime_local && !(os && arch)\n\npackage ffi\n\n// it supports os/arch.\n",
	"build/manifest.json":      `{"archives": {"os-arch": {}}}`,
	"README.md":                "# M\n",
	"internal/a/a.go":          "package a\n\ntype T struct{}\n",
	"wit/wit.go":               "package wit\n",
	"component/c.go":           "package component\n\nimport _ \"example.org/m/wit\"\n",
}

// long is a word that no line has room for beside a comment.
var long = strings.Repeat("x", 118)

func TestCheck(t *testing.T) {
	tests := []struct {
		name, file, content string
		want                []string
	}{
		{name: "good"},
		{"import", "m.go", "package m\n\nimport \"C\"\n", []string{`m.go: imports "C"; only ffi/ may`}},
		{"import in a test", "m_test.go", "package m\n\nimport \"C\"\n", []string{".: use of cgo in test", `m_test.go: imports "C"; only ffi/ may`}},
		{"another module in a test", "internal/a/a_test.go", "package a\n\nimport _ \"example.com/x\"\n", []string{"internal/a/a_test.go: imports example.com/x of another module; only cmd/ may"}},
		{"another module on another platform", "ffi/x_plan9.go", "package ffi\n\nimport _ \"example.org/mm/y\"\n", []string{"ffi/x_plan9.go: imports example.org/mm/y of another module"}},
		{"another module in a command's test", "cmd/x/main_test.go", "package main\n\nimport _ \"example.com/x\"\n", nil},
		{"type", "m.go", "package m\n\nimport \"example.org/m/ffi\"\n\nvar X string = ffi.F()\n", []string{"does not type-check without cgo: "}},
		{"parameter", "ffi/x.go", "package ffi\n\nimport \"C\"\n\nfunc G(n C.int) {}\n", []string{"ffi/x.go:5: G shows C.int"}},
		{"field", "ffi/x.go", "package ffi\n\nimport \"C\"\n\ntype S struct{ N []C.int }\n", []string{"ffi/x.go:5: S shows C.int"}},
		{"variable", "ffi/x.go", "package ffi\n\nimport \"C\"\n\nvar V = C.v\n", []string{"ffi: the type of V comes from C"}},
		{"platform", "build/manifest.json", `{"archives": {"os-arch": {}, "os2-arch": {}}}`, []string{"ffi/: 1 files link_*.go for 2 archives"}},
		{"message", "ffi/link_os2_arch.go", "package ffi\n", []string{"ffi/: 2 files link_*.go for 1 archives", "ffi/nocgo.go: does not say", "ffi/nocgo.go: does not say", "ffi/unsupported.go: does not say", "ffi/unsupported.go: does not say",
			"ffi/unsupported_nocgo.go: does not say", "ffi/unsupported_nocgo.go: does not say"}},
		{"upwards", "m.go", "package m\n\nimport _ \"example.org/m/wit\"\n", []string{".: imports wit, which is above the root"}},
		{"upwards by a detour", "ffi/x.go", "package ffi\n\nimport _ \"example.org/m/minimal/x\"\n", []string{"ffi: imports minimal/x, which is above the root"}},
		{"downwards", "component/c.go", "package component\n\nimport _ \"example.org/m\"\n", nil},
		{"upwards in a test", "m_test.go", "package m_test\n\nimport _ \"example.org/m/component\"\n", nil},
		{"internal", "internal/b/b.go", "package b\n\nimport _ \"example.org/m\"\n", []string{"internal/b: imports the root; "}},
		{"internal test", "internal/b/b_test.go", "package b\n\nimport _ \"example.org/m\"\n", nil},
		{"test helper", "internal/b/b.go", "package b\n\nimport (\n\t_ \"testing\"\n\n\t_ \"example.org/m\"\n)\n", nil},
		{"test helper outside of tests", "internal/a/a.go", "package a\n\nimport _ \"testing\"\n\ntype T struct{}\n", nil},
		{"alias", "m.go", "package m\n\nimport \"example.org/m/internal/a\"\n\ntype T = a.T\n", []string{".: T is an alias of internal/a.T"}},
		{"alias of an alias", "wit/wit.go", "package wit\n\nimport \"example.org/m/ffi\"\n\ntype t = ffi.T\n\ntype T = t\n", []string{"wit: T is an alias of ffi.T"}},
		{"alias inside", "m.go", "package m\n\nimport \"example.org/m/internal/a\"\n\ntype t = a.T\n\ntype U struct{ t }\n", nil},
		{"readme", "README.md", strings.Repeat("\n", 201), []string{"README.md has 201 lines, more than 200"}},
		{"no test", "wit/wit.go", "package wit\n" + strings.Repeat("\n", 300), []string{"wit: 301 lines and no test; "}},
		{"a command without a test", "cmd/x/main.go", "package main\n\nfunc main() {}\n" + strings.Repeat("\n", 300), []string{"cmd/x: 303 lines and no test; "}},
		{"comment", "m.go", "package m\n\n// " + long + "\n", []string{"m.go:3: a comment up to column 121, more than 120"}},
		{"comment after code", "bench/x.rs", "f(\"//\"); // " + long + "\n", []string{"bench/x.rs:1: a comment up to column 130"}},
		{"comment in a column of tabs", "m_test.go", "package m\n\nfunc f() {\n\t// " + long[4:] + "\n}\n", []string{"m_test.go:4: a comment up to column 121"}},
		{"code", "m.go", "package m\n\nconst x = \"https://" + long + "\"\n", nil},
		{"generated", "m.go", "// Code generated by x. DO NOT EDIT.\n\npackage m\n\n// " + long + "\n", nil},
		{"directive", "m.go", "//go:build !(" + long[3:] + ")\n\npackage m\n", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			write(t, root, good)
			if test.file != "" {
				write(t, root, map[string]string{test.file: test.content})
			}
			found, _, err := check(root)
			if err != nil {
				t.Fatal(err)
			}
			matches := func(got, want string) bool { return strings.Contains(got, want) }
			if !slices.EqualFunc(found, test.want, matches) {
				t.Errorf("found %q, want %q", found, test.want)
			}
		})
	}
}

// That the root has 40 sources and no more is a matter of more than one file.
func TestRootSources(t *testing.T) {
	root := t.TempDir()
	write(t, root, good)
	for n := range 39 {
		name := fmt.Sprintf("f%d", n)
		write(t, root, map[string]string{name + ".go": "package m\n", name + "_test.go": "package m\n"})
	}
	if found, _, err := check(root); err != nil || len(found) > 0 {
		t.Errorf("40 sources: found %q, %v", found, err)
	}
	write(t, root, map[string]string{"f39.go": "package m\n"})
	want := []string{"the root has 41 sources, more than 40"}
	if found, _, err := check(root); err != nil || !slices.Equal(found, want) {
		t.Errorf("found %q, %v, want %q", found, err, want)
	}
}

func write(t *testing.T, root string, files map[string]string) {
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
