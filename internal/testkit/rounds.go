package testkit

import (
	"flag"
	"testing"
)

// Whole says that tests which are samples of something larger are to be the whole of it: go test -whole, in packages
// whose tests import this one.
var Whole = flag.Bool("whole", false, "everything of which some tests otherwise take a sample")

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

// Sample is the whole number if that is asked for, else that of the sample.
func Sample(whole, sample int) int {
	if *Whole {
		return whole
	}
	return sample
}
