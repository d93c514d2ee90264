//go:build deps

package workspace

// What the programs of the temporary modules import. This file is never built; it
// keeps the requirements in go.mod.
import (
	_ "github.com/bytecodealliance/wasmtime-go/v44"
	_ "github.com/gowasmtime/wasmtime"
	_ "github.com/stretchr/testify/require"
)
