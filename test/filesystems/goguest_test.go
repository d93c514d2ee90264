package filesystems_test

import (
	"fmt"
	"hash/adler32"
	"io/fs"
	"path"
	"strings"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

// Go's own tests of file systems, in a guest, on every kind of file system.
func TestGoGuestFS(t *testing.T) {
	engine := GuestEngine(t)
	module := GoGuest(t, engine, "fstest")
	linked := largeTree
	linked.links = map[string]string{"a/link": "b/c/file", "to a": "a", "a/b/up": "../../many/lots.txt"}
	systems := largeTree.all(t)
	for name, fsys := range linked.all(t) {
		systems[name+" with links"] = fsys
	}
	below, err := fs.Sub(guests.Sources, "go")
	Check(t, err)
	systems["embed.FS"] = guests.Sources
	systems["fs.Sub"] = below
	for name, fsys := range systems {
		t.Run(name, func(t *testing.T) {
			var files []string
			Check(t, fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
				if err == nil && d.Type().IsRegular() {
					files = append(files, path)
				}
				return err
			}))
			wanted := ""
			for _, name := range files {
				b, err := fs.ReadFile(fsys, name)
				Check(t, err)
				wanted += fmt.Sprintf("%s: %d bytes, %x\n", path.Base(name), len(b), adler32.Checksum(b))
			}
			var out strings.Builder
			config := NewWasiConfig()
			config.SetArgv(append([]string{"fstest", "/mounted"}, files...))
			config.SetStdout(&out)
			config.SetStderr(&out)
			Check(t, config.PreopenFS(fsys, "/mounted"))
			err := RunModule(t, engine, module, config, nil)
			if status := ExitStatus(t, err); status != 0 || out.String() != wanted {
				t.Errorf("status %d: %s\nwanted %s", status, out.String(), wanted)
			}
		})
	}
}

// Several file systems beside a directory of the host, found by their names.
func TestPreopenFS(t *testing.T) {
	config := NewWasiConfig()
	Check(t, config.PreopenFS(probeTree.mapFS(), "/map"))
	Check(t, config.PreopenDir(TempDir(t), "/host", DIR_READ, FILE_READ))
	Check(t, config.PreopenFS(probeTree.zip(t), "/zip"))
	for range 2 { // any number of stores
		g := NewWasiGuest(t, config)
		Equal(t, "preopened", g.Preopens(), "/host /map /zip")
		for fd := uint32(4); fd <= 5; fd++ {
			file, errno := g.PathOpen(fd, LookupFollow, "sub/below", 0, RightRead, 0)
			WantErrno(t, "open", errno, ErrnoSuccess)
			s, errno := g.ReadAll(file)
			Want(t, "read", s, errno, "below")
		}
		one, errno := g.Stat(4, LookupFollow, "file")
		WantErrno(t, "stat", errno, ErrnoSuccess)
		other, errno := g.Stat(5, LookupFollow, "file")
		WantErrno(t, "stat", errno, ErrnoSuccess)
		if one.Device == other.Device {
			t.Error("files of two file systems are told to be one")
		}
	}
	config = NewWasiConfig()
	WantTyped(t, config.PreopenFS(nil, "/"), ErrBadFile, "nil")
	WantText(t, config.PreopenFS(probeTree.mapFS(), "\xff"), "UTF-8")
	WantText(t, config.PreopenFS(probeTree.mapFS(), "a\x00b"), "zero byte")
	config.Close()
	WantTyped(t, config.PreopenFS(probeTree.mapFS(), "/"), ErrClosed, "the WASI configuration")
}

// Package os in a guest, on every kind of file system that can be written.
func TestGoGuestWritableFS(t *testing.T) {
	if !CanSymlink() {
		t.Skip("there are no links")
	}
	engine := GuestEngine(t)
	module := GoGuest(t, engine, "osdir")
	tree := served{files: map[string]string{"from the host": "host's content"}}
	for name, make := range tree.changeables() {
		t.Run(name, func(t *testing.T) {
			c := make(t)
			defer c.close()
			var out strings.Builder
			config := NewWasiConfig()
			config.SetArgv([]string{"osdir", "/data"})
			config.SetStdout(&out)
			config.SetStderr(&out)
			Check(t, config.PreopenFS(c.fsys, "/data"))
			if status := ExitStatus(t, RunModule(t, engine, module, config, nil)); status != 0 || out.String() != "ok\n" {
				t.Errorf("status %d: %s", status, out.String())
			}
			Equal(t, "what is left", contents(t, c.files), ` . from the host="host's content" left by the guest=""`)
		})
	}
}
