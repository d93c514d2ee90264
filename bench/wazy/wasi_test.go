package wazy_test

import (
	"bytes"
	"testing"

	"github.com/samyfodil/wazy"
	"github.com/samyfodil/wazy/component"
	"github.com/samyfodil/wazy/imports/wasip2"

	"github.com/gowasmtime/wasmtime/bench/internal/work"
)

// instantiateWasi makes an instance of a component with WASI 0.2.
func instantiateWasi(b *testing.B, binary []byte, cfg wasip2.Config) *component.Instance {
	b.Helper()
	inst, err := component.Instantiate(ctx, newRuntime(b), binary, wasip2.With(cfg)...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { inst.Close(ctx) })
	return inst
}

// An op is one look at the monotonic clock by the guest.
func BenchmarkWasi2Clock(b *testing.B) {
	inst := instantiateWasi(b, work.WasiClock, wasip2.Config{})
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += work.Loops {
		if n := callComponent(b, inst, "nows", uint32(work.Loops)); n != uint32(work.Loops) {
			b.Fatal(n)
		}
	}
}

// An op is an instantiation with WASI of its own, a run of the program, and its end. What can be prepared is in the
// cache.
func BenchmarkWasi2Hello(b *testing.B) {
	rt := newRuntime(b)
	cache := component.NewCompileCache()
	defer cache.Close(ctx)
	b.ReportAllocs()
	for b.Loop() {
		var out bytes.Buffer
		options := append(wasip2.With(wasip2.Config{Stdout: &out}), component.WithCompileCache(cache))
		inst, err := component.Instantiate(ctx, rt, work.WasiHello, options...)
		if err != nil {
			b.Fatal(err)
		}
		callComponent(b, inst, work.WasiRun)
		inst.Close(ctx)
		if out.String() != work.HelloOutput {
			b.Fatal(out.String())
		}
	}
}

// wasi2Files instantiates the guest of files with the data folder preopened, and has it open the file there. It reads
// and writes by streams: wazy has no descriptor.read, and no descriptor.write.
func wasi2Files(b *testing.B) *component.Instance {
	b.Helper()
	inst := instantiateWasi(b, work.WasiFiles, wasip2.Config{FS: wazy.NewFSConfig().WithDirMount(work.Data(b), "/")})
	callComponent(b, inst, "open")
	return inst
}

// An op is 64 MiB in reads of 64 KiB.
func BenchmarkWasi2Read(b *testing.B) {
	inst := wasi2Files(b)
	b.SetBytes(work.FileSize)
	for b.Loop() {
		work.Moved(b, int64(callComponent(b, inst, "read").(uint64)))
	}
}

// An op is 64 MiB in writes of 64 KiB.
func BenchmarkWasi2Write(b *testing.B) {
	inst := wasi2Files(b)
	b.SetBytes(work.FileSize)
	for b.Loop() {
		work.Moved(b, int64(callComponent(b, inst, "write", uint64(work.FileSize)).(uint64)))
	}
}

// An op is 16 MiB to a guest and back, over a connection that it has made.
func BenchmarkWasi2Echo(b *testing.B) {
	inst := instantiateWasi(b, work.WasiEcho, wasip2.Config{AllowTCP: true})
	work.Echoed(b, func(port uint16) (uint64, error) {
		results, err := inst.Call(ctx, "echo", uint32(port))
		if err != nil {
			return 0, err
		}
		return results[0].(uint64), nil
	})
}
