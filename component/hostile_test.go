package component_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// pairsWat makes a counter of the host, and passes it together with a list of two pairs, whose first halves are the
// same: to the host function take, or as its own result.
const pairsWat = `(component
  (import "h" (instance $h
    (export "counter" (type $counter (sub resource)))
    (export "[constructor]counter" (func (param "n" u32) (result (own $counter))))
    (export "make" (func (param "n" u32) (result (list (own $counter)))))
    (export "take" (func (param "c" (own $counter)) (param "m" (list (tuple u8 u8)))))))
  (alias export $h "counter" (type $counter))
  (alias export $h "[constructor]counter" (func $new))
  (alias export $h "take" (func $take))
  (alias export $h "make" (func $make))
  (core module $mem (memory (export "memory") 1) (data (i32.const 64) "\01\02\01\03")
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $mem (instantiate $mem))
  (alias core export $mem "memory" (core memory $memory))
  (core func $new' (canon lower (func $new)))
  (core func $take' (canon lower (func $take) (memory $memory)))
  (core func $make' (canon lower (func $make) (memory $memory) (realloc (core func $mem "realloc"))))
  (core module $m
    (import "h" "memory" (memory 1))
    (import "h" "new" (func $new (param i32) (result i32)))
    (import "h" "take" (func $take (param i32 i32 i32)))
    (import "h" "make" (func $make (param i32 i32)))
    (func (export "give") (param i32) (call $take (call $new (local.get 0)) (i32.const 64) (i32.const 2)))
    (func (export "return") (param i32) (result i32)
      (i32.store (i32.const 16) (call $new (local.get 0)))
      (i32.store (i32.const 20) (i32.const 64)) (i32.store (i32.const 24) (i32.const 2))
      (i32.const 16))
    (func (export "new") (param i32) (loop
      (drop (call $new (local.get 0)))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func (export "make") (param i32) (call $make (local.get 0) (i32.const 16))))
  (core instance $i (instantiate $m (with "h" (instance (export "memory" (memory $memory))
    (export "new" (func $new')) (export "take" (func $take')) (export "make" (func $make'))))))
  (func (export "give") (param "n" u32) (canon lift (core func $i "give")))
  (func (export "return") (param "n" u32) (result (tuple (own $counter) (list (tuple u8 u8))))
    (canon lift (core func $i "return") (memory $memory)))
  (func (export "new") (param "n" u32) (canon lift (core func $i "new")))
  (func (export "make") (param "n" u32) (canon lift (core func $i "make"))))`

// pairs is what it imports. What it takes is a map, in which no key is there twice.
type pairs struct {
	counters
	made []*counter
}

func (*pairs) Take(*counter, map[uint8]uint8) {}

func (p *pairs) Make(n uint32) []*counter {
	for i := range n {
		p.made = append(p.made, p.NewCounter(i+1))
	}
	return p.made
}

func (p *pairs) define(l *component.Linker) error {
	return l.Instance("h").Interface(p, component.ResourceOf[*counter]())
}

// A guest that gives a resource back together with a value that cannot be read keeps nobody from closing it.
func TestGivenBackWithAFault(t *testing.T) {
	host := &pairs{}
	w := newWorld(t, pairsWat, host.define)
	type result struct {
		Counter *counter
		Pairs   map[uint8]uint8
	}
	fn := Must(component.Bind1[uint32, result](w.fn(t, "return")))
	WantTyped(t, ErrorOf(fn.Call(nil, 7)), component.ErrValue, "is there twice")
	Equal(t, "closed by the call", fmt.Sprint(host.closed), "[7]")
	Equal(t, "values", component.TableOf(w.store).Len(), 0)
	got := w.call(t, "return", 8).([]any)
	Equal(t, "as a list", fmt.Sprint(got[0].(*counter).n, got[1]), "8 [[1 2] [1 3]]")
	Equal(t, "what the program has is not closed", fmt.Sprint(host.closed), "[7]")

	WantTyped(t, ErrorOf(w.fn(t, "give").Call(nil, 9)), component.ErrValue, "is there twice")
	Equal(t, "closed by the host call", fmt.Sprint(host.closed), "[7 9]")
	w.store.Close()
	Equal(t, "closed twice", fmt.Sprint(host.closed), "[7 9]")
}

// What a host function returns is the guest's, or the table's: a limit that a guest has come to is no leak.
func TestTooManyAreClosed(t *testing.T) {
	host := &pairs{}
	w := newWorld(t, pairsWat, host.define)
	component.SetLimits(w.store, component.Limits{Resources: 2})
	WantIs(t, ErrorOf(w.fn(t, "new").Call(nil, 5)), component.ErrTooManyHandles)
	Equal(t, "closed too early", len(host.closed), 0)
	w.store.Close()
	Equal(t, "closed one by one", fmt.Sprint(host.closed), "[3 4 5]")

	host.closed = nil
	w.renew(t)
	component.SetLimits(w.store, component.Limits{Resources: 2})
	table := component.TableOf(w.store)
	first := host.NewCounter(100)
	Check(t, table.Push(first))
	host.made = []*counter{first}
	WantIs(t, ErrorOf(w.fn(t, "make").Call(nil, 4)), component.ErrTooManyHandles)
	Equal(t, "what was there before", table.Contains(first), true)
	Check(t, table.Delete(first))
	w.store.Close()
	Equal(t, "closed together", fmt.Sprint(host.closed), "[4 3 2 1]")
}

// twin is a resource of which there is one value, which tells the table's view of it whenever it is closed.
type twin struct {
	table *component.Table
	seen  []string
}

func (t *twin) Get() uint32 { return 0 }
func (t *twin) Fork() *twin { return t }
func (t *twin) Close() {
	t.seen = append(t.seen, fmt.Sprint(t.table.Contains(t), t.table.Push(t)))
}

// twins is the interface.
type twins struct{ only *twin }

func (t twins) NewCounter(uint32) *twin       { return t.only }
func (t twins) CounterMerge(a, b *twin) *twin { return a }
func (t twins) Take(*twin) uint32             { return 0 }

// A value that guests have several times is found until the last of them has dropped it.
func TestTableOfTwins(t *testing.T) {
	only := &twin{}
	w := newWorld(t, countersWat, func(l *component.Linker) error {
		return l.Instance("example:test/counters@1.0.0").Interface(twins{only}, component.ResourceOf[*twin]().Named("counter"))
	})
	only.table = component.TableOf(w.store)
	Equal(t, "contains", only.table.Contains(only), false)
	w.call(t, "family", 1)
	Equal(t, "seen", fmt.Sprintf("%q", only.seen), `["true the value is in the table already" "false <nil>"]`)
	Equal(t, "values", only.table.Len(), 1)
	Check(t, only.table.Delete(only))
	Equal(t, "contains", only.table.Contains(only), false)
	// The older one goes first.
	only.seen = nil
	merged := w.call(t, "merged", 1, 2)
	Equal(t, "merged", merged, any(uint32(0)))
	Equal(t, "values", only.table.Len(), 0)
	Equal(t, "contains", only.table.Contains(only), false)
}

// A component whose types are beyond what this package can do is refused when it is loaded: everything else can rely
// on them, and panics for none.
func TestTypesBeyondMeasure(t *testing.T) {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	wat := `(component (type $t0 (instance (export "f" (func))))`
	for i := range 80 {
		wat += fmt.Sprintf(`(type $t%d (instance (alias outer 1 $t%d (type $i)) (export "i" (instance (type $i)))))`, i+1, i)
	}
	_, err := component.New(engine, []byte(wat+`(import "h" (instance (type $t80))))`))
	WantTyped(t, err, wasmtime.ErrUnsupported, "nested too deeply")
}

// An error that is about bytes reaches the guest, which takes no text but UTF-8.
func TestErrorThatIsNoText(t *testing.T) {
	host := plainHost()
	host.parse = func(string) (uint32, error) { return 0, fmt.Errorf("open \xff\xfe: no such file") }
	w := newWorld(t, hostWat, host.define)
	_, err := w.fn(t, "parse").Call(nil, "x")
	var failed *component.ResultError
	if !errors.As(err, &failed) || failed.Value != "open \ufffd: no such file" {
		t.Errorf("%T %v", err, err)
	}
}

// Values of a guest may take 64 MiB in Go, and more if the guest may pass much in one call, however long a message is.
func TestLimitOfValues(t *testing.T) {
	w := newWorld(t, `(component
	  (core module $m (memory (export "memory") 16)
	    (func (export "f") (param i32) (result i32) (i32.store (i32.const 4) (local.get 0)) (i32.const 0)))
	  (core instance $i (instantiate $m))
	  (func (export "f") (param "n" u32) (result (list (tuple u8)))
	    (canon lift (core func $i "f") (memory (core memory $i "memory")))))`, nil)
	const n = 900_000
	Equal(t, "elements", len(w.call(t, "f", n).([]any)), n)
	w.store.SetHostcallFuel(1 << 20)
	WantTyped(t, ErrorOf(w.fn(t, "f").Call(nil, n)), component.ErrValue, "take more than 67108864 bytes in Go")
	Equal(t, "elements", len(w.call(t, "f", n/2).([]any)), n/2)
	w.store.SetHostcallFuel(math.MaxUint64)
	Equal(t, "elements", len(w.call(t, "f", n).([]any)), n)
}
