package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// compiling is how long a build may take: the first one makes all dependencies of the library.
const compiling = 30 * time.Minute

// cargoTester tries mutations of the native library, one after the other, in one copy of its sources and with one
// folder for what is built, so that each costs no more than what it changes.
type cargoTester struct {
	// root is the checkout, sources the copy of its rust/, and built where cargo puts what it builds.
	root, sources, built string
}

// newCargo copies the sources of the library into a folder. The folder CARGO_TARGET_DIR serves for what is built, if
// there is such a variable, and else one beside the copy.
func newCargo(rust, folder string) (*cargoTester, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	c := &cargoTester{root: root, sources: filepath.Join(root, folder, rust), built: os.Getenv("CARGO_TARGET_DIR")}
	if c.built == "" {
		c.built = filepath.Join(root, folder, "target")
	}
	if err := os.RemoveAll(c.sources); err != nil {
		return nil, err
	}
	return c, copyWithoutTarget(c.sources, rust)
}

// copyWithoutTarget copies a folder, but for what cargo has built in it.
func copyWithoutTarget(to, from string) error {
	entries, err := os.ReadDir(from)
	for _, e := range entries {
		if e.Name() == "target" {
			continue
		}
		source, copied := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		if e.IsDir() {
			err = errors.Join(err, os.CopyFS(copied, os.DirFS(source)))
			continue
		}
		text, failed := os.ReadFile(source)
		err = errors.Join(err, failed, os.MkdirAll(to, 0o777), os.WriteFile(copied, text, 0o666))
	}
	return err
}

func (c *cargoTester) passes(m mutation) error {
	if err := c.build(m); err != nil {
		return err
	}
	return c.test(m)
}

func (c *cargoTester) try(m mutation) (killer string, err error) {
	file := filepath.Join(c.sources, strings.TrimPrefix(m.File, "rust/"))
	source, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	changed, err := m.apply(string(source))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.WriteFile(file, source, fs.ModePerm)) }()
	if err := os.WriteFile(file, []byte(changed), fs.ModePerm); err != nil {
		return "", err
	}
	if err := c.build(m); err != nil {
		return "", fmt.Errorf("does not compile: %w", err)
	}
	return killerOf(c.test(m)), nil
}

// build compiles what the tests of a mutation need: the tests of the library itself, or the library, as ci/dev does.
func (c *cargoTester) build(m mutation) error {
	if m.Cargo != "" {
		return c.cargo(compiling, append([]string{"test", "--no-run", "--package", "wasmtime-ext"}, strings.Fields(m.Cargo)...)...)
	}
	return c.cargo(compiling, "rustc", "--package", "wasmtime-archive", "--lib", "--crate-type", "cdylib",
		"--", "-Clink-arg=-Wl,-soname,libwasmtime.so")
}

// test runs the tests of a mutation.
func (c *cargoTester) test(m mutation) error {
	if m.Cargo != "" {
		return c.cargo(limit, append([]string{"test", "--package", "wasmtime-ext"}, strings.Fields(m.Cargo)...)...)
	}
	folder := filepath.Join(c.built, "debug")
	env := []string{
		"CGO_CFLAGS=-O2 -g -I" + filepath.Join(c.root, "include"),
		"CGO_LDFLAGS=-O2 -g -L" + folder + " -lwasmtime -Wl,-rpath," + folder,
	}
	return goTest(m.Test, env, "-vet=off", "-tags=gowasmtime_local")
}

// cargo runs cargo in the copy. What it has started ends with it.
func (c *cargoTester) cargo(limit time.Duration, args ...string) error {
	command := append([]string{"--kill-after=5", fmt.Sprint(limit.Seconds()), "cargo", "--locked"}, args...)
	return start(c.sources, []string{"CARGO_TARGET_DIR=" + c.built}, limit+10*time.Second, "timeout", command...)
}
