// Command plugin runs plugins in Go, C and Rust: it passes them strings and bytes and gets some back, offers them a
// host function, limits their memory and their time, replaces one while it is in use, and serves each request in an
// instance of its own.
//
//	go run ./examples/plugin             the plugins of this module
//	go run ./examples/plugin my.wasm     yours
//
// How to write such a host and its plugins, from an empty folder, is in docs/plugin.md.
//
// The host's part is plugin.go. The plugins are testdata/guests/go/plugin/main.go, c/plugin.c and
// rust/plugin/src/lib.rs; each says in its first lines how plugins and host pass data.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sync"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

// hostile is a plugin that nobody wants. greet never ends, and reverse takes memory until it gets no more; then it has
// no address for an answer of four bytes, as a plugin whose malloc returns 0.
const hostile = `(module
  (memory (export "memory") 1)
  (func (export "alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "greet") (param i32 i32) (result i64) (loop $again (br $again)) (unreachable))
  (func (export "reverse") (param i32 i32) (result i64)
    (loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
    (i64.const 4)))`

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(files []string) error {
	host, err := NewHost(map[string]string{"greeting": "Hello"})
	if err != nil {
		return err
	}
	defer host.engine.Close()
	ctx := context.Background()
	if len(files) > 0 {
		for _, file := range files {
			wasm, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			if err := use(ctx, host, filepath.Base(file), wasm); err != nil {
				return err
			}
		}
		return nil
	}
	goPlugin, err := guests.Go("plugin") // compiled by the go command when there is none yet
	if err != nil {
		return err
	}
	err = errors.Join(use(ctx, host, "Go", goPlugin), use(ctx, host, "C", guests.C("plugin")),
		use(ctx, host, "Rust", guests.Rust("plugin")))
	if err != nil {
		return err
	}
	return errors.Join(limit(ctx, host), reload(ctx, host))
}

// use passes a string and bytes to a plugin.
func use(ctx context.Context, host *Host, name string, wasm []byte) error {
	plugin, err := host.Load(wasm)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	greeting, err := plugin.Call(ctx, "greet", []byte("Ada"))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	reversed, err := plugin.Call(ctx, "reverse", []byte{0, 1, 2, 255})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	fmt.Printf("%s: %s %v\n", name, greeting, reversed)
	return nil
}

// limit shows how a plugin fails that uses too much.
func limit(ctx context.Context, host *Host) error {
	wasm, err := wasmtime.Wat2Wasm(hostile)
	if err != nil {
		return err
	}
	plugin, err := host.Load(wasm)
	if err != nil {
		return err
	}
	_, err = plugin.Call(ctx, "greet", []byte("Ada"))
	fmt.Println("too much time:", errors.Is(err, context.DeadlineExceeded))
	_, err = plugin.Call(ctx, "reverse", nil)
	fmt.Println("too much memory:", err)
	_, err = plugin.Call(ctx, "none", nil)
	fmt.Println("no such function:", err != nil)
	return nil
}

// reload replaces a plugin while workers make requests, which are all served: by the one or by the other.
func reload(ctx context.Context, host *Host) error {
	plugin, err := host.Load(guests.C("plugin"))
	if err != nil {
		return err
	}
	const workers, requests = 4, 100
	var wg sync.WaitGroup
	errs := make([]error, workers)
	reloaded := make(chan struct{})
	for worker := range workers {
		wg.Go(func() {
			for range requests {
				if _, err := plugin.Call(ctx, "greet", []byte("Ada")); err != nil {
					errs[worker] = err
					return
				}
			}
			<-reloaded
			greeting, err := plugin.Call(ctx, "greet", []byte(fmt.Sprint("worker ", worker)))
			if want := fmt.Sprintf("Hello, worker %d! This is Rust.", worker); err == nil && string(greeting) != want {
				err = fmt.Errorf("the plugin says %q", greeting)
			}
			errs[worker] = err
		})
	}
	err = plugin.Reload(guests.Rust("plugin"))
	close(reloaded)
	wg.Wait()
	if err := errors.Join(append(errs, err)...); err != nil {
		return err
	}
	fmt.Println(workers*(requests+1), "requests, and a new plugin meanwhile")
	return nil
}
