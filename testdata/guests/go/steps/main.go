// Command steps says each step on standard output, and on standard error, before it tells its host of it.
package main

import (
	"fmt"
	"os"
)

//go:wasmimport host step
func step(n int32)

func main() {
	for n := range int32(3) {
		fmt.Println("step", n)
		fmt.Fprintln(os.Stderr, "error", n)
		step(n)
	}
}
