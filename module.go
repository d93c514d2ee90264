package wasmtime

import (
	"bytes"
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

// NewModule compiles the binary format. A module that is not valid is an [*Error]. See wasmtime::Module::from_binary.
func NewModule(engine *Engine, wasm []byte) (*Module, error) {
	e := engine.handle.Acquire()
	defer engine.handle.Release()
	var m ffi.Module
	err := withRoom(func() (err ffi.Error) { m, err = engine.cache.compile(e, wasm); return err })
	if !err.IsNil() {
		if hint := otherFormat(wasm); hint != "" {
			err.Delete()
			return nil, errorf(nil, "%s", hint)
		}
	}
	return wrapModule(engine, m, err)
}

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

// NewModuleFromFile compiles a file in the binary or the text format. A file that cannot be read is an [*os.PathError].
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
// Wasmtime and the same configuration; anything else is an [*Error]. The bytes are trusted: somebody who can change
// them can run any code. See wasmtime::Module::deserialize.
func NewModuleDeserialize(engine *Engine, encoded []byte) (*Module, error) {
	e := engine.handle.Acquire()
	defer engine.handle.Release()
	var m ffi.Module
	err := withRoom(func() (err ffi.Error) { m, err = ffi.DeserializeModule(e, encoded); return err })
	return wrapModule(engine, m, err)
}

// NewModuleDeserializeFile is [NewModuleDeserialize] for a file, which is mapped into memory: pages are read when
// they are needed. The file must not change while the module is in use. The error of a file that cannot be opened
// wraps an [*os.PathError]. See wasmtime::Module::deserialize_file.
func NewModuleDeserializeFile(engine *Engine, path string) (*Module, error) {
	e := engine.handle.Acquire()
	defer engine.handle.Release()
	f, openErr := os.Open(path)
	if openErr != nil { // which says more than the native library
		return nil, errorf(openErr, "%v", openErr)
	}
	f.Close()
	var m ffi.Module
	err := withRoom(func() (err ffi.Error) { m, err = ffi.DeserializeModuleFile(e, path); return err })
	return wrapModule(engine, m, err)
}

func wrapModule(engine *Engine, m ffi.Module, err ffi.Error) (*Module, error) {
	if !err.IsNil() {
		return nil, newError(err)
	}
	module := &Module{engine: engine}
	registry.Own(&module.handle, module, m)
	return module, nil
}

// ModuleValidate checks the binary format against the engine's configuration without compiling it. See
// wasmtime::Module::validate.
func ModuleValidate(engine *Engine, wasm []byte) error {
	e := engine.handle.Acquire()
	defer engine.handle.Release()
	err := ffi.ValidateModule(e, wasm)
	if !err.IsNil() {
		return newError(err)
	}
	return nil
}

// Serialize returns the compiled code, for [NewModuleDeserialize]. See wasmtime::Module::serialize.
func (m *Module) Serialize() ([]byte, error) {
	native := m.handle.Acquire()
	defer m.handle.Release()
	encoded, err := native.Serialize()
	if !err.IsNil() {
		return nil, newError(err)
	}
	return encoded, nil
}

// Imports returns what the module imports, in its order.
func (m *Module) Imports() []*ImportType { return m.types.of(m).imports() }

// Exports returns what the module exports, in its order.
func (m *Module) Exports() []*ExportType { return m.types.of(m).exports() }

// Close frees the module now; instances of it stay usable. Closing twice does nothing.
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
	if t.failed != nil {
		panic(t.failed)
	}
	return t
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
