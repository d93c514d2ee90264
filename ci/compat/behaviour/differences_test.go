package behaviour

import "path"

// A kind says why a fact differs.
type kind int

const (
	// engine: Wasmtime 48 itself says or does something else than Wasmtime 44.
	engine kind = iota
	// better: wasmtime-go crashes, panics where an error can be returned, or says less.
	better
	// stricter: refused on purpose, with an error.
	stricter
	// words: the same outcome, an error of the same type, in other words.
	words
)

// A difference lets facts differ. The key is a pattern of path.Match in which a
// space stands for itself; ours is a regular expression for what this module must
// report instead, "(absent)" if nothing.
type difference struct {
	name, key string
	kind      kind
	ours      string
	why       string
}

func (d difference) matches(name, key string) bool {
	byName, err := path.Match(d.name, name)
	if err != nil {
		panic(err)
	}
	byKey, err := path.Match(d.key, key)
	if err != nil {
		panic(err)
	}
	return byName && byKey
}

// Patterns of what this module reports that occur more than once.
const (
	anyError  = `^"(result nil, )?\*wasmtime\.Error: `
	recovered = `^("panic |end)`
	noPanic   = `^"no panic"$`
)

// differences is the table. Order matters where two patterns match: the first counts.
var differences = []difference{
	// Wasmtime 48 beside Wasmtime 44. Each of these was seen with the Go code of
	// wasmtime-go unchanged and nothing but the native library exchanged.
	{"config/features-off", "gc by default", engine, `^"no error"$`, "the GC proposal is on by default in Wasmtime 48"},
	{"config/features-off", "function references by default", engine, `^"no error"$`, "the function references proposal is on by default in Wasmtime 48"},
	{"module/tag", "*", engine, `^"(no error|\\"\\")"$`, "the exceptions proposal is on by default in Wasmtime 48"},
	{"fuel/kinds", "fill used", engine, `^"1005"$`, "Wasmtime 48 charges bulk operations by the byte"},
	{"fuel/none", "start without fuel", engine, `\*wasmtime\.Trap code 11, 0 frames: wasm trap: all fuel consumed by WebAssembly\\n\\nThe store has no fuel yet`, "Wasmtime 48 finds this out before the first frame, and the text says what is missing"},
	{"fuel/none", "call without fuel", better, `all fuel consumed by WebAssembly\\n\\nThe store has no fuel yet`, "the text says what is missing"},
	{"instance/imports", "none", better, "expected 2 imports, found 0: `a::f`, `a::g`\"$", "the imports are named"},
	{"instance/imports", "one", better, "expected 2 imports, found 1: `a::g`\"$", "the import is named"},
	{"module/errors", "new component", words, `this is a component, not a module`, "the error wraps ErrComponent"},
	{"module/errors", "validate component", words, `this is a component, not a module`, "the error wraps ErrComponent"},
	{"wrap/nil-trap-in-front", "nil trap first", better, `^"result \[\]wasmtime\.Val\{externref`, "a nil *Trap that is not the last result is an externref, as the signature says; wasmtime-go skips it and fails"},
	{"trap/returned-twice", "message after", better, noPanic, "an error that somebody kept can still be printed after a host function returned it"},
	{"trap/returned-twice", "message", better, `^"once"$`, "as above"},
	{"trap/epoch-no-deadline", "without a deadline", better, `wasm trap: interrupt\\n\\nThe store has no epoch deadline yet`, "the text says what is missing"},
	{"linker/get-other-store", "nil", better, `^"true"$`, "an item of another store would abort the process as soon as it is used"},
	{"store/other-engine", "unknown imports", stricter, `different engines"$`, "a module of another engine can never be linked, so it is refused at once"},
	{"store/other-engine-linker-store", "linker of another engine", engine, anyError, "Wasmtime 48 refuses a linker of another engine; 44 let it pass for a module without imports"},
	{"wasi/permissions", "d[02]f? *", engine, `not supported"$|^\(absent\)$`, "Wasmtime 48 has one bit, read-only or read-write: a directory that cannot be read is refused"},
	{"wasi/permissions", "d[13]f[02] *", engine, `not supported"$|^\(absent\)$`, "Wasmtime 48 has one bit: files that cannot be read are refused"},
	{"wasi/permissions", "d3f1 *", engine, `^"63"$`, "Wasmtime 48 has one bit: read-only files make the directory read-only, never wider than asked for"},

	// wasmtime-go ends the process: an assertion of Rust that nothing catches.
	{"call/other-store", "*", better, `^("result nil, \*wasmtime\.Error: |end)`, "a function of another store is an error"},
	{"object/other-store", "*", better, recovered, "a memory of another store is a panic that can be recovered from"},
	{"config/cranelift-flag-bogus", "*", better, recovered, "what Wasmtime refuses is a panic that can be recovered from"},
	{"config/simd-off-relaxed-on", "*", better, recovered, "what Wasmtime refuses is a panic that can be recovered from"},
	{"config/max-stack-zero", "*", better, recovered, "what Wasmtime refuses is a panic that can be recovered from"},
	{"config/target-other", "*", better, recovered, "what Wasmtime refuses is a panic that can be recovered from"},
	{"config/max-stack-8MiB", "*", better, `^("no panic"|end)`, "the stack of asynchronous calls is raised with that of wasm"},
	{"types/unknown-value", "*", better, recovered, "an unknown kind is a panic that can be recovered from"},
	{"wasi/without-config", "*", better, `^("result nil, \*wasmtime\.Error: |end)`, "WASI without a configuration is an error"},

	// wasmtime-go panics, and an error can be returned or nothing is wrong.
	{"panic/after-close", "Func.Call", better, noPanic, "an error that wraps ErrClosed"},
	{"panic/after-close", "NewInstance", better, noPanic, "an error that wraps ErrClosed"},
	{"panic/after-close", "GetFuel", better, noPanic, "an error that wraps ErrClosed"},
	{"panic/after-close", "Module.Serialize", better, noPanic, "an error that wraps ErrClosed"},
	{"panic/after-close", "NewInstance of closed module", better, noPanic, "an error that wraps ErrClosed"},
	{"panic/after-close", "Linker", better, noPanic, "an error that wraps ErrClosed"},
	{"panic/after-close", "NewModule", better, noPanic, "an error that wraps ErrClosed"},
	{"panic/after-close", "Data", better, noPanic, "nil, the data is gone"},
	{"panic/after-close", "FuncType", better, noPanic, "types own nothing and cannot be closed"},
	{"panic/after-close", "ValType", better, noPanic, "types own nothing and cannot be closed"},
	{"panic/after-close", "Error", better, noPanic, "an error keeps its text"},
	{"panic/after-close", "ExitStatus", better, noPanic, "an error keeps its status"},
	{"panic/misuse", "wasi config used twice", better, noPanic, "a WASI configuration serves any number of stores"},
	{"panic/misuse", "setter of a used wasi config", words, `^"panic \*wasmtime\.Error: it is too late to change the WASI configuration`, "the panic is an error that wraps ErrTooLate"},
	{"panic/misuse", "NewMemoryType*", better, noPanic, "sizes that are too large are the error that the signature promises"},
	{"wrap/null-for-*", "*", better, `^"(result nil|nil|true|\\"\\")"$`, "a null externref is the zero value of the parameter's type; reflection panicked"},
	{"types/table-of-numbers", "*", better, `^"(no panic|table i32 .*)"$`, "NewTable says what is wrong with the type; the type itself held a null pointer"},
	{"val/v128", "result", better, `^"result wasmtime\.V128`, "v128 has a kind"},
	{"val/v128-param", "param", better, `argument 1: type mismatch: expected v128, found a Go int; v128 takes V128"$`, "the error says what the parameter takes"},
	{"val/v128-param", "*", better, `^"(no panic|\(v128\)\(\))"$`, "v128 has a kind"},

	// wasmtime-go loses something.
	{"lifetime/call-argument", "freed by store.GC", better, `^"true"$`, "arguments are let go; wasmtime-go keeps them as long as the store"},
	{"lifetime/callback-refers-to-store", "callback with its own store", better, `^"true"$`, "no global table keeps callbacks alive"},
	{"types/tables", "largest", better, `max true 4294967295"$`, "a maximum of 2^32-1 is not the same as none"},
	{"wasi/errors", "std*", better, `^"\*fs\.PathError: open `, "the error says which file, and why"},
	{"wasi/errors", "*directory*", better, `^"\*f(s|mt)\.`, "the error says which directory, and why"},
	{"call/arguments", "nil for funcref", better, `^"result \(\*wasmtime\.Func\)\(nil\)"$`, "nil is null for every reference that may be"},
	{"call/arguments", "uint32 for i32", better, `^"result int32\(1\)"$`, "an unsigned integer of the parameter's size fits"},
	{"call/arguments", "uint64 for i64", better, `^"result int64\(1\)"$`, "an unsigned integer of the parameter's size fits"},
	{"table/use", "get error *", better, `^"\*wasmtime\.Error: index out of bounds"$`, "an *Error as all others"},

	{"call/arguments", "* for *", better, `argument 1: type mismatch: expected \S+, found (null|a Go \S+|a Val that is \S+); \S+ takes `, "the error says which argument, what was given, and what the parameter takes"},
	{"call/int", "int for *", better, `\*wasmtime\.Error: argument 1: type mismatch: expected \S+, found a Go int; `, "as above, and an *Error as all others"},
	{"call/int", "int too many", better, `\*wasmtime\.Error: expected 0 arguments, got 1: the function's type is \(func\)"$`, "an *Error as all others, with the type"},
	{"call/count", "second is wrong", better, `argument 2: type mismatch: expected i64, found a Go float32; `, "the error says which argument"},
	{"call/count", "*", better, `\*wasmtime\.Error: expected \d arguments, got \d: the function's type is \(func`, "the error says what type the function has"},
	{"wrap/externref-arguments", "int* for named", better, `argument 1: type mismatch: expected externref, found a Go int(32)?; `, "the error says which argument, and what the parameter takes"},
	{"fuel/off", "?et", better, `fuel is not configured in this store: fuel needs an engine with Config\.SetConsumeFuel"$`, "the text says what is missing"},
	{"linker/missing-import", "unknown*", better, `has not been defined; its type is \(`, "the text has the import's type"},
	{"linker/define-module-reactor", "unknown import", better, `has not been defined; its type is \(func\)"$`, "as above"},
	{"module/from-file", "bad.wat", better, `--> bad\.wat:1:8`, "the text names the file"},
	{"module/from-file", "empty", better, `: empty: there is no module in 0 bytes"$`, "the text names the file"},
	{"module/wat-errors", "", words, `there is no module in 0 bytes"$`, "the text says that there is nothing"},
	{"module/wat-errors", "*", words, `this is no module: neither `, "the text says that this is no text of WebAssembly"},
	{"module/errors", "* nil", words, `there is no module in 0 bytes"$`, "the text says that there is nothing"},
	{"module/errors", "* empty", words, `there is no module in 0 bytes"$`, "as above"},
	{"module/errors", "* one byte", words, `this is no module: neither `, "the text says that this is no format of WebAssembly"},
	{"store/other-engine*", "*Inst*", words, `were made with different engines"$`, "wraps ErrWrongEngine"},

	{"call/int", "wide int for i32", stricter, `does not fit in an i32"$`, "a wrong number is not passed in place of one that does not fit"},

	// A store belongs to one goroutine at a time; what looks like concurrent use is refused.
	{"inside/goroutine", "from another goroutine", stricter, anyError, "a host function calls back in on its own goroutine"},

	// The same in other words.
	{"module/errors", "* text", words, `^"\*wasmtime\.Error: this is the text format, which Wat2Wasm turns`, "the text says what to call"},
	{"call/zero-val", "as i32", better, `^"result nil, \*wasmtime\.Error: argument 1: a Val without a value`, "a zero Val is an error where a value is wanted"},
	{"call/zero-val", "I32", better, `^"panic string: not an i32"$`, "a zero Val is no i32; there it is a failed type assertion"},
	{"panic/wrong-results", "zero Val", words, `^"panic `, "a zero Val has no value to return"},
	{"panic/wrapfunc-nil", "WrapFunc(nil)", words, "^\"panic string: callback provided must be a `func`\"$", "as for everything that is no func"},
	{"trap/new-func-twice", "second", words, `^"panic string: cannot return trap twice"$`, "the words of WrapFunc, where wasmtime-go has two"},
	{"call/other-store-argument", "*", words, anyError, "wraps ErrWrongStore"},
	{"instance/other-store-import", "*", words, anyError, "wraps ErrWrongStore"},
	{"object/other-store-value", "*", words, anyError, "wraps ErrWrongStore"},
	{"table/new", "number", words, anyError, "the text named a function of C"},
	{"table/use", "set a number", words, anyError, "the text named a function of C"},
	{"wasi/exit", "proc_exit *", better, `Exited with i32 exit status -?\d+ \(exit status -?\d+\)"$`, "a status above 125 is one like any other"},
	{"trap/in-start", "*", better, `<unknown>!s\\n`, "a name that is not mangled is shown as it is, and not as the type that it is short for"},
	{"trap/host-through-guest", "*", better, `(m!f|<unknown>!s)\\n`, "as above"},
	{"trap/guest-trap-passed-on", "*", better, `<unknown>!f\\n`, "as above"},
}
