package main

func Example() {
	main()
	// Output:
	// Hello from a file that the host opened!
}
