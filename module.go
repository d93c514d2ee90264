package wasmtime

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/registry"
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
	e, err := acquire(&engine.handle, "engine")
	if err != nil {
		return nil, err
	}
	defer engine.handle.Release()
	if isComponent(wasm) {
		return nil, componentError()
	}
	var m ffi.Module
	failed := withRoom(func() (err ffi.Error) { m, err = engine.cache.compile(e, wasm); return err })
	if !failed.IsNil() {
		if hint := otherFormat(wasm); hint != "" {
			failed.Delete()
			return nil, errorf(nil, "%s", hint)
		}
	}
	return wrapModule(engine, m, failed)
}

// compiledHeader is the size of the header of compiled code, which is a 64-bit ELF file.
const compiledHeader = 64

// isComponent tells whether bytes begin as a component does, in the binary format or compiled.
func isComponent(b []byte) bool {
	if IsBinary(b) {
		return len(b) >= 8 && b[6] == 1 && b[7] == 0 // the layer; that of modules is 0
	}
	const wasmtimeABI, componentFlag = 200, 2
	return len(b) >= compiledHeader && string(b[:5]) == "\x7fELF\x02" && b[7] == wasmtimeABI &&
		binary.LittleEndian.Uint32(b[48:])&componentFlag != 0
}

func componentError() *Error { return errorf(ErrComponent, "%v", ErrComponent) }

// otherFormat says what to do with a module that is in another format than the binary one; nothing about anything else.
func otherFormat(wasm []byte) string {
	text := bytes.TrimLeft(wasm, " \t\r\n")
	switch {
	case bytes.HasPrefix(wasm, []byte("\x7fELF")):
		return "this is a compiled module, for NewModuleDeserialize or NewModuleDeserializeFile"
	case bytes.HasPrefix(text, []byte("(")) || bytes.HasPrefix(text, []byte(";;")):
		return "this is the text format, which Wat2Wasm turns into the binary one"
	}
	return ""
}

// NewModuleFromFile compiles a file in the binary or the text format. A file that cannot be read is an [*os.PathError];
// other errors are those of [NewModule] and [Wat2Wasm].
func NewModuleFromFile(engine *Engine, file string) (*Module, error) {
	wasm, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if len(wasm) > 0 && !IsBinary(wasm) && !bytes.HasPrefix(wasm, []byte("\x7fELF")) {
		if wasm, err = Wat2Wasm(string(wasm)); err != nil {
			return nil, err
		}
	}
	return NewModule(engine, wasm)
}

// NewModuleDeserialize loads what [Module.Serialize] made, in this process or another, with the same release of
// Wasmtime and the same configuration; anything else is an [*Error]. That of a component, compiled or not, wraps
// [ErrComponent]. The bytes are trusted: somebody who can change them can run any code. See
// wasmtime::Module::deserialize.
func NewModuleDeserialize(engine *Engine, encoded []byte) (*Module, error) {
	e, err := acquire(&engine.handle, "engine")
	if err != nil {
		return nil, err
	}
	defer engine.handle.Release()
	if isComponent(encoded) {
		return nil, componentError()
	}
	var m ffi.Module
	failed := withRoom(func() (err ffi.Error) { m, err = ffi.DeserializeModule(e, encoded); return err })
	return wrapModule(engine, m, failed)
}

// NewModuleDeserializeFile is [NewModuleDeserialize] for a file, which is mapped into memory: pages are read when
// they are needed. The file must not change while the module is in use. The error of a file that cannot be opened
// wraps an [*os.PathError]. See wasmtime::Module::deserialize_file.
func NewModuleDeserializeFile(engine *Engine, path string) (*Module, error) {
	e, err := acquire(&engine.handle, "engine")
	if err != nil {
		return nil, err
	}
	defer engine.handle.Release()
	f, openErr := os.Open(path)
	if openErr != nil { // which says more than the native library
		return nil, errorf(openErr, "%v", openErr)
	}
	defer f.Close()
	var m ffi.Module
	failed := withRoom(func() (err ffi.Error) { m, err = ffi.DeserializeModuleFile(e, path); return err })
	if !failed.IsNil() {
		head := make([]byte, compiledHeader)
		if n, _ := io.ReadFull(f, head); isComponent(head[:n]) {
			failed.Delete()
			return nil, componentError()
		}
	}
	return wrapModule(engine, m, failed)
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
	e, err := acquire(&engine.handle, "engine")
	if err != nil {
		return err
	}
	defer engine.handle.Release()
	if isComponent(wasm) {
		return componentError()
	}
	if failed := ffi.ValidateModule(e, wasm); !failed.IsNil() {
		return newError(failed)
	}
	return nil
}

// Serialize returns the compiled code, for [NewModuleDeserialize]. See wasmtime::Module::serialize.
func (m *Module) Serialize() ([]byte, error) {
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
func (m *Module) Imports() []*ImportType { return m.types.of(m).imports() }

// Exports returns what the module exports, in its order. It panics if the module is closed.
func (m *Module) Exports() []*ExportType { return m.types.of(m).exports() }

// Close frees the module, at once or when the last use of it by another goroutine is over; instances of it stay usable.
// Closing twice does nothing.
func (m *Module) Close() { m.handle.Close() }

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

// Wat2Wasm turns the text format into the binary one. An error says where in the text it is.
func Wat2Wasm(wat string) ([]byte, error) {
	wasm, err := ffi.Wat2Wasm(wat)
	if !err.IsNil() {
		return nil, newError(err)
	}
	return wasm, nil
}

// IsBinary tells whether the bytes begin as the binary format does, for modules and components.
func IsBinary(wasm []byte) bool { return bytes.HasPrefix(wasm, []byte("\x00asm")) }
