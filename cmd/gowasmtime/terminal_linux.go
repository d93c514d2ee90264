package main

import (
	"os"
	"syscall"
	"unsafe"
)

// isTerminal tells whether a file is a terminal, which knows its settings.
func isTerminal(f *os.File) bool {
	var settings syscall.Termios
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), syscall.TCGETS, uintptr(unsafe.Pointer(&settings)))
	return errno == 0
}
