package main

import (
	"strings"

	"github.com/gowasmtime/wasmtime/internal/near"
)

// suggest returns the end of a sentence that names what may have been meant; "" if nothing is near.
func suggest(name string, known []string) string {
	names := near.Names(name, known)
	if len(names) == 0 {
		return ""
	}
	return "; near it: " + strings.Join(names, ", ")
}
