;; Values of components, as arguments and as results: each function returns what it is given, unless it says otherwise.

(component
  (core module $m
    (memory (export "memory") 1)
    (global $free (mut i32) (i32.const 1024))
    (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and
        (i32.sub (i32.add (global.get $free) (local.get $align)) (i32.const 1))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $free (i32.add (local.get $at) (local.get $size)))
      (local.get $at))
    (func (export "nothing"))
    (func (export "i32") (param i32) (result i32) local.get 0)
    (func (export "i64") (param i64) (result i64) local.get 0)
    (func (export "f32") (param f32) (result f32) local.get 0)
    (func (export "f64") (param f64) (result f64) local.get 0)
    (func (export "f32 of bits") (param i32) (result f32) local.get 0 f32.reinterpret_i32)
    ;; What has several flat values is returned in memory.
    (func (export "two words") (param i32 i32) (result i32)
      (i32.store (i32.const 16) (local.get 0))
      (i32.store (i32.const 20) (local.get 1))
      (i32.const 16))
    (func (export "three words") (param i32 i32 i32) (result i32)
      (i32.store (i32.const 16) (local.get 0))
      (i32.store (i32.const 20) (local.get 1))
      (i32.store (i32.const 24) (local.get 2))
      (i32.const 16))
    (func (export "three bytes") (param i32 i32 i32) (result i32)
      (i32.store8 (i32.const 16) (local.get 0))
      (i32.store8 (i32.const 17) (local.get 1))
      (i32.store8 (i32.const 18) (local.get 2))
      (i32.const 16))
    (func (export "byte and f32") (param i32 f32) (result i32)
      (i32.store8 (i32.const 16) (local.get 0))
      (f32.store (i32.const 20) (local.get 1))
      (i32.const 16))
    ;; Lists that there cannot be.
    (func (export "outside") (result i32)
      (i32.store (i32.const 16) (i32.const 65535))
      (i32.store (i32.const 20) (i32.const 2))
      (i32.const 16))
    (func (export "not utf-8") (result i32)
      (i32.store8 (i32.const 32) (i32.const 0xff))
      (i32.store (i32.const 16) (i32.const 32))
      (i32.store (i32.const 20) (i32.const 1))
      (i32.const 16)))
  (core instance $i (instantiate $m))
  (alias core export $i "memory" (core memory $memory))
  (alias core export $i "realloc" (core func $realloc))

  (type $record (record (field "name" string) (field "age" u32)))
  (type $variant (variant (case "number" u32) (case "float" f32) (case "nothing")))
  (type $enum (enum "red" "green" "blue"))
  (type $flags (flags "read" "write" "exec"))
  (export $Record "person" (type $record))
  (export $Variant "shape" (type $variant))
  (export $Enum "colour" (type $enum))
  (export $Flags "mode" (type $flags))

  (func (export "nothing") (canon lift (core func $i "nothing")))
  (func (export "bool") (param "v" bool) (result bool) (canon lift (core func $i "i32")))
  (func (export "u8") (param "v" u8) (result u8) (canon lift (core func $i "i32")))
  (func (export "s8") (param "v" s8) (result s8) (canon lift (core func $i "i32")))
  (func (export "u16") (param "v" u16) (result u16) (canon lift (core func $i "i32")))
  (func (export "s16") (param "v" s16) (result s16) (canon lift (core func $i "i32")))
  (func (export "u32") (param "v" u32) (result u32) (canon lift (core func $i "i32")))
  (func (export "s32") (param "v" s32) (result s32) (canon lift (core func $i "i32")))
  (func (export "u64") (param "v" u64) (result u64) (canon lift (core func $i "i64")))
  (func (export "s64") (param "v" s64) (result s64) (canon lift (core func $i "i64")))
  (func (export "f32") (param "v" f32) (result f32) (canon lift (core func $i "f32")))
  (func (export "f64") (param "v" f64) (result f64) (canon lift (core func $i "f64")))
  (func (export "f32-of-bits") (param "v" u32) (result f32) (canon lift (core func $i "f32 of bits")))
  (func (export "char") (param "v" char) (result char) (canon lift (core func $i "i32")))
  (func (export "char-of-u32") (param "v" u32) (result char) (canon lift (core func $i "i32")))
  (func (export "u8-of-u32") (param "v" u32) (result u8) (canon lift (core func $i "i32")))
  (func (export "bool-of-u32") (param "v" u32) (result bool) (canon lift (core func $i "i32")))
  (func (export "enum-of-u32") (param "v" u32) (result $Enum) (canon lift (core func $i "i32")))
  (func (export "flags-of-u32") (param "v" u32) (result $Flags) (canon lift (core func $i "i32")))
  (func (export "string") (param "v" string) (result string)
    (canon lift (core func $i "two words") (memory $memory) (realloc $realloc)))
  (func (export "bytes") (param "v" (list u8)) (result (list u8))
    (canon lift (core func $i "two words") (memory $memory) (realloc $realloc)))
  (func (export "strings") (param "v" (list string)) (result (list string))
    (canon lift (core func $i "two words") (memory $memory) (realloc $realloc)))
  (func (export "pairs") (param "v" (list (tuple u8 f32))) (result (list (tuple u8 f32)))
    (canon lift (core func $i "two words") (memory $memory) (realloc $realloc)))
  (func (export "tuple") (param "v" (tuple u8 f32)) (result (tuple u8 f32))
    (canon lift (core func $i "byte and f32") (memory $memory)))
  (func (export "record") (param "v" $Record) (result $Record)
    (canon lift (core func $i "three words") (memory $memory) (realloc $realloc)))
  (func (export "variant") (param "v" $Variant) (result $Variant)
    (canon lift (core func $i "two words") (memory $memory)))
  (func (export "enum") (param "v" $Enum) (result $Enum) (canon lift (core func $i "i32")))
  (func (export "flags") (param "v" $Flags) (result $Flags) (canon lift (core func $i "i32")))
  (func (export "option") (param "v" (option u32)) (result (option u32))
    (canon lift (core func $i "two words") (memory $memory)))
  (func (export "option-of-option") (param "v" (option (option u8))) (result (option (option u8)))
    (canon lift (core func $i "three bytes") (memory $memory)))
  (func (export "result") (param "v" (result u32 (error string))) (result (result u32 (error string)))
    (canon lift (core func $i "three words") (memory $memory) (realloc $realloc)))
  (func (export "result-of-nothing") (param "v" (result)) (result (result)) (canon lift (core func $i "i32")))
  (func (export "results") (param "v" (list (result u8))) (result (list (result u8)))
    (canon lift (core func $i "two words") (memory $memory) (realloc $realloc)))
  (func (export "outside") (result string) (canon lift (core func $i "outside") (memory $memory)))
  (func (export "not-utf8") (result string) (canon lift (core func $i "not utf-8") (memory $memory))))

(assert_return (invoke "nothing"))
(assert_return (invoke "bool" (bool.const true)) (bool.const true))
(assert_return (invoke "bool" (bool.const false)) (bool.const true)) ;; fails: expected bool true, got bool false
(assert_return (invoke "u8" (u8.const 255)) (u8.const 255))
(assert_return (invoke "u8" (u8.const 255)) (u8.const 254)) ;; fails: expected u8 254, got u8 255
(assert_return (invoke "u8" (u8.const 255)) (u16.const 255)) ;; fails: expected u16 255, got u8 255
(assert_return (invoke "s8" (s8.const -128)) (s8.const -128))
(assert_return (invoke "s8" (s8.const -128)) (s8.const 127)) ;; fails: expected s8 127, got s8 -128
(assert_return (invoke "u16" (u16.const 65535)) (u16.const 65535))
(assert_return (invoke "s16" (s16.const -32768)) (s16.const -32768))
(assert_return (invoke "u32" (u32.const 4294967295)) (u32.const 4294967295))
(assert_return (invoke "s32" (s32.const -2147483648)) (s32.const -2147483648))
(assert_return (invoke "u64" (u64.const 18446744073709551615)) (u64.const 18446744073709551615))
(assert_return (invoke "s64" (s64.const -9223372036854775808)) (s64.const -9223372036854775808))
(assert_return (invoke "f32" (f32.const 1.5)) (f32.const 1.5))
(assert_return (invoke "f32" (f32.const -0.0)) (f32.const 0.0)) ;; fails: expected f32 0, got f32 -0
(assert_return (invoke "f64" (f64.const -1e300)) (f64.const -1e300))
(assert_return (invoke "f64" (f64.const 1)) (f32.const 1)) ;; fails: expected f32 1, got f64 1
(assert_return (invoke "f32-of-bits" (u32.const 0x7fc00000)) (f32.const nan))
(assert_return (invoke "char" (char.const "é")) (char.const "é"))
(assert_return (invoke "char" (char.const "é")) (char.const "e")) ;; fails: expected char 'e', got char 'é'
(assert_return (invoke "char" (char.const "\u{10ffff}")) (char.const "\u{10ffff}"))

(assert_return (invoke "string" (str.const "")) (str.const ""))
(assert_return (invoke "string" (str.const "a \"text\", 文")) (str.const "a \"text\", 文"))
(assert_return (invoke "string" (str.const "one")) (str.const "two")) ;; fails: expected string "two", got string "one"
(assert_return (invoke "bytes" (list.const)) (list.const))
(assert_return (invoke "bytes" (list.const (u8.const 1) (u8.const 2))) (list.const (u8.const 1) (u8.const 2)))
(assert_return (invoke "bytes" (list.const (u8.const 1))) (list.const (u8.const 1) (u8.const 2))) ;; fails: expected list [1, 2], got list [1]
(assert_return (invoke "bytes" (list.const (u8.const 1))) (list.const (u16.const 1))) ;; fails: expected list [1], got list [1]
(assert_return (invoke "strings" (list.const (str.const "a") (str.const ""))) (list.const (str.const "a") (str.const "")))
(assert_return (invoke "strings" (list.const (str.const "a"))) (list.const (str.const "b"))) ;; fails: expected list ["b"], got list ["a"]
(assert_return (invoke "pairs" (list.const (tuple.const (u8.const 1) (f32.const 2))))
  (list.const (tuple.const (u8.const 1) (f32.const 2))))
(assert_return (invoke "tuple" (tuple.const (u8.const 1) (f32.const 2))) (tuple.const (u8.const 1) (f32.const 2)))
(assert_return (invoke "tuple" (tuple.const (u8.const 1) (f32.const 2))) (tuple.const (u8.const 1) (f32.const 3))) ;; fails: expected tuple (1, 3), got tuple (1, 2)

(assert_return (invoke "record" (record.const (field "name" str.const "Ada") (field "age" u32.const 36)))
  (record.const (field "name" str.const "Ada") (field "age" u32.const 36)))
(assert_return (invoke "record" (record.const (field "name" str.const "Ada") (field "age" u32.const 36))) (record.const (field "name" str.const "Ada") (field "age" u32.const 37))) ;; fails: expected record {name: "Ada", age: 37}, got record {name: "Ada", age: 36}
(assert_return (invoke "variant" (variant.const "number" (u32.const 7))) (variant.const "number" (u32.const 7)))
(assert_return (invoke "variant" (variant.const "float" (f32.const 7))) (variant.const "float" (f32.const 7)))
(assert_return (invoke "variant" (variant.const "nothing")) (variant.const "nothing"))
(assert_return (invoke "variant" (variant.const "nothing")) (variant.const "number" (u32.const 0))) ;; fails: expected variant number(0), got variant nothing
(assert_return (invoke "enum" (enum.const "green")) (enum.const "green"))
(assert_return (invoke "enum" (enum.const "green")) (enum.const "blue")) ;; fails: expected enum blue, got enum green
(assert_return (invoke "flags" (flags.const "exec" "read")) (flags.const "read" "exec"))
(assert_return (invoke "flags" (flags.const)) (flags.const))
(assert_return (invoke "flags" (flags.const "read")) (flags.const "write")) ;; fails: expected flags {write}, got flags {read}
(assert_return (invoke "option" (option.none)) (option.none))
(assert_return (invoke "option" (option.some (u32.const 1))) (option.some (u32.const 1)))
(assert_return (invoke "option" (option.some (u32.const 1))) (option.none)) ;; fails: expected option none, got option some(1)
(assert_return (invoke "option-of-option" (option.none)) (option.none))
(assert_return (invoke "option-of-option" (option.some (option.none))) (option.some (option.none)))
(assert_return (invoke "option-of-option" (option.some (option.some (u8.const 9)))) (option.some (option.some (u8.const 9))))
(assert_return (invoke "option-of-option" (option.some (option.none))) (option.none)) ;; fails: expected option none, got option some(none)
(assert_return (invoke "result" (result.ok (u32.const 5))) (result.ok (u32.const 5)))
(assert_return (invoke "result" (result.err (str.const "oh"))) (result.err (str.const "oh")))
(assert_return (invoke "result" (result.err (str.const "oh"))) (result.ok (u32.const 5))) ;; fails: expected result ok(5), got result err("oh")
(assert_return (invoke "result-of-nothing" (result.ok)) (result.ok))
(assert_return (invoke "result-of-nothing" (result.err)) (result.err))
(assert_return (invoke "result-of-nothing" (result.err)) (result.ok)) ;; fails: expected result ok, got result err
(assert_return (invoke "results" (list.const (result.ok (u8.const 1)) (result.err)))
  (list.const (result.ok (u8.const 1)) (result.err)))

;; What does not fit is refused before the guest is entered, which stays usable.
(assert_return (invoke "u8" (u16.const 256)) (u8.const 0)) ;; fails: expected u8 0, got
(assert_return (invoke "string" (u32.const 1)) (str.const "")) ;; fails: expected string "", got
(assert_return (invoke "enum" (enum.const "yellow")) (enum.const "red")) ;; fails: expected enum red, got
(assert_return (invoke "flags" (flags.const "fly")) (flags.const)) ;; fails: expected flags {}, got
(assert_return (invoke "variant" (variant.const "other")) (variant.const "other")) ;; fails: expected variant other, got
(assert_return (invoke "record" (record.const (field "name" str.const "Ada"))) (str.const "")) ;; fails: expected string "", got
(assert_return (invoke "u8")  (u8.const 0)) ;; fails: expected u8 0, got
(assert_return (invoke "missing")) ;; fails: missing
(assert_return (get "u8") (u8.const 0)) ;; fails: a component has no exported global "u8"
(assert_return (invoke "u8" (u8.const 1))) ;; fails: expected no results, got 1, u8 1
(assert_return (invoke "nothing") (u8.const 1)) ;; fails: expected 1 results, u8 1, got 0

;; What a guest returns is brought into range where the component model says so, and refused elsewhere.
(assert_return (invoke "u8-of-u32" (u32.const 0x1ff)) (u8.const 0xff))
(assert_return (invoke "bool-of-u32" (u32.const 2)) (bool.const true))
(assert_return (invoke "flags-of-u32" (u32.const 0xfff9)) (flags.const "read"))
(assert_trap (invoke "char-of-u32" (u32.const 0xd800)) "integer in surrogate range")
