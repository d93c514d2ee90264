package registry

// Slab keeps values under small numbers, which it uses again. A nil one is empty. It is used by one goroutine at a
// time.
type Slab struct {
	values []any
	unused []uint64
}

// Add keeps a value, which is not nil, and returns its number.
func (s *Slab) Add(value any) uint64 {
	if n := len(s.unused); n > 0 {
		i := s.unused[n-1]
		s.unused = s.unused[:n-1]
		s.values[i] = value
		return i
	}
	s.values = append(s.values, value)
	return uint64(len(s.values) - 1)
}

// Get returns the value with a number; nil if there is none.
func (s *Slab) Get(i uint64) any {
	if s == nil || i >= uint64(len(s.values)) {
		return nil
	}
	return s.values[i]
}

// Remove forgets the value with a number that Add returned. What is forgotten already stays so.
func (s *Slab) Remove(i uint64) {
	if s != nil && i < uint64(len(s.values)) && s.values[i] != nil {
		s.values[i] = nil
		s.unused = append(s.unused, i)
	}
}
