package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// What is in the root and in component/ is what this command writes.
func TestFilesAreUpToDate(t *testing.T) {
	for name, want := range files() {
		got, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s: run go generate", name)
		}
	}
}

// Every shape is listed once, and the function that makes its calls has its parameters and results.
func TestShapes(t *testing.T) {
	seen := map[string]bool{}
	for _, shape := range shapes() {
		if seen[shape] {
			t.Errorf("%s twice", shape)
		}
		seen[shape] = true
	}
	for shape, want := range map[string]string{
		">": "directNone0", ">d": "directResult0[float64]", "il>": "directNone2[int32, int64]",
		"iiiiii>b": "directResult6[int32, int32, int32, int32, int32, int32, uint8]",
	} {
		if !seen[shape] || maker(shape) != want {
			t.Errorf("%s: %v, %s, want %s", shape, seen[shape], maker(shape), want)
		}
	}
}
