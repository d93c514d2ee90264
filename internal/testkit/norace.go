//go:build !race

package testkit

// Race says that the race detector is on, which slows Go down.
const Race = false
