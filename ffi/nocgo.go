//go:build !cgo

package ffi

// Without cgo this package has no content, and the compiler would report every name that is missing. So that it reports one
// thing, and the right one, this does not compile.

type (
	withCgo    struct{}
	withoutCgo struct{}
)

func build(why string) withoutCgo { return withoutCgo{} }

var _ withCgo = build("wasmtime needs cgo and a C compiler (CGO_ENABLED=1, gcc, clang or zig cc); it supports linux/amd64")
