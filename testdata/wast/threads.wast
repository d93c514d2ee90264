;; Threads, with a memory that they share.

(module $memory (memory (export "shared") 1 1 shared))
(module definition $cell (func (export "five") (result i32) i32.const 5))

(thread $first (shared (module $memory))
  (register "another name" $memory)
  (module
    (import "another name" "shared" (memory 1 1 shared))
    (import "memory" "shared" (memory $same 1 1 shared))
    (func (export "store") (i32.atomic.store (i32.const 0) (i32.const 42)))
    (func (export "load") (result i32) (i32.atomic.load (i32.const 0))))
  (invoke "store")
  (assert_return (invoke "load") (i32.const 42))
  (assert_return (invoke "load") (i32.const 43)) ;; fails: expected (i32.const 43), got (i32.const 42)
  (assert_return (invoke $memory "load") (i32.const 42))) ;; fails: is another thread's
(thread $second
  (module instance $of_another $cell)
  (assert_return (invoke "five") (i32.const 5))
  (register "memory" $memory)) ;; fails: there is no instance "memory"
(wait $first)
(wait $second)
(wait $third) ;; fails: there is no thread "third"

(module
  (import "memory" "shared" (memory 1 1 shared))
  (func (export "load") (result i32) (i32.atomic.load (i32.const 0))))
(assert_return (invoke "load") (i32.const 42))

(thread $third (shared (module $missing)) (invoke "store")) ;; fails: there is no instance "missing"

;; Nobody waits for this one, and it is done to its end nevertheless.
(thread $last
  (module (func (export "f") (result i32) (local i32)
    (loop $again
      (local.set 0 (i32.add (local.get 0) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get 0) (i32.const 10000000))))
    (local.get 0)))
  (assert_return (invoke "f") (i32.const 1))) ;; fails: expected (i32.const 1), got (i32.const 10000000)
