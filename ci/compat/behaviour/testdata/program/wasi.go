package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

// wasiRun runs _start of a WASI command, and reports how it ended.
func wasiRun(r *report, key string, text string, set func(*wasmtime.WasiConfig)) {
	engine := wasmtime.NewEngine()
	linker := wasmtime.NewLinker(engine)
	must(0, linker.DefineWasi())
	store := wasmtime.NewStore(engine)
	config := wasmtime.NewWasiConfig()
	set(config)
	store.SetWasi(config)
	instance, err := linker.Instantiate(store, compile(engine, text))
	if err != nil {
		r.err(key+" instantiate", err)
		return
	}
	r.call(key, store, instance.GetFunc(store, "_start"))
}

func fileText(name string) string {
	data, err := os.ReadFile(name)
	if err != nil {
		return "error"
	}
	return string(data)
}

// printer writes what the body leaves at 64 (a list of one pointer and length at 16) to a descriptor.
const wasiHead = `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $fd_prestat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_dir_name" (func $fd_prestat_dir_name (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $fd_fdstat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_create_directory" (func $path_create_directory (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file" (func $path_unlink_file (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (func $write (param $fd i32) (param $at i32) (param $len i32) (result i32)
    (i32.store (i32.const 16) (local.get $at))
    (i32.store (i32.const 20) (local.get $len))
    (call $fd_write (local.get $fd) (i32.const 16) (i32.const 1) (i32.const 24)))
  (func $digits (param $fd i32) (param $n i32)
    (i32.store8 (i32.const 32) (i32.add (i32.const 48) (i32.div_u (local.get $n) (i32.const 10))))
    (i32.store8 (i32.const 33) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
    (i32.store8 (i32.const 34) (i32.const 10))
    (drop (call $write (local.get $fd) (i32.const 32) (i32.const 3))))
`

func init() {
	hello := wasiHead + `(data (i32.const 64) "hello\n")
	  (func (export "_start") (drop (call $write (i32.const 1) (i32.const 64) (i32.const 6))) (drop (call $write (i32.const 2) (i32.const 64) (i32.const 3)))))`
	cases["wasi/output-files"] = func(r *report) {
		wasiRun(r, "run", hello, func(c *wasmtime.WasiConfig) {
			r.err("stdout", c.SetStdoutFile("out.txt"))
			r.err("stderr", c.SetStderrFile("err.txt"))
		})
		r.say("stdout text", "%s", fileText("out.txt"))
		r.say("stderr text", "%s", fileText("err.txt"))
	}
	cases["wasi/output-truncates"] = func(r *report) {
		must(0, os.WriteFile("out.txt", []byte("something longer than before"), 0o600))
		wasiRun(r, "run", hello, func(c *wasmtime.WasiConfig) { must(0, c.SetStdoutFile("out.txt")) })
		r.say("text", "%s", fileText("out.txt"))
	}
	cases["wasi/large-output"] = func(r *report) {
		wasiRun(r, "run", wasiHead+`(func (export "_start") (local $i i32)
		  (memory.fill (i32.const 64) (i32.const 120) (i32.const 60000))
		  (loop (drop (call $write (i32.const 1) (i32.const 64) (i32.const 60000)))
		    (br_if 0 (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 5))))))`,
			func(c *wasmtime.WasiConfig) { must(0, c.SetStdoutFile("out.txt")) })
		r.say("length", "%d", len(fileText("out.txt")))
	}
	cases["wasi/no-output"] = func(r *report) {
		// Standard output goes nowhere unless it is asked for.
		wasiRun(r, "run", wasiHead+`(func (export "_start") (if (call $write (i32.const 1) (i32.const 64) (i32.const 6)) (then unreachable))))`,
			func(*wasmtime.WasiConfig) {})
	}
	cases["wasi/inherit-stdout"] = func(r *report) {
		wasiRun(r, "run", wasiHead+`(data (i32.const 64) "from the guest = \"1\"\n") (func (export "_start") (drop (call $write (i32.const 1) (i32.const 64) (i32.const 21)))))`,
			func(c *wasmtime.WasiConfig) { c.InheritStdout() })
	}
	cases["wasi/exit"] = func(r *report) {
		for _, status := range []int{0, 1, 3, 125, 126, 255, 256, -1} {
			wasiRun(r, fmt.Sprint("proc_exit ", status), fmt.Sprintf(`%s(func (export "_start") (call $proc_exit (i32.const %d))))`, wasiHead, status),
				func(*wasmtime.WasiConfig) {})
		}
	}
	cases["wasi/exit-keeps-output"] = func(r *report) {
		wasiRun(r, "run", wasiHead+`(data (i32.const 64) "bye") (func (export "_start") (drop (call $write (i32.const 1) (i32.const 64) (i32.const 3))) (call $proc_exit (i32.const 2))))`,
			func(c *wasmtime.WasiConfig) { must(0, c.SetStdoutFile("out.txt")) })
		r.say("text", "%s", fileText("out.txt"))
	}
	cases["wasi/trap-keeps-output"] = func(r *report) {
		wasiRun(r, "run", wasiHead+`(data (i32.const 64) "bye") (func (export "_start") (drop (call $write (i32.const 1) (i32.const 64) (i32.const 3))) unreachable))`,
			func(c *wasmtime.WasiConfig) { must(0, c.SetStdoutFile("out.txt")) })
		r.say("text", "%s", fileText("out.txt"))
	}
	lists := wasiHead + `(func (export "_start")
	  (call $digits (i32.const 1) (call $args_sizes_get (i32.const 0) (i32.const 4)))
	  (drop (call $args_get (i32.const 1024) (i32.const 4096)))
	  (drop (call $write (i32.const 1) (i32.const 4096) (i32.load (i32.const 4))))
	  (call $digits (i32.const 1) (i32.load (i32.const 0)))
	  (drop (call $environ_sizes_get (i32.const 8) (i32.const 12)))
	  (drop (call $environ_get (i32.const 1024) (i32.const 4096)))
	  (drop (call $write (i32.const 1) (i32.const 4096) (i32.load (i32.const 12))))
	  (call $digits (i32.const 1) (i32.load (i32.const 8)))))`
	cases["wasi/arguments"] = func(r *report) {
		run := func(key string, set func(*wasmtime.WasiConfig)) {
			wasiRun(r, key, lists, func(c *wasmtime.WasiConfig) {
				must(0, c.SetStdoutFile("out.txt"))
				set(c)
			})
			r.say(key+" text", "%s", fileText("out.txt"))
		}
		run("nothing", func(c *wasmtime.WasiConfig) {})
		run("both", func(c *wasmtime.WasiConfig) {
			c.SetArgv([]string{"program", "", "ü b"})
			c.SetEnv([]string{"A", "EMPTY"}, []string{"b=c", ""})
		})
		run("last call wins", func(c *wasmtime.WasiConfig) {
			c.SetArgv([]string{"one"})
			c.SetArgv([]string{"two"})
			c.SetEnv([]string{"A"}, []string{"1"})
			c.SetEnv([]string{"B"}, []string{"2"})
		})
		run("empty lists", func(c *wasmtime.WasiConfig) { c.SetArgv(nil); c.SetEnv(nil, nil) })
		run("inherited arguments", func(c *wasmtime.WasiConfig) { c.InheritArgv() })
	}
	cases["wasi/inherit-env"] = func(r *report) {
		os.Clearenv()
		os.Setenv("ONLY", "this")
		wasiRun(r, "run", lists, func(c *wasmtime.WasiConfig) { must(0, c.SetStdoutFile("out.txt")); c.InheritEnv() })
		r.say("text", "%s", fileText("out.txt"))
		os.Clearenv()
		wasiRun(r, "set and inherited", lists, func(c *wasmtime.WasiConfig) {
			must(0, c.SetStdoutFile("out.txt"))
			os.Setenv("INHERITED", "1")
			c.InheritEnv()
			c.SetEnv([]string{"A"}, []string{"1"})
		})
		r.say("set and inherited text", "%s", fileText("out.txt"))
	}
	cases["wasi/stdin"] = func(r *report) {
		echo := wasiHead + `(func (export "_start") (local $n i32)
		  (loop
		    (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 4))
		    (call $digits (i32.const 1) (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
		    (drop (call $write (i32.const 1) (i32.const 64) (i32.load (i32.const 8))))
		    (br_if 0 (i32.load (i32.const 8))))))`
		must(0, os.WriteFile("in.txt", []byte("six by"), 0o600))
		wasiRun(r, "file", echo, func(c *wasmtime.WasiConfig) {
			must(0, c.SetStdoutFile("out.txt"))
			r.err("stdin", c.SetStdinFile("in.txt"))
		})
		r.say("file text", "%s", fileText("out.txt"))
		wasiRun(r, "none", echo, func(c *wasmtime.WasiConfig) { must(0, c.SetStdoutFile("out.txt")) })
		r.say("none text", "%s", fileText("out.txt"))
	}
	cases["wasi/errors"] = func(r *report) {
		c := wasmtime.NewWasiConfig()
		r.err("stdin", c.SetStdinFile("missing"))
		r.err("stdout", c.SetStdoutFile("missing/out"))
		r.err("stderr", c.SetStderrFile("missing/err"))
		r.err("directory", c.PreopenDir("missing", "/", wasmtime.DIR_READ, wasmtime.FILE_READ))
		r.err("directory as stdout", c.SetStdoutFile("."))
		must(0, os.WriteFile("plain", nil, 0o600))
		r.err("file as directory", c.PreopenDir("plain", "/", wasmtime.DIR_READ, wasmtime.FILE_READ))
		r.say("constants", "%d %d %d %d %T %T", wasmtime.DIR_READ, wasmtime.DIR_WRITE, wasmtime.FILE_READ, wasmtime.FILE_WRITE, wasmtime.DIR_READ, wasmtime.FILE_READ)
	}
	cases["wasi/without-config"] = func(r *report) {
		engine := wasmtime.NewEngine()
		linker := wasmtime.NewLinker(engine)
		must(0, linker.DefineWasi())
		store := wasmtime.NewStore(engine)
		instance := must(linker.Instantiate(store, compile(engine, hello)))
		r.call("run", store, instance.GetFunc(store, "_start"))
	}
	cases["wasi/preopen-names"] = func(r *report) {
		must(0, os.Mkdir("d", 0o700))
		wasiRun(r, "run", wasiHead+`(func (export "_start") (local $fd i32)
		  (local.set $fd (i32.const 3))
		  (loop
		    (call $digits (i32.const 1) (call $fd_prestat_get (local.get $fd) (i32.const 0)))
		    (drop (call $fd_prestat_dir_name (local.get $fd) (i32.const 64) (i32.load (i32.const 4))))
		    (drop (call $write (i32.const 1) (i32.const 64) (i32.load (i32.const 4))))
		    (br_if 0 (i32.lt_u (local.tee $fd (i32.add (local.get $fd) (i32.const 1))) (i32.const 6))))))`,
			func(c *wasmtime.WasiConfig) {
				must(0, c.SetStdoutFile("out.txt"))
				must(0, c.PreopenDir("d", "/one", wasmtime.DIR_READ, wasmtime.FILE_READ))
				must(0, c.PreopenDir(".", "two", wasmtime.DIR_READ|wasmtime.DIR_WRITE, wasmtime.FILE_READ|wasmtime.FILE_WRITE))
			})
		r.say("text", "%s", fileText("out.txt"))
	}
	cases["wasi/permissions"] = wasiPermissions
}

// wasiPermissions opens, creates, writes, makes and removes below a directory with each set of permissions.
func wasiPermissions(r *report) {
	guest := wasiHead + `(data (i32.const 64) "oldnewdir")
	  ;; open PATH for reading (2), writing (64) with flags; prints errno, or errno of reading or writing
	  (func $open (param $at i32) (param $flags i32) (param $rights i64)
	    (i32.store (i32.const 128) (i32.const 99))
	    (call $digits (i32.const 1) (call $path_open (i32.const 3) (i32.const 0) (local.get $at) (i32.const 3)
	      (local.get $flags) (local.get $rights) (i64.const 0) (i32.const 0) (i32.const 128))))
	  (func (export "_start")
	    ;; read the old file
	    (call $open (i32.const 64) (i32.const 0) (i64.const 2))
	    (i32.store (i32.const 0) (i32.const 256)) (i32.store (i32.const 4) (i32.const 4))
	    (call $digits (i32.const 1) (call $fd_read (i32.load (i32.const 128)) (i32.const 0) (i32.const 1) (i32.const 8)))
	    ;; write the old file
	    (call $open (i32.const 64) (i32.const 0) (i64.const 64))
	    (i32.store (i32.const 0) (i32.const 256)) (i32.store (i32.const 4) (i32.const 1))
	    (call $digits (i32.const 1) (call $fd_write (i32.load (i32.const 128)) (i32.const 0) (i32.const 1) (i32.const 8)))
	    ;; create a new file, a directory, remove the old file
	    (call $open (i32.const 67) (i32.const 1) (i64.const 64))
	    (call $digits (i32.const 1) (call $path_create_directory (i32.const 3) (i32.const 70) (i32.const 3)))
	    (call $digits (i32.const 1) (call $path_unlink_file (i32.const 3) (i32.const 64) (i32.const 3)))))`
	names := []string{"open to read", "read", "open to write", "write", "create", "mkdir", "unlink"}
	for dir := wasmtime.WasiDirPerms(0); dir < 4; dir++ {
		for file := wasmtime.WasiFilePerms(0); file < 4; file++ {
			root := fmt.Sprintf("d%df%d", dir, file)
			must(0, os.Mkdir(root, 0o700))
			must(0, os.WriteFile(root+"/old", []byte("data"), 0o600))
			refused := false
			wasiRun(r, root, guest, func(c *wasmtime.WasiConfig) {
				must(0, c.SetStdoutFile("out.txt"))
				err := c.PreopenDir(root, "/", dir, file)
				refused = err != nil
				r.err(root+" preopen", err)
			})
			if refused {
				continue
			}
			lines := strings.Fields(fileText("out.txt"))
			for i, name := range names {
				if i < len(lines) {
					r.say(root+" "+name, "%s", lines[i])
				}
			}
		}
	}
}
