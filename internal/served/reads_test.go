package served

import (
	"context"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/gowasmtime/wasmtime/ffi"
)

// gone closes the descriptor of a guest.
func gone(number uint64) { OnStream(&ffi.StreamRequest{Env: number, What: ffi.StreamGone}) }

// oneByOne is a reader that gives what it is told to, and counts how often it is called at once.
type oneByOne struct {
	gives chan string // closed is the end

	mu          sync.Mutex
	calls, most int
}

// called counts a call that begins, by 1, or that ends, by -1.
func (r *oneByOne) called(by int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls += by
	r.most = max(r.most, r.calls)
}

func (r *oneByOne) Read(p []byte) (int, error) {
	r.called(1)
	s, ok := <-r.gives
	r.called(-1)
	if !ok {
		return 0, io.EOF
	}
	return copy(p, s), nil
}

// What a reader says when its descriptor is gone is the next one's, in the same store and in another, whether it comes
// before the next one asks or after, and the guest waits or not. Nobody calls the reader meanwhile.
func TestLateReads(t *testing.T) {
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	for _, sameStore := range []bool{false, true} {
		for _, early := range []bool{false, true} {
			for _, waits := range []bool{false, true} {
				name := "same store " + strconv.FormatBool(sameStore) + ", early " + strconv.FormatBool(early) +
					", waits " + strconv.FormatBool(waits)
				t.Run(name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						h := &testHost{}
						r := &oneByOne{gives: make(chan string, 2)}
						first := NewReader(r)
						number := first.Attach(h)
						first.by.(*Stream).mustRead(t, stopped, 9, true, "", ffi.StreamStop)
						synctest.Wait()
						gone(number)
						if !sameStore {
							h = &testHost{}
						}
						if early {
							r.gives <- "late"
							synctest.Wait()
						}
						second := NewReader(r)
						defer gone(second.Attach(h))
						st := second.serves.by.(*Stream)
						if !waits {
							st.mustRead(t, nil, 9, false, "", ffi.StreamWouldWait)
						}
						synctest.Wait()
						if !early {
							go func() { r.gives <- "late" }()
						}
						st.mustRead(t, nil, 2, true, "la", ffi.StreamDone)
						st.mustRead(t, nil, 9, true, "te", ffi.StreamDone)
						r.gives <- "next"
						st.mustRead(t, nil, 9, true, "next", ffi.StreamDone)
						close(r.gives)
						st.mustRead(t, t.Context(), 9, true, "", ffi.StreamDone)
						if r.most != 1 {
							t.Errorf("the reader was called by %d goroutines at once", r.most)
						}
						wantDone(t, r)
					})
				})
			}
		}
	}
}

// wantDone fails the test if the reader is at work, or has said something that nobody has taken.
func wantDone(t *testing.T, r io.Reader) {
	t.Helper()
	if reads.has(r) {
		t.Error("the reader is kept")
	}
}

// Streams of several stores read from one reader in the order in which they asked. One that is gone by then, or that
// panics or ends its goroutine, does not keep the others waiting; what it would have read is the next one's.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &scripted{next: make(chan func([]byte) (int, error))}
		var numbers []uint64
		var streams []*Stream
		for range 5 {
			d := NewReader(r)
			numbers = append(numbers, d.Attach(&testHost{}))
			streams = append(streams, d.by.(*Stream))
			streams[len(streams)-1].mustRead(t, nil, 9, false, "", ffi.StreamWouldWait)
			synctest.Wait()
		}
		gone(numbers[1])
		r.next <- gives("one", nil)
		r.next <- func([]byte) (int, error) { panic("reading") }
		r.next <- func([]byte) (int, error) { runtime.Goexit(); return 0, nil }
		r.next <- gives("five", nil)
		synctest.Wait()
		streams[0].mustRead(t, nil, 9, false, "one", ffi.StreamDone)
		if value, _ := streams[2].panics.Take(); value != "reading" {
			t.Errorf("the third has panicked with %v", value)
		}
		streams[3].mustRead(t, nil, 9, false, "", ffi.StreamFailed)
		streams[4].mustRead(t, nil, 9, false, "five", ffi.StreamDone)
		for _, i := range []int{0, 2, 3, 4} {
			gone(numbers[i])
		}
		wantDone(t, r)
	})
}

// scripted is a reader of which every call is another function's.
type scripted struct {
	next chan func([]byte) (int, error)
}

func (r *scripted) Read(p []byte) (int, error) { return (<-r.next)(p) }

// What was read too late is kept for a limited number of readers, each byte of it.
func TestLateReadsEnd(t *testing.T) {
	var turns readTurns
	readers := make([]strings.Reader, mostLate+1)
	for i := range readers {
		r := &readers[i]
		if turns.begin(r) != nil {
			t.Fatal("not the first to read")
		}
		text := []byte(strconv.Itoa(i))
		turns.end(r, text)
		text[0] = 'x' // it is the stream's
		if !turns.has(r) {
			t.Errorf("reader %d has read nothing", i)
		}
	}
	if turns.has(&readers[0]) || turns.take(&readers[0]) != nil {
		t.Error("the first is not forgotten")
	}
	for i := 1; i < len(readers); i++ {
		if got := turns.take(&readers[i]); !slices.Equal(got, []byte(strconv.Itoa(i))) {
			t.Errorf("of reader %d: %q", i, got)
		}
	}
	if turns.some.Load() != 0 {
		t.Errorf("%d are left", turns.some.Load())
	}
}

// Readers that cannot be compared have no equals, and are not kept.
func TestReadersWithoutEquals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &oneByOne{gives: make(chan string)}
		number := func() (*Stream, uint64) {
			d := NewReader(readerFunc(r.Read))
			number := d.Attach(&testHost{})
			return d.by.(*Stream), number
		}
		first, n := number()
		first.mustRead(t, nil, 9, false, "", ffi.StreamWouldWait)
		synctest.Wait()
		gone(n)
		second, m := number()
		second.mustRead(t, nil, 9, false, "", ffi.StreamWouldWait)
		synctest.Wait()
		r.called(0)
		if r.most != 2 {
			t.Errorf("%d calls", r.most)
		}
		close(r.gives)
		synctest.Wait()
		gone(m)
	})
}

// Equal readers in a store are one pipe, also for what has been read ahead.
func TestEqualReaders(t *testing.T) {
	h := &testHost{}
	r := strings.NewReader("some text")
	first, second := NewReader(r), NewReader(r)
	numbers := []uint64{first.Attach(h), second.Attach(h)}
	there(numbers[0]).by.(*Stream).mustRead(t, t.Context(), 4, true, "some", ffi.StreamDone)
	gone(numbers[0])
	there(numbers[1]).by.(*Stream).mustRead(t, nil, 9, true, " text", ffi.StreamDone)
	gone(numbers[1])
	if h.shelf.ends.readers.get(r) != nil {
		t.Error("the reader has a pipe that nobody has")
	}
	wantDone(t, r)
}
