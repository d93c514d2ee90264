package served

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"path"
	"strings"
	"time"

	"github.com/gowasmtime/wasmtime/ffi"
)

// What the guest makes gets these permissions, of which the process's own rules take some away.
const (
	filePerm = 0o666
	dirPerm  = 0o777
)

// answerChange answers a request that changes something, or makes a change safe.
func (n *node) answerChange(ctx context.Context, r *ffi.FSRequest) (err error) {
	atEnd, number := r.Flags&ffi.FSAppend != 0, int64(r.Number)
	switch r.What {
	case ffi.FSWrite:
		r.Count, err = n.file.write(ctx, r.Buffer(), atEnd)
		return err
	case ffi.FSPwrite:
		r.Count, err = n.file.pwrite(ctx, r.Buffer(), number, atEnd)
		return err
	case ffi.FSSetSize:
		return n.mount.do(ctx, func() error { return n.file.setSize(number) })
	case ffi.FSAllocate:
		return n.mount.do(ctx, func() error { return n.file.allocate(number) })
	case ffi.FSSync:
		return n.mount.do(ctx, n.sync)
	case ffi.FSSetTimes:
		atime, mtime := newTimes(r)
		return n.mount.do(ctx, func() error { return n.setTimes(atime, mtime) })
	}
	c := &change{what: r.What, path: r.Path(), toPath: r.ToPath(), follow: r.Flags&ffi.FSFollow != 0}
	switch r.What {
	case ffi.FSRename, ffi.FSLink:
		if c.to = nodes.Get(r.ToEnv); c.to == nil || c.to.mount != n.mount {
			return errnoXdev
		}
	case ffi.FSPathSetTimes:
		c.atime, c.mtime = newTimes(r)
	}
	return n.mount.do(ctx, func() error { return n.change(c) })
}

// change is a change of what is below a directory.
type change struct {
	what ffi.FSOp
	path string
	// toPath is the second path, or what a symbolic link says, and to the directory of the second path.
	toPath string
	to     *node
	// follow is that of times.
	follow       bool
	atime, mtime time.Time
}

// change carries out a change.
func (n *node) change(c *change) error {
	if n.mount.writes == nil {
		return errnoPerm
	}
	switch c.what {
	case ffi.FSMakeDir:
		return n.makeDir(c.path)
	case ffi.FSRemoveDir:
		return n.removeDir(c.path)
	case ffi.FSUnlink:
		return n.unlink(c.path)
	case ffi.FSRename:
		return n.rename(c.path, c.to, c.toPath)
	case ffi.FSLink:
		return n.link(c.path, c.to, c.toPath)
	case ffi.FSSymlink:
		return n.symlink(c.toPath, c.path)
	case ffi.FSPathSetTimes:
		return n.setTimesOf(c.path, c.follow, c.atime, c.mtime)
	}
	return errnoNotsup
}

// makeDir makes a directory.
func (n *node) makeDir(name string) error {
	name, _ = cutSlashes(name)
	at, err := n.vacant(name)
	if err != nil {
		return err
	}
	return n.mount.writes.Mkdir(at.path, dirPerm)
}

// removeDir removes an empty directory.
func (n *node) removeDir(name string) error {
	name, _ = cutSlashes(name)
	at, err := n.resolve(name, false)
	switch {
	case err != nil:
		return err
	case !at.info.IsDir():
		return errnoNotdir
	case isDots(name):
		return errnoInval
	}
	return n.mount.remove(at.path)
}

// unlink removes anything but a directory. Behind a slash, there can be nothing else.
func (n *node) unlink(name string) error {
	at, err := n.resolve(name, false)
	switch {
	case err != nil:
		return err
	case at.info.IsDir():
		return errnoIsdir
	}
	return n.mount.remove(at.path)
}

func (m *mount) remove(name string) error {
	err := m.writes.Remove(name)
	if err == nil {
		m.open.removed(name)
	}
	return err
}

// rename gives what has one name another one. A slash behind either demands a directory.
func (n *node) rename(name string, to *node, toName string) error {
	name, slash := cutSlashes(name)
	toName, toSlash := cutSlashes(toName)
	from, err := n.resolve(name, false)
	switch {
	case err != nil:
		return err
	case (slash || toSlash) && !from.info.IsDir():
		return errnoNotdir
	}
	dest, err := to.find(toName, false)
	switch {
	case err != nil:
		return err
	case isDots(name) || isDots(toName):
		return errnoBusy
	case dest.path == from.path:
		return nil
	case isBelow(dest.path, from.path):
		return errnoInval
	case dest.info == nil:
	case isBelow(from.path, dest.path):
		return errnoNotempty
	case dest.info.IsDir() && !from.info.IsDir():
		return errnoIsdir
	case !dest.info.IsDir() && from.info.IsDir():
		return errnoNotdir
	}
	w := n.mount.writes
	err = w.Rename(from.path, dest.path)
	// Those that do as os.Rename leave a directory in its place, though it may be empty.
	if errors.Is(err, fs.ErrExist) && dest.info != nil && dest.info.IsDir() {
		if err = n.mount.remove(dest.path); err == nil {
			err = w.Rename(from.path, dest.path)
		}
	}
	if err == nil {
		n.mount.open.renamed(from.path, dest.path)
	}
	return err
}

// link gives a file, or a symbolic link, one more name.
func (n *node) link(name string, to *node, toName string) error {
	from, err := n.resolve(name, false)
	if err != nil {
		return err
	}
	at, err := to.vacant(toName)
	switch {
	case err != nil:
		return err
	case from.info.IsDir():
		return errnoPerm
	case at.directory:
		return at.missing
	}
	return n.mount.writes.Link(from.path, at.path)
}

// symlink makes a symbolic link. One to an absolute path is EPERM, as below a directory of the host: no guest could
// follow it, but others might.
func (n *node) symlink(target, name string) error {
	switch {
	case target == "":
		return errnoNoent
	case target[0] == '/':
		return errnoPerm
	case strings.Contains(target, "\x00"):
		return errnoInval
	}
	at, err := n.vacant(name)
	switch {
	case err != nil:
		return err
	case at.directory:
		return at.missing
	}
	return n.mount.writes.Symlink(target, at.path)
}

// setTimesOf sets the times of what a path leads to, or of a symbolic link itself.
func (n *node) setTimesOf(name string, follow bool, atime, mtime time.Time) error {
	at, err := n.resolve(name, follow)
	switch {
	case err != nil:
		return err
	case at.info.Mode()&fs.ModeSymlink != 0:
		return n.mount.writes.Lchtimes(at.path, atime, mtime)
	}
	return n.mount.writes.Chtimes(at.path, atime, mtime)
}

// setTimes sets the times of the node itself.
func (n *node) setTimes(atime, mtime time.Time) error {
	switch {
	case n.mount.writes == nil:
		return errnoPerm
	case n.removed:
		return errnoNoent
	}
	return n.mount.writes.Chtimes(n.path, atime, mtime)
}

// newTimes are the times that a request sets; a zero one stays as it is.
func newTimes(r *ffi.FSRequest) (atime, mtime time.Time) {
	now := time.Now()
	choose := func(set, setNow uint32, nanoseconds uint64) time.Time {
		switch {
		case r.Flags&setNow != 0:
			return now
		case r.Flags&set != 0:
			nanoseconds = min(nanoseconds, math.MaxInt64) // more is none to whoever counts them, as package os does
			return time.Unix(int64(nanoseconds/second), int64(nanoseconds%second))
		}
		return time.Time{}
	}
	atime = choose(ffi.FSAccessed, ffi.FSAccessedNow, r.Stat.AccessTime)
	return atime, choose(ffi.FSModified, ffi.FSModifiedNow, r.Stat.ModTime)
}

// vacant is the place for something new, where nothing may be.
func (n *node) vacant(name string) (found, error) {
	at, err := n.find(name, false)
	if err == nil && at.missing == nil {
		err = errnoExist
	}
	return at, err
}

// cutSlashes is a path without the slashes at its end, and whether there were any. The root of all stays what it is.
func cutSlashes(name string) (short string, slash bool) {
	short = strings.TrimRight(name, "/")
	if short == "" {
		short = name
	}
	return short, strings.HasSuffix(name, "/")
}

// isDots tells whether a path ends in no name.
func isDots(name string) bool { return path.Base(name) == "." || path.Base(name) == ".." }

// isBelow tells whether a name lies below a directory.
func isBelow(name, dir string) bool {
	return strings.HasPrefix(name, dir+"/") || dir == "." && name != "."
}
