package wasmtime_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// blocked is a guest whose host function waits until release is closed, and then runs what it is given.
type blocked struct {
	store   *Store
	run     *TypedFunc0[None]
	inside  chan struct{}
	release chan func()
	ended   chan error
}

const blockedWat = `(module (import "" "f" (func $f)) (memory 1)
	(func (export "run") (call $f)) (func (export "nothing")))`

func newBlocked(t *testing.T, engine *Engine, module *Module) *blocked {
	b := &blocked{inside: make(chan struct{}), release: make(chan func()), ended: make(chan error, 1)}
	b.store = NewStore(engine)
	t.Cleanup(b.store.Close)
	host := NewHostFunc(b.store, HostFunc0(func(*Caller) (None, error) {
		close(b.inside)
		(<-b.release)()
		return None{}, nil
	}))
	b.run = Must(Bind0[None](b.store, Must(NewInstance(b.store, module, []AsExtern{host})).GetFunc(b.store, "run")))
	return b
}

func (b *blocked) begin() {
	go func() { b.ended <- ErrorOf(b.run.Call()) }()
	<-b.inside
}

func (b *blocked) end(t *testing.T, f func()) {
	b.release <- f
	Check(t, <-b.ended)
}

// limitGuests is for the length of a test.
func limitGuests(t *testing.T, n int) {
	before := SetMaxConcurrentGuests(n)
	t.Cleanup(func() { Equal(t, "the limit", SetMaxConcurrentGuests(before), n) })
}

// Beyond the limit, a call waits for its context, or fails; one inside of another is not limited.
func TestTooManyGuests(t *testing.T) {
	const limit = 3
	limitGuests(t, limit)
	engine := EngineWith(t, WithEpochs)
	module := Compile(t, engine, blockedWat)
	var all [limit]*blocked
	for i := range all {
		all[i] = newBlocked(t, engine, module)
		all[i].store.SetEpochDeadline(1 << 40)
	}
	store := NewStore(engine)
	defer store.Close()
	store.SetEpochDeadline(1 << 40)
	host := NewHostFunc(store, HostFunc0(func(*Caller) (None, error) { return None{}, nil }))
	nothing := Must(NewInstance(store, module, []AsExtern{host})).GetFunc(store, "nothing")
	typed, raw := Must(Bind0[None](store, nothing)), Must(BindRaw(store, nothing))
	calls := map[string]func(context.Context) error{
		"Call": func(ctx context.Context) error { return ErrorOf(nothing.CallContext(ctx, store)) },
		"typed": func(ctx context.Context) error {
			if ctx == nil {
				return ErrorOf(typed.Call())
			}
			return ErrorOf(typed.CallContext(ctx))
		},
		"raw": func(ctx context.Context) error {
			if ctx == nil {
				return raw.Call(nil)
			}
			return raw.CallContext(ctx, nil)
		},
		"NewInstance": func(ctx context.Context) error {
			return ErrorOf(NewInstanceContext(ctx, store, module, []AsExtern{host}))
		},
	}
	for _, b := range all {
		b.begin()
	}
	if got := Stats(); got.RunningGuests != limit || got.OpenStores < limit+1 || got.WaitingGuests != 0 {
		t.Errorf("counters: %+v", got)
	}
	for name, call := range calls {
		for range 3 {
			WantTyped(t, call(nil), ErrTooManyGuests, "SetMaxConcurrentGuests")
			WantTyped(t, call(context.Background()), ErrTooManyGuests, "SetMaxConcurrentGuests")
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		err := call(ctx)
		cancel()
		began := !strings.HasPrefix(err.Error(), "context") // the context had not ended before
		if began && !errors.Is(err, ErrTooManyGuests) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s with a deadline: %v", name, err)
		}
	}
	Equal(t, "waiting", Stats().WaitingGuests, 0)

	// A host function of one that runs may call whatever it wants.
	all[0].end(t, func() {
		for name, call := range calls {
			if err := call(nil); err != nil {
				t.Errorf("%s from a host function: %v", name, err)
			}
		}
	})
	for name, call := range calls {
		if err := call(nil); err != nil {
			t.Errorf("%s, when there is room: %v", name, err)
		}
	}

	// Who waits begins when there is room.
	again := newBlocked(t, engine, module)
	again.store.SetEpochDeadline(1 << 40)
	again.begin()
	for name, call := range calls {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- call(ctx) }()
		for Stats().WaitingGuests == 0 {
			runtime.Gosched()
		}
		again.end(t, func() {})
		if err := <-done; err != nil {
			t.Errorf("%s, which has waited: %v", name, err)
		}
		cancel()
		again = newBlocked(t, engine, module)
		again.store.SetEpochDeadline(1 << 40)
		again.begin()
	}
	Equal(t, "waiting", Stats().WaitingGuests, 0)
	for _, b := range append(all[1:], again) {
		b.end(t, func() {})
	}
	Equal(t, "running", Stats().RunningGuests, 0)
}

// A limit that many goroutines run into is kept, and all of them have their turn.
func TestCrowd(t *testing.T) {
	const limit, workers = 4, 16
	limitGuests(t, limit)
	engine := EngineWith(t, WithEpochs)
	module := Compile(t, engine, blockedWat)
	var running, most atomic.Int32
	var wg sync.WaitGroup
	var runs []*TypedFunc0[None] // an instantiation without a context does not wait, so all are made before any runs
	for range workers {
		store := NewStore(engine)
		defer store.Close()
		store.SetEpochDeadline(1 << 40)
		host := NewHostFunc(store, HostFunc0(func(*Caller) (None, error) {
			most.Store(max(most.Load(), running.Add(1)))
			for range 20 {
				runtime.Gosched()
			}
			running.Add(-1)
			return None{}, nil
		}))
		instance, err := NewInstance(store, module, []AsExtern{host})
		Check(t, err)
		runs = append(runs, Must(Bind0[None](store, instance.GetFunc(store, "run"))))
	}
	for _, run := range runs {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			for range Rounds(50) {
				if _, err := run.CallContext(ctx); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	// Those that come at the same moment may be counted a little late.
	if got := int(most.Load()); got > limit+runtime.GOMAXPROCS(0) {
		t.Errorf("%d guests ran at once", got)
	}
	Equal(t, "waiting", Stats().WaitingGuests, 0)
}

// A process with many more blocked guests than it can have threads goes on.
func TestThousandsOfBlockedGuests(t *testing.T) {
	if testing.Short() || Race || Debug || OnWine() || !Survives(t) { // Wine takes minutes for as many threads
		return
	}
	engine := NewEngine()
	module := Compile(t, engine, blockedWat)
	const n = 12_000
	release := make(chan struct{})
	var inside, refused atomic.Int32
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			store := NewStore(engine)
			defer store.Close()
			host := NewHostFunc(store, HostFunc0(func(*Caller) (None, error) {
				if inside.Add(1)+refused.Load() == n {
					close(release)
				}
				<-release
				return None{}, nil
			}))
			instance, err := NewInstance(store, module, []AsExtern{host})
			if err == nil {
				_, err = Must(Bind0[None](store, instance.GetFunc(store, "run"))).Call()
			}
			if err == nil {
				return
			}
			if !errors.Is(err, ErrTooManyGuests) {
				t.Error(err)
			}
			if refused.Add(1)+inside.Load() == n {
				close(release)
			}
			<-release
		})
	}
	wg.Wait()
	if inside.Load() < DefaultMaxConcurrentGuests-n/100 || refused.Load() == 0 {
		t.Errorf("%d guests ran, %d were refused", inside.Load(), refused.Load())
	}
	t.Logf("%d guests ran, %d were refused", inside.Load(), refused.Load())
}
