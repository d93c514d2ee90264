// Command catfd copies descriptor 3, which its host has inserted, to standard output.
package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	f := os.NewFile(3, "descriptor 3")
	if f == nil {
		fmt.Fprintln(os.Stderr, "catfd: descriptor 3 is not open")
		os.Exit(1)
	}
	if _, err := io.Copy(os.Stdout, f); err != nil {
		fmt.Fprintln(os.Stderr, "catfd:", err)
		os.Exit(1)
	}
}
