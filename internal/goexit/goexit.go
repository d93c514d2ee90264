// Package goexit tells a panic from a goroutine that ends.
package goexit

import (
	"runtime"
	"strings"
)

// Running tells a deferred function whether [runtime.Goexit] is ending the goroutine, and not a panic alone: a panic
// in a function that Goexit runs can be recovered, and Goexit goes on. below is the function that called the user's,
// as the runtime spells it, or the end of that name: what Goexit ended below it does not count.
func Running(below string) bool {
	for name := range Stack {
		switch {
		case name == "runtime.Goexit":
			return true
		case strings.HasSuffix(name, below):
			return false
		}
	}
	return false
}

// Stack yields the names of the functions that the goroutine is in, as the runtime spells them, the innermost first.
func Stack(yield func(name string) bool) {
	var pcs [64]uintptr
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		for frames, more := runtime.CallersFrames(pcs[:n]), n > 0; more; {
			var frame runtime.Frame
			if frame, more = frames.Next(); !yield(frame.Function) {
				return
			}
		}
		if n < len(pcs) {
			return
		}
	}
}
