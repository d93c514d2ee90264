//go:build unix

package canon_test

import (
	"syscall"
	"testing"
)

// foreignMemory returns memory that is not Go's.
func foreignMemory(t *testing.T, n int) []byte {
	memory, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(memory) })
	return memory
}
