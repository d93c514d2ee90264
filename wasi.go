package wasmtime

//lint:file-ignore ST1003 The names of access modes and permissions are those of wasmtime-go and of WASI.

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/served"
)

// WasiConfig is what a guest is given through WASI, 0.1 or 0.2: by default nothing at all. One configuration serves any
// number of stores, but a file that it opened for a standard stream goes to the first, and so does what it was pushed
// and Go closes (see [WasiConfig.PushConn]). See wasmtime_wasi::WasiCtxBuilder.
//
// It is set by one goroutine, before any store is given it; then goroutines may give it to their stores at once. A
// store would not notice a change that comes later. So a method that changes the configuration then returns an error
// that wraps [ErrTooLate], or panics with that error if it returns none. After Close it returns an error that wraps
// [ErrClosed], or panics with the text of that.
type WasiConfig struct {
	spec  ffi.WasiSpec
	stdio [3]stdio
	// fileSystems are preopened directories that Go serves.
	fileSystems []fsPreopen
	// pushed are the descriptors that follow.
	pushed []*wasiPushed
	// system is nil unless a part of it is set.
	system *wasiSystem
	// inheritsArgv says that spec has this process's arguments.
	inheritsArgv bool
	// inheritsEnv says that the environment comes before that in spec.
	inheritsEnv bool
	closed      atomic.Bool
	// given says that a store has been given it.
	given atomic.Bool
	// giving is held while a store is given it.
	giving sync.Mutex
}

// stdio is what a standard stream is.
type stdio struct {
	kind ffi.StdioKind
	// opened says that the file was opened by the configuration, for one store.
	opened bool
	// host is the file if it is one, nil when a store has got it; or what Go serves: stdinBytes, a reader or a writer.
	host any
}

type stdinBytes []byte

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

// Close closes the files that the configuration opened, and what it was given away with [WasiConfig.PushConn] and
// [WasiConfig.PushListener], if no store has got it. Stores that were given the configuration keep theirs. Closing
// twice does nothing. Other goroutines may give the configuration to stores meanwhile: they succeed before, or get an
// error that wraps [ErrClosed].
func (c *WasiConfig) Close() {
	if c == nil {
		return
	}
	c.giving.Lock()
	defer c.giving.Unlock()
	c.closed.Store(true)
	c.closeFiles()
	c.closePushed()
}

func (c *WasiConfig) closeFiles() {
	for i := range c.stdio {
		if s := &c.stdio[i]; s.opened {
			s.file().Close()
			s.opened, s.host = false, nil
		}
	}
}

// change begins a change of the configuration.
func (c *WasiConfig) change() (*ffi.WasiSpec, error) {
	switch {
	case c == nil:
		return nil, isNil[WasiConfig]()
	case c.closed.Load():
		return nil, closedError("WASI configuration")
	case c.given.Load():
		return nil, errorf(ErrTooLate, "%v: a store has been given it", ErrTooLate)
	}
	return &c.spec, nil
}

// mustChange is change for methods that cannot return an error.
func (c *WasiConfig) mustChange() *ffi.WasiSpec {
	spec, err := notNil(c).change()
	switch {
	case errors.Is(err, ErrClosed):
		panic(closedText)
	case err != nil:
		panic(err)
	}
	return spec
}

// preopen begins a change that adds a preopened directory.
func (c *WasiConfig) preopen() (*ffi.WasiSpec, error) {
	spec, err := c.change()
	if err == nil && len(c.pushed) > 0 {
		err = errorf(ErrTooLate, "%v: directories are preopened before anything is pushed, because that has told its number",
			ErrTooLate)
	}
	return spec, err
}

// SetArgv adds arguments; the first of all is the program's name.
func (c *WasiConfig) SetArgv(argv []string) {
	spec := c.mustChange()
	spec.Args = append(spec.Args, argv...)
}

// InheritArgv gives the guest this process's arguments, which are those of [os.Args], before those of SetArgv.
func (c *WasiConfig) InheritArgv() {
	spec := c.mustChange()
	if !c.inheritsArgv {
		// Rust's standard library learns them from the C library's start code, but not from musl's, which has none
		// for it.
		spec.Args = slices.Concat(os.Args, spec.Args)
		c.inheritsArgv = true
	}
}

// SetEnv adds environment variables. It panics if there are not as many values as keys.
func (c *WasiConfig) SetEnv(keys, values []string) {
	spec := c.mustChange()
	if len(keys) != len(values) {
		panic("mismatched numbers of keys and values")
	}
	for i, key := range keys {
		spec.Env = append(spec.Env, [2]string{key, values[i]})
	}
}

// InheritEnv gives the guest this process's environment, before the variables of SetEnv.
func (c *WasiConfig) InheritEnv() {
	c.mustChange()
	c.inheritsEnv = true
}

// environ returns this process's environment. C could read it as well, but not safely while a goroutine calls
// [os.Setenv].
func environ() (all [][2]string) {
	for _, variable := range os.Environ() {
		if variable == "" {
			continue
		}
		// On Windows there are names that begin with the sign.
		name, value, found := strings.Cut(variable[1:], "=")
		if found {
			all = append(all, [2]string{variable[:1] + name, value})
		}
	}
	return all
}

// SetStdinFile makes a file the guest's standard input.
func (c *WasiConfig) SetStdinFile(path string) error { return c.setFile(0, path, os.Open) }

// SetStdoutFile makes a file the guest's standard output. The file is created or cut to nothing. What the guest
// writes is in the file at once.
func (c *WasiConfig) SetStdoutFile(path string) error { return c.setFile(1, path, os.Create) }

// SetStderrFile makes a file the guest's standard error, as SetStdoutFile does for its standard output.
func (c *WasiConfig) SetStderrFile(path string) error { return c.setFile(2, path, os.Create) }

func (c *WasiConfig) setFile(i int, path string, open func(string) (*os.File, error)) error {
	if _, err := c.change(); err != nil {
		return err
	}
	f, err := open(path)
	if err != nil {
		return err
	}
	c.setStdio(i, stdio{ffi.StdioFile, true, f})
	return nil
}

// SetStdin makes a reader the guest's standard input, as [Store.InsertReader] would: of every store that is given the
// configuration. A nil one, here and for the other streams, is an error of [Store.ConfigureWasi] that wraps
// [ErrBadFile].
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

// SetStderr makes a writer the guest's standard error, as SetStdout does for its standard output. If it equals that of
// SetStdout, both are one pipe: it is called by one goroutine at a time, and gets what the guest writes in its order.
func (c *WasiConfig) SetStderr(w io.Writer) {
	c.setStream(2, w)
}

func (c *WasiConfig) setStream(i int, served any) {
	if f, ok := served.(*os.File); ok && f != nil {
		c.setStdio(i, stdio{ffi.StdioFile, false, f})
		return
	}
	c.setStdio(i, stdio{ffi.StdioStream, false, served})
}

// setStdio says what a standard stream is, in place of what it was.
func (c *WasiConfig) setStdio(i int, to stdio) {
	c.mustChange()
	if s := &c.stdio[i]; s.opened {
		s.file().Close()
	}
	c.stdio[i] = to
}

// InheritStdin gives the guest this process's standard input.
func (c *WasiConfig) InheritStdin() { c.inherit(0) }

// InheritStdout gives the guest this process's standard output.
func (c *WasiConfig) InheritStdout() { c.inherit(1) }

// InheritStderr gives the guest this process's standard error.
func (c *WasiConfig) InheritStderr() { c.inherit(2) }

func (c *WasiConfig) inherit(i int) { c.setStdio(i, stdio{kind: ffi.StdioInherit}) }

// PreopenDir gives the guest a directory of the host, sandboxed: nothing above it can be reached. The guest finds it
// under guestPath.
//
// Wasmtime knows two kinds of access, reading only and everything. Permissions to write both directories and files,
// and to read them, are everything; permissions to read both are reading only, also with one of the two to write.
// Less than that cannot be had and is an error that wraps [ErrUnsupported].
func (c *WasiConfig) PreopenDir(path, guestPath string, dirPerms WasiDirPerms, filePerms WasiFilePerms) error {
	spec, err := c.preopen()
	if err != nil {
		return err
	}
	if dirPerms&DIR_READ == 0 || filePerms&FILE_READ == 0 {
		return errorf(ErrUnsupported, "preopening %s without DIR_READ and FILE_READ: %v", path, ErrUnsupported)
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

// PreopenFS gives the guest a file system of Go's as a directory that can only be read: an [embed.FS], a
// [zip.Reader], what [os.DirFS] or [os.Root.FS] returns, or any other; or as one that can be written, if it comes from
// [Writable]. The guest finds it under guestPath. The directories of [WasiConfig.PreopenDir] come first, with the
// numbers from 3 on.
//
// Everything else is as with [Store.InsertFS], for every store that is given the configuration: a file system that
// several stores use at once has to be safe for that. The root is looked at now; an error wraps what the file system
// says, and [ErrBadFile].
func (c *WasiConfig) PreopenFS(fsys fs.FS, guestPath string) error {
	if _, err := c.preopen(); err != nil {
		return err
	}
	if err := checkGuestPath(guestPath); err != nil {
		return err
	}
	if err := checkFS(fsys); err != nil {
		return err
	}
	c.fileSystems = append(c.fileSystems, fsPreopen{fsys, guestPath})
	return nil
}

// fsPreopen is a preopened file system.
type fsPreopen struct {
	fsys      fs.FS
	guestPath string
}

// SetWasi gives the store's guests what wasi says, for imports defined by [Linker.DefineWasi], and by DefineWasi of
// package component. A store that had a configuration loses it, with all its descriptors, and all resources of WASI
// that components, and the program, have of it: who uses one of those ends with an error, or meets another in its
// place. So it is not for a host function that a guest has called which goes on. It panics if the configuration cannot
// be carried out; see [Store.ConfigureWasi].
func (store *Store) SetWasi(wasi *WasiConfig) {
	err := notNil(store).ConfigureWasi(notNil(wasi))
	switch {
	case wasi.closed.Load() && errors.Is(err, ErrClosed):
		panic(closedText)
	case err != nil:
		panic(err)
	}
}

// ConfigureWasi is [Store.SetWasi] with an error: a preopened directory that has gone, a pushed file that has been
// closed, or a string with a zero byte. On an error the store keeps what it had, and the configuration can be changed
// and given again. A configuration that has been closed, or whose files another store has got, is an error that wraps
// [ErrClosed].
//
// There is one exception: what was pushed may turn out only at last to be of a kind that cannot be handed to a guest,
// or one too many for this process. Then the store has a configuration that gives nothing, and what it was given away
// is closed.
func (store *Store) ConfigureWasi(wasi *WasiConfig) error {
	s, outermost, err := enter(store)
	if err != nil {
		return err
	}
	defer s.Leave(outermost)
	if wasi == nil {
		return isNil[WasiConfig]()
	}
	if err := s.giveWasi(wasi); err != nil {
		return err
	}
	// What closing the old descriptors panicked with comes out when the new ones are there.
	panicking, panicked := s.panicking, s.panicked
	s.panicking, s.panicked = false, nil
	err = store.receive(wasi.fileSystems, wasi.pushed)
	if panicking {
		panic(panicked)
	}
	return err
}

// giveWasi gives the store all of a configuration but its file systems and what was pushed, which from then on nobody
// else gets.
func (s *state) giveWasi(wasi *WasiConfig) error {
	wasi.giving.Lock()
	defer wasi.giving.Unlock()
	if wasi.closed.Load() {
		return closedError("WASI configuration")
	}
	for i := range wasi.stdio {
		if err := wasi.stdio[i].check(i); err != nil {
			return err
		}
	}
	if err := wasi.checkPushed(); err != nil {
		return err
	}
	if err := s.setWasi(wasi); err != nil {
		return err
	}
	wasi.given.Store(true)
	for _, p := range wasi.pushed {
		p.gone.Store(true)
	}
	wasi.closeFiles()
	return nil
}

// check finds out beforehand what the i-th standard stream cannot be.
func (s *stdio) check(i int) error {
	switch {
	case s.kind == ffi.StdioFile && s.host == nil:
		return errorf(ErrClosed, "the file for standard stream %d has been given to another store", i)
	case s.kind == ffi.StdioStream && served.IsNil(s.host):
		set := [...]string{"SetStdin", "SetStdout", "SetStderr"}[i]
		return errorf(ErrBadFile, "what WasiConfig.%s was given is nil: %v", set, ErrBadFile)
	}
	return nil
}

// file returns the file that it is, nil if it is none.
func (s *stdio) file() *os.File {
	f, _ := s.host.(*os.File)
	return f
}

// serve makes what serves it in a store, if Go does. Only standard input is read.
func (s *stdio) serve(i int) *served.Descriptor {
	if b, ok := s.host.(stdinBytes); ok {
		return served.NewReader(bytes.NewReader(b))
	}
	if i == 0 {
		return served.NewReader(s.host.(io.Reader))
	}
	return served.NewWriter(s.host.(io.Writer))
}

// setWasi configures WASI.
func (s *state) setWasi(wasi *WasiConfig) error {
	spec := wasi.spec
	if wasi.inheritsEnv {
		spec.Env = slices.Concat(environ(), spec.Env)
	}
	if s.slot.unmade != nil && s.slot.wasi.IsNil() && wasi.canWait(&spec) {
		options := s.native.NewWasiOptions(&spec, nil, 0)
		s.serveStdio(wasi, options)
		s.slot.wasi = options
		s.native.SetWasiLater(options)
		return nil
	}
	s.made()
	var system *ffi.WasiSystem
	if wasi.system != nil {
		system = &wasi.system.spec
	}
	env, forget := s.serveSystem(wasi.system)
	options := s.native.NewWasiOptions(&spec, system, env)
	defer options.Delete()
	serving := s.serveStdio(wasi, options)
	var failed ffi.Error
	var err error
	s.closeTogether(func() { failed, err = s.setWasiOptions(wasi.stdio[:], options) })
	if err == nil && failed.IsNil() {
		wasiWorks.Store(true)
		return nil
	}
	forget()
	for _, stream := range serving {
		if stream != nil {
			stream.Detach()
		}
	}
	if err != nil {
		return err
	}
	return s.Failure(ffi.Trap{}, failed)
}

// wasiWorks says that the process has carried out a configuration: then it has opened the null device, which every
// store's streams may be.
var wasiWorks atomic.Bool

// canWait tells whether the configuration, with spec in place of its own, can be carried out when the native store is
// made, because it cannot fail.
func (c *WasiConfig) canWait(spec *ffi.WasiSpec) bool {
	if c.system != nil || len(spec.Preopens)+len(c.fileSystems)+len(c.pushed) > 0 || !wasiWorks.Load() {
		return false
	}
	for i := range c.stdio {
		if c.stdio[i].kind == ffi.StdioFile {
			return false
		}
	}
	const most = 1 << 20
	size := 0
	good := func(text string) bool {
		size += len(text)
		return size <= most && strings.IndexByte(text, 0) < 0
	}
	for _, arg := range spec.Args {
		if !good(arg) {
			return false
		}
	}
	for _, variable := range spec.Env {
		if !good(variable[0]) || !good(variable[1]) {
			return false
		}
	}
	return true
}

// serveStdio puts the standard streams into the options, but for files. It returns those that Go serves.
func (s *state) serveStdio(wasi *WasiConfig, options ffi.WasiOptions) (serving [3]*served.Descriptor) {
	for i := range wasi.stdio {
		switch st := &wasi.stdio[i]; st.kind {
		case ffi.StdioInherit:
			options.InheritStdio(i)
		case ffi.StdioStream:
			serving[i] = st.serve(i)
			options.SetStdioStream(i, serving[i].Attach(s.slot))
		}
	}
	return serving
}

// setWasiOptions hands the options to the native library.
func (s *state) setWasiOptions(all []stdio, options ffi.WasiOptions) (ffi.Error, error) {
	for i := range all {
		if all[i].kind == ffi.StdioFile {
			return s.setWasiFiles(all, options)
		}
	}
	return s.native.SetWasi(options), nil
}

func (s *state) setWasiFiles(all []stdio, options ffi.WasiOptions) (failed ffi.Error, err error) {
	err = withFiles(all, options, 0, func() { failed = s.native.SetWasi(options) })
	return failed, err
}

// withFiles runs f while the descriptors of the files from the i-th standard stream on are held and set in the options.
func withFiles(all []stdio, options ffi.WasiOptions, i int, f func()) error {
	for i < len(all) && all[i].kind != ffi.StdioFile {
		i++
	}
	if i == len(all) {
		f()
		return nil
	}
	var inner error
	file := all[i].file()
	err := withDescriptor(file.Name(), file, func(fd uintptr) {
		options.SetStdioFile(i, fd)
		inner = withFiles(all, options, i+1, f)
	})
	if err != nil {
		return err
	}
	return inner
}
