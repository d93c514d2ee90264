package canon

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// TypeError says that a Go type cannot stand for a WIT type.
type TypeError struct {
	// Path is where in the type it is, from the outside to the inside: "parameter 2 (who)", "field age (Age)".
	Path []string
	// WIT is the WIT type there, nil for a payload that is not there, and Go the Go type, nil if the Go value is nil.
	WIT *Type
	Go  reflect.Type
	// Reason says more, or is empty.
	Reason string
}

// Error says where and what, in both languages.
func (e *TypeError) Error() string {
	wit := "nothing"
	if e.WIT != nil {
		wit = e.WIT.short()
	}
	text := fmt.Sprintf("%sWIT has %s, Go has %s", prefix(e.Path), wit, goName(e.Go))
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

// ValueError says that a value cannot be passed although its type fits.
type ValueError struct {
	// Path is where in the value it is, as in a [TypeError]; elements of lists are counted from 0.
	Path []string
	// Reason says what is wrong.
	Reason string
	// Err is what a codec of handles said, or nil.
	Err error
}

// Error says where and what.
func (e *ValueError) Error() string { return prefix(e.Path) + e.Reason }

// Unwrap returns the cause.
func (e *ValueError) Unwrap() error { return e.Err }

// In says that an error of this package happened inside of something: it puts a step before its path. Other errors
// become a [ValueError].
func In(step string, err error) error {
	switch e := err.(type) {
	case nil:
		return nil
	case *TypeError:
		inner := *e
		inner.Path = slices.Concat([]string{step}, e.Path)
		return &inner
	case *ValueError:
		inner := *e
		inner.Path = slices.Concat([]string{step}, e.Path)
		return &inner
	}
	return &ValueError{Path: []string{step}, Reason: err.Error(), Err: err}
}

func prefix(path []string) string {
	if len(path) == 0 {
		return ""
	}
	return strings.Join(path, ": ") + ": "
}

func invalid(format string, args ...any) error {
	return &ValueError{Reason: fmt.Sprintf(format, args...)}
}

// goName is how messages name a Go type.
func goName(t reflect.Type) string {
	if t == nil {
		return "nil"
	}
	return t.String()
}
