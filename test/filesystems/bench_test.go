package filesystems_test

import (
	"context"
	"io/fs"
	"os"
	"strings"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// What a file costs that Go serves, beside one of the host, when its context can and cannot be cancelled.
func BenchmarkFS(b *testing.B) {
	tree := served{files: map[string]string{"a/b/file": strings.Repeat("0123456789abcdef", 1<<16)}}
	dir := tree.host(b)
	for _, system := range []struct {
		name string
		push func(store *Store) (uint32, error)
	}{
		{"host", func(store *Store) (uint32, error) { return store.PushDir(OpenDir(b, dir), "", READ_ONLY) }},
		{"os.DirFS", func(store *Store) (uint32, error) { return store.PushFS(os.DirFS(dir), "") }},
		{"os.DirFS-served", func(store *Store) (uint32, error) { return store.PushFS(onlyFS{os.DirFS(dir).(fs.ReadLinkFS)}, "") }},
		{"MapFS", func(store *Store) (uint32, error) { return store.PushFS(tree.mapFS(), "") }},
		{"zip", func(store *Store) (uint32, error) { return store.PushFS(tree.zip(b), "") }},
	} {
		for _, cancellable := range []bool{false, true} {
			name := system.name
			ctx := context.Background()
			if cancellable {
				name += "-cancellable"
				ctx = b.Context()
			}
			g := NewCancellableGuest(b)
			fd, err := system.push(g.Store)
			Check(b, err)
			file, errno := g.PathOpen(fd, 0, "a/b/file", 0, RightRead, 0)
			WantErrno(b, "open", errno, ErrnoSuccess)
			read, err := Bind4[int32, int32, int32, int32, int32](g.Store, g.Instance.GetFunc(g.Store, "fd_read"))
			Check(b, err)
			stat, err := Bind5[int32, int32, int32, int32, int32, int32](g.Store, g.Instance.GetFunc(g.Store, "path_filestat_get"))
			Check(b, err)
			for size, n := range map[string]int{"16B": 16, "64KiB": 64 << 10} {
				b.Run(name+"/read-"+size, func(b *testing.B) {
					g.Iovec(n)
					b.SetBytes(int64(n))
					for b.Loop() {
						if errno, err := read.CallContext(ctx, int32(file), GuestIovec, 1, GuestResult); errno != 0 || err != nil {
							b.Fatal(errno, err)
						}
						if g.Result32() < uint32(n) {
							g.Seek(file, 0, 0)
						}
					}
				})
			}
			g.PutPath("a/b/file")
			b.Run(name+"/stat", func(b *testing.B) {
				for b.Loop() {
					if errno, err := stat.CallContext(ctx, int32(fd), 0, GuestPath, 8, GuestResult); errno != 0 || err != nil {
						b.Fatal(errno, err)
					}
				}
			})
		}
	}
}
