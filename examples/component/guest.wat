;; A component by hand, so that the example needs no other compiler: it looks for the word that weighs most, asking the
;; host what each weighs, and turns lists around. Components are usually made by compilers: docs/components.md.
(component
  (import "example:words/host@1.0.0" (instance $host
    (export "weight" (func (param "word" string) (result u32)))
    (export "log" (func (param "text" string)))))
  (alias export $host "weight" (func $weight))
  (alias export $host "log" (func $log))

  (core module $memory
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $p i32)
      (local.set $p (i32.and (i32.add (global.get $next) (i32.sub (local.get 2) (i32.const 1)))
                             (i32.sub (i32.const 0) (local.get 2))))
      (global.set $next (i32.add (local.get $p) (local.get 3)))
      (local.get $p))
    (func (export "free-all") (param i32) (global.set $next (i32.const 1024))))
  (core instance $mem (instantiate $memory))
  (alias core export $mem "memory" (core memory $m))
  (alias core export $mem "realloc" (core func $realloc))
  (alias core export $mem "free-all" (core func $free))

  (core func $weight-lowered (canon lower (func $weight) (memory $m)))
  (core func $log-lowered (canon lower (func $log) (memory $m)))
  (core module $guest
    (import "mem" "memory" (memory 1))
    (import "host" "weight" (func $weight (param i32 i32) (result i32)))
    (import "host" "log" (func $log (param i32 i32)))
    (data (i32.const 64) "the guest has looked at the words")
    ;; A list of strings is the address of its elements and their number; an element is an address and a length.
    (func (export "heaviest") (param $list i32) (param $n i32) (result i32)
      (local $best i32) (local $weight i32)
      (i32.store8 (i32.const 16) (i32.const 0)) ;; none
      (block $end
        (loop $next
          (br_if $end (i32.eqz (local.get $n)))
          (local.set $weight (call $weight (i32.load (local.get $list)) (i32.load offset=4 (local.get $list))))
          (if (i32.gt_u (local.get $weight) (local.get $best))
            (then
              (local.set $best (local.get $weight))
              (i32.store8 (i32.const 16) (i32.const 1)) ;; some
              (i32.store (i32.const 20) (i32.load (local.get $list)))
              (i32.store (i32.const 24) (i32.load offset=4 (local.get $list)))))
          (local.set $list (i32.add (local.get $list) (i32.const 8)))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br $next)))
      (call $log (i32.const 64) (i32.const 33))
      (i32.const 16))
    (func (export "reverse") (param $list i32) (param $n i32) (result i32)
      (local $last i32) (local $swap i64)
      (i32.store (i32.const 16) (local.get $list))
      (i32.store (i32.const 20) (local.get $n))
      (local.set $last (i32.add (local.get $list) (i32.mul (i32.const 8) (i32.sub (local.get $n) (i32.const 1)))))
      (block $end
        (loop $next
          (br_if $end (i32.ge_s (local.get $list) (local.get $last)))
          (local.set $swap (i64.load (local.get $list)))
          (i64.store (local.get $list) (i64.load (local.get $last)))
          (i64.store (local.get $last) (local.get $swap))
          (local.set $list (i32.add (local.get $list) (i32.const 8)))
          (local.set $last (i32.sub (local.get $last) (i32.const 8)))
          (br $next)))
      (i32.const 16)))
  (core instance $g (instantiate $guest
    (with "mem" (instance $mem))
    (with "host" (instance (export "weight" (func $weight-lowered)) (export "log" (func $log-lowered))))))

  (func $heaviest (param "words" (list string)) (result (option string))
    (canon lift (core func $g "heaviest") (memory $m) (realloc $realloc) (post-return $free)))
  (func $reverse (param "words" (list string)) (result (list string))
    (canon lift (core func $g "reverse") (memory $m) (realloc $realloc) (post-return $free)))
  (instance $words (export "heaviest" (func $heaviest)) (export "reverse" (func $reverse)))
  (export "example:words/words@1.0.0" (instance $words)))
