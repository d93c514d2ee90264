package wasmtime

import (
	"bytes"

	"github.com/gowasmtime/wasmtime/ffi"
)

// Wat2Wasm turns the text format into the binary one. An error says where in the text it is.
func Wat2Wasm(wat string) ([]byte, error) {
	wasm, err := ffi.Wat2Wasm(wat)
	if !err.IsNil() {
		return nil, newError(err)
	}
	return wasm, nil
}

// IsBinary tells whether the bytes begin as the binary format does, for modules and components.
func IsBinary(wasm []byte) bool { return bytes.HasPrefix(wasm, []byte("\x00asm")) }
