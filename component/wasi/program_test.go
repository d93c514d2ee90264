package wasi_test

import (
	"bytes"
	"context"
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	"github.com/gowasmtime/wasmtime/component/wasi"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/testdata/programs"
)

// program is a component with its engine.
type program struct {
	engine *wasmtime.Engine
	*component.Component
}

// std is a program of Rust's standard library for WASI 0.2.
func std(t *testing.T) program {
	t.Helper()
	file, err := programs.File("std")
	if errors.Is(err, programs.ErrNotBuilt) {
		t.Skip(err)
	}
	Check(t, err)
	engine := EngineWith(t, CompilesQuickly)
	c := Must(component.NewFromFile(engine, file))
	t.Cleanup(c.Close)
	return program{engine, c}
}

// ran runs the program with arguments, and interfaces of Go's, and returns what it has printed.
func ran(t *testing.T, c program, args []string, defines ...define) (string, error) {
	t.Helper()
	linker := component.NewLinker(c.engine)
	defer linker.Close()
	Check(t, linker.DefineWasi())
	for _, d := range defines {
		Check(t, d(linker))
	}
	var stdout, stderr bytes.Buffer
	config := wasmtime.NewWasiConfig()
	config.SetArgv(append([]string{"std"}, args...))
	config.SetStdout(&stdout)
	config.SetStderr(&stderr)
	err := (&component.Command{Component: c.Component, Linker: linker, Wasi: config}).Run(context.Background())
	if err != nil && stderr.Len() > 0 {
		t.Logf("stderr: %s", &stderr)
	}
	return stdout.String(), err
}

// tree is a directory whose files are made when they are opened, by their paths. It counts those that are open.
type tree struct {
	wasi.UnsupportedDescriptor
	open int
}

func (tree) FilesystemErrorCode(*wasmtime.Caller, *component.Resource) (*wasi.FilesystemErrorCode, error) {
	return nil, nil
}
func (d *tree) GetDirectories(*wasmtime.Caller) ([]component.Tuple2[wasi.Descriptor, string], error) {
	return []component.Tuple2[wasi.Descriptor, string]{{A: d, B: "/made"}}, nil
}
func (*tree) GetFlags(*wasmtime.Caller) (wasi.DescriptorFlags, error) {
	return wasi.DescriptorFlagsRead, nil
}
func (*tree) GetType(*wasmtime.Caller) (wasi.DescriptorType, error) {
	return wasi.DescriptorTypeDirectory, nil
}
func (*tree) Stat(*wasmtime.Caller) (wasi.DescriptorStat, error) {
	return wasi.DescriptorStat{Type: wasi.DescriptorTypeDirectory}, nil
}
func (*tree) MetadataHash(*wasmtime.Caller) (wasi.MetadataHashValue, error) {
	return wasi.MetadataHashValue{Lower: 1}, nil
}
func (d *tree) OpenAt(_ *wasmtime.Caller, _ wasi.PathFlags, name string, open wasi.OpenFlags, flags wasi.DescriptorFlags) (wasi.Descriptor, error) {
	switch {
	case open&wasi.OpenFlagsCreate != 0 || flags&wasi.DescriptorFlagsWrite != 0:
		return nil, wasi.FilesystemErrorCodeReadOnly
	case path.Ext(name) != ".txt":
		return nil, wasi.FilesystemErrorCodeNoEntry
	}
	d.open++
	return &made{tree: d, content: "made of " + name}, nil
}

// made is a file of a tree.
type made struct {
	wasi.UnsupportedDescriptor
	tree    *tree
	content string
}

func (f *made) Close() { f.tree.open-- }
func (*made) GetFlags(*wasmtime.Caller) (wasi.DescriptorFlags, error) {
	return wasi.DescriptorFlagsRead, nil
}
func (*made) GetType(*wasmtime.Caller) (wasi.DescriptorType, error) {
	return wasi.DescriptorTypeRegularFile, nil
}
func (f *made) Stat(*wasmtime.Caller) (wasi.DescriptorStat, error) {
	return wasi.DescriptorStat{Type: wasi.DescriptorTypeRegularFile, Size: uint64(len(f.content))}, nil
}
func (f *made) ReadViaStream(c *wasmtime.Caller, offset wasi.Filesize) (*component.Resource, error) {
	return component.NewInput(c, strings.NewReader(f.content[min(offset, uint64(len(f.content))):]))
}

// A program of Rust's reads files that are in no file system, and the streams in between are the library's.
func TestProgramReadsFilesOfGo(t *testing.T) {
	c, d := std(t), &tree{}
	files := []define{
		func(l *component.Linker) error {
			return wasi.DefineFilesystemTypes(l, wasi.FilesystemTypes[*component.Resource](d))
		},
		func(l *component.Linker) error { return wasi.DefinePreopens(l, d) },
	}
	out, err := ran(t, c, []string{"read", "/made/hello.txt"}, files...)
	Check(t, err)
	Equal(t, "stdout", out, "made of hello.txt")
	Equal(t, "files that are still open", d.open, 0)
	for _, args := range [][]string{{"read", "/made/hello.md"}, {"write", "/made/hello.txt", "text"}} {
		var code *wasmtime.ExitError
		if _, err := ran(t, c, args, files...); !errors.As(err, &code) || code.Status != 1 {
			t.Errorf("%v: %v", args, err)
		}
	}
}

// What the rest of a program's world is like can be Go's as well.
func TestProgramSeesGo(t *testing.T) {
	c := std(t)
	out, err := ran(t, c, []string{"hello"}, func(l *component.Linker) error { return wasi.DefineEnvironment(l, environment{"hello"}) })
	Check(t, err)
	Equal(t, "stdout", out, "args [\"of\", \"hello\"]\nenv {\"B\": \"2\", \"C\": \"3\"}\ncwd \"/\"\n")

	var in stdio
	out, err = ran(t, c, []string{"cat"}, func(l *component.Linker) error { return wasi.DefineStdin(l, &in) },
		func(l *component.Linker) error { return wasi.DefineStdout(l, &in) })
	Check(t, err)
	Equal(t, "stdout of the library", out, "")
	Equal(t, "stdout of Go", in.String(), "input of Go")

	out, err = ran(t, c, []string{"time"}, func(l *component.Linker) error { return wasi.DefineWallClock(l, wallClock{}) })
	Check(t, err)
	Equal(t, "stdout", out, "slept true\nnow 9\n")

	var left exit
	_, err = ran(t, c, []string{"exit", "3"}, func(l *component.Linker) error { return wasi.DefineExit(l, &left) })
	if code := (*wasmtime.ExitError)(nil); !errors.As(err, &code) || code.Status != 100 {
		t.Errorf("exit: %v", err)
	}
}
