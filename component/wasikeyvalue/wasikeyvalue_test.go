package wasikeyvalue_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	"github.com/gowasmtime/wasmtime/component/wasikeyvalue"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestMain(m *testing.M) { Main(m) }

// guestWat imports all of wasi:keyvalue, and exports its functions.
var guestWat = Forwarding(`
  (import "wasi:keyvalue/store@0.2.0-draft" (instance $store
    (export "bucket" (type $bucket (sub resource)))
    (type $error' (variant (case "no-such-store") (case "access-denied") (case "other" string)))
    (export "error" (type $error (eq $error')))
    (type $key-response' (record (field "keys" (list string)) (field "cursor" (option u64))))
    (export "key-response" (type $key-response (eq $key-response')))
    (export "open" (func (param "identifier" string) (result (result (own $bucket) (error $error)))))
    (export "[method]bucket.get" (func (param "self" (borrow $bucket)) (param "key" string)
      (result (result (option (list u8)) (error $error)))))
    (export "[method]bucket.set" (func (param "self" (borrow $bucket)) (param "key" string) (param "value" (list u8))
      (result (result (error $error)))))
    (export "[method]bucket.delete" (func (param "self" (borrow $bucket)) (param "key" string)
      (result (result (error $error)))))
    (export "[method]bucket.exists" (func (param "self" (borrow $bucket)) (param "key" string)
      (result (result bool (error $error)))))
    (export "[method]bucket.list-keys" (func (param "self" (borrow $bucket)) (param "cursor" (option u64))
      (result (result $key-response (error $error)))))))
  (alias export $store "bucket" (type $bucket))
  (alias export $store "error" (type $error))
  (alias export $store "key-response" (type $key-response))
  (import "wasi:keyvalue/atomics@0.2.0-draft" (instance $atomics
    (alias outer 1 $bucket (type $b'))
    (export "bucket" (type $b (eq $b')))
    (alias outer 1 $error (type $e'))
    (export "error" (type $e (eq $e')))
    (export "increment" (func (param "bucket" (borrow $b)) (param "key" string) (param "delta" u64)
      (result (result u64 (error $e)))))))
  (import "wasi:keyvalue/batch@0.2.0-draft" (instance $batch
    (alias outer 1 $bucket (type $b'))
    (export "bucket" (type $b (eq $b')))
    (alias outer 1 $error (type $e'))
    (export "error" (type $e (eq $e')))
    (export "get-many" (func (param "bucket" (borrow $b)) (param "keys" (list string))
      (result (result (list (option (tuple string (list u8)))) (error $e)))))
    (export "set-many" (func (param "bucket" (borrow $b)) (param "key-values" (list (tuple string (list u8))))
      (result (result (error $e)))))
    (export "delete-many" (func (param "bucket" (borrow $b)) (param "keys" (list string))
      (result (result (error $e)))))))`,
	forward("$store", "open", `(param "identifier" string) (result (result (own $bucket) (error $error)))`, "i32 i32"),
	forward("$store", "[method]bucket.get", `(param "b" (borrow $bucket)) (param "key" string) (result (result (option (list u8)) (error $error)))`, "i32 i32 i32"),
	forward("$store", "[method]bucket.set", `(param "b" (borrow $bucket)) (param "key" string) (param "value" (list u8)) (result (result (error $error)))`, "i32 i32 i32 i32 i32"),
	forward("$store", "[method]bucket.delete", `(param "b" (borrow $bucket)) (param "key" string) (result (result (error $error)))`, "i32 i32 i32"),
	forward("$store", "[method]bucket.exists", `(param "b" (borrow $bucket)) (param "key" string) (result (result bool (error $error)))`, "i32 i32 i32"),
	forward("$store", "[method]bucket.list-keys", `(param "b" (borrow $bucket)) (param "cursor" (option u64)) (result (result $key-response (error $error)))`, "i32 i32 i64"),
	forward("$atomics", "increment", `(param "b" (borrow $bucket)) (param "key" string) (param "delta" u64) (result (result u64 (error $error)))`, "i32 i32 i32 i64"),
	forward("$batch", "get-many", `(param "b" (borrow $bucket)) (param "keys" (list string)) (result (result (list (option (tuple string (list u8)))) (error $error)))`, "i32 i32 i32"),
	forward("$batch", "set-many", `(param "b" (borrow $bucket)) (param "pairs" (list (tuple string (list u8)))) (result (result (error $error)))`, "i32 i32 i32"),
	forward("$batch", "delete-many", `(param "b" (borrow $bucket)) (param "keys" (list string)) (result (result (error $error)))`, "i32 i32 i32"),
)

// forward exports a method without the resource's name.
func forward(instance, name, typ, core string) Forward {
	f := Forward{
		Instance: instance, Name: name, Type: typ, Core: core, Result: "memory",
		Export: strings.TrimPrefix(name, "[method]bucket."),
	}
	if name != "open" {
		f.Borrow = "$bucket"
	}
	return f
}

// guest is an instance of guestWat, and a bucket that it has opened.
type guest struct {
	t        testing.TB
	ctx      context.Context
	store    *wasmtime.Store
	instance *component.Instance
	bucket   any
}

// program is guestWat with a store.
type program struct {
	engine *wasmtime.Engine
	pre    *component.InstancePre
}

func newProgram(t testing.TB, data wasikeyvalue.Store) *program {
	t.Helper()
	engine := EngineWith(t, WithEpochs)
	t.Cleanup(engine.Close)
	linker := component.NewLinker(engine)
	Check(t, wasikeyvalue.Define(linker, data))
	return &program{engine, Must(linker.InstantiatePre(Must(component.New(engine, []byte(guestWat)))))}
}

// guest instantiates it in a store of its own.
func (p *program) guest(t testing.TB) *guest {
	t.Helper()
	store := wasmtime.NewStore(p.engine)
	t.Cleanup(store.Close)
	return &guest{t: t, ctx: t.Context(), store: store, instance: Must(p.pre.Instantiate(t.Context(), store))}
}

// newGuest has opened the bucket without a name.
func newGuest(t testing.TB, data wasikeyvalue.Store) *guest {
	t.Helper()
	g := newProgram(t, data).guest(t)
	g.bucket = g.must("open", "")
	return g
}

// call calls a function; all but open get the bucket first.
func (g *guest) call(name string, args ...any) (any, error) {
	g.t.Helper()
	if name != "open" {
		args = append([]any{g.bucket}, args...)
	}
	return Must(g.instance.Func(name)).Call(g.ctx, args...)
}

func (g *guest) must(name string, args ...any) any {
	g.t.Helper()
	result, err := g.call(name, args...)
	if err != nil {
		g.t.Fatalf("%s: %v", name, err)
	}
	return result
}

// fails wants a case of the error.
func (g *guest) fails(kind, text string, name string, args ...any) {
	g.t.Helper()
	_, err := g.call(name, args...)
	var failed *component.ResultError
	if !errors.As(err, &failed) {
		g.t.Fatalf("%s: got %v, want the case %s", name, err, kind)
	}
	got := failed.Value.(component.Variant)
	said, _ := got.Value.(string)
	if got.Case != kind || !strings.Contains(said, text) || (got.Value == nil) != (kind != "other") {
		g.t.Errorf("%s: got %v, want %s with %q", name, got, kind, text)
	}
}

// get returns the value of a key as a text.
func (g *guest) get(key string) (value string, found bool) {
	g.t.Helper()
	bytes, found := g.must("get", key).([]byte)
	return string(bytes), found
}

// list returns all keys, page by page, and how many pages there were.
func (g *guest) list() (keys []string, pages int) {
	g.t.Helper()
	for cursor := any(nil); ; {
		page := g.must("list-keys", cursor).(map[string]any)
		keys = append(keys, page["keys"].([]string)...)
		pages++
		if cursor = page["cursor"]; cursor == nil {
			return keys, pages
		}
	}
}

// stores are those that every test of the interface is made with.
func stores() map[string]func() wasikeyvalue.Store {
	return map[string]func() wasikeyvalue.Store{
		"memory": func() wasikeyvalue.Store { return wasikeyvalue.NewMemory(wasikeyvalue.Limits{}) },
		"batch":  func() wasikeyvalue.Store { return batched{wasikeyvalue.NewMemory(wasikeyvalue.Limits{})} },
	}
}

// batched are buckets that do many things at once.
type batched struct{ wasikeyvalue.Store }

func (s batched) Open(ctx context.Context, name string) (wasikeyvalue.Bucket, error) {
	b, err := s.Store.Open(ctx, name)
	return batchedBucket{b}, err
}

type batchedBucket struct{ wasikeyvalue.Bucket }

func (b batchedBucket) GetMany(ctx context.Context, keys []string) ([]wasikeyvalue.Value, error) {
	values := make([]wasikeyvalue.Value, len(keys))
	for i, key := range keys {
		values[i].Value, values[i].Found, _ = b.Get(ctx, key)
	}
	return values, nil
}

func (b batchedBucket) SetMany(ctx context.Context, entries []wasikeyvalue.Entry) error {
	for _, e := range entries {
		if err := b.Set(ctx, e.Key, e.Value); err != nil {
			return err
		}
	}
	return nil
}

func (b batchedBucket) DeleteMany(ctx context.Context, keys []string) error {
	for _, key := range keys {
		if err := b.Delete(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

func TestStore(t *testing.T) {
	for name, data := range stores() {
		t.Run(name, func(t *testing.T) {
			g := newGuest(t, data())
			if _, found := g.get("a"); found {
				t.Error("an empty bucket has a key")
			}
			g.must("set", "a", []byte("1"))
			g.must("set", "", []byte{})
			g.must("set", "ü", []byte{0xff, 0})
			g.must("set", "a", []byte("two"))
			for key, want := range map[string]string{"a": "two", "": "", "ü": "\xff\x00"} {
				if got, found := g.get(key); !found || got != want {
					t.Errorf("%q: got %q, %v", key, got, found)
				}
				Equal(t, "exists", g.must("exists", key), any(true))
			}
			if keys, _ := g.list(); !slices.Equal(keys, []string{"a", "", "ü"}) {
				t.Errorf("got the keys %q", keys)
			}
			g.must("delete", "a")
			g.must("delete", "a")
			Equal(t, "exists", g.must("exists", "a"), any(false))
			if keys, _ := g.list(); !slices.Equal(keys, []string{"", "ü"}) {
				t.Errorf("got the keys %q", keys)
			}
		})
	}
}

func TestAtomics(t *testing.T) {
	g := newGuest(t, wasikeyvalue.NewMemory(wasikeyvalue.Limits{}))
	Equal(t, "a new key", g.must("increment", "n", uint64(5)), any(uint64(5)))
	Equal(t, "a key", g.must("increment", "n", uint64(1<<63)), any(uint64(1<<63+5)))
	got, _ := g.get("n")
	Equal(t, "the text", got, "9223372036854775813")
	g.fails("other", wasikeyvalue.ErrNotNumber.Error(), "increment", "n", uint64(1<<63))
	got, _ = g.get("n")
	Equal(t, "the text", got, "9223372036854775813")
	for _, no := range []string{"", "x", "-1", "1.5", " 1", "18446744073709551616", strings.Repeat("1", 1<<20)} {
		g.must("set", "no", []byte(no))
		g.fails("other", wasikeyvalue.ErrNotNumber.Error(), "increment", "no", uint64(0))
	}
}

// tuple is a tuple as Func.Call takes it.
func tuple(key, value string) any {
	return component.Tuple2[string, []byte]{A: key, B: []byte(value)}
}

func TestBatch(t *testing.T) {
	for name, data := range stores() {
		t.Run(name, func(t *testing.T) {
			g := newGuest(t, data())
			g.must("set-many", []any{tuple("a", "1"), tuple("b", "2"), tuple("a", "3")})
			got := g.must("get-many", []string{"b", "c", "a", "a"})
			Equal(t, "values", fmt.Sprint(got), "[[b [50]] <nil> [a [51]] [a [51]]]")
			g.must("delete-many", []string{"c", "a"})
			if keys, _ := g.list(); !slices.Equal(keys, []string{"b"}) {
				t.Errorf("got the keys %q", keys)
			}
			Equal(t, "nothing", len(g.must("get-many", []string{}).([]any)), 0)
		})
	}
}

// A guest that asks for too much at once gets an error, and the host does not take the memory for it.
func TestBatchLimits(t *testing.T) {
	for name, data := range stores() {
		t.Run(name, func(t *testing.T) {
			g := newGuest(t, data())
			g.must("set", "large", make([]byte, 1<<20))
			large := slices.Repeat([]string{"large"}, 65)
			g.must("get-many", large[:40])
			g.fails("other", wasikeyvalue.ErrTooMuch.Error(), "get-many", large)
			many := make([]string, 1<<16+1)
			g.must("get-many", many[1:])
			g.must("delete-many", many[1:])
			g.fails("other", wasikeyvalue.ErrTooMuch.Error(), "get-many", many)
			g.fails("other", wasikeyvalue.ErrTooMuch.Error(), "delete-many", many)
			g.fails("other", wasikeyvalue.ErrTooMuch.Error(), "set-many", make([]component.Tuple2[string, []byte], len(many)))
		})
	}
}

// The components of a linker have the same buckets, and a bucket is a resource of its guest.
func TestShared(t *testing.T) {
	p := newProgram(t, wasikeyvalue.NewMemory(wasikeyvalue.Limits{}, "one", "two"))
	a, b := p.guest(t), p.guest(t)
	a.bucket, b.bucket = a.must("open", "one"), b.must("open", "one")
	a.must("set", "k", []byte("v"))
	if got, _ := b.get("k"); got != "v" {
		t.Errorf("got %q", got)
	}
	b.bucket = b.must("open", "two")
	if _, found := b.get("k"); found {
		t.Error("two buckets are one")
	}
	a.fails("no-such-store", "", "open", "three")
	a.fails("no-such-store", "", "open", "")
}

// hoarderWat opens the bucket without a name: hoard as often as it is told, and drop drops the last one.
const hoarderWat = `(component
  (import "wasi:keyvalue/store@0.2.0-draft" (instance $store
    (export "bucket" (type $bucket (sub resource)))
    (type $error' (variant (case "no-such-store") (case "access-denied") (case "other" string)))
    (export "error" (type $error (eq $error')))
    (export "open" (func (param "identifier" string) (result (result (own $bucket) (error $error)))))))
  (alias export $store "bucket" (type $bucket))
  (alias export $store "open" (func $open))
  (core module $mem
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $i (instantiate $mem))
  (alias core export $i "memory" (core memory $memory))
  (core func $open' (canon lower (func $open) (memory $memory) (realloc (core func $i "realloc"))))
  (core func $drop' (canon resource.drop $bucket))
  (core module $m
    (import "h" "memory" (memory 1))
    (import "h" "open" (func $open (param i32 i32 i32)))
    (import "h" "drop" (func $drop (param i32)))
    (func (export "hoard") (param i32)
      (loop
        (call $open (i32.const 0) (i32.const 0) (i32.const 16))
        (if (i32.load8_u (i32.const 16)) (then unreachable))
        (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
        (br_if 0 (local.get 0))))
    (func (export "drop") (call $drop (i32.load (i32.const 20)))))
  (core instance $c (instantiate $m (with "h" (instance
    (export "memory" (memory $memory)) (export "open" (func $open')) (export "drop" (func $drop'))))))
  (func (export "hoard") (param "n" u32) (canon lift (core func $c "hoard")))
  (func (export "drop") (canon lift (core func $c "drop"))))`

// A bucket is closed when the guest drops its handle, or with its store, and it may have so many.
func TestHandles(t *testing.T) {
	closed := 0
	engine := wasmtime.NewEngine()
	defer engine.Close()
	linker := component.NewLinker(engine)
	Check(t, wasikeyvalue.Define(linker, failing{closed: &closed}))
	store := wasmtime.NewStore(engine)
	defer store.Close()
	component.SetLimits(store, component.Limits{Resources: 10})
	instance := Must(linker.Instantiate(nil, store, Must(component.New(engine, []byte(hoarderWat)))))
	hoard, drop := Must(instance.Func("hoard")), Must(instance.Func("drop"))
	Must(hoard.Call(nil, 10))
	Equal(t, "closed buckets", closed, 0)
	Must(drop.Call(nil))
	Equal(t, "closed buckets", closed, 1)
	if _, err := hoard.Call(nil, 2); !errors.Is(err, component.ErrTooManyHandles) {
		t.Errorf("one more than the limit: %v", err)
	}
	store.Close()
	Equal(t, "closed buckets", closed, 12)
}

// failing is a store with a bucket, both of which do what the test says.
type failing struct {
	open, use error
	keys      []string
	next      uint64
	closed    *int
}

func (f failing) Open(context.Context, string) (wasikeyvalue.Bucket, error) {
	if f.open != nil {
		return nil, f.open
	}
	return f, nil
}

func (f failing) Get(context.Context, string) ([]byte, bool, error)         { return nil, true, f.use }
func (f failing) Set(context.Context, string, []byte) error                 { return f.use }
func (f failing) Delete(context.Context, string) error                      { return f.use }
func (f failing) Exists(context.Context, string) (bool, error)              { return true, f.use }
func (f failing) Increment(context.Context, string, uint64) (uint64, error) { return 0, f.use }
func (f failing) ListKeys(context.Context, uint64) ([]string, uint64, error) {
	return f.keys, f.next, f.use
}
func (f failing) Close() error {
	*f.closed++
	return nil
}

func TestErrors(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	for _, test := range []struct {
		err        error
		kind, text string
	}{
		{fmt.Errorf("tenant 7: %w", wasikeyvalue.ErrAccessDenied), "access-denied", ""},
		{fmt.Errorf("tenant 7: %w", wasikeyvalue.ErrNoSuchStore), "no-such-store", ""},
		{errors.New("the disk \xff is full"), "other", "the disk ? is full"},
		{errors.New(long), "other", long[:4096]},
		{context.DeadlineExceeded, "other", context.DeadlineExceeded.Error()}, // of another context than the call's
		{&component.ResultError{Value: component.Variant{Case: "other", Value: "mine"}}, "other", "mine"},
	} {
		g := newProgram(t, failing{open: test.err}).guest(t)
		g.fails(test.kind, test.text, "open", "")
		g = newGuest(t, failing{use: test.err})
		pairs := []any{tuple("k", "v")}
		for name, args := range map[string][]any{
			"get": {"k"}, "set": {"k", []byte("v")}, "delete": {"k"}, "exists": {"k"}, "list-keys": {nil}, "increment": {"k", uint64(1)},
			"get-many": {[]string{"k"}}, "set-many": {pairs}, "delete-many": {[]string{"k"}},
		} {
			g.fails(test.kind, test.text, name, args...)
		}
	}
	g := newGuest(t, failing{keys: []string{"a", "\xff"}})
	g.fails("other", "a key in the bucket is not UTF-8", "list-keys", nil)
	_, err := newProgram(t, nothing{}).guest(t).call("open", "x")
	if err == nil || !strings.Contains(err.Error(), "opened `x` as a bucket that is nil") {
		t.Errorf("a bucket that is nil: %v", err)
	}
	trap := wasmtime.NewTrap("enough")
	g = newGuest(t, failing{use: fmt.Errorf("wrapped: %w", trap)})
	WantText(t, ErrorOf(g.call("get", "k")), "enough")
	if _, err := g.call("get", "k"); !errors.Is(err, component.ErrUnusable) {
		t.Errorf("after a trap: %v", err)
	}
}

// nothing opens buckets that are nil.
type nothing struct{}

func (nothing) Open(context.Context, string) (wasikeyvalue.Bucket, error) { return nil, nil }

// waiting is a bucket in which each call waits for the end of its context.
type waiting struct {
	failing
	entered chan struct{}
}

func (w waiting) Open(context.Context, string) (wasikeyvalue.Bucket, error) { return w, nil }

func (w waiting) Get(ctx context.Context, _ string) ([]byte, bool, error) {
	w.entered <- struct{}{}
	<-ctx.Done()
	return nil, false, errors.New("stopped waiting")
}

// The end of the context ends the guest, which does not hear of it.
func TestContext(t *testing.T) {
	for name, args := range map[string][]any{"get": {"k"}, "get-many": {[]string{"k"}}} {
		w := waiting{entered: make(chan struct{})}
		g := newProgram(t, w).guest(t)
		g.bucket = g.must("open", "")
		ctx, cancel := context.WithCancel(t.Context())
		g.ctx = ctx
		go func() {
			<-w.entered
			cancel()
		}()
		if _, err := g.call(name, args...); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		g.ctx = t.Context()
		if _, err := g.call("exists", "k"); !errors.Is(err, component.ErrUnusable) {
			t.Errorf("%s, afterwards: %v", name, err)
		}
	}
	// Many keys are not all gone through.
	ctx, cancel := context.WithCancel(t.Context())
	stop := stopping{wasikeyvalue.NewMemory(wasikeyvalue.Limits{}), cancel, new(int)}
	g := newProgram(t, stop).guest(t)
	g.bucket = g.must("open", "")
	g.ctx = ctx
	if _, err := g.call("delete-many", make([]string, 1000)); !errors.Is(err, context.Canceled) || *stop.calls != 1 {
		t.Errorf("%v after %d keys", err, *stop.calls)
	}
}

// stopping ends the context with the first key that is deleted, and does so.
type stopping struct {
	wasikeyvalue.Store
	cancel context.CancelFunc
	calls  *int
}

func (s stopping) Open(ctx context.Context, name string) (wasikeyvalue.Bucket, error) {
	b, err := s.Store.Open(ctx, name)
	return stoppingBucket{b, s}, err
}

type stoppingBucket struct {
	wasikeyvalue.Bucket
	s stopping
}

func (b stoppingBucket) Delete(context.Context, string) error {
	*b.s.calls++
	b.s.cancel()
	return nil
}

// panicking is a store with a defect.
type panicking struct{ failing }

func (p panicking) Open(context.Context, string) (wasikeyvalue.Bucket, error) { return p, nil }

func (panicking) Exists(context.Context, string) (bool, error) { panic("a defect") }

// A panic of a store comes out of the call of the guest, which is over.
func TestPanic(t *testing.T) {
	g := newGuest(t, panicking{})
	func() {
		defer func() {
			if recovered := recover(); recovered != "a defect" {
				t.Errorf("recovered %v", recovered)
			}
		}()
		g.call("exists", "k")
	}()
	if _, err := g.call("get", "k"); !errors.Is(err, component.ErrUnusable) {
		t.Errorf("afterwards: %v", err)
	}
}

func TestDefine(t *testing.T) {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	linker := component.NewLinker(engine)
	data := wasikeyvalue.NewMemory(wasikeyvalue.Limits{})
	Check(t, wasikeyvalue.Define(linker, data))
	if err := wasikeyvalue.Define(linker, data); err == nil || !strings.Contains(err.Error(), "wasi:keyvalue/store@0.2.0-draft#bucket") {
		t.Errorf("defined twice: %v", err)
	}
	linker.AllowShadowing(true)
	Check(t, wasikeyvalue.Define(linker, data))
	WantIs(t, wasikeyvalue.Define(linker, nil), wasmtime.ErrClosed)
	WantIs(t, wasikeyvalue.Define(linker, (*wasikeyvalue.Memory)(nil)), wasmtime.ErrClosed)
}
