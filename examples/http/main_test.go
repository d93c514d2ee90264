package main

func Example() {
	main()
	// Output:
	// 200 OK, 19 bytes: Hello from a guest
	// 200 OK, 14 bytes: Hello from Go
}
