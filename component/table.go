package component

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/gowasmtime/wasmtime"
)

// Table holds the Go values that guests of a store own, and those that the program puts there. Most programs need it
// for one thing: values that are made of others, and must be gone before them. It belongs to a store, and is used as
// that is. See wasmtime::component::ResourceTable.
type Table struct{ state *state }

// TableOf returns the table of a store. It panics if the store is closed or in use by another goroutine.
func TableOf(store wasmtime.Storelike) *Table {
	inside, outermost := mustEnter(store)
	defer inside.Leave(outermost)
	return &Table{stateOf(inside)}
}

// Push puts a value into the table before a guest owns it. A host function that returns it as an own gives it to the
// guest; otherwise it stays until [Table.Delete], or until the store is closed, which closes it. A value that cannot be
// compared, or is in the table already, is an error, and so is one too many: see [SetLimits].
func (t *Table) Push(value any) error { return t.PushChild(value, nil) }

// PushChild is Push for a value that is made of another one in the table, such as a stream of a file: as long as it is
// there, a guest that drops the parent, or gives it back, ends with an error that wraps [ErrHasChildren]. A parent that
// is not in the table is an error that wraps [ErrHandle].
func (t *Table) PushChild(value, parent any) error {
	return t.within(func(table *table) error {
		index := table.indexed()
		if !findable(value) {
			return errorf(nil, "a %T cannot be found in the table: push a pointer", value)
		}
		if _, ok := index[value]; ok {
			return errorf(nil, "the value is in the table already")
		}
		at := uint32(0)
		if parent != nil {
			var ok bool
			if !findable(parent) {
				return errorf(ErrHandle, "the parent, a %T, is not in the table", parent)
			}
			if at, ok = index[parent]; !ok {
				return errorf(ErrHandle, "the parent, a %T, is not in the table", parent)
			}
		}
		_, err := table.add(entry{value: value, parent: at, pushed: true})
		return err
	})
}

// Delete takes a value out of the table that no guest owns. It does not close the value. One that has children is an
// error that wraps [ErrHasChildren]; one that is not there, or is a guest's, an error that wraps [ErrHandle].
func (t *Table) Delete(value any) error {
	return t.within(func(table *table) error {
		rep, ok := table.lookUp(value)
		switch {
		case !ok:
			return errorf(ErrHandle, "the value is not in the table")
		case !table.entries[rep-1].pushed:
			return errorf(ErrHandle, "the value belongs to a guest")
		}
		_, err := table.remove(rep)
		return err
	})
}

// Contains tells whether a value is in the table. It panics if the store is closed or in use by another goroutine.
func (t *Table) Contains(value any) (found bool) {
	err := t.within(func(table *table) error {
		_, found = table.lookUp(value)
		return nil
	})
	if err != nil {
		panic(err.Error())
	}
	return found
}

// Len returns how many values are in the table. It panics if the store is closed or in use by another goroutine.
func (t *Table) Len() (n int) {
	err := t.within(func(table *table) error {
		n = table.count
		return nil
	})
	if err != nil {
		panic(err.Error())
	}
	return n
}

// within runs f with the store entered.
func (t *Table) within(f func(*table) error) error {
	if t == nil || t.state == nil {
		return isNil("table")
	}
	outermost, err := t.state.store.Enter()
	if err != nil {
		return err
	}
	defer t.state.store.Leave(outermost)
	return f(&t.state.table)
}

// table is what a Table stands for. Guests know a value by its index plus one.
type table struct {
	entries []entry
	unused  []uint32
	// count is how many entries are used, and limit how many may be.
	count, limit int
	// index finds values; nil until somebody looks for one.
	index map[any]uint32
	// given are the values that the message that is being written gives to a guest, and lent those that guests have
	// been lent by the calls that go on.
	given, lent []uint32
	// taken are the values that the message that is being read has given back so far.
	taken []any
	// exceeded says that what a host function returns is more than a guest may own.
	exceeded error
}

// entry is a value in a table.
type entry struct {
	value any
	def   *resourceDef
	// parent is the number of another, 0 for none, and children the number of those whose parent this is.
	parent   uint32
	children int
	// pushed says that no guest owns it yet.
	pushed bool
	// onLoan says that it is there for a call only.
	onLoan bool
	// older and newer are the numbers of entries with the same value, 0 for none. The index has the newest.
	older, newer uint32
}

// mostResources is the limit at first.
const mostResources = 65536

// add puts an entry into the table.
func (t *table) add(e entry) (rep uint32, err error) {
	if t.count >= t.limit {
		return 0, errorf(ErrTooManyHandles, "%v: there may be %d, see SetLimits", ErrTooManyHandles, t.limit)
	}
	return t.put(e), nil
}

// put is add without a limit.
func (t *table) put(e entry) (rep uint32) {
	t.count++
	if n := len(t.unused); n > 0 {
		rep = t.unused[n-1]
		t.unused = t.unused[:n-1]
		t.entries[rep-1] = e
	} else {
		t.entries = append(t.entries, e)
		rep = uint32(len(t.entries))
	}
	if e.parent != 0 {
		t.entries[e.parent-1].children++
	}
	if t.index != nil {
		t.enlist(rep)
	}
	return rep
}

// findable tells whether a value can be found by comparison: its type does not say so, which may have an interface in
// it that has a slice, and what has a NaN in it is not even equal to itself.
func findable(value any) bool {
	return value != nil && reflect.ValueOf(value).Comparable() && value == value //nolint:staticcheck // see above
}

// indexed returns the index.
func (t *table) indexed() map[any]uint32 {
	if t.index == nil {
		t.index = map[any]uint32{}
		for i := range t.entries {
			t.enlist(uint32(i + 1))
		}
	}
	return t.index
}

// enlist puts an entry into the index, before others with the same value.
func (t *table) enlist(rep uint32) {
	e := &t.entries[rep-1]
	if e.onLoan || !findable(e.value) {
		return
	}
	if e.older = t.index[e.value]; e.older != 0 {
		t.entries[e.older-1].newer = rep
	}
	t.index[e.value] = rep
}

// delist takes an entry out of the index; others with the same value stay.
func (t *table) delist(rep uint32) {
	e := &t.entries[rep-1]
	if e.older != 0 {
		t.entries[e.older-1].newer = e.newer
	}
	switch {
	case e.newer != 0:
		t.entries[e.newer-1].older = e.older
	case e.onLoan || !findable(e.value):
	case e.older != 0:
		t.index[e.value] = e.older
	default:
		delete(t.index, e.value)
	}
}

// lookUp finds a value.
func (t *table) lookUp(value any) (rep uint32, ok bool) {
	if !findable(value) {
		return 0, false
	}
	rep, ok = t.indexed()[value]
	return rep, ok
}

// at returns an entry of a resource.
func (t *table) at(rep uint32, def *resourceDef) (*entry, error) {
	if rep == 0 || uint64(rep) > uint64(len(t.entries)) || t.entries[rep-1].def != def {
		return nil, fmt.Errorf("%w: there is no resource %d of this type", ErrHandle, rep)
	}
	return &t.entries[rep-1], nil
}

// get returns the value of an entry.
func (t *table) get(rep uint32, def *resourceDef) (any, error) {
	e, err := t.at(rep, def)
	if err != nil {
		return nil, err
	}
	return e.value, nil
}

// receive is take for a value that a message gives back.
func (t *table) receive(rep uint32, def *resourceDef) (any, error) {
	value, err := t.take(rep, def)
	if err == nil {
		t.taken = append(t.taken, value)
	}
	return value, err
}

// received says that the message has been read, and that the program has its values.
func (t *table) received() {
	clear(t.taken)
	t.taken = t.taken[:0]
}

// refuse says that the message cannot be read to its end, so that nobody has its values: they are closed. What has not
// been reached stays in the table, and is closed with the store.
func (t *table) refuse() {
	c := closing{entries: make([]entry, len(t.taken))}
	for i, value := range t.taken {
		c.entries[i].value = value
		c.ready = append(c.ready, i)
	}
	t.received()
	c.all()
}

// take removes an entry that a guest owns no more, and returns its value.
func (t *table) take(rep uint32, def *resourceDef) (any, error) {
	if _, err := t.at(rep, def); err != nil {
		return nil, err
	}
	return t.remove(rep)
}

// remove removes an entry and returns its value.
func (t *table) remove(rep uint32) (any, error) {
	e := t.entries[rep-1]
	if e.children > 0 {
		return nil, errorf(ErrHasChildren, "%v: %d", ErrHasChildren, e.children)
	}
	t.count--
	if e.parent != 0 {
		t.entries[e.parent-1].children--
	}
	if t.index != nil {
		t.delist(rep)
	}
	t.entries[rep-1] = entry{}
	t.unused = append(t.unused, rep)
	return e.value, nil
}

// give gives a value to a guest.
func (t *table) give(value any, def *resourceDef) (rep uint32, err error) {
	if t.index != nil {
		if rep, ok := t.lookUp(value); ok && t.entries[rep-1].pushed {
			e := &t.entries[rep-1]
			e.pushed, e.def = false, def
			t.given = append(t.given, rep|wasPushed)
			return rep, nil
		}
	}
	rep, err = t.add(entry{value: value, def: def})
	if err == nil {
		t.given = append(t.given, rep)
	}
	return rep, err
}

// answer is give for what a host function returns. The function has let go of the value: one that is too many is in the
// table nevertheless, to be closed with the store, and exceeded says so when the message has been written.
func (t *table) answer(value any, def *resourceDef) uint32 {
	rep, err := t.give(value, def)
	if err != nil {
		t.exceeded = err
		rep = t.put(entry{value: value, def: def})
		t.given = append(t.given, rep)
	}
	return rep
}

// strand says that no guest has what a host function has returned, nor will have it: it is closed with the store.
func (t *table) strand(m marks) {
	for _, rep := range t.given[m.given:] {
		e := &t.entries[rep&^wasPushed-1]
		e.pushed, e.def = true, nil
	}
	t.settle(m)
}

// wasPushed marks one of given that was in the table before. There are never as many values.
const wasPushed = 1 << 31

// lend lends a value to a guest until giveBack.
func (t *table) lend(value any, def *resourceDef) (rep uint32, err error) {
	rep, err = t.add(entry{value: value, def: def, onLoan: true})
	if err == nil {
		t.lent = append(t.lent, rep)
	}
	return rep, err
}

// marks say where in given and lent a message begins. Messages of calls within calls come behind.
type marks struct{ given, lent int }

func (t *table) mark() marks { return marks{len(t.given), len(t.lent)} }

// settle says that guests have what the message gave them.
func (t *table) settle(m marks) { t.given = t.given[:m.given] }

// passed says that a guest has been called with the message. Most messages have given and lent nothing.
func (t *table) passed(m marks) {
	if len(t.given) > m.given || len(t.lent) > m.lent {
		t.settle(m)
		t.giveBack(m)
	}
}

// takeBack says that no guest has seen the message.
func (t *table) takeBack(m marks) {
	for _, rep := range slices.Backward(t.given[m.given:]) {
		if rep&wasPushed != 0 {
			e := &t.entries[rep&^wasPushed-1]
			e.pushed, e.def = true, nil
			continue
		}
		_, _ = t.remove(rep) // which has no children: nobody knows it
	}
	t.settle(m)
	t.giveBack(m)
}

// giveBack ends the loans of a call.
func (t *table) giveBack(m marks) {
	for _, rep := range t.lent[m.lent:] {
		_, _ = t.remove(rep)
	}
	t.lent = t.lent[:m.lent]
}

// closeAll closes all values that guests own, or that were pushed, children before their parents. It goes on after a
// panic, and panics with the first value in the end; after runtime.Goexit, too.
func (t *table) closeAll() {
	c := closing{entries: t.entries}
	*t = table{}
	for i, e := range c.entries {
		if e.value != nil && e.children == 0 {
			c.ready = append(c.ready, i)
		}
	}
	c.all()
}

// closing are values that are being closed.
type closing struct {
	entries []entry
	// ready are those whose children have been closed.
	ready []int
	// panicked is what the first one has panicked with.
	panicked any
}

// all closes everything, and panics in the end with what a value has panicked with.
func (c *closing) all() {
	c.rest()
	if c.panicked != nil {
		panic(c.panicked)
	}
}

// rest closes what has not been closed.
func (c *closing) rest() {
	for len(c.ready) > 0 {
		i := c.ready[len(c.ready)-1]
		c.ready = c.ready[:len(c.ready)-1]
		e := &c.entries[i]
		if e.parent != 0 {
			parent := &c.entries[e.parent-1]
			if parent.children--; parent.children == 0 {
				c.ready = append(c.ready, int(e.parent-1))
			}
		}
		if !e.onLoan {
			c.one(e.value)
		}
	}
}

func (c *closing) one(value any) {
	returned := false
	defer func() {
		switch panicked := recover(); {
		case panicked != nil && c.panicked == nil:
			c.panicked = panicked
		case panicked == nil && !returned: // runtime.Goexit
			c.rest()
		}
	}()
	_ = closeValue(value)
	returned = true
}
