package component

import (
	"errors"
	"math"
	"unsafe"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/bridge"
	"github.com/gowasmtime/wasmtime/internal/canon"
	"github.com/gowasmtime/wasmtime/internal/registry"
)

// state is what a store has for components. Only the goroutine that has entered the store touches it.
type state struct {
	store bridge.Store
	// call is the frame that calls into guests share.
	call *ffi.ComponentCall
	// message is what calls pass, and answer what host functions return, to the host call answering.
	message, answer canon.Message
	answering       *ffi.ComponentHostCall
	view            canon.View
	table           table
	// left are the streams that Go serves and that were taken out of the store.
	left []*servedStream

	// handed are the resources of the message that is being written.
	handed []handed

	// linked are the host functions of the first InstancePre that something in the store came from, and more those of
	// others.
	linked *registry.Family[boundHost]
	more   map[*registry.Family[boundHost]]struct{}
	// funcs are the functions that have been looked up.
	funcs []*Func
	// calls counts calls of guests: what a view of a result shows is gone when it has changed.
	calls uint64
	// http is what wasi:http has there, nil if it has nothing. By an interface, so that programs without it do not have
	// net/http linked.
	http interface{ storeClosed() }
}

// mustEnter enters a store for functions that return no error.
func mustEnter(store wasmtime.Storelike) (inside bridge.Store, outermost bool) {
	inside, err := bridge.StoreOf(store)
	if err == nil {
		outermost, err = inside.Enter()
	}
	if err != nil {
		panic(err.Error())
	}
	return inside, outermost
}

// stateOf returns what a store, which is entered, has for components.
func stateOf(store bridge.Store) *state {
	attached := store.Attached()
	if s, ok := (*attached).(*state); ok {
		return s
	}
	s := &state{store: store, call: store.ComponentCall()}
	s.table.limit = mostResources
	s.message.Context, s.message.Grow = s, growMessage
	s.answer.Context, s.answer.Grow = s, growAnswer
	s.view.Context, s.view.Raise = s, largestLimit
	*attached = s
	return s
}

// growMessage makes room in the frame of calls.
func growMessage(m *canon.Message, n int) []byte {
	call := m.Context.(*state).call
	call.Len = uintptr(m.Len())
	return call.Grow(n)
}

// growAnswer makes room for what the host call that is being answered returns.
func growAnswer(m *canon.Message, n int) []byte {
	call := m.Context.(*state).answering
	call.Len = uintptr(m.Len())
	return call.Grow(n)
}

// link keeps host functions for the life of the store.
func (s *state) link(hosts *registry.Family[boundHost]) {
	switch {
	case s.linked == hosts || hosts.Empty():
	case s.linked == nil:
		s.linked = hosts
	default:
		if s.more == nil {
			s.more = map[*registry.Family[boundHost]]struct{}{}
		}
		s.more[hosts] = struct{}{}
	}
}

// host returns the host function with a number.
func (s *state) host(env uint64) *boundHost {
	if s.linked != nil {
		if b := s.linked.Get(env); b != nil {
			return b
		}
	}
	return hostFuncs.Get(env) // of another InstancePre, which the store keeps as well
}

// begin begins the message of a call.
func (s *state) begin(f *Func) (*canon.Message, marks) {
	s.calls++
	s.call.SetFunc(f.native)
	m := &s.message
	m.Reset(s.call.Message(), true)
	s.handed = s.handed[:0]
	return m, s.table.mark()
}

// run makes the call of f whose message has been written, and returns its results, which are good until the next call.
// If list is long enough, the native library may write the first list of numbers in the results there that fits, and
// nobody has to copy that again; it is memory of a slice in the heap.
func (s *state) run(f *Func, mark marks, list []byte) (*canon.View, error) {
	call := s.call
	call.Len = uintptr(s.message.Len())
	if len(list) < canon.MinSegment {
		list = nil
	}
	var ok bool
	if len(s.message.Segments()) > 0 {
		var err error
		if ok, err = s.runPinned(list); err != nil {
			s.table.takeBack(mark)
			return nil, f.argumentError(err)
		}
	} else {
		ok = s.enter(list)
	}
	if !ok {
		return nil, s.failure(f, mark)
	}
	s.table.passed(mark)
	v := s.read(call.Results())
	if list != nil {
		v.Place(list)
	}
	return v, nil
}

// enter makes the call, and tells whether it succeeded.
func (s *state) enter(list []byte) bool {
	room := s.store.Room()
	if list == nil {
		return s.call.Run(room) || s.call.RunAgain(room, nil)
	}
	return s.call.RunInto(room, list) || s.call.RunAgain(room, list)
}

// usualLimit is how many bytes the values of any message may take in Go.
const usualLimit = 64 << 20

// read begins to read a message of a guest's. Its values may take several times as much memory in Go as the guest has
// paid for, but not any number of times: a flag takes a bit in a message, and 16 bytes as a name in a slice.
func (s *state) read(message []byte) *canon.View {
	v := &s.view
	v.Reset(message)
	v.Limit = usualLimit
	return v
}

// readTo ends what read has begun, with the error of reading, which it returns.
func (s *state) readTo(err error) error {
	if len(s.table.taken) == 0 {
		return err
	}
	switch _, returned := err.(*ResultError); {
	case err == nil || returned:
		s.table.received()
	default:
		s.store.Identify() // destructors may use the store
		s.table.refuse()
	}
	return err
}

// largestLimit is how many bytes they may take if the guest may pass much.
func largestLimit(v *canon.View) uint64 {
	const times = 4
	return max(usualLimit, times*min(v.Context.(*state).store.Native().HostcallFuel(), math.MaxUint64/times))
}

// runPinned makes a call whose message has segments. The error is that there is no memory for their list. The store
// may be lost meanwhile, and the goroutine end.
func (s *state) runPinned(list []byte) (ok bool, err error) {
	defer s.message.Unpin() // those of calls around this one have been read
	segments, err := s.message.ListSegments()
	if err != nil {
		return false, err
	}
	s.call.SetSegments(unsafe.Slice((*ffi.Segment)(unsafe.Pointer(&segments[0])), len(segments)))
	return s.enter(list), nil
}

// The C structure of a segment is that of package canon's.
var (
	_ [unsafe.Sizeof(ffi.Segment{}) - unsafe.Sizeof(canon.Segment{})]byte
	_ [unsafe.Sizeof(canon.Segment{}) - unsafe.Sizeof(ffi.Segment{})]byte
)

// failure makes the error of a call of f that failed. What the message gave to the guest is the guest's only if it was
// entered.
func (s *state) failure(f *Func, mark marks) error {
	entered := s.call.Entered()
	trap, err := s.call.Failure()
	if entered {
		s.table.passed(mark)
	} else {
		s.table.takeBack(mark)
	}
	failed := s.store.Failure(trap, err)
	if !entered && errors.Is(failed, ErrHandle) {
		return f.argumentError(s.explain(failed)) // the native library knows of the parameter only
	}
	return withRemedy(failed)
}

// StoreClosed frees what the store had for components.
func (s *state) StoreClosed() {
	s.calls++
	for _, f := range s.funcs {
		f.handle.Close()
	}
	s.funcs, s.linked, s.more, s.call = nil, nil, nil, nil
	if s.http != nil {
		s.http.storeClosed()
	}
	s.table.closeAll()
}
