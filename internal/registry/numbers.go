package registry

import "sync"

const (
	// ChunkSize is how many entries a chunk of a table has.
	ChunkSize = 1024
	// MaxChunks is how many chunks a table has at most.
	MaxChunks = 8192
)

// Numbers hands out the indices of a table that grows by chunks of [ChunkSize], each index to one holder at a time,
// and those that came back first. Its zero value has handed out nothing. It is safe for concurrent use.
type Numbers struct {
	mu     sync.Mutex
	next   uint64
	unused []uint64
}

// Take returns a number that nobody has. Before the first number of a chunk, grow makes the chunk. Take panics when
// the numbers of [MaxChunks] chunks are taken.
func (n *Numbers) Take(grow func(chunk uint64)) uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if last := len(n.unused) - 1; last >= 0 {
		i := n.unused[last]
		n.unused = n.unused[:last]
		return i
	}
	i := n.next
	if i%ChunkSize == 0 {
		if i/ChunkSize >= MaxChunks {
			panic("wasmtime: more than eight million stores, host functions or descriptors are alive")
		}
		grow(i / ChunkSize)
	}
	n.next++
	return i
}

// GiveBack lets another have a number.
func (n *Numbers) GiveBack(i uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.unused = append(n.unused, i)
}
