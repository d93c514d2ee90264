package main

func Example() {
	main()
	// Output:
	// out/letter:
	// Dear host,
	// I was here.
	// another file ended at 60 KiB, with error 51 of WASI: no space
}
