// Package new is the API after, with its types in another package.
package new

import (
	"io"
	"unsafe"

	"example.com/new/internal/inner"
	"example.org/unknown"
)

type Kind = inner.Kind

const (
	KindA  Kind = 0
	KindC  Kind = inner.C
	Number      = 8
)

type Thing struct {
	hidden unknown.Type
	Field  io.Reader
	More   string
}

type Like interface {
	Other()
}

func (t *Thing) Same(x, y int, more ...any) (int, error) { return 0, nil }
func (t Thing) Value() []uint8                           { return nil }
func (t *Thing) Changed(int64)                           {}
func (t *Thing) Pointer() unsafe.Pointer                 { return nil }

func New(func(*Thing, string) error) *Thing { return nil }
func Bind[A, B any](a A) B                  { panic(a) }

var Default = New(nil)

type Comparable struct{ a func() }
