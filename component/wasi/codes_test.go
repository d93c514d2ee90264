package wasi_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/gowasmtime/wasmtime/component/wasi"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// Each error of Go's is the case that says the same, and what says nothing of the kind is none.
func TestErrorCodesOf(t *testing.T) {
	for _, test := range []struct {
		err  error
		want wasi.FilesystemErrorCode
	}{
		{fs.ErrNotExist, wasi.FilesystemErrorCodeNoEntry},
		{&fs.PathError{Err: syscall.ENOTDIR}, wasi.FilesystemErrorCodeNotDirectory},
		{fmt.Errorf("x: %w", wasi.FilesystemErrorCodeLoop), wasi.FilesystemErrorCodeLoop},
		{ErrorOf(os.Open("/there/is/no/such/file")), wasi.FilesystemErrorCodeNoEntry},
	} {
		code, ok := wasi.FilesystemErrorCodeOf(test.err)
		Equal(t, test.err.Error(), ok, true)
		Equal(t, test.err.Error(), code, test.want)
	}
	code, ok := wasi.SocketsErrorCodeOf(&net.OpError{Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)})
	Equal(t, "refused", ok, true)
	Equal(t, "refused", code, wasi.SocketsErrorCodeConnectionRefused)
	if code, ok := wasi.FilesystemErrorCodeOf(errors.New("odd")); ok {
		t.Errorf("an odd error is %v", code)
	}
	if code, ok := wasi.SocketsErrorCodeOf(nil); ok {
		t.Errorf("nil is %v", code)
	}
}
