package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/dirhash"
)

// writeSum writes the lines that go.sum will have for a packed module. They tell what its files contain, whoever made
// the zip file.
func writeSum(name string, p packed) error {
	content, err := dirhash.HashZip(p.path, dirhash.Hash1)
	mod, errMod := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return os.Open(strings.TrimSuffix(p.path, ".zip") + ".mod")
	})
	lines := fmt.Appendf(nil, "%s %s %s\n%[1]s %[2]s/go.mod %[4]s\n", p.mod.Path, p.mod.Version, content, mod)
	return errors.Join(err, errMod, os.WriteFile(name, lines, 0o666))
}
