package wasmtime_test

import (
	"context"
	"io/fs"
	"os"
	"strings"
	"testing"

	. "github.com/gowasmtime/wasmtime"
)

// What a file costs that Go serves, beside one of the host, when its context can and cannot be cancelled.
func BenchmarkFS(b *testing.B) {
	tree := served{files: map[string]string{"a/b/file": strings.Repeat("0123456789abcdef", 1<<16)}}
	dir := tree.host(b)
	for _, system := range []struct {
		name string
		push func(store *Store) (uint32, error)
	}{
		{"host", func(store *Store) (uint32, error) { return store.PushDir(openDir(b, dir), "", READ_ONLY) }},
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
			g := newCancellableGuest(b)
			fd, err := system.push(g.store)
			check(b, err)
			file, errno := g.pathOpen(fd, 0, "a/b/file", 0, rightRead, 0)
			wantErrno(b, "open", errno, errnoSuccess)
			read, err := Bind4[int32, int32, int32, int32, int32](g.store, g.instance.GetFunc(g.store, "fd_read"))
			check(b, err)
			stat, err := Bind5[int32, int32, int32, int32, int32, int32](g.store, g.instance.GetFunc(g.store, "path_filestat_get"))
			check(b, err)
			for size, n := range map[string]int{"16B": 16, "64KiB": 64 << 10} {
				b.Run(name+"/read-"+size, func(b *testing.B) {
					g.iovec(n)
					b.SetBytes(int64(n))
					for b.Loop() {
						if errno, err := read.CallContext(ctx, int32(file), guestIovec, 1, guestResult); errno != 0 || err != nil {
							b.Fatal(errno, err)
						}
						if g.result32() < uint32(n) {
							g.seek(file, 0, 0)
						}
					}
				})
			}
			g.putPath("a/b/file")
			b.Run(name+"/stat", func(b *testing.B) {
				for b.Loop() {
					if errno, err := stat.CallContext(ctx, int32(fd), 0, guestPath, 8, guestResult); errno != 0 || err != nil {
						b.Fatal(errno, err)
					}
				}
			})
		}
	}
}
