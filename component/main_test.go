package component_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestMain(m *testing.M) { Main(m, closeShared) }

// shared is what tests have shared, which is made once.
var shared struct {
	sync.Mutex
	all []interface{ Close() }
}

// share remembers what tests share.
func share[T interface{ Close() }](made T, err error) (T, error) {
	if err == nil {
		shared.Lock()
		defer shared.Unlock()
		shared.all = append(shared.all, made)
	}
	return made, err
}

// closeShared closes it, the last first.
func closeShared() {
	for _, made := range slices.Backward(shared.all) {
		made.Close()
	}
}

// memoryWat is the beginning of a core module: a memory in which realloc takes what comes next and reset frees it all.
// echo returns a pointer to its two parameters.
const memoryWat = `
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    (func $realloc (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $p i32)
      (local.set $p (i32.and (i32.add (global.get $next) (i32.sub (local.get 2) (i32.const 1)))
                             (i32.sub (i32.const 0) (local.get 2))))
      (global.set $next (i32.add (local.get $p) (local.get 3)))
      (if (i32.gt_u (global.get $next) (i32.mul (memory.size) (i32.const 65536)))
        (then (drop (memory.grow (i32.add (i32.const 1) (i32.div_u (local.get 3) (i32.const 65536)))))))
      (local.get $p))
    (func (export "reset") (param i32) (global.set $next (i32.const 1024)))
    (func (export "echo") (param i32 i32) (result i32)
      (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16))
`

// testWat exports functions of many kinds, by itself and in the instance example:test/api@1.2.3.
const testWat = `(component
  (type $point' (record (field "x" s32) (field "y" s32)))
  (export $point "point" (type $point'))
  (type $person' (record (field "full-name" string) (field "age" u8)))
  (export $person "person" (type $person'))
  (type $shape' (variant (case "circle" f32) (case "box" $point) (case "empty")))
  (export $shape "shape" (type $shape'))
  (type $color' (enum "red" "green" "dark-blue"))
  (export $color "color" (type $color'))
  (type $perms' (flags "read" "write" "exec"))
  (export $perms "perms" (type $perms'))
  (core module $m` + memoryWat + `
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "same") (param i32) (result i32) (local.get 0))
    (func (export "nothing"))
    (func (export "trap") unreachable)
    (func (export "forever") (loop (br 0)))
    (func (export "pair") (param i32 i32) (result i32)
      (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16))
    (func (export "half") (param i32) (result i32) ;; result<u32, string>
      (if (i32.and (local.get 0) (i32.const 1))
        (then (i32.store8 (i32.const 16) (i32.const 1)) (i32.store (i32.const 20) (i32.const 64))
              (i32.store (i32.const 24) (i32.const 3)))
        (else (i32.store8 (i32.const 16) (i32.const 0)) (i32.store (i32.const 20) (i32.shr_u (local.get 0) (i32.const 1)))))
      (i32.const 16))
    (func (export "option") (param i32 i32) (result i32)
      (i32.store8 (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16))
    (func (export "shape") (param i32 i32 i32) (result i32)
      (i32.store8 (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.store (i32.const 24) (local.get 2))
      (i32.const 16))
    (func (export "person") (param i32 i32 i32) (result i32)
      (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.store8 (i32.const 24) (local.get 2))
      (i32.const 16))
    (func (export "fill") (param i32) (result i32)
      (local $p i32)
      (local.set $p (call $realloc (i32.const 0) (i32.const 0) (i32.const 8) (local.get 0)))
      (memory.fill (local.get $p) (i32.const 7) (local.get 0))
      (i32.store (i32.const 16) (local.get $p)) (i32.store (i32.const 20) (local.get 0)) (i32.const 16))
    (func (export "check") (param i32) (result i32) (i32.ne (local.get 0) (i32.const 0)))
    (data (i32.const 64) "odd"))
  (core instance $i (instantiate $m))
  (alias core export $i "memory" (core memory $memory))
  (alias core export $i "realloc" (core func $realloc))
  (alias core export $i "reset" (core func $reset))
  (func $add (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add")))
  (func $echo (param "text" string) (result string)
    (canon lift (core func $i "echo") (memory $memory) (realloc $realloc) (post-return $reset)))
  (export "add" (func $add))
  (export "echo" (func $echo))
  (func (export "rune") (param "c" char) (result char) (canon lift (core func $i "same")))
  (func (export "not") (param "b" bool) (result bool) (canon lift (core func $i "same")))
  (func (export "nothing") (canon lift (core func $i "nothing")))
  (func (export "trap") (canon lift (core func $i "trap")))
  (func (export "forever") (canon lift (core func $i "forever")))
  (func (export "swap") (param "p" $point) (result $point) (canon lift (core func $i "pair") (memory $memory)))
  (func (export "tuple") (param "p" (tuple s32 s32)) (result (tuple s32 s32))
    (canon lift (core func $i "pair") (memory $memory)))
  (func (export "half") (param "n" u32) (result (result u32 (error string)))
    (canon lift (core func $i "half") (memory $memory)))
  (func (export "check") (param "n" u32) (result (result)) (canon lift (core func $i "check")))
  (func (export "option") (param "o" (option u32)) (result (option u32))
    (canon lift (core func $i "option") (memory $memory)))
  (func (export "echo-shape") (param "s" $shape) (result $shape) (canon lift (core func $i "shape") (memory $memory)))
  (func (export "echo-person") (param "p" $person) (result $person)
    (canon lift (core func $i "person") (memory $memory) (realloc $realloc) (post-return $reset)))
  (func (export "echo-color") (param "c" $color) (result $color) (canon lift (core func $i "same")))
  (func (export "echo-perms") (param "p" $perms) (result $perms) (canon lift (core func $i "same")))
  (func (export "bytes") (param "b" (list u8)) (result (list u8))
    (canon lift (core func $i "echo") (memory $memory) (realloc $realloc) (post-return $reset)))
  (func (export "strings") (param "b" (list string)) (result (list string))
    (canon lift (core func $i "echo") (memory $memory) (realloc $realloc) (post-return $reset)))
  (func (export "points") (param "b" (list $point)) (result (list $point))
    (canon lift (core func $i "echo") (memory $memory) (realloc $realloc) (post-return $reset)))
  (func (export "fill") (param "n" u32) (result (list u8))
    (canon lift (core func $i "fill") (memory $memory) (realloc $realloc) (post-return $reset)))
  (instance $api (export "add" (func $add)) (export "echo" (func $echo)))
  (export "example:test/api@1.2.3" (instance $api)))`

// world is a store with an instance in it.
type world struct {
	engine    *wasmtime.Engine
	component *component.Component
	linker    *component.Linker
	store     *wasmtime.Store
	instance  *component.Instance
}

// newWorld instantiates a component given as text; define gives it its imports, if it is not nil.
func newWorld(t testing.TB, wat string, define func(*component.Linker) error, options ...func(*wasmtime.Config)) *world {
	t.Helper()
	w := &world{engine: EngineWith(t, options...)}
	t.Cleanup(w.engine.Close)
	var err error
	w.component, err = component.New(w.engine, []byte(wat))
	Check(t, err)
	t.Cleanup(w.component.Close)
	w.linker = component.NewLinker(w.engine)
	t.Cleanup(w.linker.Close)
	if define != nil {
		Check(t, define(w.linker))
	}
	w.store = wasmtime.NewStore(w.engine)
	t.Cleanup(w.store.Close)
	w.instance, err = w.linker.Instantiate(nil, w.store, w.component)
	Check(t, err)
	return w
}

// renew takes another store, and another instance.
func (w *world) renew(t testing.TB) {
	t.Helper()
	w.store = wasmtime.NewStore(w.engine)
	t.Cleanup(w.store.Close)
	var err error
	w.instance, err = w.linker.Instantiate(nil, w.store, w.component)
	Check(t, err)
}

// fn returns an exported function.
func (w *world) fn(t testing.TB, name string) *component.Func {
	t.Helper()
	f, err := w.instance.Func(name)
	Check(t, err)
	return f
}

// call calls an exported function, which has to succeed.
func (w *world) call(t testing.TB, name string, args ...any) any {
	t.Helper()
	result, err := w.fn(t, name).Call(nil, args...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return result
}
