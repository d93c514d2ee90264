package wasi_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// dirOf makes a directory with so many empty files, and gives it to the guest as descriptor 3.
func dirOf(g *WasiGuest, files int) {
	g.TB.Helper()
	dir := TempDir(g.TB)
	for i := range files {
		Check(g.TB, os.WriteFile(filepath.Join(dir, fmt.Sprintf("file %04d", i)), nil, 0o600))
	}
	f := Must(os.Open(dir))
	defer f.Close()
	Check(g.TB, g.Store.InsertDir(3, f, "", READ_ONLY))
}

// openAll opens the directory again and again, up to the first error, and returns the highest descriptor.
func openAll(g *WasiGuest, most int) (last uint32, errno Errno) {
	for range most {
		fd, errno := g.PathOpen(3, 0, ".", OflagDirectory, 0, 0)
		if errno != ErrnoSuccess {
			return last, errno
		}
		last = fd
	}
	return last, ErrnoSuccess
}

// A guest that opens files and never closes them leaves the host some.
func TestGuestCannotTakeAllDescriptors(t *testing.T) {
	g := NewWasiGuest(t, nil)
	dirOf(g, 0)
	last, errno := openAll(g, 3000)
	WantErrno(t, "opening one more", errno, ErrnoMfile)
	Equal(t, "the last descriptor", last, 1023)
	// What it closes it may open again.
	WantErrno(t, "fd_close", g.Close(500), ErrnoSuccess)
	fd, errno := g.PathOpen(3, 0, ".", OflagDirectory, 0, 0)
	WantErrno(t, "opening another", errno, ErrnoSuccess)
	Equal(t, "its number", fd, 500)
	// The host is not bound by that.
	f := Must(os.Open(os.DevNull))
	defer f.Close()
	Equal(t, "the inserted descriptor", Must(g.Store.PushFile(f, READ_ONLY)), 1024)
}
