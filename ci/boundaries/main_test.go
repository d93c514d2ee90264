package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// good is a module without a fault.
var good = map[string]string{
	"go.mod":              "module example.org/m\n\ngo 1.26\n",
	"m.go":                "package m\n\nimport \"example.org/m/ffi\"\n\nvar X int = ffi.F()\n",
	"ffi/ffi.go":          "package ffi\n\n// int f(void);\nimport \"C\"\n\ntype T struct{ p *C.int }\n\nfunc F() int { return int(C.f()) }\n",
	"ffi/link_os_arch.go": "package ffi\n",
	"ffi/nocgo.go":        "//go:build !cgo\n\npackage ffi\n\nvar _ int = \"it supports os/arch\"\n",
	"ffi/unsupported.go":  "//go:build cgo && !gowasmtime_local && !(os && arch)\n\npackage ffi\n\n// it supports os/arch.\n",
	"build/manifest.json": `{"archives": {"os-arch": {}}}`,
}

func TestCheck(t *testing.T) {
	tests := []struct {
		name, file, content string
		want                []string
	}{
		{name: "good"},
		{"import", "m.go", "package m\n\nimport \"C\"\n", []string{`m.go: imports "C"; only ffi/ may`}},
		{"import in a test", "m_test.go", "package m\n\nimport \"C\"\n", []string{".: use of cgo in test", `m_test.go: imports "C"; only ffi/ may`}},
		{"type", "m.go", "package m\n\nimport \"example.org/m/ffi\"\n\nvar X string = ffi.F()\n", []string{"does not type-check without cgo: "}},
		{"parameter", "ffi/x.go", "package ffi\n\nimport \"C\"\n\nfunc G(n C.int) {}\n", []string{"ffi/x.go:5: G shows C.int"}},
		{"field", "ffi/x.go", "package ffi\n\nimport \"C\"\n\ntype S struct{ N []C.int }\n", []string{"ffi/x.go:5: S shows C.int"}},
		{"variable", "ffi/x.go", "package ffi\n\nimport \"C\"\n\nvar V = C.v\n", []string{"ffi: the type of V comes from C"}},
		{"platform", "build/manifest.json", `{"archives": {"os-arch": {}, "os2-arch": {}}}`, []string{"ffi/: 1 files link_*.go for 2 archives"}},
		{"message", "ffi/link_os2_arch.go", "package ffi\n", []string{"ffi/: 2 files link_*.go for 1 archives", "ffi/nocgo.go: does not say", "ffi/unsupported.go: does not say", "ffi/unsupported.go: does not say"}},
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
