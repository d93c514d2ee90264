;; What a component takes for its imports, when another one around it makes an instance: all of this is checked before
;; anything runs.

;; An instance may have more than is asked for.
(component
  (component $a
    (core module $m (func (export "one") (result i32) (i32.const 1)) (func (export "two") (result i32) (i32.const 2)))
    (core instance $i (instantiate $m))
    (func (export "one") (result u32) (canon lift (core func $i "one")))
    (func (export "two") (result u32) (canon lift (core func $i "two"))))
  (component $b
    (import "a" (instance $a (export "two" (func (result u32)))))
    (export "of-a" (func $a "two")))
  (instance $a (instantiate $a))
  (instance $b (instantiate $b (with "a" (instance $a)) (with "nobody-asks-for-this" (instance $a))))
  (export "two" (func $b "of-a")))
(assert_return (invoke "two") (u32.const 2))

;; And a module, with fewer imports and larger limits; a component likewise.
(component
  (core module $m
    (import "" "f" (func (result i32)))
    (memory (export "memory") 2 3)
    (table (export "table") 5 funcref)
    (func (export "more"))
    (func (export "size") (result i32) (memory.size)))
  (component $inner
    (import "x" (func $x (result u32)))
    (export "y" (func $x))
    (export "z" (func $x)))
  (component $user
    (import "m" (core module $m
      (import "" "f" (func (result i32)))
      (import "" "g" (func))
      (export "memory" (memory 1 4))
      (export "table" (table 1 funcref))
      (export "size" (func (result i32)))))
    (import "c" (component $c (import "x" (func (result u32))) (import "w" (func)) (export "y" (func (result u32)))))
    (core module $fs (func (export "f") (result i32) (i32.const 9)) (func (export "g")))
    (core instance $fs (instantiate $fs))
    (core instance $i (instantiate $m (with "" (instance $fs))))
    (func $size (result u32) (canon lift (core func $i "size")))
    (func $w (canon lift (core func $fs "g")))
    (instance $c (instantiate $c (with "x" (func $size)) (with "w" (func $w))))
    (export "size" (func $c "y")))
  (instance $user (instantiate $user (with "m" (core module $m)) (with "c" (component $inner))))
  (export "size" (func $user "size")))
(assert_return (invoke "size") (u32.const 2))

;; An export can be made to look like less; what it hides is not there.
(component
  (component $c
    (core module $m (func (export "f") (result i32) (i32.const 3)))
    (core instance $i (instantiate $m))
    (func $f (result u32) (canon lift (core func $i "f")))
    (instance $all (export "f" (func $f)) (export "g" (func $f)))
    (export "some" (instance $all) (instance (export "f" (func (result u32))))))
  (instance $c (instantiate $c))
  (alias export $c "some" (instance $some))
  (export "f" (func $some "f")))
(assert_return (invoke "f") (u32.const 3))
(assert_invalid
  (component
    (import "all" (instance $all (export "f" (func)) (export "g" (func))))
    (export $some "some" (instance $all) (instance (export "f" (func))))
    (export "g" (func $some "g")))
  "has no export named `g`")
(assert_invalid
  (component (import "f" (func $f)) (export "g" (func $f) (func (result u8))))
  "ascribed type of export is not compatible with item's type")

;; What is not given, is of another kind, or is given twice.
(assert_invalid
  (component (component $c (import "x" (func))) (instance (instantiate $c)))
  "missing import named `x`")
(assert_invalid
  (component (component $c (import "x" (func))) (component $d) (instance (instantiate $c (with "x" (component $d)))))
  "expected func, found component")
(assert_invalid
  (component (import "f" (func $f)) (component $c (import "x" (instance))) (instance (instantiate $c (with "x" (func $f)))))
  "expected instance, found func")
(assert_invalid
  (component (import "f" (func $f)) (component $c (import "x" (func)))
    (instance (instantiate $c (with "x" (func $f)) (with "x" (func $f)))))
  "conflicts with previous")
(assert_invalid
  (component (import "i" (instance $i)) (component $c (import "x" (instance (export "f" (func)))))
    (instance (instantiate $c (with "x" (instance $i)))))
  "missing expected export `f`")
(assert_invalid
  (component (core module $m (import "" "f" (func))) (core instance (instantiate $m)))
  "missing module instantiation argument named ``")
(assert_invalid
  (component (core module $m (import "a" "f" (func))) (core module $n) (core instance $n (instantiate $n))
    (core instance (instantiate $m (with "a" (instance $n)))))
  "module instantiation argument `a` does not export an item named `f`")
(assert_invalid
  (component (core module $m (import "a" "f" (func))) (core module $n (func (export "f") (param i32)))
    (core instance $n (instantiate $n)) (core instance (instantiate $m (with "a" (instance $n)))))
  "type mismatch for export `f` of module instantiation argument `a`")
(assert_invalid
  (component
    (core module $m (import "" "f" (func)))
    (component $c (import "m" (core module)))
    (instance (instantiate $c (with "m" (core module $m)))))
  "missing expected import `::f`")
(assert_invalid
  (component
    (core module $m (memory (export "m") 1))
    (component $c (import "m" (core module (export "m" (memory 2)))))
    (instance (instantiate $c (with "m" (core module $m)))))
  "mismatch in memory limits")
(assert_invalid
  (component
    (core module $m (table (export "t") 1 externref))
    (component $c (import "m" (core module (export "t" (table 1 funcref)))))
    (instance (instantiate $c (with "m" (core module $m)))))
  "expected table element type funcref, found externref")
(assert_invalid
  (component
    (core module $m (global (export "g") (mut i32) (i32.const 0)))
    (component $c (import "m" (core module (export "g" (global i32)))))
    (instance (instantiate $c (with "m" (core module $m)))))
  "global")
(assert_invalid
  (component
    (import "c" (component $given (import "x" (func))))
    (component $c (import "c" (component)))
    (instance (instantiate $c (with "c" (component $given)))))
  "missing import named `x`")

;; Functions have the same parameters, by name, and the same result; each type is the same in all of its parts.
(assert_invalid
  (component (import "f" (func $f (param "a" u8))) (component $c (import "x" (func (param "b" u8))))
    (instance (instantiate $c (with "x" (func $f)))))
  "expected parameter named `b`, found `a`")
(assert_invalid
  (component (import "f" (func $f (param "a" u8))) (component $c (import "x" (func (param "a" u8) (param "b" u8))))
    (instance (instantiate $c (with "x" (func $f)))))
  "expected 2 parameters, found 1")
(assert_invalid
  (component (import "f" (func $f (param "a" u8))) (component $c (import "x" (func (param "a" s8))))
    (instance (instantiate $c (with "x" (func $f)))))
  "type mismatch in function parameter `a`")
(assert_invalid
  (component (import "f" (func $f (result u8))) (component $c (import "x" (func)))
    (instance (instantiate $c (with "x" (func $f)))))
  "expected a result, found none")
(assert_invalid
  (component (import "f" (func $f (result string))) (component $c (import "x" (func (result (list u8)))))
    (instance (instantiate $c (with "x" (func $f)))))
  "type mismatch with result type")
(assert_invalid
  (component (import "f" (func $f (result (list u16)))) (component $c (import "x" (func (result (list u8)))))
    (instance (instantiate $c (with "x" (func $f)))))
  "expected primitive `u8` found primitive `u16`")
(assert_invalid
  (component (import "f" (func $f (result (option u16)))) (component $c (import "x" (func (result (option u8)))))
    (instance (instantiate $c (with "x" (func $f)))))
  "expected primitive `u8` found primitive `u16`")
(assert_invalid
  (component (import "f" (func $f (result (tuple u8 u8)))) (component $c (import "x" (func (result (tuple u8)))))
    (instance (instantiate $c (with "x" (func $f)))))
  "expected 1 types, found 2")
(assert_invalid
  (component (import "f" (func $f (result (tuple u8)))) (component $c (import "x" (func (result (tuple string)))))
    (instance (instantiate $c (with "x" (func $f)))))
  "type mismatch in tuple field 0")
(assert_invalid
  (component (import "f" (func $f (result (result u8)))) (component $c (import "x" (func (result (result)))))
    (instance (instantiate $c (with "x" (func $f)))))
  "expected ok type to not be present")
(assert_invalid
  (component (import "f" (func $f (result (result)))) (component $c (import "x" (func (result (result (error u8))))))
    (instance (instantiate $c (with "x" (func $f)))))
  "expected err type, but found none")
(assert_invalid
  (component (import "f" (func $f (result (list u8 3)))) (component $c (import "x" (func (result (list u8 4)))))
    (instance (instantiate $c (with "x" (func $f)))))
  "expected fixed-length 4, found size 3")
(assert_invalid
  (component (import "f" (func $f (result (map u8 u8)))) (component $c (import "x" (func (result (map u8 u16)))))
    (instance (instantiate $c (with "x" (func $f)))))
  "type mismatch in map value")
(assert_invalid
  (component (type $t' (record (field "a" u8))) (import "t" (type $t (eq $t')))
    (component $c (type $t' (record (field "b" u8))) (import "t" (type (eq $t'))))
    (instance (instantiate $c (with "t" (type $t)))))
  "expected field name `b`, found `a`")
(assert_invalid
  (component (type $t' (record (field "a" u8))) (import "t" (type $t (eq $t')))
    (component $c (type $t' (record (field "a" u8) (field "b" u8))) (import "t" (type (eq $t'))))
    (instance (instantiate $c (with "t" (type $t)))))
  "expected 2 fields, found 1")
(assert_invalid
  (component (type $t' (variant (case "a" u8))) (import "t" (type $t (eq $t')))
    (component $c (type $t' (variant (case "a"))) (import "t" (type (eq $t'))))
    (instance (instantiate $c (with "t" (type $t)))))
  "expected case `a` to have no type")
(assert_invalid
  (component (type $t' (variant (case "a") (case "b"))) (import "t" (type $t (eq $t')))
    (component $c (type $t' (variant (case "b") (case "a"))) (import "t" (type (eq $t'))))
    (instance (instantiate $c (with "t" (type $t)))))
  "expected case named `b`, found `a`")
(assert_invalid
  (component (type $t' (enum "a" "b")) (import "t" (type $t (eq $t')))
    (component $c (type $t' (enum "a")) (import "t" (type (eq $t'))))
    (instance (instantiate $c (with "t" (type $t)))))
  "mismatch in enum elements")
(assert_invalid
  (component (type $t' (flags "a" "b")) (import "t" (type $t (eq $t')))
    (component $c (type $t' (flags "b" "a")) (import "t" (type (eq $t'))))
    (instance (instantiate $c (with "t" (type $t)))))
  "mismatch in flags elements")
(assert_invalid
  (component (type $t' u8) (import "t" (type $t (eq $t')))
    (component $c (import "t" (type (sub resource))))
    (instance (instantiate $c (with "t" (type $t)))))
  "expected resource, found defined type")
(assert_invalid
  (component (import "r" (type $r (sub resource))) (import "s" (type $s (sub resource)))
    (component $c (import "r" (type $r (sub resource))) (import "s" (type (eq $r))))
    (instance (instantiate $c (with "r" (type $r)) (with "s" (type $s)))))
  "resource types are not the same")
(assert_invalid
  (component (import "r" (type $r (sub resource))) (import "f" (func $f (param "a" (own $r))))
    (component $c (import "r" (type $r (sub resource))) (import "f" (func (param "a" (borrow $r)))))
    (instance (instantiate $c (with "r" (type $r)) (with "f" (func $f)))))
  "type mismatch in function parameter `a`")

;; Names: of imports and exports, and what may be seen from outside.
(assert_invalid (component (import "a" (func)) (import "A" (func))) "conflicts with previous name")
(assert_invalid (component (import "a" (func $f)) (export "b" (func $f)) (export "b" (func $f))) "conflicts with previous name")
(component (component (import "a" (func $f)) (export "a" (func $f))))
(assert_invalid (component (import "a" (func $f)) (export "a" (func $f))) "is a reexport of an imported function which is not implemented")
(assert_invalid (component (import "" (func))) "is not in kebab case")
(assert_invalid (component (import "a--b" (func))) "is not in kebab case")
(assert_invalid (component (import "aB" (func))) "is not in kebab case")
(assert_invalid (component (import "1a" (func))) "is not in kebab case")
(assert_invalid (component (import "a:b" (func))) "expected `/` after package name")
(assert_invalid (component (import "a:b/c@1.0" (func))) "invalid interface version")
(assert_invalid (component (import "a:b/c@1" (func))) "invalid interface version")
(component (import "a:b/c" (instance)) (import "a:b/c@1.0.0" (instance)) (import "a:b/c@1.0.1" (instance)) (import "c" (instance)))
(assert_invalid (component (type $t (record (field "a" u8))) (import "f" (func (param "a" $t)))) "func not valid to be used as import")
(assert_invalid
  (component (type $t (enum "a")) (import "f" (func $g (result u8))) (core func $g (canon lower (func $g)))
    (core module $m (import "" "g" (func (result i32))) (export "g" (func 0)))
    (core instance $i (instantiate $m (with "" (instance (export "g" (func $g))))))
    (func (export "f") (result $t) (canon lift (core func $i "g"))))
  "func not valid to be used as export")

;; What is outside: modules, components and types can be used from within; instances and functions cannot, nor types
;; with the resources of one.
(component
  (core module $m (func (export "f") (result i32) (i32.const 5)))
  (component $within
    (alias outer 1 $m (core module $outer))
    (core instance $i (instantiate $outer))
    (func (export "f") (result u32) (canon lift (core func $i "f"))))
  (instance $within (instantiate $within))
  (export "f" (func $within "f")))
(assert_return (invoke "f") (u32.const 5))
(assert_invalid
  (component (type $r (resource (rep i32))) (component (alias outer 1 $r (type $r)) (export "r" (type $r))))
  "refers to resources")
(assert_invalid (component (component (alias outer 2 0 (type)))) "invalid outer alias count")
(assert_invalid (component (component (alias outer 1 0 (type)))) "index out of bounds")
(assert_invalid (component (import "i" (instance $i)) (alias export $i "a" (func))) "has no export named `a`")
(assert_invalid (component (core module $m) (core instance $i (instantiate $m)) (alias core export $i "a" (core func))) "has no export named `a`")
(assert_invalid
  (component (core module $m (global (export "a") i32 (i32.const 0))) (core instance $i (instantiate $m))
    (alias core export $i "a" (core func)))
  "is not a func")
(assert_invalid (component (import "i" (instance $i (export "a" (func)))) (alias export $i "a" (instance))) "is not a")
