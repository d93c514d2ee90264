package wasmtime_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

type contextKey struct{}

func TestContextWithoutEpochs(t *testing.T) {
	store, instance := Guest(t, burnWat)
	nothing := instance.GetFunc(store, "nothing")
	Check(t, ErrorOf(nothing.CallContext(context.Background(), store)))
	Check(t, ErrorOf(nothing.CallContext(nil, store)))
	Check(t, ErrorOf(nothing.CallContext(context.WithValue(context.Background(), contextKey{}, "v"), store)))
}

func TestContextNeedsEpochs(t *testing.T) {
	store, instance := Guest(t, burnWat)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	module := Compile(t, store.Engine, `(module)`)
	linker := NewLinker(store.Engine)
	pre := Must(linker.InstantiatePre(module))
	_, err := instance.GetFunc(store, "nothing").CallContext(ctx, store)
	WantIs(t, err, ErrNoEpochs)
	_, err = linker.InstantiateContext(ctx, store, module)
	WantIs(t, err, ErrNoEpochs)
	_, err = pre.InstantiateContext(ctx, store)
	WantIs(t, err, ErrNoEpochs)
	_, err = NewInstanceContext(ctx, store, module, nil)
	WantIs(t, err, ErrNoEpochs)
	Call(t, store, instance, "nothing")
}

// endless makes two kinds of calls and three of instantiations, each of a guest that never ends by itself.
func endless(t *testing.T, store *Store) map[string]func(context.Context) error {
	instance := Instantiate(t, store, burnWat)
	forever := instance.GetFunc(store, "forever")
	typed := Must(Bind0[None](store, forever))
	linker := NewLinker(store.Engine)
	module := Compile(t, store.Engine, `(module (start $s) (func $s (loop $again (br $again))))`)
	pre := Must(linker.InstantiatePre(module))
	return map[string]func(context.Context) error{
		"Call":        func(ctx context.Context) error { return ErrorOf(forever.CallContext(ctx, store)) },
		"typed":       func(ctx context.Context) error { return ErrorOf(typed.CallContext(ctx)) },
		"Instantiate": func(ctx context.Context) error { return ErrorOf(linker.InstantiateContext(ctx, store, module)) },
		"InstancePre": func(ctx context.Context) error { return ErrorOf(pre.InstantiateContext(ctx, store)) },
		"NewInstance": func(ctx context.Context) error { return ErrorOf(NewInstanceContext(ctx, store, module, nil)) },
	}
}

func TestContextStopsGuest(t *testing.T) {
	engine := EngineWith(t, WithEpochs)
	cause := errors.New("the cause")
	store := NewStore(engine)
	defer store.Close()
	for name, run := range endless(t, store) {
		t.Run(name, func(t *testing.T) {
			err := UntilTrap(func(delay time.Duration) error {
				ctx, cancel := context.WithCancelCause(context.Background())
				time.AfterFunc(delay, func() { cancel(cause) })
				return run(ctx)
			})
			if trap := WantTrap(t, err, Interrupt); !errors.Is(trap, cause) {
				t.Errorf("the trap wraps %v", errors.Unwrap(trap))
			}
			var ctx context.Context
			err = UntilTrap(func(delay time.Duration) error {
				var stop context.CancelFunc
				ctx, stop = context.WithTimeout(context.Background(), delay)
				t.Cleanup(stop)
				return run(ctx)
			})
			WantTrap(t, err, Interrupt)
			Equal(t, "deadline", errors.Is(err, context.DeadlineExceeded), true)

			// A context that was done before is an error, and the guest does not start.
			err = run(ctx)
			if _, ok := err.(*Error); !ok || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("done before: %T %v", err, err)
			}
			cancelled, cancel2 := context.WithCancelCause(context.Background())
			cancel2(cause)
			WantIs(t, run(cancelled), cause)
		})
	}
	_, instance := store, Instantiate(t, store, burnWat)
	Call(t, store, instance, "nothing")
}

// A context that ends after the call, or never, leaves the store as it was.
func TestContextAfterwards(t *testing.T) {
	engine := EngineWith(t, WithEpochs)
	store, instance := GuestIn(t, engine, burnWat)
	nothing := instance.GetFunc(store, "nothing")
	typed := Must(Bind0[None](store, nothing))
	for range 200 {
		ctx, cancel := context.WithCancel(context.Background())
		Check(t, ErrorOf(nothing.CallContext(ctx, store)))
		Check(t, ErrorOf(typed.CallContext(ctx)))
		cancel()
		Check(t, ErrorOf(nothing.Call(store)))
		Check(t, ErrorOf(typed.Call()))
	}
	engine.IncrementEpoch()
	Check(t, ErrorOf(typed.Call())) // the first context took the deadline away, and it stays away
}

// Cancelling races with the end of the call: either may win, and the next call is not disturbed.
func TestContextRaces(t *testing.T) {
	engine := EngineWith(t, WithEpochs)
	store, instance := GuestIn(t, engine, burnWat)
	burn := Must(Bind1[int32, None](store, instance.GetFunc(store, "burn")))
	// A context that is done before its call leaves the store without a deadline.
	Check(t, ErrorOf(burn.CallContext(t.Context(), 1)))
	var stopped, finished int
	for i := range Rounds(2000) {
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			if i%2 == 0 {
				runtime.Gosched()
			}
			cancel()
		}()
		switch _, err := burn.CallContext(ctx, int32(1+i*5)); {
		case err == nil:
			finished++
		case errors.Is(err, context.Canceled):
			stopped++
		default:
			t.Fatal(err)
		}
		if _, err := burn.Call(3); err != nil {
			t.Fatalf("round %d: a call without a context: %v", i, err)
		}
		cancel()
	}
	t.Logf("%d stopped, %d finished", stopped, finished)
}

// Cancelling one store's guest moves no deadline of another's.
func TestContextMovesNoDeadline(t *testing.T) {
	engine := EngineWith(t, WithEpochs)
	store, instance := GuestIn(t, engine, burnWat)
	store.SetEpochDeadline(1)
	other := NewStore(engine)
	defer other.Close()
	for name, run := range endless(t, other) {
		for range 3 {
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			err := run(ctx)
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("%s: %v", name, err)
			}
			Call(t, store, instance, "nothing")
		}
	}
	// Also not of one that is running meanwhile.
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		run := endless(t, other)["typed"]
		for {
			select {
			case <-stop:
				return
			default:
				ctx, cancel := context.WithTimeout(context.Background(), 100*time.Microsecond)
				run(ctx)
				cancel()
			}
		}
	})
	Call(t, store, instance, "burn", 30_000_000)
	close(stop)
	wg.Wait()
	engine.IncrementEpoch()
	_, err := instance.GetFunc(store, "nothing").Call(store)
	WantTrap(t, err, Interrupt)
}

// A deadline of the store holds under a context as well.
func TestContextAndDeadline(t *testing.T) {
	engine := EngineWith(t, WithEpochs)
	store, instance := GuestIn(t, engine, burnWat)
	store.SetEpochDeadline(1)
	go func() {
		time.Sleep(5 * time.Millisecond)
		engine.IncrementEpoch()
	}()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := instance.GetFunc(store, "forever").CallContext(ctx, store)
	trap := WantTrap(t, err, Interrupt)
	Equal(t, "cause", errors.Unwrap(trap), nil)
	Equal(t, "context", ctx.Err(), nil)
}

// A trap of the guest's own is not blamed on a context that ended meanwhile.
func TestContextIsNotBlamed(t *testing.T) {
	store := NewStore(EngineWith(t, WithEpochs))
	store.SetEpochDeadline(1 << 40)
	ctx, cancel := context.WithCancel(context.Background())
	instance := Instantiate(t, store, `(module (import "" "" (func $f)) (func (export "run") (call $f) (unreachable)))`, func() { cancel() })
	_, err := instance.GetFunc(store, "run").CallContext(ctx, store)
	trap, ok := err.(*Trap)
	if !ok {
		t.Fatalf("%T %v", err, err)
	}
	if *trap.Code() == UnreachableCodeReached && errors.Is(err, context.Canceled) {
		t.Error("an unreachable instruction wraps context.Canceled")
	}
}

func TestNestedContexts(t *testing.T) {
	engine := EngineWith(t, WithEpochs)
	store := NewStore(engine)
	defer store.Close()
	forever := Instantiate(t, store, burnWat).GetFunc(store, "forever")
	inner := Must(Bind0[None](store, forever))
	type key struct{}

	t.Run("Caller.Context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.WithValue(context.Background(), key{}, "outer"))
		defer cancel()
		host := WrapFunc(store, func(c *Caller) {
			Equal(t, "outer", c.Context().Value(key{}), any("outer"))
			within := context.WithValue(c.Context(), key{}, "inner")
			f := WrapFunc(c, func(c *Caller) { Equal(t, "inner", c.Context().Value(key{}), any("inner")) })
			Check(t, ErrorOf(f.CallContext(within, c)))
			Equal(t, "outer again", c.Context().Value(key{}), any("outer"))
			plain := WrapFunc(c, func(c *Caller) { Equal(t, "inherited", c.Context().Value(key{}), any("outer")) })
			Check(t, ErrorOf(plain.Call(c)))
		})
		Check(t, ErrorOf(host.CallContext(ctx, store)))
		WrapFunc(store, func(c *Caller) { Equal(t, "afterwards", c.Context().Value(key{}), nil) }).Call(store)
	})
	t.Run("the inner one ends", func(t *testing.T) {
		outer, cancel := context.WithCancel(context.Background())
		defer cancel()
		went := false
		f := Instantiate(t, store, `(module (import "" "" (func $f)) (func (export "run") (call $f)))`, func(c *Caller) {
			// The guest has begun by then, emulated too.
			ctx, cancel := context.WithTimeout(c.Context(), 50*time.Millisecond)
			defer cancel()
			_, err := inner.CallContext(ctx)
			WantTrap(t, err, Interrupt)
			Equal(t, "inner", errors.Is(err, context.DeadlineExceeded), true)
			went = true
		}).GetFunc(store, "run")
		Check(t, ErrorOf(f.CallContext(outer, store)))
		Equal(t, "the outer one goes on", went, true)
	})
	t.Run("the outer one ends", func(t *testing.T) {
		for _, within := range []func(context.Context) (context.Context, context.CancelFunc){
			nil,
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithCancel(context.Background())
			},
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.Background(), func() {}
			},
			context.WithCancel,
		} {
			outer, cancelOuter := context.WithCancelCause(context.Background())
			var innerErr error
			f := Instantiate(t, store, `(module (import "" "" (func $f)) (func (export "run") (call $f) (loop $again (br $again))))`, func(c *Caller) {
				go func() {
					time.Sleep(50 * time.Millisecond)
					cancelOuter(errors.New("outer"))
				}()
				if within == nil {
					_, innerErr = inner.Call()
					return
				}
				ctx, cancel := within(c.Context())
				defer cancel()
				_, innerErr = inner.CallContext(ctx)
			}).GetFunc(store, "run")
			_, err := f.CallContext(outer, store)
			WantTrap(t, innerErr, Interrupt)
			trap := WantTrap(t, err, Interrupt)
			if !errors.Is(trap, context.Cause(outer)) || !errors.Is(trap, outer.Err()) {
				t.Errorf("cause: %v", errors.Unwrap(trap))
			}
		}
	})
	Check(t, ErrorOf(WrapFunc(store, func() {}).Call(store)))
}

// A watch that has fired, or not, leaves no goroutine behind.
func TestContextLeaksNoGoroutine(t *testing.T) {
	engine := EngineWith(t, WithEpochs)
	store, instance := GuestIn(t, engine, burnWat)
	forever, nothing := Must(Bind0[None](store, instance.GetFunc(store, "forever"))), Must(Bind0[None](store, instance.GetFunc(store, "nothing")))
	before := runtime.NumGoroutine()
	long, cancelLong := context.WithCancel(context.Background())
	defer cancelLong()
	for range 50 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		forever.CallContext(ctx)
		cancel()
		Check(t, ErrorOf(nothing.CallContext(long)))
	}
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

// A store outlives its engine object, and so does its cancellation.
func TestContextAfterEngineClose(t *testing.T) {
	if !Survives(t) {
		return
	}
	for range Rounds(20) {
		engine := EngineWith(t, WithEpochs)
		store := NewStore(engine)
		runs := endless(t, store)
		engine.Close()
		for range 10 {
			EngineWith(t, WithEpochs).Close() // lets the allocator hand out the memory again
		}
		for name, run := range runs {
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			done := make(chan error, 1)
			go func() { done <- run(ctx) }()
			select {
			case err := <-done:
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("%s: %v", name, err)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("%s: a guest of a closed engine was not stopped", name)
			}
			cancel()
		}
		store.Close()
	}
}

// Many contexts of one engine that end at the same moment all stop their guests.
func TestContextStorm(t *testing.T) {
	engine := EngineWith(t, WithEpochs)
	module := Compile(t, engine, burnWat)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			store := NewStore(engine)
			defer store.Close()
			forever := Must(Bind0[None](store, Must(NewInstance(store, module, nil)).GetFunc(store, "forever")))
			for range Rounds(100) {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(100+i)*time.Microsecond)
				_, err := forever.CallContext(ctx)
				cancel()
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v", err)
				}
			}
		})
	}
	wg.Wait()
}

// Two guests of one engine are cancelled at the same moment, many times: each rise of the epoch that stops the one is
// noticed by the other too, and must not make it miss its own.
func TestContextIsNeverLost(t *testing.T) {
	engine := EngineWith(t, WithEpochs)
	module := Compile(t, engine, burnWat)
	stores := make([]*TypedFunc0[None], 2)
	for i := range stores {
		store := NewStore(engine)
		defer store.Close()
		stores[i] = Must(Bind0[None](store, Must(NewInstance(store, module, nil)).GetFunc(store, "forever")))
	}
	for range Rounds(1000) {
		var wg sync.WaitGroup
		for _, forever := range stores {
			wg.Go(func() {
				ctx, cancel := context.WithCancel(context.Background())
				time.AfterFunc(200*time.Microsecond, cancel)
				if _, err := forever.CallContext(ctx); !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
}

// The contexts of a call and of a call inside of it end at the same moment: both calls end.
func TestNestedContextsEndTogether(t *testing.T) {
	store := NewStore(EngineWith(t, WithEpochs))
	defer store.Close()
	inner := Must(Bind0[None](store, Instantiate(t, store, burnWat).GetFunc(store, "forever")))
	var cancelOuter context.CancelFunc
	run := Instantiate(t, store, `(module (import "" "" (func $f)) (func (export "run") (call $f) (loop $again (br $again))))`, func() {
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(100*time.Microsecond, cancel)
		time.AfterFunc(100*time.Microsecond, cancelOuter)
		if _, err := inner.CallContext(ctx); err == nil { // an *Error if ctx was done before
			t.Error("the inner call has no end")
		}
	}).GetFunc(store, "run")
	for range Rounds(500) {
		var outer context.Context
		outer, cancelOuter = context.WithCancel(context.Background())
		_, err := run.CallContext(outer, store)
		cancelOuter()
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
}

// rogue is a context of a program's own, whose methods do something else once: at a call that is counted.
type rogue struct {
	context.Context
	calls, at atomic.Int32
	act       func()
}

func (r *rogue) count() {
	if r.calls.Add(1) == r.at.Load() {
		r.act()
	}
}

func (r *rogue) Deadline() (time.Time, bool) { r.count(); return r.Context.Deadline() }
func (r *rogue) Done() <-chan struct{}       { r.count(); return r.Context.Done() }
func (r *rogue) Err() error                  { r.count(); return r.Context.Err() }
func (r *rogue) Value(key any) any           { r.count(); return r.Context.Value(key) }

// Whatever a context's methods do, and whenever, the store can be used afterwards, by anyone, and forgets the context.
func TestContextsOfTheProgram(t *testing.T) {
	engine := EngineWith(t, WithEpochs)
	store, instance := GuestIn(t, engine, burnWat)
	store.SetEpochDeadline(1 << 40)
	runs := endless(t, store)
	nothing := instance.GetFunc(store, "nothing")
	raw := Must(BindRaw(store, nothing))
	typed := Must(Bind0[None](store, nothing))
	runs["returns"] = func(ctx context.Context) error { return ErrorOf(typed.CallContext(ctx)) }
	runs["raw"] = func(ctx context.Context) error { return raw.CallContext(ctx, nil) }
	runs["host"] = func(ctx context.Context) error {
		return ErrorOf(WrapFunc(store, func() {}).CallContext(ctx, store))
	}
	acts := map[string]func(){"panic": func() { panic("the context's") }, "Goexit": runtime.Goexit}
	for name, run := range runs {
		for action, act := range acts {
			t.Run(name+" "+action, func(t *testing.T) {
				for at := int32(1); ; at++ {
					ends, cancel := context.WithTimeout(context.Background(), 2*time.Millisecond)
					ctx := &rogue{Context: ends, act: act}
					ctx.at.Store(at)
					panicked := make(chan any, 1)
					go func() {
						defer func() { panicked <- recover() }()
						run(ctx)
					}()
					value := <-panicked
					cancel()
					acted := ctx.calls.Load() >= at
					want := any(nil)
					if acted && action == "panic" {
						want = "the context's"
					}
					if value != want {
						t.Fatalf("call %d of a method: panicked with %v", at, value)
					}
					ctx.at.Store(0)
					var within context.Context
					_, err := WrapFunc(store, func(c *Caller) { within = c.Context() }).Call(store)
					if err != nil || within != context.Background() {
						t.Fatalf("call %d of a method: the next call has the context %T, %v", at, within, err)
					}
					Check(t, ErrorOf(nothing.Call(store)))
					if !acted {
						t.Logf("%d calls of methods", at-1)
						return
					}
				}
			})
		}
	}
}

// A call inside of another ends with the context of that, and says so, whatever context it has itself.
func TestInnerCallSaysWhichContextEnded(t *testing.T) {
	store := NewStore(EngineWith(t, WithEpochs))
	defer store.Close()
	forever := Must(Bind0[None](store, Instantiate(t, store, burnWat).GetFunc(store, "forever")))
	type key struct{}
	valued := context.WithValue(context.Background(), key{}, 1)
	live, cancelLive := context.WithCancel(context.Background())
	defer cancelLive()
	for name, call := range map[string]func() error{
		"none":       func() error { return ErrorOf(forever.Call()) },
		"Background": func() error { return ErrorOf(forever.CallContext(context.Background())) },
		"WithValue":  func() error { return ErrorOf(forever.CallContext(valued)) },
		"live":       func() error { return ErrorOf(forever.CallContext(live)) },
	} {
		t.Run(name, func(t *testing.T) {
			var within [2]error
			deepest := WrapFunc(store, func() { within[0] = call() })
			middle := WrapFunc(store, func(c *Caller) {
				// The host function has returned no error.
				Check(t, ErrorOf(deepest.CallContext(context.Background(), c)))
				within[1] = call()
			})
			UntilTrap(func(delay time.Duration) error {
				within = [2]error{}
				ctx, cancel := context.WithTimeout(context.Background(), delay)
				defer cancel()
				_, err := middle.CallContext(ctx, store)
				if err != nil {
					return err
				}
				return within[0]
			})
			for i, err := range within {
				WantTrap(t, err, Interrupt)
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("inner call %d: %v", i, err)
				}
			}
		})
	}
}
