module github.com/gowasmtime/wasmtime/examples/boltstore

go 1.26

require (
	github.com/gowasmtime/wasmtime v0.0.0
	go.etcd.io/bbolt v1.5.0
)

require golang.org/x/sys v0.45.0 // indirect

replace github.com/gowasmtime/wasmtime => ../..
