// Command wasi runs a WASI program with arguments, an environment, standard streams and a directory, and looks at how
// it ended.
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/gowasmtime/wasmtime"
)

//go:generate python3 -m ziglang cc -target wasm32-wasi -O2 -g0 -s -o guest.wasm guest/guest.c

//go:embed guest.wasm
var guest []byte

func main() {
	dir, err := os.MkdirTemp("", "wasi")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := run(dir); err != nil {
		log.Fatal(err)
	}
}

// run runs the guest with its files in dir.
func run(dir string) error {
	shared := filepath.Join(dir, "shared")
	input := filepath.Join(dir, "input.txt")
	output := filepath.Join(dir, "output.txt")
	if err := os.Mkdir(shared, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(input, []byte("a line of input\n"), 0o644); err != nil {
		return err
	}

	config := wasmtime.NewWasiConfig()
	defer config.Close()
	config.SetArgv([]string{"guest", "one", "two"})
	config.SetEnv([]string{"USER_NAME"}, []string{"gopher"})
	err := errors.Join(
		config.SetStdinFile(input),
		config.SetStdoutFile(output), // config.InheritStdout() would print directly
		config.PreopenDir(shared, "/data", wasmtime.DIR_READ|wasmtime.DIR_WRITE, wasmtime.FILE_READ|wasmtime.FILE_WRITE),
	)
	if err != nil {
		return err
	}

	engine := wasmtime.NewEngine()
	defer engine.Close()
	module, err := wasmtime.NewModule(engine, guest)
	if err != nil {
		return err
	}

	// A status that is not 0 is an error that tells it, as in os/exec.
	command := wasmtime.Command{Module: module, Wasi: config}
	err = command.Run(context.Background())
	var exit *wasmtime.ExitError
	switch {
	case errors.As(err, &exit):
		fmt.Println("the guest exited with status", exit.Status)
	case err != nil:
		return err
	}

	printed, err := os.ReadFile(output)
	if err != nil {
		return err
	}
	copied, err := os.ReadFile(filepath.Join(shared, "copy.txt"))
	if err != nil {
		return err
	}
	fmt.Printf("it printed:\n%sit wrote to /data/copy.txt:\n%s", printed, copied)
	return nil
}
