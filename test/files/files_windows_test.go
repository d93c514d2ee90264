package files_test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

var (
	kernel32        = syscall.NewLazyDLL("kernel32.dll")
	createNamedPipe = kernel32.NewProc("CreateNamedPipeW")
	createEvent     = kernel32.NewProc("CreateEventW")
)

const (
	pipeInbound  = 1
	pipeOutbound = 2
)

// namedPipe makes a pipe with overlapped I/O or without; direction is that of its first end. Go serves an end with
// overlapped I/O by its completion port.
func namedPipe(t *testing.T, direction uintptr, overlapped bool) (first, second *os.File) {
	t.Helper()
	name := fmt.Sprintf(`\\.\pipe\wasmtime-%d-%d`, os.Getpid(), time.Now().UnixNano())
	path, err := syscall.UTF16PtrFromString(name)
	Check(t, err)
	flags, mode := uint32(0), direction
	if overlapped {
		flags, mode = syscall.FILE_FLAG_OVERLAPPED, direction|syscall.FILE_FLAG_OVERLAPPED
	}
	server, _, err := createNamedPipe.Call(uintptr(unsafe.Pointer(path)), mode, 0, 1, 4096, 4096, 0, 0)
	if syscall.Handle(server) == syscall.InvalidHandle {
		t.Fatal(err)
	}
	access := uint32(syscall.GENERIC_WRITE)
	if direction == pipeOutbound {
		access = syscall.GENERIC_READ
	}
	client, err := syscall.CreateFile(path, access, 0, nil, syscall.OPEN_EXISTING, flags, 0)
	Check(t, err)
	first, second = os.NewFile(server, "server"), os.NewFile(uintptr(client), "client")
	t.Cleanup(func() { first.Close(); second.Close() })
	return first, second
}

func TestNamedPipe(t *testing.T) {
	for _, overlapped := range []bool{false, true} {
		t.Run(fmt.Sprintf("overlapped %v", overlapped), func(t *testing.T) {
			g := NewWasiGuest(t, nil)
			r, w := namedPipe(t, pipeInbound, overlapped)
			back, its := namedPipe(t, pipeOutbound, overlapped)
			Insert(t, g.Store, 3, r, READ_ONLY)
			Insert(t, g.Store, 4, back, WRITE_ONLY)
			back.Close()
			stat, errno := g.Filestat(3)
			Want(t, "file type", stat.Filetype, errno, FiletypeUnknown)

			kinds, _, _ := g.PollRead(3, uint64(time.Millisecond))
			Equal(t, "an empty pipe", string(kinds), "\x00")
			go io.WriteString(w, "hello guest")
			kinds, bytes, hangup := g.PollRead(3, uint64(10*time.Second))
			if string(kinds) != "\x01" || bytes != 11 || hangup {
				t.Errorf("poll: %v, %d bytes, hang-up %v", kinds, bytes, hangup)
			}
			s, errno := g.Read(3, 100)
			Want(t, "read", s, errno, "hello guest")
			time.AfterFunc(20*time.Millisecond, func() { io.WriteString(w, "late") })
			s, errno = g.Read(3, 100)
			Want(t, "read what comes late", s, errno, "late")
			WantErrno(t, "set NONBLOCK", g.SetFlags(3, FdflagNonblock), ErrnoSuccess)
			_, errno = g.Read(3, 1)
			WantErrno(t, "read nothing", errno, ErrnoAgain)
			w.Close()
			kinds, _, hangup = g.PollRead(3, uint64(10*time.Second))
			if string(kinds) != "\x01" || !hangup {
				t.Errorf("poll at the end: %v, hang-up %v", kinds, hangup)
			}
			s, errno = g.Read(3, 100)
			Want(t, "read at the end", s, errno, "")

			// All that a guest has written arrives, however it wrote.
			text := strings.Repeat("0123456789abcdef", 4096)
			got := make(chan int)
			go func() { all, _ := io.ReadAll(its); got <- len(all) }()
			n, errno := g.Write(4, text)
			Want(t, "write", n, errno, len(text))
			WantErrno(t, "set NONBLOCK", g.SetFlags(4, FdflagNonblock), ErrnoSuccess)
			total := len(text)
			for total < 4*len(text) {
				n, errno := g.Write(4, text)
				if errno != ErrnoAgain {
					WantErrno(t, "write", errno, ErrnoSuccess)
					total += n
				}
			}
			g.Close(4)
			Equal(t, "bytes that arrived", <-got, total)
		})
	}
}

// A guest that must not wait finds the pipe full sooner or later, and what it has written is there when somebody
// reads.
func TestNamedPipeFull(t *testing.T) {
	for _, overlapped := range []bool{false, true} {
		t.Run(fmt.Sprintf("overlapped %v", overlapped), func(t *testing.T) {
			g := NewWasiGuest(t, nil)
			w, its := namedPipe(t, pipeOutbound, overlapped)
			Insert(t, g.Store, 3, w, WRITE_ONLY)
			w.Close()
			WantErrno(t, "set NONBLOCK", g.SetFlags(3, FdflagNonblock), ErrnoSuccess)
			total := 0
			for {
				n, errno := g.Write(3, "some words ")
				if errno == ErrnoAgain {
					break
				}
				WantErrno(t, "write", errno, ErrnoSuccess)
				total += n
			}
			g.Close(3)
			all, err := io.ReadAll(its)
			if len(all) != total || err != nil {
				t.Errorf("%d bytes arrived of %d, %v", len(all), total, err)
			}
		})
	}
}

// A file that was opened for overlapped I/O has no position of its own: the guest's is the guest's, Go's is Go's.
func TestOverlappedFile(t *testing.T) {
	g := NewWasiGuest(t, nil)
	plain := TempFile(t, "0123456789")
	f, err := os.OpenFile(plain.Name(), os.O_RDWR|syscall.FILE_FLAG_OVERLAPPED, 0)
	Check(t, err)
	t.Cleanup(func() { f.Close() })
	Insert(t, g.Store, 3, f, READ_WRITE)
	s, errno := g.Read(3, 4)
	Want(t, "read", s, errno, "0123")
	b := make([]byte, 2)
	if n, err := f.Read(b); n != 2 || err != nil || string(b) != "01" {
		t.Errorf("the host read %q, %v", b[:n], err)
	}
	s, errno = g.Pread(3, 2, 8)
	Want(t, "pread", s, errno, "89")
	n, errno := g.Write(3, "AB")
	Want(t, "write", n, errno, 2)
	at, errno := g.Seek(3, 0, 1)
	Want(t, "the position", at, errno, 6)
	at, errno = g.Seek(3, -1, 2)
	Want(t, "seek from the end", at, errno, 9)
	n, errno = g.Pwrite(3, "Z", 0)
	Want(t, "pwrite", n, errno, 1)
	s, errno = g.Read(3, 9)
	Want(t, "read the last", s, errno, "9")
	s, errno = g.Read(3, 9)
	Want(t, "read at the end", s, errno, "")
	WantErrno(t, "append", g.SetFlags(3, FdflagAppend), ErrnoSuccess)
	g.Seek(3, 0, 0)
	n, errno = g.Write(3, "!")
	Want(t, "write", n, errno, 1)
	at, errno = g.Tell(3)
	Want(t, "the position after appending", at, errno, 11)
	Equal(t, "content", Content(t, plain), "Z123AB6789!")
}

// What is a handle, but none of a file, is refused.
func TestInsertOtherHandles(t *testing.T) {
	g := NewWasiGuest(t, nil)
	event, _, err := createEvent.Call(0, 1, 0, 0)
	if event == 0 {
		t.Fatal(err)
	}
	f := os.NewFile(event, "event")
	defer f.Close()
	WantTyped(t, g.Store.InsertFile(3, f, READ_ONLY), ErrBadFile, "cannot be used")
	process, err := syscall.GetCurrentProcess() // -1
	Check(t, err)
	if f := os.NewFile(uintptr(process), "process"); f != nil {
		t.Error("Go takes it for a file")
	}
	if g.IsOpen(3) {
		t.Error("something was inserted")
	}
}
