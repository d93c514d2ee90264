package main

import (
	"fmt"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

func init() {
	cases["types/values"] = func(r *report) {
		for _, kind := range []wasmtime.ValKind{wasmtime.KindI32, wasmtime.KindI64, wasmtime.KindF32, wasmtime.KindF64, wasmtime.KindExternref, wasmtime.KindFuncref} {
			ty := wasmtime.NewValType(kind)
			r.say(kind.String(), "%d %s %v", kind, ty, ty.Kind() == kind)
		}
		r.say("printed", "%v %+v %s", wasmtime.KindI32, wasmtime.KindF64, wasmtime.KindFuncref)
	}
	cases["types/unknown-value"] = func(r *report) {
		r.panics("NewValType(99)", func() { wasmtime.NewValType(99) })
	}
	cases["types/functions"] = func(r *report) {
		i32, ext := wasmtime.NewValType(wasmtime.KindI32), wasmtime.NewValType(wasmtime.KindExternref)
		r.say("empty", "%s %v %v", signature(wasmtime.NewFuncType(nil, nil)), wasmtime.NewFuncType(nil, nil).Params() == nil, len(wasmtime.NewFuncType(nil, nil).Results()))
		ty := wasmtime.NewFuncType([]*wasmtime.ValType{i32, ext}, []*wasmtime.ValType{ext})
		r.say("signature", "%s", signature(ty))
		r.say("argument is reusable", "%s", i32)
		r.say("extern", "%s", describeExternType(ty.AsExternType()))
	}
	cases["types/globals"] = func(r *report) {
		for _, mutable := range []bool{true, false} {
			ty := wasmtime.NewGlobalType(wasmtime.NewValType(wasmtime.KindF32), mutable)
			r.say(fmt.Sprint(mutable), "%s %v %s", ty.Content(), ty.Mutable(), describeExternType(ty.AsExternType()))
		}
	}
	cases["types/tables"] = func(r *report) {
		ref := wasmtime.NewValType(wasmtime.KindFuncref)
		r.say("no maximum", "%s", describeTableType(wasmtime.NewTableType(ref, 1, false, 7)))
		r.say("maximum", "%s", describeTableType(wasmtime.NewTableType(ref, 1, true, 7)))
		r.say("largest", "%s", describeTableType(wasmtime.NewTableType(ref, 1<<32-1, true, 1<<32-1)))
		r.say("externref", "%s", describeTableType(wasmtime.NewTableType(wasmtime.NewValType(wasmtime.KindExternref), 0, true, 0)))
		r.say("extern", "%s", describeExternType(wasmtime.NewTableType(ref, 1, false, 0).AsExternType()))
		r.say("types", "%T %T", wasmtime.NewTableType(ref, 1, false, 0).Minimum(), maximumOf(wasmtime.NewTableType(ref, 1, false, 0).Maximum()))
	}
	cases["types/table-minimum-over-maximum"] = func(r *report) {
		ref := wasmtime.NewValType(wasmtime.KindFuncref)
		r.panics("type", func() { r.say("table", "%s", describeTableType(wasmtime.NewTableType(ref, 9, true, 7))) })
	}
	cases["types/table-of-numbers"] = func(r *report) {
		r.panics("type", func() {
			r.say("table", "%s", describeTableType(wasmtime.NewTableType(wasmtime.NewValType(wasmtime.KindI32), 1, true, 7)))
		})
	}
	cases["types/memories"] = func(r *report) {
		show := func(key string, ty *wasmtime.MemoryType, err error) {
			r.err(key+" error", err)
			if err == nil {
				r.say(key, "%s", describeExternType(ty.AsExternType()))
			}
		}
		ty, err := wasmtime.NewMemoryType(1, false, 5, false)
		show("no maximum", ty, err)
		ty, err = wasmtime.NewMemoryType(1, true, 5, false)
		show("maximum", ty, err)
		ty, err = wasmtime.NewMemoryType(1, true, 5, true)
		show("shared", ty, err)
		ty, err = wasmtime.NewMemoryType(1, false, 0, true)
		show("shared without maximum", ty, err)
		ty, err = wasmtime.NewMemoryType(5, true, 1, false)
		show("minimum over maximum", ty, err)
		ty, err = wasmtime.NewMemoryType(1<<16, true, 1<<16, false)
		show("largest", ty, err)
		ty, err = wasmtime.NewMemoryType64(1, false, 0, false)
		show("64", ty, err)
		ty, err = wasmtime.NewMemoryType64(1, true, 1<<33, false)
		show("64 maximum", ty, err)
		ty, err = wasmtime.NewMemoryType64(1<<48, false, 0, false)
		show("64 largest", ty, err)
		ty, err = wasmtime.NewMemoryType64(6, true, 5, false)
		show("64 minimum over maximum", ty, err)
	}
	cases["types/imports-and-exports"] = func(r *report) {
		f := wasmtime.NewFuncType(nil, nil)
		imp := wasmtime.NewImportType("module", "name", f)
		r.say("import", "%s %s %s", imp.Module(), *imp.Name(), describeExternType(imp.Type()))
		empty := wasmtime.NewImportType("", "", f)
		r.say("empty import", "%q %s", empty.Module(), describeString(empty.Name()))
		exp := wasmtime.NewExportType("name", f.AsExternType())
		r.say("export", "%s %s", exp.Name(), describeExternType(exp.Type()))
		r.say("unicode", "%s", wasmtime.NewExportType("ü\x00x", f).Name())
		r.say("the type lives on", "%s", signature(f))
	}
	cases["types/outlive-parents"] = func(r *report) {
		f := wasmtime.NewFuncType([]*wasmtime.ValType{wasmtime.NewValType(wasmtime.KindI64)}, nil)
		param := f.Params()[0]
		exp := wasmtime.NewExportType("n", f)
		inner := exp.Type().FuncType()
		collect()
		r.say("parameter", "%s", param)
		r.say("inner", "%s", signature(inner))
		module := compile(wasmtime.NewEngine(), `(module (import "a" "b" (memory 3)) (func (export "f") (param f64)))`)
		imports, exports := module.Imports(), module.Exports()
		module.Close()
		collect()
		r.say("import", "%s", describeExternType(imports[0].Type()))
		r.say("export", "%s", describeExternType(exports[0].Type()))
		imports[0].Close()
		r.say("closing a borrowed type does nothing", "%s", imports[0].Module())
	}
	cases["module/queries"] = func(r *report) {
		module := compile(wasmtime.NewEngine(), `(module
		  (import "a" "f" (func (param i32) (result i64)))
		  (import "a" "g" (global (mut f32)))
		  (import "" "" (table 1 4 externref))
		  (import "ü" "m" (memory 1))
		  (func (export "z"))
		  (table (export "b") 2 funcref)
		  (memory (export "a") 1 9)
		  (global (export "") i32 (i32.const 0))
		  (export "z2" (func 0)))`)
		for i, imp := range module.Imports() {
			r.say(fmt.Sprint("import ", i), "%q %s %s", imp.Module(), describeString(imp.Name()), describeExternType(imp.Type()))
		}
		for i, exp := range module.Exports() {
			r.say(fmt.Sprint("export ", i), "%q %s", exp.Name(), describeExternType(exp.Type()))
		}
		empty := compile(wasmtime.NewEngine(), `(module)`)
		r.say("none", "%d %v %d %v", len(empty.Imports()), empty.Imports() == nil, len(empty.Exports()), empty.Exports() == nil)
		wrong := module.Exports()[0].Type()
		r.say("wrong kind", "%v %v %v", wrong.GlobalType() == nil, wrong.MemoryType() == nil, wrong.TableType() == nil)
		r.say("as extern type", "%v", wrong.AsExternType() == wrong)
	}
	cases["module/unusual-types"] = func(r *report) {
		module := compile(wasmtime.NewEngine(), `(module (memory (export "m") i64 1 2) (func (export "f") (result i32 i32 i32) (i32.const 1) (i32.const 2) (i32.const 3)))`)
		for i, exp := range module.Exports() {
			r.say(fmt.Sprint("export ", i), "%s", describeExternType(exp.Type()))
		}
	}
	cases["module/tag"] = func(r *report) {
		r.panics("tag", func() {
			module, err := wasmtime.NewModule(wasmtime.NewEngine(), wat(`(module (tag (export "t") (param i32)))`))
			r.err("compile", err)
			if err == nil {
				r.say("export", "%q", describeExternType(module.Exports()[0].Type()))
			}
		})
	}
	cases["instance/exports"] = func(r *report) {
		store, instance := load(`(module
		  (func (export "z")) (memory (export "m") 1) (func (export "a")) (global (export "g") i32 (i32.const 1))
		  (table (export "t") 1 funcref) (export "again" (func 0)))`)
		for i, extern := range instance.Exports(store) {
			r.say(fmt.Sprint("export ", i), "%s %v %v %v %v", describeExternType(extern.Type(store)),
				extern.Func() != nil, extern.Memory() != nil, extern.Global() != nil, extern.Table() != nil)
		}
		r.say("missing", "%v", instance.GetExport(store, "x") == nil)
		r.say("missing func", "%v", instance.GetFunc(store, "x") == nil)
		r.say("memory is no func", "%v", instance.GetFunc(store, "m") == nil)
		r.say("prefix", "%v", instance.GetExport(store, "ag") == nil)
		store, instance = load(`(module)`)
		r.say("none", "%d %v", len(instance.Exports(store)), instance.Exports(store) == nil)
	}
}

func maximumOf(_ bool, max uint32) uint32 { return max }
