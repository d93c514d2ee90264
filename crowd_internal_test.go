package wasmtime

import "testing"

// A call that gives up at the moment when it may begin lets another take its place.
func TestWaitersThatGiveUp(t *testing.T) {
	c := newCrowd(1)
	first, second := &waiter{make(chan struct{})}, &waiter{make(chan struct{})}
	c.queue = []*waiter{first, second}
	c.dequeue(second)
	if len(c.queue) != 1 || c.queue[0] != first || c.coming.Load() != 0 {
		t.Errorf("%d calls wait, %d are coming", len(c.queue), c.coming.Load())
	}
	c.watch() // lets the first begin, and ends
	<-first.begin
	if c.coming.Load() != 1 || c.countLocked() != 0 {
		t.Errorf("%d calls are coming, and %d more may", c.coming.Load(), c.left.Load())
	}
	c.dequeue(first)
	if c.coming.Load() != 0 || c.countLocked() != 1 {
		t.Errorf("%d calls are coming, and %d more may, when all have given up", c.coming.Load(), c.left.Load())
	}
}
