// Package canon is the codec of components: it carries values of the component model's types between Go and the
// messages that cross to the native library. It is pure Go and knows neither stores nor C.
//
// A message has the canonical ABI's memory layout: a block for the parameters, laid out as a tuple, or for the result,
// and behind it the blocks that strings and lists of the first one refer to. A [Component] is what the library says of
// a component, decoded: its imports, its exports and their types. A [Planner] checks a Go type against a WIT type once
// and makes a [Plan] of it, which then encodes into a [Message] and decodes from a [View] without looking at types
// again. The text of values is WAVE: [Planner.ParseWave] and [Planner.FormatWave].
//
// # Which Go type stands for which WIT type
//
//	bool                  bool
//	s8 … u64, f32, f64    int8 … uint64, float32, float64, of exactly that size
//	char                  rune (int32)
//	string                string
//	list<T>               a slice
//	list<T, N>            [N]T
//	map<K, V>             a map, encoded in the order of its keys, or a slice of what stands for tuple<K, V>
//	list<tuple<K, V>>     also a map; then a key that is there twice cannot be decoded
//	record                a struct: each exported field is a field of the record, named by a tag wit:"kebab-name" or
//	                      by its own name, compared without hyphens and case; wit:"-" leaves a field out
//	tuple                 a struct whose exported fields are the elements, in order
//	variant               an interface that names its cases, see below; or a struct with [VariantTag]
//	enum                  an integer type that has room for all cases, counted from 0, or a string type: their names
//	flags                 an unsigned integer type of enough bits; the first flag is the lowest bit
//	option<T>             a pointer, nil for none; or a struct with [OptionTag]
//	result<T, E>          a struct with [ResultTag]; a payload that is not there is struct{}
//	own<R>, borrow<R>     what [Handles] says
//	every type            any, see below
//
// All of these may be named types. An enum's or flags' integer type may have a method WitNames() []string; then the
// names must be the WIT type's, in order.
//
// # Variants
//
// A variant is an interface with a method, whose name does not matter, that takes a struct of all cases and returns
// nothing; each case is a type that implements the interface. So the compiler knows what is a case, and nobody
// registers one:
//
//	type Shape interface{ shape(shapes) }
//
//	type shapes struct {
//		Circle Circle             // circle(f32)
//		Box    Box                // box(size), a record
//		None   None `wit:"empty"` // empty
//		Other  Other              // other(option<string>)
//	}
//
//	type Circle float32
//	type Box struct{ Width, Height uint32 }
//	type None struct{}
//	type Other struct{ Value *string }
//
//	func (Circle) shape(shapes) {} // and so on
//
// The fields of the struct name the cases as the fields of a record do, in any order. A case is the Go type of its
// payload, or a struct whose only exported field has the name Value, which then is the payload; a case without a
// payload is a struct without exported fields. A field may be a pointer, *Box: then it is pointers that have the method
// and that one finds after decoding. A non-nil pointer to a case can be encoded in any case.
//
// # Values of type any
//
// An any is encoded by what is in it: every type above; integers and floats of any type whose value fits exactly; for
// records also a map with string keys; for tuples also a slice or array; for enums a string, for flags a slice of
// strings; nil for an option's none, and for some the value itself, unless the option's type is an option: then
// an option's struct or a pointer says which of the two is meant.
//
// Into an any is decoded: bool, the numbers and string as above, char as rune; a list as a slice of these, of []byte
// and so on if the elements have a type of their own, else as []any; a record as map[string]any; a tuple as []any; a
// map as a Go map; a variant, and a result, as the types that the planner was given for them; an enum as string; flags
// as []string; an option as nil or its value, but an option of an option as the planner's type.
package canon
