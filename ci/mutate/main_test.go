package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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
		`{"fault": "f", "file": "a.rs", "old": "x", "new": "y"}`,
		`{"fault": "f", "file": "a.rs", "old": "x", "new": "y", "test": ".", "cargo": "--lib"}`,
		`{"fault": "f", "file": "a.go", "old": "x", "new": "y", "cargo": "--lib"}`,
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
		"p/p.go":    "package main\n\nfunc main() { println(42) }\n",
		"p/p_test.go": "package main\n\nimport (\n\t\"os/exec\"\n\t\"testing\"\n)\n\nfunc TestProgram(t *testing.T) {\n" +
			"\tif out, _ := exec.Command(\"go\", \"run\", \".\").CombinedOutput(); string(out) != \"42\\n\" {\n\t\tt.Error(string(out))\n\t}\n}\n",
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "p"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	tests := []struct{ name, line, want string }{
		{"killed", `{"fault": "sign", "file": "m.go", "old": "return -n", "new": "return n", "test": "."}`, ""},
		{"a program", `{"fault": "number", "file": "p/p.go", "old": "42", "new": "43", "test": "./p"}`, ""},
		{"survives", `{"fault": "zero", "file": "m.go", "old": "n < 0", "new": "n <= 0", "test": "."}`, "not all"},
		{"no Go", `{"fault": "syntax", "file": "m.go", "old": "n < 0", "new": "n <", "test": "."}`, "not all"},
		{"twice", `{"fault": "twice", "file": "m.go", "old": "return", "new": "panic", "test": "."}`, "not all"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := os.WriteFile("list", []byte(test.line), 0o600); err != nil {
				t.Fatal(err)
			}
			err := run("list", "", false)
			if got := err != nil; got != (test.want != "") || got && !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

func TestKillerOf(t *testing.T) {
	for out, want := range map[string]string{
		"--- FAIL: TestA (0.1s)\n    --- FAIL: TestA/b (0.1s)\n": "TestA",
		"test a::b ... ok\ntest a::c ... FAILED\n":               "a::c",
		"panic: test timed out after 1s\n":                       "panic: test timed out",
		"ok\nSIGSEGV: segmentation violation\nPC=0\n":            "SIGSEGV: segmentation violation",
		"fatal error: all goroutines are asleep\n":               "fatal error: all goroutines are asleep",
		"killed\n": "the end of the process",
	} {
		if got := killerOf(&failure{out: []byte(out)}); got != want {
			t.Errorf("%q: %q", out, got)
		}
	}
	if got := killerOf(nil); got != "" {
		t.Errorf("tests that pass: %q", got)
	}
}

// A library in Rust, with a test of its own, and a test in Go that is linked with it.
func TestRunRust(t *testing.T) {
	for _, tool := range []string{"cargo", "gcc", "timeout"} {
		if _, err := exec.LookPath(tool); err != nil || runtime.GOOS != "linux" {
			t.Skip("needs Linux, gcc and cargo")
		}
	}
	files := map[string]string{
		"go.mod":                  "module example.org/m\n\ngo 1.26\n",
		"m.go":                    "package m\n\n// int answer(void);\nimport \"C\"\n\nfunc Answer() int { return int(C.answer()) }\n",
		"m_test.go":               "package m\n\nimport \"testing\"\n\nfunc TestAnswer(t *testing.T) {\n\tif Answer() != 42 {\n\t\tt.Error()\n\t}\n}\n",
		"rust/Cargo.toml":         "[workspace]\nresolver = \"3\"\nmembers = [\"shim\", \"archive\"]\n",
		"rust/Cargo.lock":         "version = 4\n\n[[package]]\nname = \"wasmtime-archive\"\nversion = \"0.0.0\"\ndependencies = [\n \"wasmtime-ext\",\n]\n\n[[package]]\nname = \"wasmtime-ext\"\nversion = \"0.0.0\"\n",
		"rust/target/file":        "not to be copied",
		"rust/archive/Cargo.toml": "[package]\nname = \"wasmtime-archive\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[lib]\nname = \"wasmtime\"\n[dependencies]\nwasmtime-ext = { path = \"../shim\" }\n",
		"rust/archive/src/lib.rs": "pub use wasmtime_ext::answer;\n",
		"rust/shim/Cargo.toml":    "[package]\nname = \"wasmtime-ext\"\nversion = \"0.0.0\"\nedition = \"2024\"\n",
		"rust/shim/src/lib.rs":    "#[unsafe(no_mangle)]\npub extern \"C\" fn answer() -> i32 { 6 * 7 }\n#[test]\nfn six() { assert!(answer() % 6 == 0) }\n#[test]\nfn fails() { panic!() }\n",
	}
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	t.Setenv("CARGO_TARGET_DIR", "")
	const file = `"file": "rust/shim/src/lib.rs"`
	tests := []struct{ name, line, want string }{
		{"killed by cargo", `{"fault": "f", ` + file + `, "old": "6 * 7", "new": "5 * 7", "cargo": "--lib six"}`, ""},
		{"killed by go", `{"fault": "f", ` + file + `, "old": "6 * 7", "new": "6 * 8", "test": "."}`, ""},
		{"survives cargo", `{"fault": "f", ` + file + `, "old": "6 * 7", "new": "6 * 8", "cargo": "--lib six"}`, "1 survived"},
		{"survives go", `{"fault": "f", ` + file + `, "old": "6 * 7", "new": "7 * 6", "test": "."}`, "1 survived"},
		{"no Rust", `{"fault": "f", ` + file + `, "old": "6 * 7", "new": "6 *", "test": "."}`, "1 could not"},
		{"no Rust for cargo", `{"fault": "f", ` + file + `, "old": "6 * 7", "new": "6 *", "cargo": "--lib six"}`, "1 could not"},
		{"fails anyway", `{"fault": "f", ` + file + `, "old": "6 * 7", "new": "5 * 7", "cargo": "--lib fails"}`, "1 could not"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := os.WriteFile("list", []byte(test.line), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := run("list", "", false); err == nil {
				t.Error("it was tried without -rust")
			}
			err := run("list", "", true)
			if (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
			if text, err := os.ReadFile("rust/shim/src/lib.rs"); err != nil || string(text) != files["rust/shim/src/lib.rs"] {
				t.Errorf("the source itself was changed: %v", err)
			}
		})
	}
	if _, err := os.Stat("dist/mutate/rust/target"); err == nil {
		t.Error("what was built was copied, too")
	}
}
