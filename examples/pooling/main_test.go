package main

func Example() {
	main()
	// Output:
	// 8000 requests in as many instances; a worker's sum is 499500
}
