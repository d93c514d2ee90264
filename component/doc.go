// Package component runs WebAssembly components: code with an interface in WIT, whose functions take and return
// strings, lists, records, variants and resources, not only numbers.
//
// A [Component] is compiled code. A [Linker] holds what components may import, written in Go. Both belong to an
// engine of package wasmtime, and an [Instance] to a store: contexts, fuel, limits, pools, use by one goroutine at a
// time and everything else that is said of stores there holds here.
//
//	c, err := component.New(engine, bytes)            // the binary format, or the text format
//	linker := component.NewLinker(engine)
//	err = linker.Instance("example:shop/prices@1.0.0").Func("price-of", func(item string) (uint64, error) { … })
//	instance, err := linker.Instantiate(ctx, store, c)
//	f, err := instance.Func("example:shop/cart@1.0.0#total")
//	total, err := component.Bind1[[]Item, uint64](f)
//	sum, err := total.Call(ctx, []Item{{Name: "tea", Count: 2}})
//
// # Values
//
// What a WIT type is in Go:
//
//	bool, s8 … u64, f32, f64    bool, int8 … uint64, float32, float64, and types of these kinds
//	char                        rune
//	string                      string
//	list<T>                     []T; a list of u8 is []byte
//	list<T, N>                  [N]T
//	map<K, V>                   map[K]V
//	record                      a struct; its fields are found by their names, or by tags: `wit:"kebab-name"`
//	tuple                       a struct with as many fields, such as [Tuple2], or [N]T
//	variant                     an interface with a struct for each case, see [RegisterVariant], or [Variant]
//	enum                        an unsigned integer: the number of the case
//	flags                       an unsigned integer of as many bits, the first flag in the lowest
//	option<T>                   *T, or [Option]
//	result<T, E>                [Result]; as the result of a function also T and an error
//	own<R>, borrow<R>           a Go value for resources of the host, *[Resource] for those of guests
//
// Types are compared once, when a function is bound or a component is linked. What does not fit is an error that says
// where, in both languages. [Func.Call] takes and returns values of type any, by the same table.
//
// Types with future, stream and error-context are not supported yet: what has one is an error that wraps
// [wasmtime.ErrUnsupported].
//
// # Errors
//
// A guest that traps or is interrupted is a *[wasmtime.Trap], as with modules; its instance cannot be used after
// that: see [ErrUnusable]. Everything else is a *[wasmtime.Error], and the error case of a function's result is a
// *[ResultError].
//
// # Goroutines, not async
//
// A function that is async in WIT is called like any other, and its call blocks the goroutine until it has returned.
// That is what Go's functions do: a goroutine is what other languages have async for, a hundred thousand of them are
// no problem, and a function that may wait looks like one that does not. So that many guests can wait, each has a
// store and a goroutine of its own.
package component
