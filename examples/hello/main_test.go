package main

func Example() {
	main()
	// Output:
	// 40 + 2 = 42
	// 0 + 1 + … + 999 = 499500
}
