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
	// TrapCode is the code of a trap; nil if it is none.
	TrapCode *uint8
	// ExitStatus is what the guest gave to proc_exit; nil if that is not what ended it.
	ExitStatus *int32
	// Texts are what the errors in the chain say, the outermost first. There is at least one.
	Texts []string
	// Frames are the guest's backtrace, innermost first.
	Frames []Frame

	// thrown tells whether it is an exception of the store, on its way through a host function.
	thrown bool
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
	return readRecord(takeBytes(&vec))
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
	return readRecord(takeBytes(&vec))
}

// Trap makes a native trap that says the same.
func (r Record) Trap() (Trap, Error) {
	crossing()
	b := r.encode()
	var ptr *C.wasm_trap_t
	err := C.wasmtime_binding_trap_new(bytesPtr(b), C.size_t(len(b)), &ptr)
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

// encode is the record in the encoding of wasmtime_binding_trap_new, which does not look at the frames.
func (r Record) encode() []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(r.Code))
	if r.TrapCode != nil {
		b = append(b, 1, *r.TrapCode)
	} else {
		b = append(b, 0, 0)
	}
	b = append(b, 0, 0, 0, 0, 0) // no exit status
	b = append(b, boolByte(r.thrown))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.Texts)))
	for _, text := range r.Texts {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(text)))
		b = append(b, text...)
	}
	return b
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// readRecord decodes what the native library has written.
func readRecord(b []byte) Record {
	d := recordReader{b}
	r := Record{Code: ErrorCode(d.uint32())}
	if has, code := d.byte(), d.byte(); has != 0 {
		r.TrapCode = &code
	}
	if has, status := d.byte(), int32(d.uint32()); has != 0 {
		r.ExitStatus = &status
	}
	r.thrown = d.byte() != 0
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
type recordReader struct{ rest []byte }

func (d *recordReader) take(n int) []byte {
	taken := d.rest[:n]
	d.rest = d.rest[n:]
	return taken
}

func (d *recordReader) byte() byte     { return d.take(1)[0] }
func (d *recordReader) uint32() uint32 { return binary.LittleEndian.Uint32(d.take(4)) }
func (d *recordReader) string() string { return string(d.take(int(d.uint32()))) }

func (d *recordReader) offset() uint {
	offset := binary.LittleEndian.Uint64(d.take(8))
	return uint(min(offset, math.MaxUint))
}

func (d *recordReader) name() *string {
	if d.byte() == 0 {
		return nil
	}
	name := d.string()
	return &name
}
