package served

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

// found is where a path leads.
type found struct {
	// path is the name of it for the file system.
	path string
	// info is what is known about it: nothing, or what Lstat said.
	info fs.FileInfo
	// directory says that the path demands a directory.
	directory bool
	// missing is what the file system says of a path that ends in nothing. It is nil if there is something, and also if
	// nobody has looked, because the file system can only be read.
	missing error
}

// maxLinks is how many symbolic links one path may lead over, as on Linux.
const maxLinks = 40

// Who can make directories can make a long way, which a file system goes again and again. So there is an end to how
// many parts of a path are looked at, and to how long a name of something may be.
const (
	maxParts = 1024
	maxPath  = 4096
)

// resolve finds where a path leads that a guest looks up below the directory. It leads nowhere outside of that. A
// symbolic link at the end is followed if follow says so, or a slash comes after it.
func (n *node) resolve(name string, follow bool) (found, error) {
	at, err := n.find(name, follow)
	if err == nil && at.missing != nil {
		err = at.missing
	}
	return at, err
}

// find is resolve for a path that may end in nothing.
func (n *node) find(name string, follow bool) (found, error) {
	m, base := n.mount, n.path
	switch {
	case n.removed:
		return found{}, errnoNoent
	case name == "":
		return found{}, errnoNoent
	case name[0] == '/':
		return found{}, errnoPerm
	case strings.Contains(name, "\x00"):
		return found{}, errnoInval
	}
	at, depth, links, parts := found{path: base}, 0, 0, 0
	for rest := name; rest != ""; {
		elem, tail, more := strings.Cut(rest, "/")
		rest = tail
		switch elem {
		case "":
			continue
		case ".":
			at.directory = true
			continue
		case "..":
			if depth == 0 {
				return found{}, errnoPerm
			}
			if err := m.checkDirectory(at); err != nil {
				return found{}, err
			}
			at, depth = found{path: path.Dir(at.path), directory: true}, depth-1
			continue
		}
		parent := at.path
		at = found{path: join(parent, elem), directory: more}
		depth++
		if parts++; m.writes != nil && (parts > maxParts || len(at.path) > maxPath) {
			return found{}, errnoNametoolong
		}
		if !m.links {
			continue
		}
		info, err := lstatIn(m.fsys, at.path)
		switch {
		case errors.Is(err, fs.ErrNotExist) && strings.Trim(tail, "/") == "":
			at.missing = err
			return at, nil
		case err != nil:
			return found{}, err
		case info.Mode()&fs.ModeSymlink != 0 && (more || follow):
			if links++; links > maxLinks {
				return found{}, errnoLoop
			}
			if rest, err = m.target(at.path); err != nil {
				return found{}, err
			}
			if more {
				rest += "/" + tail
			}
			at, depth = found{path: parent}, depth-1
		case more && !info.IsDir():
			return found{}, errnoNotdir
		default:
			at.info = info
		}
	}
	if m.writes == nil || at.info != nil {
		return at, nil
	}
	return m.look(at)
}

// look finds out what is at a place that nobody has looked at.
func (m *mount) look(at found) (found, error) {
	info, err := statIn(m.fsys, at.path)
	switch {
	case err == nil && at.directory && !info.IsDir():
		return found{}, errnoNotdir
	case err == nil:
		at.info = info
		return at, nil
	case !errors.Is(err, fs.ErrNotExist):
		return found{}, err
	}
	at.missing = err
	return at, m.checkDirectory(found{path: path.Dir(at.path)})
}

// target is what a symbolic link says that is to be followed.
func (m *mount) target(name string) (string, error) {
	target, err := fs.ReadLink(m.fsys, name)
	switch {
	case errors.Is(err, fs.ErrInvalid):
		return "", errnoLoop // nobody can follow it
	case err != nil:
		return "", err
	case target == "":
		return "", errnoNoent
	case target[0] == '/':
		return "", errnoPerm
	}
	return target, nil
}

// checkDirectory is nil for a directory.
func (m *mount) checkDirectory(at found) error {
	if at.info == nil {
		var err error
		if at.info, err = statIn(m.fsys, at.path); err != nil {
			return m.missing(at.path, err)
		}
	}
	if !at.info.IsDir() {
		return errnoNotdir
	}
	return nil
}

// missing is the error for a path that the file system does not find: ENOTDIR if there is a file on the way.
func (m *mount) missing(name string, err error) error {
	if m.links || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for name = path.Dir(name); name != "."; name = path.Dir(name) {
		if info, failed := statIn(m.fsys, name); failed == nil {
			if !info.IsDir() {
				return errnoNotdir
			}
			break
		}
	}
	return err
}

// join is the name of an entry of a directory.
func join(dir, name string) string {
	if dir == "." {
		return name
	}
	return dir + "/" + name
}
