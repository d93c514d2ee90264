package main

import (
	"bytes"
	"os"
	"path/filepath"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

func init() {
	cases["module/errors"] = func(r *report) {
		engine := wasmtime.NewEngine()
		for key, code := range map[string][]byte{
			"nil": nil, "empty": {}, "one byte": {1}, "header only": []byte("\x00asm\x01\x00\x00\x00"), "bad version": []byte("\x00asm\x09\x00\x00\x00"),
			"truncated": []byte("\x00asm\x01\x00\x00\x00\x01\x05"), "text": []byte("(module)"), "component": []byte("\x00asm\x0d\x00\x01\x00"),
		} {
			module, err := wasmtime.NewModule(engine, code)
			r.err("new "+key, err)
			r.say("module "+key, "%v", module != nil)
			r.err("validate "+key, wasmtime.ModuleValidate(engine, code))
		}
		_, err := wasmtime.NewModule(engine, wat(`(module (func (result i32) (i64.const 1)))`))
		r.err("invalid", err)
	}
	cases["module/wat-errors"] = func(r *report) {
		for _, text := range []string{"", "(", "(module", "(module (func (export \"f\") (bogus)))", "(module (func $f) (func $f))", "\xff", "(module))", "(module (func (call $none)))", "a\x00b"} {
			_, err := wasmtime.Wat2Wasm(text)
			r.err(text, err)
		}
		code, err := wasmtime.Wat2Wasm("(module)")
		r.err("module", err)
		r.say("bytes", "%x", code)
	}
	cases["module/from-file"] = func(r *report) {
		engine := wasmtime.NewEngine()
		must(0, os.WriteFile("m.wat", []byte(`(module (func (export "f")))`), 0o600))
		must(0, os.WriteFile("m.wasm", wat(`(module (func (export "g")))`), 0o600))
		must(0, os.WriteFile("bad.wat", []byte(`(module`), 0o600))
		must(0, os.WriteFile("empty", nil, 0o600))
		for _, name := range []string{"m.wat", "m.wasm", "bad.wat", "empty", "missing"} {
			module, err := wasmtime.NewModuleFromFile(engine, name)
			r.err(name, err)
			if err == nil {
				r.say(name+" exports", "%s", module.Exports()[0].Name())
			}
		}
		_, err := wasmtime.NewModuleFromFile(engine, "missing")
		r.say("is a not-exist error", "%v", os.IsNotExist(err))
	}
	cases["module/serialize"] = func(r *report) {
		code := must(compile(wasmtime.NewEngine(), `(module $m (func (export "f") (result i32) (i32.const 11)))`).Serialize())
		engine := wasmtime.NewEngine()
		run := func(key string, module *wasmtime.Module, err error) {
			r.err(key+" load", err)
			if err != nil {
				return
			}
			store := wasmtime.NewStore(engine)
			instance := must(wasmtime.NewInstance(store, module, nil))
			r.call(key, store, instance.GetFunc(store, "f"))
		}
		module, err := wasmtime.NewModuleDeserialize(engine, code)
		run("bytes", module, err)
		again := must(module.Serialize())
		r.say("again", "%v", bytes.Equal(again, code))
		must(0, os.WriteFile("m.cwasm", code, 0o600))
		module, err = wasmtime.NewModuleDeserializeFile(engine, "m.cwasm")
		run("file", module, err)
		for key, code := range map[string][]byte{"nil": nil, "wasm": wat("(module)"), "cut": code[:len(code)/2], "junk": []byte("junk junk junk")} {
			_, err := wasmtime.NewModuleDeserialize(engine, code)
			r.say(key, "%T", err)
		}
		_, err = wasmtime.NewModuleDeserializeFile(engine, "missing")
		r.say("missing", "%T", err)
		other := engineWith(func(c *wasmtime.Config) { c.SetConsumeFuel(true) })
		_, err = wasmtime.NewModuleDeserialize(other, code)
		r.err("another configuration", err)
		other = engineWith(func(c *wasmtime.Config) { c.SetEpochInterruption(true) })
		_, err = wasmtime.NewModuleDeserialize(other, code)
		r.err("with epochs", err)
		other = engineWith(func(c *wasmtime.Config) { c.SetCraneliftOptLevel(wasmtime.OptLevelNone) })
		_, err = wasmtime.NewModuleDeserialize(other, code)
		r.err("another level", err)
		other = engineWith(func(c *wasmtime.Config) { c.SetWasmMultiMemory(false) })
		_, err = wasmtime.NewModuleDeserialize(other, code)
		r.err("fewer features", err)
	}
	cases["module/deserialize-file-closed"] = func(r *report) {
		engine := wasmtime.NewEngine()
		path := filepath.Join(".", "m.cwasm")
		must(0, os.WriteFile(path, must(compile(engine, `(module (func (export "f") (result i32) (i32.const 11)))`).Serialize()), 0o600))
		module := must(wasmtime.NewModuleDeserializeFile(engine, path))
		must(0, os.Remove(path))
		store := wasmtime.NewStore(engine)
		instance := must(wasmtime.NewInstance(store, module, nil))
		module.Close()
		r.call("after remove and close", store, instance.GetFunc(store, "f"))
	}
}
