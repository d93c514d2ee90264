package wasi

import (
	"errors"
	"io"
	"io/fs"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
)

// Host is what a store can be given descriptors with: a [*wasmtime.Store], or the [*wasmtime.Caller] of a host
// function.
type Host interface {
	wasmtime.Storelike
	PushReader(r io.Reader) (uint32, error)
	PushWriter(w io.Writer) (uint32, error)
	PushFS(fsys fs.FS, path string) (uint32, error)
	RemoveFile(fd uint32) error
}

var (
	_ Host = (*wasmtime.Store)(nil)
	_ Host = (*wasmtime.Caller)(nil)
)

// NewInputStream makes an input-stream of the library's that reads from r, which is used as
// [wasmtime.Store.PushReader] says. The stream is the program's until it is given away, or dropped. Errors are those of
// PushReader and [component.WasiInput].
func NewInputStream(host Host, r io.Reader) (*component.Resource, error) {
	fd, err := host.PushReader(r)
	return resource(host, fd, err, component.WasiInput)
}

// NewOutputStream makes an output-stream of the library's that writes to w, which is used as
// [wasmtime.Store.PushWriter] says. It is as [NewInputStream] otherwise.
func NewOutputStream(host Host, w io.Writer) (*component.Resource, error) {
	fd, err := host.PushWriter(w)
	return resource(host, fd, err, component.WasiOutput)
}

// NewDescriptor makes a descriptor of the library's of a file system of Go's: of its root, as
// [wasmtime.Store.PushFS] says; [wasmtime.Writable] makes one that can be written. It is as [NewInputStream] otherwise.
func NewDescriptor(host Host, fsys fs.FS) (*component.Resource, error) {
	fd, err := host.PushFS(fsys, "")
	return resource(host, fd, err, component.WasiDescriptor)
}

// resource makes a resource of a descriptor, which does not stay if that fails.
func resource(host Host, fd uint32, err error, of func(wasmtime.Storelike, uint32) (*component.Resource, error)) (*component.Resource, error) {
	if err != nil {
		return nil, err
	}
	r, err := of(host, fd)
	if err != nil {
		return nil, errors.Join(err, host.RemoveFile(fd))
	}
	return r, nil
}
