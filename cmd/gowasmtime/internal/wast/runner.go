package wast

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/gowasmtime/wasmtime"
)

// runner runs commands, one after the other: those of a script, or of one of its threads.
type runner struct {
	*progress
	ctx    context.Context
	store  *wasmtime.Store
	linker *wasmtime.Linker
	// current is the instance that actions without a name are done on; nil before the first one.
	current instance
	// named are the instances with a name.
	named map[string]instance
	// definitions are the modules that module_instance makes instances of, by their names, "" for the one without.
	definitions map[string]program
	threads     map[string]*thread
	// components is nil before the first one is instantiated.
	components *components
}

// program is a module or a component.
type program interface {
	// instantiate makes an instance. The error is how the guest failed.
	instantiate(r *runner) (instance, error)
	Close()
}

// instance is what actions are done on.
type instance interface {
	// invoke calls an exported function. The error says why there was no call; how a call failed is in the outcome.
	invoke(r *runner, field string, args []constant) (outcome, error)
	// get reads an exported global.
	get(r *runner, field string) (outcome, error)
	// define lets what is instantiated later import the instance's exports from a name.
	define(r *runner, name string) error
}

// outcome is what a call came to: its results, or how it failed.
type outcome struct {
	values []value
	failed error
}

// value is a result.
type value interface {
	// match compares the value with what it has to be: errMismatch, or what is wrong with that.
	match(want *constant) error
	// texts returns the constant and the value for a message, both in one form. The constant may be nil.
	texts(want *constant) (wanted, got string)
}

// newRunner makes a runner with an empty linker.
func newRunner(ctx context.Context, all *progress) (*runner, error) {
	r := &runner{
		progress: all, ctx: ctx,
		store: wasmtime.NewStore(all.options.Engine), linker: wasmtime.NewLinker(all.options.Engine),
		named: map[string]instance{}, definitions: map[string]program{}, threads: map[string]*thread{},
	}
	r.linker.AllowShadowing(true)
	if err := all.options.Prepare(r.store); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// close frees what the runner has.
func (r *runner) close() {
	r.components.close()
	r.linker.Close()
	r.store.Close()
}

// run does commands, and waits for the threads that they have started.
func (r *runner) run(commands []json.RawMessage) {
	for _, text := range commands {
		c, err := readCommand(text)
		if err == nil {
			err = r.do(c)
		}
		r.done(c, err)
	}
	for _, t := range r.threads {
		<-t.ended
	}
}

// do does one command. The error says why it failed.
func (r *runner) do(c *command) error {
	switch c.Type {
	case "module":
		p, err := r.compile(&c.file)
		if err != nil {
			return fmt.Errorf("it does not compile: %w", err)
		}
		return r.instantiate(c.Name, p)
	case "module_definition":
		p, err := r.compile(&c.file)
		if err != nil {
			return fmt.Errorf("it does not compile: %w", err)
		}
		r.definitions[nameOf(c.Name)] = p
		return nil
	case "module_instance":
		p := r.definitions[nameOf(c.Module)]
		if p == nil {
			return fmt.Errorf("there is no module %q", nameOf(c.Module))
		}
		return r.instantiate(c.Instance, p)
	case "register":
		of, err := r.instance(c.Name)
		if err != nil {
			return err
		}
		return r.name(c.As, of)
	case "assert_invalid", "assert_malformed":
		return r.assertRefused(c)
	case "assert_unlinkable":
		return r.assertUnlinkable(c)
	case "assert_uninstantiable":
		p, err := r.compile(&c.file)
		if err != nil {
			return fmt.Errorf("it does not compile: %w", err)
		}
		_, err = p.instantiate(r)
		return assertTrap(outcome{failed: err}, c.Text)
	case "thread":
		return r.startThread(c)
	case "wait":
		t := r.threads[c.Thread]
		if t == nil {
			return fmt.Errorf("there is no thread %q", c.Thread)
		}
		<-t.ended
		return nil
	}
	return r.doAction(c)
}

// doAction does one of the commands that have an action.
func (r *runner) doAction(c *command) error {
	var assert func(o outcome) error
	switch c.Type {
	case "action":
		assert = func(o outcome) error {
			if o.failed != nil { // which is no failure of a script to Wasmtime
				r.note(c, "nothing is asserted of it; it failed with "+quoted(o.failed))
			}
			return nil
		}
	case "assert_return":
		assert = func(o outcome) error { return assertReturn(o, c.Expected) }
	case "assert_trap", "assert_exhaustion":
		assert = func(o outcome) error { return assertTrap(o, c.Text) }
	case "assert_exception":
		assert = assertException
	case "assert_suspension":
		assert = func(o outcome) error { return assertTrap(o, "unhandled tag") }
	default:
		return errors.New("there is no such command here")
	}
	if c.Action == nil {
		return errors.New("it has no action")
	}
	of, err := r.instance(c.Action.Module)
	if err != nil {
		return err
	}
	var o outcome
	switch c.Action.Type {
	case "invoke":
		o, err = of.invoke(r, c.Action.Field, c.Action.Args)
	case "get":
		o, err = of.get(r, c.Action.Field)
	default:
		err = fmt.Errorf("there is no action %q", c.Action.Type)
	}
	if err != nil {
		return err
	}
	return assert(o)
}

// nameOf returns a name; "" is that of what has none.
func nameOf(name *string) string {
	if name == nil {
		return ""
	}
	return *name
}

// instance returns an instance by its name; nil is the current one.
func (r *runner) instance(name *string) (instance, error) {
	of := r.current
	if name != nil {
		of = r.named[*name]
	}
	switch {
	case of != nil:
		return of, nil
	case name == nil:
		return nil, errors.New("there is no instance yet")
	}
	return nil, fmt.Errorf("there is no instance %q", *name)
}

// name gives an instance a name, for actions and for imports.
func (r *runner) name(name string, of instance) error {
	if err := of.define(r, name); err != nil {
		return err
	}
	r.named[name] = of
	return nil
}

// instantiate makes an instance, gives it a name if that is not nil, and makes it the current one.
func (r *runner) instantiate(name *string, p program) error {
	of, err := p.instantiate(r)
	if err != nil {
		return fmt.Errorf("instantiation failed: %w", err)
	}
	if name != nil {
		if err := r.name(*name, of); err != nil {
			return err
		}
	}
	r.current = of
	return nil
}

// compile makes a program of a file.
func (r *runner) compile(f *file) (program, error) {
	wasm, err := f.bytes(r.dir)
	if err != nil {
		return nil, err
	}
	if isComponent(wasm) {
		p, err := compileComponent(r, wasm)
		if err != nil {
			return nil, err
		}
		return r.keep(p), nil
	}
	compiled, err := wasmtime.NewModule(r.options.Engine, wasm)
	if err != nil {
		return nil, err
	}
	return r.keep(module{compiled}), nil
}

// isComponent tells whether the binary format is that of a component.
func isComponent(wasm []byte) bool { return wasmtime.IsBinary(wasm) && len(wasm) >= 8 && wasm[6] == 1 }

// assertRefused checks that a module does not compile.
func (r *runner) assertRefused(c *command) error {
	_, err := r.compile(&c.file)
	if err == nil {
		return fmt.Errorf("expected that it does not compile, because of %q, and it did", c.Text)
	}
	return r.matchMessage(c, err)
}

// assertUnlinkable checks that a module does not get its imports.
func (r *runner) assertUnlinkable(c *command) error {
	p, err := r.compile(&c.file)
	if err != nil {
		return fmt.Errorf("it does not compile: %w", err)
	}
	if err = r.instantiate(nil, p); err == nil {
		return fmt.Errorf("expected that it is not instantiated, because of %q, and it was", c.Text)
	}
	return r.matchMessage(c, err)
}

// matchMessage checks the reason for which a module was refused.
func (r *runner) matchMessage(c *command, err error) error {
	var unread *fileError
	switch {
	case errors.As(err, &unread):
		return err
	case r.options.IgnoreErrorMessages, strings.Contains(err.Error(), c.Text):
		return nil
	}
	return fmt.Errorf("expected an error with %q, got %s", c.Text, quoted(err))
}

// assertReturn checks the results of a call.
func assertReturn(o outcome, want []constant) error {
	switch {
	case o.failed != nil && len(want) == 0:
		return fmt.Errorf("expected a return, got %s", quoted(o.failed))
	case len(o.values) > 0 && len(want) == 0:
		return fmt.Errorf("expected no results, got %d%s", len(o.values), o.text())
	case o.failed != nil:
		return fmt.Errorf("expected %s, got %s", constantsText(want), quoted(o.failed))
	case len(o.values) != len(want):
		return fmt.Errorf("expected %d results, %s, got %d%s", len(want), constantsText(want), len(o.values), o.text())
	}
	for i, v := range o.values {
		wanted, got := v.texts(&want[i])
		switch err := v.match(&want[i]); {
		case err == errMismatch && len(want) == 1:
			return fmt.Errorf("expected %s, got %s", wanted, got)
		case err == errMismatch:
			return fmt.Errorf("result %d: expected %s, got %s", i+1, wanted, got)
		case err != nil:
			return fmt.Errorf("expected %s: %w", wanted, err)
		}
	}
	return nil
}

// constantsText is a list of constants for a message.
func constantsText(constants []constant) string {
	var texts []string
	for _, c := range constants {
		texts = append(texts, c.String())
	}
	return strings.Join(texts, " ")
}

// text is a list of results for a message, with a comma before it if there are any.
func (o outcome) text() string {
	var texts []string
	for _, v := range o.values {
		_, got := v.texts(nil)
		texts = append(texts, got)
	}
	if texts == nil {
		return ""
	}
	return ", " + strings.Join(texts, " ")
}

// assertTrap checks that a call failed with a message.
func assertTrap(o outcome, want string) error {
	switch {
	case o.failed == nil:
		return fmt.Errorf("expected a trap with %q, got a return%s", want, o.text())
	case !trapsLike(o.failed.Error(), want):
		return fmt.Errorf("expected a trap with %q, got %s", want, quoted(o.failed))
	}
	return nil
}

// trapsLike tells whether a message has the expected text in it, or what Wasmtime says instead.
func trapsLike(got, want string) bool {
	has, wants := func(part string) bool { return strings.Contains(got, part) }, func(part string) bool { return strings.Contains(want, part) }
	switch {
	case has(want):
		return true
	case wants("uninitialized element 2"): // the message has no number
		return has("uninitialized element")
	case wants("null function"):
		return has("uninitialized element") || has("null reference")
	case wants("null") && wants("reference"): // it does not say to what
		return has("null reference")
	case wants("cannot write"):
		return has("cannot write")
	case wants("cannot read"):
		return has("cannot read")
	}
	return false
}

// assertException checks that a call ended with an exception.
func assertException(o outcome) error {
	switch {
	case o.failed == nil:
		return fmt.Errorf("expected an exception, got a return%s", o.text())
	case !errors.Is(o.failed, wasmtime.UncaughtException):
		return fmt.Errorf("expected an exception, got %s", quoted(o.failed))
	}
	return nil
}
