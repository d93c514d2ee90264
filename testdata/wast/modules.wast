;; Modules: names, imports, definitions, and those that are refused.

(module $counter
  (global $n (export "n") (mut i32) (i32.const 10))
  (global (export "pi") f64 (f64.const 3.25))
  (func (export "next") (result i32)
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (global.get $n)))

(assert_return (get "n") (i32.const 10))
(assert_return (invoke "next") (i32.const 11))
(assert_return (get "n") (i32.const 11))
(assert_return (get "pi") (f64.const 3.25))
(assert_return (get "pi") (f64.const 3)) ;; fails: expected (f64.const 3), got (f64.const 3.25)
(assert_return (get "next") (i32.const 0)) ;; fails: there is no exported global "next"
(assert_return (get "missing") (i32.const 0)) ;; fails: there is no exported global "missing"
(assert_return (invoke "n") (i32.const 0)) ;; fails: there is no exported function "n"

(register "by another name")
(register "counter" $counter)
(register "counter" $missing) ;; fails: there is no instance "missing"

(module $twice
  (import "counter" "next" (func $next (result i32)))
  (func (export "twice") (result i32) call $next drop call $next))
(assert_return (invoke "twice") (i32.const 13))
(assert_return (invoke $counter "next") (i32.const 14))
(assert_return (invoke $twice "twice") (i32.const 16))
(assert_return (invoke $missing "twice") (i32.const 16)) ;; fails: there is no instance "missing"
(assert_return (get $counter "n") (i32.const 16))

;; The latest of a name is meant, and a name is enough to be imported by.
(module $counter (func (export "next") (result i32) i32.const 1))
(assert_return (invoke $counter "next") (i32.const 1))
(module
  (import "counter" "next" (func $next (result i32)))
  (import "by another name" "next" (func $other (result i32)))
  (export "next" (func $next))
  (export "other" (func $other)))
(assert_return (invoke "next") (i32.const 1))
(assert_return (invoke "other") (i32.const 17))

;; Definitions, of which instances are made.
(module definition $cell
  (global $n (mut i32) (i32.const 0))
  (func (export "set") (param i32) local.get 0 global.set $n)
  (func (export "get") (result i32) global.get $n))
(module instance $one $cell)
(module instance $two $cell)
(invoke $one "set" (i32.const 1))
(assert_return (invoke $one "get") (i32.const 1))
(assert_return (invoke $two "get") (i32.const 0))
(assert_return (invoke "get") (i32.const 0))
(module instance $three $missing) ;; fails: there is no module "missing"
(module definition (func (export "f") (result i32) i32.const 5))
(module instance)
(assert_return (invoke "f") (i32.const 5))

;; What is refused.
(assert_invalid (module (func (result i32))) "type mismatch")
(assert_invalid (module (func (result i32))) "unknown local") ;; fails: expected an error with "unknown local", got
(assert_invalid (module (func)) "type mismatch") ;; fails: expected that it does not compile, because of "type mismatch", and it did
(assert_invalid (module quote "(func (result i32))") "type mismatch")
(assert_malformed (module quote "(func (result i33))") "unexpected token")
(assert_malformed (module quote "(func)") "unexpected token") ;; fails: expected that it does not compile
(assert_malformed (module binary "\00asm\02\00\00\00") "unknown binary version")
(assert_malformed (module binary "\00asm\01\00\00\00\01") "unexpected end")
(assert_malformed (module binary "\00asm\01\00\00\00") "unexpected end") ;; fails: expected that it does not compile
(module quote "(func (export \"f\") (result i32) i32.const 6)")
(assert_return (invoke "f") (i32.const 6))
(module binary "\00asm\01\00\00\00\01") ;; fails: it does not compile: 
(module definition $bad binary "\00asm\01\00\00\00\01") ;; fails: it does not compile: 
(assert_return (invoke "f") (i32.const 6))

(assert_unlinkable (module (import "missing" "f" (func))) "unknown import")
(assert_unlinkable (module (import "counter" "next" (func))) "incompatible import type")
(assert_unlinkable (module (import "counter" "next" (func))) "unknown import") ;; fails: expected an error with "unknown import", got
(assert_unlinkable (module) "unknown import") ;; fails: expected that it is not instantiated, because of "unknown import", and it was
(assert_unlinkable (module (func (result i32))) "unknown import") ;; fails: it does not compile
(assert_trap (module (func (result i32))) "unreachable") ;; fails: it does not compile
