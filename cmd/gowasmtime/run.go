package main

import (
	"context"
	"errors"
	"io"
	"math"

	"github.com/gowasmtime/wasmtime"
)

// guest is a module or a component that is being run, with its surroundings.
type guest struct {
	settings *settings
	engine   *wasmtime.Engine
	module   *wasmtime.Module
	linker   *wasmtime.Linker
	store    *wasmtime.Store
	stdout   io.Writer
}

// runModule does run.
func runModule(s *settings, stdout, _ io.Writer) error {
	engine, err := newEngine(s)
	if err != nil {
		return err
	}
	src, err := readSource(s.operands[0])
	if err != nil {
		return err
	}
	g := &guest{settings: s, engine: engine, linker: wasmtime.NewLinker(engine), store: wasmtime.NewStore(engine), stdout: stdout}
	if err := s.limit(g.store); err != nil {
		return err
	}
	if src.isComponent {
		return g.runComponent(src)
	}
	if err := s.refuseExtras(s.operands[0]); err != nil {
		return err
	}
	if g.module, err = src.compile(engine, s.allowPrecompiled); err != nil {
		return err
	}
	release, err := g.provide(g.linker.DefineWasi)
	defer release()
	if err != nil {
		return err
	}
	return g.timed(func(ctx context.Context) error {
		if err := g.preload(); err != nil {
			return err
		}
		return g.main(ctx, g.execute(ctx))
	})
}

// timed runs f with a context that ends after the time of the settings.
func (g *guest) timed(f func(ctx context.Context) error) error {
	ctx := context.Background()
	if timeout := g.settings.timeout; timeout != nil {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, *timeout)
		defer cancel()
	}
	return f(ctx)
}

// main makes the error of what was run, which says so if its time was over before it had begun.
func (g *guest) main(ctx context.Context, err error) error {
	var trap *wasmtime.Trap
	if ctx.Err() != nil && err != nil && !errors.As(err, &trap) {
		err = failed(errTimeout, "timed out after %v", *g.settings.timeout)
	}
	return failed(err, "failed to run main module `%s`", g.settings.operands[0])
}

// limit gives a store its limits.
func (s *settings) limit(store *wasmtime.Store) error {
	limit := func(n *uint64) int64 {
		if n == nil {
			return -1
		}
		return int64(min(*n, math.MaxInt64))
	}
	l := s.limits
	if l != (limits{}) {
		store.Limiter(limit(l.memorySize), limit(l.tableElements), limit(l.instances), limit(l.tables), limit(l.memories))
	}
	if s.timeout != nil || s.epochs {
		store.SetEpochDeadline(math.MaxUint64) // contexts stop guests
	}
	if n := s.maxResources; n != nil {
		store.SetMaxResources(*n)
	}
	if n := s.hostcallFuel; n != nil {
		store.SetHostcallFuel(*n)
	}
	if fuel := s.fuel; fuel != nil {
		return store.SetFuel(*fuel)
	}
	return nil
}

// preload instantiates the modules that others import from.
func (g *guest) preload() error {
	for _, p := range g.settings.preloads {
		module, err := load(g.engine, p.path, g.settings.allowPrecompiled)
		if err != nil {
			return err
		}
		if err := g.linker.DefineModule(g.store, p.name, module); err != nil {
			return failed(err, "failed to process preload `%s` at `%s`", p.name, p.path)
		}
	}
	return nil
}

// execute instantiates the module, initialises it, and calls the function that was asked for or that modules run by.
func (g *guest) execute(ctx context.Context) error {
	s := g.settings
	if s.unknownImportsTrap {
		if err := g.linker.DefineUnknownImportsAsTraps(g.module); err != nil {
			return err
		}
	}
	if s.unknownImportsDefault {
		if err := g.linker.DefineUnknownImportsAsDefaultValues(g.store, g.module); err != nil {
			return err
		}
	}
	instance, err := g.linker.InstantiateContext(ctx, g.store, g.module)
	if err != nil {
		return failed(err, "failed to instantiate %q", s.operands[0])
	}
	if initialize := instance.GetFunc(g.store, "_initialize"); initialize != nil {
		if _, err := initialize.CallContext(ctx, g.store); err != nil {
			return err
		}
	}
	return g.call(ctx, instance)
}
