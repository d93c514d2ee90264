module github.com/gowasmtime/wasmtime/bench

go 1.26

require (
	github.com/bytecodealliance/wasmtime-go/v44 v44.0.0
	github.com/gowasmtime/wasmtime v0.0.0
	github.com/samyfodil/wazy v0.8.0
	github.com/tetratelabs/wazero v1.12.0
)

require golang.org/x/sys v0.44.0 // indirect

replace github.com/gowasmtime/wasmtime => ..
