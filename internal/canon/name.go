package canon

import "strings"

// SameName tells whether a Go name stands for a WIT name where nothing else is said: they are the same but for
// hyphens, underscores and case. GetURL is get-url, and IPv4Address is ipv4-address.
func SameName(goName, wit string) bool { return folded(goName) == folded(wit) }

// folded is what is compared of a name.
func folded(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '-' || r == '_':
			return -1
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return r
	}, name)
}
