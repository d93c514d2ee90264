// Command echo is a guest whose first argument says what it does.
package main

import (
	"fmt"
	"io"
	"os"
	"slices"
)

func main() {
	switch os.Args[1] {
	case "args":
		fmt.Println(os.Args)
	case "env":
		env := os.Environ()
		slices.Sort(env)
		fmt.Println(env)
	case "copy":
		_, err := io.Copy(os.Stdout, os.Stdin)
		check(err)
	case "cat":
		text, err := os.ReadFile(os.Args[2])
		check(err)
		os.Stdout.Write(text)
	case "write":
		check(os.WriteFile(os.Args[2], []byte(os.Args[3]), 0o600))
	case "complain":
		fmt.Fprintln(os.Stderr, "complaint")
		os.Exit(7)
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
