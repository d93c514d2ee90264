package ffi

// #include <wasmtime/ext.h>
import "C"

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// Record is what a trap or an error has said, after the native object was freed.
type Record struct {
	// Code is what kind of error of the extension it is, if any.
	Code ErrorCode
	// TrapCode is the code of a trap, or of an exception that nobody has caught; nil if it is neither.
	TrapCode *uint8
	// ExitStatus is what the guest gave to proc_exit; nil if that is not what ended it.
	ExitStatus *int32
	// Texts are what the errors in the chain say, the outermost first. There is at least one.
	Texts []string
	// Frames are the guest's backtrace, innermost first.
	Frames []Frame

	// bytes is the record as the native library has written it; empty if it was made here.
	bytes string
}

// Frame is one frame of a backtrace.
type Frame struct {
	FuncIndex    uint32
	FuncName     *string
	ModuleName   *string
	FuncOffset   uint
	ModuleOffset uint
}

// NewRecord is the record of a failure that has no more than a text.
func NewRecord(text string) Record { return Record{Texts: []string{text}} }

// Take says what the trap is, and frees it.
func (t Trap) Take() Record {
	crossing()
	track("trap", -1)
	var vec C.wasm_byte_vec_t
	C.wasmtime_binding_trap_take(t.ptr, &vec)
	return readRecord(takeString(&vec))
}

// Take says what the error is, and frees it.
func (e Error) Take() Record {
	crossing()
	track("error", -1)
	if e.isNoRoom() {
		return Record{Code: ErrorNoRoom, Texts: []string{noRoomText}}
	}
	var vec C.wasm_byte_vec_t
	C.wasmtime_binding_error_take(e.ptr, &vec)
	return readRecord(takeString(&vec))
}

// Trap makes a native trap of the record, for a host function to end a call with that the store has made. If there
// are frames, what comes of that call is the same record again.
func (r Record) Trap(s Store) (Trap, Error) {
	crossing()
	b := r.bytes
	if b == "" {
		b = r.encode()
	}
	var ptr *C.wasm_trap_t
	err := C.wasmtime_binding_trap_new(s.context(), stringBytes(b), C.size_t(len(b)), &ptr)
	return wrapTrap(ptr), wrapError(err)
}

// Message is the full text, with the causes, as the native library lays it out.
func (r Record) Message() string {
	var b strings.Builder
	b.WriteString(r.Texts[0])
	causes := r.Texts[1:]
	if len(causes) > 0 {
		b.WriteString("\n\nCaused by:\n")
	}
	for i, cause := range causes {
		indent := "    "
		if len(causes) > 1 {
			indent = fmt.Sprintf("%5d: ", i)
		}
		b.WriteString(indent + cause + "\n")
	}
	return b.String()
}

// encode writes a record that has texts only, as the native library does.
func (r Record) encode() string {
	b := make([]byte, 12) // no code of any kind
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.Texts)))
	for _, text := range r.Texts {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(text)))
		b = append(b, text...)
	}
	return string(append(b, 0, 0, 0, 0)) // no frames
}

// readRecord decodes what the native library has written.
func readRecord(bytes string) Record {
	d := recordReader{bytes}
	r := Record{Code: ErrorCode(d.uint32()), bytes: bytes}
	if has, code := d.byte(), d.byte(); has != 0 {
		r.TrapCode = &code
	}
	if has, status := d.byte(), int32(d.uint32()); has != 0 {
		r.ExitStatus = &status
	}
	if thrown := d.byte(); thrown != 0 && r.TrapCode == nil {
		code := uint8(C.WASMTIME_TRAP_CODE_UNCAUGHT_EXCEPTION) // which the native library has for components only
		r.TrapCode = &code
	}
	r.Texts = make([]string, d.uint32())
	for i := range r.Texts {
		r.Texts[i] = d.string()
	}
	r.Frames = make([]Frame, d.uint32())
	for i := range r.Frames {
		f := &r.Frames[i]
		f.FuncIndex = d.uint32()
		f.FuncOffset, f.ModuleOffset = d.offset(), d.offset()
		f.FuncName, f.ModuleName = d.name(), d.name()
	}
	return r
}

// recordReader reads a record, which is as it has to be.
type recordReader struct{ rest string }

func (d *recordReader) take(n int) string {
	taken := d.rest[:n]
	d.rest = d.rest[n:]
	return taken
}

func (d *recordReader) byte() byte     { return d.take(1)[0] }
func (d *recordReader) uint32() uint32 { return binary.LittleEndian.Uint32([]byte(d.take(4))) }
func (d *recordReader) string() string { return d.take(int(d.uint32())) }

func (d *recordReader) offset() uint {
	offset := binary.LittleEndian.Uint64([]byte(d.take(8)))
	return uint(min(offset, math.MaxUint))
}

func (d *recordReader) name() *string {
	if d.byte() == 0 {
		return nil
	}
	name := d.string()
	return &name
}
