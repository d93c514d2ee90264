package streams_test

import (
	"context"
	"io/fs"
	"testing"
	"testing/fstest"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// miscount reads and writes so many bytes, it says.
type miscount int

func (m miscount) Read([]byte) (int, error)  { return int(m), nil }
func (m miscount) Write([]byte) (int, error) { return int(m), nil }

// miscountFS has a file that is a miscount.
type miscountFS struct {
	fstest.MapFS
	miscount
}

type miscountFile struct {
	fs.File
	miscount
}

func (f miscountFile) Read(p []byte) (int, error) { return f.miscount.Read(p) }

func (m miscountFS) Open(name string) (fs.File, error) {
	f, err := m.MapFS.Open(name)
	if name != "f" || err != nil {
		return f, err
	}
	return miscountFile{f, m.miscount}, nil
}

// A reader, a writer and a file that say to have moved more bytes than they were given, or fewer than none, end the
// guest, whose call says why.
func TestBadCounts(t *testing.T) {
	for _, n := range []miscount{1 << 30, -1} {
		for _, cancellable := range []bool{false, true} {
			for name, put := range map[string]func(*Store) error{
				"fd_read":  func(s *Store) error { return s.InsertReader(3, n) },
				"fd_write": func(s *Store) error { return s.InsertWriter(3, n) },
				"a file": func(s *Store) error {
					return s.InsertFS(3, miscountFS{fstest.MapFS{"f": {Data: []byte("text")}}, n}, "")
				},
			} {
				g := NewWasiGuest(t, nil)
				ctx := context.Background()
				if cancellable {
					g = NewCancellableGuest(t)
					var cancel func()
					ctx, cancel = context.WithCancel(ctx)
					defer cancel()
				}
				Check(t, put(g.Store))
				fd := 3
				if name == "a file" {
					opened, errno := g.OpenRights(3, "f", 0, RightRead|RightSeek)
					WantErrno(t, "open", errno, ErrnoSuccess)
					name, fd = "fd_read", int(opened)
				}
				g.Iovec(16)
				_, err := g.Instance.GetFunc(g.Store, name).CallContext(ctx, g.Store, fd, GuestIovec, 1, GuestResult)
				WantIs(t, err, ErrBadCount)
				WantText(t, err, "returned a number of bytes that cannot be")
			}
		}
	}
}
