// Command osdir uses the directory that its argument names through package os, and leaves one file in it.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "osdir:", err)
		os.Exit(1)
	}
	fmt.Println("ok")
}

// first is the first error.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func run(root string) error {
	at := func(name string) string { return filepath.Join(root, name) }
	b, err := os.ReadFile(at("from the host"))
	if err != nil || string(b) != "host's content" {
		return fmt.Errorf("ReadFile: %q, %v", b, err)
	}
	err = first(
		os.MkdirAll(at("a/b/c"), 0o755),
		os.WriteFile(at("a/file"), []byte("hello"), 0o644),
		os.Symlink("file", at("a/link")),
		os.Link(at("a/file"), at("a/b/hard")),
		os.Rename(at("a/b/c"), at("a/c")),
		os.Truncate(at("a/file"), 4),
	)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(at("a/link"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("ium")
	if err := first(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	b, err = os.ReadFile(at("a/b/hard"))
	if err != nil || string(b) != "hellium" {
		return fmt.Errorf("ReadFile: %q, %v", b, err)
	}
	if target, err := os.Readlink(at("a/link")); err != nil || target != "file" {
		return fmt.Errorf("Readlink: %q, %v", target, err)
	}
	if info, err := os.Lstat(at("a/link")); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return fmt.Errorf("Lstat: %v, %v", info, err)
	}
	then := time.Unix(1_000_000_000, 5_000)
	if err := os.Chtimes(at("a/link"), then, then); err != nil {
		return err
	}
	info, err := os.Stat(at("a/file"))
	if err != nil || !info.ModTime().Equal(then) || info.Size() != 7 || !info.Mode().IsRegular() {
		return fmt.Errorf("Stat: %v, %v", info, err)
	}
	entries, err := os.ReadDir(at("a"))
	if err != nil || fmt.Sprint(entries) != "[d b/ d c/ - file L link]" {
		return fmt.Errorf("ReadDir: %v, %v", entries, err)
	}
	for i := range 300 {
		if err := os.WriteFile(at(fmt.Sprintf("a/c/%d", i)), nil, 0o644); err != nil {
			return err
		}
	}
	files := 0
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files++
		}
		return err
	})
	if err != nil || files != 303 {
		return fmt.Errorf("WalkDir: %d files, %v", files, err)
	}
	dir, err := os.Open(at("a"))
	if err != nil {
		return err
	}
	if err := first(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("a directory's Sync: %w", err)
	}
	if err := os.Remove(at("a")); err == nil {
		return errors.New("Remove of a full directory worked")
	}
	if err := os.RemoveAll(at("a")); err != nil {
		return err
	}
	if _, err := os.Stat(at("a")); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("Stat of what was removed: %v", err)
	}
	if _, err := os.ReadFile(at("../outside")); err == nil {
		return errors.New("the outside was read")
	}
	return os.WriteFile(at("left by the guest"), nil, 0o644)
}
