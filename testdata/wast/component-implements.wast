;; One interface under several names, each of which says what it implements.

(component $red (core module (export "m") (global (export "v") i32 (i32.const 1))))
(component $blue (core module (export "m") (global (export "v") i32 (i32.const 20))))
(component
  (import "red" (implements "my:own/colour@1.0.0")
    (instance $red (export "m" (core module $m (export "v" (global i32))))))
  (import "blue" (implements "my:own/colour@1.0.0")
    (instance $blue (export "m" (core module $m (export "v" (global i32))))))
  (alias export $red "m" (core module $red))
  (alias export $blue "m" (core module $blue))
  (core instance $red (instantiate $red))
  (core instance $blue (instantiate $blue))
  (core module $sum
    (import "red" "v" (global $red i32))
    (import "blue" "v" (global $blue i32))
    (func (export "sum") (result i32) (i32.add (global.get $red) (global.get $blue))))
  (core instance $i (instantiate $sum (with "red" (instance $red)) (with "blue" (instance $blue))))
  (func (export "sum") (result u32) (canon lift (core func $i "sum"))))
(assert_return (invoke "sum") (u32.const 21))

;; The name is what is looked for, not the interface.
(assert_unlinkable
  (component (import "green" (implements "my:own/colour@1.0.0") (instance (export "m" (core module)))))
  "module implementation is missing")

(assert_invalid (component (import "a" (implements "a:b/c") (func))) "only instances")
(assert_invalid (component (import "a" (implements "no name") (instance))) "not a valid name")
(assert_invalid (component (import "a" (implements "a") (instance))) "must be an interface")
(assert_invalid
  (component (import "a" (implements "a:b/c") (instance)) (import "a" (implements "a:b/d") (instance)))
  "conflicts with previous name")
(component
  (instance $i)
  (export "a" (implements "a:b/c") (instance $i))
  (export "b" (implements "a:b/c") (instance $i))
  (export "a:b/c" (instance $i)))
