package ffi

/*
#include "store.h"

void gowasmtimeStream(wasmtime_binding_stream_request_t *request);

static inline wasmtime_error_t *ffi_insert_file(wasmtime_context_t *context, uint32_t guest_fd, uintptr_t host_fd,
                                                uint32_t mode) {
  return wasmtime_context_insert_file(context, guest_fd, (void *)host_fd, mode);
}
static inline wasmtime_error_t *ffi_push_file(wasmtime_context_t *context, uintptr_t host_fd, uint32_t mode,
                                              uint32_t *guest_fd) {
  return wasmtime_context_push_file(context, (void *)host_fd, mode, guest_fd);
}
static inline wasmtime_error_t *ffi_insert_dir(wasmtime_context_t *context, uint32_t guest_fd, uintptr_t host_fd,
                                               const uint8_t *path, size_t len, uint32_t mode) {
  return wasmtime_context_insert_dir(context, guest_fd, (void *)host_fd, path, len, mode);
}
static inline wasmtime_error_t *ffi_push_dir(wasmtime_context_t *context, uintptr_t host_fd, const uint8_t *path,
                                             size_t len, uint32_t mode, uint32_t *guest_fd) {
  return wasmtime_context_push_dir(context, (void *)host_fd, path, len, mode, guest_fd);
}
static inline wasmtime_error_t *ffi_set_wasi(wasmtime_binding_store_t *store, uintptr_t options) {
  return wasmtime_binding_store_set_wasi(store, (const wasmtime_wasi_options_t *)options, gowasmtimeStream);
}
*/
import "C"

import "unsafe"

// StdioKind says what a standard stream of a guest is: a WASMTIME_WASI_STDIO_* of the C API.
type StdioKind uint32

// The kinds of standard streams.
const (
	StdioNone    StdioKind = 0
	StdioInherit StdioKind = 1
	StdioFile    StdioKind = 2
	StdioStream  StdioKind = 3
)

// Preopen is a directory of the host that the guest finds open.
type Preopen struct {
	HostPath, GuestPath string
	ReadOnly            bool
}

// WasiSpec is what a guest is given through WASI 0.1, but for its standard streams.
type WasiSpec struct {
	Args     []string
	Env      [][2]string
	Preopens []Preopen
}

// WasiOptions is a wasmtime_wasi_options_t with all that it points at.
type WasiOptions struct {
	ptr *C.wasmtime_wasi_options_t
	// owned says that it has memory of its own.
	owned bool
}

// NewWasiOptions copies a specification into one block of C memory: the frame that the store comes with if there is
// room, which nothing may use until SetWasi, or until the store is made with them. system may be nil; what Go serves of
// it goes by the number systemEnv.
func (s Store) NewWasiOptions(spec *WasiSpec, system *WasiSystem, systemEnv uint64) WasiOptions {
	var text uintptr
	for _, s := range spec.Args {
		text += uintptr(len(s))
	}
	for _, kv := range spec.Env {
		text += uintptr(len(kv[0]) + len(kv[1]))
	}
	for _, p := range spec.Preopens {
		text += uintptr(len(p.HostPath) + len(p.GuestPath))
	}
	size := unsafe.Sizeof(C.wasmtime_wasi_options_t{}) +
		uintptr(len(spec.Args))*unsafe.Sizeof(C.wasmtime_wasi_string_t{}) +
		uintptr(len(spec.Env))*unsafe.Sizeof(C.wasmtime_wasi_env_t{}) +
		uintptr(len(spec.Preopens))*unsafe.Sizeof(C.wasmtime_wasi_preopen_t{}) + text
	if system != nil {
		size += unsafe.Sizeof(C.wasmtime_wasi_system_t{}) + system.text()
	}
	a := arena{s.Call().Slots}
	owned := size > uintptr(StoreSlots)*unsafe.Sizeof(Slot{})
	if owned {
		track("wasi options", 1)
		a.next = C.malloc(C.size_t(size))
	}
	// As bytes, before any pointer is written: Go's collector looks at what a pointer overwrites, and ends the
	// process if that was the address of something that is gone.
	clear(unsafe.Slice((*byte)(a.next), size))
	o := carve[C.wasmtime_wasi_options_t](&a, 1)
	if system != nil {
		s := carve[C.wasmtime_wasi_system_t](&a, 1)
		o[0].system = &s[0]
	}
	args := carve[C.wasmtime_wasi_string_t](&a, len(spec.Args))
	env := carve[C.wasmtime_wasi_env_t](&a, len(spec.Env))
	preopens := carve[C.wasmtime_wasi_preopen_t](&a, len(spec.Preopens))
	for i, s := range spec.Args {
		args[i] = a.str(s)
	}
	for i, kv := range spec.Env {
		env[i] = C.wasmtime_wasi_env_t{name: a.str(kv[0]), value: a.str(kv[1])}
	}
	for i, p := range spec.Preopens {
		preopens[i] = C.wasmtime_wasi_preopen_t{host_path: a.str(p.HostPath), guest_path: a.str(p.GuestPath), read_only: C.bool(p.ReadOnly)}
	}
	if system != nil {
		system.write(o[0].system, &a, systemEnv)
	}
	o[0].args, o[0].args_len = unsafe.SliceData(args), C.size_t(len(args))
	o[0].env, o[0].env_len = unsafe.SliceData(env), C.size_t(len(env))
	o[0].preopens, o[0].preopens_len = unsafe.SliceData(preopens), C.size_t(len(preopens))
	return WasiOptions{&o[0], owned}
}

// arena hands out the parts of a block of C memory, one after the other.
type arena struct{ next unsafe.Pointer }

func carve[T any](a *arena, n int) []T {
	s := unsafe.Slice((*T)(a.next), n)
	var t T
	a.next = unsafe.Add(a.next, uintptr(n)*unsafe.Sizeof(t))
	return s
}

func (a *arena) str(s string) C.wasmtime_wasi_string_t {
	b := carve[byte](a, len(s))
	copy(b, s)
	return C.wasmtime_wasi_string_t{data: (*C.uint8_t)(unsafe.SliceData(b)), len: C.size_t(len(b))}
}

// InheritStdio makes a standard stream that of the process.
func (o WasiOptions) InheritStdio(i int) { o.setStdio(i, StdioInherit, 0) }

// SetStdioFile makes a standard stream a file, whose descriptor has to stay open until SetWasi.
func (o WasiOptions) SetStdioFile(i int, hostFd uintptr) {
	o.setStdio(i, StdioFile, hostFd)
}

// SetStdioStream makes a standard stream one that Go serves, as InsertStream does: a pipe.
func (o WasiOptions) SetStdioStream(i int, env uint64) { o.setStdio(i, StdioStream, uintptr(env)) }

func (o WasiOptions) setStdio(i int, kind StdioKind, number uintptr) {
	stream := [3]*C.wasmtime_wasi_stdio_t{&o.ptr.stdin_stream, &o.ptr.stdout_stream, &o.ptr.stderr_stream}[i]
	stream.kind = C.uint32_t(kind)
	*(*uintptr)(unsafe.Pointer(&stream.host_fd)) = number // a number for C, not a pointer
}

// SetWasiLater makes the options part of what the store is made with. They have to stay until it is.
func (s Store) SetWasiLater(o WasiOptions) { s.setup().wasi = uintptr(unsafe.Pointer(o.ptr)) }

// IsNil tells whether there are no options.
func (o WasiOptions) IsNil() bool { return o.ptr == nil }

// Delete frees the options.
func (o WasiOptions) Delete() {
	if o.owned {
		track("wasi options", -1)
		C.free(unsafe.Pointer(o.ptr))
	}
}

// SetWasi configures WASI in the store; everything is copied.
func (s Store) SetWasi(o WasiOptions) Error {
	crossing()
	return wrapError(C.ffi_set_wasi(s.ptr, C.uintptr_t(uintptr(unsafe.Pointer(o.ptr)))))
}

// InsertFile makes a duplicate of a host file the guest's descriptor guestFd, or with push the one with the lowest
// free number. It returns the number.
func (s Store) InsertFile(guestFd uint32, push bool, hostFd uintptr, mode uint32) (uint32, Error) {
	crossing()
	fd, host := C.uint32_t(guestFd), C.uintptr_t(hostFd)
	if push {
		err := wrapError(C.ffi_push_file(s.context(), host, C.uint32_t(mode), &fd))
		return uint32(fd), err
	}
	return guestFd, wrapError(C.ffi_insert_file(s.context(), fd, host, C.uint32_t(mode)))
}

// InsertDir makes a duplicate of a host directory the guest's descriptor guestFd, or with push the one with the
// lowest free number. It returns the number. An empty path is no name.
func (s Store) InsertDir(guestFd uint32, push bool, hostFd uintptr, guestPath string, mode uint32) (uint32, Error) {
	crossing()
	path, n := dirName(guestPath)
	fd, host := C.uint32_t(guestFd), C.uintptr_t(hostFd)
	if push {
		err := wrapError(C.ffi_push_dir(s.context(), host, path, n, C.uint32_t(mode), &fd))
		return uint32(fd), err
	}
	return guestFd, wrapError(C.ffi_insert_dir(s.context(), fd, host, path, n, C.uint32_t(mode)))
}

// dirName is a string for C that is null when it is empty.
func dirName(s string) (*C.uint8_t, C.size_t) {
	if s == "" {
		return nil, 0
	}
	return stringBytes(s), C.size_t(len(s))
}

// RemoveFile closes a guest's descriptor.
func (s Store) RemoveFile(guestFd uint32) Error {
	crossing()
	return wrapError(C.wasmtime_context_remove_file(s.context(), C.uint32_t(guestFd)))
}
