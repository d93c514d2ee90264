// Command lastwords ends with what Go's runtime itself prints, by a panic, println or a deadlock.
package main

import "os"

func main() {
	switch os.Args[1] {
	case "panic":
		panic("these are my last words")
	case "print":
		println("one", 1)
		println("two", 2)
		println("three", 3)
		os.Exit(2)
	case "deadlock":
		select {}
	}
}
