;; What Wasmtime's own scripts import.

(module
  (import "wasmtime" "gc" (func $gc))
  (func (export "gc") (param externref) (result externref) (call $gc) local.get 0))
(assert_return (invoke "gc" (ref.extern 1)) (ref.extern 1))
