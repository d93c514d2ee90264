package wasmtime_test

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
)

func TestPipeStat(t *testing.T) {
	g := newWasiGuest(t, nil)
	r, w := pipe(t)
	insert(t, g.store, 3, r, READ_ONLY)
	insert(t, g.store, 4, w, WRITE_ONLY)
	for fd := uint32(3); fd <= 4; fd++ {
		// WASI 0.1 has no file type for a pipe.
		stat, errno := g.filestat(fd)
		want(t, "file type", stat.filetype, errno, filetypeUnknown)
		want(t, "size", stat.size, errno, 0)
		fdstat, errno := g.fdstat(fd)
		want(t, "fdstat type", fdstat.filetype, errno, filetypeUnknown)
		want(t, "flags", fdstat.flags, errno, 0)
		if fdstat.rights&rightSeek != 0 {
			t.Error("a pipe can be sought")
		}
		_, errno = g.seek(fd, 0, 0)
		wantErrno(t, "seek", errno, errnoSpipe)
		_, errno = g.tell(fd)
		wantErrno(t, "tell", errno, errnoSpipe)
	}
	_, errno := g.pread(3, 1, 0)
	wantErrno(t, "pread", errno, errnoSpipe)
	_, errno = g.pwrite(4, "x", 0)
	wantErrno(t, "pwrite", errno, errnoSpipe)
}

// What Go makes with os.Pipe does not block; a guest's read waits all the same.
func TestPipeReadWaits(t *testing.T) {
	g := newWasiGuest(t, nil)
	r, w := pipe(t)
	insert(t, g.store, 3, r, READ_ONLY)
	const delay = 50 * time.Millisecond
	for range 3 {
		start := time.Now()
		time.AfterFunc(delay, func() { w.WriteString("late") })
		s, errno := g.read(3, 100)
		want(t, "read", s, errno, "late")
		if waited := time.Since(start); waited < delay {
			t.Errorf("the read waited %v only", waited)
		}
	}
	time.AfterFunc(delay, func() { w.Close() })
	s, errno := g.read(3, 100)
	want(t, "read at the hang-up", s, errno, "")
	s, errno = g.read(3, 100)
	want(t, "read after the hang-up", s, errno, "")
}

// The data of a pipe whose writer is gone is still there.
func TestPipeReadAfterHangup(t *testing.T) {
	g := newWasiGuest(t, nil)
	r, w := pipe(t)
	insert(t, g.store, 3, r, READ_ONLY)
	w.WriteString("last words")
	w.Close()
	s, errno := g.read(3, 4)
	want(t, "read", s, errno, "last")
	s, errno = g.readAll(3)
	want(t, "read the rest", s, errno, " words")
}

func TestPipeWriteWithoutReader(t *testing.T) {
	g := newWasiGuest(t, nil)
	r, w := pipe(t)
	insert(t, g.store, 3, w, WRITE_ONLY)
	n, errno := g.write(3, "x")
	want(t, "write", n, errno, 1)
	r.Close()
	for range 3 {
		_, errno = g.write(3, "x")
		wantErrno(t, "write", errno, errnoPipe)
	}
	insert(t, g.store, 1, w, WRITE_ONLY) // where a signal would kill a process
	_, errno = g.write(1, "x")
	wantErrno(t, "write to standard output", errno, errnoPipe)
}

// The reader goes away while a guest waits for room.
func TestPipeReaderLeavesWaitingWriter(t *testing.T) {
	g := newWasiGuest(t, nil)
	r, w := pipe(t)
	insert(t, g.store, 3, w, WRITE_ONLY)
	time.AfterFunc(50*time.Millisecond, func() { r.Close() })
	n, errno := g.write(3, strings.Repeat("x", 1<<20))
	if errno == errnoSuccess && (n == 0 || n == 1<<20) {
		t.Errorf("wrote %d bytes that nobody read", n)
	}
	_, errno = g.write(3, "x")
	wantErrno(t, "write", errno, errnoPipe)
}

func TestPipeNonblockingFlag(t *testing.T) {
	g := newWasiGuest(t, nil)
	r, w := pipe(t)
	insert(t, g.store, 3, r, READ_ONLY)
	insert(t, g.store, 4, w, WRITE_ONLY)
	for fd := 3; fd <= 4; fd++ {
		wantErrno(t, "set the flag", g.call("fd_fdstat_set_flags", fd, fdflagNonblock), errnoSuccess)
	}
	_, errno := g.read(3, 1)
	wantErrno(t, "read from an empty pipe", errno, errnoAgain)
	written := 0
	for {
		n, errno := g.write(4, strings.Repeat("x", 10_000))
		if errno == errnoAgain {
			break
		}
		if errno != errnoSuccess || n == 0 || written > 1<<24 {
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
	_, errno = g.read(3, 1)
	wantErrno(t, "read from an empty pipe", errno, errnoAgain)
	wantErrno(t, "take the flag away", g.call("fd_fdstat_set_flags", 3, 0), errnoSuccess)
	time.AfterFunc(20*time.Millisecond, func() { w.WriteString("z") })
	s, errno := g.read(3, 1)
	want(t, "read waits again", s, errno, "z")
}

// O_NONBLOCK is shared by all duplicates: had it been changed, deadlines of the host's file would stop working.
func TestPipeDeadlineStillWorks(t *testing.T) {
	g := newWasiGuest(t, nil)
	r, w := pipe(t)
	insert(t, g.store, 3, r, READ_ONLY)
	w.WriteString("x")
	s, errno := g.read(3, 1)
	want(t, "read", s, errno, "x")
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
	s, errno = g.read(3, 1)
	want(t, "read a blocking pipe", s, errno, "y")
}

func TestPollPipe(t *testing.T) {
	g := newWasiGuest(t, nil)
	r, w := pipe(t)
	insert(t, g.store, 3, r, READ_ONLY)
	const clock, read = 0, 1
	start := time.Now()
	kinds, _, _ := g.pollRead(3, uint64(30*time.Millisecond))
	if !bytes.Equal(kinds, []byte{clock}) || time.Since(start) < 30*time.Millisecond {
		t.Errorf("an empty pipe: events %v after %v", kinds, time.Since(start))
	}
	time.AfterFunc(20*time.Millisecond, func() { w.WriteString("12345") })
	kinds, n, hangup := g.pollRead(3, uint64(time.Minute))
	if !bytes.Equal(kinds, []byte{read}) || n != 5 || hangup {
		t.Errorf("five bytes: events %v, %d bytes, hang-up %v", kinds, n, hangup)
	}
	s, errno := g.read(3, 10)
	want(t, "read", s, errno, "12345")
	time.AfterFunc(20*time.Millisecond, func() { w.Close() })
	kinds, n, hangup = g.pollRead(3, 0)
	if !bytes.Equal(kinds, []byte{read}) || n != 0 || !hangup {
		t.Errorf("the end: events %v, %d bytes, hang-up %v", kinds, n, hangup)
	}
}

// Much data goes both ways while garbage is collected, with Go's side in goroutines.
func TestPipeTransfer(t *testing.T) {
	total := 16 << 20
	if debugBuild() {
		total = 1 << 20
	}
	g := newWasiGuest(t, nil)
	inR, inW := pipe(t)
	outR, outW := pipe(t)
	insert(t, g.store, 0, inR, READ_ONLY)
	insert(t, g.store, 1, outW, WRITE_ONLY)
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
		s, errno := g.read(0, 200_000)
		if errno != errnoSuccess || s == "" {
			wantErrno(t, "read", errno, errnoSuccess)
			break
		}
		n, errno := g.write(1, s)
		if errno != errnoSuccess || n != len(s) {
			t.Errorf("wrote %d of %d: errno %d", n, len(s), errno)
			break
		}
	}
	g.store.Close()
	close(stop)
	wg.Wait()
	if !bytes.Equal(got, data) {
		t.Errorf("%d bytes came out, not the %d that went in", len(got), len(data))
	}
}

// A pipe from one guest to another, each on a goroutine of its own.
func TestPipeBetweenGuests(t *testing.T) {
	a, b := newWasiGuest(t, nil), newWasiGuest(t, nil)
	r, w := pipe(t)
	insert(t, a.store, 1, w, WRITE_ONLY)
	insert(t, b.store, 0, r, READ_ONLY)
	r.Close()
	w.Close()
	const lines, writes = 1000, 100
	var wg sync.WaitGroup
	wg.Go(func() {
		for range writes {
			if n, errno := a.write(1, strings.Repeat("line of text\n", lines)); n != 13*lines || errno != errnoSuccess {
				t.Errorf("wrote %d: errno %d", n, errno)
				break
			}
		}
		a.close(1)
	})
	s, errno := b.readAll(0)
	wantErrno(t, "read", errno, errnoSuccess)
	if s != strings.Repeat("line of text\n", lines*writes) {
		t.Errorf("%d bytes arrived", len(s))
	}
	wg.Wait()
}
