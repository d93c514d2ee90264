package served

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

// errno is an error number of WASI 0.1, as an error. The names are those of the specification.
type errno uint64

const (
	errnoAcces       errno = 2
	errnoAgain       errno = 6
	errnoBadf        errno = 8
	errnoBusy        errno = 10
	errnoCanceled    errno = 11
	errnoConnaborted errno = 13
	errnoConnrefused errno = 14
	errnoConnreset   errno = 15
	errnoDquot       errno = 19
	errnoExist       errno = 20
	errnoFbig        errno = 22
	errnoHostunreach errno = 23
	errnoIlseq       errno = 25
	errnoIntr        errno = 27
	errnoInval       errno = 28
	errnoIo          errno = 29
	errnoIsdir       errno = 31
	errnoLoop        errno = 32
	errnoMfile       errno = 33
	errnoMlink       errno = 34
	errnoNametoolong errno = 37
	errnoNetunreach  errno = 40
	errnoNfile       errno = 41
	errnoNobufs      errno = 42
	errnoNodev       errno = 43
	errnoNoent       errno = 44
	errnoNomem       errno = 48
	errnoNospc       errno = 51
	errnoNosys       errno = 52
	errnoNotconn     errno = 53
	errnoNotdir      errno = 54
	errnoNotempty    errno = 55
	errnoNotsup      errno = 58
	errnoNxio        errno = 60
	errnoOverflow    errno = 61
	errnoPerm        errno = 63
	errnoPipe        errno = 64
	errnoRofs        errno = 69
	errnoSpipe       errno = 70
	errnoStale       errno = 72
	errnoTimedout    errno = 73
	errnoTxtbsy      errno = 74
	errnoXdev        errno = 75
)

func (e errno) Error() string { return fmt.Sprintf("error %d of WASI 0.1", uint64(e)) }

// systemErrnos are the errors of the operating system that a guest can tell apart.
var systemErrnos = map[syscall.Errno]errno{
	syscall.EACCES:       errnoAcces,
	syscall.EAGAIN:       errnoAgain,
	syscall.EBADF:        errnoBadf,
	syscall.EBUSY:        errnoBusy,
	syscall.ECANCELED:    errnoCanceled,
	syscall.ECONNABORTED: errnoConnaborted,
	syscall.ECONNREFUSED: errnoConnrefused,
	syscall.ECONNRESET:   errnoConnreset,
	syscall.EDQUOT:       errnoDquot,
	syscall.EEXIST:       errnoExist,
	syscall.EFBIG:        errnoFbig,
	syscall.EHOSTUNREACH: errnoHostunreach,
	syscall.EILSEQ:       errnoIlseq,
	syscall.EINTR:        errnoIntr,
	syscall.EINVAL:       errnoInval,
	syscall.EIO:          errnoIo,
	syscall.EISDIR:       errnoIsdir,
	syscall.ELOOP:        errnoLoop,
	syscall.EMFILE:       errnoMfile,
	syscall.EMLINK:       errnoMlink,
	syscall.ENAMETOOLONG: errnoNametoolong,
	syscall.ENETUNREACH:  errnoNetunreach,
	syscall.ENFILE:       errnoNfile,
	syscall.ENOBUFS:      errnoNobufs,
	syscall.ENODEV:       errnoNodev,
	syscall.ENOENT:       errnoNoent,
	syscall.ENOMEM:       errnoNomem,
	syscall.ENOSPC:       errnoNospc,
	syscall.ENOSYS:       errnoNosys,
	syscall.ENOTCONN:     errnoNotconn,
	syscall.ENOTDIR:      errnoNotdir,
	syscall.ENOTEMPTY:    errnoNotempty,
	syscall.ENOTSUP:      errnoNotsup,
	syscall.ENXIO:        errnoNxio,
	syscall.EOVERFLOW:    errnoOverflow,
	syscall.EPERM:        errnoPerm,
	syscall.EPIPE:        errnoPipe,
	syscall.EROFS:        errnoRofs,
	syscall.ESPIPE:       errnoSpipe,
	syscall.ESTALE:       errnoStale,
	syscall.ETIMEDOUT:    errnoTimedout,
	syscall.ETXTBSY:      errnoTxtbsy,
	syscall.EXDEV:        errnoXdev,
}

// namedErrnos are the errors of Go that a guest can tell apart.
var namedErrnos = []struct {
	err   error
	errno errno
}{
	{fs.ErrNotExist, errnoNoent},
	{fs.ErrPermission, errnoAcces},
	{fs.ErrExist, errnoExist},
	{fs.ErrInvalid, errnoInval},
	{fs.ErrClosed, errnoBadf},
	{io.ErrClosedPipe, errnoPipe},
	{net.ErrClosed, errnoBadf},
	{os.ErrDeadlineExceeded, errnoTimedout},
	{context.DeadlineExceeded, errnoTimedout},
	{context.Canceled, errnoCanceled},
	{errors.ErrUnsupported, errnoNotsup},
}

// errnoOf returns the error number that a guest gets for an error: EIO for one that WASI has no number for. It panics
// for one that ends the guest instead, which Call tells the host.
func errnoOf(err error) uint64 {
	if errors.Is(err, ErrBadCount) {
		panic(ending{err})
	}
	if number, ok := knownErrno(err); ok {
		return uint64(number)
	}
	return uint64(errnoIo)
}

// knownErrno is the error number that WASI has for an error, if it has one.
func knownErrno(err error) (number errno, ok bool) {
	if number, ok := err.(errno); ok {
		return number, true
	}
	if system, ok := errors.AsType[syscall.Errno](err); ok {
		if number, ok := systemErrnos[system]; ok {
			return number, true
		}
	}
	for _, e := range namedErrnos {
		if errors.Is(err, e.err) {
			return e.errno, true
		}
	}
	return 0, false
}
