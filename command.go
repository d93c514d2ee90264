package wasmtime

import (
	"context"

	"github.com/gowasmtime/wasmtime/ffi"
)

// Command is a WASI program, a module with a function _start, and what it is run with. As an [os/exec.Cmd] is for a
// program of the system, it is for one call of [Command.Run] or for any number of them, each in a store of its own.
// Goroutines may make these at once, as long as none changes the fields, and as far as Wasi serves several stores.
type Command struct {
	// Module is the program. It must be there.
	Module *Module
	// Wasi is what the program is given: arguments, environment, standard streams, directories. With nil it is given
	// nothing, and what it prints is thrown away. Run does not close it.
	Wasi *WasiConfig
	// Linker has what the program may import, in the module's engine, with WASI if [Linker.DefineWasi] was called. With
	// nil that is WASI 0.1 and nothing else, defined anew for each Run: a program that is run often and briefly takes
	// less time with a Linker.
	Linker *Linker
	// Prepare, if it is not nil, is called with the store before anything of the program runs, and when the store has
	// Wasi: to limit it ([Store.SetLimits], [Store.SetFuel]), or to give it more ([Store.PushFile]). An error ends Run,
	// which returns it as it is. The store is closed when Run returns.
	Prepare func(store *Store) error
}

// Run runs the program until it ends: it makes a store, instantiates the module, calls _start, and closes the store.
// ctx stops the program, and its wait for a place in the engine's pool, as with [Func.CallContext]: one that can be
// cancelled needs an engine with [Config.SetEpochInterruption], and otherwise the error wraps [ErrNoEpochs]. ctx may be
// nil.
//
// As [os/exec.Cmd.Run], it returns nil if the program returned or exited with status 0. Any other status is an error
// in which [errors.As] finds an [*ExitError]: what matters about a program that failed cannot be overlooked by a caller
// who looks at errors only. So is output that a writer of Wasi has not taken, also of a program that exited with status
// 0: it wraps [ErrUnwritten], see [Store.InsertWriter], and there is an [*ExitError] in it for any other status only.
// So is a file that the program has written and not closed, if it fails when it is closed at last, see [Writable]. A
// program that was stopped or failed is a [*Trap], which wraps the error of the context if that ended it. What keeps it
// from running is an [*Error]: a module without _start, such as a library, which takes [Linker.InstantiateReactor]; a
// linker of another engine; an import that is missing.
//
// A panic in a host function or in Prepare comes out of Run, when the store has been closed.
//
// In the command line it is wasmtime run.
func (c *Command) Run(ctx context.Context) (err error) {
	switch {
	case c == nil:
		return isNil[Command]()
	case c.Module == nil:
		return errorf(ErrClosed, "the command has no module: %v", isNil[Module]())
	}
	m, err := acquire(&c.Module.handle, "module")
	if err != nil {
		return err
	}
	defer c.Module.handle.Release()
	linker := c.Linker
	switch {
	case linker != nil && linker.Engine == nil:
		return closedError("linker")
	case linker != nil && linker.Engine != c.Module.engine:
		return wrongEngine("linker", "module")
	}
	if _, err := c.Module.engine.acquire(); err != nil {
		return err
	}
	defer c.Module.engine.handle.Release()
	if err := c.Module.isCommand(m); err != nil {
		return err
	}
	if ctx == nil {
		ctx = context.Background() // with one, an engine with epochs does not stop the program at once
	}
	if linker == nil {
		linker = NewLinker(c.Module.engine)
		defer linker.Close()
		if err := linker.DefineWasi(); err != nil {
			return err
		}
	}
	wasi := c.Wasi
	if wasi == nil {
		wasi = NewWasiConfig()
	}
	store := NewStore(c.Module.engine)
	defer func() {
		if lost := store.state.close(); lost != nil {
			err = withUnwritten(err, lost)
		}
	}()
	if err := store.ConfigureWasi(wasi); err != nil {
		return err
	}
	if c.Prepare != nil {
		if err := c.Prepare(store); err != nil {
			return err
		}
	}
	return ended(c.start(ctx, linker, store))
}

// ended returns what a program ended with: of an error that says that it exited with status 0, only what writers have
// not taken.
func ended(err error) error {
	if e, ok := err.(*Error); ok {
		if status, exited := e.ExitStatus(); exited && status == 0 {
			return e.unwritten()
		}
	}
	return err
}

// isCommand says why the module is no program that can be run; nil if it is one.
func (m *Module) isCommand(native ffi.Module) error {
	m.types.read(native)
	if m.types.failed != nil {
		return m.types.failed
	}
	library := false
	for _, export := range m.types.out {
		sig := export.Type().FuncType()
		switch {
		case sig == nil:
		case export.Name() == "_initialize":
			library = true
		case export.Name() != "_start":
		case len(sig.Params())+len(sig.Results()) > 0:
			return errorf(nil, "_start has type %v -> %v, and not that of a function without parameters and results",
				sig.params, sig.results)
		default:
			return nil
		}
	}
	if library {
		return errorf(nil, "the module is no WASI command: it exports no function _start, but _initialize, as a library does "+
			"(Linker.InstantiateReactor)")
	}
	return errorf(nil, "the module is no WASI command: it exports no function _start")
}

// start instantiates the module and calls _start.
func (c *Command) start(ctx context.Context, linker *Linker, store *Store) error {
	instance, err := linker.InstantiateContext(ctx, store, c.Module)
	if err != nil {
		return err
	}
	_, err = instance.GetFunc(store, "_start").CallContext(ctx, store)
	return err
}
