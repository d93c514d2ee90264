package wasmtime_test

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/gowasmtime/wasmtime"
)

// A symbolic link is none to a system that finds a slash behind its name, but what it leads to. So whatever changes or
// removes a name with a slash behind it must not get at what lies outside, and not at the link either.
func TestLinksWithSlashes(t *testing.T) {
	outside, inside := filepath.Join(tempDir(t), "outside"), tempDir(t)
	check(t, os.Mkdir(outside, 0o700))
	check(t, os.Mkdir(filepath.Join(inside, "dir"), 0o700))
	for name, target := range map[string]string{"out": outside, "in": "dir"} {
		if err := os.Symlink(target, filepath.Join(inside, name)); err != nil {
			t.Skip(err)
		}
	}
	g := newWasiGuest(t, nil)
	f := must(os.Open(inside))
	defer f.Close()
	check(t, g.store.InsertDir(3, f, "", READ_WRITE))
	for _, link := range []string{"out", "in"} {
		for _, names := range [][2]string{{link + "/", "new"}, {link + "//", "new"}, {link, "new/"}, {link + "/", "new/"}, {link + "/", "dir"}} {
			wantErrno(t, "rename "+names[0]+" to "+names[1], g.rename(3, names[0], 3, names[1]), errnoNotdir)
		}
		wantErrno(t, "rmdir "+link+"/", g.rmdir(3, link+"/"), errnoNotdir)
		if errno := g.unlink(3, link+"/"); errno == errnoSuccess {
			t.Errorf("unlink %s/ has done something", link)
		}
		if errno := g.link(3, 0, link+"/", 3, "new"); errno == errnoSuccess {
			t.Errorf("link %s/ has done something", link)
		}
		if errno := g.symlink("dir", 3, link+"/"); errno == errnoSuccess {
			t.Errorf("symlink %s/ has done something", link)
		}
		if _, errno := g.readlink(3, link+"/", 100); errno == errnoSuccess {
			t.Errorf("readlink %s/ has found something", link)
		}
	}
	for path, wanted := range map[string]string{"out": outside, "in": "dir"} {
		target, err := os.Readlink(filepath.Join(inside, path))
		check(t, err)
		equal(t, "the link "+path, target, wanted)
	}
	for _, path := range []string{outside, filepath.Join(inside, "dir")} {
		if stat, err := os.Stat(path); err != nil || !stat.IsDir() {
			t.Errorf("%s is gone: %v", path, err)
		}
	}
	// Of a directory, and of no link, slashes are as good as none.
	wantErrno(t, "rename dir/ to new/", g.rename(3, "dir/", 3, "new/"), errnoSuccess)
	wantErrno(t, "rename new// to dir", g.rename(3, "new//", 3, "dir"), errnoSuccess)
	wantErrno(t, "rename dir to new//", g.rename(3, "dir", 3, "new//"), errnoSuccess)
	wantErrno(t, "rmdir new/", g.rmdir(3, "new/"), errnoSuccess)
	check(t, os.WriteFile(filepath.Join(inside, "file"), nil, 0o600))
	wantErrno(t, "rename file to new/", g.rename(3, "file", 3, "new/"), errnoNotdir)
	wantErrno(t, "rename file/ to new", g.rename(3, "file/", 3, "new"), errnoNotdir)
	wantErrno(t, "rename of nothing", g.rename(3, "nothing/", 3, "new"), errnoNoent)
}
