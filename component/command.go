package component

import (
	"context"
	"errors"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/internal/bridge"
)

// runInterface is what a component exports that is a program.
const runInterface = "wasi:cli/run@0.2.0"

// Command is a program of WASI 0.2, a component that exports wasi:cli/run, and what it is run with: what
// [wasmtime.Command] is for modules. It is for one call of [Command.Run] or for any number of them, each in a store of
// its own. Goroutines may make these at once, as long as none changes the fields, and as far as Wasi serves several
// stores.
type Command struct {
	// Component is the program. It must be there.
	Component *Component
	// Wasi is what the program is given: arguments, environment, standard streams, directories, the network. With nil
	// it is given nothing, and what it prints is thrown away. Run does not close it.
	Wasi *wasmtime.WasiConfig
	// Linker has what the program may import, in the component's engine, with WASI if [Linker.DefineWasi] was called.
	// With nil that is all of WASI 0.2 and nothing else, linked anew for each Run: a program that is run often and
	// briefly takes less time with a Pre.
	Linker *Linker
	// Pre, if it is not nil, is the program with its imports, in place of Component and Linker.
	Pre *InstancePre
	// Prepare, if it is not nil, is called with the store before anything of the program runs, and when the store has
	// Wasi: to limit it ([SetLimits], [wasmtime.Store.SetLimits]), or to give it more. An error ends Run, which returns
	// it as it is. The store is closed when Run returns.
	Prepare func(store *wasmtime.Store) error
}

// Run runs the program until it ends: it makes a store, instantiates the component, calls its run, and closes the
// store. ctx stops the program, and its wait for a place in the engine's pool, as with [Func.Call]; it may be nil.
//
// As [wasmtime.Command.Run], it returns nil if the program returned well or exited with status 0. Any other status is
// an error in which [errors.As] finds a [*wasmtime.ExitError]: a run that returns its case err is status 1. What a
// writer of Wasi has not taken is an error, too, that wraps [wasmtime.ErrUnwritten]. A program that was stopped or
// failed is a [*wasmtime.Trap], which wraps the error of the context if that ended it. What keeps it from running is a
// [*wasmtime.Error]: a component that exports no run, an import that is missing.
//
// A panic in a host function or in Prepare comes out of Run, when the store has been closed.
func (c *Command) Run(ctx context.Context) error {
	if c == nil {
		return isNil("command")
	}
	pre, err := c.prepared()
	if err != nil {
		return err
	}
	if pre != c.Pre {
		defer pre.Close()
	}
	if pre.types == nil {
		return isNil("prepared instance")
	}
	engine := bridge.EngineOf(pre.engine)
	if _, ok := engine.TryAcquire(); !ok {
		return closedError("engine")
	}
	defer engine.Release()
	run, err := pre.run()
	if err != nil {
		return errorf(ErrNotFound, "the component is no command: it exports no %s", runInterface)
	}
	if ctx == nil {
		ctx = context.Background() // with one, an engine with epochs does not stop the program at once
	}
	wasi := c.Wasi
	if wasi == nil {
		wasi = wasmtime.NewWasiConfig()
	}
	store := wasmtime.NewStore(pre.engine)
	defer store.Close()
	if err := store.ConfigureWasi(wasi); err != nil {
		return err
	}
	if c.Prepare != nil {
		if err := c.Prepare(store); err != nil {
			return err
		}
	}
	return bridge.Ended(start(ctx, pre, run, store))
}

// prepared returns the program with its imports.
func (c *Command) prepared() (*InstancePre, error) {
	if c.Pre != nil {
		return c.Pre, nil
	}
	if c.Component == nil {
		return nil, isNil("component")
	}
	linker := c.Linker
	if linker == nil {
		linker = NewLinker(c.Component.engine)
		defer linker.Close()
		if err := linker.DefineWasi(); err != nil {
			return nil, err
		}
	}
	return linker.InstantiatePre(c.Component)
}

// start instantiates the component and calls its run.
func start(ctx context.Context, pre *InstancePre, run *Export, store *wasmtime.Store) error {
	instance, err := pre.Instantiate(ctx, store)
	if err != nil {
		return err
	}
	f, err := instance.FuncOf(run)
	if err != nil {
		return err
	}
	_, err = f.Call(ctx)
	if failed := (*ResultError)(nil); errors.As(err, &failed) {
		return errorf(&wasmtime.ExitError{Status: 1}, "the program's run has returned an error")
	}
	return err
}
