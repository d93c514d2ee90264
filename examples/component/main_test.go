package main

func Example() {
	main()
	// Output:
	// example:words/words@1.0.0#heaviest: func(words: list<string>) -> option<string>
	// example:words/words@1.0.0#reverse: func(words: list<string>) -> list<string>
	// reversed: [milk coffee tea]
	// the guest says: the guest has looked at the words
	// heaviest: coffee
	// the guest says: the guest has looked at the words
	// heaviest: <nil>
	// example:words/words@1.0.0#heaviest: parameter 1 (words): element: WIT has string, Go has int
}
