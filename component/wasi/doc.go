// Package wasi lets the host be WASI 0.2 itself, interface by interface: there is a Go interface for each of WASI's,
// and a function that defines it in a linker. What is not defined like that stays the library's:
//
//	linker := component.NewLinker(engine)
//	err := linker.DefineWasi()                         // all of it, as a WasiConfig says
//	err = wasi.DefineWallClock(linker, &clock)         // but for the time of day
//
// The methods are the functions of WIT: get-arguments is GetArguments. Each takes the [wasmtime.Caller], which has the
// store and the context of the call, and can return an error. Where WIT has a result<T, E>, an error that is or wraps
// an E, such as [FilesystemErrorCodeNoEntry], is what the guest gets; every other one ends the guest, and comes out of
// the call of it. Where E is an error-code of files or sockets, errors of packages os and net are its cases, too: see
// [FilesystemErrorCodeOf].
//
// What a guest passes fits its type in WIT, and no more is known of it: a length, for instance, is any number. A method
// limits what it allocates for a guest that nobody trusts.
//
// # Resources
//
// A resource, such as a descriptor, has a Go interface, too: [Descriptor]. Whoever defines the interface that has the
// resource gives guests Go values of it, and everything that has such values among its parameters and results has to
// be Go's, too: the functions that define an interface say what that is.
//
// The resources of all other interfaces are a [*component.Resource] of the library's, which can be made of what Go has
// by [component.NewInput], [component.NewOutput], [component.NewDescriptor] and [component.NewPollable]. So an own file
// system returns streams of the library's, and an own [Preopens] directories that are file systems of Go's.
//
// A function of an interface that has a resource of another one leaves open which of the two it is, by a type
// parameter that need not be written:
//
//	func (files) GetDirectories(c *wasmtime.Caller) ([]component.Tuple2[wasi.Descriptor, string], error)
//	func (other) GetDirectories(c *wasmtime.Caller) ([]component.Tuple2[*component.Resource, string], error)
//
//	wasi.DefinePreopens(linker, files{}) // and wasi.DefineFilesystemTypes
//	wasi.DefinePreopens(linker, other{})
//
// A single function can be replaced by [component.LinkerInstance.Func]; it gets WASI's resources as a
// *component.Resource. The interfaces here are defined under WASI's newest version, and found by components of every
// 0.2, but for single functions that are defined under the very version that a component imports.
package wasi

//go:generate go run ../../internal/witgen -wit ../../internal/witgen/wasi-0.2.json -docs ../../internal/witgen/docs.txt -library -package wasi -out . wasi:cli wasi:clocks wasi:filesystem wasi:io wasi:random wasi:sockets
