package wasmtime

import "sync"

// chunkSize is how many things a chunk of a table holds.
const chunkSize = 1024

// numbers hands out the numbers of a table, each to one at a time, those that came back first. It is safe for concurrent use.
type numbers struct {
	mu     sync.Mutex
	next   uint64
	unused []uint64
}

// take returns a number that nobody has. Before the first one of a chunk, grow makes the chunk.
func (n *numbers) take(grow func(chunk uint64)) uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if last := len(n.unused) - 1; last >= 0 {
		i := n.unused[last]
		n.unused = n.unused[:last]
		return i
	}
	i := n.next
	if i%chunkSize == 0 {
		grow(i / chunkSize)
	}
	n.next++
	return i
}

// giveBack lets another have a number.
func (n *numbers) giveBack(i uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.unused = append(n.unused, i)
}
