package served

import "syscall"

// The numbers of Windows itself, which package syscall does not take for the ones of Unix that it invents.
func init() {
	const (
		errorInvalidHandle    syscall.Errno = 6
		errorNotSameDevice    syscall.Errno = 17
		errorWriteProtect     syscall.Errno = 19
		errorSharingViolation syscall.Errno = 32
		errorLockViolation    syscall.Errno = 33
		errorHandleDiskFull   syscall.Errno = 39
		errorDiskFull         syscall.Errno = 112
		errorInvalidName      syscall.Errno = 123
		errorDirNotEmpty      syscall.Errno = 145
		errorBusy             syscall.Errno = 170
		errorFilenameTooLong  syscall.Errno = 206
		errorNoData           syscall.Errno = 232 // the pipe is being closed
		errorPipeNotConnected syscall.Errno = 233
		errorDirectory        syscall.Errno = 267
		errorDeletePending    syscall.Errno = 303
		errorPrivilegeNotHeld syscall.Errno = 1314
		wsaENETUNREACH        syscall.Errno = 10051
		wsaENOTCONN           syscall.Errno = 10057
		wsaESHUTDOWN          syscall.Errno = 10058
		wsaETIMEDOUT          syscall.Errno = 10060
		wsaECONNREFUSED       syscall.Errno = 10061
		wsaEHOSTUNREACH       syscall.Errno = 10065
	)
	for number, of := range map[syscall.Errno]errno{
		syscall.ERROR_BROKEN_PIPE:     errnoPipe,
		errorNoData:                   errnoPipe,
		errorPipeNotConnected:         errnoPipe,
		wsaESHUTDOWN:                  errnoPipe,
		syscall.WSAECONNRESET:         errnoConnreset,
		syscall.ERROR_NETNAME_DELETED: errnoConnreset,
		syscall.WSAECONNABORTED:       errnoConnaborted,
		wsaECONNREFUSED:               errnoConnrefused,
		wsaEHOSTUNREACH:               errnoHostunreach,
		wsaENETUNREACH:                errnoNetunreach,
		wsaENOTCONN:                   errnoNotconn,
		wsaETIMEDOUT:                  errnoTimedout,
		errorDiskFull:                 errnoNospc,
		errorHandleDiskFull:           errnoNospc,
		errorInvalidHandle:            errnoBadf,
		errorNotSameDevice:            errnoXdev,
		errorWriteProtect:             errnoRofs,
		errorSharingViolation:         errnoAcces,
		errorLockViolation:            errnoAcces,
		errorDeletePending:            errnoAcces,
		errorInvalidName:              errnoNoent,
		errorDirNotEmpty:              errnoNotempty,
		errorBusy:                     errnoBusy,
		errorFilenameTooLong:          errnoNametoolong,
		errorDirectory:                errnoNotdir,
		errorPrivilegeNotHeld:         errnoPerm,
	} {
		systemErrnos[number] = of
	}
}
