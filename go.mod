module github.com/gowasmtime/wasmtime

go 1.26
