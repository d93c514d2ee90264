package workspace

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// CopyGo copies a Go file, changing the import path from wasmtime-go's to the one
// given and nothing else. It returns how many imports were changed.
func CopyGo(from, to, importPath string) (int, error) {
	data, err := os.ReadFile(from)
	if err != nil {
		return 0, err
	}
	old := []byte(`"` + Peer + `"`)
	count := bytes.Count(data, old)
	data = bytes.ReplaceAll(data, old, []byte(`"`+importPath+`"`))
	return count, os.WriteFile(to, data, 0o644)
}

// CopyProgram copies the Go files of a directory with the import path changed.
func CopyProgram(from, to, importPath string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(from, "*.go"))
	if err != nil {
		return err
	}
	changed := 0
	for _, file := range files {
		count, err := CopyGo(file, filepath.Join(to, filepath.Base(file)), importPath)
		if err != nil {
			return err
		}
		changed += count
	}
	if changed == 0 {
		return fmt.Errorf("%s: no file imports %s", from, Peer)
	}
	return nil
}
