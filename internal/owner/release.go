//go:build !amd64 || race

package owner

func (l *Lock) release() { l.state.Store(free) }
