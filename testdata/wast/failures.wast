;; Calls and instantiations that fail: traps, exhaustion, exceptions.

(module
  (tag $oops (param i32))
  (type $nothing (func))
  (table $t 1 funcref)
  (memory 1)
  (func (export "divide") (param i32 i32) (result i32) local.get 0 local.get 1 i32.div_s)
  (func (export "load") (param i32) (result i32) local.get 0 i32.load)
  (func (export "call null") i32.const 0 call_indirect $t (type $nothing))
  (func $forever (export "forever") (result i32) call $forever i32.const 1 i32.add)
  (func (export "throw") (throw $oops (i32.const 1)))
  (func (export "null") (param externref) (result (ref extern)) local.get 0 ref.as_non_null)
  (func (export "nothing")))

(assert_trap (invoke "divide" (i32.const 1) (i32.const 0)) "integer divide by zero")
(assert_trap (invoke "divide" (i32.const 1) (i32.const 0)) "integer overflow") ;; fails: expected a trap with "integer overflow", got
(assert_trap (invoke "divide" (i32.const 4) (i32.const 2)) "integer divide by zero") ;; fails: expected a trap with "integer divide by zero", got a return, (i32.const 2)
(assert_trap (invoke "nothing") "unreachable") ;; fails: expected a trap with "unreachable", got a return
(assert_trap (invoke "load" (i32.const 65533)) "out of bounds memory access")
(assert_trap (invoke "call null") "uninitialized element 2")
(assert_trap (invoke "null" (ref.null extern)) "null extern reference")
(assert_return (invoke "divide" (i32.const 1) (i32.const 0)) (i32.const 1)) ;; fails: expected (i32.const 1), got
(assert_return (invoke "throw")) ;; fails: expected a return, got

(assert_exhaustion (invoke "forever") "call stack exhausted")
(assert_exhaustion (invoke "nothing") "call stack exhausted") ;; fails: expected a trap with "call stack exhausted", got a return

(assert_exception (invoke "throw"))
(assert_exception (invoke "nothing")) ;; fails: expected an exception, got a return
(assert_exception (invoke "divide" (i32.const 1) (i32.const 0))) ;; fails: expected an exception, got
(assert_trap (invoke "throw") "unreachable") ;; fails: expected a trap with "unreachable", got

;; What is only invoked may return or fail, and the script goes on.
(invoke "nothing")
(invoke "divide" (i32.const 1) (i32.const 0)) ;; notes: nothing is asserted of it; it failed with
(invoke "missing") ;; fails: there is no exported function "missing"

(assert_trap (module (func $start unreachable) (start $start)) "unreachable")
(assert_trap (module (memory 1) (data (i32.const 65536) "x")) "out of bounds memory access")
(assert_trap (module (func $start) (start $start)) "unreachable") ;; fails: expected a trap with "unreachable", got a return
(module (func $start unreachable) (start $start)) ;; fails: instantiation failed:

;; That module has not become the current one.
(assert_return (invoke "nothing"))
