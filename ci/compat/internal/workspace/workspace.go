// Package workspace builds programs that were written for wasmtime-go: it
// copies their sources out of the repository into a temporary Go module, changes
// the import path, and hands back the directory.
package workspace

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The import paths that a program changes when it moves over.
const (
	Peer = "github.com/bytecodealliance/wasmtime-go/v44"
	Ours = "github.com/gowasmtime/wasmtime"
)

// Compat is the directory of the module that this tool belongs to.
func Compat() (string, error) {
	out, err := goCommand("", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(out), nil
}

// Root is the directory of the module under test.
func Root() (string, error) {
	compat, err := Compat()
	if err != nil {
		return "", err
	}
	return filepath.Dir(filepath.Dir(compat)), nil
}

// PeerDir is the directory of wasmtime-go in the module cache, at the version
// that go.mod names. It is fetched when it is not there yet.
func PeerDir() (string, error) {
	compat, err := Compat()
	if err != nil {
		return "", err
	}
	out, err := goCommand(compat, "mod", "download", "-json", Peer)
	if err != nil {
		return "", err
	}
	var module struct{ Dir, Error string }
	if err := json.Unmarshal([]byte(out), &module); err != nil {
		return "", fmt.Errorf("reading the answer of go mod download: %w", err)
	}
	if module.Dir == "" {
		return "", fmt.Errorf("downloading %s: %s", Peer, module.Error)
	}
	return module.Dir, nil
}

// New makes a temporary module with the requirements of this one, so that all
// versions and checksums are the committed ones, and the module under test comes
// from the repository. The caller removes the directory.
func New() (string, error) {
	compat, err := Compat()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "compat")
	if err != nil {
		return "", err
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(compat, name))
		if err != nil {
			return "", err
		}
		if name == "go.mod" {
			root := filepath.Dir(filepath.Dir(compat))
			data = bytes.ReplaceAll(data, []byte("=> ../.."), []byte("=> "+root))
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// Env is the environment for go commands in a temporary module: this process's own,
// with modules resolved by go.mod alone.
func Env() []string { return append(plainEnv(), "GOFLAGS=-mod=mod") }

func plainEnv() []string {
	env := make([]string, 0, len(os.Environ())+2)
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if name != "GOWORK" && name != "GOFLAGS" && name != "PWD" {
			env = append(env, entry)
		}
	}
	return append(env, "GOWORK=off")
}

func goCommand(dir string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = plainEnv()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s%s", strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return string(out), nil
}
