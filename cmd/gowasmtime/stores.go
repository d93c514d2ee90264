package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/gowasmtime/wasmtime/component"
	"github.com/gowasmtime/wasmtime/component/wasiconfig"
	"github.com/gowasmtime/wasmtime/component/wasikeyvalue"
	"github.com/gowasmtime/wasmtime/component/wasitls"
)

// extra is a package that a component gets if a key of -S says so.
type extra struct {
	key, pkg string
	on       bool
	define   func(*component.Linker) error
}

// extras returns all of them.
func (s *settings) extras() []extra {
	return []extra{
		{"http", "wasi:http", s.http.on != nil && *s.http.on, s.defineHTTP},
		{"config", "wasi:config", s.stores.config, s.stores.defineConfig},
		{"keyvalue", "wasi:keyvalue", s.stores.keyvalue, s.stores.defineKeyvalue},
		{"tls", "wasi:tls", s.tls, defineTLS},
	}
}

// defineTLS defines wasi:tls as crypto/tls has it by itself.
func defineTLS(linker *component.Linker) error { return wasitls.Define(linker, wasitls.Options{}) }

// defineExtras defines those that were asked for.
func (s *settings) defineExtras(linker *component.Linker) error {
	for _, e := range s.extras() {
		if !e.on {
			continue
		}
		if err := e.define(linker); err != nil {
			return err
		}
	}
	return nil
}

// refuseExtras is the error of a module that was to get one of them, which are for components.
func (s *settings) refuseExtras(path string) error {
	for _, e := range s.extras() {
		if e.on {
			return usageErrorf("-S %s is for components, and '%s' is a module", e.key, path)
		}
	}
	return nil
}

// hinted adds to the error about imports that are missing which keys would have provided them.
func (s *settings) hinted(err error) error {
	if !errors.Is(err, component.ErrMissing) {
		return err
	}
	text := err.Error()
	hints := ""
	for _, e := range s.extras() {
		if !e.on && strings.Contains(text, "`"+e.pkg+"/") {
			hints += fmt.Sprintf("\n-S %s provides %s", e.key, e.pkg)
		}
	}
	if hints == "" {
		return err
	}
	return errors.New(text + hints)
}

// defineConfig defines wasi:config with the variables of config-var.
func (s *stores) defineConfig(linker *component.Linker) error {
	vars := wasiconfig.Map{}
	for _, v := range s.configVars {
		if !utf8.ValidString(v.name) || !utf8.ValidString(v.value) {
			return fmt.Errorf("a variable of -S config-var is not UTF-8: %q", v.name+"="+v.value)
		}
		vars[v.name] = v.value
	}
	return wasiconfig.Define(linker, vars)
}

// defineKeyvalue defines wasi:keyvalue with the data of keyvalue-in-memory-data.
func (s *stores) defineKeyvalue(linker *component.Linker) error {
	memory := wasikeyvalue.NewMemory(wasikeyvalue.Limits{})
	bucket, err := memory.Open(context.Background(), "")
	if err != nil {
		return err
	}
	for _, v := range s.keyvalueData {
		if !utf8.ValidString(v.name) {
			return fmt.Errorf("a key of -S keyvalue-in-memory-data is not UTF-8: %q", v.name)
		}
		if err := bucket.Set(context.Background(), v.name, []byte(v.value)); err != nil {
			return failed(err, "-S keyvalue-in-memory-data")
		}
	}
	return wasikeyvalue.Define(linker, memory)
}
