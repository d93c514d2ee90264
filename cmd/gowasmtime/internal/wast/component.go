package wast

import (
	"errors"
	"fmt"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
)

// componentProgram is a component.
type componentProgram struct{ *component.Component }

// compileComponent makes a program of a component.
func compileComponent(r *runner, wasm []byte) (program, error) {
	compiled, err := component.New(r.options.Engine, wasm)
	if err != nil {
		return nil, err
	}
	return componentProgram{compiled}, nil
}

// instantiate gives the component a store of its own, which is there until the script has ended: what it dropped then
// would be counted.
func (p componentProgram) instantiate(r *runner) (instance, error) {
	if r.components == nil {
		made, err := newComponents(r)
		if err != nil {
			return nil, err
		}
		r.components = made
	}
	store := wasmtime.NewStore(r.options.Engine)
	r.components.stores = append(r.components.stores, store)
	if err := r.options.Prepare(store); err != nil {
		return nil, err
	}
	defer r.components.enter(store)()
	of, err := r.components.linker.Instantiate(r.ctx, store, p.Component)
	if err != nil {
		return nil, err
	}
	return componentInstance{of, store}, nil
}

// components is what the components of a script have in common.
type components struct {
	linker *component.Linker
	stores []*wasmtime.Store
	// running is the store whose guest runs.
	running *wasmtime.Store
	// module is one that components can import.
	module *wasmtime.Module
}

func newComponents(r *runner) (*components, error) {
	c := &components{linker: component.NewLinker(r.options.Engine)}
	c.linker.AllowShadowing(true)
	if err := c.provide(r); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// enter notes which store's guest runs until the function that it returns is called.
func (c *components) enter(store *wasmtime.Store) (leave func()) {
	c.running = store
	return func() { c.running = nil }
}

func (c *components) close() {
	if c == nil {
		return
	}
	for _, store := range c.stores {
		store.Close()
	}
	c.linker.Close()
	if c.module != nil {
		c.module.Close()
	}
}

// componentInstance is an instance of a component, in a store of its own.
type componentInstance struct {
	*component.Instance
	store *wasmtime.Store
}

// define makes an instance that can be imported, with what a store has no part in: modules and resources. Functions and
// instances are not in Wasmtime's either.
func (of componentInstance) define(r *runner, name string) error {
	place := r.components.linker.Instance(name)
	for _, item := range of.Exports() {
		switch item.Kind {
		case component.ItemCoreModule:
			exported, err := of.Module(item.Name)
			if err != nil {
				return err
			}
			r.keep(module{exported})
			if err := place.Module(item.Name, exported); err != nil {
				return err
			}
		case component.ItemResource:
			resource, err := of.Resource(item.Name)
			if err != nil {
				return err
			}
			if err := place.Resource(item.Name, resource); err != nil {
				return err
			}
		}
	}
	return nil
}

func (of componentInstance) get(_ *runner, field string) (outcome, error) {
	return outcome{}, fmt.Errorf("a component has no exported global %q", field)
}

func (of componentInstance) invoke(r *runner, field string, constants []constant) (outcome, error) {
	f, err := of.FuncAt(field)
	if err != nil {
		return outcome{}, err
	}
	args := make([]any, len(constants))
	for i := range constants {
		if args[i], err = constants[i].componentArgument(); err != nil {
			return outcome{}, fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	defer r.components.enter(of.store)()
	result, err := f.Call(r.ctx, args...)
	ty := f.Type().Result()
	if failed, ok := err.(*component.ResultError); ok { // which is a value of the result's type
		return outcome{values: []value{componentValue{ty, component.Err[any, any](failed.Value)}}}, nil
	}
	switch {
	case err != nil:
		return outcome{failed: err}, nil
	case ty == nil:
		return outcome{}, nil
	case ty.Kind() == component.KindResult:
		result = component.Ok[any, any](result)
	}
	return outcome{values: []value{componentValue{ty, result}}}, nil
}

// componentValue is a result of a component's function.
type componentValue struct {
	ty *component.Type
	v  any
}

func (v componentValue) match(want *constant) error {
	wanted, err := want.tree()
	if err != nil {
		return err
	}
	got, err := treeOf(v.ty, v.v)
	if err == nil && !got.equal(wanted) {
		err = errMismatch
	}
	return err
}

// texts are the kinds and values as WAVE writes them.
func (v componentValue) texts(want *constant) (wanted, got string) {
	if want != nil {
		wanted = want.String()
		if t, err := want.tree(); err == nil {
			wanted = t.String()
		}
	}
	t, err := treeOf(v.ty, v.v)
	if err != nil {
		return wanted, err.Error()
	}
	return wanted, t.String()
}

// hostResource is a value of the host's resources: a number that a component chooses.
type hostResource struct {
	rep   uint32
	drops *drops
}

// drops is what the destructor of resource1 leaves behind.
type drops struct{ count, last uint32 }

// Close is the destructor.
func (r *hostResource) Close() {
	if r.drops != nil {
		r.drops.count++
		r.drops.last = r.rep
	}
}

// otherResource is a value of resource2, of which there is none.
type otherResource struct{ _ int }

// is tells whether a resource has the number that a component says.
func (r *hostResource) is(rep uint32) error {
	if r.rep != rep {
		return fmt.Errorf("the resource is %d, not %d", r.rep, rep)
	}
	return nil
}

// errNever is how functions end that never return, where nothing interrupts them.
var errNever = errors.New("this function never returns")

// provide defines what components may import from the host.
func (c *components) provide(r *runner) error {
	text, err := wasmtime.Wat2Wasm(`(module (global (export "g") i32 i32.const 100) (func (export "f") (result i32) i32.const 101))`)
	if err != nil {
		return err
	}
	if c.module, err = wasmtime.NewModule(r.options.Engine, text); err != nil {
		return err
	}
	root, host := c.linker.Root(), c.linker.Instance("host")
	dropped := &drops{}
	resource1 := component.ResourceOf[*hostResource]()
	definitions := []error{
		root.Func("host-return-two", func() uint32 { return 2 }),
		root.Func("host-echo-u32", func(n uint32) uint32 { return n }),
		host.Func("return-three", func() uint32 { return 3 }),
		host.Instance("nested").Func("return-four", func() uint32 { return 4 }),
		host.Module("simple-module", c.module),
		host.Resource("resource1", resource1),
		host.Resource("resource2", component.ResourceOf[*otherResource]()),
		host.Resource("resource1-again", resource1),
		host.Func("[constructor]resource1", func(rep uint32) *hostResource { return &hostResource{rep, dropped} }),
		host.Func("[static]resource1.assert", (*hostResource).is),
		host.Func("[static]resource1.last-drop", func() uint32 { return dropped.last }),
		host.Func("[static]resource1.drops", func() uint32 { return dropped.count }),
		host.Func("[method]resource1.simple", (*hostResource).is),
		host.Func("[method]resource1.take-borrow", func(_, _ *hostResource) {}),
		host.Func("[method]resource1.take-own", func(_, _ *hostResource) {}),
		host.Func("never-return", func() error { return errNever }),
		host.Func("return-two-slowly", func() int32 { return 2 }),
		host.Func("echo-slowly", func(n uint32) uint32 { return n }),
		host.Func("[method]resource1.never-return", func(*hostResource) error { return errNever }),
		host.Func("return-hi", func() string { return "hi" }),
	}
	if r.options.Builtins {
		builtins := c.linker.Instance("wasmtime")
		definitions = append(definitions,
			builtins.Func("gc", func() { c.running.GC() }),
			builtins.Func("set-max-table-capacity", func(n uint32) {
				component.SetLimits(c.running, component.Limits{Handles: int(n)})
			}))
	}
	return errors.Join(definitions...)
}
