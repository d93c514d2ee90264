package wasi

import (
	"errors"
	"slices"

	"github.com/gowasmtime/wasmtime/internal/served"
)

// FilesystemErrorCodeOf returns the case of error-code of wasi:filesystem that an error of Go's says, and whether it
// says any: of an error that is or wraps a FilesystemErrorCode, that; of an operating system's, the case for it; and
// those of [io/fs.ErrNotExist], [io/fs.ErrPermission], [io/fs.ErrExist], [io/fs.ErrInvalid], [io/fs.ErrClosed],
// [io.ErrClosedPipe] and [errors.ErrUnsupported], which errors of package os match.
//
// A method whose result has an error-code need not call it: an error that it returns becomes that case by itself.
func FilesystemErrorCodeOf(err error) (code FilesystemErrorCode, ok bool) {
	return codeOf[FilesystemErrorCode](err, filesystemErrorCodeNames, false)
}

// SocketsErrorCodeOf is [FilesystemErrorCodeOf] for error-code of wasi:sockets. Beside those of operating systems, it
// knows a [net.DNSError], [os.ErrDeadlineExceeded] and [context.DeadlineExceeded].
func SocketsErrorCodeOf(err error) (code SocketsErrorCode, ok bool) {
	return codeOf[SocketsErrorCode](err, socketsErrorCodeNames, true)
}

// code is an error-code of WASI.
type code interface {
	~uint8
	error
}

func codeOf[E code](err error, names []string, network bool) (is E, ok bool) {
	if errors.As(err, &is) {
		return is, true
	}
	name, ok := served.ErrorCode(err, network)
	return E(max(slices.Index(names, name), 0)), ok
}
