package ffi

/*
#include <wasmtime/ext.h>

void gowasmtimeFS(wasmtime_binding_fs_request_t *request);

static inline wasmtime_error_t *ffi_insert_fs(wasmtime_binding_store_t *store, bool push, uint32_t *guest_fd,
                                              const uint8_t *path, size_t len, uint32_t mode, uint64_t env) {
  return wasmtime_binding_store_insert_fs(store, push, guest_fd, path, len, mode, env, gowasmtimeFS);
}
*/
import "C"

import "unsafe"

// FSRequest is a request to a file system that Go serves: memory that C owns, the mirror of
// wasmtime_binding_fs_request_t, valid until the callback returns.
type FSRequest struct {
	// Env is what the directory or file was inserted with, or opened as.
	Env uint64
	// What is to be done.
	What FSOp
	// Flags are FS flags, or whence to seek.
	Flags   uint32
	path    unsafe.Pointer
	pathLen uintptr
	// ToEnv is the directory of the second path.
	ToEnv     uint64
	toPath    unsafe.Pointer
	toPathLen uintptr
	buffer    unsafe.Pointer
	len       uintptr
	// Number is an offset, a size or a cookie.
	Number uint64
	// Status and Count are the answer.
	Status FSStatus
	Count  uint64
	// HostFd may be set to a descriptor of the host.
	HostFd uintptr
	// Stat are the attributes: the answer, or times to set.
	Stat FSStat
}

// FSStat are the attributes of a file or directory that Go serves, the mirror of wasmtime_binding_fs_stat_t.
type FSStat struct {
	// Dev and Ino tell files apart.
	Dev, Ino uint64
	// Links is how many names there are.
	Links uint64
	// Size is in bytes.
	Size uint64
	// AccessTime, ModTime and ChangeTime are in nanoseconds since 1970.
	AccessTime, ModTime, ChangeTime uint64
	// Filetype is a file type of WASI 0.1.
	Filetype uint32
}

// The C structures and their mirrors must be one.
var (
	_ [unsafe.Sizeof(C.wasmtime_binding_fs_request_t{}) - unsafe.Sizeof(FSRequest{})]byte
	_ [unsafe.Sizeof(FSRequest{}) - unsafe.Sizeof(C.wasmtime_binding_fs_request_t{})]byte
	_ [unsafe.Offsetof(C.wasmtime_binding_fs_request_t{}.stat) - unsafe.Offsetof(FSRequest{}.Stat)]byte
	_ [unsafe.Offsetof(FSRequest{}.Stat) - unsafe.Offsetof(C.wasmtime_binding_fs_request_t{}.stat)]byte
)

// FSOp says what a directory or file has to do.
type FSOp uint32

// What a directory or file has to do.
const (
	FSOpen     FSOp = C.WASMTIME_FS_OPEN
	FSPathStat FSOp = C.WASMTIME_FS_PATH_STAT
	FSReadLink FSOp = C.WASMTIME_FS_READ_LINK
	FSReadDir  FSOp = C.WASMTIME_FS_READ_DIR
	FSRead     FSOp = C.WASMTIME_FS_READ
	FSPread    FSOp = C.WASMTIME_FS_PREAD
	FSSeek     FSOp = C.WASMTIME_FS_SEEK
	FSFileStat FSOp = C.WASMTIME_FS_STAT
	FSGone     FSOp = C.WASMTIME_FS_GONE

	FSWrite        FSOp = C.WASMTIME_FS_WRITE
	FSPwrite       FSOp = C.WASMTIME_FS_PWRITE
	FSSetSize      FSOp = C.WASMTIME_FS_SET_SIZE
	FSAllocate     FSOp = C.WASMTIME_FS_ALLOCATE
	FSSync         FSOp = C.WASMTIME_FS_SYNC
	FSSetTimes     FSOp = C.WASMTIME_FS_SET_TIMES
	FSPathSetTimes FSOp = C.WASMTIME_FS_PATH_SET_TIMES
	FSMakeDir      FSOp = C.WASMTIME_FS_MAKE_DIR
	FSRemoveDir    FSOp = C.WASMTIME_FS_REMOVE_DIR
	FSUnlink       FSOp = C.WASMTIME_FS_UNLINK
	FSRename       FSOp = C.WASMTIME_FS_RENAME
	FSLink         FSOp = C.WASMTIME_FS_LINK
	FSSymlink      FSOp = C.WASMTIME_FS_SYMLINK
)

// Flags of requests: how a path is looked up and opened, which times are set, and that a read or a write goes on after
// a part: the guest does not hear of its error then.
const (
	FSFollow      uint32 = C.WASMTIME_FS_FOLLOW
	FSDirectory   uint32 = C.WASMTIME_FS_DIRECTORY
	FSCreate      uint32 = C.WASMTIME_FS_CREATE
	FSExclusive   uint32 = C.WASMTIME_FS_EXCLUSIVE
	FSTruncate    uint32 = C.WASMTIME_FS_TRUNCATE
	FSForReading  uint32 = C.WASMTIME_FS_FOR_READING
	FSForWriting  uint32 = C.WASMTIME_FS_FOR_WRITING
	FSAppend      uint32 = C.WASMTIME_FS_APPEND
	FSSynchronous uint32 = C.WASMTIME_FS_SYNCHRONOUS
	FSAccessed    uint32 = C.WASMTIME_FS_ACCESSED
	FSAccessedNow uint32 = C.WASMTIME_FS_ACCESSED_NOW
	FSModified    uint32 = C.WASMTIME_FS_MODIFIED
	FSModifiedNow uint32 = C.WASMTIME_FS_MODIFIED_NOW
	FSGoesOn      uint32 = C.WASMTIME_FS_GOES_ON
)

// FSStatus says how a request ended.
type FSStatus uint32

// How a request ends: Count is an errno of WASI 0.1 after FSFailed.
const (
	FSDone   FSStatus = C.WASMTIME_FS_DONE
	FSFailed FSStatus = C.WASMTIME_FS_FAILED
	FSStop   FSStatus = C.WASMTIME_FS_STOP
)

// Path returns a copy of the path.
func (r *FSRequest) Path() string { return text(r.path, r.pathLen) }

// ToPath returns a copy of the second path.
func (r *FSRequest) ToPath() string { return text(r.toPath, r.toPathLen) }

func text(at unsafe.Pointer, n uintptr) string {
	if n == 0 {
		return "" // there may be no address
	}
	return string(unsafe.Slice((*byte)(at), n))
}

// Buffer is the memory to fill, or to write from.
func (r *FSRequest) Buffer() []byte { return unsafe.Slice((*byte)(r.buffer), r.len) }

// OnFS serves all file systems. It is set once, by the package above, before anything is called. It must not panic.
var OnFS func(*FSRequest)

//export gowasmtimeFS
func gowasmtimeFS(request *C.wasmtime_binding_fs_request_t) {
	OnFS((*FSRequest)(unsafe.Pointer(request)))
}

// InsertFS makes the root of a file system that Go serves the guest's descriptor fd, or with push the one with the
// lowest free number. It returns the number. A nil guestPath is no name. The mode is 1 for reading, 3 for writing too.
func (s Store) InsertFS(fd uint32, push bool, guestPath *string, mode uint32, env uint64) (uint32, Error) {
	crossing()
	number := C.uint32_t(fd)
	var path *C.uint8_t
	var n C.size_t
	if guestPath != nil {
		path, n = stringBytes(*guestPath), C.size_t(len(*guestPath))
	}
	err := wrapError(C.ffi_insert_fs(s.ptr, C.bool(push), &number, path, n, C.uint32_t(mode), C.uint64_t(env)))
	return uint32(number), err
}
