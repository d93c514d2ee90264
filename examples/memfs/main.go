// Command memfs gives a guest a file system in memory, which the guest writes to, and prints what it left there. The
// file system is in the folder beside: about five hundred lines, and safe against a guest that never stops writing.
package main

import (
	_ "embed"
	"fmt"
	"io/fs"
	"log"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/examples/memfs/memfs"
)

//go:embed guest.wat
var guest string

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
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

	files := memfs.New(64 << 10)
	config := wasmtime.NewWasiConfig()
	// An *os.Root goes the same way. Without Writable, the guest could only read.
	if err := config.PreopenFS(wasmtime.Writable(files), "/"); err != nil {
		return err
	}
	store := wasmtime.NewStore(engine)
	defer store.Close()
	store.SetWasi(config)
	instance, err := linker.Instantiate(store, module)
	if err != nil {
		return err
	}
	if _, err := instance.GetFunc(store, "_start").Call(store); err != nil {
		return err
	}

	// The host reads them as any other file system.
	err = fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, path)
		fmt.Printf("%s:\n%s", path, text)
		return err
	})
	if err != nil {
		return err
	}

	// A guest that goes on and on ends at the limit.
	errno, err := instance.GetFunc(store, "fill").Call(store)
	if err != nil {
		return err
	}
	info, err := files.Stat("filler")
	if err != nil {
		return err
	}
	fmt.Printf("another file ended at %d KiB, with error %d of WASI: no space\n", info.Size()>>10, errno)
	return nil
}
