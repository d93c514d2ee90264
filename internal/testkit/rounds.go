package testkit

import "testing"

// Rounds shortens a storm in the modes that slow everything down, and for a first look, which -short is: n is the
// number of rounds in others.
func Rounds(n int) int {
	if Debug {
		n /= 50
	} else if Race {
		n /= 5
	}
	if testing.Short() {
		n /= 10
	}
	return max(n, 1)
}
