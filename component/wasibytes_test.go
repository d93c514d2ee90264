package component_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// partsWat is a component that reads and writes the file "data" of its directory as it is told, and returns what it
// has read: nothing at the end. REALLOC is what its allocation does. What is given back of an allocation is told by
// "shrunk": the size that was left, and the one that there was.
const partsWat = `(component
  (import "wasi:io/error@0.2.0" (instance $io-error (export "error" (type (sub resource)))))
  (alias export $io-error "error" (type $error))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (export "input-stream" (type $input (sub resource)))
    (export "output-stream" (type $output (sub resource)))
    (alias outer 1 $error (type $error'))
    (export "error" (type $error (eq $error')))
    (type $stream-error' (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $stream-error')))
    (export "[method]input-stream.read"
      (func (param "self" (borrow $input)) (param "len" u64) (result (result (list u8) (error $stream-error)))))
    (export "[method]output-stream.write"
      (func (param "self" (borrow $output)) (param "contents" (list u8)) (result (result (error $stream-error)))))))
  (alias export $streams "input-stream" (type $input))
  (alias export $streams "output-stream" (type $output))
  (import "wasi:filesystem/types@0.2.0" (instance $types
    (export "descriptor" (type $descriptor (sub resource)))
    (alias outer 1 $input (type $input'))
    (export "input-stream" (type $input (eq $input')))
    (alias outer 1 $output (type $output'))
    (export "output-stream" (type $output (eq $output')))
    (type $error-code' (enum "access" "would-block" "already" "bad-descriptor" "busy" "deadlock" "quota" "exist"
      "file-too-large" "illegal-byte-sequence" "in-progress" "interrupted" "invalid" "io" "is-directory" "loop"
      "too-many-links" "message-size" "name-too-long" "no-device" "no-entry" "no-lock" "insufficient-memory"
      "insufficient-space" "not-directory" "not-empty" "not-recoverable" "unsupported" "no-tty" "no-such-device"
      "overflow" "not-permitted" "pipe" "read-only" "invalid-seek" "text-file-busy" "cross-device"))
    (export "error-code" (type $error-code (eq $error-code')))
    (type $path-flags' (flags "symlink-follow"))
    (export "path-flags" (type $path-flags (eq $path-flags')))
    (type $open-flags' (flags "create" "directory" "exclusive" "truncate"))
    (export "open-flags" (type $open-flags (eq $open-flags')))
    (type $descriptor-flags' (flags "read" "write" "file-integrity-sync" "data-integrity-sync" "requested-write-sync"
      "mutate-directory"))
    (export "descriptor-flags" (type $descriptor-flags (eq $descriptor-flags')))
    (export "[method]descriptor.open-at" (func (param "self" (borrow $descriptor)) (param "path-flags" $path-flags)
      (param "path" string) (param "open-flags" $open-flags) (param "flags" $descriptor-flags)
      (result (result (own $descriptor) (error $error-code)))))
    (export "[method]descriptor.read-via-stream"
      (func (param "self" (borrow $descriptor)) (param "offset" u64) (result (result (own $input) (error $error-code)))))
    (export "[method]descriptor.write-via-stream"
      (func (param "self" (borrow $descriptor)) (param "offset" u64) (result (result (own $output) (error $error-code)))))
    (export "[method]descriptor.read" (func (param "self" (borrow $descriptor)) (param "length" u64)
      (param "offset" u64) (result (result (tuple (list u8) bool) (error $error-code)))))
    (export "[method]descriptor.write" (func (param "self" (borrow $descriptor)) (param "buffer" (list u8))
      (param "offset" u64) (result (result u64 (error $error-code)))))))
  (alias export $types "descriptor" (type $descriptor))
  (import "wasi:filesystem/preopens@0.2.0" (instance $preopens
    (alias outer 1 $descriptor (type $descriptor'))
    (export "descriptor" (type $descriptor (eq $descriptor')))
    (export "get-directories" (func (result (list (tuple (own $descriptor) string)))))))

  (core module $libc
    (memory (export "memory") 20)
    (global $next (mut i32) (i32.const 1024))
    (global $left (export "left") (mut i32) (i32.const 0))
    (global $was (export "was") (mut i32) (i32.const 0))
    ;; All is free again when the next export is called.
    (func (export "reset") (global.set $next (i32.const 1024)))
    (func (export "reset'") (param i32) (global.set $next (i32.const 1024)))
    (func (export "realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
      (local $p i32)
      REALLOC
      (if (local.get $old) (then
        (global.set $left (local.get $size))
        (global.set $was (local.get $had))
        (return (local.get $old))))
      (local.set $p (global.get $next))
      (global.set $next (i32.add (local.get $p) (i32.and (i32.add (local.get $size) (i32.const 7)) (i32.const -8))))
      (local.get $p)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))
  (alias core export $libc "reset" (core func $reset))
  (alias core export $libc "reset'" (core func $reset'))
  (core func $get-directories (canon lower (func $preopens "get-directories") (memory $memory) (realloc $realloc)))
  (core func $open-at (canon lower (func $types "[method]descriptor.open-at") (memory $memory)))
  (core func $read-via-stream (canon lower (func $types "[method]descriptor.read-via-stream") (memory $memory)))
  (core func $write-via-stream (canon lower (func $types "[method]descriptor.write-via-stream") (memory $memory)))
  (core func $read-at (canon lower (func $types "[method]descriptor.read") (memory $memory) (realloc $realloc)))
  (core func $write-at (canon lower (func $types "[method]descriptor.write") (memory $memory)))
  (core func $read (canon lower (func $streams "[method]input-stream.read") (memory $memory) (realloc $realloc)))
  (core func $write (canon lower (func $streams "[method]output-stream.write") (memory $memory)))
  (core func $drop-input (canon resource.drop $input))
  (core func $drop-output (canon resource.drop $output))
  (core module $m
    (import "libc" "memory" (memory 20))
    (import "libc" "left" (global $left (mut i32)))
    (import "libc" "was" (global $was (mut i32)))
    (import "wasi" "get-directories" (func $get-directories (param i32)))
    (import "wasi" "open-at" (func $open-at (param i32 i32 i32 i32 i32 i32 i32)))
    (import "wasi" "read-via-stream" (func $read-via-stream (param i32 i64 i32)))
    (import "wasi" "write-via-stream" (func $write-via-stream (param i32 i64 i32)))
    (import "wasi" "read-at" (func $read-at (param i32 i64 i64 i32)))
    (import "wasi" "write-at" (func $write-at (param i32 i32 i32 i64 i32)))
    (import "wasi" "read" (func $read (param i32 i64 i32)))
    (import "wasi" "write" (func $write (param i32 i32 i32 i32)))
    (import "wasi" "drop-input" (func $drop-input (param i32)))
    (import "wasi" "drop-output" (func $drop-output (param i32)))
    (data (i32.const 64) "data")
    (global $file (mut i32) (i32.const 0))
    (global $stream (mut i32) (i32.const 0))
    (func $check (if (i32.load8_u (i32.const 16)) (then unreachable)))
    (func (export "open")
      (call $get-directories (i32.const 16))
      (call $open-at (i32.load (i32.load (i32.const 16))) (i32.const 1) (i32.const 64) (i32.const 4)
                     (i32.const 0) (i32.const 3) (i32.const 16))
      (call $check)
      (global.set $file (i32.load (i32.const 20))))
    (func (export "begin") (param $at i64)
      (if (global.get $stream) (then (call $drop-input (global.get $stream))))
      (call $read-via-stream (global.get $file) (local.get $at) (i32.const 16))
      (call $check)
      (global.set $stream (i32.load (i32.const 20))))
    (func (export "next") (param $len i64) (result i32)
      (call $read (global.get $stream) (local.get $len) (i32.const 16))
      (if (i32.load8_u (i32.const 16)) (then
        (if (i32.ne (i32.load8_u (i32.const 20)) (i32.const 1)) (then unreachable))
        (i64.store (i32.const 20) (i64.const 0))))
      (i32.const 20))
    (func (export "read-at") (param $at i64) (param $len i64) (result i32)
      (call $read-at (global.get $file) (local.get $len) (local.get $at) (i32.const 16))
      (call $check)
      ;; The end is told with nothing, and only then.
      (if (i32.ne (i32.eqz (i32.load (i32.const 24))) (i32.load8_u (i32.const 28))) (then unreachable))
      (i32.const 20))
    (func (export "write") (param $at i64) (param $p i32) (param $n i32)
      (local $stream i32)
      (call $write-via-stream (global.get $file) (local.get $at) (i32.const 16))
      (call $check)
      (local.set $stream (i32.load (i32.const 20)))
      (call $write (local.get $stream) (local.get $p) (local.get $n) (i32.const 16))
      (call $check)
      (call $drop-output (local.get $stream)))
    (func (export "write-at") (param $at i64) (param $p i32) (param $n i32)
      (call $write-at (global.get $file) (local.get $p) (local.get $n) (local.get $at) (i32.const 16))
      (call $check)
      (if (i64.ne (i64.load (i32.const 24)) (i64.extend_i32_u (local.get $n))) (then unreachable)))
    ;; Writes what is not in its memory.
    (func (export "beyond") (param $p i32) (param $n i32)
      (call $write-at (global.get $file) (local.get $p) (local.get $n) (i64.const 0) (i32.const 16)))
    (func (export "shrunk") (result i32)
      (i32.store (i32.const 16) (global.get $left)) (i32.store (i32.const 20) (global.get $was))
      (i32.const 16)))
  (core instance $i (instantiate $m
    (with "libc" (instance $libc))
    (with "wasi" (instance
      (export "get-directories" (func $get-directories)) (export "open-at" (func $open-at))
      (export "read-via-stream" (func $read-via-stream)) (export "write-via-stream" (func $write-via-stream))
      (export "read-at" (func $read-at)) (export "write-at" (func $write-at))
      (export "read" (func $read)) (export "write" (func $write))
      (export "drop-input" (func $drop-input)) (export "drop-output" (func $drop-output))))))
  (func (export "open") (canon lift (core func $i "open")))
  (func (export "begin") (param "at" u64) (canon lift (core func $i "begin")))
  (func (export "next") (param "len" u64) (result (list u8))
    (canon lift (core func $i "next") (memory $memory) (post-return $reset')))
  (func (export "read-at") (param "at" u64) (param "len" u64) (result (list u8))
    (canon lift (core func $i "read-at") (memory $memory) (post-return $reset')))
  (func (export "write") (param "at" u64) (param "bytes" (list u8))
    (canon lift (core func $i "write") (memory $memory) (realloc $realloc) (post-return $reset)))
  (func (export "write-at") (param "at" u64) (param "bytes" (list u8))
    (canon lift (core func $i "write-at") (memory $memory) (realloc $realloc) (post-return $reset)))
  (func (export "beyond") (param "start" u32) (param "len" u32) (canon lift (core func $i "beyond")))
  (func (export "shrunk") (result (tuple u32 u32)) (canon lift (core func $i "shrunk") (memory $memory))))`

// parts is an instance of partsWat with a directory, and the path of its file.
type parts struct {
	t    *testing.T
	path string
	i    *component.Instance
}

func newParts(t *testing.T, realloc string, content []byte) *parts {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "data")
	Check(t, os.WriteFile(path, content, 0o600))
	engine := stdEngine()
	c := Must(component.New(engine, []byte(strings.Replace(partsWat, "REALLOC", realloc, 1))))
	linker := component.NewLinker(engine)
	Check(t, linker.DefineWasi())
	store := wasmtime.NewStore(engine)
	t.Cleanup(store.Close)
	store.SetEpochDeadline(1 << 40)
	wasi := wasmtime.NewWasiConfig()
	Check(t, wasi.PreopenDir(dir, "/", wasmtime.DIR_READ|wasmtime.DIR_WRITE, wasmtime.FILE_READ|wasmtime.FILE_WRITE))
	store.SetWasi(wasi)
	i, err := linker.Instantiate(nil, store, c)
	Check(t, err)
	return &parts{t, path, i}
}

// try calls a function.
func (p *parts) try(name string, args ...any) (any, error) {
	p.t.Helper()
	return Must(p.i.Func(name)).Call(nil, args...)
}

// call calls a function that has to succeed.
func (p *parts) call(name string, args ...any) any {
	p.t.Helper()
	result, err := p.try(name, args...)
	if err != nil {
		p.t.Fatalf("%s%v: %v", name, args, err)
	}
	return result
}

// reads reads by a stream or by the descriptor, and compares.
func (p *parts) reads(at, n uint64, want []byte) {
	p.t.Helper()
	p.call("begin", at)
	for name, got := range map[string]any{"next": p.call("next", n), "read-at": p.call("read-at", at, n)} {
		if !bytes.Equal(got.([]byte), want) {
			p.t.Errorf("%s: %d bytes at %d: %d came, want %d", name, n, at, len(got.([]byte)), len(want))
		}
	}
}

func numbered(n int) []byte {
	all := make([]byte, n)
	for i := range all {
		all[i] = byte(i*7 + i>>8)
	}
	return all
}

// Whether bytes are copied or go straight to where the component has room for them, they are the same.
func TestWasiReadsParts(t *testing.T) {
	all := numbered(150_000)
	p := newParts(t, "", all)
	p.call("open")
	size := uint64(len(all))
	for _, n := range []uint64{0, 1, 4095, 4096, 4097, 65535, 65536, 65537, 1 << 40} {
		for _, at := range []uint64{0, 1, size - 70_000, size - 65_536, size - 4097, size - 4096, size - 4095, size - 1} {
			p.reads(at, n, all[at:min(at+min(n, 65536), size)])
		}
		for _, at := range []uint64{size, size + 1, 1 << 40} {
			p.reads(at, n, nil)
		}
	}
	// All of it, part by part, in one stream.
	var got []byte
	p.call("begin", uint64(0))
	for {
		part := p.call("next", uint64(10_000)).([]byte)
		if len(part) == 0 {
			break
		}
		got = append(got, part...)
	}
	if !bytes.Equal(got, all) {
		t.Errorf("%d bytes came, want %d", len(got), len(all))
	}
	Equal(t, "what was given back", fmt.Sprint(p.call("shrunk")), "[0 0]")
}

// A file that becomes shorter while a component reads it has an end there. What the component has allocated for more,
// it gets back.
func TestWasiReadsWhatBecomesShorter(t *testing.T) {
	all := numbered(150_000)
	p := newParts(t, "", all)
	p.call("open")
	p.call("begin", uint64(0))
	p.call("next", uint64(10_000))
	Check(t, os.Truncate(p.path, 15_000))
	if got := p.call("next", uint64(10_000)).([]byte); !bytes.Equal(got, all[10_000:15_000]) {
		t.Errorf("%d bytes came", len(got))
	}
	Equal(t, "what was given back", fmt.Sprint(p.call("shrunk")), "[5000 10000]")
	Check(t, os.Truncate(p.path, 12_000))
	if got := p.call("next", uint64(10_000)).([]byte); len(got) != 0 {
		t.Errorf("%d bytes came", len(got))
	}
	Equal(t, "what was given back", fmt.Sprint(p.call("shrunk")), "[1 10000]")
	if got := p.call("next", uint64(10_000)).([]byte); len(got) != 0 {
		t.Errorf("%d bytes came after the end", len(got))
	}
	// One that becomes longer has more.
	p.call("begin", uint64(0))
	p.call("next", uint64(12_000))
	Check(t, os.WriteFile(p.path, all, 0o600))
	if got := p.call("next", uint64(10_000)).([]byte); !bytes.Equal(got, all[12_000:22_000]) {
		t.Errorf("%d bytes came of what is new", len(got))
	}
}

func TestWasiWritesParts(t *testing.T) {
	all := numbered(150_000)
	p := newParts(t, "", all)
	p.call("open")
	want := bytes.Clone(all)
	for i, n := range []int{0, 1, 4095, 4096, 65536} {
		for j, name := range []string{"write", "write-at"} {
			at := 1000*i + 70_000*j
			part := bytes.Repeat([]byte{byte('a' + 2*i + j)}, n)
			p.call(name, uint64(at), part)
			copy(want[at:], part)
			if got := Must(os.ReadFile(p.path)); !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes at %d are wrong", name, n, at)
			}
		}
	}
	// At once is more than a stream takes, but not more than a file.
	p.call("write-at", uint64(0), all[:140_000])
	if got := Must(os.ReadFile(p.path)); !bytes.Equal(got[:140_000], all[:140_000]) {
		t.Error("140000 bytes are wrong")
	}
	if _, err := p.try("write", uint64(0), all[:65_537]); err == nil || !strings.Contains(err.Error(), "more is written to a stream") {
		t.Error(err)
	}
}

// A component that has no room for what it reads, or passes what it does not have, ends.
func TestWasiHostileBytes(t *testing.T) {
	all := numbered(150_000)
	for name, realloc := range map[string]string{
		"beyond":  "(if (i32.eq (local.get $size) (i32.const 10000)) (then (return (i32.const 1310720))))",
		"partly":  "(if (i32.eq (local.get $size) (i32.const 10000)) (then (return (i32.const 1300721))))",
		"nowhere": "(if (i32.eq (local.get $size) (i32.const 10000)) (then (return (i32.const -1))))",
		"traps":   "(if (i32.eq (local.get $size) (i32.const 10000)) (then unreachable))",
	} {
		for _, function := range []string{"next", "read-at"} {
			p := newParts(t, realloc, all)
			p.call("open")
			p.call("begin", uint64(0))
			args := []any{uint64(10_000)}
			if function == "read-at" {
				args = []any{uint64(0), uint64(10_000)}
			}
			if _, err := p.try(function, args...); err == nil {
				t.Errorf("%s: %s succeeded", name, function)
			}
		}
	}
	// Up to the last byte of the memory is there.
	p := newParts(t, "(if (i32.eq (local.get $size) (i32.const 10000)) (then (return (i32.const 1300720))))", all)
	p.call("open")
	p.reads(0, 10_000, all[:10_000])
	for _, given := range [][2]uint32{{1310720, 1}, {1310719, 2}, {0, 1310721}, {1 << 31, 1 << 31}, {0xffffffff, 0xffffffff}} {
		p := newParts(t, "", all)
		p.call("open")
		_, err := p.try("beyond", given[0], given[1])
		if err == nil || !strings.Contains(err.Error(), "outside of the component's memory") {
			t.Errorf("%v: %v", given, err)
		}
	}
	for _, given := range [][2]uint32{{1310720, 0}, {1310719, 1}, {0, 1310720}} {
		p := newParts(t, "", all)
		p.call("open")
		p.call("beyond", given[0], given[1])
	}
}
