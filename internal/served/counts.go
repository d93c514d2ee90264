package served

import (
	"errors"
	"fmt"
	"io"
)

// ErrBadCount says that a reader, a writer or a file has returned a number of bytes that cannot be.
var ErrBadCount = errors.New("a number of bytes that cannot be")

// Count is what has moved n bytes, with err, and was given so many: a negative number with an error is none. If the
// number cannot be, nobody knows what became of the bytes, so that the guest must not go on: see errnoOf.
func Count(by any, op string, n, of int, err error) (int, error) {
	switch {
	case 0 <= n && n <= of:
		return n, err
	case n < 0 && err != nil:
		return 0, err
	}
	return 0, fmt.Errorf("%s of %T returned %w: %d of %d", op, by, ErrBadCount, n, of)
}

// counted is a reader whose counts are looked at.
type counted struct{ r io.Reader }

func (c counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	return Count(c.r, "Read", n, len(p), err)
}

// ending is what a call panics with that ends the guest with an error.
type ending struct{ err error }
