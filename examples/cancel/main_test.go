package main

func Example() {
	main()
	// Output:
	// interrupted: true
	// because time was up: true
	// the next call returns 42
}
