package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

func TestPictureIsFresh(t *testing.T) {
	committed, err := os.ReadFile("../objects.svg")
	if err != nil {
		t.Fatal(err)
	}
	if string(committed) != picture() {
		t.Error("docs/objects.svg is not what this program draws: go generate ./docs/picture")
	}
}

func TestPictureIsXML(t *testing.T) {
	decoder := xml.NewDecoder(strings.NewReader(picture()))
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// What is drawn in one style only looks right on one background only.
func TestStyleForBothBackgrounds(t *testing.T) {
	light, dark, ok := strings.Cut(style, "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("there is no style for a dark background")
	}
	for line := range strings.Lines(light) {
		class, declarations, _ := strings.Cut(line, " {")
		if strings.Contains(declarations, "#") && !strings.Contains(dark, "\n"+class+" {") {
			t.Errorf("%s has colours for a light background only", class)
		}
	}
}
