package served

// table has the descriptors that the guests of a store have, each by the lower part of its number. It is used by the
// goroutine that uses the store.
type table struct {
	all []*Descriptor
	// few is room for as many as most stores have.
	few [3]*Descriptor
	// free is at most the first place where there is none.
	free int
}

// tableBits is where the number of the store begins in a descriptor's number.
const tableBits = 32

// add keeps a descriptor, and returns the lower part of a number for it.
func (t *table) add(d *Descriptor) (index uint64) {
	if t.all == nil {
		t.all = t.few[:0]
	}
	for t.free < len(t.all) && t.all[t.free] != nil {
		t.free++
	}
	i := t.free
	t.free++
	if i == len(t.all) {
		t.all = append(t.all, d)
	} else {
		t.all[i] = d
	}
	return uint64(i)
}

// get returns the descriptor with a number.
func (t *table) get(number uint64) *Descriptor { return t.all[uint32(number)] }

// remove forgets the descriptor with a number.
func (t *table) remove(number uint64) {
	i := int(uint32(number))
	t.all[i] = nil
	t.free = min(t.free, i)
}
