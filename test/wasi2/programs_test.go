package wasi2_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/testdata/components"
	"github.com/gowasmtime/wasmtime/testdata/programs"
)

// engine is that of the programs below.
var engine = sync.OnceValue(func() *Engine {
	config := NewConfig()
	config.SetEpochInterruption(true)
	CompilesQuickly(config)
	engine := NewEngineWithConfig(config)
	closeAtEnd(engine.Close)
	return engine
})

// program is a command of some toolchain, with what it prints.
type program struct {
	component.Command
	config         *WasiConfig
	stdout, stderr bytes.Buffer
}

func newProgram(c *component.Component, args ...string) *program {
	p := &program{config: NewWasiConfig()}
	p.config.SetArgv(append([]string{"program"}, args...))
	p.config.SetStdout(&p.stdout)
	p.config.SetStderr(&p.stderr)
	p.Command = component.Command{Component: c, Wasi: p.config}
	return p
}

func compile(t *testing.T, file func(string) (string, error), name string) *component.Component {
	t.Helper()
	path, err := file(name)
	if errors.Is(err, components.ErrNotBuilt) || errors.Is(err, programs.ErrNotBuilt) {
		t.Skip(err)
	}
	Check(t, err)
	c, err := component.NewFromFile(engine(), path)
	Check(t, err)
	t.Cleanup(c.Close)
	return c
}

// Rust's standard library: what it does with files is in package component; here is what else there is of it.
func TestRustProgram(t *testing.T) {
	c := compile(t, programs.File, "std")
	p := newProgram(c, "threads")
	Check(t, p.Run(context.Background()))
	Equal(t, "threads", p.stdout.String(), "thread: Not supported (os error 58)\n")

	dir := TempDir(t)
	text := strings.Repeat("0123456789", 30_000)
	Check(t, os.WriteFile(filepath.Join(dir, "from"), []byte(text), 0o600))
	p = newProgram(c, "copy", "/d/from", "/d/to")
	Check(t, p.config.PreopenDir(dir, "/d", allOfDir, allOfFile))
	Check(t, p.Run(context.Background()))
	Equal(t, "copy", p.stdout.String(), "copied in parts\n")
	if got := string(Must(os.ReadFile(filepath.Join(dir, "to")))); got != text {
		t.Errorf("%d of %d bytes were copied", len(got), len(text))
	}

	// What nobody reads any more is an error of the program's, and not its end.
	p = newProgram(c, "cat")
	r, w := Pipe(t)
	r.Close()
	p.config.SetStdinBytes([]byte(text))
	p.Prepare = func(store *Store) error { return store.InsertFile(1, w, WRITE_ONLY) }
	var exit *ExitError
	if err := p.Run(context.Background()); !errors.As(err, &exit) || !strings.Contains(p.stderr.String(), "error: ") {
		t.Errorf("%v, %s", err, &p.stderr)
	}
}

func TestPythonProgram(t *testing.T) {
	c := compile(t, components.File, "pyprogram")
	run := func(stdin string) (*program, string, error) {
		dir := TempDir(t)
		Check(t, os.WriteFile(filepath.Join(dir, "in"), []byte("text"), 0o600))
		p := newProgram(c)
		p.config.SetStdinBytes([]byte(stdin))
		Check(t, p.config.PreopenDir(dir, "/d", allOfDir, allOfFile))
		err := p.Run(context.Background())
		out, _ := os.ReadFile(filepath.Join(dir, "out"))
		return p, string(out), err
	}
	p, out, err := run("input ä\n")
	if err != nil {
		t.Fatalf("%v\n%s", err, &p.stderr)
	}
	Equal(t, "stdout", p.stdout.String(), "read 'input ä\\n'\nentries ['in']\noutside PermissionError\nsize 4\nslept True\nyear "+fmt.Sprint(time.Now().UTC().Year())+"\nrandom 16 True\n")
	Equal(t, "stderr", p.stderr.String(), "to stderr\n")
	Equal(t, "the file", out, "TEXT")
	if p, _, err := run("fail"); err == nil {
		t.Errorf("an exception: %s, %s", &p.stdout, &p.stderr)
	}
}

func TestJavaScriptProgram(t *testing.T) {
	c := compile(t, components.File, "jsprogram")
	p := newProgram(c, "one", "ä")
	p.config.SetEnv([]string{"A"}, []string{"1"})
	if err := p.Run(context.Background()); err != nil {
		t.Fatalf("%v\n%s", err, &p.stderr)
	}
	Equal(t, "stdout", p.stdout.String(), `args ["program","one","ä"]`+"\n"+`env [["A","1"]]`+"\nyear "+fmt.Sprint(time.Now().UTC().Year())+"\nrandom true\n")
	Equal(t, "stderr", p.stderr.String(), "to stderr\n")
	p = newProgram(c, "fail")
	var exit *ExitError
	if err := p.Run(context.Background()); !errors.As(err, &exit) || exit.Status != 1 {
		t.Errorf("got %v, %s", err, &p.stderr)
	}
}
