package testkit

// Rounds shortens a storm in the modes that slow everything down: n is the number of rounds in others.
func Rounds(n int) int {
	if Debug {
		return max(n/50, 1)
	}
	if Race {
		return max(n/5, 1)
	}
	return n
}
