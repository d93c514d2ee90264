// Package guests holds the WebAssembly programs that the tests and the benchmarks run. The C and Rust guests are
// committed as build.sh builds them and embedded here; the Go guests are megabytes each, so they are built on first
// use.
package guests

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

//go:embed *.wasm rust/*.wasm components/*.wasm
var compiled embed.FS

// Sources are what the guests in Go are built of, below go/, with the build script and some headers of those in C:
// files for tests of file systems, too.
//
//go:embed build.sh c/probe go
var Sources embed.FS

// C returns the guest that build.sh compiles from c/name.c. It panics when there is none: a misspelt name in a test.
func C(name string) []byte {
	wasm, err := compiled.ReadFile(name + ".wasm")
	if err != nil {
		panic(err)
	}
	return wasm
}

// Rust returns the guest that build.sh compiles from rust/name. It panics when there is none: a misspelt name in a
// test.
func Rust(name string) []byte { return C("rust/" + name) }

// Component returns the component of WASI 0.2 that build.sh makes of wasip2/name, or of c/name.c and Wasmtime's
// adapter, which has the Apache License 2.0 with the LLVM exception. It panics when there is none.
func Component(name string) []byte { return C("components/" + name) }

// Go returns the guest that the Go toolchain compiles from go/name/main.go. See GoFile.
func Go(name string) ([]byte, error) {
	path, err := GoFile(name)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// GoFile is the path of the guest that the Go toolchain compiles from go/name/main.go. It runs the go command the
// first time and keeps the result in the user's cache folder, under a name made of the source and of the version of
// Go. A guest that exports functions is built as a reactor. Safe for concurrent use, in several processes too.
func GoFile(name string) (string, error) {
	source, err := Sources.ReadFile("go/" + name + "/main.go")
	if err != nil {
		return "", fmt.Errorf("guest %s: %w", name, err)
	}
	mode := "exe"
	if strings.Contains(string(source), "\n//go:wasmexport ") {
		mode = "c-shared"
	}
	cache, err := cacheDir()
	if err != nil {
		return "", fmt.Errorf("guest %s: %w", name, err)
	}
	sum := sha256.Sum256(append([]byte(runtime.Version()+"\n"+mode+"\n"), source...))
	path := filepath.Join(cache, name+"-"+hex.EncodeToString(sum[:8])+".wasm")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}

	dir, err := os.MkdirTemp(cache, "build-")
	if err != nil {
		return "", fmt.Errorf("guest %s: %w", name, err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "main.go"), source, 0o644); err != nil {
		return "", fmt.Errorf("guest %s: %w", name, err)
	}
	built := filepath.Join(dir, "guest.wasm")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s", "-buildmode="+mode, "-o", built, "main.go")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=", "GOEXPERIMENT=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("guest %s: go build: %w\n%s", name, err, out)
	}
	if err := os.Rename(built, path); err != nil {
		return "", fmt.Errorf("guest %s: %w", name, err)
	}
	return path, nil
}

// cacheDir returns the folder of the built guests and makes sure that it exists.
func cacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil { // no home folder: a container, a service
		base = os.TempDir()
	}
	dir := filepath.Join(base, "gowasmtime", "guests")
	return dir, os.MkdirAll(dir, 0o755)
}
