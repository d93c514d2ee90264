;; Components that import from the host and from each other, and those that are refused.

(component
  (import "host-return-two" (func $two (result u32)))
  (import "host" (instance $host
    (export "return-three" (func (result u32)))
    (export "return-hi" (func (result string)))
    (export "nested" (instance (export "return-four" (func (result u32)))))
    (export "simple-module" (core module (export "g" (global i32)) (export "f" (func (result i32)))))))
  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 64))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $mem))
  (alias core export $memory "realloc" (core func $realloc))
  (alias export $host "nested" (instance $nested))
  (alias export $host "simple-module" (core module $simple))
  (core func $two (canon lower (func $two)))
  (core func $three (canon lower (func $host "return-three")))
  (core func $four (canon lower (func $nested "return-four")))
  (core func $hi (canon lower (func $host "return-hi") (memory $mem) (realloc $realloc)))
  (core instance $simple (instantiate $simple))
  (core module $m
    (import "" "two" (func $two (result i32)))
    (import "" "three" (func $three (result i32)))
    (import "" "four" (func $four (result i32)))
    (import "" "hi" (func $hi (param i32)))
    (import "simple" "f" (func $f (result i32)))
    (import "simple" "g" (global $g i32))
    (func (export "two") (result i32) call $two)
    (func (export "three") (result i32) call $three)
    (func (export "four") (result i32) call $four)
    (func (export "hi") (result i32) (call $hi (i32.const 16)) (i32.const 16))
    (func (export "f") (result i32) call $f)
    (func (export "g") (result i32) global.get $g))
  (core instance $i (instantiate $m
    (with "" (instance
      (export "two" (func $two)) (export "three" (func $three)) (export "four" (func $four)) (export "hi" (func $hi))))
    (with "simple" (instance $simple))))
  (func (export "two") (result u32) (canon lift (core func $i "two")))
  (func (export "three") (result u32) (canon lift (core func $i "three")))
  (func (export "four") (result u32) (canon lift (core func $i "four")))
  (func (export "hi") (result string) (canon lift (core func $i "hi") (memory $mem)))
  (func (export "f") (result u32) (canon lift (core func $i "f")))
  (func (export "g") (result u32) (canon lift (core func $i "g"))))

(assert_return (invoke "two") (u32.const 2))
(assert_return (invoke "three") (u32.const 3))
(assert_return (invoke "four") (u32.const 4))
(assert_return (invoke "hi") (str.const "hi"))
(assert_return (invoke "f") (u32.const 101))
(assert_return (invoke "g") (u32.const 100))

;; What nobody has defined, or has defined otherwise.
(assert_unlinkable (component (import "missing" (func))) "was not found in the linker")
(assert_unlinkable (component (import "missing" (func))) "function implementation is missing")
(assert_unlinkable (component (import "host" (instance (export "missing" (func))))) "function implementation is missing")
(assert_unlinkable (component (import "host" (func))) "expected function found instance")
(assert_unlinkable (component (import "host-return-two" (func (result string)))) "host-return-two")
(assert_unlinkable (component (import "host-return-two" (func (param "v" u32) (result u32)))) "host-return-two")
(assert_unlinkable (component (import "host" (instance (export "simple-module" (core module (export "x" (func))))))) "simple-module")
(assert_unlinkable (component (import "host-return-two" (func (result u32)))) "host-return-two") ;; fails: expected that it is not instantiated

;; Definitions, of which instances are made: each has a state of its own.
(component definition $counter
  (core module $m
    (global $n (mut i32) (i32.const 0))
    (func (export "next") (result i32)
      (global.set $n (i32.add (global.get $n) (i32.const 1)))
      (global.get $n))
    (func (export "trap") unreachable))
  (core instance $i (instantiate $m))
  (func (export "next") (result u32) (canon lift (core func $i "next")))
  (func (export "trap") (canon lift (core func $i "trap"))))
(component instance $one $counter)
(assert_return (invoke "next") (u32.const 1))
(assert_return (invoke "next") (u32.const 2))
(component instance $two $counter)
(assert_return (invoke "next") (u32.const 1))
(assert_return (invoke $one "next") (u32.const 3))
(assert_return (invoke $two "next") (u32.const 2))

;; An instance that has trapped cannot be entered any more; others can.
(assert_trap (invoke "trap") "unreachable")
(assert_trap (invoke "next") "cannot enter component instance")
(assert_return (invoke $one "next") (u32.const 4))
(assert_return (invoke "next") (u32.const 3)) ;; fails: expected u32 3, got

;; Components within components: they may call each other, but not the one around them.
(component definition $nested
  (component $twice
    (core module $m (func (export "twice") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2))))
    (core instance $i (instantiate $m))
    (func (export "twice") (param "v" u32) (result u32) (canon lift (core func $i "twice"))))
  (component $four
    (import "twice" (func $twice (param "v" u32) (result u32)))
    (core func $twice (canon lower (func $twice)))
    (core module $m
      (import "" "twice" (func $twice (param i32) (result i32)))
      (func (export "four times") (param i32) (result i32) (call $twice (call $twice (local.get 0)))))
    (core instance $i (instantiate $m (with "" (instance (export "twice" (func $twice))))))
    (func (export "four-times") (param "v" u32) (result u32) (canon lift (core func $i "four times"))))
  (core module $m (func (export "once") (param i32) (result i32) local.get 0))
  (core instance $i (instantiate $m))
  (func $once (param "v" u32) (result u32) (canon lift (core func $i "once")))
  (instance $twice (instantiate $twice))
  (instance $four (instantiate $four (with "twice" (func $twice "twice"))))
  (instance $around (instantiate $four (with "twice" (func $once))))
  (export "four-times" (func $four "four-times"))
  (export "around" (func $around "four-times")))
(component instance $nested1 $nested)
(assert_return (invoke "four-times" (u32.const 5)) (u32.const 20))
(assert_trap (invoke "around" (u32.const 5)) "cannot enter component instance")

;; A start function of a module within, and what does not compile.
(assert_trap
  (component
    (core module $m (func $start unreachable) (start $start))
    (core instance (instantiate $m)))
  "unreachable")
(component (core module $m (func $start unreachable) (start $start)) (core instance (instantiate $m))) ;; fails: instantiation failed
(assert_invalid (component (export "f" (func 0))) "unknown function")
(assert_invalid (component) "unknown function") ;; fails: expected that it does not compile
(assert_invalid (component (import "f" (func)) (import "f" (func))) "conflicts with previous name")
(assert_invalid (component (import "not a name" (func))) "is not in kebab case")
(assert_malformed (component quote "(import)") "expected")
(assert_malformed (component binary "\00asm\0d\00\01\00\ff") "malformed section id")
(component quote "(import \"host-return-two\" (func (result u32)))")

;; Modules beside them.
(module (func (export "f") (result i32) i32.const 1))
(assert_return (invoke "f") (i32.const 1))
(assert_return (invoke $one "next") (u32.const 5))

;; The name of an instance is enough to import it, with nothing that is not in it; an empty one need not be there.
(component $empty)
(component (import "empty" (instance)))
(assert_unlinkable (component (import "empty" (instance (export "f" (func))))) "function implementation is missing")
(assert_unlinkable (component (import "empty" (func))) "expected function found instance")
(assert_unlinkable (component (import "host-return-two" (instance))) "expected instance found func")
(component (import "there-is-none" (instance (export "neither" (instance)))))

;; The modules and resources of a component with a name can be imported from it; its functions and instances cannot.
(component $named
  (core module (export "m") (func (export "f") (result i32) (i32.const 7)) (func (export "g")))
  (type $r (resource (rep i32)))
  (export "r" (type $r))
  (core module $m (func (export "f")))
  (core instance $i (instantiate $m))
  (func (export "f") (canon lift (core func $i "f")))
  (instance $inner (export "r" (type $r)))
  (export "inner" (instance $inner)))
(component
  (import "named" (instance $named
    (export "m" (core module (export "f" (func (result i32)))))
    (export "r" (type $r (sub resource)))))
  (alias export $named "m" (core module $m))
  (core instance $i (instantiate $m))
  (func (export "f") (result u32) (canon lift (core func $i "f"))))
(assert_return (invoke "f") (u32.const 7))
(assert_unlinkable (component (import "named" (instance (export "f" (func))))) "function implementation is missing")
(assert_unlinkable (component (import "named" (instance (export "inner" (instance (export "r" (type (sub resource)))))))) "resource implementation is missing")
(assert_unlinkable (component (import "named" (instance (export "m" (func))))) "expected function found module")
(assert_unlinkable (component (import "named" (instance (export "r" (func))))) "expected function found resource")
(assert_unlinkable (component (import "named" (instance (export "m" (type (sub resource)))))) "expected resource found module")
(assert_unlinkable (component (import "named" (instance (export "m" (core module (export "h" (func))))))) "module export `h` not defined")
(assert_unlinkable (component (import "named" (instance (export "m" (core module (export "g" (func (result i32)))))))) "module export `g` has the wrong type")
(assert_unlinkable (component (import "named" (instance (export "m" (core module (export "g" (global i32))))))) "module export `g` has the wrong type")

;; A module may be another than the one that is asked for: with more exports, fewer imports, and larger limits.
(component $kinds
  (core module (export "out")
    (func (export "f"))
    (table (export "t") 2 4 funcref)
    (memory (export "m") 2 4)
    (global (export "g") (mut i32) (i32.const 0))
    (tag (export "e") (param i32)))
  (core module (export "in")
    (import "" "f" (func (param i32)))
    (import "" "t" (table 2 4 funcref))
    (import "" "m" (memory 2 4))
    (import "" "g" (global i32))
    (import "" "e" (tag (param i32)))))
(component (import "kinds" (instance (export "out" (core module (export "t" (table 1 funcref)) (export "m" (memory 1 5)))))))
(component (import "kinds" (instance (export "out" (core module (import "a" "b" (func)) (export "e" (tag (param i32))))))))
(component (import "kinds" (instance (export "in" (core module
  (import "" "f" (func (param i32))) (import "" "t" (table 3 3 funcref)) (import "" "m" (memory 3 4))
  (import "" "g" (global i32)) (import "" "e" (tag (param i32))) (import "" "more" (func)))))))
(assert_unlinkable (component (import "kinds" (instance (export "out" (core module (export "f" (global i32))))))) "expected global found func")
(assert_unlinkable (component (import "kinds" (instance (export "out" (core module (export "t" (func))))))) "expected func found table")
(assert_unlinkable (component (import "kinds" (instance (export "out" (core module (export "m" (func))))))) "expected func found memory")
(assert_unlinkable (component (import "kinds" (instance (export "out" (core module (export "g" (func))))))) "expected func found global")
(assert_unlinkable (component (import "kinds" (instance (export "out" (core module (export "f" (func (param i32)))))))) "expected type `(func (param i32))`, found type `(func)`")
(assert_unlinkable (component (import "kinds" (instance (export "out" (core module (export "t" (table 3 funcref))))))) "module export `t` has the wrong type")
(assert_unlinkable (component (import "kinds" (instance (export "out" (core module (export "t" (table 1 externref))))))) "module export `t` has the wrong type")
(assert_unlinkable (component (import "kinds" (instance (export "out" (core module (export "m" (memory 2 3))))))) "module export `m` has the wrong type")
(assert_unlinkable (component (import "kinds" (instance (export "out" (core module (export "g" (global i32))))))) "module export `g` has the wrong type")
(assert_unlinkable (component (import "kinds" (instance (export "out" (core module (export "g" (global (mut i64)))))))) "module export `g` has the wrong type")
(assert_unlinkable (component (import "kinds" (instance (export "out" (core module (export "e" (tag))))))) "module export `e` has the wrong type")
(assert_unlinkable (component (import "kinds" (instance (export "in" (core module))))) "module import `::f` not defined")
(assert_unlinkable (component (import "kinds" (instance (export "in" (core module (import "" "f" (func))))))) "module import `::f` has the wrong type")
(assert_unlinkable
  (component (import "kinds" (instance (export "in" (core module (import "" "f" (func (param i32))) (import "" "t" (table 1 4 funcref)))))))
  "module import `::t` has the wrong type")
(assert_unlinkable
  (component (import "kinds" (instance (export "in" (core module
    (import "" "f" (func (param i32))) (import "" "t" (table 2 4 funcref)) (import "" "m" (memory 2 5)))))))
  "module import `::m` has the wrong type")
(assert_unlinkable
  (component (import "kinds" (instance (export "in" (core module
    (import "" "f" (func (param i32))) (import "" "t" (table 2 4 funcref)) (import "" "m" (memory 2 4))
    (import "" "g" (func)))))))
  "expected global found func")

;; Its resource is another than that of the host, and the same wherever it is imported.
(component
  (import "named" (instance $named (export "r" (type $r (sub resource)))))
  (alias export $named "r" (type $r))
  (import "again" (type (eq $r))))
(assert_unlinkable
  (component
    (import "named" (instance $named (export "r" (type $r (sub resource)))))
    (alias export $named "r" (type $r))
    (import "host" (instance (export "resource1" (type (eq $r))))))
  "mismatched resource types")

;; Each instance of a definition has a resource of its own.
(component definition $maker (type $r (resource (rep i32))) (export "r" (type $r)))
(component instance $made1 $maker)
(component instance $made2 $maker)
(assert_unlinkable
  (component
    (import "made1" (instance $made (export "r" (type $r (sub resource)))))
    (alias export $made "r" (type $r))
    (import "made2" (instance (export "r" (type (eq $r))))))
  "mismatched resource types")
(component
  (import "made1" (instance (export "r" (type (sub resource)))))
  (import "made2" (instance (export "r" (type (sub resource))))))

;; One with the same name takes its place, as of then.
(component $named (core module (export "m") (func (export "f") (result i32) (i32.const 8))))
(component
  (import "named" (instance $named (export "m" (core module (export "f" (func (result i32)))))))
  (alias export $named "m" (core module $m))
  (core instance $i (instantiate $m))
  (func (export "f") (result u32) (canon lift (core func $i "f"))))
(assert_return (invoke "f") (u32.const 8))
(assert_unlinkable (component (import "named" (instance (export "m" (core module (export "g" (func))))))) "module export `g` not defined")

;; Versions: the one that is asked for, else the newest that is compatible, be it older or newer.
(component $"my:own/thing@1.2.0" (core module (export "m") (global (export "v") i32 (i32.const 120))))
(component $"my:own/thing@1.3.1" (core module (export "m") (global (export "v") i32 (i32.const 131))))
(component $"my:own/thing@2.0.0" (core module (export "m") (global (export "v") i32 (i32.const 200))))
(component $"my:own/thing@0.2.1" (core module (export "m") (global (export "v") i32 (i32.const 21))))
(component $"my:own/thing@0.0.3" (core module (export "m") (global (export "v") i32 (i32.const 3))))
(component definition $exact
  (import "my:own/thing@1.2.0" (instance $thing (export "m" (core module $m (export "v" (global i32))))))
  (alias export $thing "m" (core module $m))
  (core instance $m (instantiate $m))
  (core module $get (import "m" "v" (global $v i32)) (func (export "v") (result i32) (global.get $v)))
  (core instance $get (instantiate $get (with "m" (instance $m))))
  (func (export "v") (result u32) (canon lift (core func $get "v"))))
(component instance $exact1 $exact)
(assert_return (invoke "v") (u32.const 120))
(component definition $older
  (import "my:own/thing@1.0.0" (instance $thing (export "m" (core module $m (export "v" (global i32))))))
  (alias export $thing "m" (core module $m))
  (core instance $m (instantiate $m))
  (core module $get (import "m" "v" (global $v i32)) (func (export "v") (result i32) (global.get $v)))
  (core instance $get (instantiate $get (with "m" (instance $m))))
  (func (export "v") (result u32) (canon lift (core func $get "v"))))
(component instance $older1 $older)
(assert_return (invoke "v") (u32.const 131))
(component definition $newer
  (import "my:own/thing@1.9.9" (instance $thing (export "m" (core module $m (export "v" (global i32))))))
  (alias export $thing "m" (core module $m))
  (core instance $m (instantiate $m))
  (core module $get (import "m" "v" (global $v i32)) (func (export "v") (result i32) (global.get $v)))
  (core instance $get (instantiate $get (with "m" (instance $m))))
  (func (export "v") (result u32) (canon lift (core func $get "v"))))
(component instance $newer1 $newer)
(assert_return (invoke "v") (u32.const 131))
(component (import "my:own/thing@0.2.0" (instance (export "m" (core module (export "v" (global i32)))))))
(component (import "my:own/thing@0.2.9" (instance (export "m" (core module (export "v" (global i32)))))))
(component (import "my:own/thing@0.0.3" (instance (export "m" (core module (export "v" (global i32)))))))
(assert_unlinkable (component (import "my:own/thing@0.0.4" (instance (export "m" (core module))))) "module implementation is missing")
(assert_unlinkable (component (import "my:own/thing@0.3.0" (instance (export "m" (core module))))) "module implementation is missing")
(assert_unlinkable (component (import "my:own/thing@3.0.0" (instance (export "m" (core module))))) "module implementation is missing")
(assert_unlinkable (component (import "my:own/thing@1.2.0-rc.1" (instance (export "m" (core module))))) "module implementation is missing")
(assert_unlinkable (component (import "my:own/thing" (instance (export "m" (core module))))) "module implementation is missing")
(assert_unlinkable (component (import "my:own/other@1.2.0" (instance (export "m" (core module))))) "module implementation is missing")

;; What the host has none of.
(assert_invalid (component (import "c" (component))) "root-level component imports are not supported")
(assert_unlinkable (component (import "m" (core module))) "module implementation is missing")
(assert_unlinkable (component (import "r" (type (sub resource)))) "resource implementation is missing")
(assert_unlinkable (component (import "host" (core module))) "expected module found instance")
(assert_unlinkable (component (import "host-return-two" (type (sub resource)))) "expected resource found func")
(assert_unlinkable (component (import "host" (instance (export "nested" (instance (export "x" (func))))))) "instance export `nested` has the wrong type")
(assert_unlinkable (component (import "host" (instance (export "nested" (func))))) "expected function found instance")
;; A type that has only a name is not asked for.
(component (type $t u8) (import "t" (type (eq $t))) (import "host" (instance (type $u u8) (export "t" (type (eq $u))))))

;; Types of functions are compared as a whole.
(assert_unlinkable (component (import "host-echo-u32" (func (param "v" u32)))) "host-echo-u32")
(assert_unlinkable (component (import "host-echo-u32" (func (param "v" s32) (result u32)))) "host-echo-u32")
(assert_unlinkable (component (import "host-echo-u32" (func (param "v" u32) (param "w" u32) (result u32)))) "host-echo-u32")
(component (import "host-echo-u32" (func (param "of-another-name" u32) (result u32))))
(assert_unlinkable
  (component (import "host" (instance
    (export "resource1" (type $r (sub resource)))
    (export "[method]resource1.simple" (func (param "self" (borrow $r)) (param "rep" u64))))))
  "[method]resource1.simple")
(assert_unlinkable
  (component (import "host" (instance
    (export "resource1" (type (sub resource)))
    (export "resource2" (type $r (sub resource)))
    (export "[constructor]resource2" (func (result (own $r)))))))
  "function implementation is missing")

;; A name that is taken again keeps what is not replaced.
(component $twice
  (core module (export "a") (global (export "v") i32 (i32.const 1)))
  (core module (export "b") (global (export "v") i32 (i32.const 10))))
(component $twice
  (core module (export "b") (global (export "v") i32 (i32.const 20)))
  (core module (export "c")))
(component
  (import "twice" (instance $twice
    (export "a" (core module (export "v" (global i32))))
    (export "b" (core module (export "v" (global i32))))
    (export "c" (core module))))
  (alias export $twice "a" (core module $a))
  (alias export $twice "b" (core module $b))
  (core instance $a (instantiate $a))
  (core instance $b (instantiate $b))
  (core module $sum
    (import "a" "v" (global $a i32))
    (import "b" "v" (global $b i32))
    (func (export "sum") (result i32) (i32.add (global.get $a) (global.get $b))))
  (core instance $i (instantiate $sum (with "a" (instance $a)) (with "b" (instance $b))))
  (func (export "sum") (result u32) (canon lift (core func $i "sum"))))
(assert_return (invoke "sum") (u32.const 21))

;; It also replaces what is no instance.
(component (import "host-return-two" (func (result u32))))
(component $host-return-two (core module (export "m")))
(component (import "host-return-two" (instance (export "m" (core module)))))
(assert_unlinkable (component (import "host-return-two" (func (result u32)))) "expected function found instance")
