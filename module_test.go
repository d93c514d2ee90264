package wasmtime_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestWat2Wasm(t *testing.T) {
	wasm, err := Wat2Wasm("(module)")
	Check(t, err)
	if !bytes.Equal(wasm, []byte("\x00asm\x01\x00\x00\x00")) {
		t.Errorf("got %q", wasm)
	}
	for _, wat := range []string{"", "(", "(module", "(module))", "\xff", "a\x00b", "(module (func (call $none)))"} {
		if wasm, err := Wat2Wasm(wat); wasm != nil || err == nil {
			t.Errorf("%q: %q, %v", wat, wasm, err)
		} else if _, ok := err.(*Error); !ok {
			t.Errorf("%q: %T", wat, err)
		}
	}
	_, err = Wat2Wasm("(module\n  (bogus))")
	WantText(t, err, "2:4")
}

func TestIsBinary(t *testing.T) {
	for wasm, want := range map[string]bool{
		"\x00asm\x01\x00\x00\x00": true, "\x00asm": true, "\x00as": false, "": false, "(module)": false,
	} {
		Equal(t, wasm, IsBinary([]byte(wasm)), want)
	}
	Equal(t, "nil", IsBinary(nil), false)
}

func TestModuleErrors(t *testing.T) {
	engine := NewEngine()
	invalid := Must(Wat2Wasm(`(module (func (result i32) (i64.const 1)))`))
	component := Must(Wat2Wasm(`(component)`))
	for name, wasm := range map[string][]byte{
		"nil": nil, "empty": {}, "text": []byte("(module)"), "invalid": invalid, "component": component,
		"truncated": invalid[:10], "version": []byte("\x00asm\x09\x00\x00\x00"),
	} {
		module, err := NewModule(engine, wasm)
		if _, ok := err.(*Error); !ok || module != nil {
			t.Errorf("%s: NewModule: %v, %v", name, module, err)
		}
		if _, ok := ModuleValidate(engine, wasm).(*Error); !ok {
			t.Errorf("%s: ModuleValidate: no *Error", name)
		}
	}
	Check(t, ModuleValidate(engine, []byte("\x00asm\x01\x00\x00\x00")))
	_, err := NewModule(engine, invalid)
	WantText(t, err, "type mismatch: expected i32, found i64")
}

// What is given in place of a module of the format that is wanted is told by its first bytes, and what to do with it.
func TestOtherFormats(t *testing.T) {
	engine, dir := NewEngine(), TempDir(t)
	compiled := Must(Compile(t, engine, `(module)`).Serialize())
	const (
		nothing  = "there is no module in 0 bytes"
		elf      = "this is an ELF file"
		neither  = "this is no module: neither WebAssembly's binary format nor its text format, nor a compiled module; it begins with "
		isText   = "this is the text format, which Wat2Wasm turns into the binary one"
		isObject = "this is a compiled module, for NewModuleDeserialize or NewModuleDeserializeFile"
	)
	for name, c := range map[string]struct{ bytes, binary, compiled, text string }{
		"nothing":     {"", nothing, nothing, nothing},
		"space":       {" \n", isText, "this is a text and not a compiled module", "expected at least one module field"},
		"hello":       {"hello", neither + `"hello"`, neither, neither},
		"a long text": {"hello, hello, hello", neither + `"hello, hello, he"`, neither, neither},
		"text":        {"(module", isText, "not a compiled module: Wat2Wasm and NewModule, or NewModuleFromFile, compile", "expected `)`"},
		"a comment":   {";; c", isText, "this is a text and not a compiled module", "expected at least one"},
		"binary": {"\x00asm\x01\x00\x00\x00\xff", "failed to parse WebAssembly module", "binary format and not a compiled module: NewModule compiles it",
			"this is the binary format, which NewModule compiles"},
		"gzip":               {"\x1f\x8b\x08", neither + `"\x1f\x8b\b"`, neither, neither},
		"a magic number cut": {"\x00as", neither, neither, neither},
		"compiled":           {string(compiled), isObject, "", isObject},
		"compiled, cut":      {string(compiled[:len(compiled)/2]), isObject, "section headers", isObject},
		"ELF":                {"\x7fELF\x02\x01\x01\x00" + strings.Repeat("\x00", 100), elf, elf, elf},
		"ELF of 32 bits":     {"\x7fELF\x01\x01\x01\xc8" + strings.Repeat("\x00", 100), elf, elf, elf},
		"ELF, cut":           {"\x7fELF", elf, elf, elf},
	} {
		t.Run(name, func(t *testing.T) {
			b := []byte(c.bytes)
			path := filepath.Join(dir, strings.ReplaceAll(name, ",", ""))
			Check(t, os.WriteFile(path, b, 0o600))
			WantText(t, ErrorOf(NewModule(engine, b)), c.binary)
			validates := c.binary
			if name == "binary" {
				validates = "malformed section id"
			}
			WantText(t, ModuleValidate(engine, b), validates)
			WantText(t, ErrorOf(Wat2Wasm(c.bytes)), c.text)
			fromFile := ErrorOf(NewModuleFromFile(engine, path))
			if IsBinary(b) {
				WantText(t, fromFile, c.binary)
			} else {
				WantText(t, fromFile, c.text)
				if !strings.Contains(fromFile.Error(), path) && c.text != isObject {
					t.Errorf("does not name the file: %v", fromFile)
				}
			}
			if c.compiled == "" {
				return
			}
			WantText(t, ErrorOf(NewModuleDeserialize(engine, b)), c.compiled)
			if name == "compiled, cut" && OnWine() { // which does not change the protection of what is mapped
				return
			}
			file := ErrorOf(NewModuleDeserializeFile(engine, path))
			WantText(t, file, c.compiled)
			WantText(t, file, path)
		})
	}
	var path *fs.PathError
	if err := ErrorOf(NewModuleDeserializeFile(engine, dir)); !errors.As(err, &path) || path.Path != dir {
		t.Errorf("a directory: %T %v", err, err)
	}
}

// A component where a module is needed is told from what is broken, whoever is given it, in whatever form.
func TestComponentForModule(t *testing.T) {
	engine, dir := NewEngine(), TempDir(t)
	file := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		Check(t, os.WriteFile(path, b, 0o600))
		return path
	}
	text := `(component (core module (func (export "f"))))`
	binary := Must(Wat2Wasm(text))
	// The Go API compiles no components. What tells one is a flag in the header.
	compiled := Must(Compile(t, engine, `(module)`).Serialize())
	compiled[48] ^= 1 | 2
	for name, err := range map[string]error{
		"NewModule":                              ErrorOf(NewModule(engine, binary)),
		"NewModule, compiled":                    ErrorOf(NewModule(engine, compiled)),
		"ModuleValidate":                         ModuleValidate(engine, binary),
		"NewModuleFromFile":                      ErrorOf(NewModuleFromFile(engine, file("c.wasm", binary))),
		"NewModuleFromFile, text":                ErrorOf(NewModuleFromFile(engine, file("c.wat", []byte(text)))),
		"NewModuleFromFile, compiled":            ErrorOf(NewModuleFromFile(engine, file("c.cwasm", compiled))),
		"NewModuleDeserialize":                   ErrorOf(NewModuleDeserialize(engine, compiled)),
		"NewModuleDeserialize, not compiled":     ErrorOf(NewModuleDeserialize(engine, binary)),
		"NewModuleDeserializeFile":               ErrorOf(NewModuleDeserializeFile(engine, filepath.Join(dir, "c.cwasm"))),
		"NewModuleDeserializeFile, not compiled": ErrorOf(NewModuleDeserializeFile(engine, filepath.Join(dir, "c.wasm"))),
	} {
		t.Run(name, func(t *testing.T) { WantTyped(t, err, ErrComponent, "component") })
	}
	module := Must(Wat2Wasm(`(module (func (result i32)))`))
	encoded := Must(Compile(t, engine, `(module)`).Serialize())
	for name, err := range map[string]error{
		"a module that is wrong":   ErrorOf(NewModule(engine, module)),
		"a cut header":             ErrorOf(NewModule(engine, binary[:7])),
		"an unknown layer":         ErrorOf(NewModule(engine, []byte("\x00asm\x0d\x00\x02\x00"))),
		"a compiled module":        ErrorOf(NewModule(engine, encoded)),
		"a cut compiled component": ErrorOf(NewModuleDeserialize(engine, compiled[:63])),
	} {
		if err == nil || errors.Is(err, ErrComponent) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestModuleFromFile(t *testing.T) {
	engine, dir := NewEngine(), TempDir(t)
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		Check(t, os.WriteFile(path, b, 0o600))
		return path
	}
	wat := `(module (func (export "f")))`
	for _, path := range []string{write("m.wat", []byte(wat)), write("m.wasm", Must(Wat2Wasm(wat)))} {
		module, err := NewModuleFromFile(engine, path)
		Check(t, err)
		Equal(t, path, module.Exports()[0].Name(), "f")
	}
	if _, err := NewModuleFromFile(engine, filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	_, err := NewModuleDeserializeFile(engine, filepath.Join(dir, "missing"))
	if typed := (*Error)(nil); !errors.As(err, &typed) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing compiled file: %v", err)
	}
	_, err = NewModule(engine, []byte("\n"+wat))
	WantText(t, err, "Wat2Wasm")
	_, err = NewModuleFromFile(engine, write("m.cwasm", Must(Must(NewModuleFromFile(engine, filepath.Join(dir, "m.wat"))).Serialize())))
	WantText(t, err, "NewModuleDeserialize")
	for name, content := range map[string]string{"bad.wat": "(module", "empty": "", "bad.wasm": "\x00asm\x07"} {
		if _, err := NewModuleFromFile(engine, write(name, []byte(content))); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestModuleSerialize(t *testing.T) {
	engine := NewEngine()
	module := Compile(t, engine, `(module (func (export "f") (result i32) (i32.const 11)))`)
	encoded, err := module.Serialize()
	Check(t, err)
	path := filepath.Join(TempDir(t), "module")
	Check(t, os.WriteFile(path, encoded, 0o600))

	run := func(t *testing.T, engine *Engine, module *Module, err error) {
		t.Helper()
		Check(t, err)
		store := NewStore(engine)
		defer store.Close()
		Equal(t, "f()", Call(t, store, Must(NewInstance(store, module, nil)), "f"), any(int32(11)))
		Equal(t, "exports", len(module.Exports()), 1)
		module.Close()
	}
	t.Run("bytes", func(t *testing.T) {
		other := NewEngine()
		module, err := NewModuleDeserialize(other, encoded)
		run(t, other, module, err)
	})
	t.Run("file", func(t *testing.T) {
		if OnWine() {
			t.Skip("Wine does not change the protection of what is mapped")
		}
		other := NewEngine()
		module, err := NewModuleDeserializeFile(other, path)
		run(t, other, module, err)
	})
	t.Run("again", func(t *testing.T) {
		module := Must(NewModuleDeserialize(engine, encoded))
		encoded := Must(module.Serialize())
		module.Close()
		module, err := NewModuleDeserialize(engine, encoded)
		run(t, engine, module, err)
	})
	t.Run("file removed", func(t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("a file that is mapped cannot be removed")
		}
		module, err := NewModuleDeserializeFile(engine, path)
		Check(t, err)
		Check(t, os.Remove(path))
		run(t, engine, module, err)
	})

	for name, set := range map[string]func(*Config){
		"fuel":         withFuel,
		"epochs":       WithEpochs,
		"multi-memory": func(cfg *Config) { cfg.SetWasmMultiMemory(false) },
		"memory":       func(cfg *Config) { cfg.SetMemoryReservation(0); cfg.SetMemoryGuardSize(0) },
	} {
		if _, err := NewModuleDeserialize(EngineWith(t, set), encoded); err == nil {
			t.Errorf("%s: a module of another configuration is accepted", name)
		}
	}
	for name, b := range map[string][]byte{
		"nil": nil, "junk": []byte("junk"), "cut": encoded[:len(encoded)/2], "wasm": Must(Wat2Wasm("(module)")),
	} {
		if _, ok := ErrorOf(NewModuleDeserialize(engine, b)).(*Error); !ok {
			t.Errorf("%s: no *Error", name)
		}
		Check(t, os.WriteFile(path, b, 0o600))
		if _, ok := ErrorOf(NewModuleDeserializeFile(engine, path)).(*Error); !ok {
			t.Errorf("%s in a file: no *Error", name)
		}
	}
}

func TestModuleClose(t *testing.T) {
	engine := NewEngine()
	module := Compile(t, engine, `(module (func (export "f") (result i32) (i32.const 7)))`)
	store := NewStore(engine)
	defer store.Close()
	instance := Must(NewInstance(store, module, nil))
	module.Close()
	module.Close()
	Equal(t, "an instance of a closed module", Call(t, store, instance, "f"), any(int32(7)))
	linker := NewLinker(engine)
	WantTyped(t, ErrorOf(NewInstance(store, module, nil)), ErrClosed, "the module")
	WantTyped(t, linker.DefineModule(store, "m", module), ErrClosed, "the module")
	// What is refused leaves the store usable.
	Equal(t, "after the errors", Call(t, store, instance, "f"), any(int32(7)))
}

// A module of another engine is an error, whoever finds it.
func TestModuleOfAnotherEngine(t *testing.T) {
	if !Survives(t) {
		return
	}
	engine, other := NewEngine(), NewEngine()
	module := Compile(t, other, `(module (import "a" "f" (func)))`)
	plain := Compile(t, other, `(module (func (export "")))`)
	store, linker := NewStore(engine), NewLinker(engine)
	Check(t, linker.FuncWrap("a", "f", func() {}))
	pre, err := linker.InstantiatePre(Compile(t, engine, `(module (import "a" "f" (func)))`))
	Check(t, err)
	otherStore := NewStore(other)
	instance := Must(NewInstance(store, Compile(t, engine, `(module (func (export "f")))`), nil))
	for _, c := range []struct {
		name string
		use  func() error
	}{
		{"NewInstance", func() error { return ErrorOf(NewInstance(store, plain, nil)) }},
		{"NewInstance with imports", func() error {
			return ErrorOf(NewInstance(store, module, []AsExtern{WrapFunc(store, func() {})}))
		}},
		{"Linker.Instantiate", func() error { return ErrorOf(linker.Instantiate(store, module)) }},
		{"Linker.Instantiate in a store of the module", func() error { return ErrorOf(linker.Instantiate(otherStore, module)) }},
		{"Linker.Instantiate in another store", func() error {
			return ErrorOf(linker.Instantiate(otherStore, Compile(t, engine, `(module)`)))
		}},
		{"InstantiatePre", func() error { return ErrorOf(linker.InstantiatePre(module)) }},
		{"InstancePre.Instantiate", func() error { return ErrorOf(pre.Instantiate(otherStore)) }},
		{"Linker.DefineModule", func() error { return linker.DefineModule(store, "m", plain) }},
		{"Linker.DefineModule in another store", func() error { return linker.DefineModule(otherStore, "m2", plain) }},
		{"Linker.Define", func() error { return linker.Define(otherStore, "m", "f", WrapFunc(otherStore, func() {})) }},
		{"Linker.GetDefault", func() error { return ErrorOf(linker.GetDefault(otherStore, "nothing")) }},
		{"DefineUnknownImportsAsTraps", func() error {
			return linker.DefineUnknownImportsAsTraps(Compile(t, other, `(module (import "x" "f" (func)))`))
		}},
		{"DefineUnknownImportsAsDefaultValues", func() error {
			return linker.DefineUnknownImportsAsDefaultValues(store, Compile(t, other, `(module (import "y" "f" (func (result i32))))`))
		}},
		{"Linker.DefineInstance", func() error {
			return linker.DefineInstance(otherStore, "i", Must(NewInstance(otherStore, plain, nil)))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			WantTyped(t, c.use(), ErrWrongEngine, "were made with different engines")
		})
	}
	if got := linker.Get(otherStore, "a", "f"); got != nil {
		t.Errorf("Linker.Get: %v", got)
	}
	Equal(t, "the store after all this", Call(t, store, instance, "f"), nil)
}
