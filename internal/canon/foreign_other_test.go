//go:build !unix

package canon_test

import "testing"

// foreignMemory returns memory of Go where there is no other way to have memory that is not Go's.
func foreignMemory(_ *testing.T, n int) []byte { return make([]byte, n) }
