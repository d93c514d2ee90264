package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime/internal/testkit"
)

// exitText is a program that exits with what is in its place.
const exitText = `(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
	(memory (export "memory") 1)
	(func (export "_start") (call $exit (i32.const STATUS))))`

// trapText is a program that traps, two calls deep.
const trapText = `(module (func $inner unreachable) (func $outer (call $inner)) (func (export "_start") (call $outer)))`

// loopText is a program that does not end, whose _start is otherwise one that does nothing.
const loopText = `(module (func (export "_start") (loop (br 0))))`

// sleepText is a program that sleeps for an hour.
const sleepText = `(module (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
	(memory (export "memory") 1)
	(func (export "_start")
		(i32.store (i32.const 16) (i32.const 1)) ;; the monotonic clock
		(i64.store (i32.const 24) (i64.const 3600000000000))
		(drop (call $poll (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200)))))`

func TestRunStatus(t *testing.T) {
	dir := testkit.TempDir(t)
	for name, text := range map[string]string{
		"zero":  strings.Replace(exitText, "STATUS", "0", 1),
		"three": strings.Replace(exitText, "STATUS", "3", 1),
		"125":   strings.Replace(exitText, "STATUS", "125", 1),
		"200":   strings.Replace(exitText, "STATUS", "200", 1),
		"trap":  trapText,
		"lacks": `(module (import "env" "f" (func)) (func (export "_start")))`,
		"bad":   `(module (func (result i32)))`,
		"typo":  `(module (fun))`,
		"start": `(module (func $f unreachable) (start $f))`,
		"none":  `(module)`,
		"twice": `(module (global $n (mut i32) (i32.const 0)) (func (export "_initialize") (global.set $n (i32.const 7)))
			(func (export "") (result i32) (global.get $n)))`,
	} {
		write(t, dir, name+".wat", text)
	}
	write(t, dir, "component.wat", `(component)`)
	hello := guestFile(t, "hello.wasm")

	gowasmtime(t, dir, "run", hello).want(t, 0, "Hello from a guest\n")
	gowasmtime(t, dir, hello).want(t, 0, "Hello from a guest\n")
	gowasmtime(t, dir, "run", "zero.wat").want(t, 0, "")
	gowasmtime(t, dir, "run", "three.wat").want(t, 3, "")
	gowasmtime(t, dir, "run", "125.wat").want(t, 125, "")
	gowasmtime(t, dir, "run", "200.wat").want(t, 1, "", "failed to invoke command default", "exit with invalid exit status outside of [0..126)")
	gowasmtime(t, dir, "run", "trap.wat").want(t, 134, "", "Error: failed to run main module `trap.wat`\n\nCaused by:\n    0: failed to invoke command default\n    1: error while executing at wasm backtrace:\n           0: ", "!inner\n", "    2: wasm trap: wasm `unreachable` instruction executed\n")
	gowasmtime(t, dir, "run", "start.wat").want(t, 134, "", "failed to instantiate \"start.wat\"")
	gowasmtime(t, dir, "run", "lacks.wat").want(t, 1, "", "unknown import: `env::f`")
	gowasmtime(t, dir, "run", "bad.wat").want(t, 1, "", "type mismatch")
	gowasmtime(t, dir, "run", "typo.wat").want(t, 1, "", "typo.wat:1:")
	gowasmtime(t, dir, "run", "none.wat").want(t, 0, "")
	gowasmtime(t, dir, "run", "twice.wat").want(t, 0, "7\n")
	gowasmtime(t, dir, "run", "component.wat").want(t, 1, "", "the component exports no wasi:cli/run@0.2.0")
	gowasmtime(t, dir, "run", "--preload", "x=component.wat", "none.wat").want(t, 1, "", "failed to load \"component.wat\"", "it is a component")
	gowasmtime(t, dir, "run", "absent.wasm").want(t, 1, "", "Error: failed to open wasm module \"absent.wasm\"\n\nCaused by:\n    "+testkit.NoSuchFile()+"\n")
	gowasmtime(t, dir, "run", ".").want(t, 1, "", "is a directory")
}

// What is no module, no file, or no function says so, and what may have been meant.
func TestRunOfSomethingElse(t *testing.T) {
	dir := testkit.TempDir(t)
	write(t, dir, "junk", "hello")
	write(t, dir, "empty", "")
	write(t, dir, "elf", "\x7fELF\x02\x01\x01\x00"+strings.Repeat("\x00", 100))
	write(t, dir, "add.wat", `(module (func (export "add") (param i32)) (memory (export "memory") 1))`)
	write(t, dir, "lacks.wat", `(module (import "env" "f" (func (param i32))) (import "env" "m" (memory 1)))`)
	for _, command := range []string{"run", "compile", "inspect"} {
		gowasmtime(t, dir, command, "junk").want(t, 1, "", "failed to load \"junk\"", "this is no module: neither", `it begins with "hello"`)
		gowasmtime(t, dir, command, "empty").want(t, 1, "", "failed to load \"empty\"", "there is no module in 0 bytes")
		gowasmtime(t, dir, command, "elf").want(t, 1, "", "failed to load \"elf\"", "this is an ELF file")
	}
	open := "failed to open wasm module "
	for name, near := range map[string]string{"runn": "run", "comple": "compile, completion", "inpect": "inspect", "hlep": "help"} {
		gowasmtime(t, dir, name, "x").want(t, 1, "",
			"Error: '"+name+"' is neither a command nor a file; near it: "+near+"\n", open, testkit.NoSuchFile())
	}
	gowasmtime(t, dir, "absent.wasm").want(t, 1, "", "Error: "+open)
	gowasmtime(t, dir, "run", "runn").want(t, 1, "", "Error: "+open)
	write(t, dir, "rum", `(module)`)
	gowasmtime(t, dir, "--preload", "a=runn", "rum").want(t, 1, "", "Error: "+open)
	gowasmtime(t, dir, "--invoke", "ad", "add.wat").want(t, 1, "", "no func export named `ad` found; near it: add\n")
	gowasmtime(t, dir, "--invoke", "memory", "add.wat").want(t, 1, "",
		"no func export named `memory` found; there is an export of that name, of type (memory 1)\n")
	gowasmtime(t, dir, "--target", "nothing", "add.wat").want(t, 1, "", "failed to set `target`", "nothing")
	gowasmtime(t, dir, "lacks.wat").want(t, 1, "", "    1: unknown import: `env::f` has not been defined\n\n"+
		"       These imports of the module have not been defined:\n           `env::f` (func (param i32))\n           `env::m` (memory 1)\n")
}

func TestRunUsage(t *testing.T) {
	dir := testkit.TempDir(t)
	for _, test := range []struct {
		args []string
		says string
	}{
		{[]string{}, "gowasmtime needs MODULE [ARGS...]"},
		{[]string{"run"}, "gowasmtime run needs MODULE [ARGS...]"},
		{[]string{"version", "x"}, "gowasmtime version takes no arguments, and 'x' is one"},
		{[]string{"completion", "bash", "zsh"}, "completion takes one SHELL, and 'zsh' is too much"},
		{[]string{"run", "--dirs", "x"}, "near it: --dir"},
		{[]string{"run", "-x"}, "unknown option '-x' ("},
		{[]string{"run", "-dir=.", "m"}, "unknown option '-d'; '--dir' has two hyphens"},
		{[]string{"run", "--dir"}, "needs a value"},
		{[]string{"run", "--dir", "a::b::c", "m"}, "more than one"},
		{[]string{"run", "--dir", "a::b:RO", "m"}, "':RO' is no mode"},
		{[]string{"help", "nothing"}, "no command 'nothing'\n"},
		{[]string{"help", "runn"}, "no command 'runn'; near it: run"},
		{[]string{"help", "explore"}, "wasmtime has the command 'explore'"},
		{[]string{"run", "--allow-precompiled=y", "m"}, "takes no value"},
		{[]string{"run", "--invoke", "a", "--invoke", "b", "m"}, "more than once"},
		{[]string{"run", "--file", "x=y", "m"}, "descriptor"},
		{[]string{"run", "--file", "3", "m"}, "descriptor"},
		{[]string{"run", "--listen", "=y", "m"}, "descriptor"},
		{[]string{"run", "--preload", "m", "m"}, "NAME=MODULE"},
		{[]string{"run", "--profile", "guest", "m"}, "perfmap"},
		{[]string{"run", "-W", "max-memory=1", "m"}, "near it: max-memory-size"},
		{[]string{"run", "-W", "fule=1", "m"}, "-W has no key 'fule'; near it: fuel"},
		{[]string{"run", "-W", "simd,", "m"}, "-W 'simd,': a key is missing"},
		{[]string{"run", "-W", "fuel", "m"}, "has to be a number"},
		{[]string{"run", "-W", "simd=maybe", "m"}, "has to be y or n"},
		{[]string{"run", "-W", "timeout=soon", "m"}, "has to be a duration"},
		{[]string{"run", "-O", "opt-level=3", "m"}, "one of 0, 1, 2, s"},
		{[]string{"run", "-W", "trap-on-grow-failure", "m"}, "wasmtime has this, gowasmtime does not"},
		{[]string{"run", "-S", "threads", "m"}, "any more"},
		{[]string{"run", "-S", "preview2=n", "m"}, "any more"},
		{[]string{"run", "-R", "path=x", "m"}, "wasmtime has this"},
		{[]string{"run", "-g", "1234", "m"}, "wasmtime has this"},
		{[]string{"explore", "m"}, "wasmtime has the command 'explore'"},
		{[]string{"compile"}, "needs MODULE"},
		{[]string{"compile", "a", "b"}, "takes one MODULE, and 'b' is too much"},
		{[]string{"inspect", "--dir", "x", "m"}, "unknown option '--dir'"},
	} {
		gowasmtime(t, dir, test.args...).want(t, 2, "", "error: ", test.says)
	}
}

// buildEcho builds the guest of testdata/echo.
func buildEcho(t *testing.T) string {
	t.Helper()
	if built := os.Getenv("GOWASMTIME_TEST_ECHO"); built != "" { // where there is no go command
		return built
	}
	path := filepath.Join(testkit.TempDir(t), "echo.wasm")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./testdata/echo")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=", "GOEXPERIMENT=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

func TestRunWasi(t *testing.T) {
	dir := testkit.TempDir(t)
	echo := buildEcho(t)
	write(t, dir, "data.txt", "some data")
	run := func(args ...string) ran { return gowasmtime(t, dir, append([]string{"run"}, args...)...) }

	t.Run("args", func(t *testing.T) {
		run(echo, "args", "--dir", "-x", "--", "y").want(t, 0, "[echo.wasm args --dir -x -- y]\n")
		run("--argv0", "other name", echo, "args").want(t, 0, "[other name args]\n")
		run("--", echo, "args").want(t, 0, "[echo.wasm args]\n")
		if runtime.GOOS == "windows" { // where every argument is text
			return
		}
		run(echo, "args", "\xff").want(t, 1, "", `not UTF-8: "\xff"`)
		run("--env", "A=\xff", echo, "args").want(t, 1, "", `not UTF-8: "\xff"`)
	})
	t.Run("env", func(t *testing.T) {
		run(echo, "env").want(t, 0, "[]\n")
		run("--env", "A=b=c", "--env=INHERITED", "--env", "ABSENT", "--env", "E=", echo, "env").want(t, 0, "[A=b=c E= INHERITED=from the host]\n")
		r := run("-S", "inherit-env", "--env", "OTHER=mine", echo, "env")
		if !strings.Contains(r.stdout, "INHERITED=from the host ") || !strings.Contains(r.stdout, "OTHER=mine") || strings.Contains(r.stdout, "OTHER=too") {
			t.Error(r)
		}
	})
	t.Run("dir", func(t *testing.T) {
		run(echo, "cat", "/data.txt").want(t, 1, "", "data.txt")
		if runtime.GOOS != "windows" { // whose paths are none in a guest
			run("--dir", dir, echo, "cat", filepath.Join(dir, "data.txt")).want(t, 0, "some data")
		}
		run("--dir", ".::/in", echo, "cat", "/in/data.txt").want(t, 0, "some data")
		run("--dir", ".::/in:ro", echo, "cat", "/in/data.txt").want(t, 0, "some data")
		run("--dir="+dir+"::/in:ro", echo, "write", "/in/new.txt", "x").want(t, 1, "", "new.txt")
		run("--dir="+dir+"::/in", echo, "write", "/in/new.txt", "fresh").want(t, 0, "")
		if text := readText(t, filepath.Join(dir, "new.txt")); text != "fresh" {
			t.Errorf("the file has %q", text)
		}
		run("--dir", "absent", echo, "args").want(t, 1, "", "failed to open directory 'absent'", testkit.NoSuchFile())
		run("--dir", "data.txt", echo, "args").want(t, 1, "", "not a directory")
	})
	t.Run("streams", func(t *testing.T) {
		cmd := prepare(t, dir, echo, "copy")
		cmd.Stdin = strings.NewReader(strings.Repeat("through a pipe\n", 10000))
		finish(t, cmd).want(t, 0, strings.Repeat("through a pipe\n", 10000))
		cmd = prepare(t, dir, "-S", "inherit-stdin=n", echo, "copy")
		cmd.Stdin = strings.NewReader("x")
		finish(t, cmd).want(t, 0, "")
		run(echo, "complain").want(t, 7, "", "complaint\n")
		run("-S", "inherit-stderr=n", echo, "complain").want(t, 7, "")
		run("-S", "inherit-stdout=n", echo, "args").want(t, 0, "")
	})
	t.Run("cli=n", func(t *testing.T) {
		run("-S", "cli=n", echo, "args").want(t, 1, "", "unknown import: `wasi_snapshot_preview1::")
		run("-S", "common=n", "--dir", ".", echo, "args").want(t, 2, "", "need WASI")
	})
	t.Run("max-random-size", func(t *testing.T) {
		write(t, dir, "random.wat", `(module
			(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
			(memory (export "memory") 1)
			(func (export "_start") (if (call $random (i32.const 0) (i32.const 100)) (then unreachable))))`)
		run("random.wat").want(t, 0, "")
		run("-S", "max-random-size=100", "random.wat").want(t, 0, "")
		run("-S", "max-random-size=99", "random.wat").want(t, 1, "", "requested len 100 exceeds limit 99")
		run("-S", "max-random-size=few", "random.wat").want(t, 2, "", "has to be a number")
	})
	t.Run("max-resources", func(t *testing.T) {
		// It exits with the error number of the first open that fails, or with 0 after ten.
		write(t, dir, "hoard.wat", `(module
			(import "wasi_snapshot_preview1" "path_open"
				(func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
			(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
			(memory (export "memory") 1)
			(data (i32.const 0) ".")
			(func (export "_start") (local $n i32) (local $errno i32)
				(loop $again
					(local.set $errno (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 2)
						(i64.const 0) (i64.const 0) (i32.const 0) (i32.const 8)))
					(if (local.get $errno) (then (call $exit (local.get $errno))))
					(br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 10))))))`)
		const emfile = 33
		run("--dir", ".", "hoard.wat").want(t, 0, "")
		run("--dir", ".", "-S", "max-resources=14", "hoard.wat").want(t, 0, "") // three streams and the directory
		run("--dir", ".", "-S", "max-resources=13", "hoard.wat").want(t, emfile, "")
		run("-S", "max-resources=few", "hoard.wat").want(t, 2, "", "has to be a number")
	})
	t.Run("hostcall-fuel", func(t *testing.T) {
		write(t, dir, "list.wat", `(module
			(import "wasi_snapshot_preview1" "fd_readdir" (func $list (param i32 i32 i32 i64 i32) (result i32)))
			(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
			(memory (export "memory") 1)
			(func (export "_start")
				(call $exit (call $list (i32.const 3) (i32.const 1024) (i32.const 1024) (i64.const 0) (i32.const 8)))))`)
		const enomem = 48
		run("--dir", ".", "list.wat").want(t, 0, "")
		run("--dir", ".", "-S", "hostcall-fuel=100000", "list.wat").want(t, 0, "")
		run("--dir", ".", "-S", "hostcall-fuel=40", "list.wat").want(t, enomem, "")
	})
	t.Run("accepted", func(t *testing.T) {
		run("-S", "cli,preview2,inherit-network,tcp=n,p3,threads=n,http=n", "-W", "concurrency-support,wmemcheck=n", "-D", "logging=n,address-map", echo, "args").
			want(t, 0, "[echo.wasm args]\n")
	})
}

func TestRunFile(t *testing.T) {
	dir := testkit.TempDir(t)
	readfd := guestFile(t, "readfd.wasm")
	write(t, dir, "in", "given")
	write(t, dir, "with:colon", "colon")
	run := func(args ...string) ran { return gowasmtime(t, dir, append([]string{"run"}, args...)...) }

	run("--file", "3=in", readfd, "3").want(t, 0, "given")
	run("--file=99=in:ro", readfd, "99").want(t, 0, "given")
	run("--file", "5=with:colon", readfd, "5").want(t, 0, "colon")
	run("--file", "0=in", readfd, "0").want(t, 0, "given")
	run("--dir", ".", "--file", "4=in", readfd, "4").want(t, 0, "given")
	run("--file", "3=in", "--file", "4=with:colon:rw", readfd, "4").want(t, 0, "colon")
	run("--file", "3=in:wo", readfd, "3").want(t, 1, "", "read 3")
	run("--dir", ".", "--file", "3=in", readfd, "3").want(t, 2, "", "descriptor 3 is taken by --dir .")
	run("--file", "4=in", "--file", "4=in", readfd, "4").want(t, 2, "", "is taken by")
	run("--file", "3=absent", readfd, "3").want(t, 1, "", "failed to open 'absent' as descriptor 3", testkit.NoSuchFile())
	run("--file", "99999999=in", readfd, "3").want(t, 1, "", "as descriptor 99999999")

	// Standard output into a file: emptied, appended to, overwritten.
	hello := guestFile(t, "hello.wasm")
	for _, test := range []struct{ mode, before, after string }{
		{"wo", "", "Hello from a guest\n"},
		{"wo", strings.Repeat("x", 30), "Hello from a guest\n"},
		{"append", "before ", "before Hello from a guest\n"},
		{"rw", strings.Repeat("x", 20), "Hello from a guest\nx"},
	} {
		out := write(t, dir, "out", test.before)
		if test.before == "" {
			if err := os.Remove(out); err != nil {
				t.Fatal(err)
			}
		}
		run("--file", "1=out:"+test.mode, hello).want(t, 0, "")
		if text := readText(t, out); text != test.after {
			t.Errorf("%s: the file has %q", test.mode, text)
		}
	}
}

func TestRunListen(t *testing.T) {
	dir := testkit.TempDir(t)
	module := write(t, dir, "m.wat", `(module)`)
	gowasmtime(t, dir, "run", "--listen", "3=127.0.0.1:0", module).want(t, 0, "")
	if !testkit.OnWine() { // which has none of these sockets
		gowasmtime(t, dir, "run", "--listen", "3=127.0.0.1:0", "--listen", "4=unix:"+filepath.Join(dir, "socket"), module).want(t, 0, "")
	}
	gowasmtime(t, dir, "run", "--listen", "3=nowhere.invalid:x", module).want(t, 1, "", "failed to listen")
	gowasmtime(t, dir, "run", "--listen", "3=127.0.0.1:0", "--file", "3=m.wat", module).want(t, 2, "", "is taken by")
}

func TestRunWasm(t *testing.T) {
	dir := testkit.TempDir(t)
	write(t, dir, "loop.wat", loopText)
	write(t, dir, "sleep.wat", sleepText)
	write(t, dir, "m.wat", `(module (import "env" "f" (func $f (result i32))) (memory (export "m") 1)
		(func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
		(func (export "call") (result i32) (call $f))
		(func $deep (export "deep") (param i32) (result i32)
			(if (result i32) (local.get 0) (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0)))))`)
	write(t, dir, "lib.wat", `(module (func (export "f") (result i32) (i32.const 42)))`)
	write(t, dir, "simd.wat", `(module (func (export "_start") (drop (v128.const i32x4 0 0 0 0))))`)
	write(t, dir, "table.wat", `(module (table 1 funcref) (memory 1) (func (export "grow") (param i32) (result i32) (table.grow (ref.null func) (local.get 0))))`)
	run := func(args ...string) ran { return gowasmtime(t, dir, append([]string{"run"}, args...)...) }

	t.Run("fuel", func(t *testing.T) {
		run("-W", "fuel=10_000", "loop.wat").want(t, 134, "", "all fuel consumed")
		run("-W", "fuel=0x10000,unknown-imports-trap", "--invoke", "deep", "m.wat", "10").want(t, 0, "10\n")
	})
	t.Run("timeout", func(t *testing.T) {
		start := time.Now()
		run("-W", "timeout=1s", "loop.wat").want(t, 134, "", "wasm trap: interrupt", "wasm backtrace")
		run("-Wtimeout=1s", "sleep.wat").want(t, 134, "", "wasm trap: interrupt", "wasm backtrace")
		run("-W", "timeout=0", "loop.wat").want(t, 134, "", "wasm trap: interrupt")
		run("--preload", "loop=loop.wat", "-W", "timeout=1h", "simd.wat").want(t, 0, "")
		run("-W", "epoch-interruption", "simd.wat").want(t, 0, "")
		if took := time.Since(start); took > time.Minute {
			t.Error("it took", took)
		}
	})
	t.Run("imports", func(t *testing.T) {
		run("--invoke", "call", "m.wat").want(t, 1, "", "unknown import: `env::f`")
		run("-W", "unknown-imports-trap", "--invoke", "call", "m.wat").want(t, 1, "", "unknown import: `env::f`")
		run("-W", "unknown-imports-default=y", "--invoke", "call", "m.wat").want(t, 0, "0\n")
		run("--preload", "env=lib.wat", "--invoke", "call", "m.wat").want(t, 0, "42\n")
		run("--preload", "env=absent.wat", "--invoke", "call", "m.wat").want(t, 1, "", "absent.wat")
		run("--preload", "env=m.wat", "--invoke", "call", "m.wat").want(t, 1, "", "failed to process preload `env` at `m.wat`")
	})
	t.Run("limits", func(t *testing.T) {
		grow := func(limit string, pages string) ran {
			return run("-W", limit+",unknown-imports-default", "--invoke", "grow", "m.wat", pages)
		}
		grow("max-memory-size=131072", "1").want(t, 0, "1\n")
		grow("max-memory-size=131072", "2").want(t, 0, "-1\n")
		run("-W", "max-memory-size=1000", "--invoke", "grow", "table.wat", "1").want(t, 1, "", "memory minimum size")
		run("-W", "max-table-elements=3", "--invoke", "grow", "table.wat", "2").want(t, 0, "1\n")
		run("-W", "max-table-elements=3", "--invoke", "grow", "table.wat", "3").want(t, 0, "-1\n")
		run("-W", "max-instances=0", "table.wat").want(t, 1, "", "resource limit exceeded")
		run("-W", "max-tables=0", "table.wat").want(t, 1, "", "resource limit exceeded")
		run("-W", "max-memories=0", "table.wat").want(t, 1, "", "resource limit exceeded")
	})
	t.Run("stack", func(t *testing.T) {
		deep := func(size string) ran {
			return run("-W", "unknown-imports-default,max-wasm-stack="+size, "--invoke", "deep", "m.wat", "30000")
		}
		deep("65536").want(t, 134, "", "call stack exhausted")
		deep("4000000").want(t, 0, "30000\n")
	})
	t.Run("proposals", func(t *testing.T) {
		run("simd.wat").want(t, 0, "")
		run("-W", "simd=n,relaxed-simd=n", "simd.wat").want(t, 1, "", "SIMD support is not enabled")
		run("-W", "all-proposals=n,simd", "simd.wat").want(t, 0, "")
		run("-W", "all-proposals=n", "simd.wat").want(t, 1, "", "SIMD support is not enabled")
	})
	t.Run("compiler", func(t *testing.T) {
		for _, options := range []string{
			"-Ccompiler=winch", "-C=compiler=cranelift", "-Ccache=n", "-Ccache", "-Cparallel-compilation=n,native-unwind-info,cranelift-debug-verifier",
			"-Ccranelift-enable-verifier=true", "-Ccranelift-has-avx", "-Oopt-level=0", "-Oopt-level=s,regalloc-algorithm=single-pass",
			"-Omemory-init-cow=n,memory-may-move=n,memory-reservation=0x10000000,memory-guard-size=65536,memory-reservation-for-growth=0",
			"-Opooling-allocator,pooling-total-core-instances=3,pooling-memory-keep-resident=4096,pooling-max-unused-warm-slots=2,pooling-max-memory-size=10000000",
			"-Ddebug-info", "-Wnan-canonicalization,relaxed-simd-deterministic,shared-memory,wide-arithmetic,threads", "--target=" + hostTriple(),
		} {
			run(options, "-W", "unknown-imports-default", "--invoke", "deep", "m.wat", "3").want(t, 0, "3\n")
		}
		run("-C", "cranelift-nonsense", "m.wat").want(t, 1, "", "nonsense")
		run("--target", "nonsense", "m.wat").want(t, 1, "", "nonsense")
		run("-C", "cache-config=absent.toml", "m.wat").want(t, 1, "", "absent.toml")
		if runtime.GOOS == "windows" { // which does not ask the environment where caches are
			return
		}
		if _, err := os.Stat(filepath.Join(cacheHome, map[string]string{"darwin": "Library/Caches"}[runtime.GOOS], "wasmtime")); err != nil {
			t.Error("nothing is cached:", err)
		}
	})
	t.Run("without a home", func(t *testing.T) {
		cmd := prepare(t, dir, "run", "simd.wat")
		cmd.Env = []string{"HOME=/nonexistent"}
		finish(t, cmd).want(t, 0, "")
	})
	t.Run("profile", func(t *testing.T) {
		if runtime.GOOS != "linux" {
			run("--profile", "perfmap", "simd.wat").want(t, 1, "", "perfmap support not supported on this platform")
			return
		}
		run("--profile", "perfmap", "simd.wat").want(t, 0, "")
	})
	t.Run("standard input", func(t *testing.T) {
		for _, name := range []string{"-", "/dev/stdin"} {
			cmd := prepare(t, dir, "run", "--invoke", "f", name)
			cmd.Stdin = strings.NewReader(readText(t, filepath.Join(dir, "lib.wat")))
			finish(t, cmd).want(t, 0, "42\n")
		}
	})
}

// What the command cannot print is an error of its own; what a guest cannot print is told to the guest.
func TestFullOutput(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	dir := testkit.TempDir(t)
	write(t, dir, "write.wat", `(module
		(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
		(memory (export "memory") 1)
		(data (i32.const 0) "\40\00\00\00\04\00\00\00")
		(func (export "_start") (call $exit (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
		(func (export "one") (result i32) (i32.const 1)))`)
	const noSpace = 51 // ENOSPC
	for _, c := range []struct {
		args   []string
		status int
		stderr string
	}{
		{[]string{"run", "write.wat"}, noSpace, ""},
		{[]string{"run", "--invoke", "one", "write.wat"}, statusError, "no space left on device"},
		{[]string{"inspect", "write.wat"}, statusError, "no space left on device"},
		{[]string{"--help"}, statusError, "no space left on device"},
		{[]string{"version"}, statusError, "no space left on device"},
		{[]string{"completion", "bash"}, statusError, "no space left on device"},
	} {
		cmd := prepare(t, dir, c.args...)
		var stderr strings.Builder
		cmd.Stdout, cmd.Stderr = full, &stderr
		err := cmd.Run()
		if got := cmd.ProcessState.ExitCode(); got != c.status || !strings.Contains(stderr.String(), c.stderr) || c.stderr == "" && stderr.String() != "" {
			t.Errorf("%v: status %d, want %d: %v\n%s", c.args, got, c.status, err, &stderr)
		}
	}
}
