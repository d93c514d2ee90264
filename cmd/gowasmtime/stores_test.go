package main

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

// configWat calls wasi:config, as its own functions.
var configWat = testkit.Forwarding(`
  (import "wasi:config/store@0.2.0-rc.1" (instance $store
    (type $error' (variant (case "upstream" string) (case "io" string)))
    (export "error" (type $error (eq $error')))
    (export "get" (func (param "key" string) (result (result (option string) (error $error)))))
    (export "get-all" (func (result (result (list (tuple string string)) (error $error)))))))
  (alias export $store "error" (type $error))`,
	testkit.Forward{
		Instance: "$store", Name: "get", Export: "get", Core: "i32 i32", Result: "memory",
		Type: `(param "key" string) (result (result (option string) (error $error)))`,
	},
	testkit.Forward{
		Instance: "$store", Name: "get-all", Export: "get-all", Result: "memory",
		Type: `(result (result (list (tuple string string)) (error $error)))`,
	})

// keyvalueWat reads the key k of the bucket without a name, and returns what that is.
const keyvalueWat = `(component
  (import "wasi:keyvalue/store@0.2.0-draft" (instance $store
    (export "bucket" (type $bucket (sub resource)))
    (type $error' (variant (case "no-such-store") (case "access-denied") (case "other" string)))
    (export "error" (type $error (eq $error')))
    (export "open" (func (param "identifier" string) (result (result (own $bucket) (error $error)))))
    (export "[method]bucket.get" (func (param "self" (borrow $bucket)) (param "key" string)
      (result (result (option (list u8)) (error $error)))))))
  (alias export $store "error" (type $error))
  (alias export $store "open" (func $open))
  (alias export $store "[method]bucket.get" (func $get))
  (core module $mem
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $i (instantiate $mem))
  (alias core export $i "memory" (core memory $memory))
  (alias core export $i "realloc" (core func $realloc))
  (core func $open' (canon lower (func $open) (memory $memory) (realloc $realloc)))
  (core func $get' (canon lower (func $get) (memory $memory) (realloc $realloc)))
  (core module $m
    (import "h" "memory" (memory 1))
    (import "h" "open" (func $open (param i32 i32 i32)))
    (import "h" "get" (func $get (param i32 i32 i32 i32)))
    (data (i32.const 8) "k")
    (func (export "read") (result i32)
      (call $open (i32.const 0) (i32.const 0) (i32.const 16))
      (if (i32.load8_u (i32.const 16)) (then unreachable))
      (call $get (i32.load (i32.const 20)) (i32.const 8) (i32.const 1) (i32.const 32))
      (i32.const 32)))
  (core instance $c (instantiate $m (with "h" (instance
    (export "memory" (memory $memory)) (export "open" (func $open')) (export "get" (func $get'))))))
  (func (export "read") (result (result (option (list u8)) (error $error))) (canon lift (core func $c "read") (memory $memory))))`

// What a component gets besides WASI 0.2.
func TestStores(t *testing.T) {
	dir := testkit.TempDir(t)
	write(t, dir, "config.wat", configWat)
	write(t, dir, "keyvalue.wat", keyvalueWat)
	write(t, dir, "module.wat", `(module (func (export "_start")))`)
	write(t, dir, "keys.toml", "[wasi]\nconfig = true\nconfig-var = ['a=1', 'b=x=y,z']\n")
	run := func(args ...string) ran { return gowasmtime(t, dir, append([]string{"run"}, args...)...) }

	all := "ok([(\"a\", \"1\"), (\"b\", \"x=y\"), (\"c\", \"\")])\n"
	run("-S", "config,config-var=b=x=y,config-var=c,config-var=a=0", "-S", "config-var=a=1", "--invoke", "get-all()", "config.wat").want(t, 0, all)
	run("-S", "cli=n,config", "--invoke", "get-all()", "config.wat").want(t, 0, "ok([])\n")
	run("-S", "config,config-var=a=ü", "--invoke", `get("a")`, "config.wat").want(t, 0, "ok(some(\"ü\"))\n")
	run("-S", "config", "--invoke", `get("a")`, "config.wat").want(t, 0, "ok(none)\n")
	run("--config", "keys.toml", "--invoke", "get-all()", "config.wat").want(t, 0, "ok([(\"a\", \"1\"), (\"b\", \"x=y,z\")])\n")
	run("--config", "keys.toml", "-S", "config-var=a=2", "--invoke", `get("a")`, "config.wat").want(t, 0, "ok(some(\"2\"))\n")
	run("-S", "config-var=a=1", "--invoke", `get("a")`, "config.wat").want(t, 1, "", "wasi:config/store@0.2.0-rc.1", "-S config provides wasi:config")
	run("-S", "config=n,keyvalue", "--invoke", `get("a")`, "config.wat").want(t, 1, "", "-S config provides wasi:config")
	run("-S", "config,config-var", "--invoke", `get("a")`, "config.wat").want(t, 2, "", "-S config-var: the value has to be NAME=VALUE")

	run("-S", "keyvalue,keyvalue-in-memory-data=k=ABC", "--invoke", "read()", "keyvalue.wat").want(t, 0, "ok(some([65, 66, 67]))\n")
	run("-S", "keyvalue", "--invoke", "read()", "keyvalue.wat").want(t, 0, "ok(none)\n")
	run("-S", "keyvalue-in-memory-data=k=1", "--invoke", "read()", "keyvalue.wat").want(t, 1, "", "wasi:keyvalue/store@0.2.0-draft", "-S keyvalue provides wasi:keyvalue")
	run("-S", "keyvalue,keyvalue-in-memory-data="+strings.Repeat("k", 1025), "--invoke", "read()", "keyvalue.wat").want(t, 1, "", "1025 bytes of a key, and 1024 are allowed")

	if runtime.GOOS != "windows" { // where arguments are text
		run("-S", "config,config-var=a=\xff", "--invoke", `get("a")`, "config.wat").want(t, 1, "", `not UTF-8: "a=\xff"`)
		run("-S", "keyvalue,keyvalue-in-memory-data=\xff", "--invoke", "read()", "keyvalue.wat").want(t, 1, "", "not UTF-8")
	}
	for _, key := range []string{"config", "keyvalue", "http", "tls"} {
		run("-S", key, "module.wat").want(t, 2, "", "-S "+key+" is for components, and 'module.wat' is a module")
		run("-S", key+"=n", "module.wat").want(t, 0, "")
	}
	run("-S", "config-var=a=1,keyvalue-in-memory-data=a=1", "module.wat").want(t, 0, "")

	help := run("-S", "help")
	for _, line := range []string{"-S config[=y|n] ", "-S config-var=NAME=VALUE ", "-S keyvalue[=y|n] ", "-S keyvalue-in-memory-data=NAME=VALUE "} {
		if !strings.Contains(help.stdout, line) {
			t.Errorf("%q is not in the help:\n%s", line, help.stdout)
		}
	}
}

// A component gets wasi:tls by a key, for servers that the system trusts: a test's own is none of them.
func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	host, port, err := net.SplitHostPort(server.Listener.Addr().String())
	testkit.Check(t, err)
	dir := t.TempDir()
	write(t, dir, "tls.wasm", string(guests.Component("tls")))
	run := func(args ...string) ran {
		return gowasmtime(t, dir, append([]string{"run"}, append(args, "tls.wasm", host, port, "example.com", "open")...)...)
	}
	run("-S", "inherit-network").want(t, 1, "", "wasi:tls/types@0.2.0-draft", "-S tls provides wasi:tls")
	refused := run("-S", "inherit-network,tls")
	if refused.status != 0 || !strings.Contains(refused.stdout, "refused: ") || !strings.Contains(refused.stdout, "certificate") {
		t.Errorf("status %d, %q, %q", refused.status, refused.stdout, refused.stderr)
	}
}
