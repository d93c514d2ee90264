package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// before is a module with something of each kind.
var before = map[string]string{
	"go.mod": "module example.org/m\n\ngo 1.26\n",
	"m.go": `// Package m is an example.
//
//	func Indented() // is no declaration
package m

import "example.org/m/sub"

// A and B follow from each other.
const (
	A = iota // the first
	B
)

// E is one of two.
var (
	E = "e"
	// F is the other.
	F error
)

// S has methods.
type S struct {
	N      int // a number
	hidden int
	base
}

type base struct{ x int }

// M is promoted.
func (b *base) M(n int) error { return nil }

// O is S's own.
func (s S) O() sub.T { return sub.T{} }

// G is generic.
func G[T any](t T) T { return t }
`,
	"sub/sub.go":      "package sub\n\n// T is empty.\ntype T struct{}\n",
	"cmd/c/main.go":   "package main\n\nfunc Main() {}\n\nfunc main() {}\n",
	"internal/i/i.go": "package i\n\nfunc I() {}\n",
	"ffi/f.go":        "package ffi\n\nfunc F() {}\n",
}

func TestCompare(t *testing.T) {
	tests := []struct {
		name, file, old, new string
		want                 string
	}{
		{"nothing", "m.go", "", "", "the API is the same: 8 declarations\n"},
		{"comment", "m.go", "// A and B follow", "// They follow", "the API is the same: 8 declarations\n"},
		{"comment in a struct", "m.go", " // a number", "", "the API is the same: 8 declarations\n"},
		{"receiver", "m.go", "(s S)", "(x S)", "the API is the same: 8 declarations\n"},
		{"promoted method becomes its own", "m.go", "(b *base) M", "(s *S) M", "the API is the same: 8 declarations\n"},
		{"group", "m.go", "\t// F is the other.\n\tF error\n)", ")\n\nvar F error", "the API is the same: 8 declarations\n"},
		{"internal", "internal/i/i.go", "I()", "J()", "the API is the same: 8 declarations\n"},
		{"ffi", "ffi/f.go", "F()", "G()", "the API is the same: 8 declarations\n"},
		{"command", "cmd/c/main.go", "Main()", "Other()", "the API is the same: 8 declarations\n"},
		{"promoted method", "m.go", "M(n int) error", "M(n int64) error",
			"- example.org/m: func (*S) M(n int) error\n+ example.org/m: func (*S) M(n int64) error\n"},
		{"parameter", "m.go", "M(n int) error", "M(m int) error",
			"- example.org/m: func (*S) M(n int) error\n+ example.org/m: func (*S) M(m int) error\n"},
		{"value receiver", "m.go", "(s S)", "(s *S)", "- example.org/m: func (S) O() sub.T\n+ example.org/m: func (*S) O() sub.T\n"},
		{"order of constants", "m.go", "\tA = iota // the first\n\tB\n", "\tB = iota\n\tA\n",
			"- example.org/m: const (\n- \tA = iota\n- \tB\n- )\n+ example.org/m: const (\n+ \tB = iota\n+ \tA\n+ )\n"},
		{"field", "m.go", "N      int", "N      uint",
			"- example.org/m: type S struct {\n- \tN int\n- }\n+ example.org/m: type S struct {\n+ \tN uint\n+ }\n"},
		{"constraint", "m.go", "[T any]", "[T comparable]",
			"- example.org/m: func G[T any](t T) T\n+ example.org/m: func G[T comparable](t T) T\n"},
		{"package", "sub/sub.go", "type T struct{}", "type T struct{}\n\nfunc New() T { return T{} }", "+ example.org/m/sub: func New() T\n"},
	}
	old := t.TempDir()
	write(t, old, before)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			after := maps.Clone(before)
			if !strings.Contains(after[test.file], test.old) {
				t.Fatalf("%s has no %q", test.file, test.old)
			}
			after[test.file] = strings.Replace(after[test.file], test.old, test.new, 1)
			folder := t.TempDir()
			write(t, folder, after)
			out := strings.Builder{}
			err := compare(&out, old, folder)
			if out.String() != test.want {
				t.Errorf("printed\n%swant\n%s", out.String(), test.want)
			}
			if same := strings.HasPrefix(test.want, "the API is the same"); same != (err == nil) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// A revision is compared, not what has been changed since.
func TestExtract(t *testing.T) {
	repository, folder := t.TempDir(), t.TempDir()
	write(t, repository, before)
	write(t, repository, map[string]string{"build/x/lib.a": "large"})
	git := func(args ...string) {
		args = append([]string{"-C", repository, "-c", "user.name=n", "-c", "user.email=e"}, args...)
		if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
	git("init", "-q")
	git("add", ".")
	git("commit", "-qm", "m")
	write(t, repository, map[string]string{"sub/sub.go": "package sub\n"})
	if err := extract(repository, "HEAD", folder); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "sub/sub.go"))
	if err != nil || string(text) != before["sub/sub.go"] {
		t.Errorf("sub/sub.go is %q, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(folder, "build/x/lib.a")); err == nil {
		t.Error("the archive was extracted too")
	}
	if err := extract(repository, "no-such-revision", t.TempDir()); err == nil {
		t.Error("a revision that does not exist was extracted")
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
