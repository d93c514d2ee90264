package component_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestCompile(t *testing.T) {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	binary := Must(wasmtime.Wat2Wasm(testWat))
	for name, source := range map[string][]byte{"text": []byte(testWat), "binary": binary} {
		c, err := component.New(engine, source)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		defer c.Close()
		code := Must(c.Serialize())
		again := Must(component.Deserialize(engine, code))
		defer again.Close()
		Equal(t, "the world of what was loaded", again.WIT(), c.WIT())
		file := filepath.Join(t.TempDir(), "c.cwasm")
		Check(t, os.WriteFile(file, code, 0o600))
		mapped := Must(component.DeserializeFile(engine, file))
		defer mapped.Close()
		Equal(t, "the world of what was mapped", mapped.WIT(), c.WIT())
		_, err = component.New(engine, code)
		WantText(t, err, "Deserialize")
		_, err = component.Deserialize(engine, source)
		WantText(t, err, "")
	}
	file := filepath.Join(t.TempDir(), "c.wat")
	Check(t, os.WriteFile(file, []byte(testWat), 0o600))
	Must(component.NewFromFile(engine, file)).Close()
}

func TestNotComponents(t *testing.T) {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	module := Must(wasmtime.Wat2Wasm("(module)"))
	m := Must(wasmtime.NewModule(engine, module))
	defer m.Close()
	compiled := Must(m.Serialize())
	_, err := component.New(engine, module)
	WantTyped(t, err, component.ErrNotComponent, "this is a core module, not a component: wasmtime.NewModule takes it")
	_, err = component.New(engine, []byte("(module)"))
	WantIs(t, err, component.ErrNotComponent)
	_, err = component.Deserialize(engine, compiled)
	WantTyped(t, err, component.ErrNotComponent, "this is a compiled core module, not a component: wasmtime.NewModuleDeserialize takes it")
	_, err = component.New(engine, compiled)
	WantTyped(t, err, component.ErrNotComponent, "this is a compiled core module, not a component: wasmtime.NewModuleDeserialize takes it")
	file := filepath.Join(t.TempDir(), "m.cwasm")
	Check(t, os.WriteFile(file, compiled, 0o600))
	_, err = component.DeserializeFile(engine, file)
	WantIs(t, err, component.ErrNotComponent)
	_, err = component.DeserializeFile(engine, file+"x")
	WantIs(t, err, fs.ErrNotExist)
	_, err = component.NewFromFile(engine, file+"x")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for _, source := range []string{"", "nonsense", "(component", "(component (export \"x\" (func 0)))", "\x00asm\x0d\x00\x01\x00\xff"} {
		_, err := component.New(engine, []byte(source))
		WantText(t, err, "")
	}
	const neither = "this is no component: neither WebAssembly's binary format nor its text format, nor a compiled component; it begins with "
	wit := "package example:test;\n"
	nonsense := filepath.Join(t.TempDir(), "nonsense")
	Check(t, os.WriteFile(nonsense, []byte("nonsense"), 0o600))
	source := Must(component.New(engine, []byte("(component)")))
	defer source.Close()
	for text, err := range map[string]error{
		"there is no component in 0 bytes":                        ErrorOf(component.New(engine, nil)),
		neither + `"package example:"`:                            ErrorOf(component.New(engine, []byte(wit))),
		neither + `"nonsense"`:                                    ErrorOf(component.Deserialize(engine, []byte("nonsense"))),
		nonsense + ": " + neither:                                 ErrorOf(component.DeserializeFile(engine, nonsense)),
		"this is an ELF file, such as a program":                  ErrorOf(component.New(engine, []byte("\x7fELF\x02\x01\x01\x00"))),
		"this is not a component's source: compiled ones are for": ErrorOf(component.New(engine, Must(source.Serialize()))),
		"this is not a compiled component: New and NewFromFile":   ErrorOf(component.Deserialize(engine, []byte("(component)"))),
	} {
		if err == nil || !strings.HasPrefix(err.Error()+"\n", text) {
			t.Errorf("got %v, want %s", err, text)
		}
	}
	_, err = component.New(nil, nil)
	WantText(t, err, "the engine is nil")
	// A component is not a module, and says where it belongs.
	_, err = wasmtime.NewModule(engine, Must(wasmtime.Wat2Wasm("(component)")))
	WantIs(t, err, wasmtime.ErrComponent)
}

// The error about a proposal that is off names what switches it on.
func TestProposals(t *testing.T) {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	for setting, test := range map[string]struct {
		set  func(*wasmtime.Config, bool)
		uses string
	}{
		"SetConcurrencySupport":                 {(*wasmtime.Config).SetConcurrencySupport, "(func async)"},
		"SetWasmComponentModelMap":              {(*wasmtime.Config).SetWasmComponentModelMap, `(func (param "m" (map string u32)))`},
		"SetWasmComponentModelFixedLengthLists": {(*wasmtime.Config).SetWasmComponentModelFixedLengthLists, `(func (param "l" (list u8 4)))`},
	} {
		text := []byte(`(component (import "f" ` + test.uses + `))`)
		WantText(t, ErrorOf(component.New(engine, text)), "\n\nConfig."+setting+" switches it on")
		config := wasmtime.NewConfig()
		test.set(config, true)
		with := wasmtime.NewEngineWithConfig(config)
		Must(component.New(with, text)).Close()
		with.Close()
	}
}

func TestTypes(t *testing.T) {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	c := Must(component.New(engine, []byte(testWat)))
	defer c.Close()
	var names []string
	items := map[string]component.Item{}
	for _, item := range c.Exports() {
		names = append(names, item.Name)
		items[item.Name] = item
	}
	Equal(t, "exports", strings.Join(names[:6], " "), "point person shape color perms add")
	api := items["example:test/api@1.2.3"]
	Equal(t, "kind", api.Kind, component.ItemInstance)
	Equal(t, "version", api.Version(), "1.2.3")
	Equal(t, "items", len(api.Items()), 2)
	Equal(t, "type", items["half"].Func().String(), "func(n: u32) -> result<u32, string>")
	person := items["person"]
	Equal(t, "kind", person.Kind, component.ItemType)
	Equal(t, "type", person.Type().Kind(), component.KindRecord)
	shape := items["swap"].Func().Params()[0].Type
	Equal(t, "kind", shape.Kind(), component.KindRecord)
	Equal(t, "fields", len(shape.Fields()), 2)
	Equal(t, "field", shape.Fields()[1].Name, "y")
	Equal(t, "field", shape.Fields()[1].Type.String(), "s32")
	result := items["half"].Func().Result()
	Equal(t, "cases", len(result.Cases()), 2)
	Equal(t, "case", result.Cases()[1].Name, "err")
	if !slices.Equal(items["echo-perms"].Func().Result().Flags(), []string{"read", "write", "exec"}) {
		t.Error(items["echo-perms"].Func())
	}
	if items["nothing"].Func().Result() != nil || items["nothing"].Func().IsAsync() {
		t.Error("nothing is something")
	}
	for _, part := range []string{"export example:test/api@1.2.3", "half: func(n: u32) -> result<u32, string>",
		"  record point {\n    x: s32,\n    y: s32,\n  }\n", "echo-shape: func(s: shape) -> shape;", "points: func(b: list<point>) -> list<point>;"} {
		if !strings.Contains(c.WIT(), part) {
			t.Errorf("%q is not in\n%s", part, c.WIT())
		}
	}
	required, known, err := c.Requirements()
	if err != nil || !known || required.Memories != 1 || required.MemoryPages != 1 || required.Tables != 0 {
		t.Error(required, known, err)
	}
}

func TestExport(t *testing.T) {
	w := newWorld(t, testWat, nil)
	for asked, name := range map[string]string{
		"add": "add", "example:test/api@1.2.3#add": "example:test/api@1.2.3#add",
		"example:test/api@1.0.0#add": "example:test/api@1.2.3#add", "example:test/api@1.9.9#echo": "example:test/api@1.2.3#echo",
	} {
		export, err := w.component.Export(asked)
		if err != nil {
			t.Errorf("%s: %v", asked, err)
			continue
		}
		Equal(t, asked, export.Name(), name)
		f := Must(w.instance.FuncOf(export))
		if f != w.fn(t, asked) {
			t.Errorf("%s is another function", asked)
		}
	}
	for asked, text := range map[string]string{
		"sub": "there are add", "example:test/api@2.0.0#add": "example:test/api@1.2.3", "example:test/api@1.2.3#sub": "there are add, echo",
		"example:test/api@1.2.3": "instance", "": "no such export",
	} {
		_, err := w.component.Export(asked)
		WantTyped(t, err, component.ErrNotFound, text)
		_, err = w.instance.Func(asked)
		WantTyped(t, err, component.ErrNotFound, text)
	}
	other := newWorld(t, testWat, nil)
	export := Must(other.component.Export("add"))
	_, err := w.instance.FuncOf(export)
	WantText(t, err, "of another component")
}

// What an engine's cache has is not compiled again.
func TestCache(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "cache.toml")
	Check(t, os.WriteFile(file, []byte("[cache]\ndirectory = '"+dir+"'\n"), 0o600))
	entries := func() (found []string) {
		Check(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && path != file {
				found = append(found, path)
			}
			return err
		}))
		return found
	}
	compile := func() {
		t.Helper()
		engine := EngineWith(t, func(c *wasmtime.Config) { Check(t, c.CacheConfigLoad(file)) })
		defer engine.Close()
		c := Must(component.New(engine, []byte(testWat)))
		defer c.Close()
		store := wasmtime.NewStore(engine)
		defer store.Close()
		instance := Must(component.NewLinker(engine).Instantiate(nil, store, c))
		Equal(t, "add", Must(Must(instance.Func("add")).Call(nil, 1, 2)), any(uint32(3)))
	}
	compile()
	first := entries()
	Equal(t, "entries", len(first), 1)
	before := Must(os.ReadFile(first[0]))
	compile()
	Equal(t, "entries", len(entries()), 1)
	Check(t, os.WriteFile(first[0], before[:len(before)/2], 0o600)) // which nobody runs
	compile()
	if after := Must(os.ReadFile(first[0])); len(after) != len(before) {
		t.Errorf("the entry has %d bytes, want %d", len(after), len(before))
	}
}
