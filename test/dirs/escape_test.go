//go:build linux

package dirs_test

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// Every way out that is known, with every call.
func TestDirNoWayOut(t *testing.T) {
	withDir(t, READ_WRITE, func(t *testing.T, g *WasiGuest, dir uint32, path string) {
		outside := TempDir(t)
		secret := filepath.Join(outside, "secret")
		Check(t, os.WriteFile(secret, []byte("secret"), 0o644))
		Check(t, os.Mkdir(filepath.Join(outside, "dir"), 0o755))
		up, err := filepath.Rel(path, outside)
		Check(t, err)
		Check(t, os.WriteFile(filepath.Join(path, "mine"), nil, 0o644))
		Check(t, os.Mkdir(filepath.Join(path, "sub"), 0o755))
		for link, target := range map[string]string{
			"up": "..", "upup": "sub/../..", "abs": outside, "absfile": secret, "rel": up, "relfile": up + "/secret",
			"chain": "chain2", "chain2": "sub/../chain3", "chain3": "rel", "root": "/", "sub/deep": "../" + up,
			"proc": "/proc/self/root", "cwd": "/proc/self/cwd",
		} {
			Check(t, os.Symlink(target, filepath.Join(path, link)))
		}
		before := snapshot(t, outside)
		for _, way := range []string{
			"..", "../", "../..", "sub/../..", "./..", "sub/../../" + filepath.Base(path), "/", "//", "/etc", outside,
			up, "up", "up/", "upup/x", "abs", "abs/", "rel/", "chain/", "root/", "sub/deep/", "proc/", "cwd/",
		} {
			if way == "abs" || way == "up" {
				continue // links themselves lie inside
			}
			_, errno := g.PathOpen(dir, LookupFollow, way, 0, RightRead, 0)
			WantErrno(t, "open "+way, errno, ErrnoPerm)
			_, errno = g.PathOpen(dir, LookupFollow, way, OflagDirectory, RightReaddir, 0)
			WantErrno(t, "open the directory "+way, errno, ErrnoPerm)
			_, errno = g.Stat(dir, LookupFollow, way)
			WantErrno(t, "stat "+way, errno, ErrnoPerm)
		}
		for _, way := range []string{
			"../x", up + "/secret", secret, "abs/secret", "rel/secret", "chain/secret", "chain2/secret", "root" + secret,
			"up/x", "upup/x", "sub/deep/secret", "proc" + secret, "sub/../../x", "/x",
		} {
			for name, errno := range map[string]Errno{
				"open":         ErrnoOf(g.PathOpen(dir, LookupFollow, way, 0, RightRead, 0)),
				"open itself":  ErrnoOf(g.PathOpen(dir, 0, way, 0, RightRead, 0)),
				"write":        ErrnoOf(g.PathOpen(dir, LookupFollow, way, 0, RightWrite, 0)),
				"cut":          ErrnoOf(g.PathOpen(dir, 0, way, OflagTrunc, RightRead, 0)),
				"create":       ErrnoOf(g.PathOpen(dir, LookupFollow, way, OflagCreate, RightWrite, 0)),
				"create anew":  ErrnoOf(g.PathOpen(dir, 0, way, OflagCreate|OflagExclusive, RightWrite, 0)),
				"stat":         ErrnoOf(g.Stat(dir, 0, way)),
				"stat follow":  ErrnoOf(g.Stat(dir, LookupFollow, way)),
				"times":        g.SetTimes(dir, 0, way, 0, 0, FstMtim),
				"times follow": g.SetTimes(dir, LookupFollow, way, 0, 0, FstMtim),
				"mkdir":        g.Mkdir(dir, way),
				"rmdir":        g.Rmdir(dir, way),
				"unlink":       g.Unlink(dir, way),
				"rename to":    g.Rename(dir, "mine", dir, way),
				"rename from":  g.Rename(dir, way, dir, "new"),
				"link to":      g.Link(dir, 0, "mine", dir, way),
				"link from":    g.Link(dir, 0, way, dir, "new"),
				"symlink":      g.Symlink("mine", dir, way),
				"readlink":     ErrnoOf(g.Readlink(dir, way, 100)),
			} {
				WantErrno(t, name+" "+way, errno, ErrnoPerm)
			}
		}
		// Links that lie inside, followed at the end.
		for _, way := range []string{"up", "abs", "absfile", "rel", "relfile", "chain", "root", "sub/deep", "proc", "cwd"} {
			for name, errno := range map[string]Errno{
				"open":   ErrnoOf(g.PathOpen(dir, LookupFollow, way, 0, RightRead, 0)),
				"create": ErrnoOf(g.PathOpen(dir, LookupFollow, way, OflagCreate, RightWrite, 0)),
				"cut":    ErrnoOf(g.PathOpen(dir, LookupFollow, way, OflagTrunc, RightWrite, 0)),
				"stat":   ErrnoOf(g.Stat(dir, LookupFollow, way)),
				"times":  g.SetTimes(dir, LookupFollow, way, 0, 0, FstMtim),
			} {
				WantErrno(t, name+" "+way, errno, ErrnoPerm)
			}
			_, errno := g.PathOpen(dir, 0, way, 0, RightRead, 0)
			WantErrno(t, "open the link "+way, errno, ErrnoLoop)
		}
		if after := snapshot(t, outside); after != before {
			t.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
	})
}

// The host swaps a directory for a link that leads out, all the time, while the guest opens what is below.
func TestDirSwappedForLink(t *testing.T) {
	outside := TempDir(t)
	Check(t, os.WriteFile(filepath.Join(outside, "file"), []byte("outside"), 0o644))
	path := TempDir(t)
	host := func(name string) string { return filepath.Join(path, name) }
	Check(t, os.Mkdir(host("dir"), 0o755))
	Check(t, os.WriteFile(host("dir/file"), []byte("inside"), 0o644))
	Check(t, os.Symlink(outside, host("link")))
	up, err := filepath.Rel(path, outside)
	Check(t, err)
	Check(t, os.Symlink(up, host("link2")))
	g := NewWasiGuest(t, nil)
	Check(t, g.Store.InsertDir(3, OpenDir(t, path), "", READ_WRITE))

	var wg sync.WaitGroup
	stop := make(chan bool)
	wg.Go(func() {
		link := "link"
		for {
			select {
			case <-stop:
				return
			default:
			}
			os.Rename(host("dir"), host("away"))
			os.Rename(host(link), host("dir"))
			os.Rename(host("dir"), host(link))
			os.Rename(host("away"), host("dir"))
			if link == "link" {
				link = "link2"
			} else {
				link = "link"
			}
		}
	})
	inside, refused := 0, 0
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
		fd, errno := g.PathOpen(3, LookupFollow, "dir/file", 0, RightRead|RightWrite, 0)
		if errno != ErrnoSuccess {
			refused++
			// Where the kernel has no openat2, the way is gone step by step: what was a directory may be none any
			// more, and what was a link may be one.
			if !slices.Contains([]Errno{ErrnoPerm, ErrnoNoent, ErrnoNotdir, ErrnoInval}, errno) {
				t.Errorf("errno %d", errno)
			}
		} else {
			inside++
			if s, _ := g.Read(fd, 100); s != "inside" {
				t.Fatalf("the guest read %q", s)
			}
			g.Close(fd)
		}
		if fd, errno := g.PathOpen(3, LookupFollow, "dir/made", OflagCreate, RightWrite, 0); errno == ErrnoSuccess {
			g.Close(fd)
		}
		g.Unlink(3, "dir/made")
		g.Mkdir(3, "dir/madedir")
		g.Rmdir(3, "dir/madedir")
		g.Rename(3, "dir/file", 3, "dir/file")
		if stat, errno := g.Stat(3, LookupFollow, "dir/file"); errno == ErrnoSuccess && stat.Size != 6 {
			t.Fatalf("the guest saw %+v", stat)
		}
	}
	close(stop)
	wg.Wait()
	if inside == 0 || refused == 0 {
		t.Logf("%d opened, %d refused", inside, refused)
	}
	entries, err := os.ReadDir(outside)
	if err != nil || len(entries) != 1 {
		t.Errorf("outside there is %v, %v", entries, err)
	}
}

// The host moves a directory that the guest has open out of the guest's root: what is above the root stays out of
// reach.
func TestDirMovedAway(t *testing.T) {
	path, outside := TempDir(t), TempDir(t)
	Check(t, os.MkdirAll(filepath.Join(path, "a/b"), 0o755))
	Check(t, os.WriteFile(filepath.Join(outside, "secret"), nil, 0o644))
	g := NewWasiGuest(t, nil)
	Check(t, g.Store.InsertDir(3, OpenDir(t, path), "", READ_WRITE))
	b, errno := g.PathOpen(3, 0, "a/b", OflagDirectory, RightReaddir, 0)
	Want(t, "open", b, errno, 4)
	Check(t, os.Rename(filepath.Join(path, "a/b"), filepath.Join(outside, "b")))
	for _, way := range []string{"..", "../secret", "../../a"} {
		_, errno := g.PathOpen(b, LookupFollow, way, 0, RightRead, 0)
		WantErrno(t, way, errno, ErrnoPerm)
	}
	fd, errno := g.Open(b, "own", OflagCreate)
	Want(t, "create below", fd, errno, 5)
}
