package served

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"unsafe"
)

// mostListed is how many bytes the listings of a store may take unless somebody has set it: as many as Wasmtime lets
// the host keep for a call.
const mostListed = 128 << 20

// listings counts the bytes that the listings of directories take which guests of a store read. Only the goroutine
// that has the store uses it.
type listings struct{ taken, most uint64 }

// listing is a directory at the moment when a guest began to read it.
type listing struct {
	entries []dirEntry
	// bytes is what it takes.
	bytes uint64
}

// dirEntry is an entry of a directory.
type dirEntry struct {
	name     string
	inode    uint64
	filetype uint32
}

// LimitListings sets how many bytes the listings of all directories together may take that guests of the store have
// open. Those that there are stay, also if they take more.
func (s *Shelf) LimitListings(most uint64) { s.counted().most = most }

// counted returns where the listings count.
func (s *Shelf) counted() *listings {
	if s.listings == nil {
		s.listings = &listings{most: mostListed}
	}
	return s.listings
}

// room returns how many bytes one more listing may take.
func (l *listings) room() uint64 { return l.most - min(l.taken, l.most) }

// forget gives the room of a directory's listing back.
func (n *node) forget() {
	if n.listing != nil {
		n.mount.listings.taken -= n.listing.bytes
		n.listing = nil
	}
}

// list lists the directory: itself and its parent first, as on Linux, then the entries by name. A listing that takes
// more than the room there is, is ENOMEM.
func (n *node) list(room uint64) (*listing, error) {
	if n.removed {
		return nil, errnoNoent
	}
	m := n.mount
	entries, err := readDirIn(m.fsys, n.path)
	if err != nil {
		return nil, err
	}
	l := &listing{entries: make([]dirEntry, 0, len(entries)+2)}
	l.add(".", m.number(n.path), filetypeDirectory)
	l.add("..", m.number(path.Dir(n.path)), filetypeDirectory)
	number, done := m.numbers(n.path)
	defer done()
	for _, e := range entries {
		name := e.Name()
		if name == "" || name == "." || name == ".." || strings.Contains(name, "/") {
			continue // no name of an entry
		}
		l.add(name, number(name), filetype(e.Type()))
	}
	if l.bytes > room {
		return nil, errnoNomem
	}
	slices.SortStableFunc(l.entries[2:], func(a, b dirEntry) int { return cmp.Compare(a.name, b.name) })
	return l, nil
}

// numbers tells the numbers of what is in a directory, until done is called. The way to the directory is gone once, not
// for each entry: a guest may have made it long.
func (m *mount) numbers(dir string) (number func(name string) uint64, done func()) {
	hashes := func(name string) uint64 { return inode(join(dir, name)) }
	if !m.hostNumbers() {
		return hashes, func() {}
	}
	root, err := m.writes.OpenRoot(dir)
	if err != nil {
		return hashes, func() {}
	}
	return func(name string) uint64 {
		info, err := root.Lstat(name)
		if err != nil { // it is gone
			return hashes(name)
		}
		return m.stat(name, info).Ino
	}, func() { root.Close() }
}

// add adds an entry at the end.
func (l *listing) add(name string, inode uint64, filetype uint32) {
	l.entries = append(l.entries, dirEntry{name, inode, filetype})
	l.bytes += uint64(unsafe.Sizeof(dirEntry{})) + uint64(len(name))
}
