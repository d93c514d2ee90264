package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
)

// component makes a component of what was read.
func (src *source) component(engine *wasmtime.Engine, allowPrecompiled bool) (*component.Component, error) {
	switch {
	case src.kind != kindPrecompiled:
		defer showCompiling(src.path)()
		c, err := component.New(engine, src.wasm)
		return c, withKeys(err)
	case !allowPrecompiled:
		return nil, errPrecompiled
	case src.bytes != nil:
		return component.Deserialize(engine, src.bytes)
	}
	return component.DeserializeFile(engine, src.path)
}

// withKeys names the keys of the command line in place of the settings in Go that an error names.
func withKeys(err error) error {
	if err == nil {
		return nil
	}
	text := strings.NewReplacer(
		"Config.SetConcurrencySupport switches", "-W concurrency-support switches",
		"Config.SetWasmComponentModelMap switches", "-W component-model-map switches",
		"Config.SetWasmComponentModelFixedLengthLists switches", "-W component-model-fixed-length-lists switches",
	).Replace(err.Error())
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}

// commandInterface is what a component exports that is a program.
const commandInterface = "wasi:cli/run@0.2.0"

// runComponent runs a component.
func (g *guest) runComponent(src *source) error {
	s := g.settings
	for _, refused := range []struct {
		given bool
		name  string
	}{
		{len(s.preloads) > 0, "--preload"}, {s.unknownImportsDefault, "-W unknown-imports-default"},
		{len(s.listeners) > 0, "--listen"},
	} {
		if refused.given {
			return usageErrorf("%s is for modules, and '%s' is a component", refused.name, s.operands[0])
		}
	}
	c, err := src.component(g.engine, s.allowPrecompiled)
	if err != nil {
		return err
	}
	linker := component.NewLinker(g.engine)
	linker.TrapUnknownImports(s.unknownImportsTrap)
	name, args := commandInterface+"#run", ""
	if s.invoke != nil {
		if len(s.operands) > 1 {
			return usageErrorf("the arguments for a component's function are part of --invoke, as in --invoke 'f(1, \"a\")'")
		}
		called, rest, opened := strings.Cut(strings.TrimSpace(*s.invoke), "(")
		var closed bool
		switch args, closed = strings.CutSuffix(rest, ")"); {
		case !opened:
			return usageErrorf("--invoke: a component's function is called with its arguments, as in --invoke 'f(1, \"a\")'")
		case !closed:
			return usageErrorf("--invoke: '%s' does not end with the ) of the call", *s.invoke)
		}
		name = strings.TrimSpace(called)
	}
	export, err := exported(c, name)
	if err != nil {
		if s.invoke == nil {
			return fmt.Errorf("the component exports no %s and so is no program: --invoke calls a function", commandInterface)
		}
		return err
	}
	if err := s.defineExtras(linker); err != nil {
		return err
	}
	release, err := g.provide(func() error { return s.defineWasi(linker) })
	defer release()
	if err != nil {
		return err
	}
	result := ""
	err = g.timed(func(ctx context.Context) (err error) {
		instance, err := linker.Instantiate(ctx, g.store, c)
		if err != nil {
			return g.main(ctx, failed(s.hinted(err), "failed to instantiate %q", s.operands[0]))
		}
		f, err := instance.FuncOf(export)
		if err == nil {
			result, err = f.CallText(ctx, args)
		}
		return g.main(ctx, failed(err, "failed to invoke `%s`", export.Name()))
	})
	switch {
	case err != nil:
		return err
	case s.invoke == nil && result == "err":
		return &wasmtime.ExitError{Status: 1}
	case s.invoke == nil || result == "":
		return nil
	}
	_, err = fmt.Fprintln(g.stdout, result)
	return err
}

// defineWasi defines WASI 0.2, with what is unstable if that was asked for.
func (s *settings) defineWasi(linker *component.Linker) error {
	if err := linker.DefineWasi(); err != nil || !s.network.errorCode {
		return err
	}
	return linker.DefineWasi("wasi:sockets/network#network-error-code")
}

// exported finds a function by its full name, or by its own if only one instance has such a function.
func exported(c *component.Component, name string) (*component.Export, error) {
	export, err := c.Export(name)
	if err == nil || strings.Contains(name, "#") {
		return export, err
	}
	var found, names []string
	for _, item := range c.Exports() {
		if item.Func() != nil {
			names = append(names, item.Name)
		}
		for _, inner := range item.Items() {
			if inner.Func() == nil {
				continue
			}
			names = append(names, inner.Name)
			if inner.Name == name {
				found = append(found, item.Name+"#"+name)
			}
		}
	}
	switch len(found) {
	case 0:
		slices.Sort(names)
		return nil, errors.New(fmt.Sprintf("no func export named `%s` found", name) + suggest(name, slices.Compact(names)))
	case 1:
		return c.Export(found[0])
	}
	return nil, fmt.Errorf("several functions are named `%s`: %s", name, strings.Join(found, ", "))
}

// describeComponent writes what inspect shows of a component but its first line: its world as WIT.
func describeComponent(b *strings.Builder, s *settings, src *source) error {
	engine, err := newEngine(s)
	if err != nil {
		return err
	}
	c, err := src.component(engine, s.allowPrecompiled)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = io.WriteString(b, strings.TrimRight(c.WIT(), "\n")+"\n")
	return err
}
