// Command fstest has package testing/fstest test the directory that its first argument names, in which the files that
// the others name are expected, and copies one after the other to standard output, from the end to the beginning.
package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing/fstest"
)

func main() {
	root, files := os.Args[1], os.Args[2:]
	fsys := os.DirFS(root)
	err := fstest.TestFS(fsys, files...)
	if err == nil {
		err = walk(root)
	}
	for _, name := range files {
		if err == nil {
			err = backwards(filepath.Join(root, name))
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fstest:", err)
		os.Exit(1)
	}
}

// walk finds that every way to look at a file shows the same one.
func walk(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		listed, err := d.Info()
		if err != nil {
			return err
		}
		found, err := os.Lstat(path)
		if err != nil || !os.SameFile(listed, found) || found.Mode().Type() != d.Type() {
			return fmt.Errorf("%s: Lstat: %v, %w", path, found, err)
		}
		if d.Type()&fs.ModeSymlink != 0 {
			return nil
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		opened, err := f.Stat()
		if err != nil || !os.SameFile(opened, found) || opened.Size() != found.Size() || !opened.ModTime().Equal(found.ModTime()) {
			return fmt.Errorf("%s: %v and %v, %w", path, opened, found, err)
		}
		for _, err := range []error{
			os.WriteFile(path, nil, 0o644), os.Remove(path), os.Rename(path, path+"x"), os.Mkdir(path+"x", 0o755),
			os.Chtimes(path, found.ModTime(), found.ModTime()), os.Symlink("x", path+"x"), os.Truncate(path, 0),
		} {
			if err == nil {
				return fmt.Errorf("%s was changed", path)
			}
		}
		return nil
	})
}

// backwards reads a file in pieces, the last one first, and prints it.
func backwards(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	const piece = 1000
	b := make([]byte, size)
	for at := (size - 1) / piece * piece; at >= 0; at -= piece {
		if _, err := f.Seek(at, io.SeekStart); err != nil {
			return err
		}
		end := min(at+piece, size)
		if _, err := io.ReadFull(f, b[at:end]); err != nil {
			return err
		}
		if _, err := f.ReadAt(b[at:end], at); err != nil {
			return err
		}
	}
	fmt.Printf("%s: %d bytes, %x\n", filepath.Base(path), size, sum(b))
	return nil
}

// sum is Adler's.
func sum(b []byte) uint32 {
	x, y := uint32(1), uint32(0)
	for _, c := range b {
		x = (x + uint32(c)) % 65521
		y = (y + x) % 65521
	}
	return y<<16 | x
}
