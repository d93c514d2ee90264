package main

import (
	"os"
	"syscall"
)

// isTerminal tells whether a file is a console, which knows its mode.
func isTerminal(f *os.File) bool {
	var mode uint32
	return syscall.GetConsoleMode(syscall.Handle(f.Fd()), &mode) == nil
}
