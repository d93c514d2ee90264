// Package wast runs scripts of WebAssembly's test suites: the JSON that wasm-tools json-from-wast makes of a .wast
// file, with the modules beside it.
//
// It runs them through the module's Go API, and a script passes where it passes with the command wasmtime wast. What
// differs: each script has a store and a linker of its own, and a command that fails does not end the script.
package wast

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"

	"github.com/gowasmtime/wasmtime"
)

// Options say how scripts are run.
type Options struct {
	// Engine compiles modules. Memories that are shared have to be allowed for spectest to be whole.
	Engine *wasmtime.Engine
	// Prepare gives a new store its limits.
	Prepare func(*wasmtime.Store) error
	// Stdout is what the functions of spectest print to.
	Stdout io.Writer
	// IgnoreErrorMessages lets modules be refused with any message.
	IgnoreErrorMessages bool
	// Builtins provides the module wasmtime, which only Wasmtime's own scripts import.
	Builtins bool
	// Log is told of each command that failed, and of what else is to be noticed: lines that begin with the script's
	// name and the number of the line, and end with an end of line. Only one goroutine at a time calls it.
	Log func(text string)
}

// Result says what became of a script's commands.
type Result struct{ Commands, Failed int }

// Run runs a script from a file. The error says that it cannot be run at all; commands that fail are counted, and Log
// is told. What guests do ends with ctx.
func Run(ctx context.Context, path string, o *Options) (Result, error) {
	script, err := readScript(path)
	if err != nil {
		return Result{}, err
	}
	all := &progress{options: o, dir: filepath.Dir(path), source: script.Source}
	defer all.close()
	r, err := newRunner(ctx, all)
	if err != nil {
		return Result{}, err
	}
	defer r.close()
	if err := r.provide(); err != nil {
		return Result{}, err
	}
	r.run(script.Commands)
	return all.result, nil
}

// progress is what the threads of a script have in common.
type progress struct {
	options     *Options
	dir, source string

	lock   sync.Mutex // for what follows, and Log
	result Result
	// programs are all that have been compiled.
	programs []program
}

// keep keeps a program until the script has ended.
func (p *progress) keep(of program) program {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.programs = append(p.programs, of)
	return of
}

// close frees the programs.
func (p *progress) close() {
	for _, of := range p.programs {
		of.Close()
	}
}

// done counts a command, and tells why it failed if it did.
func (p *progress) done(c *command, err error) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.result.Commands++
	if err != nil {
		p.result.Failed++
		p.log(c, err.Error())
	}
}

// note tells something about a command that did not fail.
func (p *progress) note(c *command, text string) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.log(c, text)
}

func (p *progress) log(c *command, text string) {
	p.options.Log(fmt.Sprintf("%s:%d: %s: %s\n", p.source, c.Line, c.Type, text))
}

// quoted is the text of an error as part of a message: in quotes, or below it if it has several lines.
func quoted(err error) string {
	text := strings.TrimRight(err.Error(), "\n")
	if !strings.Contains(text, "\n") {
		return fmt.Sprintf("%q", text)
	}
	return "\n    " + strings.ReplaceAll(text, "\n", "\n    ")
}
