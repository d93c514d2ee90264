//go:build linux

package wasmtime_test

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
)

// Every way out that is known, with every call.
func TestDirNoWayOut(t *testing.T) {
	withDir(t, READ_WRITE, func(t *testing.T, g *wasiGuest, dir uint32, path string) {
		outside := tempDir(t)
		secret := filepath.Join(outside, "secret")
		check(t, os.WriteFile(secret, []byte("secret"), 0o644))
		check(t, os.Mkdir(filepath.Join(outside, "dir"), 0o755))
		up, err := filepath.Rel(path, outside)
		check(t, err)
		check(t, os.WriteFile(filepath.Join(path, "mine"), nil, 0o644))
		check(t, os.Mkdir(filepath.Join(path, "sub"), 0o755))
		for link, target := range map[string]string{
			"up": "..", "upup": "sub/../..", "abs": outside, "absfile": secret, "rel": up, "relfile": up + "/secret",
			"chain": "chain2", "chain2": "sub/../chain3", "chain3": "rel", "root": "/", "sub/deep": "../" + up,
			"proc": "/proc/self/root", "cwd": "/proc/self/cwd",
		} {
			check(t, os.Symlink(target, filepath.Join(path, link)))
		}
		before := snapshot(t, outside)
		for _, way := range []string{
			"..", "../", "../..", "sub/../..", "./..", "sub/../../" + filepath.Base(path), "/", "//", "/etc", outside,
			up, "up", "up/", "upup/x", "abs", "abs/", "rel/", "chain/", "root/", "sub/deep/", "proc/", "cwd/",
		} {
			if way == "abs" || way == "up" {
				continue // links themselves lie inside
			}
			_, errno := g.pathOpen(dir, lookupFollow, way, 0, rightRead, 0)
			wantErrno(t, "open "+way, errno, errnoPerm)
			_, errno = g.pathOpen(dir, lookupFollow, way, oflagDirectory, rightReaddir, 0)
			wantErrno(t, "open the directory "+way, errno, errnoPerm)
			_, errno = g.stat(dir, lookupFollow, way)
			wantErrno(t, "stat "+way, errno, errnoPerm)
		}
		for _, way := range []string{
			"../x", up + "/secret", secret, "abs/secret", "rel/secret", "chain/secret", "chain2/secret", "root" + secret,
			"up/x", "upup/x", "sub/deep/secret", "proc" + secret, "sub/../../x", "/x",
		} {
			for name, errno := range map[string]wasiErrno{
				"open":         errnoOf(g.pathOpen(dir, lookupFollow, way, 0, rightRead, 0)),
				"open itself":  errnoOf(g.pathOpen(dir, 0, way, 0, rightRead, 0)),
				"write":        errnoOf(g.pathOpen(dir, lookupFollow, way, 0, rightWrite, 0)),
				"cut":          errnoOf(g.pathOpen(dir, 0, way, oflagTrunc, rightRead, 0)),
				"create":       errnoOf(g.pathOpen(dir, lookupFollow, way, oflagCreate, rightWrite, 0)),
				"create anew":  errnoOf(g.pathOpen(dir, 0, way, oflagCreate|oflagExclusive, rightWrite, 0)),
				"stat":         errnoOf(g.stat(dir, 0, way)),
				"stat follow":  errnoOf(g.stat(dir, lookupFollow, way)),
				"times":        g.setTimes(dir, 0, way, 0, 0, fstMtim),
				"times follow": g.setTimes(dir, lookupFollow, way, 0, 0, fstMtim),
				"mkdir":        g.mkdir(dir, way),
				"rmdir":        g.rmdir(dir, way),
				"unlink":       g.unlink(dir, way),
				"rename to":    g.rename(dir, "mine", dir, way),
				"rename from":  g.rename(dir, way, dir, "new"),
				"link to":      g.link(dir, 0, "mine", dir, way),
				"link from":    g.link(dir, 0, way, dir, "new"),
				"symlink":      g.symlink("mine", dir, way),
				"readlink":     errnoOf(g.readlink(dir, way, 100)),
			} {
				wantErrno(t, name+" "+way, errno, errnoPerm)
			}
		}
		// Links that lie inside, followed at the end.
		for _, way := range []string{"up", "abs", "absfile", "rel", "relfile", "chain", "root", "sub/deep", "proc", "cwd"} {
			for name, errno := range map[string]wasiErrno{
				"open":   errnoOf(g.pathOpen(dir, lookupFollow, way, 0, rightRead, 0)),
				"create": errnoOf(g.pathOpen(dir, lookupFollow, way, oflagCreate, rightWrite, 0)),
				"cut":    errnoOf(g.pathOpen(dir, lookupFollow, way, oflagTrunc, rightWrite, 0)),
				"stat":   errnoOf(g.stat(dir, lookupFollow, way)),
				"times":  g.setTimes(dir, lookupFollow, way, 0, 0, fstMtim),
			} {
				wantErrno(t, name+" "+way, errno, errnoPerm)
			}
			_, errno := g.pathOpen(dir, 0, way, 0, rightRead, 0)
			wantErrno(t, "open the link "+way, errno, errnoLoop)
		}
		if after := snapshot(t, outside); after != before {
			t.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
	})
}

// The host swaps a directory for a link that leads out, all the time, while the guest opens what is below.
func TestDirSwappedForLink(t *testing.T) {
	outside := tempDir(t)
	check(t, os.WriteFile(filepath.Join(outside, "file"), []byte("outside"), 0o644))
	path := tempDir(t)
	host := func(name string) string { return filepath.Join(path, name) }
	check(t, os.Mkdir(host("dir"), 0o755))
	check(t, os.WriteFile(host("dir/file"), []byte("inside"), 0o644))
	check(t, os.Symlink(outside, host("link")))
	up, err := filepath.Rel(path, outside)
	check(t, err)
	check(t, os.Symlink(up, host("link2")))
	g := newWasiGuest(t, nil)
	check(t, g.store.InsertDir(3, openDir(t, path), "", READ_WRITE))

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
		fd, errno := g.pathOpen(3, lookupFollow, "dir/file", 0, rightRead|rightWrite, 0)
		if errno != errnoSuccess {
			refused++
			// Where the kernel has no openat2, the way is gone step by step: what was a directory may be none any more, and what
			// was a link may be one.
			if !slices.Contains([]wasiErrno{errnoPerm, errnoNoent, errnoNotdir, errnoInval}, errno) {
				t.Errorf("errno %d", errno)
			}
		} else {
			inside++
			if s, _ := g.read(fd, 100); s != "inside" {
				t.Fatalf("the guest read %q", s)
			}
			g.close(fd)
		}
		if fd, errno := g.pathOpen(3, lookupFollow, "dir/made", oflagCreate, rightWrite, 0); errno == errnoSuccess {
			g.close(fd)
		}
		g.unlink(3, "dir/made")
		g.mkdir(3, "dir/madedir")
		g.rmdir(3, "dir/madedir")
		g.rename(3, "dir/file", 3, "dir/file")
		if stat, errno := g.stat(3, lookupFollow, "dir/file"); errno == errnoSuccess && stat.size != 6 {
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

// The host moves a directory that the guest has open out of the guest's root: what is above the root stays out of reach.
func TestDirMovedAway(t *testing.T) {
	path, outside := tempDir(t), tempDir(t)
	check(t, os.MkdirAll(filepath.Join(path, "a/b"), 0o755))
	check(t, os.WriteFile(filepath.Join(outside, "secret"), nil, 0o644))
	g := newWasiGuest(t, nil)
	check(t, g.store.InsertDir(3, openDir(t, path), "", READ_WRITE))
	b, errno := g.pathOpen(3, 0, "a/b", oflagDirectory, rightReaddir, 0)
	want(t, "open", b, errno, 4)
	check(t, os.Rename(filepath.Join(path, "a/b"), filepath.Join(outside, "b")))
	for _, way := range []string{"..", "../secret", "../../a"} {
		_, errno := g.pathOpen(b, lookupFollow, way, 0, rightRead, 0)
		wantErrno(t, way, errno, errnoPerm)
	}
	fd, errno := g.open(b, "own", oflagCreate)
	want(t, "create below", fd, errno, 5)
}
