// Command insertfile hands an open file of this process to a WASI guest, which reads it and prints what it read.
//
// The guest can neither open files nor see directories: the one descriptor is all it gets.
package main

import (
	_ "embed"
	"log"
	"os"

	"github.com/gowasmtime/wasmtime"
)

//go:embed guest.wat
var guest string

func main() {
	// Any file will do, a pipe as well. This one has no name any more when the guest reads it.
	file, err := os.CreateTemp("", "insertfile")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	os.Remove(file.Name())
	file.WriteString("Hello from a file that the host opened!\n")
	file.Seek(0, 0)

	if err := run(file); err != nil {
		log.Fatal(err)
	}
}

// run runs the guest with file as its descriptor 3.
func run(file *os.File) error {
	wasm, err := wasmtime.Wat2Wasm(guest)
	if err != nil {
		return err
	}
	engine := wasmtime.NewEngine()
	defer engine.Close()
	module, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		return err
	}
	linker := wasmtime.NewLinker(engine)
	if err := linker.DefineWasi(); err != nil {
		return err
	}

	store := wasmtime.NewStore(engine)
	defer store.Close()
	store.SetWasi(wasmtime.NewWasiConfig())
	if err := store.InsertFile(3, file, wasmtime.READ_ONLY); err != nil {
		return err
	}
	if err := store.InsertFile(1, os.Stdout, wasmtime.WRITE_ONLY); err != nil {
		return err
	}

	instance, err := linker.Instantiate(store, module)
	if err != nil {
		return err
	}
	_, err = instance.GetFunc(store, "_start").Call(store)
	return err
}
