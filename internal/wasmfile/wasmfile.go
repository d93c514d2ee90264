// Package wasmfile says what bytes are that somebody takes for a module, and reads the sections of the binary format.
package wasmfile

import (
	"bytes"
	"encoding/binary"
	"iter"
)

// Format is what bytes begin as.
type Format int

const (
	// Unknown: none of the others.
	Unknown Format = iota
	// Empty: there are no bytes.
	Empty
	// Binary: WebAssembly's binary format.
	Binary
	// Text: WebAssembly's text format, or a text that could be.
	Text
	// Compiled: what Wasmtime has compiled, an ELF file for an operating system of its own.
	Compiled
	// ELF: another ELF file, such as a program for Linux.
	ELF
)

// HeaderSize is the size of the header of compiled code, a 64-bit ELF file: of no file are more bytes needed to tell
// its format, except for a text that begins with as much white space.
const HeaderSize = 64

// Of tells formats apart.
func Of(b []byte) Format {
	const wasmtimeABI = 200
	text := bytes.TrimLeft(b, " \t\r\n")
	switch {
	case len(b) == 0:
		return Empty
	case IsBinary(b):
		return Binary
	case len(b) > 7 && string(b[:5]) == "\x7fELF\x02" && b[7] == wasmtimeABI:
		return Compiled
	case bytes.HasPrefix(b, []byte("\x7fELF")):
		return ELF
	case len(text) == 0 || text[0] == '(' || bytes.HasPrefix(text, []byte(";;")):
		return Text
	}
	return Unknown
}

// IsBinary tells whether bytes begin as the binary format does, for modules and components.
func IsBinary(b []byte) bool { return bytes.HasPrefix(b, []byte("\x00asm")) }

// IsComponent tells whether bytes begin as a component does, in the binary format or compiled.
func IsComponent(b []byte) bool {
	if IsBinary(b) {
		return len(b) >= 8 && b[6] == 1 && b[7] == 0 // the layer; that of modules is 0
	}
	const componentFlag = 2
	return len(b) >= HeaderSize && Of(b) == Compiled && binary.LittleEndian.Uint32(b[48:])&componentFlag != 0
}

// The numbers of sections.
const (
	SectionCustom    = 0
	SectionMemory    = 5
	SectionStart     = 8
	SectionDataCount = 12
)

// Sections are the number and the content of each section of a module in the binary format.
func Sections(wasm []byte) iter.Seq2[int, *Reader] {
	return func(yield func(int, *Reader) bool) {
		r := Reader{wasm}
		r.Take(8)
		for len(r.Bytes) > 0 {
			id := int(r.Byte())
			if !yield(id, &Reader{r.Take(r.Number())}) {
				return
			}
		}
	}
}

// Reader reads the binary format. Beyond the end there are zeros.
type Reader struct {
	// Bytes are those that have not been read.
	Bytes []byte
}

// Byte reads a byte.
func (r *Reader) Byte() byte {
	if b := r.Take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

// Take reads n bytes, or as many as there are.
func (r *Reader) Take(n uint64) []byte {
	n = min(n, uint64(len(r.Bytes)))
	taken := r.Bytes[:n]
	r.Bytes = r.Bytes[n:]
	return taken
}

// Number reads an unsigned number in LEB128.
func (r *Reader) Number() uint64 {
	n, length := binary.Uvarint(r.Bytes)
	r.Take(uint64(max(length, 1)))
	return n
}
