package main

func Example() {
	main()
	// Output:
	// the guest says: a word from the guest
	// three of item 2: 3600
	// item 99 is unknown: true
}
