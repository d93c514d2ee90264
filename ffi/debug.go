//go:build debug

package ffi

import (
	"maps"
	"runtime"
	"sync"
)

var live struct {
	sync.Mutex
	counts map[string]int
}

// crossing is called before the native library is: with the build tag debug it collects garbage, so that a handle that
// is used without being kept alive is found.
func crossing() { runtime.GC() }

// track counts the live handles of a kind.
func track(kind string, delta int) {
	live.Lock()
	defer live.Unlock()
	if live.counts == nil {
		live.counts = map[string]int{}
	}
	live.counts[kind] += delta
}

// Live returns how many handles of each kind are live. It counts only with the build tag debug, and is nil without.
func Live() map[string]int {
	live.Lock()
	defer live.Unlock()
	return maps.Clone(live.counts)
}
