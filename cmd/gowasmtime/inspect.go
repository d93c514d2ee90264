package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/gowasmtime/wasmtime"
)

// inspectModule does inspect. What it prints is a line for each thing, with a keyword first and types as the text
// format writes them:
//
//	module: KIND, N bytes
//	import "MODULE" "NAME": TYPE
//	export "NAME": TYPE
//	memory I: TYPE
//	section NAME: N bytes, N entries
//	custom section "NAME": N bytes
//
// KIND is binary, text or precompiled. Imports and exports are in the module's order. Memories are those that the
// module defines itself, counted after the imported ones. Sections are those of the binary format, in their order, by
// their sizes without the header; a precompiled module has neither, and without --allow-precompiled no imports and
// exports. A component's first line begins with component: and what follows is its world in WIT.
func inspectModule(s *settings, stdout, _ io.Writer) error {
	src, err := readSource(s.operands[0])
	if err != nil {
		return err
	}
	var b strings.Builder
	what := "module"
	if src.isComponent {
		what = "component"
	}
	fmt.Fprintf(&b, "%s: %s, %d bytes\n", what, src.kind, src.size)
	switch {
	case src.kind != kindPrecompiled:
		// The code is not run, so it need not be good, nor be kept.
		off := false
		s.cache = &off
		s.engine = append([]engineSetting{{"opt-level", func(c *wasmtime.Config) error {
			c.SetCraneliftOptLevel(wasmtime.OptLevelNone)
			return nil
		}}}, s.engine...)
	case !s.allowPrecompiled:
		b.WriteString("imports and exports: need --allow-precompiled\n")
		_, err := io.WriteString(stdout, b.String())
		return err
	}
	show := describe
	if src.isComponent {
		show = describeComponent
	}
	if err := show(&b, s, src); err != nil {
		return err
	}
	_, err = io.WriteString(stdout, b.String())
	return err
}

// describe writes all but the first line.
func describe(b *strings.Builder, s *settings, src *source) error {
	engine, err := newEngine(s)
	if err != nil {
		return err
	}
	module, err := src.compile(engine, s.allowPrecompiled)
	if err != nil {
		return err
	}
	defer module.Close()
	memories := 0
	for _, imported := range module.Imports() {
		fmt.Fprintf(b, "import %q %q: %s\n", imported.Module(), *imported.Name(), typeText(imported.Type()))
		if imported.Type().MemoryType() != nil {
			memories++
		}
	}
	for _, exported := range module.Exports() {
		fmt.Fprintf(b, "export %q: %s\n", exported.Name(), typeText(exported.Type()))
	}
	if src.wasm != nil {
		describeSections(b, src.wasm, memories)
	}
	return nil
}

// typeText is a type as the text format writes it.
func typeText(ty *wasmtime.ExternType) string {
	switch {
	case ty.FuncType() != nil:
		return funcText(ty.FuncType())
	case ty.GlobalType() != nil:
		global := ty.GlobalType()
		if global.Mutable() {
			return fmt.Sprintf("(global (mut %v))", global.Content())
		}
		return fmt.Sprintf("(global %v)", global.Content())
	case ty.TableType() != nil:
		table := ty.TableType()
		text := fmt.Sprintf("(table %d ", table.Minimum())
		if has, most := table.Maximum(); has {
			text += fmt.Sprintf("%d ", most)
		}
		return text + table.Element().String() + ")"
	case ty.MemoryType() != nil:
		memory := ty.MemoryType()
		l := memoryLimits{least: memory.Minimum(), is64: memory.Is64(), shared: memory.IsShared(), pageSize: memory.PageSize()}
		l.bounded, l.most = memory.Maximum()
		return l.String()
	}
	return "(tag)"
}

// funcText is the type of a function.
func funcText(ty *wasmtime.FuncType) string {
	list := func(name string, types []*wasmtime.ValType) string {
		if len(types) == 0 {
			return ""
		}
		text := " (" + name
		for _, t := range types {
			text += " " + t.String()
		}
		return text + ")"
	}
	return "(func" + list("param", ty.Params()) + list("result", ty.Results()) + ")"
}

// memoryLimits is the type of a memory.
type memoryLimits struct {
	least, most, pageSize uint64
	bounded, is64, shared bool
}

// String returns the type as the text format writes it.
func (l memoryLimits) String() string {
	text := "(memory"
	if l.is64 {
		text += " i64"
	}
	text += fmt.Sprintf(" %d", l.least)
	if l.bounded {
		text += fmt.Sprintf(" %d", l.most)
	}
	if l.shared {
		text += " shared"
	}
	if l.pageSize != 1<<16 {
		text += fmt.Sprintf(" (pagesize %d)", l.pageSize)
	}
	return text + ")"
}
