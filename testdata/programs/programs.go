// Package programs makes programs of WASI 0.2 of Rust sources, with the standard library and no other: one file each.
package programs

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrNotBuilt says that there is no compiler for the program. What wraps it says what is missing.
var ErrNotBuilt = errors.New("not built: it takes Rust with the target wasm32-wasip2 (rustup target add wasm32-wasip2)")

//go:embed *.rs
var sources embed.FS

const target = "wasm32-wasip2"

// File is the path of a program, a component: it is compiled into a cache unless it is there. The only one is std.
// Safe for concurrent use.
func File(name string) (string, error) {
	source, err := sources.ReadFile(name + ".rs")
	if err != nil {
		return "", err
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("program %s: %w: %w", name, ErrNotBuilt, err)
	}
	sum := sha256.Sum256(source)
	dir := filepath.Join(base, "gowasmtime", "programs")
	path := filepath.Join(dir, name+"-"+hex.EncodeToString(sum[:8])+".wasm")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	libraries, err := exec.Command("rustc", "--print", "target-libdir", "--target", target).Output()
	if err != nil {
		return "", fmt.Errorf("program %s: %w: %w", name, ErrNotBuilt, err)
	}
	if _, err := os.Stat(strings.TrimSpace(string(libraries))); err != nil {
		return "", fmt.Errorf("program %s: %w: %w", name, ErrNotBuilt, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	// Another process may compile it at the same time.
	own, err := os.MkdirTemp(dir, "build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(own)
	made, from := filepath.Join(own, "program.wasm"), filepath.Join(own, "program.rs")
	if err := os.WriteFile(from, source, 0o644); err != nil {
		return "", err
	}
	build := exec.Command("rustc", "--edition", "2024", "--target", target, "-Copt-level=2", "-Cstrip=symbols", "-o", made, from)
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("program %s: %w\n%s", name, err, said)
	}
	return path, os.Rename(made, path)
}
