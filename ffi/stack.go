package ffi

// #include "store.h"
import "C"

import "runtime"

// ThreadStack returns the size in bytes of the stacks of the threads that Go makes.
func ThreadStack() uint64 { return uint64(C.ffi_thread_stack()) }

// StackLeft returns how many bytes of its stack the thread of the calling goroutine has left. It is a large number on a
// stack whose size nobody knows.
func StackLeft() uint64 { return uint64(C.ffi_stack_left()) }

// occupyMainThread moves the calling goroutine to another thread if it runs on the program's main thread and is not
// locked to that. As long as it waits, the thread is free for the goroutine that is made here, which then keeps it
// for good. That may fail, when another thread is faster.
func occupyMainThread() {
	ended := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		close(ended)
		if C.ffi_on_main_thread() {
			select {}
		}
		runtime.UnlockOSThread()
	}()
	<-ended
}

// withStack runs what compiles, on another thread if this one has too little stack. f does not look at the stack when
// it is told to run anywhere.
func withStack(f func(anywhere C.bool) *C.wasmtime_error_t) *C.wasmtime_error_t {
	return withStackOf(f, 3) // this thread, maybe the main thread, and one that Go has made
}

func withStackOf(f func(anywhere C.bool) *C.wasmtime_error_t, threads int) (err *C.wasmtime_error_t) {
	err = f(threads == 1)
	if !(Error{err}).isNoRoom() {
		return err
	}
	runtime.LockOSThread() // so that the other goroutine is on another thread
	defer runtime.UnlockOSThread()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err = withStackOf(f, threads-1)
	}()
	<-ended
	return err
}
