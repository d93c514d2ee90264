package served

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"testing"
	"testing/fstest"
)

// miscounting is a reader, a writer and a file that returns a count as it likes.
type miscounting struct {
	fs.File
	count int
}

func (m miscounting) Read([]byte) (int, error)          { return m.count, nil }
func (m miscounting) ReadAt([]byte, int64) (int, error) { return m.count, nil }
func (m miscounting) Write([]byte) (int, error)         { return m.count, nil }

// sequential is one that can only be read from the beginning.
type sequential struct{ fs.File }

// What says that it has moved more bytes than it was given, or fewer than none, ends the guest, and the host learns
// what has done that. So it is each time.
func TestBadCounts(t *testing.T) {
	stop, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, count := range []int{1 << 20, -1, math.MaxInt, math.MinInt} {
		for _, ctx := range []context.Context{nil, stop} {
			m := miscounting{count: count}
			for what, d := range map[string]*Descriptor{"reader": NewReader(m), "writer": NewWriter(m)} {
				h := &testHost{stop: ctx}
				st := attached(t, h, d)
				for range 2 {
					h.failed = nil
					stopped := false
					Call(h, func(ctx context.Context) {
						locked(d, func() {
							if what == "reader" {
								st.readLocked(ctx, make([]byte, 16), true, false, false)
							} else {
								st.writeLocked(ctx, make([]byte, 16), true, false)
							}
						})
					}, func() { stopped = true })
					if !stopped || !errors.Is(h.failed, ErrBadCount) || h.panicked != nil {
						t.Errorf("%s, %d: stopped %v with %v, panic %v", what, count, stopped, h.failed, h.panicked)
					}
				}
			}
			for _, anywhere := range []bool{false, true} {
				inner, err := fstest.MapFS{"f": {Data: make([]byte, 100)}}.Open("f")
				if err != nil {
					t.Fatal(err)
				}
				file := fs.File(miscounting{inner, count})
				if !anywhere {
					file = sequential{file}
				}
				f := &servedFile{
					mount: &mount{turn: make(chan struct{}, 1), host: &testHost{stop: ctx}}, node: &node{}, file: file, regular: true,
				}
				for _, off := range []int64{0, 50} {
					n, err := f.readFrom(ctx, make([]byte, 16), off, false)
					if n != 0 || !errors.Is(err, ErrBadCount) {
						t.Errorf("%d, at %d: %d, %v", count, off, n, err)
					}
				}
			}
		}
	}
}
