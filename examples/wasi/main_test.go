package main

func Example() {
	main()
	// Output:
	// the guest exited with status 3
	// it printed:
	// argument 1: one
	// argument 2: two
	// USER_NAME: gopher
	// it wrote to /data/copy.txt:
	// a line of input
}
