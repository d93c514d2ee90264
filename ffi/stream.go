package ffi

/*
#include <wasmtime/ext.h>

void gowasmtimeStream(wasmtime_binding_stream_request_t *request);

static inline wasmtime_error_t *ffi_insert_stream(wasmtime_binding_store_t *store, bool push, uint32_t *guest_fd,
                                                  uint32_t mode, uint32_t kind, uint64_t env) {
  return wasmtime_binding_store_insert_stream(store, push, guest_fd, mode, kind, env, gowasmtimeStream);
}

static inline wasmtime_error_t *ffi_stream_accept_file(wasmtime_binding_stream_request_t *request, uintptr_t host_fd) {
  return wasmtime_binding_stream_accept_file(request, (void *)host_fd);
}
*/
import "C"

import "unsafe"

// StreamRequest is a request to a stream that Go serves: memory that C owns, the mirror of
// wasmtime_binding_stream_request_t, valid until the callback returns.
type StreamRequest struct {
	// Env is what the stream was inserted with.
	Env uint64
	// What is to be done.
	What StreamOp
	// Flags are Stream flags, the directions of StreamShutdown, or 1 for the other side of a StreamAddress.
	Flags  uint32
	buffer unsafe.Pointer
	len    uintptr
	// Status and Count are the answer.
	Status    StreamStatus
	Count     uint64
	accepting unsafe.Pointer
}

// The C structure and its mirror must be one.
var (
	_ [unsafe.Sizeof(C.wasmtime_binding_stream_request_t{}) - unsafe.Sizeof(StreamRequest{})]byte
	_ [unsafe.Sizeof(StreamRequest{}) - unsafe.Sizeof(C.wasmtime_binding_stream_request_t{})]byte
)

// StreamOp says what a stream has to do.
type StreamOp uint32

// What a stream has to do.
const (
	StreamRead      StreamOp = C.WASMTIME_STREAM_READ
	StreamWrite     StreamOp = C.WASMTIME_STREAM_WRITE
	StreamPollRead  StreamOp = C.WASMTIME_STREAM_POLL_READ
	StreamPollWrite StreamOp = C.WASMTIME_STREAM_POLL_WRITE
	StreamShutdown  StreamOp = C.WASMTIME_STREAM_SHUTDOWN
	StreamAccept    StreamOp = C.WASMTIME_STREAM_ACCEPT
	StreamGone      StreamOp = C.WASMTIME_STREAM_GONE
	StreamAddress   StreamOp = C.WASMTIME_STREAM_ADDRESS
)

// StreamKind says what a stream is for the guest.
type StreamKind uint32

// What a stream is for the guest: a pipe, or a stream socket, which a listener is as well.
const (
	StreamPipe       StreamKind = C.WASMTIME_STREAM_PIPE
	StreamConnection StreamKind = C.WASMTIME_STREAM_CONNECTION
	StreamListener   StreamKind = C.WASMTIME_STREAM_LISTENER
)

// Flags of requests: those of reads, writes and accepts, then the directions of StreamShutdown. A read or a write that
// goes on comes after a part of the guest's call: the guest does not hear of its error.
const (
	StreamMayWait   uint32 = C.WASMTIME_STREAM_MAY_WAIT
	StreamPeek      uint32 = C.WASMTIME_STREAM_PEEK
	StreamGoesOn    uint32 = C.WASMTIME_STREAM_GOES_ON
	StreamShutRead  uint32 = 1
	StreamShutWrite uint32 = 2
)

// StreamStatus says how a request ended.
type StreamStatus uint32

// How a request ends: Count is a number of bytes, or the Env of an accepted connection, after StreamDone and an errno
// of WASI 0.1 after StreamFailed.
const (
	StreamDone      StreamStatus = C.WASMTIME_STREAM_DONE
	StreamWouldWait StreamStatus = C.WASMTIME_STREAM_WOULD_WAIT
	StreamFailed    StreamStatus = C.WASMTIME_STREAM_FAILED
	StreamStop      StreamStatus = C.WASMTIME_STREAM_STOP
)

// Buffer is the guest's memory to read into or to write from.
func (r *StreamRequest) Buffer() []byte { return unsafe.Slice((*byte)(r.buffer), r.len) }

// AcceptFile answers a StreamAccept with a duplicate of a host's descriptor, or with why there is none.
func (r *StreamRequest) AcceptFile(hostFd uintptr) Error {
	return wrapError(C.ffi_stream_accept_file((*C.wasmtime_binding_stream_request_t)(unsafe.Pointer(r)), C.uintptr_t(hostFd)))
}

// OnStream serves all streams. It is set once, by the package above, before anything is called. It must not panic.
var OnStream func(*StreamRequest)

//export gowasmtimeStream
func gowasmtimeStream(request *C.wasmtime_binding_stream_request_t) {
	OnStream((*StreamRequest)(unsafe.Pointer(request)))
}

// InsertStream makes a stream that Go serves the guest's descriptor fd, or with push the one with the lowest free
// number. It returns the number.
func (s Store) InsertStream(fd uint32, push bool, mode uint32, kind StreamKind, env uint64) (uint32, Error) {
	crossing()
	number := C.uint32_t(fd)
	err := wrapError(C.ffi_insert_stream(s.ptr, C.bool(push), &number, C.uint32_t(mode), C.uint32_t(kind), C.uint64_t(env)))
	return uint32(number), err
}

// Wake makes a guest that polls ask its streams again; it may be called from any goroutine while the store lives.
func (s Store) Wake() { C.wasmtime_binding_store_wake(s.ptr) }
