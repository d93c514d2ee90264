package main

func Example() {
	main()
	// Output:
	// compiled a guest of 41 bytes to machine code; it exports add
	// called it in the guest: 40 + 2 = 42
	// called it a thousand times, bound to its Go type: 0 + 1 + … + 999 = 499500
	//
	// Next:
	//   go run ./examples/hostfunc      the guest calls Go
	//   go run ./examples/plugin        plugins in Go, C and Rust: strings both ways, limits, reload
	//   go run ./examples/wasi          a program with arguments, files and output
	//   go run ./examples/insertfile    an open file as the guest's descriptor
	// The guide, with short programs to copy: docs/guide.md
}
