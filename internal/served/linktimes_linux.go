package served

import (
	"io/fs"
	"path"
	"syscall"
	"time"
	"unsafe"
)

// What the system's utimensat takes, and package syscall does not name.
const (
	atSymlinkNofollow = 0x100
	utimeOmit         = 1<<30 - 2
)

// setLinkTimes sets the times of a symbolic link of the host itself, for which an os.Root has no method: by the
// directory that it is in.
func setLinkTimes(root rootOpener, name string, atime, mtime time.Time) error {
	dir, err := root.OpenRoot(path.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	f, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer f.Close()
	base, err := syscall.BytePtrFromString(path.Base(name))
	if err != nil {
		return err
	}
	times := [2]syscall.Timespec{timespec(atime), timespec(mtime)}
	var failed syscall.Errno
	err = WithDescriptor(name, f, func(fd uintptr) {
		_, _, failed = syscall.Syscall6(syscall.SYS_UTIMENSAT, fd, uintptr(unsafe.Pointer(base)),
			uintptr(unsafe.Pointer(&times)), atSymlinkNofollow, 0, 0)
	})
	if err == nil && failed != 0 {
		err = &fs.PathError{Op: "lchtimes", Path: name, Err: failed}
	}
	return err
}

// timespec is a time for utimensat; a zero one stays as it is.
func timespec(t time.Time) syscall.Timespec {
	if t.IsZero() {
		return syscall.Timespec{Nsec: utimeOmit}
	}
	return syscall.NsecToTimespec(t.UnixNano())
}
