//go:build linux

package matrix_test

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Access modes, as open has them.
const (
	readOnly  = syscall.O_RDONLY
	writeOnly = syscall.O_WRONLY
	readWrite = syscall.O_RDWR
)

var allModes = []int{readOnly, writeOnly, readWrite}

// oldTime is the time of all files at first.
var oldTime = time.Unix(1_000_000_001, 123_456_789)

// regular is a regular file with a content and a position. More flags for open can be given.
func regular(content string, position int64, flags int) func(w *workplace, mode int, nonblock bool) *object {
	return func(w *workplace, mode int, nonblock bool) *object {
		path := w.path("file")
		must(os.WriteFile(path, []byte(content), 0o644))
		must(os.Chtimes(path, oldTime, oldTime))
		fd, err := syscall.Open(path, mode|flags|syscall.O_CLOEXEC, 0)
		must(err)
		o := &object{}
		o.own(fd, nonblock)
		_, err = syscall.Seek(fd, position, 0)
		must(err)
		o.observe = func() string {
			at, err := syscall.Seek(fd, 0, 1)
			must(err)
			b, err := os.ReadFile(path)
			must(err)
			return fmt.Sprintf("position %d, content %s", at, digest(b, 0))
		}
		o.cleanup = append(o.cleanup, func() { os.Remove(path) })
		return o
	}
}

// device is a device without another side.
func device(path string) func(w *workplace, mode int, nonblock bool) *object {
	return func(_ *workplace, mode int, nonblock bool) *object {
		fd, err := syscall.Open(path, mode|syscall.O_CLOEXEC, 0)
		must(err)
		o := &object{}
		o.own(fd, nonblock)
		return o
	}
}

// directory is a directory with something of every kind in it.
func directory(w *workplace, mode int, nonblock bool) *object {
	root := w.path("root")
	dir := filepath.Join(root, "dir")
	for _, path := range []string{"sub", "empty"} {
		must(os.MkdirAll(filepath.Join(dir, path), 0o755))
	}
	for path, content := range map[string]string{"file": "content", "sub/below": "below", "../outside": "outside"} {
		path = filepath.Join(dir, path)
		must(os.WriteFile(path, []byte(content), 0o644))
		must(os.Chtimes(path, oldTime, oldTime))
	}
	for path, to := range map[string]string{"link": "file", "escape": "../outside", "loop": "loop"} {
		must(os.Symlink(to, filepath.Join(dir, path)))
	}
	fd, err := syscall.Open(dir, mode|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	must(err)
	o := &object{}
	o.own(fd, nonblock)
	o.observe = func() string { return tree(root) }
	o.cleanup = append(o.cleanup, func() { os.RemoveAll(root) })
	return o
}

// tree lists everything below a folder.
func tree(root string) string {
	all := ""
	must(filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		must(err)
		content := ""
		switch {
		case info.Mode().IsRegular():
			b, err := os.ReadFile(path)
			must(err)
			content = "=" + string(b)
		case info.Mode()&os.ModeSymlink != 0:
			to, err := os.Readlink(path)
			must(err)
			content = "->" + to
		}
		relative, err := filepath.Rel(root, path)
		must(err)
		all += " " + relative + content
		return nil
	}))
	return all
}
