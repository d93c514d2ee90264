package component_test

import (
	"slices"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// The limits of a store are for the modules of components, too.
func TestLimits(t *testing.T) {
	const page = 1 << 16
	engine := wasmtime.NewEngine()
	defer engine.Close()
	linker := component.NewLinker(engine)
	defer linker.Close()
	c := Must(component.New(engine, []byte(`(component
		(core module $m (memory 1)) (core instance (instantiate $m)) (core instance (instantiate $m)))`)))
	defer c.Close()
	for _, limit := range []struct {
		limits wasmtime.Limits
		text   string
		want   wasmtime.Refusal
	}{
		{wasmtime.Limits{TotalMemory: page}, "memory limits", wasmtime.Refusal{Reason: wasmtime.RefusedTotalMemory, Wanted: 2 * page, Limit: page}},
		{wasmtime.Limits{Instances: 1}, "instance count", wasmtime.Refusal{Reason: wasmtime.RefusedInstances, Wanted: 2, Limit: 1}},
		{wasmtime.Limits{Memories: 1}, "memory count", wasmtime.Refusal{Reason: wasmtime.RefusedMemories, Wanted: 2, Limit: 1}},
	} {
		store := wasmtime.NewStore(engine)
		var refused []wasmtime.Refusal
		limit.limits.OnRefusal = func(r wasmtime.Refusal) { refused = append(refused, r) }
		store.SetLimits(limit.limits)
		WantText(t, ErrorOf(linker.Instantiate(nil, store, c)), limit.text)
		if !slices.Equal(refused, []wasmtime.Refusal{limit.want}) {
			t.Errorf("refused %v, want %v", refused, limit.want)
		}
		limit.limits.OnRefusal = func(wasmtime.Refusal) { panic("refused") }
		store.SetLimits(limit.limits)
		if value := PanicOf(t, func() { linker.Instantiate(nil, store, c) }); value != "refused" {
			t.Errorf("panicked with %v", value)
		}
		store.Close()
	}
}
