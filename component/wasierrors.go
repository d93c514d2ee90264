package component

import (
	"fmt"
	"syscall"

	"github.com/gowasmtime/wasmtime/internal/canon"
	"github.com/gowasmtime/wasmtime/internal/served"
)

// wasiError is an error of WASI 0.2 that no operating system has a number for, by its name in WIT.
type wasiError string

func (e wasiError) Error() string { return string(e) }

// fileErrors are the cases of error-code of wasi:filesystem, by their numbers, as the errors that package os has for
// them.
var fileErrors = [...]error{
	syscall.EACCES, syscall.EAGAIN, syscall.EALREADY, syscall.EBADF, syscall.EBUSY, syscall.EDEADLK, syscall.EDQUOT,
	syscall.EEXIST, syscall.EFBIG, syscall.EILSEQ, syscall.EINPROGRESS, syscall.EINTR, syscall.EINVAL, syscall.EIO,
	syscall.EISDIR, syscall.ELOOP, syscall.EMLINK, syscall.EMSGSIZE, syscall.ENAMETOOLONG, syscall.ENODEV,
	syscall.ENOENT, syscall.ENOLCK, syscall.ENOMEM, syscall.ENOSPC, syscall.ENOTDIR, syscall.ENOTEMPTY,
	wasiError("not-recoverable"), syscall.ENOTSUP, syscall.ENOTTY, syscall.ENXIO, syscall.EOVERFLOW, syscall.EPERM,
	syscall.EPIPE, syscall.EROFS, syscall.ESPIPE, syscall.ETXTBSY, syscall.EXDEV,
}

// networkErrors are the cases of error-code of wasi:sockets.
var networkErrors = [...]error{
	wasiError("unknown"), syscall.EACCES, syscall.ENOTSUP, syscall.EINVAL, syscall.ENOMEM, syscall.ETIMEDOUT,
	wasiError("concurrency-conflict"), wasiError("not-in-progress"), syscall.EAGAIN, wasiError("invalid-state"),
	syscall.EMFILE, syscall.EADDRNOTAVAIL, syscall.EADDRINUSE, syscall.EHOSTUNREACH, syscall.ECONNREFUSED,
	syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EMSGSIZE, wasiError("name-unresolvable"),
	wasiError("temporary-resolver-failure"), wasiError("permanent-resolver-failure"),
}

// fileError is the error with a number in wasi:filesystem.
func fileError(number uint64) error { return numbered(fileErrors[:], number) }

// networkError is the error with a number in wasi:sockets.
func networkError(number uint64) error { return numbered(networkErrors[:], number) }

func numbered(errs []error, number uint64) error {
	if number < uint64(len(errs)) {
		return errs[number]
	}
	return wasiError(fmt.Sprintf("error-code %d", number))
}

// wasiErrorCode returns the case that an error of Go's is, if a type is an error-code of wasi:filesystem or
// wasi:sockets: the first has cases for files, which the second has not, and that has those of connections.
func wasiErrorCode(t *canon.Type, err error) (name string, ok bool) {
	is := func(cases int, one int, named string) bool {
		return t.Kind == canon.Enum && len(t.Cases) == cases && t.Cases[one].Name == named
	}
	switch {
	case is(len(fileErrors), 20, "no-entry"):
		return served.ErrorCode(err, false)
	case is(len(networkErrors), 18, "name-unresolvable"):
		return served.ErrorCode(err, true)
	}
	return "", false
}
