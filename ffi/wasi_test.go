package ffi_test

import (
	"fmt"
	"runtime"
	"testing"
	"unsafe"

	"github.com/gowasmtime/wasmtime/ffi"
)

// What lies in the memory that options are written to may look like a pointer into Go's heap that is none any more.
// Go's collector ends the process when it meets one, and while it marks it looks at what a pointer overwrites, in C's
// memory too.
func TestWasiOptionsOverStalePointers(t *testing.T) {
	store := newStore(t)
	stale := staleAddress()

	text := "x"
	spec := &ffi.WasiSpec{
		Args:     []string{text, text},
		Env:      [][2]string{{text, text}},
		Preopens: []ffi.Preopen{{HostPath: text, GuestPath: text}},
	}
	collected := make(chan struct{})
	go func() {
		defer close(collected)
		for range 300 {
			runtime.GC()
		}
	}()
	for {
		select {
		case <-collected:
			return
		default:
		}
		frame := unsafe.Slice((*ffi.Slot)(store.Call().Slots), ffi.StoreSlots)
		for i := range frame {
			frame[i] = ffi.Slot{stale, stale}
		}
		store.NewWasiOptions(spec, &ffi.WasiSystem{InitialDir: &text}, 0).Delete()
	}
}

// staleAddress is the address of memory that Go's heap had, and has not given to anybody since.
func staleAddress() uint64 {
	b := make([]byte, 64<<20)
	b[0] = fmt.Sprint(len(b))[0]
	address := uint64(uintptr(unsafe.Pointer(&b[len(b)/2+1])))
	b = nil
	runtime.GC()
	runtime.GC()
	return address
}
