package main

func Example() {
	main()
	// Output:
	// WEBASSEMBLY
	// beyond the end: false
	// after growing there are 131072 bytes
}
