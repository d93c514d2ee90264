package main

import (
	"os"
	"strings"

	"github.com/gowasmtime/wasmtime"
)

// file is a file of the host that the guest gets as a descriptor.
type file struct {
	fd   uint32
	path string
	mode fileMode
}

// fileMode is how a file is opened, and what the guest may do with it.
type fileMode struct {
	open   int
	access wasmtime.WasiFileAccessMode
}

// fileModes are the modes by their names. They open files as a shell does for <, >, <> and >>.
func fileModes() map[string]fileMode {
	return map[string]fileMode{
		"ro":     {os.O_RDONLY, wasmtime.READ_ONLY},
		"wo":     {os.O_WRONLY | os.O_CREATE | os.O_TRUNC, wasmtime.WRITE_ONLY},
		"rw":     {os.O_RDWR | os.O_CREATE, wasmtime.READ_WRITE},
		"append": {os.O_WRONLY | os.O_CREATE | os.O_APPEND, wasmtime.WRITE_ONLY},
	}
}

// setFile does --file FD=PATH[:MODE]. A path may have colons: what follows the last one is a mode if it is one.
func setFile(s *settings, text string) error {
	fd, path, err := cutDescriptor(text)
	if err != nil {
		return err
	}
	f := file{fd, path, fileModes()["ro"]}
	if i := strings.LastIndexByte(path, ':'); i > 0 {
		if mode, ok := fileModes()[path[i+1:]]; ok {
			f.path, f.mode = path[:i], mode
		}
	}
	s.files = append(s.files, f)
	return nil
}

// insertFiles opens the files and gives them to the guest.
func (g *guest) insertFiles() error {
	for _, f := range g.settings.files {
		if err := g.insertFile(f); err != nil {
			return failed(reason(err), "failed to open '%s' as descriptor %d", f.path, f.fd)
		}
	}
	return nil
}

// insertFile opens a file and gives it to the guest, which has a descriptor of its own.
func (g *guest) insertFile(f file) error {
	opened, err := os.OpenFile(f.path, f.mode.open, 0o666)
	if err != nil {
		return err
	}
	defer opened.Close()
	return g.store.InsertFile(f.fd, opened, f.mode.access)
}
