package ffi

/*
#include <wasmtime/ext.h>

void gowasmtimeTaken(uint64_t env);

static inline wasmtime_wasi_taken_t *ffi_taken(uint64_t address) {
  return (wasmtime_wasi_taken_t *)(uintptr_t)address;
}

static inline uint32_t ffi_taken_use(wasmtime_wasi_taken_t *taken, uint32_t what, uint8_t *buffer, size_t len,
                                     uint64_t *count) {
  wasmtime_wasi_use_t request = {.what = what, .buffer = buffer, .len = len};
  wasmtime_binding_taken_use(taken, &request);
  *count = request.count;
  return request.status;
}

static inline void ffi_taken_watch(wasmtime_wasi_taken_t *taken, uint64_t env) {
  wasmtime_binding_taken_watch(taken, gowasmtimeTaken, env);
}
*/
import "C"

// TakenStream is an owned stream that was taken out of a store. It may outlive the store, and any goroutine may use it,
// one at a time.
type TakenStream struct{ ptr *C.wasmtime_wasi_taken_t }

// TakenStreamOf is the stream that WasiUseTake has answered with, which the caller owns.
func TakenStreamOf(count uint64) TakenStream {
	track("taken stream", 1)
	return TakenStream{C.ffi_taken(C.uint64_t(count))}
}

// Use reads or writes without waiting: WasiUseRead or WasiUseWrite. The number is that of the bytes, or of the error.
func (t TakenStream) Use(what WasiUse, buffer []byte) (WasiStatus, uint64) {
	crossing()
	var count C.uint64_t
	status := C.ffi_taken_use(t.ptr, C.uint32_t(what), bytesPtr(buffer), C.size_t(len(buffer)), &count)
	return WasiStatus(status), uint64(count)
}

// Watch has OnTaken called once with env when the stream may be ready.
func (t TakenStream) Watch(env uint64) {
	crossing()
	C.ffi_taken_watch(t.ptr, C.uint64_t(env))
}

// Delete closes the stream.
func (t TakenStream) Delete() {
	track("taken stream", -1)
	C.wasmtime_binding_taken_delete(t.ptr)
}

// OnTaken hears that a stream that was taken out of a store may be ready, or was ready before it was deleted. It is set
// once by the package above before anything is called, by a thread of the native library's, which must not wait.
var OnTaken func(env uint64)

//export gowasmtimeTaken
func gowasmtimeTaken(env C.uint64_t) { OnTaken(uint64(env)) }
