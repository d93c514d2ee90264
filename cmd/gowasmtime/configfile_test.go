package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime/internal/testkit"
)

// A key in a file does what it does on the command line: all that can be done is done, and the rest is refused.
func TestConfigKeys(t *testing.T) {
	samples := map[string][2]string{ // on the command line, and in a file
		formFlag: {"=n", "false"}, formNumber: {"=1_0", "1_0"}, formDuration: {"=5ms", `"5ms"`}, formPath: {"=x", `"x"`},
		formPair: {"=a=b", `["a=b"]`},
		"[=VAL]": {"-some-flag=x", `[["some-flag", "x"]]`}, "=0|1|2|s": {"=s", `"s"`},
		"=backtracking|single-pass": {"=backtracking", `"backtracking"`}, "=cranelift|winch": {"=winch", `"winch"`},
		"": {"=nonsense", `"nonsense"`},
	}
	for _, g := range groups() {
		for _, k := range g.keys {
			fromLine, fromFile := &settings{}, &settings{}
			sample := samples[k.form]
			errLine := g.set(fromLine, k.name+sample[0])
			errFile := applyConfig(fromFile, fmt.Sprintf("[%s]\n%s = %s\n", g.long, k.name, sample[1]))
			if (errFile != nil) != (k.does == missing) || (errFile != nil) != (errLine != nil) {
				t.Errorf("[%s] %s: %v; on the command line %v", g.long, k.name, errFile, errLine)
			}
			testkit.Equal(t, "changes of the engine by "+k.name, changes(fromFile), changes(fromLine))
			fromLine.engine, fromFile.engine = nil, nil
			if !reflect.DeepEqual(fromLine, fromFile) {
				t.Errorf("[%s] %s: %+v; on the command line %+v", g.long, k.name, fromFile, fromLine)
			}
		}
	}
}

// changes are the names of the changes of an engine's configuration.
func changes(s *settings) (names string) {
	for _, e := range s.engine {
		names += e.name + " "
	}
	return names
}

func TestConfigValues(t *testing.T) {
	s := &settings{}
	if err := applyConfig(s, `
		wasm = { fuel = 0x10, timeout = {secs = 1, nanos = 500_000_000} }
		optimize.opt-level = 2
		[debug]
		max-backtrace = 20
		arg = []
		[wasi]
		inherit-env = true
		inherit-stdin = false
		config-var = ["a=b", "c=d"]
		[codegen]
		cranelift = [["opt_level", "none"], ["unwind-info", "false"]]
		[record]
	`); err != nil {
		t.Fatal(err)
	}
	testkit.Equal(t, "fuel", *s.fuel, 16)
	testkit.Equal(t, "timeout", *s.timeout, 1500*time.Millisecond)
	testkit.Equal(t, "changes", changes(s), "opt-level cranelift-opt_level cranelift-unwind-info ")
	testkit.Equal(t, "inherit-env", s.inheritEnv, true)
	testkit.Equal(t, "config-var", fmt.Sprint(s.stores.configVars), "[{a b} {c d}]")
	testkit.Equal(t, "closed", s.closed, [3]bool{true, false, false})
}

func TestConfigErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"\n[wasm]\nfule = 1\n", `line 3: [wasm] has no key "fule"; near it: fuel; -W help lists them`},
		{"[wasm]\n\"\\u001b[31m\" = 1\n", `line 2: [wasm] has no key "\x1b[31m"; -W help lists them`},
		{"[wasm]\n" + strings.Repeat("k", 9999) + " = 1\n", `line 2: [wasm] has no key "` + strings.Repeat("k", 200) + `…"; -W help`},
		{"[wasm]\nopt-level = 1\n", `line 2: [wasm] has no key "opt-level"`},
		{"[codegen]\ncranelift-opt-level = \"none\"\n", `line 2: [codegen] has no key "cranelift-opt-level"`},
		{"[wasm]\n[package]\n", `line 2: there is no table "package"; there are optimize, codegen, debug, wasm, wasi, record`},
		{"target = 'x'\n", `line 1: there is no table "target"`},
		{"config = 'x'\n", `line 1: there is no table "config"`},
		{"wasm = 1\n", "line 1: wasm has to be a table: [wasm]"},
		{"\n[[wasm]]\nfuel = 1\n", "line 2: wasm has to be a table: [wasm]"},
		{"\n\n[wasm.fuel]\nx = 1\n", "line 3: [wasm] fuel: the value has to be a number that is not negative"},
		{"\n\n[wasm.fuel.x.y]\nz = 1\n", "line 3: [wasm] fuel: the value has to be a number that is not negative"},
		{"\nx.y.z = 1\n", `line 2: there is no table "x"`},
		{"[wasm]\nfuel = -1\n", "line 2: [wasm] fuel: the value has to be a number that is not negative"},
		{"[wasm]\nfuel = \"1\"\n", "line 2: [wasm] fuel: the value has to be a number"},
		{"[wasm]\nfuel = 1.5\n", "line 2: [wasm] fuel: the value has to be a number"},
		{"[wasm]\nfuel = 99999999999999999999\n", "line 2: 99999999999999999999 is out of range"},
		{"[wasm]\nsimd = \"y\"\n", "line 2: [wasm] simd: the value has to be true or false"},
		{"[wasm]\nsimd = 1\n", "line 2: [wasm] simd: the value has to be true or false"},
		{"[wasm]\ntimeout = true\n", "line 2: [wasm] timeout: the value has to be a duration"},
		{"[wasm]\ntimeout = -1\n", "line 2: [wasm] timeout: the value has to be a duration"},
		{"[wasm]\ntimeout = {secs = 1}\n", "line 2: [wasm] timeout: the value has to be a duration"},
		{"[wasm]\ntimeout = {secs = 9223372036854775807, nanos = 0}\n", "line 2: [wasm] timeout: the value has to be a duration"},
		{"[optimize]\nopt-level = 3\n", "line 2: [optimize] opt-level: the value has to be one of 0, 1, 2, s"},
		{"[optimize]\nopt-level = true\n", "line 2: [optimize] opt-level: the value has to be a string or a number"},
		{"[codegen]\ncache-config = 1\n", "line 2: [codegen] cache-config: the value has to be a string"},
		{"[codegen]\ncranelift = [['opt_level']]\n", "line 2: [codegen] cranelift: the value has to be an array of pairs"},
		{"[codegen]\ncranelift = 'opt_level'\n", "line 2: [codegen] cranelift: the value has to be an array of pairs"},
		{"[wasi]\nconfig-var = 'a=b'\n", "line 2: [wasi] config-var: the value has to be an array of strings"},
		{"[wasi]\nkeyvalue-in-memory-data = ['a=b', 1]\n", "line 2: [wasi] keyvalue-in-memory-data: the value has to be an array of strings"},
		{"[wasi]\nnn-graph = ['openvino::x']\n", "line 2: [wasi] nn-graph: wasmtime has this, gowasmtime does not"},
		{"[wasi]\nnn = false\n\nnn-graph = []\nthreads = true\n", "line 5: [wasi] threads: Wasmtime does not support this any more"},
		{"[debug]\nmax-backtrace = 21\n", "line 2: [debug] max-backtrace: wasmtime has this, gowasmtime does not"},
		{"[record]\npath = 'x'\n", "line 2: [record] path: wasmtime has this, gowasmtime does not"},
		{"[wasm]\nfuel = 1\nfuel = 2\n", "line 3: Key 'wasm.fuel' has already been defined"},
		{"[wasm]\nfuel =\n", "line 2: "},
		{"[wasm]\n# \xff\n", "line 2: it is not UTF-8"},
		{"\xff\xfe[\x00", "line 1: it is not UTF-8"},
		{"[\x00", "line 1: "},
	} {
		if err := applyConfig(&settings{}, test.text); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v; want %s", test.text, err, test.want)
		}
	}
}

// What the TOML package would take gigabytes for is refused before, also where strings seem to hide it.
func TestConfigDepth(t *testing.T) {
	const n = maxConfigSize / 4
	deep := "line 2: it is nested more than 16 deep"
	for name, text := range map[string]string{
		"arrays":              "\nx = " + strings.Repeat("[", n) + strings.Repeat("]", n),
		"tables":              "\nx = " + strings.Repeat("{a=", n),
		"a key":               "\nx" + strings.Repeat(".x", n) + " = 1",
		"a header":            "\n[x" + strings.Repeat(".x", n) + "]",
		"spaces":              "\nx" + strings.Repeat(" . x", n/2) + " = 1",
		"quoted parts":        "\nx" + strings.Repeat(`."]"`, n/2) + " = 1",
		"after a string":      "\nx = [\"\"\"a\"\"\"\", " + strings.Repeat("[", n) + strings.Repeat("]", n) + ", \"\"]",
		"after six quotes":    "\nx = [\"\"\"\\\\\"\"\"\"\"\", " + strings.Repeat("[", n) + strings.Repeat("]", n) + ", \"\"]",
		"after an escape":     "\nx = [\"\\\\\", " + strings.Repeat("[", n) + ", \"\"]",
		"after an apostrophe": "\nx = [\"'\", " + strings.Repeat("[", n) + ", \"'\"]",
		"after closing":       "\nx = " + strings.Repeat("]", 99) + strings.Repeat("[", n),
	} {
		if err := applyConfig(&settings{}, text); err == nil || err.Error() != deep {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"a comment":         "# " + strings.Repeat("[.", 99),
		"a string":          `codegen.cache-config = "` + strings.Repeat(`\"[.`, 99) + `"`,
		"a literal string":  `codegen.cache-config = '` + strings.Repeat(`[.`, 99) + `'`,
		"a string of lines": `codegen.cache-config = """` + strings.Repeat("\n[.\"", 99) + `x"""`,
	} {
		if err := applyConfig(&settings{}, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What cannot be a configuration is not read to its end.
func TestConfigUnreadable(t *testing.T) {
	dir := testkit.TempDir(t)
	module := write(t, dir, "m.wat", "(module)")
	cannot := func(path, why string) {
		t.Helper()
		gowasmtime(t, dir, "run", "--config", path, module).want(t, 1, "", "failed to read config file: \"", why)
	}
	cannot("nonesuch.toml", "Caused by:\n    ")
	cannot(dir, "is a directory")
	cannot(write(t, dir, "large.toml", strings.Repeat("#", maxConfigSize+1)), "it has more than 262144 bytes")
	if runtime.GOOS != "windows" {
		cannot("/dev/zero", "it has more than 262144 bytes")
	}
	largest := write(t, dir, "largest.toml", strings.Repeat("#", maxConfigSize))
	gowasmtime(t, dir, "run", "--config", largest, module).want(t, 0, "")
}

// Every command that makes an engine takes a file, and options override it, wherever they are.
func TestConfig(t *testing.T) {
	dir := testkit.TempDir(t)
	write(t, dir, "count.wat", `(module (func (export "_start") (local i32)
		(loop (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 1000))))))`)
	write(t, dir, "vector.wat", `(module (func (export "_start") (drop (v128.const i64x2 0 0))))`)
	write(t, dir, "fuel.toml", "[wasm]\nfuel = 1000\n")
	write(t, dir, "scalar.toml", "[wasm]\nsimd = false\nrelaxed-simd = false\n")
	write(t, dir, "wrong.toml", "\n[wasm]\nsmid = false\n")

	gowasmtime(t, dir, "--config", "fuel.toml", "count.wat").want(t, 134, "", "all fuel consumed")
	gowasmtime(t, dir, "run", "--config=fuel.toml", "-W", "timeout=1h", "count.wat").want(t, 134, "", "all fuel consumed")
	gowasmtime(t, dir, "--config", "fuel.toml", "-W", "fuel=1_000_000", "count.wat").want(t, 0, "")
	gowasmtime(t, dir, "-W", "fuel=1_000_000", "--config", "fuel.toml", "count.wat").want(t, 0, "")

	for _, command := range []string{"run", "compile", "inspect"} {
		gowasmtime(t, dir, command, "--config", "scalar.toml", "vector.wat").want(t, 1, "", "SIMD support is not enabled")
		for _, args := range [][]string{{"--config", "scalar.toml", "-W", "simd,relaxed-simd"}, {"-W", "simd,relaxed-simd", "--config", "scalar.toml"}} {
			if r := gowasmtime(t, dir, append(append([]string{command}, args...), "vector.wat")...); r.status != 0 || r.stderr != "" {
				t.Errorf("%s %v: status %d, %s", command, args, r.status, r.stderr)
			}
		}
		gowasmtime(t, dir, command, "--config", "wrong.toml", "vector.wat").want(t, 1, "",
			"Error: failed to parse TOML config file \"wrong.toml\"\n\nCaused by:\n    line 3: [wasm] has no key \"smid\"; near it: simd")
	}
	if _, err := os.Stat(filepath.Join(dir, "vector.cwasm")); err != nil {
		t.Error(err)
	}
	// Options are read first.
	gowasmtime(t, dir, "--config", "wrong.toml", "-W", "smid", "vector.wat").want(t, 2, "", "-W has no key 'smid'")
	gowasmtime(t, dir, "--config", "fuel.toml", "--config", "scalar.toml", "count.wat").want(t, 2, "", "--config is given more than once")
	gowasmtime(t, dir, "--config").want(t, 2, "", "--config needs a value: --config FILE")
	gowasmtime(t, dir, "version", "--config", "fuel.toml").want(t, 2, "", "unknown option '--config'")
	gowasmtime(t, dir, "run", "--config", "wrong.toml", "--help").want(t, 0, commands()[1].usage())
}

// The file in the documentation is one, and says what is beside it there.
func TestConfigInDocs(t *testing.T) {
	_, text, found := strings.Cut(readText(t, "../../docs/command.md"), "```toml\n")
	text, _, ended := strings.Cut(text, "```\n")
	if !found || !ended {
		t.Fatal("docs/command.md has no file in TOML")
	}
	s := &settings{}
	if err := applyConfig(s, text); err != nil {
		t.Fatal(err)
	}
	testkit.Equal(t, "changes", changes(s), "simd cranelift-opt_level ")
	testkit.Equal(t, "fuel", *s.fuel, 1_000_000)
	testkit.Equal(t, "memory", *s.limits.memorySize, 64<<20)
	testkit.Equal(t, "timeout", *s.timeout, 2*time.Second)
}
