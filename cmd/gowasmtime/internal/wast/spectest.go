package wast

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gowasmtime/wasmtime"
)

// provide defines what scripts may import from the host: spectest and, if wanted, wasmtime.
func (r *runner) provide() error {
	if err := r.provideFuncs(); err != nil {
		return err
	}
	if err := r.provideItems(); err != nil {
		return err
	}
	return r.provideFromText()
}

// provideFuncs defines functions: those of spectest print their arguments.
func (r *runner) provideFuncs() error {
	say := func(lines ...string) { fmt.Fprint(r.options.Stdout, strings.Join(lines, "\n")+"\n") }
	i32 := func(n int32) string { return strconv.Itoa(int(n)) + ": i32" }
	f32 := func(f float32) string { return decimal(float64(f), 32) + ": f32" }
	f64 := func(f float64) string { return decimal(f, 64) + ": f64" }
	type definition struct {
		module, name string
		f            any
	}
	definitions := []definition{
		{"spectest", "print", func() {}},
		{"spectest", "print_i32", func(n int32) { say(i32(n)) }},
		{"spectest", "print_i64", func(n int64) { say(strconv.FormatInt(n, 10) + ": i64") }},
		{"spectest", "print_f32", func(f float32) { say(f32(f)) }},
		{"spectest", "print_f64", func(f float64) { say(f64(f)) }},
		{"spectest", "print_i32_f32", func(n int32, f float32) { say(i32(n), f32(f)) }},
		{"spectest", "print_f64_f64", func(f, g float64) { say(f64(f), f64(g)) }},
	}
	if r.options.Builtins {
		definitions = append(definitions, definition{"wasmtime", "gc", r.store.GC})
	}
	for _, d := range definitions {
		if err := r.linker.DefineFunc(r.store, d.module, d.name, d.f); err != nil {
			return err
		}
	}
	return nil
}

// decimal is a float in decimals, as Wasmtime prints it.
func decimal(f float64, bits int) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	return strconv.FormatFloat(f, 'f', -1, bits)
}

// provideItems defines the globals, the table and the memory of spectest.
func (r *runner) provideItems() error {
	for name, v := range map[string]wasmtime.Val{
		"global_i32": wasmtime.ValI32(666),
		"global_i64": wasmtime.ValI64(666),
		"global_f32": wasmtime.ValF32(666.6),
		"global_f64": wasmtime.ValF64(666.6),
	} {
		g, err := wasmtime.NewGlobal(r.store, wasmtime.NewGlobalType(wasmtime.NewValType(v.Kind()), false), v)
		if err != nil {
			return err
		}
		if err := r.linker.Define(r.store, "spectest", name, g); err != nil {
			return err
		}
	}
	funcref := wasmtime.NewValType(wasmtime.KindFuncref)
	table, err := wasmtime.NewTable(r.store, wasmtime.NewTableType(funcref, 10, true, 20), wasmtime.ValFuncref(nil))
	if err != nil {
		return err
	}
	if err := r.linker.Define(r.store, "spectest", "table", table); err != nil {
		return err
	}
	ty, err := wasmtime.NewMemoryType(1, true, 2, false)
	if err != nil {
		return err
	}
	memory, err := wasmtime.NewMemory(r.store, ty)
	if err != nil {
		return err
	}
	return r.linker.Define(r.store, "spectest", "memory", memory)
}

// provideFromText defines what of spectest only guests can make. An engine that refuses one of these modules has the
// proposal switched off that importing it would take, too.
func (r *runner) provideFromText() error {
	for _, text := range []string{
		`(module (table (export "table64") i64 10 20 funcref))`,
		`(module (memory (export "shared_memory") 1 1 shared))`,
	} {
		wasm, err := wasmtime.Wat2Wasm(text)
		if err != nil {
			return err
		}
		compiled, err := wasmtime.NewModule(r.options.Engine, wasm)
		if err != nil {
			continue
		}
		defer compiled.Close()
		of, err := r.linker.Instantiate(r.store, compiled)
		if err != nil {
			return err
		}
		if err := r.linker.DefineInstance(r.store, "spectest", of); err != nil {
			return err
		}
	}
	return nil
}
