// Package old is the API before.
package old

// #include <old.h>
import "C"

import (
	"io"
	"unsafe"
)

type Kind C.old_kind_t

const (
	KindA  Kind = C.OLD_A
	KindC  Kind = C.OLD_C
	Number      = C.OLD_NUMBER
)

type Thing struct {
	ptr   *C.old_thing_t
	Field io.Reader
	Gone  int
}

type Like interface {
	Context() *C.old_thing_t
}

func (t *Thing) Same(a, b int, rest ...interface{}) (n int, err error) { return }
func (t Thing) Value() []byte                                          { return nil }
func (t *Thing) Changed(int32)                                         {}
func (t *Thing) Missing()                                              {}
func (t *Thing) Pointer() unsafe.Pointer                               { return nil }

func New(f func(t *Thing, name string) error) *Thing { return nil }
func Removed()                                       {}

var Default = New(nil)

type Comparable struct{ a int }
