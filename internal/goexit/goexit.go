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
	var pcs [64]uintptr
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		for frames, more := runtime.CallersFrames(pcs[:n]), n > 0; more; {
			var frame runtime.Frame
			frame, more = frames.Next()
			switch {
			case frame.Function == "runtime.Goexit":
				return true
			case strings.HasSuffix(frame.Function, below):
				return false
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}
