//go:build linux

package matrix_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	"github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

// The probe is a component here: the module with Wasmtime's adapter, which makes calls of WASI 0.2 of those of 0.1. The
// object is a descriptor of wasi:filesystem, or a standard stream.

// given is a way to give a component the object.
type given struct {
	variant
	// source is the descriptor that the adapter makes of it.
	source int
}

var (
	asDescriptor = given{variant{name: "descriptor", open: sameMode}, 5}
	asServed     = given{variant{name: "served", open: sameMode, root: true}, 5}
	asStdin      = given{variant{name: "stdin", open: sameMode}, 0}
	asStdout     = given{variant{name: "stdout", open: sameMode}, 1}
)

// givens are the ways to give a component an object for an operation: those of which the adapter leaves something to be
// compared.
func (c *cell) givens() (all []given) {
	k, op := c.kind, c.op
	add := func(g given) {
		if !c.adaptersOwn(g) {
			all = append(all, g)
		}
	}
	if adapters.MatchString(op.name) || strings.HasSuffix(k.name, "-listener") {
		return nil
	}
	if k.directory {
		if c.nonblock {
			return nil // which the adapter refuses for what is no file
		}
		add(asDescriptor)
		if c.mode == readWrite {
			add(asServed)
		}
		return all
	}
	// A descriptor of WASI 0.2 has no position, so it begins at the start.
	if !k.socket && (k.name != "file" || c.situation.name == "content" || c.situation.name == "empty") {
		add(asDescriptor)
	}
	if c.nonblock {
		return all
	}
	if c.mode == readOnly && op.class != "writes" {
		add(asStdin)
	}
	if c.mode == writeOnly && op.class != "reads" {
		add(asStdout)
	}
	return all
}

// commands is a bench with the component.
type commands struct {
	*bench
	pre *component.InstancePre
}

func newCommands(t *testing.T) *commands {
	t.Helper()
	b := &commands{bench: newBench(t)}
	config := NewConfig()
	config.SetEpochInterruption(true)
	engine := NewEngineWithConfig(config)
	t.Cleanup(engine.Close)
	program, err := component.New(engine, guests.Component("probe"))
	check(t, err)
	t.Cleanup(program.Close)
	linker := component.NewLinker(engine)
	t.Cleanup(linker.Close)
	check(t, linker.DefineWasi())
	check(t, linker.Instance("wasi:filesystem/preopens@0.2.0").Func("get-directories", b.directories))
	b.pre, err = linker.InstantiatePre(program)
	check(t, err)
	t.Cleanup(b.pre.Close)
	return b
}

// preopened is an item of what get-directories returns.
type preopened struct {
	Descriptor *component.Resource
	Name       string
}

// directories hands over what the store has at the numbers of the program, whether it is a directory or not. The
// adapter takes its descriptors of the first call, and then only wants names.
func (b *commands) directories(c *Caller) (all []preopened, err error) {
	for _, fd := range []uint32{nullFd, quietFd, objectFd} {
		descriptor, err := component.WasiDescriptor(c, fd)
		if errors.Is(err, ErrBadFd) {
			var again uint32
			if again, err = c.PushFile(b.null, READ_ONLY); err == nil {
				descriptor, err = component.WasiDescriptor(c, again)
			}
		}
		if err != nil {
			return nil, err
		}
		all = append(all, preopened{descriptor, fmt.Sprint(fd)})
	}
	return all, nil
}

// run runs the component, which is given the object.
func (b *commands) run(w *workplace, c *cell, g given, o *object, patience time.Duration) result {
	config := NewWasiConfig()
	config.SetArgv(append([]string{"probe", fmt.Sprint(g.source)}, c.args()...))
	mode := [...]WasiFileAccessMode{readOnly: READ_ONLY, writeOnly: WRITE_ONLY, readWrite: READ_WRITE}[c.mode]
	command := &component.Command{Pre: b.pre, Wasi: config, Prepare: func(store *Store) error {
		must(store.InsertFile(2, w.out, WRITE_ONLY))
		must(store.InsertFile(nullFd, w.null, READ_WRITE))
		must(store.InsertFile(quietFd, w.quiet, READ_ONLY))
		if g.source < 2 {
			return store.InsertFile(uint32(g.source), o.file, mode)
		}
		return g.give(store, o, mode)
	}}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan string, 1)
	go func() {
		if err := command.Run(ctx); err != nil {
			text := strings.ReplaceAll(err.Error(), "\n", " ")
			done <- fmt.Sprint(" the program failed: ", text)
		}
		close(done)
	}()
	r := w.await(o, done, patience)
	if r.waited == stuck {
		cancel()
		<-done
		w.output()
	}
	return r
}

// componentGroup are cells that share a run of the oracle.
type componentGroup struct {
	cell   *cell
	givens []given
}

func (b *commands) groups(k *kind) (groups []componentGroup) {
	for _, group := range b.bench.groups(k) {
		c := group[0]
		if givens := c.givens(); len(givens) > 0 {
			groups = append(groups, componentGroup{c, givens})
		}
	}
	return groups
}

// compare runs a group and returns what differs, as text.
func (b *commands) compare(w *workplace, group componentGroup) (differences []string) {
	left := group.givens
	for _, patience := range patience {
		differences = nil
		oracle := group.cell.oracle(w, patience)
		var again []given
		for _, g := range left {
			c := *group.cell
			c.variant = g.variant
			want := c.expectOf(g, oracle)
			got := c.run(w, c.kind.nativeMode(c.mode), false, func(o *object) result { return b.run(w, &c, g, o, patience) })
			if !c.matchesOf(g, want, got) {
				again = append(again, g)
				differences = append(differences, fmt.Sprintf("%s:\n\tnative %s\n\twanted %s\n\tgot    %s", &c, oracle, want, got))
			}
		}
		if left = again; len(left) == 0 {
			return nil
		}
	}
	return differences
}

func TestMatrixOfComponents(t *testing.T) {
	b := newCommands(t)
	total := 0
	for i := range kinds {
		k := &kinds[i]
		t.Run(k.name, func(t *testing.T) {
			start := time.Now()
			var jobs []func(*workplace)
			var mutex sync.Mutex
			cells, failed := 0, 0
			for i, group := range b.groups(k) {
				if i%testkit.Sample(1, sampledComponents) != 0 {
					continue
				}
				cells += len(group.givens)
				jobs = append(jobs, func(w *workplace) {
					for _, text := range b.compare(w, group) {
						mutex.Lock()
						if failed++; failed <= most {
							t.Error(text)
						}
						mutex.Unlock()
					}
				})
			}
			b.workers(t, 16, jobs)
			total += cells
			t.Logf("%d cells, %d of them differ, %d runs of the oracle, in %v", cells, failed, len(jobs), time.Since(start).Round(time.Millisecond))
		})
	}
	t.Logf("%d cells", total)
}
