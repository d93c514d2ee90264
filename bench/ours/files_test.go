package ours_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/bench/internal/work"
)

// preopened instantiates the file guest with the data folder preopened, and returns the descriptor of the file in it.
func preopened(b *testing.B) (*wasmtime.Store, *wasmtime.Instance, int32) {
	b.Helper()
	wasi := wasmtime.NewWasiConfig()
	check(b, wasi.PreopenDir(work.Data(b), "/", wasmtime.DIR_READ|wasmtime.DIR_WRITE, wasmtime.FILE_READ|wasmtime.FILE_WRITE))
	store, inst := instantiate(b, work.FileIO, wasi, nil)
	fd, err := inst.GetFunc(store, "open_data").Call(store)
	check(b, err)
	if fd.(int32) < 0 {
		b.Fatalf("open_data: errno %d", -fd.(int32))
	}
	return store, inst, fd.(int32)
}

// inserted instantiates the file guest and hands it the open file.
func inserted(b *testing.B) (*wasmtime.Store, *wasmtime.Instance, int32) {
	b.Helper()
	store, inst := instantiate(b, work.FileIO, wasmtime.NewWasiConfig(), nil)
	f, err := os.OpenFile(filepath.Join(work.Data(b), "data"), os.O_RDWR, 0)
	check(b, err)
	defer f.Close()
	fd, err := store.PushFile(f, wasmtime.READ_WRITE)
	check(b, err)
	return store, inst, int32(fd)
}

// An op is 64 MiB in reads of 64 KiB.
func read(b *testing.B, store *wasmtime.Store, inst *wasmtime.Instance, fd int32) {
	b.Helper()
	run, err := wasmtime.Bind1[int32, int64](store, inst.GetFunc(store, "read_all"))
	check(b, err)
	b.SetBytes(work.FileSize)
	for b.Loop() {
		n, err := run.Call(fd)
		check(b, err)
		work.Moved(b, n)
	}
}

func BenchmarkRead(b *testing.B) {
	store, inst, fd := preopened(b)
	read(b, store, inst, fd)
}

func BenchmarkReadInserted(b *testing.B) {
	store, inst, fd := inserted(b)
	read(b, store, inst, fd)
}

// An op is 64 MiB in writes of 64 KiB.
func write(b *testing.B, store *wasmtime.Store, inst *wasmtime.Instance, fd int32) {
	b.Helper()
	run, err := wasmtime.Bind2[int32, int64, int64](store, inst.GetFunc(store, "write_all"))
	check(b, err)
	b.SetBytes(work.FileSize)
	for b.Loop() {
		n, err := run.Call(fd, work.FileSize)
		check(b, err)
		work.Moved(b, n)
	}
}

func BenchmarkWrite(b *testing.B) {
	store, inst, fd := preopened(b)
	write(b, store, inst, fd)
}

func BenchmarkWriteInserted(b *testing.B) {
	store, inst, fd := inserted(b)
	write(b, store, inst, fd)
}
