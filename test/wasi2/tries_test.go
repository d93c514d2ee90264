// Package wasi2_test has a hostile guest of WASI 0.2, testdata/guests/wasip2/tries, try what it may not.
package wasi2_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

// guest is the program with its imports, in an engine whose guests can be stopped.
var guest = sync.OnceValues(func() (*component.InstancePre, error) {
	config := NewConfig()
	config.SetEpochInterruption(true)
	engine := NewEngineWithConfig(config)
	closeAtEnd(engine.Close)
	program, err := component.New(engine, guests.Component("tries"))
	if err != nil {
		return nil, err
	}
	closeAtEnd(program.Close)
	linker := component.NewLinker(engine)
	defer linker.Close()
	if err := linker.DefineWasi(); err != nil {
		return nil, err
	}
	pre, err := linker.InstantiatePre(program)
	if err == nil {
		closeAtEnd(pre.Close)
	}
	return pre, err
})

// try is one run of the guest.
type try struct {
	t      testing.TB
	config *WasiConfig
	component.Command
	lines lines
}

// lines is what the guest has printed so far.
type lines struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

// newTry makes a run that does the operations.
func newTry(t testing.TB, operations ...string) *try {
	t.Helper()
	r := &try{t: t, config: NewWasiConfig()}
	r.Command = component.Command{Pre: Must(guest()), Wasi: r.config}
	r.config.SetArgv(append([]string{"tries"}, operations...))
	r.config.SetStderr(&r.lines)
	return r
}

// said are the lines that the guest has printed.
func (r *try) said() []string {
	if r.lines.String() == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(r.lines.String(), "\n"), "\n")
}

// run runs the guest, which has to end well.
func (r *try) run() []string {
	r.t.Helper()
	if err := r.Run(context.Background()); err != nil {
		r.t.Fatalf("%v\n%s", err, &r.lines)
	}
	return r.said()
}

// want runs the guest and compares what comes of each operation.
func (r *try) want(operations []string, wanted ...string) {
	r.t.Helper()
	said := r.run()
	if len(said) != len(wanted) || len(said) != len(operations) {
		r.t.Fatalf("%d operations, %d lines, %d wanted:\n%s", len(operations), len(said), len(wanted), &r.lines)
	}
	for i, line := range said {
		if line != wanted[i] {
			r.t.Errorf("%s: got %q, want %q", operations[i], line, wanted[i])
		}
	}
}

const allOfDir, allOfFile = DIR_READ | DIR_WRITE, FILE_READ | FILE_WRITE
