package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/internal/atomicfile"
)

// errNoName says that there is no name to make that of the output from.
var errNoName = errors.New("a module from standard input needs --output")

// code compiles what was read and returns the compiled code.
func (src *source) code(engine *wasmtime.Engine) ([]byte, error) {
	if src.isComponent {
		c, err := src.component(engine, false)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		return c.Serialize()
	}
	module, err := src.compile(engine, false)
	if err != nil {
		return nil, err
	}
	defer module.Close()
	return module.Serialize()
}

// compileModule does compile.
func compileModule(s *settings, _, _ io.Writer) error {
	path := s.operands[0]
	output := s.output
	if output == "" {
		if path == "-" {
			return errNoName
		}
		output = filepath.Base(path)
		output = strings.TrimSuffix(output, filepath.Ext(output)) + ".cwasm"
	}
	if s.cache == nil {
		off := false
		s.cache = &off // what is written to a file need not be kept twice
	}
	engine, err := newEngine(s)
	if err != nil {
		return err
	}
	src, err := readSource(path)
	if err != nil {
		return err
	}
	if src.kind == kindPrecompiled {
		return failed(errors.New("it is compiled already"), "failed to compile %q", path)
	}
	code, err := src.code(engine)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err = atomicfile.Write(ctx, output, 0o666, code)
	return failed(reason(err), "failed to write output: %s", output)
}
