package wasmtime

import (
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/registry"
	"github.com/gowasmtime/wasmtime/internal/wasmfile"
)

// Module is compiled code, to be instantiated any number of times in stores of its engine. It is immutable and safe for
// concurrent use. See wasmtime::Module.
type Module struct {
	handle registry.Handle[ffi.Module]
	engine *Engine
	types  moduleTypes
}

// NewModule compiles the binary format. A module that is not valid is an [*Error]; for a component it wraps
// [ErrComponent]. See wasmtime::Module::from_binary.
func NewModule(engine *Engine, wasm []byte) (*Module, error) {
	e, err := engine.acquire()
	if err != nil {
		return nil, err
	}
	defer engine.handle.Release()
	if wasmfile.IsComponent(wasm) {
		return nil, componentError()
	}
	var m ffi.Module
	failed := withRoom(func() (err ffi.Error) { m, err = engine.cache.compile(e, wasm); return err })
	if !failed.IsNil() {
		if other := insteadOf(wasmfile.Binary, wasm); other != nil {
			failed.Delete()
			return nil, other
		}
	}
	return wrapModule(engine, m, failed)
}

func componentError() *Error { return errorf(ErrComponent, "%v", ErrComponent) }

// insteadOf is the error for bytes that were given where another format is wanted: the binary format, the text format
// or compiled code. It is nil if they are what is wanted.
func insteadOf(wanted wasmfile.Format, b []byte) error {
	const shown = 16
	switch f := wasmfile.Of(b); {
	case f == wanted:
		return nil
	case f == wasmfile.Empty:
		return errorf(nil, "there is no module in 0 bytes")
	case f == wasmfile.ELF:
		return errorf(nil, "this is an ELF file, such as a program or a library for Linux, and no module")
	case f == wasmfile.Unknown:
		return errorf(nil, "this is no module: neither WebAssembly's binary format nor its text format, nor a compiled module; it begins with %q",
			b[:min(len(b), shown)])
	case f == wasmfile.Compiled:
		return errorf(nil, "this is a compiled module, for NewModuleDeserialize or NewModuleDeserializeFile")
	case f == wasmfile.Text && wanted == wasmfile.Binary:
		return errorf(nil, "this is the text format, which Wat2Wasm turns into the binary one")
	case f == wasmfile.Text:
		return errorf(nil, "this is a text and not a compiled module: Wat2Wasm and NewModule, or NewModuleFromFile, compile WebAssembly's "+
			"text format")
	case wanted == wasmfile.Text:
		return errorf(nil, "this is the binary format, which NewModule compiles")
	}
	return errorf(nil, "this is WebAssembly's binary format and not a compiled module: NewModule compiles it")
}

// NewModuleFromFile compiles a file in the binary or the text format. A file that cannot be read is an [*os.PathError];
// other errors are those of [NewModule] and [Wat2Wasm]. Those about the text, and about a file in no format, name it.
func NewModuleFromFile(engine *Engine, file string) (*Module, error) {
	if engine == nil {
		return nil, isNil[Engine]()
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	switch wasmfile.Of(wasm) {
	case wasmfile.Text:
		if wasm, err = wat2Wasm(string(wasm), file); err != nil {
			return nil, err
		}
	case wasmfile.Unknown, wasmfile.Empty, wasmfile.ELF:
		return nil, errorf(nil, "%s: %v", file, insteadOf(wasmfile.Text, wasm))
	}
	return NewModule(engine, wasm)
}

// NewModuleDeserialize loads what [Module.Serialize] made, in this process or another, with the same release of
// Wasmtime and the same configuration; anything else is an [*Error]. That of a component, compiled or not, wraps
// [ErrComponent]. The bytes are trusted: somebody who can change them can run any code. See
// wasmtime::Module::deserialize.
func NewModuleDeserialize(engine *Engine, encoded []byte) (*Module, error) {
	e, err := engine.acquire()
	if err != nil {
		return nil, err
	}
	defer engine.handle.Release()
	if wasmfile.IsComponent(encoded) {
		return nil, componentError()
	}
	var m ffi.Module
	failed := withRoom(func() (err ffi.Error) { m, err = ffi.DeserializeModule(e, encoded); return err })
	if !failed.IsNil() {
		if other := insteadOf(wasmfile.Compiled, encoded); other != nil {
			failed.Delete()
			return nil, other
		}
	}
	return wrapModule(engine, m, failed)
}

// NewModuleDeserializeFile is [NewModuleDeserialize] for a file, which is mapped into memory: pages are read when
// they are needed. The file must not change while the module is in use. The error of a file that cannot be opened or
// read, or of a directory, wraps an [*os.PathError]. See wasmtime::Module::deserialize_file.
func NewModuleDeserializeFile(engine *Engine, path string) (*Module, error) {
	e, err := engine.acquire()
	if err != nil {
		return nil, err
	}
	defer engine.handle.Release()
	var m ffi.Module
	failed := withRoom(func() (err ffi.Error) { m, err = ffi.DeserializeModuleFile(e, path); return err })
	if !failed.IsNil() {
		if other := notCompiled(path); other != nil {
			failed.Delete()
			return nil, other
		}
	}
	return wrapModule(engine, m, failed)
}

// notCompiled says what a file is that could not be loaded as a compiled module, or why it cannot be read; nil if it
// begins as one. That says more than the native library.
func notCompiled(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return errorf(err, "%v", err)
	}
	defer f.Close()
	head := make([]byte, wasmfile.HeaderSize)
	n, err := io.ReadFull(f, head)
	head = head[:n]
	switch {
	case err != nil && err != io.EOF && err != io.ErrUnexpectedEOF:
		return errorf(err, "%v", err)
	case wasmfile.IsComponent(head):
		return componentError()
	}
	if other := insteadOf(wasmfile.Compiled, head); other != nil {
		return errorf(nil, "%s: %v", f.Name(), other)
	}
	return nil
}

func wrapModule(engine *Engine, m ffi.Module, err ffi.Error) (*Module, error) {
	if !err.IsNil() {
		return nil, newError(err)
	}
	module := &Module{engine: engine}
	registry.Own(&module.handle, module, m)
	return module, nil
}

// ModuleValidate checks the binary format against the engine's configuration without compiling it. The error is an
// [*Error]; that of a component wraps [ErrComponent]. See wasmtime::Module::validate.
func ModuleValidate(engine *Engine, wasm []byte) error {
	e, err := engine.acquire()
	if err != nil {
		return err
	}
	defer engine.handle.Release()
	if wasmfile.IsComponent(wasm) {
		return componentError()
	}
	invalid := ffi.ValidateModule(e, wasm)
	if invalid.IsNil() {
		return nil
	}
	failed := newError(invalid)
	if other := insteadOf(wasmfile.Binary, wasm); other != nil {
		return other
	}
	return failed
}

// Serialize returns the compiled code, for [NewModuleDeserialize]. See wasmtime::Module::serialize.
func (m *Module) Serialize() ([]byte, error) {
	if m == nil {
		return nil, isNil[Module]()
	}
	native, err := acquire(&m.handle, "module")
	if err != nil {
		return nil, err
	}
	defer m.handle.Release()
	encoded, failed := native.Serialize()
	if !failed.IsNil() {
		return nil, newError(failed)
	}
	return encoded, nil
}

// Imports returns what the module imports, in its order. It panics if the module is closed.
func (m *Module) Imports() []*ImportType { return notNil(m).types.of(m).imports() }

// Exports returns what the module exports, in its order. It panics if the module is closed.
func (m *Module) Exports() []*ExportType { return notNil(m).types.of(m).exports() }

// acquire begins a use of the module with something of the engine given, which with names, for an instance of it; the
// handle's Release ends it.
func (m *Module) acquire(with string, engine *Engine) (ffi.Module, error) {
	if m == nil {
		return ffi.Module{}, isNil[Module]()
	}
	native, err := acquire(&m.handle, "module")
	if err == nil && m.engine != engine {
		err = wrongEngine("module", with)
		m.handle.Release()
	}
	return native, err
}

// Close frees the module, at once or when the last use of it by another goroutine is over; instances of it stay usable.
// Closing twice does nothing.
func (m *Module) Close() {
	if m != nil {
		m.handle.Close()
	}
}

// moduleTypes holds a module's imports and exports once they have been asked for.
type moduleTypes struct {
	once   sync.Once
	in     []*ImportType
	out    []*ExportType
	failed *Error
}

// of reads the types of the module that the receiver is part of.
func (t *moduleTypes) of(m *Module) *moduleTypes {
	native := m.handle.Acquire()
	defer m.handle.Release()
	t.read(native)
	if t.failed != nil {
		panic(t.failed)
	}
	return t
}

// imported returns what the module imports; nothing if that cannot be read.
func (t *moduleTypes) imported(native ffi.Module) []*ImportType {
	t.read(native)
	return t.in
}

func (t *moduleTypes) read(native ffi.Module) {
	t.once.Do(func() {
		encoded, err := native.Types()
		if !err.IsNil() {
			t.failed = newError(err)
			return
		}
		r := typeReader{encoded}
		t.in = make([]*ImportType, r.u32())
		for i := range t.in {
			t.in[i] = &ImportType{r.str(), r.str(), r.external()}
		}
		t.out = make([]*ExportType, r.u32())
		for i := range t.out {
			t.out[i] = &ExportType{r.str(), r.external()}
		}
	})
}

func (t *moduleTypes) imports() []*ImportType { return slices.Clone(t.in) }

func (t *moduleTypes) exports() []*ExportType { return slices.Clone(t.out) }

// Wat2Wasm turns the text format into the binary one. An error says where in the text it is, or that this is no text of
// WebAssembly.
func Wat2Wasm(wat string) ([]byte, error) { return wat2Wasm(wat, "<anon>") }

// wat2Wasm is Wat2Wasm for a text that has a name.
func wat2Wasm(wat, name string) ([]byte, error) {
	wasm, err := ffi.Wat2Wasm(wat)
	if err.IsNil() {
		return wasm, nil
	}
	failed := newError(err)
	head := []byte(wat)
	if other := insteadOf(wasmfile.Text, head); other != nil {
		return nil, other
	}
	failed.message = strings.Replace(failed.message, "--> <anon>:", "--> "+name+":", 1)
	return nil, failed
}

// IsBinary tells whether the bytes begin as the binary format does, for modules and components.
func IsBinary(wasm []byte) bool { return wasmfile.IsBinary(wasm) }
