// Command http serves a component of wasi:http with package net/http: under a mux, beside a handler in Go, with a
// time-out and a log. It asks itself once, and ends.
package main

import (
	_ "embed"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
)

//go:embed guest.wat
var guest []byte

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	config := wasmtime.NewConfig()
	config.SetEpochInterruption(true)                             // so that a guest can be stopped
	config.SetPooling(wasmtime.PoolingConfig{MaxInstances: 1000}) // so that instances cost little
	engine := wasmtime.NewEngineWithConfig(config)
	defer engine.Close()

	handler, done, err := newHandler(engine)
	if err != nil {
		return err
	}
	defer done()
	mux := http.NewServeMux()
	mux.Handle("/guest/", http.StripPrefix("/guest", handler))
	mux.HandleFunc("/go", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "Hello from Go") })

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	defer server.Close()
	go func() { _ = server.Serve(listener) }()

	for _, path := range []string{"/guest/anything", "/go"} {
		if err := ask("http://" + listener.Addr().String() + path); err != nil {
			return err
		}
	}
	return nil
}

// newHandler makes the handler. done frees it, when the server does not use it any more.
func newHandler(engine *wasmtime.Engine) (handler *component.Handler, done func(), err error) {
	guest, err := component.New(engine, guest)
	if err != nil {
		return nil, nil, err
	}
	defer guest.Close()
	linker := component.NewLinker(engine)
	defer linker.Close()
	if err := linker.DefineWasi(); err != nil {
		return nil, nil, err
	}
	if err := component.DefineHTTP(linker); err != nil { // the guest may ask nobody: see component.HTTPAllowHosts
		return nil, nil, err
	}
	pre, err := linker.InstantiatePre(guest)
	if err != nil {
		return nil, nil, err
	}
	handler = component.NewHandler(pre,
		component.WithTimeout(10*time.Second),
		component.WithLogger(slog.New(slog.NewTextHandler(os.Stderr, nil))))
	done = func() {
		_ = handler.Close()
		pre.Close()
	}
	if err := handler.Err(); err != nil {
		done()
		return nil, nil, err
	}
	return handler, done, nil
}

// ask prints what a URL answers.
func ask(url string) error {
	response, err := http.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	fmt.Printf("%s, %d bytes: %s", response.Status, response.ContentLength, body)
	return nil
}
