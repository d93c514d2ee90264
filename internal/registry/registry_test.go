package registry_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gowasmtime/wasmtime/internal/registry"
)

func TestRegistry(t *testing.T) {
	var r registry.Registry[int]
	families := []*registry.Family[int]{{}, {}, {}}
	things, numbers := make([]int, 3*registry.ChunkSize), make([]uint64, 3*registry.ChunkSize)
	for i := range things {
		things[i], numbers[i] = i, r.Add(families[i%3], &things[i])
	}
	for i, number := range numbers {
		if got := r.Get(number); got != &things[i] {
			t.Fatalf("number %#x is thing %d, not %d", number, *got, i)
		}
		for j, family := range families {
			if got := family.Get(number); (got == &things[i]) != (j == i%3) {
				t.Fatalf("number %#x of family %d is there in family %d: %v", number, i%3, j, got != nil)
			}
		}
	}
	r.Remove(numbers[7])
	if r.Get(numbers[7]) != nil || families[1].Get(numbers[7]) != nil {
		t.Error("what was removed is there")
	}
	if got := r.Add(families[1], &things[0]); got != numbers[7] {
		t.Errorf("the free number is %#x, not %#x", numbers[7], got)
	}
	if families[0].Empty() || !(&registry.Family[int]{}).Empty() {
		t.Error("the wrong family is empty")
	}
}

// A registry keeps nothing: a family is collected with its things, also when they lead back to it. Then its numbers are
// nobody's, also when another family is where it was, and C may still say that they are gone.
func TestRegistryKeepsNothing(t *testing.T) {
	type thing struct {
		family *registry.Family[thing]
	}
	var r registry.Registry[thing]
	var gone atomic.Int32
	lost := func() uint64 {
		f := &registry.Family[thing]{}
		runtime.AddCleanup(f, func(gone *atomic.Int32) { gone.Add(1) }, &gone)
		return r.Add(f, &thing{f})
	}
	number := lost()
	for range 20 {
		if runtime.GC(); gone.Load() > 0 {
			break
		}
	}
	if gone.Load() != 1 || r.Get(number) != nil {
		t.Fatal("a family that nobody can reach is there")
	}
	var next *registry.Family[thing]
	for range 1000 { // until the number of the family has come back, which a cleanup brings
		f := &registry.Family[thing]{}
		mine := &thing{f}
		again := r.Add(f, mine)
		if again == number {
			t.Fatalf("another family has the same number %#x", number)
		}
		r.Remove(number)
		if r.Get(number) != nil || r.Get(again) != mine {
			t.Fatal("a number of a family that is gone is that of another's thing")
		}
		next = f
	}
	runtime.KeepAlive(next)
}

// Things are found while others are added.
func TestFamilyAtOnce(t *testing.T) {
	var r registry.Registry[int]
	f := &registry.Family[int]{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			mine := make([]int, 500)
			for i := range mine {
				number := r.Add(f, &mine[i])
				if f.Get(number) != &mine[i] || r.Get(number) != &mine[i] {
					t.Errorf("thing %d is lost", i)
				}
				if i%3 == 0 {
					r.Remove(number)
				}
			}
		})
	}
	wg.Wait()
}

// Numbers are each with one holder, also when many take and give back at once.
func TestNumbersAtOnce(t *testing.T) {
	var n registry.Numbers
	var held [4 * registry.ChunkSize]atomic.Bool
	var chunks atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			var mine []uint64
			for round := range 2000 {
				if round%3 == 2 {
					i := mine[0]
					mine = mine[1:]
					held[i].Store(false)
					n.GiveBack(i)
					continue
				}
				if len(mine) >= 400 {
					for _, i := range mine {
						held[i].Store(false)
						n.GiveBack(i)
					}
					mine = nil
				}
				i := n.Take(func(chunk uint64) { chunks.Add(1) })
				if held[i].Swap(true) {
					t.Errorf("number %d is held twice", i)
				}
				mine = append(mine, i)
			}
		})
	}
	wg.Wait()
	if got := chunks.Load(); got < 1 || got > 4 {
		t.Errorf("%d chunks were made", got)
	}
}

func TestNumbersEnd(t *testing.T) {
	var n registry.Numbers
	for range registry.MaxChunks * registry.ChunkSize {
		n.Take(func(uint64) {})
	}
	defer func() {
		if recover() == nil {
			t.Error("there is a number beyond the last")
		}
		n.GiveBack(5)
		if got := n.Take(nil); got != 5 {
			t.Errorf("the free number is 5, not %d", got)
		}
	}()
	n.Take(func(uint64) {})
}

func TestSlab(t *testing.T) {
	var empty *registry.Slab
	empty.Remove(0)
	if empty.Get(0) != nil {
		t.Error("a nil slab has a value")
	}
	var s registry.Slab
	if a, b := s.Add("a"), s.Add("b"); a != 0 || b != 1 || s.Get(0) != "a" || s.Get(1) != "b" || s.Get(2) != nil {
		t.Errorf("numbers %d and %d", a, b)
	}
	s.Remove(0)
	s.Remove(0)
	s.Remove(9)
	if s.Get(0) != nil {
		t.Error("what was removed is there")
	}
	if a, b := s.Add("c"), s.Add("d"); a != 0 || b != 2 {
		t.Errorf("a number that was removed twice is given twice: %d, %d", a, b)
	}
}

// native counts how often it is deleted.
type native struct{ deleted *atomic.Int64 }

func (n native) Delete() { n.deleted.Add(1) }

type owner struct{ handle registry.Handle[native] }

func newOwner() (*owner, *atomic.Int64) {
	o, deleted := &owner{}, new(atomic.Int64)
	registry.Own(&o.handle, o, native{deleted})
	return o, deleted
}

func TestHandleCloses(t *testing.T) {
	o, deleted := newOwner()
	if got := o.handle.Acquire(); got.deleted != deleted {
		t.Error("another native object")
	}
	o.handle.Close()
	o.handle.Close()
	if deleted.Load() != 0 {
		t.Error("deleted while it is used")
	}
	o.handle.Release()
	if deleted.Load() != 1 {
		t.Error("not deleted after the last use")
	}
	o.handle.Close()
	if deleted.Load() != 1 {
		t.Error("deleted twice")
	}
	for _, h := range []*registry.Handle[native]{&o.handle, {}} {
		func() {
			defer func() {
				if value := recover(); value != registry.Closed {
					t.Errorf("the use of a closed handle: %v", value)
				}
			}()
			h.Acquire()
		}()
		h.Close()
	}
}

func TestHandleIsCollected(t *testing.T) {
	o, deleted := newOwner()
	o.handle.Acquire()
	o.handle.Release()
	runtime.KeepAlive(o)
	o = nil
	for deleted.Load() == 0 {
		runtime.GC()
	}
	if deleted.Load() != 1 {
		t.Error("deleted twice")
	}
}

// What was closed is not deleted again when its owner is collected, nor by uses that end after Close.
func TestHandleIsDeletedOnce(t *testing.T) {
	o, deleted := newOwner()
	used, usedDeleted := newOwner()
	used.handle.Acquire()
	used.handle.Acquire()
	used.handle.Close()
	o.handle.Close()
	used.handle.Release()
	if usedDeleted.Load() != 0 {
		t.Error("deleted while it is used")
	}
	used.handle.Release()
	_, last := newOwner() // collected after the others, whose clean-ups have run then
	runtime.KeepAlive(o)
	runtime.KeepAlive(used)
	for last.Load() == 0 {
		runtime.GC()
	}
	if deleted.Load() != 1 || usedDeleted.Load() != 1 {
		t.Errorf("deleted %d and %d times", deleted.Load(), usedDeleted.Load())
	}
}
