package ffi

// #include "stack.h"
import "C"

import "runtime"

// ThreadStack returns the size in bytes of the stacks of the threads that Go makes.
func ThreadStack() uint64 { return uint64(C.ffi_thread_stack()) }

// StackLeft returns how many bytes of its stack the thread of the calling goroutine has left. It is a large number on a stack
// whose size nobody knows.
func StackLeft() uint64 { return uint64(C.ffi_stack_left()) }

// occupyMainThread moves the calling goroutine to another thread if it runs on the program's main thread and is not locked
// to that. As long as it waits, the thread is free for the goroutine that is made here, which then keeps it for good. That
// may fail, when another thread is faster.
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

// nativeRoom is what compiling takes of a stack, and whatever else the native library does without running a guest.
const nativeRoom = 1 << 20

// withRoom runs f on a thread that has room for it: the calling goroutine's, or one of Go's own.
func withRoom(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if C.ffi_stack_left() >= nativeRoom || C.ffi_thread_stack() < nativeRoom {
		f()
		return
	}
	ended := make(chan struct{})
	go func() { // it cannot run on this thread
		defer close(ended)
		withRoom(f)
	}()
	<-ended
}
