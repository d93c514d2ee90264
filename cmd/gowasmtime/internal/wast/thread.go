package wast

import (
	"errors"
	"fmt"
	"maps"

	"github.com/gowasmtime/wasmtime"
)

// thread is a thread of a script.
type thread struct {
	// ended is closed when its commands have been done.
	ended chan struct{}
}

// startThread begins to do the commands of a thread, with a store and a linker of its own. It has the definitions of
// this one and, as an instance, one whose memories are shared.
func (r *runner) startThread(c *command) error {
	name := nameOf(c.Name)
	if r.threads[name] != nil {
		<-r.threads[name].ended // a new one takes the name
	}
	of, err := newRunner(r.ctx, r.progress)
	if err != nil {
		return err
	}
	of.definitions = maps.Clone(r.definitions)
	if c.SharedModule != nil {
		if err := r.share(*c.SharedModule, of, c); err != nil {
			of.close()
			return err
		}
	}
	t := &thread{make(chan struct{})}
	r.threads[name] = t
	go func() {
		defer close(t.ended)
		defer of.close()
		of.run(c.Commands)
	}()
	return nil
}

// share lets a thread import the exports of an instance of this one: from its name, and from those that the thread's
// commands register it by. That takes this runner's store, which the thread must not use.
func (r *runner) share(name string, with *runner, c *command) error {
	found, err := r.instance(&name)
	if err != nil {
		return err
	}
	core, ok := found.(coreInstance)
	if !ok {
		return errors.New("only modules can be shared")
	}
	names := []string{name}
	for _, text := range c.Commands {
		if register, err := readCommand(text); err == nil && register.Type == "register" && nameOf(register.Name) == name {
			names = append(names, register.As)
		}
	}
	exports := map[string]*wasmtime.Extern{}
	for _, exported := range core.module.Exports() {
		exports[exported.Name()] = core.GetExport(r.store, exported.Name())
	}
	for _, as := range names {
		for field, item := range exports {
			if err := with.linker.Define(r.store, as, field, item); err != nil {
				return err
			}
		}
	}
	with.named[name] = sharedInstance{}
	return nil
}

// sharedInstance is an instance of another thread. What can be shared of it is in the linker already.
type sharedInstance struct{}

func (sharedInstance) define(*runner, string) error { return nil }

func (sharedInstance) invoke(_ *runner, field string, _ []constant) (outcome, error) {
	return outcome{}, fmt.Errorf("the function %q is another thread's", field)
}

func (sharedInstance) get(_ *runner, field string) (outcome, error) {
	return outcome{}, fmt.Errorf("the global %q is another thread's", field)
}
