package wasmfile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime/internal/wasmfile"
)

// header begins a module in the binary format.
const header = "\x00asm\x01\x00\x00\x00"

// compiled is the header of a file for an operating system with this number, with flags.
func compiled(abi byte, flags byte) string {
	b := make([]byte, wasmfile.HeaderSize)
	copy(b, "\x7fELF\x02")
	b[7], b[48] = abi, flags
	return string(b)
}

func TestFormats(t *testing.T) {
	for text, want := range map[string]struct {
		format    wasmfile.Format
		component bool
	}{
		"":                               {wasmfile.Empty, false},
		header:                           {wasmfile.Binary, false},
		"\x00asm":                        {wasmfile.Binary, false},
		"\x00asm\x0d\x00\x01\x00":        {wasmfile.Binary, true},
		" \n(module)":                    {wasmfile.Text, false},
		";; a comment":                   {wasmfile.Text, false},
		"\t":                             {wasmfile.Text, false},
		compiled(200, 1):                 {wasmfile.Compiled, false},
		compiled(200, 2):                 {wasmfile.Compiled, true},
		compiled(200, 2)[:20]:            {wasmfile.Compiled, false},
		compiled(3, 2):                   {wasmfile.ELF, false},
		"\x7fELF":                        {wasmfile.ELF, false},
		"MZ":                             {wasmfile.Unknown, false},
		strings.Repeat(" ", 99) + "root": {wasmfile.Unknown, false},
	} {
		b := []byte(text)
		if got := wasmfile.Of(b); got != want.format {
			t.Errorf("%q is format %d, not %d", text, got, want.format)
		}
		if got := wasmfile.IsComponent(b); got != want.component {
			t.Errorf("%q is a component: %v", text, got)
		}
	}
}

// Sections end where the bytes do, whatever these say.
func TestSections(t *testing.T) {
	for text, want := range map[string]string{
		header:                              "",
		"":                                  "",
		header + "\x05\x03\x01\x00\x01":     "5: 1 of 3; ",
		header + "\x05\x03\x01\x00\x01\x0b": "5: 1 of 3; 11: 0 of 0; ",
		header + "\x04\x80\x01\x07":         "4: 7 of 1; ",
		header + "\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff": "5: 0 of 0; " + strings.Repeat("255: 0 of 0; ", 5),
	} {
		var got strings.Builder
		for id, section := range wasmfile.Sections([]byte(text)) {
			size := len(section.Bytes)
			fmt.Fprintf(&got, "%d: %d of %d; ", id, section.Number(), size)
			if got.Len() > 200 {
				break
			}
		}
		if got.String() != want {
			t.Errorf("%q has sections %q, not %q", text, got.String(), want)
		}
	}
}
