package wasmtime

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/gowasmtime/wasmtime/ffi"
)

// WasiConfig is what a guest is given through WASI 0.1: by default nothing at all. One configuration serves any number of
// stores, but a file that it opened for a standard stream goes to the first. It is used by one goroutine at a time. See
// wasmtime_wasi::WasiCtxBuilder.
type WasiConfig struct {
	spec  ffi.WasiSpec
	files [3]stdioFile
	// streams are the standard streams that Go serves.
	streams [3]goStream
	// fileSystems are preopened directories that Go serves.
	fileSystems []fsPreopen
	// system is nil unless a part of it is set.
	system *wasiSystem
	// inheritsArgv says that spec has this process's arguments.
	inheritsArgv bool
	closed       bool
}

// stdioFile is a file for a standard stream: one that the configuration has opened, for one store, or the program's.
type stdioFile struct {
	*os.File
	opened bool
}

// WasiDirPerms is what a guest may do to directories below a preopened one.
type WasiDirPerms uint8

// WasiFilePerms is what a guest may do to files below a preopened directory.
type WasiFilePerms uint8

// The permissions; they are combined with |.
const (
	// DIR_READ: directories may be read.
	DIR_READ WasiDirPerms = 1
	// DIR_WRITE: entries may be created, renamed and removed.
	DIR_WRITE WasiDirPerms = 2
	// FILE_READ: files may be read.
	FILE_READ WasiFilePerms = 1
	// FILE_WRITE: files may be written.
	FILE_WRITE WasiFilePerms = 2
)

// NewWasiConfig returns a configuration that gives nothing.
func NewWasiConfig() *WasiConfig { return &WasiConfig{} }

// Close closes the files that the configuration opened. Stores that were given it keep theirs. Closing twice does nothing.
func (c *WasiConfig) Close() {
	c.closed = true
	c.closeFiles()
}

func (c *WasiConfig) closeFiles() {
	for i, f := range c.files {
		if f.opened {
			f.Close()
			c.files[i] = stdioFile{}
		}
	}
}

// use panics if the configuration has been closed.
func (c *WasiConfig) use() *ffi.WasiSpec {
	if c.closed {
		panic(closedText)
	}
	return &c.spec
}

// SetArgv adds arguments; the first of all is the program's name.
func (c *WasiConfig) SetArgv(argv []string) {
	spec := c.use()
	spec.Args = append(spec.Args, argv...)
}

// InheritArgv gives the guest this process's arguments, which are those of [os.Args], before those of SetArgv.
func (c *WasiConfig) InheritArgv() {
	spec := c.use()
	if !c.inheritsArgv {
		// Rust's standard library learns them from the C library's start code, but not from musl's, which has none for it.
		spec.Args = slices.Concat(os.Args, spec.Args)
		c.inheritsArgv = true
	}
}

// SetEnv adds environment variables. It panics if there are not as many values as keys.
func (c *WasiConfig) SetEnv(keys, values []string) {
	spec := c.use()
	if len(keys) != len(values) {
		panic("mismatched numbers of keys and values")
	}
	for i, key := range keys {
		spec.Env = append(spec.Env, [2]string{key, values[i]})
	}
}

// InheritEnv gives the guest this process's environment, before the variables of SetEnv.
func (c *WasiConfig) InheritEnv() { c.use().InheritEnv = true }

// SetStdinFile makes a file the guest's standard input.
func (c *WasiConfig) SetStdinFile(path string) error { return c.setFile(0, path, os.Open) }

// SetStdoutFile makes a file the guest's standard output. The file is created or cut to nothing. What the guest writes is
// in the file at once.
func (c *WasiConfig) SetStdoutFile(path string) error { return c.setFile(1, path, os.Create) }

// SetStderrFile makes a file the guest's standard error, as SetStdoutFile does for its standard output.
func (c *WasiConfig) SetStderrFile(path string) error { return c.setFile(2, path, os.Create) }

func (c *WasiConfig) setFile(i int, path string, open func(string) (*os.File, error)) error {
	c.use()
	f, err := open(path)
	if err != nil {
		return err
	}
	c.setStdio(i, ffi.StdioFile, stdioFile{f, true})
	return nil
}

// SetStdin makes a reader the guest's standard input, as [Store.InsertReader] would: of every store that is given the
// configuration.
func (c *WasiConfig) SetStdin(r io.Reader) {
	c.setStream(0, r)
}

// SetStdinBytes makes bytes the guest's standard input, for every store anew. They are not copied.
func (c *WasiConfig) SetStdinBytes(b []byte) {
	c.setStream(0, stdinBytes(b))
}

// SetStdout makes a writer the guest's standard output, as [Store.InsertWriter] would: of every store that is given the
// configuration.
func (c *WasiConfig) SetStdout(w io.Writer) {
	c.setStream(1, w)
}

// SetStderr makes a writer the guest's standard error, as SetStdout does for its standard output.
func (c *WasiConfig) SetStderr(w io.Writer) {
	c.setStream(2, w)
}

func (c *WasiConfig) setStream(i int, served any) {
	if f, ok := served.(*os.File); ok && f != nil {
		c.setStdio(i, ffi.StdioFile, stdioFile{f, false})
		return
	}
	c.setStdio(i, ffi.StdioNone, stdioFile{})
	c.streams[i] = goStream{true, served}
}

// setStdio says what a standard stream is, in place of what it was.
func (c *WasiConfig) setStdio(i int, kind ffi.StdioKind, f stdioFile) {
	spec := c.use()
	if c.files[i].opened {
		c.files[i].Close()
	}
	c.files[i], c.streams[i], spec.Stdio[i] = f, goStream{}, kind
}

// InheritStdin gives the guest this process's standard input.
func (c *WasiConfig) InheritStdin() { c.inherit(0) }

// InheritStdout gives the guest this process's standard output.
func (c *WasiConfig) InheritStdout() { c.inherit(1) }

// InheritStderr gives the guest this process's standard error.
func (c *WasiConfig) InheritStderr() { c.inherit(2) }

func (c *WasiConfig) inherit(i int) { c.setStdio(i, ffi.StdioInherit, stdioFile{}) }

// PreopenDir gives the guest a directory of the host, sandboxed: nothing above it can be reached. The guest finds it under
// guestPath.
//
// Wasmtime knows two kinds of access, reading only and everything. Permissions to write both directories and files, and to
// read them, are everything; permissions to read both are reading only, also with one of the two to write. Less than that
// cannot be had and is an error that wraps [ErrUnsupported].
func (c *WasiConfig) PreopenDir(path, guestPath string, dirPerms WasiDirPerms, filePerms WasiFilePerms) error {
	spec := c.use()
	if dirPerms&DIR_READ == 0 || filePerms&FILE_READ == 0 {
		return errorf(ErrUnsupported, "preopening %s without reading it: %v", path, ErrUnsupported)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("preopening %s: %w", path, errNotDirectory)
	}
	spec.Preopens = append(spec.Preopens, ffi.Preopen{
		HostPath:  path,
		GuestPath: guestPath,
		ReadOnly:  dirPerms&DIR_WRITE == 0 || filePerms&FILE_WRITE == 0,
	})
	return nil
}

var errNotDirectory = errors.New("not a directory")

// SetWasi gives the store's guests what wasi says, for imports defined by [Linker.DefineWasi]. A store that had a
// configuration loses it, with all its descriptors. It panics if the configuration cannot be carried out; see
// [Store.ConfigureWasi].
func (store *Store) SetWasi(wasi *WasiConfig) {
	if err := store.ConfigureWasi(wasi); err != nil {
		panic(err)
	}
}

// ConfigureWasi is [Store.SetWasi] with an error: a preopened directory that has gone, or a string with a zero byte. On an
// error the store keeps what it had. A configuration whose files another store has got is an error that wraps [ErrClosed].
func (store *Store) ConfigureWasi(wasi *WasiConfig) error {
	if wasi == nil {
		return errorf(nil, "the WASI configuration is nil")
	}
	spec := wasi.use()
	s := store.state
	outermost, err := s.enter()
	if err != nil {
		return err
	}
	defer s.leave(outermost)
	for i, kind := range spec.Stdio {
		if kind == ffi.StdioFile && wasi.files[i].File == nil {
			return errorf(ErrClosed, "the file for standard stream %d has been given to another store", i)
		}
	}
	for i := range wasi.streams {
		if err := wasi.streams[i].check(); err != nil {
			return err
		}
	}
	var system *ffi.WasiSystem
	if wasi.system != nil {
		system = &wasi.system.spec
	}
	env, forget := s.serveSystem(wasi.system)
	options := s.native.NewWasiOptions(spec, system, env)
	defer options.Delete()
	var serving [3]*served
	for i := range wasi.streams {
		if stream := &wasi.streams[i]; stream.isSet {
			serving[i] = stream.open(i)
			serving[i].attach(s.entry, s.native)
			options.SetStdioStream(i, serving[i].number)
		}
	}
	failed, err := s.setWasi(wasi.files[:], options)
	if err != nil || !failed.IsNil() {
		forget()
		for _, stream := range serving {
			if stream != nil {
				streams.remove(stream.number)
			}
		}
		if err != nil {
			return err
		}
		return s.failure(ffi.Trap{}, failed)
	}
	s.raise()
	wasi.closeFiles()
	s.lock.Identify() // file systems are inserted as by a program, which enters the store
	for _, p := range wasi.fileSystems {
		if _, err := mountFS(store, 0, true, p.fsys, &p.guestPath); err != nil {
			return err
		}
	}
	return nil
}

// goStream is a standard stream that Go serves.
type goStream struct {
	isSet bool
	// served is a reader or stdinBytes for standard input, and otherwise a writer.
	served any
}

type stdinBytes []byte

// open makes what serves it in a store.
func (g *goStream) open(fd int) *served {
	if b, ok := g.served.(stdinBytes); ok {
		return newStream(bytes.NewReader(b), nil)
	}
	if fd == 0 {
		return newStream(g.served.(io.Reader), nil)
	}
	return newStream(nil, g.served.(io.Writer))
}

// check finds out beforehand what cannot be served.
func (g *goStream) check() error {
	if g.isSet && isNil(g.served) {
		return errorf(ErrBadFile, "a standard stream is nil: %v", ErrBadFile)
	}
	return nil
}

// setWasi configures WASI with the files in the options.
func (s *state) setWasi(files []stdioFile, options ffi.WasiOptions) (ffi.Error, error) {
	for _, f := range files {
		if f.File != nil {
			return s.setWasiFiles(files, options)
		}
	}
	return s.native.SetWasi(options), nil
}

func (s *state) setWasiFiles(files []stdioFile, options ffi.WasiOptions) (failed ffi.Error, err error) {
	err = withFds(files, options, 0, func() { failed = s.native.SetWasi(options) })
	return failed, err
}

// withFds runs f while the descriptors of the files from the i-th on are held and set in the options.
func withFds(files []stdioFile, options ffi.WasiOptions, i int, f func()) error {
	for i < len(files) && files[i].File == nil {
		i++
	}
	if i == len(files) {
		f()
		return nil
	}
	var inner error
	err := withFd(files[i].Name(), files[i].File, func(fd uintptr) {
		options.SetStdioFile(i, fd)
		inner = withFds(files, options, i+1, f)
	})
	if err != nil {
		return err
	}
	return inner
}
