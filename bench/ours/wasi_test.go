package ours_test

import (
	"bytes"
	"net"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/bench/internal/work"
	"github.com/gowasmtime/wasmtime/component"
)

// newWasi compiles a component, and links it with WASI 0.2.
func newWasi(b *testing.B, pooling bool, binary []byte) (*wasmtime.Engine, *component.InstancePre) {
	b.Helper()
	engine := newEngine(pooling)
	c, err := component.New(engine, binary)
	check(b, err)
	linker := component.NewLinker(engine)
	check(b, linker.DefineWasi())
	pre, err := linker.InstantiatePre(c)
	check(b, err)
	return engine, pre
}

// instantiateWasi makes an instance in a store of its own, and returns how to find its functions.
func instantiateWasi(b *testing.B, binary []byte, wasi *wasmtime.WasiConfig) func(name string) *component.Func {
	b.Helper()
	engine, pre := newWasi(b, false, binary)
	return wasiIn(b, wasmtime.NewStore(engine), pre, wasi)
}

// wasiIn is instantiateWasi in a store.
func wasiIn(b *testing.B, store *wasmtime.Store, pre *component.InstancePre, wasi *wasmtime.WasiConfig) func(name string) *component.Func {
	b.Helper()
	store.SetWasi(wasi)
	inst, err := pre.Instantiate(nil, store)
	check(b, err)
	return func(name string) *component.Func {
		b.Helper()
		f, err := inst.Func(name)
		check(b, err)
		return f
	}
}

// An op is one look at the monotonic clock by the guest.
func BenchmarkWasi2Clock(b *testing.B) {
	nows, err := component.Bind1[uint32, uint32](instantiateWasi(b, work.WasiClock, wasmtime.NewWasiConfig())("nows"))
	check(b, err)
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += work.Loops {
		if n, err := nows.Call(nil, work.Loops); err != nil || n != work.Loops {
			b.Fatal(n, err)
		}
	}
}

// An op is a store with WASI of its own, whose standard output is a buffer, an instantiation, a run of the program, and
// the end of the store.
func wasi2Hello(b *testing.B, pooling bool) {
	_, pre := newWasi(b, pooling, work.WasiHello)
	b.ReportAllocs()
	for b.Loop() {
		wasi, out := wasmtime.NewWasiConfig(), bytes.Buffer{}
		wasi.SetStdout(&out)
		command := component.Command{Pre: pre, Wasi: wasi}
		check(b, command.Run(nil))
		wasi.Close()
		if out.String() != work.HelloOutput {
			b.Fatal(out.String())
		}
	}
}

func BenchmarkWasi2Hello(b *testing.B)        { wasi2Hello(b, false) }
func BenchmarkWasi2HelloPooling(b *testing.B) { wasi2Hello(b, true) }

// wasi2Files instantiates the guest of files with the data folder preopened, and has it open the file there.
func wasi2Files(b *testing.B) func(name string) *component.Func {
	b.Helper()
	wasi := wasmtime.NewWasiConfig()
	check(b, wasi.PreopenDir(work.Data(b), "/", wasmtime.DIR_READ|wasmtime.DIR_WRITE, wasmtime.FILE_READ|wasmtime.FILE_WRITE))
	f := instantiateWasi(b, work.WasiFiles, wasi)
	_, err := f("open").Call(nil)
	check(b, err)
	return f
}

// An op is 64 MiB in reads of 64 KiB.
func wasi2Read(b *testing.B, name string) {
	read, err := component.Bind[struct{}, uint64](wasi2Files(b)(name))
	check(b, err)
	b.SetBytes(work.FileSize)
	for b.Loop() {
		n, err := read.Call(nil, struct{}{})
		check(b, err)
		work.Moved(b, int64(n))
	}
}

func BenchmarkWasi2Read(b *testing.B)   { wasi2Read(b, "read") }
func BenchmarkWasi2ReadAt(b *testing.B) { wasi2Read(b, "read-at") }

// An op is 64 MiB in writes of 64 KiB.
func wasi2Write(b *testing.B, name string) {
	write, err := component.Bind1[uint64, uint64](wasi2Files(b)(name))
	check(b, err)
	b.SetBytes(work.FileSize)
	for b.Loop() {
		n, err := write.Call(nil, work.FileSize)
		check(b, err)
		work.Moved(b, int64(n))
	}
}

func BenchmarkWasi2Write(b *testing.B)   { wasi2Write(b, "write") }
func BenchmarkWasi2WriteAt(b *testing.B) { wasi2Write(b, "write-at") }

// An op is 16 MiB to a guest and back, over a connection that it has made.
func BenchmarkWasi2Echo(b *testing.B) {
	wasi := wasmtime.NewWasiConfig()
	wasi.InheritNetwork()
	wasi.AllowTCP(true)
	echo, err := component.Bind1[uint16, uint64](instantiateWasi(b, work.WasiEcho, wasi)("echo"))
	check(b, err)
	work.Echoed(b, func(port uint16) (uint64, error) { return echo.Call(nil, port) })
}

// The same over a connection that the host has made, and hands over.
func BenchmarkWasi2EchoInserted(b *testing.B) {
	engine, pre := newWasi(b, false, work.WasiEcho)
	store := wasmtime.NewStore(engine)
	f := wasiIn(b, store, pre, wasmtime.NewWasiConfig())
	echo, err := component.Bind2[*component.Resource, *component.Resource, uint64](f("echo-streams"))
	check(b, err)
	work.Echoed(b, func(port uint16) (uint64, error) {
		conn, err := net.DialTCP("tcp", nil, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(port)})
		if err != nil {
			return 0, err
		}
		fd, err := store.PushConn(conn)
		conn.Close()
		if err != nil {
			return 0, err
		}
		input, output, err := component.WasiStreams(store, fd)
		if err != nil {
			return 0, err
		}
		return echo.Call(nil, input, output)
	})
}
