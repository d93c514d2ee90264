package wasmtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// wasiErrno is an error number of WASI 0.1, as an error.
type wasiErrno uint64

// Error numbers that are given without an error of Go.
const (
	wasiErrnoBadf        wasiErrno = 8
	wasiErrnoConnaborted wasiErrno = 13
	wasiErrnoInval       wasiErrno = 28
	wasiErrnoIo          wasiErrno = 29
	wasiErrnoLoop        wasiErrno = 32
	wasiErrnoNoent       wasiErrno = 44
	wasiErrnoNotconn     wasiErrno = 53
	wasiErrnoNotdir      wasiErrno = 54
	wasiErrnoNotsup      wasiErrno = 58
	wasiErrnoNxio        wasiErrno = 60
	wasiErrnoPerm        wasiErrno = 63
	wasiErrnoPipe        wasiErrno = 64
	wasiErrnoSpipe       wasiErrno = 70
)

func (e wasiErrno) Error() string { return fmt.Sprintf("error %d of WASI 0.1", uint64(e)) }

// systemErrnos are the errors of the operating system that a guest can tell apart.
var systemErrnos = map[syscall.Errno]wasiErrno{
	syscall.EACCES:       2,
	syscall.EAGAIN:       6,
	syscall.EBADF:        wasiErrnoBadf,
	syscall.EBUSY:        10,
	syscall.ECANCELED:    11,
	syscall.ECONNABORTED: wasiErrnoConnaborted,
	syscall.ECONNREFUSED: 14,
	syscall.ECONNRESET:   15,
	syscall.EDQUOT:       19,
	syscall.EEXIST:       20,
	syscall.EFBIG:        22,
	syscall.EHOSTUNREACH: 23,
	syscall.EILSEQ:       25,
	syscall.EINTR:        27,
	syscall.EINVAL:       wasiErrnoInval,
	syscall.EIO:          wasiErrnoIo,
	syscall.EISDIR:       31,
	syscall.ELOOP:        wasiErrnoLoop,
	syscall.EMFILE:       33,
	syscall.ENAMETOOLONG: 37,
	syscall.ENETUNREACH:  40,
	syscall.ENFILE:       41,
	syscall.ENOBUFS:      42,
	syscall.ENODEV:       43,
	syscall.ENOENT:       wasiErrnoNoent,
	syscall.ENOMEM:       48,
	syscall.ENOSPC:       51,
	syscall.ENOSYS:       52,
	syscall.ENOTCONN:     wasiErrnoNotconn,
	syscall.ENOTDIR:      wasiErrnoNotdir,
	syscall.ENOTEMPTY:    55,
	syscall.ENOTSUP:      wasiErrnoNotsup,
	syscall.ENXIO:        wasiErrnoNxio,
	syscall.EOVERFLOW:    61,
	syscall.EPERM:        wasiErrnoPerm,
	syscall.EPIPE:        wasiErrnoPipe,
	syscall.EROFS:        69,
	syscall.ESPIPE:       wasiErrnoSpipe,
	syscall.ESTALE:       72,
	syscall.ETIMEDOUT:    73,
}

// namedErrnos are the errors of Go that a guest can tell apart.
var namedErrnos = []struct {
	err   error
	errno wasiErrno
}{
	{fs.ErrNotExist, wasiErrnoNoent},
	{fs.ErrPermission, 2},
	{fs.ErrExist, 20},
	{fs.ErrInvalid, wasiErrnoInval},
	{fs.ErrClosed, wasiErrnoBadf},
	{io.ErrClosedPipe, wasiErrnoPipe},
	{net.ErrClosed, wasiErrnoBadf},
	{os.ErrDeadlineExceeded, 73},
	{context.DeadlineExceeded, 73},
	{context.Canceled, 11},
	{errors.ErrUnsupported, wasiErrnoNotsup},
}

// wasiErrnoOf returns the error number that a guest gets for an error: EIO for one that WASI has no number for.
func wasiErrnoOf(err error) uint64 {
	if errno, ok := err.(wasiErrno); ok {
		return uint64(errno)
	}
	if system, ok := errors.AsType[syscall.Errno](err); ok {
		if errno, ok := systemErrnos[system]; ok {
			return uint64(errno)
		}
	}
	for _, e := range namedErrnos {
		if errors.Is(err, e.err) {
			return uint64(e.errno)
		}
	}
	return uint64(wasiErrnoIo)
}
