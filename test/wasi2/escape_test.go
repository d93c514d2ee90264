//go:build linux

package wasi2_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// givings are the ways to give a guest a directory that it may change.
var givings = map[string]func(r *try, path string){
	"host": func(r *try, path string) { Check(r.t, r.config.PreopenDir(path, "/d", allOfDir, allOfFile)) },
	"inserted": func(r *try, path string) {
		r.Prepare = func(store *Store) error {
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = store.PushDir(f, "/d", READ_WRITE)
			return err
		}
	},
	"served": func(r *try, path string) {
		root := Must(os.OpenRoot(path))
		r.t.Cleanup(func() { root.Close() })
		Check(r.t, r.config.PreopenFS(Writable(root), "/d"))
	},
}

// withDir runs a test with each kind of directory, which are all empty at first.
func withDir(t *testing.T, test func(t *testing.T, try func(operations ...string) *try, path string)) {
	for name, give := range givings {
		t.Run(name, func(t *testing.T) {
			path := TempDir(t)
			test(t, func(operations ...string) *try {
				r := newTry(t, operations...)
				give(r, path)
				return r
			}, path)
		})
	}
}

// snapshot says what there is in a directory, with the times of modification.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	Check(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		fmt.Fprintln(&all, path, info.Mode(), info.Size(), info.ModTime().UnixNano())
		return nil
	}))
	return all.String()
}

// Every way out that is known, with every function that takes a path.
func TestNoWayOut(t *testing.T) {
	withDir(t, func(t *testing.T, try func(...string) *try, path string) {
		outside := TempDir(t)
		secret := filepath.Join(outside, "secret")
		Check(t, os.WriteFile(secret, []byte("secret"), 0o644))
		Check(t, os.Mkdir(filepath.Join(outside, "dir"), 0o755))
		up := Must(filepath.Rel(path, outside))
		Check(t, os.WriteFile(filepath.Join(path, "mine"), nil, 0o644))
		Check(t, os.Mkdir(filepath.Join(path, "sub"), 0o755))
		for link, target := range map[string]string{
			"up": "..", "upup": "sub/../..", "abs": outside, "absfile": secret, "rel": up, "relfile": up + "/secret",
			"chain": "chain2", "chain2": "sub/../chain3", "chain3": "rel", "root": "/", "sub/deep": "../" + up,
			"proc": "/proc/self/root", "cwd": "/proc/self/cwd",
		} {
			Check(t, os.Symlink(target, filepath.Join(path, link)))
		}
		before, mine := snapshot(t, outside), snapshot(t, path)
		var operations []string
		// Directories outside.
		for _, way := range []string{
			"..", "../", "../..", "sub/../..", "./..", "sub/../../" + filepath.Base(path), "/", "//", "/etc", outside, up, "up/",
			"upup/x", "abs/", "rel/", "chain/", "root/", "sub/deep/", "proc/", "cwd/",
		} {
			for _, operation := range []string{"open|0|%s|follow||r", "open|0|%s|follow|d|r", "open|0|%s|follow|d|rm", "stat|0|%s|follow", "hash|0|%s|follow"} {
				operations = append(operations, fmt.Sprintf(operation, way))
			}
		}
		// What lies in them.
		for _, way := range []string{
			"../x", up + "/secret", secret, "abs/secret", "rel/secret", "chain/secret", "chain2/secret", "root" + secret, "up/x",
			"upup/x", "sub/deep/secret", "proc" + secret, "sub/../../x", "/x",
		} {
			for _, operation := range []string{
				"open|0|%s|follow||r", "open|0|%s|||r", "open|0|%s|follow||w", "open|0|%s||t|rw", "open|0|%s|follow|c|w", "open|0|%s||cx|w",
				"stat|0|%s|", "stat|0|%s|follow", "hash|0|%s|", "hash|0|%s|follow", "times|0|%s|", "times|0|%s|follow", "mkdir|0|%s",
				"rmdir|0|%s", "unlink|0|%s", "rename|0|mine|0|%s", "rename|0|%s|0|new", "link|0|mine|0|%s|", "link|0|%s|0|new|",
				"symlink|0|mine|%s", "readlink|0|%s",
			} {
				operations = append(operations, fmt.Sprintf(operation, way))
			}
		}
		// Links that lie inside, followed at the end.
		for _, way := range []string{"up", "abs", "absfile", "rel", "relfile", "chain", "root", "sub/deep", "proc", "cwd"} {
			for _, operation := range []string{
				"open|0|%s|follow||r", "open|0|%s|follow|c|w", "open|0|%s|follow|t|w", "stat|0|%s|follow", "hash|0|%s|follow", "times|0|%s|follow",
			} {
				operations = append(operations, fmt.Sprintf(operation, way))
			}
		}
		for i, line := range try(operations...).run() {
			if line != "error: not-permitted" {
				t.Errorf("%s: %s", operations[i], line)
			}
		}
		if after := snapshot(t, outside); after != before {
			t.Errorf("outside before:\n%s\nafter:\n%s", before, after)
		}
		if after := snapshot(t, path); after != mine {
			t.Errorf("inside before:\n%s\nafter:\n%s", mine, after)
		}

		// Whatever else is no path of something inside.
		long := strings.Repeat("x/", 2100)
		for _, way := range []string{"", "mine%0", "%0", "mine%0/../../x", long, strings.Repeat("x", 300)} {
			for _, operation := range []string{"open|0|%s|follow|c|rw", "open|0|%s|follow||r", "stat|0|%s|", "mkdir|0|%s", "unlink|0|%s", "rename|0|mine|0|%s", "symlink|0|mine|%s", "readlink|0|%s"} {
				operation = fmt.Sprintf(operation, way)
				if said := try(operation).run(); !strings.HasPrefix(said[0], "error: ") {
					t.Errorf("%.80q: %s", operation, said)
				}
			}
		}
		// A link may be made that leads out, and leads nowhere.
		operations = []string{"symlink|0|/etc|absolute", "symlink|0|../../x|out", "open|0|out|follow|c|w", "readlink|0|out", "unlink|0|out"}
		try(operations...).want(operations, "error: not-permitted", "ok", "error: not-permitted", "../../x", "ok")
	})
}

// Symbolic links and slashes behind them.
func TestSlashes(t *testing.T) {
	withDir(t, func(t *testing.T, try func(...string) *try, inside string) {
		outside := filepath.Join(TempDir(t), "outside")
		Check(t, os.Mkdir(outside, 0o700))
		Check(t, os.Mkdir(filepath.Join(inside, "dir"), 0o700))
		for name, target := range map[string]string{"out": outside, "in": "dir"} {
			Check(t, os.Symlink(target, filepath.Join(inside, name)))
		}
		before := snapshot(t, inside)
		var operations []string
		for _, link := range []string{"out", "in"} {
			for _, operation := range []string{
				"rename|0|%s/|0|new", "rename|0|%s//|0|new", "rename|0|%s|0|new/", "rename|0|%s/|0|new/", "rename|0|%s/|0|dir", "rmdir|0|%s/",
				"unlink|0|%s/", "link|0|%s/|0|new|", "symlink|0|dir|%s/", "readlink|0|%s/",
			} {
				operations = append(operations, fmt.Sprintf(operation, link))
			}
		}
		for i, line := range try(operations...).run() {
			if !strings.HasPrefix(line, "error: ") || strings.HasPrefix(operations[i], "rename") && line != "error: not-directory" {
				t.Errorf("%s: %s", operations[i], line)
			}
		}
		Equal(t, "what is inside", snapshot(t, inside), before)
		Check(t, os.WriteFile(filepath.Join(inside, "file"), []byte("text"), 0o600))
		operations = []string{
			"rename|0|dir/|0|new/", "rename|0|new//|0|dir", "rename|0|dir|0|new//", "rmdir|0|new/", "rename|0|file|0|new/", "rename|0|file/|0|new",
			"rename|0|nothing/|0|new", "open|0|file/|||r", "open|0|new/||c|w", "mkdir|0|made/", "open|0|made/||d|r", "stat|0|file/|", "unlink|0|file/",
			"stat|0|file|",
		}
		try(operations...).want(operations, "ok", "ok", "ok", "ok", "error: not-directory", "error: not-directory", "error: no-entry",
			"error: not-directory", "error: is-directory", "ok", "1", "error: not-directory", "error: not-directory", "DescriptorType::RegularFile 4")
	})
}

// The host swaps a directory for a link that leads out, all the time, while the guest opens what is below.
func TestSwappedForLink(t *testing.T) {
	withDir(t, func(t *testing.T, try func(...string) *try, path string) {
		outside := TempDir(t)
		Check(t, os.WriteFile(filepath.Join(outside, "file"), []byte("outside"), 0o644))
		host := func(name string) string { return filepath.Join(path, name) }
		Check(t, os.Mkdir(host("dir"), 0o755))
		Check(t, os.WriteFile(host("dir/file"), []byte("inside"), 0o644))
		Check(t, os.Symlink(outside, host("link")))
		var wg sync.WaitGroup
		stop := make(chan bool)
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				os.Rename(host("dir"), host("away"))
				os.Rename(host("link"), host("dir"))
				os.Rename(host("dir"), host("link"))
				os.Rename(host("away"), host("dir"))
			}
		})
		rounds := fmt.Sprint(Rounds(20_000))
		operations := []string{"race|0|dir/file|follow|" + rounds, "race|0|dir/file||" + rounds}
		said := try(operations...).run()
		close(stop)
		wg.Wait()
		for _, line := range said {
			for seen := range strings.SplitSeq(line, ",") {
				switch seen {
				// Go's own of what is another file than it has just been is io.
				case "inside", "not-permitted", "no-entry", "not-directory", "invalid", "io":
				default:
					t.Errorf("the guest found %q", seen)
				}
			}
		}
		t.Log(said)
	})
}

// The host moves a directory that the guest has open out of the guest's: what is above it stays out of reach.
func TestMovedAway(t *testing.T) {
	withDir(t, func(t *testing.T, try func(...string) *try, path string) {
		outside := TempDir(t)
		Check(t, os.MkdirAll(filepath.Join(path, "a/b"), 0o755))
		Check(t, os.WriteFile(filepath.Join(outside, "secret"), nil, 0o644))
		in, toGuest, err := os.Pipe()
		Check(t, err)
		defer in.Close()
		fromGuest, out, err := os.Pipe()
		Check(t, err)
		defer fromGuest.Close()
		operations := []string{"open|0|a/b||d|r", "stdin|splice", "stdin|read", "open|1|..|follow||r", "open|1|../secret|follow||r", "open|1|../../a|follow||r"}
		r := try(operations...)
		r.config.SetStdin(in)
		r.config.SetStdout(out)
		ended := make(chan error)
		go func() { ended <- r.Run(context.Background()); out.Close() }()
		Must(toGuest.WriteString("x"))
		Must(fromGuest.Read(make([]byte, 1))) // it has opened the directory
		Check(t, os.Rename(filepath.Join(path, "a/b"), filepath.Join(outside, "b")))
		Must(toGuest.WriteString("y"))
		toGuest.Close()
		Check(t, <-ended)
		said := r.said()
		for i, line := range said[3:] {
			if line != "error: not-permitted" {
				t.Errorf("%s: %s", operations[i+3], line)
			}
		}
	})
}
