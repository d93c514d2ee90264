package component_test

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// countersWat imports a resource of the host.
const countersWat = `(component
  (import "example:test/counters@1.0.0" (instance $host
    (export "counter" (type $counter (sub resource)))
    (export "[constructor]counter" (func (param "n" u32) (result (own $counter))))
    (export "[method]counter.get" (func (param "self" (borrow $counter)) (result u32)))
    (export "[method]counter.fork" (func (param "self" (borrow $counter)) (result (own $counter))))
    (export "[static]counter.merge" (func (param "a" (own $counter)) (param "b" (own $counter)) (result (own $counter))))
    (export "take" (func (param "c" (own $counter)) (result u32)))))
  (alias export $host "counter" (type $counter))
  (alias export $host "[constructor]counter" (func $new))
  (alias export $host "[method]counter.get" (func $get))
  (alias export $host "[method]counter.fork" (func $fork))
  (alias export $host "[static]counter.merge" (func $merge))
  (alias export $host "take" (func $take))
  (core func $new' (canon lower (func $new)))
  (core func $get' (canon lower (func $get)))
  (core func $fork' (canon lower (func $fork)))
  (core func $merge' (canon lower (func $merge)))
  (core func $take' (canon lower (func $take)))
  (core func $drop' (canon resource.drop $counter))
  (core module $m
    (import "h" "new" (func $new (param i32) (result i32)))
    (import "h" "get" (func $get (param i32) (result i32)))
    (import "h" "fork" (func $fork (param i32) (result i32)))
    (import "h" "merge" (func $merge (param i32 i32) (result i32)))
    (import "h" "take" (func $take (param i32) (result i32)))
    (import "h" "drop" (func $drop (param i32)))
    (func (export "run") (param i32) (result i32) (local $a i32) (local $n i32)
      (local.set $a (call $new (local.get 0)))
      (local.set $n (call $get (local.get $a)))
      (call $drop (local.get $a))
      (local.get $n))
    (func (export "merged") (param i32 i32) (result i32)
      (call $take (call $merge (call $new (local.get 0)) (call $new (local.get 1)))))
    (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
    (func (export "use") (param i32) (result i32) (local $n i32)
      (local.set $n (call $get (local.get 0))) (call $drop (local.get 0)) (local.get $n))
    (func (export "keep") (param i32) (result i32) (local.get 0))
    (func (export "many") (param i32)
      (loop (drop (call $new (i32.const 1))) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func (export "orphan") (param i32) (local $a i32)
      (local.set $a (call $new (local.get 0))) (drop (call $fork (local.get $a))) (call $drop (local.get $a)))
    (func (export "family") (param i32) (local $a i32) (local $b i32)
      (local.set $a (call $new (local.get 0))) (local.set $b (call $fork (local.get $a)))
      (call $drop (local.get $b)) (call $drop (local.get $a))))
  (core instance $i (instantiate $m (with "h" (instance
    (export "new" (func $new')) (export "get" (func $get')) (export "fork" (func $fork')) (export "merge" (func $merge'))
    (export "take" (func $take')) (export "drop" (func $drop'))))))
  (func (export "run") (param "n" u32) (result u32) (canon lift (core func $i "run")))
  (func (export "merged") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "merged")))
  (func (export "make") (param "n" u32) (result (own $counter)) (canon lift (core func $i "make")))
  (func (export "use") (param "c" (borrow $counter)) (result u32) (canon lift (core func $i "use")))
  (func (export "keep") (param "c" (own $counter)) (result u32) (canon lift (core func $i "keep")))
  (func (export "many") (param "n" u32) (canon lift (core func $i "many")))
  (func (export "orphan") (param "n" u32) (canon lift (core func $i "orphan")))
  (func (export "family") (param "n" u32) (canon lift (core func $i "family"))))`

// counter is the resource.
type counter struct {
	n      uint32
	closed *[]uint32
	err    error
}

func (c *counter) Get() uint32 { return c.n }

func (c *counter) Fork(caller *wasmtime.Caller) (*counter, error) {
	child := &counter{n: c.n + 100, closed: c.closed}
	return child, component.TableOf(caller).PushChild(child, c)
}

func (c *counter) Close() error {
	if c.closed != nil {
		*c.closed = append(*c.closed, c.n)
	}
	return c.err
}

// counters is the interface.
type counters struct {
	closed []uint32
	err    error
}

func (c *counters) NewCounter(n uint32) *counter { return &counter{n, &c.closed, c.err} }

func (c *counters) CounterMerge(a, b *counter) *counter { return c.NewCounter(a.n + b.n) }

func (c *counters) Take(from *counter) uint32 { return from.n }

func (c *counters) define(l *component.Linker) error {
	return l.Instance("example:test/counters@1.0.0").Interface(c, component.ResourceOf[*counter]())
}

func TestHostResources(t *testing.T) {
	host := &counters{}
	w := newWorld(t, countersWat, host.define)
	closed := func(what string, want ...uint32) {
		t.Helper()
		if fmt.Sprint(host.closed) != fmt.Sprint(want) {
			t.Errorf("%s: closed %v, want %v", what, host.closed, want)
		}
		host.closed = nil
	}
	Equal(t, "run", w.call(t, "run", 7), any(uint32(7)))
	closed("dropped by the guest", 7)
	Equal(t, "merged", w.call(t, "merged", 3, 4), any(uint32(7)))
	closed("given to the host")
	made := Must(Must(component.Bind1[uint32, *counter](w.fn(t, "make"))).Call(nil, 5))
	Equal(t, "made", made.n, 5)
	use := Must(component.Bind1[*counter, uint32](w.fn(t, "use")))
	Equal(t, "use", Must(use.Call(nil, made)), 5)
	Equal(t, "use again", Must(use.Call(nil, made)), 5)
	Equal(t, "use what no guest has seen", w.call(t, "use", &counter{n: 8, closed: &host.closed}), any(uint32(8)))
	table := component.TableOf(w.store)
	Equal(t, "left", table.Len(), 0)
	closed("lent")
	w.call(t, "keep", made)
	Equal(t, "kept", table.Len(), 1)
	closed("kept")
	w.call(t, "family", 1)
	closed("a child before its parent", 101, 1)
	w.call(t, "make", 6)
	w.store.Close()
	closed("by the store", 5)
}

func TestHostResourceFailures(t *testing.T) {
	host := &counters{err: errMine}
	w := newWorld(t, countersWat, host.define)
	_, err := w.fn(t, "run").Call(nil, 1)
	WantIs(t, err, errMine)
	again := func() { w.renew(t) }
	again()
	host.err = nil
	_, err = w.fn(t, "orphan").Call(nil, 1)
	WantIs(t, err, component.ErrHasChildren)
	Equal(t, "left", component.TableOf(w.store).Len(), 2)
	again()
	component.SetLimits(w.store, component.Limits{Resources: 10})
	_, err = w.fn(t, "many").Call(nil, 100)
	WantIs(t, err, component.ErrTooManyHandles)
	again()
	component.SetLimits(w.store, component.Limits{Resources: 10})
	for range 10 {
		Check(t, component.TableOf(w.store).Push(new(counter)))
	}
	_, err = w.fn(t, "use").Call(nil, &counter{})
	WantIs(t, err, component.ErrTooManyHandles)
	component.SetLimits(w.store, component.Limits{Resources: 20})
	w.call(t, "use", &counter{})
	for _, arg := range []any{nil, (*counter)(nil), 7, counter{}, &counters{}} {
		_, err = w.fn(t, "use").Call(nil, arg)
		if !errors.Is(err, component.ErrType) && !errors.Is(err, component.ErrHandle) {
			t.Errorf("%T: %v", arg, err)
		}
	}
	WantTyped(t, ErrorOf(component.Bind1[*counters, uint32](w.fn(t, "use"))), component.ErrType, "*component_test.counter")
	WantTyped(t, ErrorOf(component.Bind1[uint32, *component.Resource](w.fn(t, "make"))), component.ErrType, "*component_test.counter")
}

func TestTable(t *testing.T) {
	store := wasmtime.NewStore(wasmtime.NewEngine())
	table := component.TableOf(store)
	var closed []uint32
	a, b, c := &counter{n: 1, closed: &closed}, &counter{n: 2, closed: &closed}, &counter{n: 3, closed: &closed}
	Check(t, table.Push(a))
	Check(t, table.PushChild(b, a))
	Check(t, table.PushChild(c, b))
	Equal(t, "values", table.Len(), 3)
	WantText(t, table.Push(a), "already")
	WantText(t, table.Push([]int{}), "pointer")
	WantText(t, table.Push(nil), "pointer")
	WantIs(t, table.PushChild(&counter{}, &counter{}), component.ErrHandle)
	WantIs(t, table.PushChild(&counter{}, []int{}), component.ErrHandle)
	WantIs(t, table.Delete(a), component.ErrHasChildren)
	WantIs(t, table.Delete(&counter{}), component.ErrHandle)
	Check(t, table.Delete(c))
	Check(t, table.Delete(b))
	Equal(t, "contains", table.Contains(b), false)
	Check(t, table.PushChild(b, a))
	Check(t, table.PushChild(c, b))
	Equal(t, "contains", table.Contains(b), true)
	store.Close()
	Equal(t, "closed", fmt.Sprint(closed), "[3 2 1]")
}

// exiting is a value that ends the goroutine that closes it.
type exiting struct{ closed *int }

func (e *exiting) Close() {
	*e.closed++
	runtime.Goexit()
}

// A destructor that ends its goroutine keeps nothing else from being closed.
func TestGoexitInDestructors(t *testing.T) {
	store := wasmtime.NewStore(wasmtime.NewEngine())
	table := component.TableOf(store)
	closed, before := 0, any(nil)
	for range 5 {
		value := &exiting{&closed}
		Check(t, table.PushChild(value, before))
		Check(t, table.Push(&exiting{&closed}))
		before = value
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		store.Close()
	}()
	<-done
	Equal(t, "closed", closed, 10)
	store.Close()
}

// loose is a resource whose type says that it can be compared, and that has what cannot be.
type loose struct{ in any }

func (loose) Get() uint32 { return 5 }

// What cannot be compared is found by nobody, although its type says otherwise, and does no harm.
func TestIncomparableValues(t *testing.T) {
	table := component.TableOf(wasmtime.NewStore(wasmtime.NewEngine()))
	for _, value := range []any{loose{[]int{}}, [1]any{func() {}}, math.NaN(), struct{ f float64 }{math.NaN()}} {
		WantText(t, table.Push(value), "pointer")
		WantIs(t, table.PushChild(&counter{}, value), component.ErrHandle)
		WantIs(t, table.Delete(value), component.ErrHandle)
		Equal(t, "contains", table.Contains(value), false)
	}
	Equal(t, "values", table.Len(), 0)

	type getter interface{ Get() uint32 }
	w := newWorld(t, `(component
	  (import "h" (instance $h (export "getter" (type $t (sub resource))) (export "new" (func (result (own $t))))))
	  (alias export $h "getter" (type $t))
	  (alias export $h "new" (func $new))
	  (core func $new' (canon lower (func $new)))
	  (core func $drop (canon resource.drop $t))
	  (core module $m (import "" "new" (func $new (result i32))) (import "" "drop" (func $drop (param i32)))
	    (func (export "run") (drop (call $new)) (call $drop (call $new))))
	  (core instance $i (instantiate $m (with "" (instance (export "new" (func $new')) (export "drop" (func $drop))))))
	  (func (export "run") (canon lift (core func $i "run"))))`, func(l *component.Linker) error {
		if err := l.Instance("h").Resource("getter", component.ResourceOf[getter]()); err != nil {
			return err
		}
		return l.Instance("h").Func("new", func() getter { return loose{[]int{1}} })
	})
	table = component.TableOf(w.store)
	Equal(t, "contains", table.Contains(&counter{}), false) // from here on values are looked up
	w.call(t, "run")
	Equal(t, "values", table.Len(), 1)
}

// things exports a resource of its own.
const thingsWat = `(component
  (core module $count
    (global (export "dropped") (mut i32) (i32.const 0))
    (func (export "dtor") (param i32)
      (if (i32.eq (local.get 0) (i32.const 13)) (then unreachable))
      (global.set 0 (i32.add (global.get 0) (local.get 0))))
    (func (export "dropped-so-far") (result i32) (global.get 0)))
  (core instance $c (instantiate $count))
  (type $thing' (resource (rep i32) (dtor (core func $c "dtor"))))
  (core func $new (canon resource.new $thing'))
  (core func $rep (canon resource.rep $thing'))
  (core func $drop (canon resource.drop $thing'))
  (core module $m
    (import "h" "new" (func $new (param i32) (result i32)))
    (import "h" "rep" (func $rep (param i32) (result i32)))
    (import "h" "drop" (func $drop (param i32)))
    (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
    (func (export "get") (param i32) (result i32) (local.get 0))
    (func (export "take") (param i32) (result i32) (local $n i32)
      (local.set $n (call $rep (local.get 0))) (call $drop (local.get 0)) (local.get $n)))
  (core instance $i (instantiate $m (with "h" (instance (export "new" (func $new)) (export "rep" (func $rep)) (export "drop" (func $drop))))))
  (export $thing "thing" (type $thing'))
  (func (export "[constructor]thing") (param "n" u32) (result (own $thing)) (canon lift (core func $i "make")))
  (func (export "[method]thing.get") (param "self" (borrow $thing)) (result u32) (canon lift (core func $i "get")))
  (func (export "[static]thing.take") (param "t" (own $thing)) (result u32) (canon lift (core func $i "take")))
  (func (export "dropped") (result u32) (canon lift (core func $c "dropped-so-far"))))`

// thing is a resource of a guest with a Go type of its own.
type thing struct{ *component.Resource }

func TestGuestResources(t *testing.T) {
	w := newWorld(t, thingsWat, nil)
	make := Must(component.Bind1[uint32, thing](w.fn(t, "thing")))
	get := Must(component.Bind1[thing, uint32](w.fn(t, "thing.get")))
	take := Must(component.Bind1[*component.Resource, uint32](w.fn(t, "thing.take")))
	a, b := Must(make.Call(nil, 3)), Must(make.Call(nil, 4))
	Equal(t, "name", a.Name(), "thing")
	Equal(t, "get", Must(get.Call(nil, a)), 3)
	Equal(t, "get", Must(get.Call(nil, b)), 4)
	Equal(t, "get", w.call(t, "[method]thing.get", a.Resource), any(uint32(3)))
	Equal(t, "take", Must(take.Call(nil, a.Resource)), 3)
	for _, err := range []error{ErrorOf(get.Call(nil, a)), ErrorOf(take.Call(nil, a.Resource)), a.Drop(nil), ErrorOf(get.Call(nil, thing{}))} {
		WantIs(t, err, component.ErrHandle)
	}
	WantTyped(t, ErrorOf(get.Call(nil, a)), component.ErrHandle, "[method]thing.get: parameter 1: the handle was given away")
	Equal(t, "dropped", w.call(t, "dropped"), any(uint32(3)))
	Check(t, b.Drop(nil))
	WantIs(t, b.Drop(nil), component.ErrHandle)
	Equal(t, "dropped", w.call(t, "dropped"), any(uint32(7)))
	var none *component.Resource
	WantText(t, none.Drop(nil), "the resource is nil")

	made := w.call(t, "thing", 5).(*component.Resource)
	other := newWorld(t, thingsWat, nil)
	_, err := other.fn(t, "thing.get").Call(nil, made)
	WantIs(t, err, wasmtime.ErrWrongStore)
	second := Must(w.linker.Instantiate(nil, w.store, w.component))
	_, err = Must(second.Func("thing.get")).Call(nil, made)
	WantIs(t, err, component.ErrHandle)
	Equal(t, "get", w.call(t, "thing.get", made), any(uint32(5)))

	// A destructor that traps is a trap.
	bad := w.call(t, "thing", 13).(*component.Resource)
	WantTrap(t, bad.Drop(nil), wasmtime.UnreachableCodeReached)
	WantTyped(t, made.Drop(nil), component.ErrUnusable, "; a new store is needed")

	w.renew(t)
	last := w.call(t, "thing", 1).(*component.Resource)
	w.store.Close()
	WantIs(t, last.Drop(nil), wasmtime.ErrClosed)
}

func TestGuestHandleLimit(t *testing.T) {
	w := newWorld(t, thingsWat, nil)
	component.SetLimits(w.store, component.Limits{Resources: 10})
	var last *component.Resource
	for range 10 {
		last = w.call(t, "thing", 1).(*component.Resource)
	}
	_, err := w.fn(t, "thing").Call(nil, 2)
	WantIs(t, err, component.ErrTooManyHandles)
	Equal(t, "nothing was made", w.call(t, "dropped"), any(uint32(0)))
	Check(t, last.Drop(nil))
	w.call(t, "thing", 1)
}

// What a call gives to the guest stays the program's if there is no room for the results: the guest is not entered. And
// the error says what has become of the call.
func TestHandleLimitKeepsWhatIsGiven(t *testing.T) {
	w := newWorld(t, `(component
	  (import "h" (instance $h (export "counter" (type $c (sub resource)))))
	  (alias export $h "counter" (type $counter))
	  (core func $drop (canon resource.drop $counter))
	  (type $thing' (resource (rep i32)))
	  (export $thing "thing" (type $thing'))
	  (core func $new (canon resource.new $thing'))
	  (core module $m
	    (import "h" "drop" (func $drop (param i32)))
	    (import "h" "new" (func $new (param i32) (result i32)))
	    (memory (export "memory") 1)
	    (func (export "swap") (param i32) (result i32) (call $drop (local.get 0)) (call $new (i32.const 1)))
	    (func (export "two") (result i32)
	      (i32.store (i32.const 0) (call $new (i32.const 1))) (i32.store (i32.const 4) (call $new (i32.const 1)))
	      (i32.const 0)))
	  (core instance $i (instantiate $m (with "h" (instance (export "drop" (func $drop)) (export "new" (func $new))))))
	  (func (export "swap") (param "c" (own $counter)) (result (own $thing)) (canon lift (core func $i "swap")))
	  (func (export "two") (result (tuple (own $thing) (own $thing)))
	    (canon lift (core func $i "two") (memory (core memory $i "memory")))))`, func(l *component.Linker) error {
		return l.Instance("h").Resource("counter", component.ResourceOf[*counter]())
	})
	component.SetLimits(w.store, component.Limits{Resources: 1})
	_, err := w.fn(t, "two").Call(nil)
	WantTyped(t, err, component.ErrTooManyHandles, "the function has returned")
	var closed []uint32
	first := w.call(t, "swap", &counter{n: 1, closed: &closed}).(*component.Resource)
	second := &counter{n: 2, closed: &closed}
	_, err = w.fn(t, "swap").Call(nil, second)
	WantTyped(t, err, component.ErrTooManyHandles, "was not called")
	Equal(t, "values that the guest has", component.TableOf(w.store).Len(), 0)
	Check(t, first.Drop(nil))
	WantTyped(t, first.Drop(nil), component.ErrHandle, "the handle was dropped")
	w.call(t, "swap", second)
	Equal(t, "closed", fmt.Sprint(closed), "[1 2]")
}

// What a component exports may be what another imports.
func TestExportedModulesAndResources(t *testing.T) {
	one := newWorld(t, `(component
	  (core module $m (func (export "f") (result i32) (i32.const 7)))
	  (type $t' (resource (rep i32)))
	  (core func $new (canon resource.new $t'))
	  (core module $n (import "h" "new" (func $new (param i32) (result i32)))
	    (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
	    (func (export "get") (param i32) (result i32) (local.get 0)))
	  (core instance $i (instantiate $n (with "h" (instance (export "new" (func $new))))))
	  (export $t "t" (type $t'))
	  (func $make (param "n" u32) (result (own $t)) (canon lift (core func $i "make")))
	  (func $get (param "t" (borrow $t)) (result u32) (canon lift (core func $i "get")))
	  (export "make" (func $make))
	  (export "get" (func $get))
	  (instance $inner (export "m" (core module $m)))
	  (export "inner" (instance $inner)))`, nil)
	c := Must(component.New(one.engine, []byte(`(component
	  (import "m" (core module $m (export "f" (func (result i32)))))
	  (import "t" (type $t (sub resource)))
	  (import "show" (func $show (param "t" (borrow $t)) (result u32)))
	  (core instance $i (instantiate $m))
	  (core func $show' (canon lower (func $show)))
	  (core func $drop (canon resource.drop $t))
	  (core module $n (import "h" "show" (func $show (param i32) (result i32))) (import "h" "drop" (func $drop (param i32)))
	    (func (export "use") (param i32) (result i32) (local $n i32)
	      (local.set $n (call $show (local.get 0))) (call $drop (local.get 0)) (local.get $n)))
	  (core instance $j (instantiate $n (with "h" (instance (export "show" (func $show')) (export "drop" (func $drop))))))
	  (func (export "f") (result u32) (canon lift (core func $i "f")))
	  (func (export "use") (param "t" (own $t)) (result u32) (canon lift (core func $j "use"))))`)))
	module, resource := Must(one.instance.Module("inner#m")), Must(one.instance.Resource("t"))
	linker := component.NewLinker(one.engine)
	var lent *component.Resource
	Check(t, errors.Join(linker.Root().Module("m", module), linker.Root().Resource("t", resource),
		linker.Root().Func("show", func(c *wasmtime.Caller, r *component.Resource) (uint32, error) {
			lent = r
			got, err := one.fn(t, "get").Call(c.Context(), r)
			if err != nil {
				return 0, err
			}
			return got.(uint32) + 100, nil
		})))
	two := Must(linker.Instantiate(nil, one.store, c))
	Equal(t, "f", Must(Must(two.Func("f")).Call(nil)), any(uint32(7)))
	made := one.call(t, "make", 5)
	use := Must(two.Func("use"))
	Equal(t, "use", Must(use.Call(nil, made)), any(uint32(105)))
	_, err := use.Call(nil, made)
	WantIs(t, err, component.ErrHandle)
	_, err = one.fn(t, "get").Call(nil, lent)
	WantIs(t, err, component.ErrHandle) // it was lent for the call of the host only

	for _, err := range []error{
		ErrorOf(one.instance.Module("m")), ErrorOf(one.instance.Module("t")), ErrorOf(one.instance.Resource("make")), ErrorOf(one.instance.Resource("x")),
	} {
		WantIs(t, err, component.ErrNotFound)
	}
	WantText(t, linker.Root().Interface(&counters{}, resource), "is a guest's")
	// Another component's resource of the same name is another.
	again := component.NewLinker(one.engine)
	Check(t, errors.Join(again.Root().Module("m", module), again.Root().Resource("t", component.ResourceOf[*counter]()),
		again.Root().Func("show", func(*component.Resource) uint32 { return 0 })))
	WantTyped(t, again.Check(c), component.ErrType, "*component_test.counter")
	one.store.Close()
	WantIs(t, ErrorOf(one.instance.Module("inner#m")), wasmtime.ErrClosed)
	WantIs(t, ErrorOf(one.instance.Resource("t")), wasmtime.ErrClosed)
	WantIs(t, made.(*component.Resource).Drop(nil), wasmtime.ErrClosed)
}

func TestBadResources(t *testing.T) {
	linker := component.NewLinker(wasmtime.NewEngine())
	for text, err := range map[string]error{
		"use ResourceOf":                linker.Root().Resource("r", component.ResourceType{}),
		"pointers, interfaces":          linker.Root().Resource("r", component.ResourceOf[int]()),
		"two resources with the name r": linker.Root().Interface(&counters{}, component.ResourceOf[*counter]().Named("r"), component.ResourceOf[*counters]().Named("r")),
		"is nil":                        linker.Root().Interface(nil),
		"no exported methods":           linker.Root().Interface(7),
	} {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
