package bridge_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/bridge"
)

// toy is what another package would make: guests of its own kind in a store of the root package, with host functions
// of its own kind. It knows the inside of a store by package bridge only.
type toy struct {
	store bridge.Store
	guest ffi.Instance
}

// instantiate makes a toy of a module without imports.
func instantiate(engine *wasmtime.Engine, storelike wasmtime.Storelike, wasm []byte) (*toy, error) {
	handle := bridge.EngineOf(engine)
	native := handle.Acquire()
	defer handle.Release()
	module, failed := ffi.NewModule(native, wasm)
	if !failed.IsNil() {
		return nil, bridge.NewError(failed)
	}
	defer module.Delete()
	store, err := bridge.StoreOf(storelike)
	if err != nil {
		return nil, err
	}
	t := &toy{store: store}
	outermost, err := t.store.Enter()
	if err != nil {
		return nil, err
	}
	defer t.store.Leave(outermost)
	call := t.store.Native().Call()
	guest, ok := ffi.NewInstance(call, t.store.Room(), module, nil)
	if !ok {
		return nil, t.store.Failure(call.Failure())
	}
	t.guest = guest
	return t, nil
}

// call calls an export that takes and returns an i32.
func (t *toy) call(ctx context.Context, name string, arg int32) (result int32, err error) {
	within, err := t.store.EnterCall(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = t.store.LeaveCall(within, err) }()
	native := t.store.Native()
	item, _, ok := native.Export(t.guest, name)
	if !ok {
		return 0, errors.New("no export " + name)
	}
	call := native.Call()
	call.Func, call.Len = [2]uint64(item.Raw[:2]), 1
	*(*int32)(call.Slots) = arg
	if room := t.store.Room(); !call.Run(room) && !call.RunAgain(room) {
		return 0, t.store.Failure(call.Failure())
	}
	return *(*int32)(call.Slots), nil
}

// host does what a callback of the native library does in the middle of a call, and returns what the call ends with.
func (t *toy) host(f func(caller *wasmtime.Caller) error) error {
	outermost, err := t.store.Enter()
	if err != nil {
		return err
	}
	defer t.store.Leave(outermost)
	run := func(store bridge.Store, caller any, frame unsafe.Pointer) error {
		if store != t.store {
			return errors.New("the host function got another store")
		}
		return (*(*func(*wasmtime.Caller) error)(frame))(caller.(*wasmtime.Caller))
	}
	trap := t.store.Host(run, unsafe.Pointer(&f))
	if trap.IsNil() {
		return nil
	}
	return t.store.Failure(trap, ffi.Error{})
}

func newToy(t *testing.T) (*toy, *wasmtime.Store) {
	t.Helper()
	wasm, err := wasmtime.Wat2Wasm(`(module
		(func (export "double") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
		(func (export "trap") (param i32) (result i32) unreachable)
		(func (export "forever") (param i32) (result i32) (loop (br 0)) unreachable))`)
	if err != nil {
		t.Fatal(err)
	}
	config := wasmtime.NewConfig()
	config.SetEpochInterruption(true)
	engine := wasmtime.NewEngineWithConfig(config)
	store := wasmtime.NewStoreWithData(engine, "data")
	store.SetEpochDeadline(1 << 30)
	t.Cleanup(store.Close)
	made, err := instantiate(engine, store, wasm)
	if err != nil {
		t.Fatal(err)
	}
	return made, store
}

func TestToyCalls(t *testing.T) {
	toy, _ := newToy(t)
	if got, err := toy.call(t.Context(), "double", 21); got != 42 || err != nil {
		t.Errorf("double(21) = %d, %v", got, err)
	}
	_, err := toy.call(context.Background(), "trap", 0)
	if trap, ok := err.(*wasmtime.Trap); !ok || *trap.Code() != wasmtime.UnreachableCodeReached {
		t.Errorf("a trap: %v", err)
	}
	if got, err := toy.call(t.Context(), "double", 4); got != 8 || err != nil {
		t.Errorf("after a trap: %d, %v", got, err)
	}
}

func TestToyStops(t *testing.T) {
	toy, _ := newToy(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := toy.call(ctx, "forever", 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a deadline: %v", err)
	}
	if _, err := toy.call(ctx, "double", 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a deadline that is over: %v", err)
	}
}

func TestToyIsRefused(t *testing.T) {
	toy, store := newToy(t)
	_ = toy.host(func(*wasmtime.Caller) error {
		refused := make(chan error)
		go func() {
			_, err := toy.call(context.Background(), "double", 1)
			refused <- err
		}()
		if err := <-refused; !errors.Is(err, wasmtime.ErrConcurrentUse) {
			t.Errorf("another goroutine: %v", err)
		}
		return nil
	})
	store.Close()
	if _, err := toy.call(context.Background(), "double", 1); !errors.Is(err, wasmtime.ErrClosed) {
		t.Errorf("a closed store: %v", err)
	}
	_, err := instantiate(wasmtime.NewEngine(), store, []byte("no module"))
	if failed, ok := err.(*wasmtime.Error); !ok || !strings.Contains(failed.Error(), "failed to parse") {
		t.Errorf("no module: %v", err)
	}
}

func TestToyHost(t *testing.T) {
	toy, store := newToy(t)
	var kept *wasmtime.Caller
	err := toy.host(func(caller *wasmtime.Caller) error {
		kept = caller
		if caller.Data() != "data" || caller.Context() == nil || caller.GetExport("double") != nil {
			t.Errorf("the caller has %v, %v", caller.Data(), caller.GetExport("double"))
		}
		if got, err := toy.call(context.Background(), "double", 5); got != 10 || err != nil {
			t.Errorf("a call from a host function: %d, %v", got, err)
		}
		of, _ := bridge.StoreOf(caller)
		if whole, err := bridge.StoreOf(store); of != whole || err != nil {
			t.Error("the caller is of another store")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a Caller outlives its call")
			}
		}()
		kept.Data()
	}()
	cause := errors.New("the cause")
	if err := toy.host(func(*wasmtime.Caller) error { return cause }); !errors.Is(err, cause) {
		t.Errorf("an error: %v", err)
	}
	func() {
		defer func() {
			if value := recover(); value != "the panic" {
				t.Errorf("panicked with %v", value)
			}
		}()
		err := toy.host(func(*wasmtime.Caller) error { panic("the panic") })
		t.Errorf("a panic: %v", err)
	}()
	if got, err := toy.call(context.Background(), "double", 6); got != 12 || err != nil {
		t.Errorf("after a panic: %d, %v", got, err)
	}
}

func TestToyHostExits(t *testing.T) {
	if ffi.Live() != nil {
		t.Skip("the store's memory is lost on purpose")
	}
	toy, _ := newToy(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = toy.host(func(*wasmtime.Caller) error { runtime.Goexit(); return nil })
		t.Error("Goexit came back")
	}()
	<-done
	if _, err := toy.call(context.Background(), "double", 1); !errors.Is(err, wasmtime.ErrClosed) {
		t.Errorf("a lost store: %v", err)
	}
}

func TestNobodyEntered(t *testing.T) {
	toy, _ := newToy(t)
	if _, err := toy.call(context.Background(), "double", 1); err != nil {
		t.Fatal(err)
	}
	if store := bridge.Entered(0); store != nil {
		t.Error("a store that is in no call counts as entered")
	}
}

// attachment counts how often its store was closed, and panics then if it is to.
type attachment struct {
	closed int
	panics any
	store  *wasmtime.Store
	err    error
}

func (a *attachment) StoreClosed() {
	a.closed++
	a.err = a.store.SetFuel(1)
	if a.panics != nil {
		panic(a.panics)
	}
}

func TestAttached(t *testing.T) {
	for _, panics := range []any{nil, "the panic"} {
		toy, store := newToy(t)
		attached := toy.store.Attached()
		if *attached != nil {
			t.Error("something is attached")
		}
		a := &attachment{panics: panics, store: store}
		*attached = a
		func() {
			defer func() {
				if value := recover(); value != panics {
					t.Errorf("panicked with %v, want %v", value, panics)
				}
			}()
			store.Close()
		}()
		store.Close()
		if a.closed != 1 || !errors.Is(a.err, wasmtime.ErrClosed) {
			t.Errorf("closed %d times, %v", a.closed, a.err)
		}
	}
}

func TestAllocate(t *testing.T) {
	toy, store := newToy(t)
	tries := 0
	err := toy.store.Allocate(t.Context(), func(call *ffi.Call, room uintptr) bool {
		tries++
		return room > 0 && call == toy.store.Native().Call()
	})
	if err != nil || tries != 1 {
		t.Errorf("%d tries, %v", tries, err)
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	never := func(*ffi.Call, uintptr) bool { t.Error("was tried"); return false }
	if err := toy.store.Allocate(done, never); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	store.Close()
	if err := toy.store.Allocate(nil, never); !errors.Is(err, wasmtime.ErrClosed) {
		t.Error(err)
	}
}

func TestMadeErrors(t *testing.T) {
	cause := errors.New("the cause")
	err := bridge.MakeError(cause, "100% text")
	if _, ok := err.(*wasmtime.Error); !ok || err.Error() != "100% text" || !errors.Is(err, cause) {
		t.Errorf("%T %v", err, err)
	}
}
