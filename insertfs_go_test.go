package wasmtime_test

import (
	"embed"
	"fmt"
	"hash/adler32"
	"io/fs"
	"path"
	"strings"
	"testing"

	. "github.com/gowasmtime/wasmtime"
)

//go:embed testdata/guests/c/probe testdata/guests/go testdata/guests/build.sh
var embedded embed.FS

// Go's own tests of file systems, in a guest, on every kind of file system.
func TestGoGuestFS(t *testing.T) {
	engine := guestEngine(t)
	module := goGuest(t, engine, "fstest")
	linked := largeTree
	linked.links = map[string]string{"a/link": "b/c/file", "to a": "a", "a/b/up": "../../many/lots.txt"}
	systems := largeTree.all(t)
	for name, fsys := range linked.all(t) {
		systems[name+" with links"] = fsys
	}
	below, err := fs.Sub(embedded, "testdata/guests")
	check(t, err)
	systems["embed.FS"] = embedded
	systems["fs.Sub"] = below
	for name, fsys := range systems {
		t.Run(name, func(t *testing.T) {
			var files []string
			check(t, fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
				if err == nil && d.Type().IsRegular() {
					files = append(files, path)
				}
				return err
			}))
			wanted := ""
			for _, name := range files {
				b, err := fs.ReadFile(fsys, name)
				check(t, err)
				wanted += fmt.Sprintf("%s: %d bytes, %x\n", path.Base(name), len(b), adler32.Checksum(b))
			}
			var out strings.Builder
			config := NewWasiConfig()
			config.SetArgv(append([]string{"fstest", "/mounted"}, files...))
			config.SetStdout(&out)
			config.SetStderr(&out)
			check(t, config.PreopenFS(fsys, "/mounted"))
			err := runModule(t, engine, module, config, nil)
			if status := exitStatus(t, err); status != 0 || out.String() != wanted {
				t.Errorf("status %d: %s\nwanted %s", status, out.String(), wanted)
			}
		})
	}
}

// Several file systems beside a directory of the host, found by their names.
func TestPreopenFS(t *testing.T) {
	config := NewWasiConfig()
	check(t, config.PreopenFS(probeTree.mapFS(), "/map"))
	check(t, config.PreopenDir(tempDir(t), "/host", DIR_READ, FILE_READ))
	check(t, config.PreopenFS(probeTree.zip(t), "/zip"))
	for range 2 { // any number of stores
		g := newWasiGuest(t, config)
		equal(t, "preopened", g.preopens(), "/host /map /zip")
		for fd := uint32(4); fd <= 5; fd++ {
			file, errno := g.pathOpen(fd, lookupFollow, "sub/below", 0, rightRead, 0)
			wantErrno(t, "open", errno, errnoSuccess)
			s, errno := g.readAll(file)
			want(t, "read", s, errno, "below")
		}
		one, errno := g.stat(4, lookupFollow, "file")
		wantErrno(t, "stat", errno, errnoSuccess)
		other, errno := g.stat(5, lookupFollow, "file")
		wantErrno(t, "stat", errno, errnoSuccess)
		if one.device == other.device {
			t.Error("files of two file systems are told to be one")
		}
	}
	wantTyped(t, config.PreopenFS(nil, "/"), ErrBadFile, "nil")
	wantText(t, config.PreopenFS(probeTree.mapFS(), "\xff"), "UTF-8")
	wantText(t, config.PreopenFS(probeTree.mapFS(), "a\x00b"), "zero byte")
	config.Close()
	wantPanic(t, "PreopenFS", "closed", func() { config.PreopenFS(probeTree.mapFS(), "/") })
}
