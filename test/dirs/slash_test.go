package dirs_test

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// A symbolic link is none to a system that finds a slash behind its name, but what it leads to. So whatever changes or
// removes a name with a slash behind it must not get at what lies outside, and not at the link either.
func TestLinksWithSlashes(t *testing.T) {
	needSymlinks(t)
	outside, inside := filepath.Join(TempDir(t), "outside"), TempDir(t)
	Check(t, os.Mkdir(outside, 0o700))
	Check(t, os.Mkdir(filepath.Join(inside, "dir"), 0o700))
	for name, target := range map[string]string{"out": outside, "in": "dir"} {
		Check(t, os.Symlink(target, filepath.Join(inside, name)))
	}
	g := NewWasiGuest(t, nil)
	f := Must(os.Open(inside))
	defer f.Close()
	Check(t, g.Store.InsertDir(3, f, "", READ_WRITE))
	for _, link := range []string{"out", "in"} {
		for _, names := range [][2]string{{link + "/", "new"}, {link + "//", "new"}, {link, "new/"}, {link + "/", "new/"}, {link + "/", "dir"}} {
			WantErrno(t, "rename "+names[0]+" to "+names[1], g.Rename(3, names[0], 3, names[1]), ErrnoNotdir)
		}
		WantErrno(t, "rmdir "+link+"/", g.Rmdir(3, link+"/"), ErrnoNotdir)
		if errno := g.Unlink(3, link+"/"); errno == ErrnoSuccess {
			t.Errorf("unlink %s/ has done something", link)
		}
		if errno := g.Link(3, 0, link+"/", 3, "new"); errno == ErrnoSuccess {
			t.Errorf("link %s/ has done something", link)
		}
		if errno := g.Symlink("dir", 3, link+"/"); errno == ErrnoSuccess {
			t.Errorf("symlink %s/ has done something", link)
		}
		if _, errno := g.Readlink(3, link+"/", 100); errno == ErrnoSuccess {
			t.Errorf("readlink %s/ has found something", link)
		}
	}
	for path, wanted := range map[string]string{"out": outside, "in": "dir"} {
		target, err := os.Readlink(filepath.Join(inside, path))
		Check(t, err)
		Equal(t, "the link "+path, target, wanted)
	}
	for _, path := range []string{outside, filepath.Join(inside, "dir")} {
		if stat, err := os.Stat(path); err != nil || !stat.IsDir() {
			t.Errorf("%s is gone: %v", path, err)
		}
	}
	// Of a directory, and of no link, slashes are as good as none.
	WantErrno(t, "rename dir/ to new/", g.Rename(3, "dir/", 3, "new/"), ErrnoSuccess)
	WantErrno(t, "rename new// to dir", g.Rename(3, "new//", 3, "dir"), ErrnoSuccess)
	WantErrno(t, "rename dir to new//", g.Rename(3, "dir", 3, "new//"), ErrnoSuccess)
	WantErrno(t, "rmdir new/", g.Rmdir(3, "new/"), ErrnoSuccess)
	Check(t, os.WriteFile(filepath.Join(inside, "file"), nil, 0o600))
	WantErrno(t, "rename file to new/", g.Rename(3, "file", 3, "new/"), ErrnoNotdir)
	WantErrno(t, "rename file/ to new", g.Rename(3, "file/", 3, "new"), ErrnoNotdir)
	WantErrno(t, "rename of nothing", g.Rename(3, "nothing/", 3, "new"), ErrnoNoent)
}
