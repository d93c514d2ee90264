// Package atomicfile replaces files as a whole: whoever has the old one open or mapped keeps it, and nobody ever
// finds half of the new one.
package atomicfile

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// chunk is how many bytes are written before the context is looked at again.
const chunk = 1 << 20

// Write makes the parts, one after the other, the content of a file. A file that is there keeps its permissions, a
// new one gets perm less the process's umask; a symbolic link is followed. When it fails, or ctx ends first, the file
// is as it was and nothing is left beside it. What is there but no regular file, such as a terminal or a pipe, is
// written to as it is.
func Write(ctx context.Context, path string, perm fs.FileMode, parts ...[]byte) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	old, err := os.Stat(path)
	if err == nil && !old.Mode().IsRegular() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return writeAll(ctx, f, parts)
	}
	f, err := create(path, perm)
	if err != nil {
		return err
	}
	if old != nil {
		err = os.Chmod(f.Name(), old.Mode().Perm())
	}
	if werr := writeAll(ctx, f, parts); err == nil {
		err = werr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// create creates a file beside path whose name nobody else has.
func create(path string, perm fs.FileMode) (*os.File, error) {
	for tries := 0; ; tries++ {
		name := fmt.Sprintf("%s%08x%s", path, rand.Uint32(), Suffix)
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
		if !os.IsExist(err) || tries == 100 {
			return f, err
		}
	}
}

// Suffix ends the names of files that are not finished.
const Suffix = ".part"

// writeAll writes the parts to f and closes it.
func writeAll(ctx context.Context, f *os.File, parts [][]byte) error {
	for _, part := range parts {
		for len(part) > 0 {
			if err := ctx.Err(); err != nil {
				f.Close()
				return err
			}
			n := min(len(part), chunk)
			if _, err := f.Write(part[:n]); err != nil {
				f.Close()
				return err
			}
			part = part[n:]
		}
	}
	if err := ctx.Err(); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
