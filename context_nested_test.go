package wasmtime_test

import (
	"context"
	"errors"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// A guest that calls its host for ever stops when its context ends, whatever else the host function does to the
// store's deadline.
func TestContextEndsGuestsThatCallTheHost(t *testing.T) {
	long := func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(context.Background(), time.Hour)
	}
	for name, host := range map[string]func(c *Caller, store *Store, short *Func) error{
		"a call with a context": func(c *Caller, _ *Store, short *Func) error {
			ctx, cancel := long()
			defer cancel()
			short.CallContext(ctx, c, 1)
			return nil
		},
		"a longer call with a context": func(c *Caller, _ *Store, short *Func) error {
			ctx, cancel := long()
			defer cancel()
			short.CallContext(ctx, c, 1_000_000)
			return nil
		},
		"a call with the context and no end": func(c *Caller, _ *Store, short *Func) error {
			short.CallContext(context.WithoutCancel(c.Context()), c, 1)
			return nil
		},
		"a bound call": func(c *Caller, _ *Store, short *Func) error {
			ctx, cancel := long()
			defer cancel()
			bound, err := Bind1[int32, None](c, short)
			if err == nil {
				bound.CallContext(ctx, 1)
			}
			return err
		},
		"a deadline": func(_ *Caller, store *Store, _ *Func) error {
			store.SetEpochDeadline(1 << 40)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			engine := EngineWith(t, WithEpochs)
			store := NewStore(engine)
			defer store.Close()
			module := Compile(t, engine, `(module (import "" "host" (func $host))
				(func (export "short") (param i32)
					(loop $l (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br_if $l (i32.gt_s (local.get 0) (i32.const 0)))))
				(func (export "run") (loop $l (call $host) (br $l))))`)
			tooLong := errors.New("it goes on and on")
			var short *Func
			var ended time.Time
			calls := Must(HostFuncOf(func(c *Caller) error {
				time.Sleep(time.Millisecond) // for a rise of the epoch that nobody notices
				if c.Context().Err() != nil && ended.IsZero() {
					ended = time.Now()
				}
				if !ended.IsZero() && time.Since(ended) > 10*time.Second {
					return tooLong
				}
				return host(c, store, short)
			}))
			instance, err := NewInstance(store, module, []AsExtern{NewHostFunc(store, calls)})
			Check(t, err)
			short = instance.GetFunc(store, "short")
			run := instance.GetFunc(store, "run")
			for range 5 {
				ended = time.Time{}
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
				_, err = run.CallContext(ctx, store)
				cancel()
				if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, tooLong) {
					t.Fatalf("the call ended with %v", err)
				}
			}
		})
	}
}

// lateContext is a context that calls what it is to call only when it is told to, as a busy machine may.
type lateContext struct {
	context.Context
	late chan struct{}
}

func (c lateContext) Value(any) any { return nil }

func (c lateContext) AfterFunc(f func()) func() bool {
	return context.AfterFunc(c.Context, func() { <-c.late; f() })
}

// An interrupt for a call that has ended stops none around it.
func TestInterruptsAreTakenBack(t *testing.T) {
	engine := EngineWith(t, WithEpochs)
	store := NewStore(engine)
	defer store.Close()
	module := Compile(t, engine, `(module (import "" "host" (func $host (param i32)))
		(func (export "inner") (loop $l (br $l)))
		(func (export "middle") (call $host (i32.const 1)))
		(func (export "run") (result i32) (local $n i32)
			(call $host (i32.const 0))
			(call $host (i32.const 2))
			(loop $l (local.set $n (i32.add (local.get $n) (i32.const 1))) (br_if $l (i32.lt_u (local.get $n) (i32.const 1000))))
			(local.get $n)))`)
	var instance *Instance
	var innerCtx context.Context
	late := make(chan struct{})
	host := Must(HostFuncOf(func(c *Caller, what int32) {
		switch what {
		case 0:
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			defer cancel()
			innerCtx = ctx
			instance.GetFunc(c, "middle").CallContext(lateContext{ctx, late}, c)
		case 1:
			_, err := instance.GetFunc(c, "inner").CallContext(innerCtx, c)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the inner call ended with %v", err)
			}
		case 2:
			engine.IncrementEpoch() // so that the guest looks
		}
	}))
	instance, err := NewInstance(store, module, []AsExtern{NewHostFunc(store, host)})
	Check(t, err)
	for range 10 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		n, err := instance.GetFunc(store, "run").CallContext(ctx, store)
		cancel()
		Check(t, err)
		Equal(t, "result", n, any(int32(1000)))
	}
	close(late)
}
