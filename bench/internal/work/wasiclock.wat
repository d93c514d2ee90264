;; A loop that asks the monotonic clock. The binary is made as that of component.wat.
(component
  (import "wasi:clocks/monotonic-clock@0.2.3" (instance $clock (export "now" (func (result u64)))))
  (core func $now (canon lower (func $clock "now")))
  (core module $m
    (import "clock" "now" (func $now (result i64)))
    ;; How often it was asked: 0 if time went back.
    (func (export "nows") (param $n i32) (result i32)
      (local $left i32) (local $last i64) (local $now i64)
      (local.set $left (local.get $n))
      (loop $again
        (local.set $now (call $now))
        (if (i64.lt_u (local.get $now) (local.get $last)) (then (return (i32.const 0))))
        (local.set $last (local.get $now))
        (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (local.get $n)))
  (core instance $i (instantiate $m (with "clock" (instance (export "now" (func $now))))))
  (func (export "nows") (param "n" u32) (result u32) (canon lift (core func $i "nows"))))
