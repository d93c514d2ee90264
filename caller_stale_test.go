package wasmtime_test

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// callerUses are the methods of a Caller, and all functions and methods that take one, with what else they need.
func callerUses(t *testing.T, w *world, c *Caller) (uses map[string]func() (any, error)) {
	uses = map[string]func() (any, error){}
	add := func(what string, f reflect.Value) {
		args, takes := zeroArgs(f.Type()), false
		for i := range args {
			ty := f.Type().In(i)
			args[i] = w.argument(t, what, ty)
			if ty == reflect.TypeFor[Storelike]() {
				args[i], takes = reflect.ValueOf(c), true
			}
		}
		if !takes && !strings.HasPrefix(what, "Caller.") {
			return
		}
		uses[what] = func() (any, error) {
			panicked, err := call(f, args)
			if returnsError(f.Type()) && panicked != nil {
				t.Errorf("%s panics with %v, and could return an error", what, panicked)
			}
			if err != nil {
				if _, typed := err.(*Error); !typed {
					t.Errorf("%s returns a %T", what, err)
				}
				return nil, err
			}
			if panicked == nil && f.Type().NumOut() > 0 && returnsError(f.Type()) {
				t.Errorf("%s succeeds", what)
			}
			return panicked, nil
		}
	}
	for _, v := range append(w.all(), c) {
		of := reflect.TypeOf(v)
		if of.Kind() != reflect.Pointer || of.Elem().PkgPath() != reflect.TypeFor[Engine]().PkgPath() {
			continue
		}
		for i := range of.NumMethod() {
			add(of.Elem().Name()+"."+of.Method(i).Name, reflect.ValueOf(v).Method(i))
		}
	}
	for what, f := range functions {
		add(what, reflect.ValueOf(f))
	}
	if len(uses) < 50 {
		t.Errorf("%d uses of a Caller", len(uses))
	}
	return uses
}

// returnedText is what the use of a Caller panics with whose host function has returned.
const returnedText = "cannot use caller after host function returns"

// wantRefused checks that every use of a Caller is an error of this cause, or a panic with this text; but for those
// that find nothing.
func wantRefused(t *testing.T, uses map[string]func() (any, error), cause error, text string) {
	t.Helper()
	for what, use := range uses {
		panicked, err := use()
		switch {
		case err != nil:
			if !errors.Is(err, cause) || !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v, want %v", what, err, text)
			}
		case strings.HasPrefix(what, "Caller.Get") && panicked == nil:
		case !strings.Contains(fmt.Sprint(panicked), text):
			t.Errorf("%s panics with %v, want %q", what, panicked, text)
		}
	}
}

// A Caller that is kept for longer than its host function runs is refused by whatever takes one.
func TestCallerThatIsKept(t *testing.T) {
	for name, during := range map[string]string{"between calls": "", "during a shallower call": "shallow"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			linker := NewLinker(w.engine)
			var kept, copied *Caller
			checked := false
			Check(t, linker.FuncWrap("", "keep", func(c *Caller) {
				c2 := *c
				kept, copied = c, &c2
			}))
			Check(t, linker.FuncWrap("", "nest", func(c *Caller) {
				Check(t, ErrorOf(c.GetExport("deep").Func().Call(c)))
				if during == "shallow" {
					wantRefused(t, callerUses(t, w, kept), ErrClosed, returnedText)
					wantRefused(t, callerUses(t, w, copied), ErrClosed, returnedText)
					Equal(t, "what Caller.Data says", c.Data(), nil)
					checked = true
				}
			}))
			module := Compile(t, w.engine, `(module (import "" "keep" (func $keep)) (import "" "nest" (func $nest))
				(func (export "deep") (call $keep)) (func (export "run") (call $nest)))`)
			instance := Must(linker.Instantiate(w.store, module))
			Call(t, w.store, instance, "run")
			if during == "" {
				wantRefused(t, callerUses(t, w, kept), ErrClosed, returnedText)
				wantRefused(t, callerUses(t, w, copied), ErrClosed, returnedText)
			} else if !checked {
				t.Error("it was not checked")
			}
			f := w.ofStore[1].(*Func)
			f.Type(w.store) // known to a call with numbers from now on
			for _, c := range []*Caller{kept, copied} {
				WantTyped(t, ErrorOf(f.Call(c, 1)), ErrClosed, returnedText)
				if c.GetExport("run") != nil || c.GetMemory("m") != nil {
					t.Error("it finds exports")
				}
			}
			w.store.Close()
			for what, use := range callerUses(t, w, kept) {
				if panicked, err := use(); err != nil && !errors.Is(err, ErrClosed) || err == nil && panicked == nil && !strings.HasPrefix(what, "Caller.Get") {
					t.Errorf("%s of a closed store: %v, %v", what, err, panicked)
				}
			}
		})
	}
}

// A copy of a Caller is none, also as long as the host function runs: it would be good for as long as the copy lives.
func TestCallerIsNotCopied(t *testing.T) {
	w := newWorld(t)
	called := 0
	host := WrapFunc(w.store, func(c *Caller) {
		copied := *c
		wantRefused(t, callerUses(t, w, &copied), ErrClosed, returnedText)
		Equal(t, "the Caller's own export", c.GetExport("run") != nil, true)
		called++
	})
	Call(t, w.store, Instantiate(t, w.store, callerWat("memory", 1), host), "run", 1)
	Equal(t, "calls", called, 1)
}

// On another goroutine a Caller is refused while its host function waits for it, and also while it comes too late.
func TestCallerOnAnotherGoroutine(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	begun := false
	host := WrapFunc(w.store, func(c *Caller) {
		if begun {
			return
		}
		begun = true
		uses := callerUses(t, w, c)
		delete(uses, "Caller.Data") // which do not look
		delete(uses, "Caller.Context")
		delete(uses, "Extern.Close")
		wg.Go(func() {
			for what, use := range uses {
				if panicked, err := use(); err != nil && !errors.Is(err, ErrConcurrentUse) ||
					err == nil && !strings.Contains(fmt.Sprint(panicked), ErrConcurrentUse.Error()) {
					t.Errorf("%s: %v, %v", what, err, panicked)
				}
			}
		})
		wg.Wait()
		wg.Go(func() { // goes on when the host function has returned
			for {
				for what, use := range uses {
					panicked, err := use()
					text := fmt.Sprint(err, panicked)
					if !strings.Contains(text, ErrConcurrentUse.Error()) && !strings.Contains(text, returnedText) && !strings.HasPrefix(what, "Caller.Get") {
						t.Errorf("%s: %v, %v", what, err, panicked)
					}
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	})
	instance := Instantiate(t, w.store, callerWat("memory", 1), host)
	run := instance.GetFunc(w.store, "run")
	for range Rounds(2000) {
		for { // the other goroutine may have the store for a moment, to find that it must not
			_, err := run.Call(w.store, 3)
			if err == nil {
				break
			}
			WantIs(t, err, ErrConcurrentUse)
			runtime.Gosched()
		}
	}
	close(stop)
	wg.Wait()
}

// A Caller whose goroutine has ended in the host function belongs to a store that is lost.
func TestCallerAfterGoexit(t *testing.T) {
	if Debug {
		t.Skip("the store's memory is lost on purpose, which counts as a leak")
	}
	w := newWorld(t)
	var kept *Caller
	host := WrapFunc(w.store, func(c *Caller) {
		kept = c
		runtime.Goexit()
	})
	instance := Instantiate(t, w.store, callerWat("memory", 1), host)
	done := make(chan struct{})
	go func() {
		defer close(done)
		Call(t, w.store, instance, "run", 1)
	}()
	<-done
	uses := callerUses(t, w, kept)
	delete(uses, "Caller.Data")
	delete(uses, "Caller.Context")
	wantRefused(t, uses, ErrClosed, "lost")
}
