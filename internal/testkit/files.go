package testkit

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/gowasmtime/wasmtime"
)

// TempFile creates a file with some content, open for reading and writing at its start. It is closed with the
// test, and removed.
func TempFile(t testing.TB, content string) *os.File {
	t.Helper()
	path := filepath.Join(TempDir(t), "file")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// Insert gives a file to a Store or a Caller, which must work.
func Insert(t testing.TB, store interface {
	InsertFile(uint32, *os.File, wasmtime.WasiFileAccessMode) error
}, fd uint32, f *os.File, mode wasmtime.WasiFileAccessMode) {
	t.Helper()
	if err := store.InsertFile(fd, f, mode); err != nil {
		t.Fatal(err)
	}
}

// Content is what the file holds now, wherever its position is.
func Content(t testing.TB, f *os.File) string {
	t.Helper()
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// OpenDir opens a directory of the host. It is closed with the test.
func OpenDir(t testing.TB, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	Check(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// NoSuchFile is what the system says of a file that is not there.
func NoSuchFile() string {
	_, err := os.Stat("there is no such file")
	var path *fs.PathError
	if !errors.As(err, &path) {
		return "no such file"
	}
	return path.Err.Error()
}

// CanSymlink tells whether this process can make symbolic links: Windows wants a privilege for it, and Wine cannot.
var CanSymlink = sync.OnceValue(func() bool {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return false
	}
	defer os.RemoveAll(dir)
	link := filepath.Join(dir, "link")
	if os.Symlink("target", link) != nil {
		return false
	}
	_, err = os.Readlink(link) // Wine 8 says that it has made one
	return err == nil
})

// Pipe makes a pipe whose ends are closed with the test.
func Pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		w.Close()
	})
	return r, w
}
