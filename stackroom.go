package wasmtime

import "github.com/gowasmtime/wasmtime/ffi"

// Guests run on the stacks of threads. Wasmtime grants every store all that Config.SetMaxWasmStack says, at its
// outermost call, whatever the thread has left. So this is compared before.

// hostRoom is what the host needs beneath the last byte of a guest's stack, for the calls to it: as much as threads
// have altogether where they have least, with musl.
const hostRoom = 128 << 10

// defaultGuestStack is what a guest may take unless Config.SetMaxWasmStack says otherwise.
const defaultGuestStack = 512 << 10

// Room returns what the thread has to have left for a call, in bytes. Inside of a host function of the store, the guest
// has been granted its stack already; what is looked for then is the end of a recursion in which there is no guest, and
// hence nobody else who looks for it.
func (s *state) Room() uintptr {
	if s.caller != &s.firstCaller {
		return hostRoom / 2
	}
	return s.engine.room
}

func stackTooSmall() *Error {
	return errorf(ErrStackTooSmall, "%v: %d bytes are left, a guest needs those of Config.SetMaxWasmStack, 512 KiB by "+
		"default, and %d KiB; lower that, nest fewer stores in host functions, do not lock the goroutine to the main "+
		"thread, or give the threads of a C program more", ErrStackTooSmall, ffi.StackLeft(), hostRoom>>10)
}
