//go:build linux

// The matrix: every kind of object in every situation, with every operation, access mode and blocking mode. What a
// guest finds is compared with what the same program, compiled for Linux, finds.
package matrix_test

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/internal/testkit"
)

// cell is one point of the matrix.
type cell struct {
	kind      *kind
	situation situation
	op        operation
	// mode is the access mode that is to be found.
	mode int
	// nonblock says that the program sets O_NONBLOCK.
	nonblock bool
	variant  variant
}

// variant is a way to give a guest the object.
type variant struct {
	name string
	// open and insert are the modes with which the host opens the object and gives it to the guest; 0 for insert stands
	// for the cell's.
	open   int
	insert WasiFileAccessMode
	// nonblock says that the host's own side has O_NONBLOCK, which must make no difference.
	nonblock bool
	// root says that a directory is given as an os.Root, which Go serves.
	root bool
}

const sameMode = -1

var (
	plain      = variant{name: "plain", open: sameMode}
	hostAsync  = variant{name: "host-nonblock", open: sameMode, nonblock: true}
	hostLimits = variant{name: "limited-by-host", open: sameMode, insert: READ_WRITE}
	modeLimits = variant{name: "limited-by-mode", open: readWrite}
	asRoot     = variant{name: "root", open: sameMode, root: true}
)

func (c *cell) String() string {
	blocking := "blocking"
	if c.nonblock {
		blocking = "nonblock"
	}
	mode := [...]string{readOnly: "read", writeOnly: "write", readWrite: "both"}[c.mode]
	return strings.Join([]string{c.kind.name, c.situation.name, mode, blocking, c.op.name, c.variant.name}, "/")
}

// give gives the guest the object.
func (v variant) give(store *Store, o *object, mode WasiFileAccessMode) error {
	if !v.root {
		return store.InsertFile(objectFd, o.file, mode)
	}
	root, err := os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", o.fd))
	if err != nil {
		return err
	}
	o.cleanup = append(o.cleanup, func() { root.Close() })
	return store.InsertFS(objectFd, Writable(root), "")
}

// args are the program's arguments.
func (c *cell) args() []string {
	if c.nonblock {
		return []string{c.op.name, "nonblock"}
	}
	return []string{c.op.name}
}

// oracle runs the native program in the cell.
func (c *cell) oracle(w *workplace, patience time.Duration) result {
	return c.run(w, c.kind.nativeMode(c.mode), false, func(o *object) result { return w.native(o, c.args(), patience) })
}

// subject runs the guest in the cell.
func (c *cell) subject(w *workplace, patience time.Duration) result {
	open, insert := c.variant.open, c.variant.insert
	if open == sameMode {
		open = c.kind.nativeMode(c.mode)
	}
	if insert == 0 {
		insert = [...]WasiFileAccessMode{readOnly: READ_ONLY, writeOnly: WRITE_ONLY, readWrite: READ_WRITE}[c.mode]
	}
	return c.run(w, open, c.variant.nonblock, func(o *object) result {
		return w.guest(o, c.args(), func(store *Store) error { return c.variant.give(store, o, insert) }, patience)
	})
}

func (c *cell) run(w *workplace, mode int, nonblock bool, program func(*object) result) result {
	o := c.situation.make(w, mode, nonblock)
	defer o.close()
	r := program(o)
	if o.observe != nil && r.waited != stuck {
		r.after = o.observe()
	}
	return r
}

// nativeMode is the mode with which the operating system opens the object for a mode.
func (k *kind) nativeMode(mode int) int {
	if k.socket || k.directory {
		return k.modes[0]
	}
	return mode
}

// applies tells whether an operation is worth a cell.
func (k *kind) applies(op operation, mode int) bool {
	switch {
	case k.socket && mode != readWrite:
		return oneDirection[op.name]
	case k.directory:
		return true
	}
	return op.class != "looks" && op.class != "changes"
}

// oneDirection are the operations that make a single call, of which one can say what becomes of it when a socket may be
// used in one direction only.
var oneDirection = map[string]bool{
	"read_some": true, "read_nothing": true, "readv_three": true, "recv_some": true, "recv_nothing": true,
	"write_some": true, "write_nothing": true, "writev_three": true, "send_some": true, "send_nothing": true,
	"attributes": true, "socket_type": true, "close_twice": true,
}

// variants are the ways to give a guest an object of this kind.
func (k *kind) variants(mode int) []variant {
	all := []variant{plain}
	if !k.directory {
		all = append(all, hostAsync)
	} else if mode == readWrite {
		all = append(all, asRoot)
	}
	if k.narrows && mode != readWrite {
		all = append(all, hostLimits, modeLimits)
	}
	return all
}

// guestModes are the modes with which guests are given an object of this kind.
func (k *kind) guestModes() []int {
	switch {
	case k.socket:
		return allModes
	case k.directory:
		return []int{readOnly, readWrite}
	}
	return k.modes
}

// groups are the cells of a kind, those together that share one run of the oracle.
func (b *bench) groups(k *kind) (groups [][]*cell) {
	for _, s := range k.situations {
		for _, mode := range k.guestModes() {
			for _, nonblock := range []bool{false, true} {
				for _, op := range b.operations {
					if !k.applies(op, mode) {
						continue
					}
					var group []*cell
					for _, v := range k.variants(mode) {
						if v == hostLimits && strings.HasPrefix(op.name, "times_") {
							continue // whether it may be changed is up to the guest's mode
						}
						group = append(group, &cell{k, s, op, mode, nonblock, v})
					}
					groups = append(groups, group)
				}
			}
		}
	}
	return groups
}

// patience is how long a program may take before it counts as waiting. A cell that differs is tried again with more:
// a busy machine is not a mismatch.
var patience = []time.Duration{50 * time.Millisecond, 300 * time.Millisecond, time.Second, time.Second}

// compare runs a group and returns what differs, as text.
func compare(w *workplace, group []*cell) (differences []string) {
	left := group
	for _, patience := range patience {
		differences = nil
		oracle := left[0].oracle(w, patience)
		var again []*cell
		for _, c := range left {
			want := c.expect(oracle)
			got := c.subject(w, patience)
			if !c.matches(want, got) {
				again = append(again, c)
				differences = append(differences, fmt.Sprintf("%s:\n\tnative %s\n\twanted %s\n\tgot    %s", c, oracle, want, got))
			}
		}
		if left = again; len(left) == 0 {
			return nil
		}
	}
	return differences
}

// supported tells whether the library can insert objects of a kind.
func (b *bench) supported(t *testing.T, k *kind) bool {
	t.Helper()
	w := b.newWorkplace(t)
	o := k.situations[0].make(w, k.nativeMode(k.modes[0]), false)
	defer o.close()
	store := NewStore(b.engine)
	defer store.Close()
	store.SetWasi(NewWasiConfig())
	err := store.InsertFile(objectFd, o.file, READ_WRITE)
	if errors.Is(err, ErrUnsupported) {
		return false
	}
	check(t, err)
	return true
}

// most is how many differences of a kind are shown, or as many as MATRIX_MOST says.
var most = func() int {
	if n, err := strconv.Atoi(os.Getenv("MATRIX_MOST")); err == nil {
		return n
	}
	return 50
}()

// stride says that only every so many-th run of the oracle is made, and its cells, but for go test -whole. It shares no
// factor with the number of operations, so that none is left out.
func stride() int { return testkit.Sample(1, sampled) }

func TestMatrix(t *testing.T) {
	b := newBench(t)
	total := 0
	for i := range kinds {
		k := &kinds[i]
		t.Run(k.name, func(t *testing.T) {
			if !b.supported(t, k) {
				t.Skip("the library cannot insert it: ", ErrUnsupported)
			}
			start := time.Now()
			var jobs []func(*workplace)
			var mutex sync.Mutex
			cells, failed := 0, 0
			for i, group := range b.groups(k) {
				if i%stride() != 0 {
					continue
				}
				cells += len(group)
				jobs = append(jobs, func(w *workplace) {
					for _, text := range compare(w, group) {
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
