package wazy_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/samyfodil/wazy"
	"github.com/samyfodil/wazy/component"

	"github.com/gowasmtime/wasmtime/bench/internal/work"
)

// host defines what the component imports.
func host() component.Option {
	u32 := []component.TypeDesc{component.PrimitiveDesc{Prim: "u32"}}
	inc := func(_ context.Context, args []component.Value) ([]component.Value, error) {
		return []component.Value{work.Inc(args[0].(uint32))}, nil
	}
	return component.WithImport(work.ComponentHost, "inc", inc, u32, u32)
}

func instantiateComponent(b *testing.B) *component.Instance {
	b.Helper()
	inst, err := component.Instantiate(ctx, newRuntime(b), work.Component, host())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { inst.Close(ctx) })
	return inst
}

// callComponent makes one call, and returns the first result, or nil.
func callComponent(b *testing.B, inst *component.Instance, name string, args ...component.Value) component.Value {
	results, err := inst.Call(ctx, name, args...)
	if err != nil {
		b.Helper()
		b.Fatal(name, err)
	}
	if len(results) == 0 {
		return nil
	}
	return results[0]
}

// An op is one call of add.
func BenchmarkComponentAdd(b *testing.B) {
	inst := instantiateComponent(b)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if sum := callComponent(b, inst, "add", uint32(i), uint32(2)); sum != uint32(i)+2 {
			b.Fatal(sum)
		}
	}
}

// An op is a string of 1 KiB to the guest, and back.
func BenchmarkComponentEcho(b *testing.B) {
	inst := instantiateComponent(b)
	var text component.Value = work.Text()
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if back := callComponent(b, inst, "echo", text); back != text {
			b.Fatal(back)
		}
	}
}

// keepBytes has the guest keep the bytes that the function kept returns, and checks that it does so.
func keepBytes(b *testing.B, inst *component.Instance, all []byte) {
	b.Helper()
	callComponent(b, inst, "keep", all)
	if !bytes.Equal(callComponent(b, inst, "kept").([]byte), all) {
		b.Fatal("the guest has kept other bytes")
	}
}

// An op is 1 MiB to the guest.
func BenchmarkComponentBytesIn(b *testing.B) {
	inst, all := instantiateComponent(b), work.Bytes()
	keepBytes(b, inst, all)
	var arg component.Value = all
	want := work.Taken(all)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if n := callComponent(b, inst, "take", arg); n != want {
			b.Fatal(n)
		}
	}
}

// An op is 1 MiB from the guest, in a new slice.
func BenchmarkComponentBytesOut(b *testing.B) {
	inst, all := instantiateComponent(b), work.Bytes()
	keepBytes(b, inst, all)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if back := callComponent(b, inst, "kept").([]byte); work.Taken(back) != work.Taken(all) {
			b.Fatal(len(back))
		}
	}
}

// echoed measures a function that returns the records that it is given: there are only dynamic values for them. The
// arguments are made once, and the results are compared once, then their number.
func echoed[T comparable](b *testing.B, name string, all []T, value func(T) []component.Value) {
	b.Helper()
	inst := instantiateComponent(b)
	var values []component.Value
	for _, v := range all {
		values = append(values, value(v))
	}
	var arg component.Value = values
	for i, v := range callComponent(b, inst, name, arg).([]component.Value) {
		for j, field := range v.([]component.Value) {
			if field != value(all[i])[j] {
				b.Fatal(v)
			}
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if back := callComponent(b, inst, name, arg).([]component.Value); len(back) != len(all) {
			b.Fatal(len(back))
		}
	}
}

// An op is 1,000 records of two numbers and a string to the guest, and back.
func BenchmarkComponentRows(b *testing.B) {
	echoed(b, "rows", work.Rows(), func(r work.Row) []component.Value { return []component.Value{r.ID, r.X, r.Name} })
}

// An op is 1,000 records of two numbers to the guest, and back.
func BenchmarkComponentPoints(b *testing.B) {
	echoed(b, "points", work.Points(), func(p work.Point) []component.Value { return []component.Value{p.ID, p.X} })
}

// An op is one call of the imported function by the guest.
func BenchmarkComponentHostCall(b *testing.B) {
	inst := instantiateComponent(b)
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += work.Loops {
		if n := callComponent(b, inst, "incs", uint32(work.Loops)); n != uint32(work.Loops) {
			b.Fatal(n)
		}
	}
}

// An op is one call of a method of a resource that the guest defines.
func BenchmarkComponentMethod(b *testing.B) {
	inst := instantiateComponent(b)
	counter := callComponent(b, inst, work.NewCounter, uint32(work.Counted))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if n := callComponent(b, inst, work.GetCounter, counter); n != uint32(work.Counted) {
			b.Fatal(n)
		}
	}
}

// An op is an instantiation and its end. What can be prepared is in the cache: the decoded and the compiled component.
func BenchmarkComponentInstantiate(b *testing.B) {
	rt := wazy.NewRuntimeWithConfig(ctx, wazy.NewRuntimeConfigCompiler())
	defer rt.Close(ctx)
	cache := component.NewCompileCache()
	defer cache.Close(ctx)
	options := []component.Option{host(), component.WithCompileCache(cache)}
	b.ReportAllocs()
	for b.Loop() {
		inst, err := component.Instantiate(ctx, rt, work.Component, options...)
		if err != nil {
			b.Fatal(err)
		}
		inst.Close(ctx)
	}
}
