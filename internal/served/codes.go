package served

import (
	"errors"
	"net"
)

// fileCodes are the cases of error-code of wasi:filesystem, by the error numbers of WASI 0.1 that say the same.
var fileCodes = map[errno]string{
	errnoAcces:       "access",
	errnoAgain:       "would-block",
	errnoBadf:        "bad-descriptor",
	errnoBusy:        "busy",
	errnoDquot:       "quota",
	errnoMfile:       "quota",
	errnoNfile:       "quota",
	errnoExist:       "exist",
	errnoFbig:        "file-too-large",
	errnoIlseq:       "illegal-byte-sequence",
	errnoIntr:        "interrupted",
	errnoInval:       "invalid",
	errnoIo:          "io",
	errnoIsdir:       "is-directory",
	errnoLoop:        "loop",
	errnoMlink:       "too-many-links",
	errnoNametoolong: "name-too-long",
	errnoNodev:       "no-device",
	errnoNoent:       "no-entry",
	errnoNomem:       "insufficient-memory",
	errnoNospc:       "insufficient-space",
	errnoNotdir:      "not-directory",
	errnoNotempty:    "not-empty",
	errnoNosys:       "unsupported",
	errnoNotsup:      "unsupported",
	errnoNxio:        "no-such-device",
	errnoOverflow:    "overflow",
	errnoPerm:        "not-permitted",
	errnoPipe:        "pipe",
	errnoRofs:        "read-only",
	errnoSpipe:       "invalid-seek",
	errnoTxtbsy:      "text-file-busy",
	errnoXdev:        "cross-device",
}

// networkCodes are the cases of error-code of wasi:sockets.
var networkCodes = map[errno]string{
	errnoAcces:       "access-denied",
	errnoAgain:       "would-block",
	errnoConnaborted: "connection-aborted",
	errnoConnrefused: "connection-refused",
	errnoConnreset:   "connection-reset",
	errnoHostunreach: "remote-unreachable",
	errnoInval:       "invalid-argument",
	errnoMfile:       "new-socket-limit",
	errnoNetunreach:  "remote-unreachable",
	errnoNfile:       "new-socket-limit",
	errnoNobufs:      "out-of-memory",
	errnoNomem:       "out-of-memory",
	errnoNosys:       "not-supported",
	errnoNotsup:      "not-supported",
	errnoPerm:        "access-denied",
	errnoTimedout:    "timeout",
}

// ErrorCode returns the case of an error-code of WASI 0.2 that an error of Go's says: that of wasi:filesystem, or that
// of wasi:sockets. ok is false for an error that says nothing of the kind.
func ErrorCode(err error, network bool) (name string, ok bool) {
	if dns, is := errors.AsType[*net.DNSError](err); is && network {
		switch {
		case dns.IsNotFound:
			return "name-unresolvable", true
		case dns.IsTemporary, dns.IsTimeout:
			return "temporary-resolver-failure", true
		}
		return "permanent-resolver-failure", true
	}
	number, ok := knownErrno(err)
	if !ok {
		return "", false
	}
	codes := fileCodes
	if network {
		codes = networkCodes
	}
	name, ok = codes[number]
	return name, ok
}
