package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The mutations of the repository fit the files that they change; whether tests kill them is for mutate itself.
func TestMutationsFit(t *testing.T) {
	t.Chdir("../..")
	text, err := os.ReadFile("ci/mutate/mutations.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	all, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		source, err := os.ReadFile(m.File)
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := m.apply(string(source)); err != nil {
			t.Errorf("%s: %s: %v", m.File, m.Fault, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		`{"fault": "f", "file": "a.go", "old": "x", "new": "x", "test": "."}`,
		`{"fault": "f", "file": "a.go", "old": "", "new": "x", "test": "."}`,
		`{"fault": "f", "file": "a.go", "old": "x", "new": "y", "test": ".", "more": 1}`,
		`nothing`,
	} {
		if _, err := parse([]byte(text)); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
}

// A module whose test notices one change and not the other.
func TestRun(t *testing.T) {
	files := map[string]string{
		"go.mod":    "module example.org/m\n\ngo 1.26\n",
		"m.go":      "package m\n\nfunc Abs(n int) int {\n\tif n < 0 {\n\t\treturn -n\n\t}\n\treturn n\n}\n",
		"m_test.go": "package m\n\nimport \"testing\"\n\nfunc TestAbs(t *testing.T) {\n\tif Abs(-2) != 2 {\n\t\tt.Error()\n\t}\n}\n",
	}
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	tests := []struct{ name, line, want string }{
		{"killed", `{"fault": "sign", "file": "m.go", "old": "return -n", "new": "return n", "test": "."}`, ""},
		{"survives", `{"fault": "zero", "file": "m.go", "old": "n < 0", "new": "n <= 0", "test": "."}`, "not all"},
		{"no Go", `{"fault": "syntax", "file": "m.go", "old": "n < 0", "new": "n <", "test": "."}`, "not all"},
		{"twice", `{"fault": "twice", "file": "m.go", "old": "return", "new": "panic", "test": "."}`, "not all"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := os.WriteFile("list", []byte(test.line), 0o600); err != nil {
				t.Fatal(err)
			}
			err := run("list", "")
			if got := err != nil; got != (test.want != "") || got && !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}
