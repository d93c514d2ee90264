package wasmtime

import "syscall"

// The numbers of Windows itself, which package syscall does not take for the ones of Unix that it invents.
func init() {
	for number, errno := range map[syscall.Errno]wasiErrno{
		syscall.ERROR_BROKEN_PIPE:     wasiErrnoPipe,
		232:                           wasiErrnoPipe, // ERROR_NO_DATA: the pipe is being closed
		233:                           wasiErrnoPipe, // ERROR_PIPE_NOT_CONNECTED
		syscall.WSAECONNRESET:         15,
		syscall.ERROR_NETNAME_DELETED: 15,
		syscall.WSAECONNABORTED:       13,
		10061:                         14,            // WSAECONNREFUSED
		10065:                         23,            // WSAEHOSTUNREACH
		10051:                         40,            // WSAENETUNREACH
		10057:                         53,            // WSAENOTCONN
		10058:                         wasiErrnoPipe, // WSAESHUTDOWN
		10060:                         73,            // WSAETIMEDOUT
		112:                           51,            // ERROR_DISK_FULL
		39:                            51,            // ERROR_HANDLE_DISK_FULL
		6:                             wasiErrnoBadf, // ERROR_INVALID_HANDLE
	} {
		systemErrnos[number] = errno
	}
}
