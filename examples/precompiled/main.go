// Command precompiled compiles a module once into a file, and loads that file by mapping it into memory: what takes
// seconds for a large module takes a fraction of a millisecond.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/gowasmtime/wasmtime"
)

const guest = `(module
  (func (export "square") (param i64) (result i64) (i64.mul (local.get 0) (local.get 0))))`

func main() {
	dir, err := os.MkdirTemp("", "precompiled")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "guest.cwasm")
	if err := compile(path); err != nil {
		log.Fatal(err)
	}
	if err := use(path); err != nil {
		log.Fatal(err)
	}
}

// compile is what a build does.
func compile(path string) error {
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
	defer module.Close()
	code, err := module.Serialize()
	if err != nil {
		return err
	}
	return os.WriteFile(path, code, 0o644)
}

// use is what the program does. The file is trusted as an executable is: only the same release of Wasmtime loads it,
// with the same configuration, but nothing can find out whether somebody has changed its code.
func use(path string) error {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	module, err := wasmtime.NewModuleDeserializeFile(engine, path)
	if err != nil {
		return err
	}
	defer module.Close()
	store := wasmtime.NewStore(engine)
	defer store.Close()
	instance, err := wasmtime.NewInstance(store, module, nil)
	if err != nil {
		return err
	}
	square, err := instance.GetFunc(store, "square").Call(store, int64(12))
	if err != nil {
		return err
	}
	fmt.Println("12 squared is", square)
	return nil
}
