;; Reads and writes a file in parts of 64 KiB. The binary is made as that of component.wat.
(component
  (import "wasi:io/error@0.2.3" (instance $io-error (export "error" (type (sub resource)))))
  (alias export $io-error "error" (type $error))
  (import "wasi:io/streams@0.2.3" (instance $streams
    (export "input-stream" (type $input (sub resource)))
    (export "output-stream" (type $output (sub resource)))
    (alias outer 1 $error (type $error'))
    (export "error" (type $error (eq $error')))
    (type $stream-error' (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $stream-error')))
    (export "[method]input-stream.blocking-read"
      (func (param "self" (borrow $input)) (param "len" u64) (result (result (list u8) (error $stream-error)))))
    (export "[method]output-stream.check-write"
      (func (param "self" (borrow $output)) (result (result u64 (error $stream-error)))))
    (export "[method]output-stream.write"
      (func (param "self" (borrow $output)) (param "contents" (list u8)) (result (result (error $stream-error)))))
    (export "[method]output-stream.blocking-flush"
      (func (param "self" (borrow $output)) (result (result (error $stream-error)))))))
  (alias export $streams "input-stream" (type $input))
  (alias export $streams "output-stream" (type $output))
  (import "wasi:filesystem/types@0.2.3" (instance $types
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
  (import "wasi:filesystem/preopens@0.2.3" (instance $preopens
    (alias outer 1 $descriptor (type $descriptor'))
    (export "descriptor" (type $descriptor (eq $descriptor')))
    (export "get-directories" (func (result (list (tuple (own $descriptor) string)))))))

  (core module $libc
    (memory (export "memory") 2)
    (global $next (mut i32) (i32.const 1024))
    ;; What is long is a part of the file, which goes where the one before it was. The rest is the preopened directories.
    (func (export "realloc") (param i32 i32 i32) (param $size i32) (result i32)
      (local $p i32)
      (if (i32.gt_u (local.get $size) (i32.const 65536)) (then unreachable))
      (if (i32.ge_u (local.get $size) (i32.const 4096)) (then (return (i32.const 65536))))
      (local.set $p (global.get $next))
      (global.set $next (i32.add (local.get $p) (i32.and (i32.add (local.get $size) (i32.const 7)) (i32.const -8))))
      (if (i32.gt_u (global.get $next) (i32.const 65536)) (then unreachable))
      (local.get $p)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))
  (core func $get-directories
    (canon lower (func $preopens "get-directories") (memory $memory) (realloc $realloc)))
  (core func $open-at (canon lower (func $types "[method]descriptor.open-at") (memory $memory)))
  (core func $read-via-stream (canon lower (func $types "[method]descriptor.read-via-stream") (memory $memory)))
  (core func $write-via-stream (canon lower (func $types "[method]descriptor.write-via-stream") (memory $memory)))
  (core func $read-at
    (canon lower (func $types "[method]descriptor.read") (memory $memory) (realloc $realloc)))
  (core func $write-at (canon lower (func $types "[method]descriptor.write") (memory $memory)))
  (core func $read
    (canon lower (func $streams "[method]input-stream.blocking-read") (memory $memory) (realloc $realloc)))
  (core func $check-write (canon lower (func $streams "[method]output-stream.check-write") (memory $memory)))
  (core func $write (canon lower (func $streams "[method]output-stream.write") (memory $memory)))
  (core func $flush (canon lower (func $streams "[method]output-stream.blocking-flush") (memory $memory)))
  (core func $drop-input (canon resource.drop $input))
  (core func $drop-output (canon resource.drop $output))

  (core module $m
    (import "libc" "memory" (memory 2))
    (import "wasi" "get-directories" (func $get-directories (param i32)))
    (import "wasi" "open-at" (func $open-at (param i32 i32 i32 i32 i32 i32 i32)))
    (import "wasi" "read-via-stream" (func $read-via-stream (param i32 i64 i32)))
    (import "wasi" "write-via-stream" (func $write-via-stream (param i32 i64 i32)))
    (import "wasi" "read-at" (func $read-at (param i32 i64 i64 i32)))
    (import "wasi" "write-at" (func $write-at (param i32 i32 i32 i64 i32)))
    (import "wasi" "read" (func $read (param i32 i64 i32)))
    (import "wasi" "check-write" (func $check-write (param i32 i32)))
    (import "wasi" "write" (func $write (param i32 i32 i32 i32)))
    (import "wasi" "flush" (func $flush (param i32 i32)))
    (import "wasi" "drop-input" (func $drop-input (param i32)))
    (import "wasi" "drop-output" (func $drop-output (param i32)))
    (data (i32.const 64) "data")
    (global $file (mut i32) (i32.const 0))
    ;; Results are at 16. One that is an error there ends all.
    (func $check (if (i32.load8_u (i32.const 16)) (then unreachable)))

    (func (export "open")
      (call $get-directories (i32.const 16))
      (call $open-at (i32.load (i32.load (i32.const 16))) (i32.const 1) (i32.const 64) (i32.const 4)
                     (i32.const 0) (i32.const 3) (i32.const 16))
      (call $check)
      (global.set $file (i32.load (i32.const 20))))

    (func (export "read") (result i64)
      (local $stream i32) (local $total i64)
      (call $read-via-stream (global.get $file) (i64.const 0) (i32.const 16))
      (call $check)
      (local.set $stream (i32.load (i32.const 20)))
      (block $end
        (loop $again
          (call $read (local.get $stream) (i64.const 65536) (i32.const 16))
          (br_if $end (i32.load8_u (i32.const 16)))
          (local.set $total (i64.add (local.get $total) (i64.load32_u (i32.const 24))))
          (br $again)))
      ;; closed
      (if (i32.ne (i32.load8_u (i32.const 20)) (i32.const 1)) (then unreachable))
      (call $drop-input (local.get $stream))
      (local.get $total))

    (func (export "read-at") (result i64)
      (local $total i64)
      (loop $again
        (call $read-at (global.get $file) (i64.const 65536) (local.get $total) (i32.const 16))
        (call $check)
        (local.set $total (i64.add (local.get $total) (i64.load32_u (i32.const 24))))
        (br_if $again (i32.load (i32.const 24))))
      (local.get $total))

    (func (export "write") (param $total i64) (result i64)
      (local $stream i32) (local $done i64) (local $part i64)
      (call $write-via-stream (global.get $file) (i64.const 0) (i32.const 16))
      (call $check)
      (local.set $stream (i32.load (i32.const 20)))
      (loop $again
        (call $check-write (local.get $stream) (i32.const 16))
        (call $check)
        (local.set $part (i64.load (i32.const 24)))
        (if (i64.gt_u (local.get $part) (i64.const 65536)) (then (local.set $part (i64.const 65536))))
        (if (i64.eqz (local.get $part))
          (then (call $flush (local.get $stream) (i32.const 16)) (call $check) (br $again)))
        (call $write (local.get $stream) (i32.const 65536) (i32.wrap_i64 (local.get $part)) (i32.const 16))
        (call $check)
        (local.set $done (i64.add (local.get $done) (local.get $part)))
        (br_if $again (i64.lt_u (local.get $done) (local.get $total))))
      (call $flush (local.get $stream) (i32.const 16))
      (call $check)
      (call $drop-output (local.get $stream))
      (local.get $done))

    (func (export "write-at") (param $total i64) (result i64)
      (local $done i64)
      (loop $again
        (call $write-at (global.get $file) (i32.const 65536) (i32.const 65536) (local.get $done) (i32.const 16))
        (call $check)
        (local.set $done (i64.add (local.get $done) (i64.load (i32.const 24))))
        (br_if $again (i64.lt_u (local.get $done) (local.get $total))))
      (local.get $done)))
  (core instance $i (instantiate $m
    (with "libc" (instance $libc))
    (with "wasi" (instance
      (export "get-directories" (func $get-directories)) (export "open-at" (func $open-at))
      (export "read-via-stream" (func $read-via-stream)) (export "write-via-stream" (func $write-via-stream))
      (export "read-at" (func $read-at)) (export "write-at" (func $write-at))
      (export "read" (func $read)) (export "check-write" (func $check-write)) (export "write" (func $write))
      (export "flush" (func $flush)) (export "drop-input" (func $drop-input))
      (export "drop-output" (func $drop-output))))))
  (func (export "open") (canon lift (core func $i "open")))
  (func (export "read") (result u64) (canon lift (core func $i "read")))
  (func (export "read-at") (result u64) (canon lift (core func $i "read-at")))
  (func (export "write") (param "total" u64) (result u64) (canon lift (core func $i "write")))
  (func (export "write-at") (param "total" u64) (result u64) (canon lift (core func $i "write-at"))))
