package wasmtime_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	. "github.com/gowasmtime/wasmtime"
)

const errnoMfile wasiErrno = 33

// dirOf makes a directory with so many empty files, and gives it to the guest as descriptor 3.
func (g *wasiGuest) dirOf(files int) {
	g.t.Helper()
	dir := tempDir(g.t)
	for i := range files {
		check(g.t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("file %04d", i)), nil, 0o600))
	}
	f := must(os.Open(dir))
	defer f.Close()
	check(g.t, g.store.InsertDir(3, f, "", READ_ONLY))
}

// openAll opens the directory again and again, up to the first error, and returns the highest descriptor.
func (g *wasiGuest) openAll(most int) (last uint32, errno wasiErrno) {
	for range most {
		fd, errno := g.pathOpen(3, 0, ".", oflagDirectory, 0, 0)
		if errno != errnoSuccess {
			return last, errno
		}
		last = fd
	}
	return last, errnoSuccess
}

// A guest that opens files and never closes them leaves the host some.
func TestGuestCannotTakeAllDescriptors(t *testing.T) {
	g := newWasiGuest(t, nil)
	g.dirOf(0)
	last, errno := g.openAll(3000)
	wantErrno(t, "opening one more", errno, errnoMfile)
	equal(t, "the last descriptor", last, 1023)
	// What it closes it may open again.
	wantErrno(t, "fd_close", g.close(500), errnoSuccess)
	fd, errno := g.pathOpen(3, 0, ".", oflagDirectory, 0, 0)
	wantErrno(t, "opening another", errno, errnoSuccess)
	equal(t, "its number", fd, 500)
	// The host is not bound by that.
	f := must(os.Open(os.DevNull))
	defer f.Close()
	equal(t, "the inserted descriptor", must(g.store.PushFile(f, READ_ONLY)), 1024)
}
