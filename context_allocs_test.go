package wasmtime_test

import (
	"context"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// A call with a context that cannot end allocates no more than one without, and one with a deadline two more, which are
// context.AfterFunc's.
func TestContextAllocations(t *testing.T) {
	if Race || Debug {
		t.Skip("the race detector and the debug mode allocate")
	}
	store, instance := GuestIn(t, EngineWith(t, WithEpochs), addWat, HostFunc2(func(c *Caller, a, b int32) (int32, error) {
		return a + b, nil
	}))
	store.SetEpochDeadline(1 << 40)
	add := instance.GetFunc(store, "add")
	typed := Must(Bind2[int32, int32, int32](store, add))
	raw := Must(BindRaw(store, add))
	stack := make([]Raw, 2)
	empty := Compile(t, store.Engine, `(module)`)
	linker := NewLinker(store.Engine)
	pre := Must(linker.InstantiatePre(empty))

	deadline, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	valued := context.WithValue(context.Background(), contextKey{}, "value")
	for name, f := range map[string]func(ctx context.Context) error{
		"Func":        func(ctx context.Context) error { return ErrorOf(add.CallContext(ctx, store, 1, 2)) },
		"typed":       func(ctx context.Context) error { return ErrorOf(typed.CallContext(ctx, 1, 2)) },
		"raw":         func(ctx context.Context) error { return raw.CallContext(ctx, stack) },
		"Linker":      func(ctx context.Context) error { return ErrorOf(linker.InstantiateContext(ctx, store, empty)) },
		"InstancePre": func(ctx context.Context) error { return ErrorOf(pre.InstantiateContext(ctx, store)) },
		"reactor":     func(ctx context.Context) error { return ErrorOf(pre.InstantiateReactorContext(ctx, store)) },
		"NewInstance": func(ctx context.Context) error { return ErrorOf(NewInstanceContext(ctx, store, empty, nil)) },
	} {
		allocations := func(ctx context.Context) float64 {
			return testing.AllocsPerRun(100, func() { Check(t, f(ctx)) })
		}
		plain := allocations(nil)
		if bound := name == "typed" || name == "raw"; bound && plain > 0 {
			t.Errorf("%s without a context: %v allocations", name, plain)
		}
		for _, c := range []struct {
			name string
			ctx  context.Context
			most float64
		}{{"Background", context.Background(), 0}, {"WithValue", valued, 0}, {"WithTimeout", deadline, 2}} {
			if n := allocations(c.ctx) - plain; n > c.most {
				t.Errorf("%s with a context of %s: %v more allocations than the %v without, want at most %v",
					name, c.name, n, plain, c.most)
			}
		}
	}
}
