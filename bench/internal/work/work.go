// Package work says what every peer does: the modules, the amounts and the right results. That the peers do the same
// is checked, not assumed: each of them compares what its guests return with what stands here.
package work

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/gowasmtime/wasmtime/testdata/guests"
)

// Kernel is a pure computation: a module that exports a function of one i32 which returns an i64.
type Kernel struct {
	Name   string
	N      int32  // the argument: how much work an op is
	Result uint64 // what the function must return
}

// Kernels are the computations in C. None of them imports anything.
var Kernels = []Kernel{
	{"nbody", 20_000, 0xdc66d42e80de2b39},
	{"sha256", 4_000, 0x105d77d490ee614a},
	{"sort", 30_000, 0xceb0035c165e21f7},
	{"json", 60, 0x4f068f256792e2fc},
}

// GoKernel is the computation in Go. Its module is a WASI reactor: call _initialize once, then the function "kernel".
var GoKernel = Kernel{"go", 10, 0x8158c15743f23c03}

// Wasm is the module of a C kernel.
func (k Kernel) Wasm() []byte { return guests.C(k.Name) }

// Check fails the benchmark when a kernel returned something else than the right result.
func (k Kernel) Check(b *testing.B, result int64) {
	b.Helper()
	if uint64(result) != k.Result {
		b.Fatalf("kernel %s returned %#x, want %#x", k.Name, uint64(result), k.Result)
	}
}

// Loops is how often the guest calls the host in one call of "loop" of hostloop or wasiloop.
const Loops = 1000

// Add, HostLoop, WasiLoop, Small, Hello, FileIO and Relay are the modules of the other measurements.
var (
	Add      = guests.C("add")      // add(i32, i32) -> i32
	HostLoop = guests.C("hostloop") // loop(n) calls env.host(i32, i32) -> i32 n times
	WasiLoop = guests.C("wasiloop") // loop(n) calls fd_write n times with nothing to write
	Small    = guests.C("small")    // exports memory, greeting() and sum(i32)
	Hello    = guests.C("hello")    // _start prints one line
	FileIO   = guests.C("fileio")   // open_data(), read_all(fd), write_all(fd, bytes)
	Relay    = guests.C("relay")    // relay(conn, cancel, idle_ms) calls host.dial()
)

// HelloOutput is what Hello prints.
const HelloOutput = "Hello from a guest\n"

// Host is what the imported function does, everywhere.
func Host(a, b int32) int32 { return a + b }

// LoopResult is what loop(Loops) returns when the host function is Host.
const LoopResult = Loops * (Loops - 1) / 2

// BigGuest is the Go guest of about four megabytes.
func BigGuest(b *testing.B) []byte {
	b.Helper()
	wasm, err := guests.Go("kernel")
	if err != nil {
		b.Fatal(err)
	}
	return wasm
}

// FileSize is the size of the file that is read and written: 64 MiB.
const FileSize = 64 << 20

// DataDir is a folder with a file "data" of FileSize bytes, in memory where the system has such a file system, because
// disks are not what is measured. BENCH_DATA overrides where it is.
func DataDir() (string, error) {
	dir := os.Getenv("BENCH_DATA")
	if dir == "" {
		dir = filepath.Join(scratch(), "gowasmtime-bench")
	}
	path := filepath.Join(dir, "data")
	if info, err := os.Stat(path); err == nil && info.Size() == FileSize {
		return dir, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	part := make([]byte, 1<<20)
	for i := range part {
		part[i] = byte(i * 7)
	}
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	for range FileSize / len(part) {
		if _, err := f.Write(part); err != nil {
			return "", err
		}
	}
	return dir, f.Close()
}

func scratch() string {
	const shm = "/dev/shm"
	if info, err := os.Stat(shm); err == nil && info.IsDir() {
		return shm
	}
	return os.TempDir()
}

// Data is DataDir for a benchmark.
func Data(b *testing.B) string {
	b.Helper()
	dir, err := DataDir()
	if err != nil {
		b.Fatal(err)
	}
	return dir
}

// Moved fails the benchmark unless n bytes are the whole file.
func Moved(b *testing.B, n int64) {
	b.Helper()
	if n != FileSize {
		b.Fatal(fmt.Errorf("%d bytes moved, want %d", n, FileSize))
	}
}

// Sink keeps the compiler from dropping a computation whose result nobody wants.
var Sink uint64
