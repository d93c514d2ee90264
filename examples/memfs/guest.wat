;; Makes a directory and a file in it, below the directory that is its descriptor 3. An error number of WASI is its exit
;; status.
(module
  (import "wasi_snapshot_preview1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_rename" (func $rename (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 1024) "out")
  (data (i32.const 1032) "filler")
  (data (i32.const 1040) "out/draft")
  (data (i32.const 1056) "out/letter")
  (data (i32.const 1072) "Dear host,\nI was here.\n")

  (func $check (param $errno i32)
    (if (local.get $errno) (then (call $exit (local.get $errno)))))

  (func $create (param $path i32) (param $len i32) (result i32)
    (call $check (call $open (i32.const 3) (i32.const 0) (local.get $path) (local.get $len)
      (i32.const 1)                                    ;; it is made if it is not there
      (i64.const 0x40) (i64.const 0) (i32.const 0)     ;; for writing
      (i32.const 16)))                                 ;; where its number goes
    (i32.load (i32.const 16)))

  (func (export "_start")
    (call $check (call $mkdir (i32.const 3) (i32.const 1024) (i32.const 3)))
    (i64.store (i32.const 0) (i64.const 0x1700000430)) ;; one buffer: 23 bytes at 1072
    (call $check (call $write (call $create (i32.const 1040) (i32.const 9)) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $check (call $rename
      (i32.const 3) (i32.const 1040) (i32.const 9) (i32.const 3) (i32.const 1056) (i32.const 10))))

  ;; Writes to one file until there is no room, and returns the error number of that.
  (func (export "fill") (result i32)
    (local $file i32) (local $errno i32)
    (local.set $file (call $create (i32.const 1032) (i32.const 6)))
    (i64.store (i32.const 0) (i64.const 0x100000000000)) ;; one buffer: 4 KiB at 0
    (loop $more
      (br_if $more (i32.eqz
        (local.tee $errno (call $write (local.get $file) (i32.const 0) (i32.const 1) (i32.const 8))))))
    (local.get $errno)))
