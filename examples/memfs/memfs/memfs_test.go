package memfs_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gowasmtime/wasmtime/examples/memfs/memfs"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, m *memfs.FS, name, content string, flag int) {
	t.Helper()
	f, err := m.OpenFile(name, os.O_WRONLY|os.O_CREATE|flag, 0o644)
	check(t, err)
	_, err = io.WriteString(f, content)
	check(t, err)
	check(t, f.Close())
}

func read(t *testing.T, m *memfs.FS, name, want string) {
	t.Helper()
	if b, err := fs.ReadFile(m, name); string(b) != want || err != nil {
		t.Errorf("%s: %q, %v, want %q", name, b, err, want)
	}
}

// It is a file system as package io/fs has it.
func TestIsFileSystem(t *testing.T) {
	m := memfs.New(1 << 20)
	check(t, m.Mkdir("dir", 0o755))
	check(t, m.Mkdir("dir/empty", 0o755))
	write(t, m, "file", "content", 0)
	write(t, m, "dir/below", "below", 0)
	if err := fstest.TestFS(m, "file", "dir/below", "dir/empty"); err != nil {
		t.Error(err)
	}
}

func TestChanges(t *testing.T) {
	m := memfs.New(1 << 20)
	write(t, m, "a", "one", 0)
	write(t, m, "a", "two", os.O_APPEND)
	read(t, m, "a", "onetwo")
	write(t, m, "a", "X", 0)
	read(t, m, "a", "Xnetwo")
	write(t, m, "a", "new", os.O_TRUNC)
	check(t, m.Link("a", "b"))
	check(t, m.Mkdir("dir", 0o755))
	check(t, m.Rename("a", "dir/c"))
	write(t, m, "b", "!", os.O_APPEND)
	read(t, m, "dir/c", "new!")
	then := time.Unix(1_000_000_000, 5)
	check(t, m.Chtimes("b", time.Time{}, then))
	check(t, m.Chtimes("b", then, time.Time{}))
	if info, err := m.Stat("dir/c"); err != nil || !info.ModTime().Equal(then) || info.Size() != 4 {
		t.Error(info, err)
	}
	check(t, m.Symlink("dir/c", "link"))
	if to, err := m.Readlink("link"); to != "dir/c" || err != nil {
		t.Error(to, err)
	}
	for what, c := range map[string]struct{ err, want error }{
		"remove what is full":   {m.Remove("dir"), syscall.ENOTEMPTY},
		"remove nothing":        {m.Remove("nothing"), fs.ErrNotExist},
		"make what is there":    {m.Mkdir("dir", 0o755), fs.ErrExist},
		"make below nothing":    {m.Mkdir("nothing/new", 0o755), fs.ErrNotExist},
		"make below a file":     {m.Mkdir("b/new", 0o755), syscall.ENOTDIR},
		"link a directory":      {m.Link("dir", "new"), syscall.EPERM},
		"rename nothing":        {m.Rename("nothing", "new"), fs.ErrNotExist},
		"rename into itself":    {m.Rename("dir", "dir/new"), fs.ErrInvalid},
		"rename over something": {m.Rename("b", "dir"), syscall.ENOTEMPTY},
		"out":                   {m.Mkdir("../new", 0o755), fs.ErrInvalid},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", what, c.err, c.want)
		}
	}
	f, err := m.OpenFile("dir/c", os.O_RDWR, 0)
	check(t, err)
	check(t, m.Rename("b", "dir/c")) // it is the same file
	check(t, m.Remove("dir/c"))
	check(t, m.Remove("b"))
	check(t, m.Remove("dir"))
	if _, err := f.WriteAt([]byte("?"), 6); err != nil {
		t.Error(err)
	}
	if b, err := io.ReadAll(f); string(b) != "new!\x00\x00?" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	check(t, f.Close())
	if err := f.Close(); !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
}

// All that a guest can do takes room, and gives it back.
func TestRoom(t *testing.T) {
	const size, entry = 10_000, 512
	m := memfs.New(size)
	full := func(bytes int64) {
		t.Helper()
		f, err := m.OpenFile("probe", os.O_RDWR|os.O_CREATE, 0o644)
		check(t, err)
		bytes -= entry + int64(len("probe"))
		if err := f.Truncate(bytes + 1); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("more than %d: %v", bytes, err)
		}
		if _, err := f.WriteAt([]byte("x"), 1<<62); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("far away: %v", err)
		}
		check(t, f.Truncate(bytes))
		check(t, m.Remove("probe"))
		if err := m.Symlink(strings.Repeat("x", int(bytes/2)), "another"); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("removed, and still open: %v", err)
		}
		check(t, f.Close())
	}
	full(size)
	check(t, m.Mkdir("dir", 0o755))
	check(t, m.Symlink("something", "dir/link"))
	write(t, m, "file", "some bytes", 0)
	full(size - 3*entry - int64(len("dir"+"link"+"something"+"file"+"some bytes")))
	check(t, m.Link("file", "dir/file"))
	full(size - 4*entry - int64(len("dir"+"link"+"something"+"file"+"file"+"some bytes")))
	check(t, m.Remove("file"))
	write(t, m, "dir/file", "", os.O_TRUNC)
	full(size - 3*entry - int64(len("dir"+"link"+"something"+"file")))
	if err := m.Rename("dir/file", "dir/"+strings.Repeat("x", size)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a long name: %v", err)
	}
	check(t, m.Rename("dir/file", "dir/renamed"))
	full(size - 3*entry - int64(len("dir"+"link"+"something"+"renamed")))
	check(t, m.Remove("dir/renamed"))
	check(t, m.Remove("dir/link"))
	check(t, m.Remove("dir"))
	full(size)
}
