package files_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestPipeStat(t *testing.T) {
	g := NewWasiGuest(t, nil)
	r, w := Pipe(t)
	Insert(t, g.Store, 3, r, READ_ONLY)
	Insert(t, g.Store, 4, w, WRITE_ONLY)
	for fd := uint32(3); fd <= 4; fd++ {
		// WASI 0.1 has no file type for a pipe.
		stat, errno := g.Filestat(fd)
		Want(t, "file type", stat.Filetype, errno, FiletypeUnknown)
		Want(t, "size", stat.Size, errno, 0)
		fdstat, errno := g.Fdstat(fd)
		Want(t, "fdstat type", fdstat.Filetype, errno, FiletypeUnknown)
		Want(t, "flags", fdstat.Flags, errno, 0)
		if fdstat.Rights&RightSeek != 0 {
			t.Error("a pipe can be sought")
		}
		_, errno = g.Seek(fd, 0, 0)
		WantErrno(t, "seek", errno, ErrnoSpipe)
		_, errno = g.Tell(fd)
		WantErrno(t, "tell", errno, ErrnoSpipe)
	}
	_, errno := g.Pread(3, 1, 0)
	WantErrno(t, "pread", errno, ErrnoSpipe)
	_, errno = g.Pwrite(4, "x", 0)
	WantErrno(t, "pwrite", errno, ErrnoSpipe)
}

// What Go makes with os.Pipe does not block; a guest's read waits all the same.
func TestPipeReadWaits(t *testing.T) {
	g := NewWasiGuest(t, nil)
	r, w := Pipe(t)
	Insert(t, g.Store, 3, r, READ_ONLY)
	const delay = 50 * time.Millisecond
	for range 3 {
		start := time.Now()
		time.AfterFunc(delay, func() { w.WriteString("late") })
		s, errno := g.Read(3, 100)
		Want(t, "read", s, errno, "late")
		if waited := time.Since(start); waited < delay {
			t.Errorf("the read waited %v only", waited)
		}
	}
	time.AfterFunc(delay, func() { w.Close() })
	s, errno := g.Read(3, 100)
	Want(t, "read at the hang-up", s, errno, "")
	s, errno = g.Read(3, 100)
	Want(t, "read after the hang-up", s, errno, "")
}

// The data of a pipe whose writer is gone is still there.
func TestPipeReadAfterHangup(t *testing.T) {
	g := NewWasiGuest(t, nil)
	r, w := Pipe(t)
	Insert(t, g.Store, 3, r, READ_ONLY)
	w.WriteString("last words")
	w.Close()
	s, errno := g.Read(3, 4)
	Want(t, "read", s, errno, "last")
	s, errno = g.ReadAll(3)
	Want(t, "read the rest", s, errno, " words")
}

func TestPipeWriteWithoutReader(t *testing.T) {
	g := NewWasiGuest(t, nil)
	r, w := Pipe(t)
	Insert(t, g.Store, 3, w, WRITE_ONLY)
	n, errno := g.Write(3, "x")
	Want(t, "write", n, errno, 1)
	r.Close()
	for range 3 {
		_, errno = g.Write(3, "x")
		WantErrno(t, "write", errno, ErrnoPipe)
	}
	Insert(t, g.Store, 1, w, WRITE_ONLY) // where a signal would kill a process
	_, errno = g.Write(1, "x")
	WantErrno(t, "write to standard output", errno, ErrnoPipe)
}

// The reader goes away while a guest waits for room.
func TestPipeReaderLeavesWaitingWriter(t *testing.T) {
	g := NewWasiGuest(t, nil)
	r, w := Pipe(t)
	Insert(t, g.Store, 3, w, WRITE_ONLY)
	time.AfterFunc(50*time.Millisecond, func() { r.Close() })
	n, errno := g.Write(3, strings.Repeat("x", 1<<20))
	if errno == ErrnoSuccess && (n == 0 || n == 1<<20) {
		t.Errorf("wrote %d bytes that nobody read", n)
	}
	_, errno = g.Write(3, "x")
	WantErrno(t, "write", errno, ErrnoPipe)
}

func TestPipeNonblockingFlag(t *testing.T) {
	g := NewWasiGuest(t, nil)
	r, w := Pipe(t)
	Insert(t, g.Store, 3, r, READ_ONLY)
	Insert(t, g.Store, 4, w, WRITE_ONLY)
	for fd := 3; fd <= 4; fd++ {
		WantErrno(t, "set the flag", g.Call("fd_fdstat_set_flags", fd, FdflagNonblock), ErrnoSuccess)
	}
	_, errno := g.Read(3, 1)
	WantErrno(t, "read from an empty pipe", errno, ErrnoAgain)
	written := 0
	for {
		n, errno := g.Write(4, strings.Repeat("x", 10_000))
		if errno == ErrnoAgain {
			break
		}
		if errno != ErrnoSuccess || n == 0 || written > 1<<24 {
			t.Fatalf("wrote %d after %d: errno %d", n, written, errno)
		}
		written += n
	}
	// The host's own ends still wait: the flag is the guest's alone.
	b := make([]byte, written)
	if _, err := io.ReadFull(r, b); err != nil {
		t.Error(err)
	}
	time.AfterFunc(20*time.Millisecond, func() { w.WriteString("y") })
	if n, err := r.Read(b); err != nil || n != 1 {
		t.Error(n, err)
	}
	_, errno = g.Read(3, 1)
	WantErrno(t, "read from an empty pipe", errno, ErrnoAgain)
	WantErrno(t, "take the flag away", g.Call("fd_fdstat_set_flags", 3, 0), ErrnoSuccess)
	time.AfterFunc(20*time.Millisecond, func() { w.WriteString("z") })
	s, errno := g.Read(3, 1)
	Want(t, "read waits again", s, errno, "z")
}

// O_NONBLOCK is shared by all duplicates: had it been changed, deadlines of the host's file would stop working.
func TestPipeDeadlineStillWorks(t *testing.T) {
	g := NewWasiGuest(t, nil)
	r, w := Pipe(t)
	Insert(t, g.Store, 3, r, READ_ONLY)
	w.WriteString("x")
	s, errno := g.Read(3, 1)
	Want(t, "read", s, errno, "x")
	if err := r.SetReadDeadline(time.Now().Add(30 * time.Millisecond)); errors.Is(err, os.ErrNoDeadline) {
		return // Windows: this pipe has none
	} else if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the host's read: %v", err)
	}
	// And of a file that Fd has made blocking.
	r.Fd()
	time.AfterFunc(20*time.Millisecond, func() { w.WriteString("y") })
	s, errno = g.Read(3, 1)
	Want(t, "read a blocking pipe", s, errno, "y")
}

func TestPollPipe(t *testing.T) {
	g := NewWasiGuest(t, nil)
	r, w := Pipe(t)
	Insert(t, g.Store, 3, r, READ_ONLY)
	const clock, read = 0, 1
	start := time.Now()
	kinds, _, _ := g.PollRead(3, uint64(30*time.Millisecond))
	if !bytes.Equal(kinds, []byte{clock}) || time.Since(start) < 30*time.Millisecond {
		t.Errorf("an empty pipe: events %v after %v", kinds, time.Since(start))
	}
	time.AfterFunc(20*time.Millisecond, func() { w.WriteString("12345") })
	kinds, n, hangup := g.PollRead(3, uint64(time.Minute))
	if !bytes.Equal(kinds, []byte{read}) || n != 5 || hangup {
		t.Errorf("five bytes: events %v, %d bytes, hang-up %v", kinds, n, hangup)
	}
	s, errno := g.Read(3, 10)
	Want(t, "read", s, errno, "12345")
	time.AfterFunc(20*time.Millisecond, func() { w.Close() })
	kinds, n, hangup = g.PollRead(3, 0)
	if !bytes.Equal(kinds, []byte{read}) || n != 0 || !hangup {
		t.Errorf("the end: events %v, %d bytes, hang-up %v", kinds, n, hangup)
	}
}

// Much data goes both ways while garbage is collected, with Go's side in goroutines.
func TestPipeTransfer(t *testing.T) {
	total := 16 << 20
	if Debug {
		total = 1 << 20
	}
	g := NewWasiGuest(t, nil)
	inR, inW := Pipe(t)
	outR, outW := Pipe(t)
	Insert(t, g.Store, 0, inR, READ_ONLY)
	Insert(t, g.Store, 1, outW, WRITE_ONLY)
	inR.Close()
	outW.Close()
	data := make([]byte, total)
	for i := range data {
		data[i] = byte(i ^ i>>8 ^ i>>16)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := inW.Write(data); err != nil {
			t.Error(err)
		}
		inW.Close()
	})
	var got []byte
	wg.Go(func() {
		var err error
		if got, err = io.ReadAll(outR); err != nil {
			t.Error(err)
		}
	})
	stop := make(chan bool)
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	})
	for {
		s, errno := g.Read(0, 200_000)
		if errno != ErrnoSuccess || s == "" {
			WantErrno(t, "read", errno, ErrnoSuccess)
			break
		}
		n, errno := g.Write(1, s)
		if errno != ErrnoSuccess || n != len(s) {
			t.Errorf("wrote %d of %d: errno %d", n, len(s), errno)
			break
		}
	}
	g.Store.Close()
	close(stop)
	wg.Wait()
	if !bytes.Equal(got, data) {
		t.Errorf("%d bytes came out, not the %d that went in", len(got), len(data))
	}
}

// A pipe from one guest to another, each on a goroutine of its own.
func TestPipeBetweenGuests(t *testing.T) {
	a, b := NewWasiGuest(t, nil), NewWasiGuest(t, nil)
	r, w := Pipe(t)
	Insert(t, a.Store, 1, w, WRITE_ONLY)
	Insert(t, b.Store, 0, r, READ_ONLY)
	r.Close()
	w.Close()
	const lines, writes = 1000, 100
	var wg sync.WaitGroup
	wg.Go(func() {
		for range writes {
			if n, errno := a.Write(1, strings.Repeat("line of text\n", lines)); n != 13*lines || errno != ErrnoSuccess {
				t.Errorf("wrote %d: errno %d", n, errno)
				break
			}
		}
		a.Close(1)
	})
	s, errno := b.ReadAll(0)
	WantErrno(t, "read", errno, ErrnoSuccess)
	if s != strings.Repeat("line of text\n", lines*writes) {
		t.Errorf("%d bytes arrived", len(s))
	}
	wg.Wait()
}
