package work

import (
	_ "embed"
	"fmt"
	"strings"
)

// Component is what the rows on components call, and ComponentText the same as text. It imports ComponentHost, whose
// function "inc" is Inc.
var (
	//go:embed component.wasm
	Component []byte
	//go:embed component.wat
	ComponentText string
)

// ComponentHost is the interface that the component imports.
const ComponentHost = "bench:guest/host@1.0.0"

// The functions of the resource that the component exports, by the name of their interface and theirs.
const (
	Counters   = "bench:guest/counters@1.0.0"
	NewCounter = Counters + "#[constructor]counter"
	GetCounter = Counters + "#[method]counter.get"
)

// Inc is what the imported function of the component does, everywhere.
func Inc(n uint32) uint32 { return n + 1 }

// Counted is what the counter of the component holds.
const Counted = 42

// A Point is a record of numbers, and a Row one with a string.
type (
	Point struct {
		ID uint32
		X  float64
	}
	Row struct {
		ID   uint32
		X    float64
		Name string
	}
)

// Text is the string of 1 KiB that the component returns.
func Text() string { return strings.Repeat("0123456789abcdef", 64) }

// BytesSize is how many bytes an op passes: 1 MiB.
const BytesSize = 1 << 20

// Bytes are BytesSize bytes for the component.
func Bytes() []byte {
	all := make([]byte, BytesSize)
	for i := range all {
		all[i] = byte(i*7 + i>>8)
	}
	return all
}

// Taken is what "take" returns: the length of the bytes, and besides the first and the last of them.
func Taken(bytes []byte) uint32 {
	return uint32(len(bytes)) + uint32(bytes[0]) + uint32(bytes[len(bytes)-1])
}

// Records is how many records an op passes.
const Records = 1000

// Rows are the records with strings.
func Rows() (all []Row) {
	for i := range Records {
		all = append(all, Row{uint32(i), float64(i) / 2, fmt.Sprintf("row %d", i)})
	}
	return all
}

// Points are the records of numbers.
func Points() (all []Point) {
	for i := range Records {
		all = append(all, Point{uint32(i), float64(i) / 2})
	}
	return all
}
