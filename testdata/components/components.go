// Package components finds the components that build.sh makes, in a cache: commands, handlers of HTTP, and the same
// plugin in several languages, for the world in wit. They take toolchains of megabytes, and some of the components are
// as large, so nothing is built here and none is committed.
package components

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ErrNotBuilt says that build.sh has not made the component, or not of these sources. What wraps it says why.
var ErrNotBuilt = errors.New("not built: run testdata/components/build.sh")

//go:embed build.sh wit c chttp rust js jshttp jsprogram python pyhttp pyprogram
var sources embed.FS

// File is the path of a component: one of c, js, python, rust, of the commands jsprogram and pyprogram, and of the
// handlers chttp, jshttp and pyhttp. The error of one that is not in the cache wraps ErrNotBuilt, with what the
// toolchain said if it has failed. Safe for concurrent use.
func File(name string) (string, error) {
	sum, err := sourceSum(name)
	if err != nil {
		return "", fmt.Errorf("component %s: %w", name, err)
	}
	dir := os.Getenv("GOWASMTIME_COMPONENTS")
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("component %s: %w: %w", name, ErrNotBuilt, err)
		}
		dir = filepath.Join(base, "gowasmtime", "components")
	}
	path := filepath.Join(dir, name+"-"+sum)
	if _, err := os.Stat(path + ".wasm"); err == nil {
		return path + ".wasm", nil
	}
	reason, err := os.ReadFile(path + ".error")
	if err != nil {
		return "", fmt.Errorf("component %s: %w", name, ErrNotBuilt)
	}
	return "", fmt.Errorf("component %s: %w: %s", name, ErrNotBuilt, strings.TrimSpace(string(reason)))
}

// sourceSum is what build.sh calls sum: a digest of the sources, in the order of their names.
func sourceSum(name string) (string, error) {
	var files []string
	for _, root := range []string{"build.sh", "wit", name} {
		err := fs.WalkDir(sources, root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return "", err
		}
	}
	slices.Sort(files)
	sum := sha256.New()
	for _, file := range files {
		content, err := sources.ReadFile(file)
		if err != nil {
			return "", err
		}
		sum.Write(content)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
}
