;; Values of numbers and vectors, as arguments and as results. A command that has to fail says with what, behind it.

(module
  (func (export "i32") (param i32) (result i32) local.get 0)
  (func (export "i64") (param i64) (result i64) local.get 0)
  (func (export "f32") (param f32) (result f32) local.get 0)
  (func (export "f64") (param f64) (result f64) local.get 0)
  (func (export "v128") (param v128) (result v128) local.get 0)
  (func (export "swap") (param i32 f64) (result f64 i32) local.get 1 local.get 0)
  (func (export "nothing"))
  (func (export "f32 of bits") (param i32) (result f32) local.get 0 f32.reinterpret_i32)
  (func (export "f64 of bits") (param i64) (result f64) local.get 0 f64.reinterpret_i64)
  (func (export "bits of f32") (param f32) (result i32) local.get 0 i32.reinterpret_f32)
  (func (export "bits of f64") (param f64) (result i64) local.get 0 i64.reinterpret_f64))

(assert_return (invoke "i32" (i32.const -2147483648)) (i32.const 0x80000000))
(assert_return (invoke "i32" (i32.const 4294967295)) (i32.const -1))
(assert_return (invoke "i32" (i32.const 1)) (i32.const 2)) ;; fails: expected (i32.const 2), got (i32.const 1)
(assert_return (invoke "i32" (i32.const 1)) (i64.const 1)) ;; fails: expected (i64.const 1), got (i32.const 1)
(assert_return (invoke "i64" (i64.const -9223372036854775808)) (i64.const 0x8000000000000000))
(assert_return (invoke "i64" (i64.const -1)) (i64.const 1)) ;; fails: expected (i64.const 1), got (i64.const -1)
(assert_return (invoke "i64" (i64.const 1)) (i32.const 1)) ;; fails: expected (i32.const 1), got (i64.const 1)

(assert_return (invoke "f32" (f32.const 0.1)) (f32.const 0.1))
(assert_return (invoke "f32" (f32.const -0.0)) (f32.const -0.0))
(assert_return (invoke "f32" (f32.const -0.0)) (f32.const 0.0)) ;; fails: expected (f32.const 0), got (f32.const -0)
(assert_return (invoke "f32" (f32.const inf)) (f32.const -inf)) ;; fails: expected (f32.const -inf), got (f32.const inf)
(assert_return (invoke "f32" (f32.const 1)) (f64.const 1)) ;; fails: expected (f64.const 1), got (f32.const 1)
(assert_return (invoke "f32" (f32.const 1)) (f32.const nan:canonical)) ;; fails: expected (f32.const nan:canonical), got (f32.const 1)
(assert_return (invoke "f32" (f32.const inf)) (f32.const nan:arithmetic)) ;; fails: expected (f32.const nan:arithmetic), got (f32.const inf)
(assert_return (invoke "f64" (f64.const 1e300)) (f64.const 1e300))
(assert_return (invoke "f64" (f64.const 1e300)) (f64.const -inf)) ;; fails: expected (f64.const -inf), got (f64.const 1e+300)
(assert_return (invoke "f64" (f64.const 1)) (f32.const 1)) ;; fails: expected (f32.const 1), got (f64.const 1)

;; NaNs keep their bits, also those that signal, and are compared bit by bit unless a kind of them is asked for.
(assert_return (invoke "bits of f32" (f32.const nan:0x200001)) (i32.const 0x7fa00001))
(assert_return (invoke "bits of f64" (f64.const -nan:0x4000000000001)) (i64.const 0xfff4000000000001))
(assert_return (invoke "f32 of bits" (i32.const 0x7fa00001)) (f32.const nan:0x200001))
(assert_return (invoke "f32 of bits" (i32.const 0x7fa00001)) (f32.const nan:0x200002)) ;; fails: expected (f32.const nan:0x200002), got (f32.const nan:0x200001)
(assert_return (invoke "f32 of bits" (i32.const 0x7fa00001)) (f32.const nan:arithmetic)) ;; fails: expected (f32.const nan:arithmetic), got (f32.const nan:0x200001)
(assert_return (invoke "f32 of bits" (i32.const 0xffc00000)) (f32.const nan:canonical))
(assert_return (invoke "f32 of bits" (i32.const 0xffc00001)) (f32.const nan:arithmetic))
(assert_return (invoke "f32 of bits" (i32.const 0xffc00001)) (f32.const nan:canonical)) ;; fails: expected (f32.const nan:canonical), got (f32.const -nan:0x400001)
(assert_return (invoke "f64 of bits" (i64.const 0x7ff8000000000000)) (f64.const nan:canonical))
(assert_return (invoke "f64 of bits" (i64.const 0xfff8000000000000)) (f64.const nan:canonical))
(assert_return (invoke "f64 of bits" (i64.const 0x7ff8000000000001)) (f64.const nan:canonical)) ;; fails: expected (f64.const nan:canonical), got (f64.const nan:0x8000000000001)
(assert_return (invoke "f64 of bits" (i64.const 0x7ff8000000000001)) (f64.const nan:arithmetic))
(assert_return (invoke "f64 of bits" (i64.const 0x7ff4000000000000)) (f64.const nan:arithmetic)) ;; fails: expected (f64.const nan:arithmetic), got (f64.const nan:0x4000000000000)

(assert_return (invoke "v128" (v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 -1))
  (v128.const i32x4 0x03020100 0x07060504 0x0b0a0908 0xff0e0d0c))
(assert_return (invoke "v128" (v128.const i16x8 0 1 2 3 4 5 6 -7)) (v128.const i64x2 0x0003000200010000 0xfff9000600050004))
(assert_return (invoke "v128" (v128.const f64x2 1 2)) (v128.const i64x2 0x3ff0000000000000 0x4000000000000000))
(assert_return (invoke "v128" (v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 -1)) (v128.const i16x8 0 1 2 3 4 5 6 7)) ;; fails: got (v128.const i16x8 256 770 1284 1798 2312 2826 3340 -242)
(assert_return (invoke "v128" (v128.const i32x4 1 2 3 4)) (v128.const i32x4 1 2 3 5)) ;; fails: expected (v128.const i32x4 1 2 3 5), got (v128.const i32x4 1 2 3 4)
(assert_return (invoke "v128" (v128.const i64x2 1 2)) (v128.const i64x2 1 -2)) ;; fails: expected (v128.const i64x2 1 -2), got (v128.const i64x2 1 2)
(assert_return (invoke "v128" (v128.const f32x4 1 nan:0x400001 inf -0)) (v128.const f32x4 1 nan:arithmetic inf -0))
(assert_return (invoke "v128" (v128.const f32x4 1 nan:0x400001 inf -0)) (v128.const f32x4 1 nan:canonical inf -0)) ;; fails: expected (v128.const f32x4 1 nan:canonical inf -0), got (v128.const f32x4 1 nan:0x400001 inf -0)
(assert_return (invoke "v128" (v128.const f64x2 nan 2)) (v128.const f64x2 nan:canonical 2))
(assert_return (invoke "v128" (v128.const f64x2 1 2)) (v128.const f64x2 2 2)) ;; fails: expected (v128.const f64x2 2 2), got (v128.const f64x2 1 2)
(assert_return (invoke "v128" (v128.const i64x2 1 2)) (i64.const 1)) ;; fails: expected (i64.const 1), got (v128.const i32x4 1 0 2 0)
(assert_return (invoke "i64" (i64.const 1)) (v128.const i64x2 1 2)) ;; fails: expected (v128.const i64x2 1 2), got (i64.const 1)

;; One of several values.
(assert_return (invoke "i32" (i32.const 2)) (either (i32.const 1) (i32.const 2)))
(assert_return (invoke "i32" (i32.const 3)) (either (i32.const 1) (i32.const 2))) ;; fails: expected (either (i32.const 1) (i32.const 2)), got (i32.const 3)
(assert_return (invoke "f32 of bits" (i32.const 0x7fc00000)) (either (f32.const 1) (f32.const nan:canonical)))

;; The number of arguments and results.
(assert_return (invoke "nothing"))
(assert_return (invoke "swap" (i32.const 1) (f64.const 2)) (f64.const 2) (i32.const 1))
(assert_return (invoke "swap" (i32.const 1) (f64.const 2)) (f64.const 2) (i32.const 2)) ;; fails: result 2: expected (i32.const 2), got (i32.const 1)
(assert_return (invoke "swap" (i32.const 1) (f64.const 2)) (f64.const 2)) ;; fails: expected 1 results, (f64.const 2), got 2, (f64.const 2) (i32.const 1)
(assert_return (invoke "nothing") (i32.const 1)) ;; fails: expected 1 results, (i32.const 1), got 0
(assert_return (invoke "i32" (i32.const 1))) ;; fails: expected no results, got 1, (i32.const 1)
(assert_return (invoke "i32") (i32.const 1)) ;; fails: expected (i32.const 1), got "expected 1 arguments, got 0
(assert_return (invoke "i32" (i64.const 1)) (i32.const 1)) ;; fails: argument 1: type mismatch
(assert_return (invoke "missing")) ;; fails: there is no exported function "missing"
