package wast

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/internal/testkit"
)

// scripts is where the module's own scripts are.
const scripts = "../../../../testdata/wast"

// newOptions returns options for an engine that has everything which scripts need, and where Log and spectest write.
func newOptions(t *testing.T) (o *Options, log, stdout *strings.Builder) {
	t.Helper()
	config := wasmtime.NewConfig()
	config.SetSharedMemory(true)
	config.SetWasmThreads(true)
	config.SetWasmMemory64(true)
	config.SetWasmExceptions(true)
	config.SetWasmFunctionReferences(true)
	config.SetWasmGC(true)
	config.SetWasmComponentModelMap(true)
	config.SetWasmComponentModelFixedLengthLists(true)
	config.SetWasmComponentModelImplements(true)
	config.SetWasmComponentModelMemory64(true)
	engine := wasmtime.NewEngineWithConfig(config)
	t.Cleanup(engine.Close)
	log, stdout = &strings.Builder{}, &strings.Builder{}
	return &Options{
		Engine: engine, Prepare: func(*wasmtime.Store) error { return nil }, Stdout: stdout,
		Log: func(text string) { log.WriteString(text) },
	}, log, stdout
}

// marked is what a comment in a script says of its line: that the command fails, or that something is noted about it.
var marked = regexp.MustCompile(`;; (fails|notes): (.*?) *$`)

// Every script of this module does on each line what its comments say, and on no other line anything.
func TestScripts(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(scripts, "*.wast"))
	if err != nil || len(paths) == 0 {
		t.Fatal("there are no scripts", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".wast")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			o, log, _ := newOptions(t)
			o.Builtins = true
			result, err := Run(context.Background(), filepath.Join(scripts, name, name+".json"), o)
			if err != nil {
				t.Fatal(err)
			}
			compareMarks(t, name+".wast", string(text), log.String(), result)
		})
	}
}

// compareMarks compares what has been logged with what a script's comments say.
func compareMarks(t *testing.T, name, text, log string, result Result) {
	t.Helper()
	var lines []string
	for line := range strings.Lines(log) {
		if strings.HasPrefix(line, name+":") {
			lines = append(lines, line)
		} else if len(lines) > 0 {
			lines[len(lines)-1] += line
		}
	}
	failed := 0
	for i, line := range strings.Split(text, "\n") {
		mark := marked.FindStringSubmatch(line)
		if mark == nil {
			continue
		}
		if mark[1] == "fails" {
			failed++
		}
		at := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, fmt.Sprintf("%s:%d: ", name, i+1)) })
		if at < 0 || !strings.Contains(lines[at], mark[2]) {
			t.Errorf("line %d: wanted %q", i+1, mark[2])
		}
		if at >= 0 {
			lines = slices.Delete(lines, at, at+1)
		}
	}
	for _, line := range lines {
		t.Errorf("not expected: %s", line)
	}
	testkit.Equal(t, "failed", result.Failed, failed)
}

// What spectest prints.
func TestPrint(t *testing.T) {
	o, _, stdout := newOptions(t)
	if _, err := Run(context.Background(), filepath.Join(scripts, "host/host.json"), o); err != nil {
		t.Fatal(err)
	}
	testkit.Equal(t, "output", stdout.String(), "666: i32\n666: i64\n1.5: f32\n-inf: f64\n-1: i32\nNaN: f32\n1000000000000000000000: f64\ninf: f64\n")
}

// Without the builtins, there is no module wasmtime.
func TestNoBuiltins(t *testing.T) {
	o, log, _ := newOptions(t)
	result, err := Run(context.Background(), filepath.Join(scripts, "builtins/builtins.json"), o)
	if err != nil || result != (Result{Commands: 2, Failed: 2}) || !strings.Contains(log.String(), "wasmtime::gc") {
		t.Errorf("%v, %v:\n%s", result, err, log)
	}
}

// Messages of refused modules are ignored if that is wanted; that a module is refused is not.
func TestIgnoreErrorMessages(t *testing.T) {
	o, log, _ := newOptions(t)
	o.IgnoreErrorMessages = true
	if _, err := Run(context.Background(), filepath.Join(scripts, "modules/modules.json"), o); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(log.String(), "expected an error with") || !strings.Contains(log.String(), "expected that it does not compile") {
		t.Error(log)
	}
}

// run runs a script with these commands, in a folder with some modules, and returns what has been logged.
func run(t *testing.T, ctx context.Context, o *Options, log *strings.Builder, commands ...string) string {
	t.Helper()
	dir := testkit.TempDir(t)
	for name, text := range map[string]string{
		"empty.wasm": `(module)`,
		"v.wasm":     `(module (func (export "f") (param v128) (result v128) local.get 0))`,
		"loop.wasm":  `(module (import "spectest" "print_i32" (func $print (param i32))) (func (export "f") (call $print (i32.const 1)) (loop (br 0))))`,
	} {
		wasm, err := wasmtime.Wat2Wasm(text)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(wasm))
	}
	write(t, filepath.Join(dir, "bad.wat"), "(module (func i33))")
	path := filepath.Join(dir, "script.json")
	write(t, path, `{"source_filename": "s.wast", "commands": [`+strings.Join(commands, ",\n")+`]}`)
	log.Reset()
	if _, err := Run(ctx, path, o); err != nil {
		t.Fatal(err)
	}
	return log.String()
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Commands that nobody can do are failures of their lines, and the next ones are done.
func TestWrongCommands(t *testing.T) {
	o, log, _ := newOptions(t)
	const vector = `{"type": "module", "line": 1, "filename": "v.wasm", "module_type": "binary"}`
	invoke := func(args string) string {
		return `{"type": "assert_return", "line": 2, "action": {"type": "invoke", "field": "f", "args": [` + args + `]}, "expected": []}`
	}
	expect := func(value string) string {
		const arg = `{"type": "v128", "lane_type": "i64", "value": ["1", "2"]}`
		return `{"type": "assert_return", "line": 2, "action": {"type": "invoke", "field": "f", "args": [` + arg + `]}, "expected": [` + value + `]}`
	}
	for _, test := range []struct{ name, command, want string }{
		{"unknown", `{"type": "assert_nothing", "line": 2}`, "there is no such command here"},
		{"not an object", `3`, "wrong JSON: "},
		{"wrong field", `{"type": "module", "line": 2, "filename": 3}`, "wrong JSON: "},
		{"no action", `{"type": "assert_return", "line": 2, "expected": []}`, "it has no action"},
		{"unknown action", `{"type": "action", "line": 2, "action": {"type": "look", "field": "f"}}`, `there is no action "look"`},
		{"no file", `{"type": "module", "line": 2}`, `the module's file "" is not beside the script`},
		{"outside", `{"type": "module", "line": 2, "filename": "../empty.wasm"}`, "is not beside the script"},
		{"missing file", `{"type": "module", "line": 2, "filename": "missing.wasm"}`, "missing.wasm"},
		{"missing file, refused", `{"type": "assert_malformed", "line": 2, "filename": "missing.wasm", "text": ""}`, "missing.wasm"},
		{"refused as text", `{"type": "module", "line": 2, "filename": "bad.wat", "module_type": "text"}`, "it does not compile: "},
		{"unknown type", invoke(`{"type": "i8", "value": "1"}`), "argument 1: i8 is no value of a core function"},
		{"number", invoke(`{"type": "i32", "value": 1}`), "argument 1: the value of an i32 has to be a text"},
		{"range", invoke(`{"type": "i32", "value": "4294967296"}`), `argument 1: "4294967296" is no number of this type`},
		{"negative range", invoke(`{"type": "i64", "value": "-9223372036854775809"}`), "is no number of this type"},
		{"float", invoke(`{"type": "f32", "value": "1.5"}`), `argument 1: "1.5" is no number of this type`},
		{"lanes", invoke(`{"type": "v128", "lane_type": "i8", "value": ["1"]}`), "a v128 of i8 has 16 texts"},
		{"lane type", invoke(`{"type": "v128", "lane_type": "i128", "value": ["1"]}`), `a v128 has no lanes of type "i128"`},
		{"lane", invoke(`{"type": "v128", "lane_type": "i64", "value": ["1", "x"]}`), `"x" is no number of this type`},
		{"wrong lanes expected", expect(`{"type": "v128", "lane_type": "i7", "value": ["1"]}`), `a v128 has no lanes of type "i7"`},
		{"unknown type expected", expect(`{"type": "string", "value": "x"}`), "is no value of a core function"},
		{"wrong number expected", expect(`{"type": "i32", "value": "x"}`), `"x" is no number of this type`},
		{"one of none", expect(`{"type": "either", "values": []}`), "expected (either ), got (v128.const i32x4 1 0 2 0)"},
		{"wrong one of several", expect(`{"type": "either", "values": [{"type": "i32", "value": []}]}`), "the value of an i32 has to be a text"},
		{"malformed custom", `{"type": "assert_malformed_custom", "line": 2, "filename": "empty.wasm", "text": ""}`, "there is no such command here"},
		{"thread without a name", `{"type": "thread", "line": 2, "commands": [{"type": "x", "line": 3}]}`, "s.wast:3: x: there is no such command here"},
	} {
		t.Run(test.name, func(t *testing.T) {
			next := `{"type": "register", "line": 9, "name": "missing", "as": ""}`
			got := run(t, context.Background(), o, log, vector, test.command, next)
			if !strings.Contains(got, test.want) || !strings.Contains(got, "s.wast:9: register: there is no instance") || strings.Contains(got, "s.wast:1:") {
				t.Errorf("%s", got)
			}
		})
	}
}

// Files that are no scripts.
func TestNoScript(t *testing.T) {
	o, _, _ := newOptions(t)
	dir := testkit.TempDir(t)
	for i, test := range []struct{ text, want string }{
		{"(module)", "wasm-tools json-from-wast"},
		{"", "wasm-tools json-from-wast"},
		{"{", "unexpected end of JSON input"},
		{"{}", "it has no commands"},
		{`{"commands": 3}`, "cannot unmarshal number"},
		{strings.Repeat(`{"commands":[`, 20000), "exceeded max depth"},
	} {
		path := filepath.Join(dir, strconv.Itoa(i))
		write(t, path, test.text)
		if _, err := Run(context.Background(), path, o); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.text[:min(len(test.text), 20)], err)
		}
	}
	if _, err := Run(context.Background(), filepath.Join(dir, "missing"), o); !os.IsNotExist(err) {
		t.Error(err)
	}
}

// A script's guests end with its context, and what comes afterwards is not begun.
func TestContext(t *testing.T) {
	config := wasmtime.NewConfig()
	config.SetEpochInterruption(true)
	config.SetSharedMemory(true)
	engine := wasmtime.NewEngineWithConfig(config)
	defer engine.Close()
	o, log, _ := newOptions(t)
	o.Engine = engine
	o.Prepare = func(store *wasmtime.Store) error { store.SetEpochDeadline(1 << 40); return nil }
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o.Stdout = writer(func() { cancel() })
	const action = `"action": {"type": "invoke", "field": "f", "args": []}`
	got := run(t, ctx, o, log,
		`{"type": "module", "line": 1, "filename": "loop.wasm"}`,
		`{"type": "assert_trap", "line": 2, "text": "wasm trap: interrupt", `+action+`}`,
		`{"type": "assert_return", "line": 3, "expected": [], `+action+`}`)
	if !strings.HasPrefix(got, "s.wast:3: assert_return: expected a return, got ") || !strings.Contains(got, "context canceled") {
		t.Error(got)
	}
}

// writer is what hears of writing.
type writer func()

func (w writer) Write(b []byte) (int, error) {
	w()
	return len(b), nil
}
