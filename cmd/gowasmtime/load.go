package main

import (
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/internal/wasmfile"
)

// source is a file with a module or a component, before it is compiled.
type source struct {
	path string
	kind kind
	// isComponent tells which of the two.
	isComponent bool
	size        int64
	// bytes is the content; nil for a precompiled file that can be mapped.
	bytes []byte
	// wasm is the binary format; nil for a precompiled file.
	wasm []byte
}

// kind is what a file with a module contains.
type kind string

// The kinds of files.
const (
	kindBinary      kind = "binary"
	kindText        kind = "text"
	kindPrecompiled kind = "precompiled"
)

// errComponent says that a file has a component in it where a module has to be.
var errComponent = errors.New("it is a component, and this takes a module")

// readSource reads a file, - or /dev/stdin for standard input, and finds out what it is.
func readSource(path string) (*source, error) {
	opened := path
	if path == "-" {
		opened = "/dev/stdin"
	}
	src, err := read(opened)
	if err != nil {
		return nil, failed(reason(err), "failed to open wasm module %q", path)
	}
	if src.kind == kindPrecompiled {
		return src, nil
	}
	defer func() { src.isComponent = wasmfile.IsComponent(src.wasm) }()
	src.kind, src.wasm = kindBinary, src.bytes
	if !wasmtime.IsBinary(src.bytes) {
		src.kind = kindText
		if src.wasm, err = wasmtime.Wat2Wasm(string(src.bytes)); err != nil {
			text := err.Error()
			if placed := strings.Replace(text, "--> <anon>:", "--> "+path+":", 1); placed != text {
				return nil, errors.New(placed)
			}
			return nil, failed(err, "failed to load %q", path)
		}
	}
	return src, nil
}

// read reads a file, unless it is a precompiled one that can be mapped.
func read(path string) (*source, error) {
	f := os.Stdin
	if path != "/dev/stdin" || runtime.GOOS != "windows" { // which has no such file
		opened, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer opened.Close()
		f = opened
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, syscall.EISDIR // which not all systems say of reading one
	}
	src := &source{path: path}
	head := make([]byte, wasmfile.HeaderSize)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	if wasmfile.Of(head[:n]) == wasmfile.Compiled {
		src.kind, src.isComponent = kindPrecompiled, wasmfile.IsComponent(head[:n])
		if info.Mode().IsRegular() {
			src.size = info.Size()
			return src, nil
		}
	}
	rest, err := io.ReadAll(f)
	src.bytes = append(head[:n], rest...)
	src.size = int64(len(src.bytes))
	return src, err
}

// reason is what was wrong with a file, without its name.
func reason(err error) error {
	var path *os.PathError
	var rename *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &rename):
		return rename.Err
	}
	return err
}

// errPrecompiled says that an option is missing.
var errPrecompiled = errors.New("running a precompiled module requires the `--allow-precompiled` flag")

// compile makes a module of what was read.
func (src *source) compile(engine *wasmtime.Engine, allowPrecompiled bool) (*wasmtime.Module, error) {
	module, err := src.module(engine, allowPrecompiled)
	if errors.Is(err, wasmtime.ErrComponent) {
		err = failed(errComponent, "failed to load %q", src.path)
	}
	return module, err
}

func (src *source) module(engine *wasmtime.Engine, allowPrecompiled bool) (*wasmtime.Module, error) {
	switch {
	case src.kind != kindPrecompiled:
		defer showCompiling(src.path)()
		return wasmtime.NewModule(engine, src.wasm)
	case !allowPrecompiled:
		return nil, errPrecompiled
	case src.bytes != nil:
		return wasmtime.NewModuleDeserialize(engine, src.bytes)
	}
	return wasmtime.NewModuleDeserializeFile(engine, src.path)
}

// load reads and compiles a module.
func load(engine *wasmtime.Engine, path string, allowPrecompiled bool) (*wasmtime.Module, error) {
	src, err := readSource(path)
	if err != nil {
		return nil, err
	}
	return src.compile(engine, allowPrecompiled)
}
