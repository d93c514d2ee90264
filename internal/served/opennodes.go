package served

import (
	"strings"
	"sync"
)

// openNodes are what a guest has open of a file system that can be written. Nodes are known by their names, so they
// have to hear what becomes of these. Only the guest's own changes are heard.
type openNodes struct {
	mu  sync.Mutex
	all map[*node]struct{}
}

func (o *openNodes) add(n *node) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.all == nil {
		o.all = map[*node]struct{}{}
	}
	o.all[n] = struct{}{}
}

func (o *openNodes) remove(n *node) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.all, n)
}

// removed says that nothing has a name any more. It is called by whoever has the mount's turn.
func (o *openNodes) removed(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for n := range o.all {
		if n.path == name {
			n.removed = true
		}
	}
}

// renamed says that what had a name has another one, which nothing else has any more. It is called by whoever has the
// mount's turn.
func (o *openNodes) renamed(from, to string) {
	o.removed(to)
	o.mu.Lock()
	defer o.mu.Unlock()
	for n := range o.all {
		if below, ok := strings.CutPrefix(n.path, from); ok && !n.removed && (below == "" || below[0] == '/') {
			n.path = to + below
		}
	}
}
