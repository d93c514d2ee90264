package atomicfile_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/gowasmtime/wasmtime/internal/atomicfile"
	"github.com/gowasmtime/wasmtime/internal/testkit"
)

// files are the names in a folder.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// identity tells which file a path leads to now. What os.Stat returns on Windows finds that out when it is compared.
func identity(t *testing.T, path string) os.FileInfo {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestWrite(t *testing.T) {
	dir := testkit.TempDir(t)
	path := filepath.Join(dir, "f")
	ctx := context.Background()
	write := func(parts ...[]byte) {
		t.Helper()
		if err := atomicfile.Write(ctx, path, 0o644, parts...); err != nil {
			t.Fatal(err)
		}
	}
	large := bytes.Repeat([]byte("0123456789"), 300_000)
	write([]byte("a"), nil, large)
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, append([]byte("a"), large...)) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	before := identity(t, path)
	write([]byte("second"))
	after, err := os.Stat(path)
	if err != nil || os.SameFile(before, identity(t, path)) || after.Size() != 6 {
		t.Errorf("the file was written in place: %v, %v", after, err)
	}
	if runtime.GOOS != "windows" && after.Mode().Perm() != 0o600 {
		t.Errorf("its permissions are %v", after.Mode())
	}
	write()
	if got, err := os.ReadFile(path); err != nil || len(got) != 0 {
		t.Errorf("%q, %v", got, err)
	}
	if names := files(t, dir); len(names) != 1 {
		t.Errorf("%q are there", names)
	}
}

func TestWriteThroughLink(t *testing.T) {
	dir := testkit.TempDir(t)
	link, target := filepath.Join(dir, "link"), filepath.Join(dir, "target")
	if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if !testkit.CanSymlink() {
		t.Skip("no symbolic links can be made")
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Write(context.Background(), link, 0o600, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link is %v, %v", info, err)
	}
	if got, err := os.ReadFile(target); string(got) != "new" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestWriteToDevice(t *testing.T) {
	if err := atomicfile.Write(context.Background(), os.DevNull, 0o600, []byte("x")); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("%v, %v", info, err)
	}
}

func TestWriteFails(t *testing.T) {
	dir := testkit.TempDir(t)
	path := filepath.Join(dir, "f")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := atomicfile.Write(ended, path, 0o600, []byte("new")); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context's end: %v", err)
	}
	if err := atomicfile.Write(context.Background(), dir, 0o600, []byte("new")); err == nil {
		t.Error("a folder was written to")
	}
	if err := atomicfile.Write(context.Background(), filepath.Join(dir, "none", "f"), 0o600); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("in a folder that is not there: %v", err)
	}
	if got, err := os.ReadFile(path); string(got) != "old" {
		t.Errorf("%q, %v", got, err)
	}
	if names := files(t, dir); len(names) != 1 {
		t.Errorf("%q are there", names)
	}
}
