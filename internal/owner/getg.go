//go:build amd64 || arm64 || riscv64 || s390x

package owner

// getg returns the address of the running goroutine's g.
func getg() uintptr
