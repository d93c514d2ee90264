package main

func Example() {
	main()
	// Output:
	// fib(5) = 5, enough fuel: true
	// fib(10) = 55, enough fuel: true
	// fib(20) needs more than 10000
}
