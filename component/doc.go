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
//	bool, s8 … u64, f32, f64    bool, int8 … uint64, float32, float64
//	char                        rune
//	string                      string
//	list<T>                     []T; a list<u8> is a []byte
//	list<T, N>                  [N]T
//	map<K, V>                   map[K]V, or a slice of pairs
//	record                      a struct; a field is that of the same name, but for hyphens and case, or has a tag:
//	                            `wit:"kebab-name"`
//	tuple                       a struct whose fields are the elements in order, such as a [Tuple2]; or an array, if
//	                            all of them have one type
//	variant                     an interface with a type for each case, see [Variant], or a Variant
//	enum                        an integer type, the cases counted from 0; or a string type: the name of the case
//	flags                       an unsigned integer type, the first flag in the lowest bit
//	option<T>                   *T, or [Option]
//	result<T, E>                [Result]; as the result of a function also a T and an error
//	own<R>, borrow<R>           what [ResourceOf] says for resources of the host, *[Resource] for those of guests
//
// The integer type of an enum or of flags may have a method WitNames() []string, which returns all names in their
// order: they are compared with those of WIT.
//
// All of these may be named types. [Func.Call], and any where a parameter or field is of that type, take and give
// values by nearly the same table.
//
// Types are compared once, when a function is bound or a component is linked. What does not fit is an error that says
// where, in both languages.
//
// Types with future, stream and error-context are not supported yet: what has one is an error that wraps
// [wasmtime.ErrUnsupported]. So is the call of an export that is lifted asynchronously, as tools do with functions that
// are async in WIT, and an import of such a function; and what a component has in a 64-bit memory, see
// [wasmtime.Config.SetWasmComponentModelMemory64].
//
// # Errors
//
// A guest that traps or is interrupted is a *[wasmtime.Trap], as with modules. After that, and after an error of a host
// function that ended a guest, nothing can be called of any component in the store: see [ErrUnusable]. Everything else
// is a *[wasmtime.Error], and the error case of a function's result is a *[ResultError].
//
// # Goroutines, not async
//
// A function that is async in WIT is called like any other, once that is supported, and its call blocks the goroutine
// until it has returned.
// That is what Go's functions do: a goroutine is what other languages have async for, a hundred thousand of them are
// no problem, and a function that may wait looks like one that does not. So that many guests can wait, each has a
// store and a goroutine of its own.
//
// # WASI and HTTP
//
// [Linker.DefineWasi] gives components WASI 0.2, as far as a store's [wasmtime.WasiConfig] says, and [Command] runs
// programs. Package wasi has Go interfaces for all of it, to replace one by one; wasiconfig, wasikeyvalue, wasilogging
// and wasitls are beside it. [DefineHTTP] is for requests, and with [NewHandler] a component that serves them is an
// [net/http.Handler].
package component
