package wasi_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"
	"unsafe"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// contest is something that a guest waits for, and that somebody else may take from under its nose.
type contest struct {
	// guest is what the guest gets. The system makes calls on it wait.
	guest *os.File
	mode  WasiFileAccessMode
	// function is the WASI function that waits.
	function string
	// offer makes the guest's wait end.
	offer func() error
	// take takes away what was offered, and tells whether it was still there.
	take func() bool
}

func open(t *testing.T, path string, flags int) *os.File {
	t.Helper()
	fd, err := syscall.Open(path, flags|syscall.O_CLOEXEC|syscall.O_NOCTTY, 0)
	Check(t, err)
	f := os.NewFile(uintptr(fd), path)
	t.Cleanup(func() { f.Close() })
	return f
}

// takeByte reads a byte if there is one. The file does not wait.
func takeByte(f *os.File) func() bool {
	fd := int(f.Fd())
	return func() bool {
		n, _ := syscall.Read(fd, make([]byte, 1))
		return n == 1
	}
}

// offerByte writes a byte.
func offerByte(f *os.File) func() error {
	fd := int(f.Fd())
	return func() error {
		_, err := syscall.Write(fd, []byte("x"))
		return err
	}
}

var contests = map[string]func(t *testing.T) contest{
	"pipe": func(t *testing.T) contest {
		r, w := BlockingPipe(t)
		rival := open(t, fmt.Sprintf("/proc/self/fd/%d", r.Fd()), syscall.O_RDONLY|syscall.O_NONBLOCK)
		return contest{r, READ_ONLY, "fd_read", offerByte(w), takeByte(rival)}
	},
	"named pipe": func(t *testing.T) contest {
		path := filepath.Join(TempDir(t), "fifo")
		Mkfifo(t, path)
		w := open(t, path, syscall.O_RDWR)
		rival := open(t, path, syscall.O_RDONLY|syscall.O_NONBLOCK)
		return contest{open(t, path, syscall.O_RDONLY), READ_ONLY, "fd_read", offerByte(w), takeByte(rival)}
	},
	"terminal": func(t *testing.T) contest {
		master, path := terminal(t)
		rival := open(t, path, syscall.O_RDWR|syscall.O_NONBLOCK)
		return contest{open(t, path, syscall.O_RDWR), READ_ONLY, "fd_read", offerByte(master), takeByte(rival)}
	},
	"socket": func(t *testing.T) contest {
		fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		Check(t, err)
		ours, its := os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "its")
		t.Cleanup(func() { ours.Close(); its.Close() })
		take := func() bool {
			n, _, err := syscall.Recvfrom(fds[1], make([]byte, 1), syscall.MSG_DONTWAIT)
			return n == 1 && err == nil
		}
		return contest{its, READ_ONLY, "fd_read", offerByte(ours), take}
	},
	"full named pipe": func(t *testing.T) contest {
		path := filepath.Join(TempDir(t), "fifo")
		Mkfifo(t, path)
		r := open(t, path, syscall.O_RDWR|syscall.O_NONBLOCK)
		page := make([]byte, 4096)
		rival := int(open(t, path, syscall.O_WRONLY|syscall.O_NONBLOCK).Fd())
		fill := func() bool {
			n, _ := syscall.Write(rival, page)
			return n == len(page)
		}
		for fill() {
		}
		offer := func() error {
			_, err := syscall.Read(int(r.Fd()), page)
			return err
		}
		return contest{open(t, path, syscall.O_WRONLY), WRITE_ONLY, "fd_write", offer, fill}
	},
}

// terminal makes one, and returns who types there and the path of it.
func terminal(t *testing.T) (master *os.File, path string) {
	t.Helper()
	master = open(t, "/dev/ptmx", syscall.O_RDWR)
	ioctl := func(request uintptr, p unsafe.Pointer) {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), request, uintptr(p)); errno != 0 {
			t.Fatal(errno)
		}
	}
	var number, unlocked uint32
	ioctl(syscall.TIOCSPTLCK, unsafe.Pointer(&unlocked))
	ioctl(syscall.TIOCGPTN, unsafe.Pointer(&number))
	path = fmt.Sprintf("/dev/pts/%d", number)
	var modes syscall.Termios
	ioctl(syscall.TCGETS, unsafe.Pointer(&modes))
	modes.Lflag &^= syscall.ICANON | syscall.ECHO // every byte at once, and none comes back
	ioctl(syscall.TCSETS, unsafe.Pointer(&modes))
	return master, path
}

// What a guest waits for may be taken by somebody else after the guest was told of it, and before it asks for it. The
// guest then waits on in the call itself, and ends with its context all the same.
func TestContextEndsContests(t *testing.T) {
	rounds := Sample(3000, Rounds(1000))
	for name, prepare := range contests {
		t.Run(name, func(t *testing.T) {
			c := prepare(t)
			g := NewCancellableGuest(t)
			Insert(t, g.Store, 3, c.guest, c.mode)
			g.Iovec(1)
			if c.function == "fd_write" {
				g.Iovec(4096)
			}
			f := g.Instance.GetFunc(g.Store, c.function)
			contexts, ends := make(chan context.Context), make(chan error)
			go func() {
				defer close(ends)
				for ctx := range contexts {
					_, err := f.CallContext(ctx, g.Store, 3, GuestIovec, 1, GuestResult)
					ends <- err
				}
			}()
			defer func() { close(contexts); <-ends }()
			// The guest and its rival are to be equally fast: then they get into each other's way most often.
			lost, ahead := 0, 30*time.Microsecond
			for round := range rounds {
				ctx, cancel := context.WithCancel(context.Background())
				contexts <- ctx
				spin(time.Duration(50+rand.IntN(100)) * time.Microsecond)
				Check(t, c.offer())
				spin(ahead + time.Duration(rand.IntN(4000)))
				var err error
				over := false
				for !over && !c.take() {
					select {
					case err = <-ends:
						over = true
					default:
					}
				}
				cancel()
				if over {
					Check(t, err)
					ahead = max(ahead-time.Microsecond, 0)
					continue
				}
				lost++
				ahead += time.Microsecond
				select {
				case err = <-ends:
					if !errors.Is(err, context.Canceled) {
						t.Fatalf("round %d: %v", round, err)
					}
				case <-time.After(5 * time.Second):
					for waits := true; waits; {
						Check(t, c.offer())
						select {
						case <-ends:
							waits = false
						case <-time.After(time.Millisecond):
						}
					}
					t.Fatalf("round %d: the guest waited on after its context was cancelled", round)
				}
			}
			t.Logf("the guest came too late %d times of %d", lost, rounds)
		})
	}
}

// spin passes time without giving the processor away.
func spin(d time.Duration) {
	for start := time.Now(); time.Since(start) < d; {
	}
}

// To end a wait takes a signal. What others send by the same number, whichever that is, still arrives where it did.
func TestSignalsStillArrive(t *testing.T) {
	g := NewCancellableGuest(t)
	path := filepath.Join(TempDir(t), "fifo")
	Mkfifo(t, path)
	w := open(t, path, syscall.O_RDWR)
	Insert(t, g.Store, 3, open(t, path, syscall.O_RDONLY), READ_ONLY)
	Check(t, offerByte(w)())
	g.Iovec(1)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	g.Ctx = ctx
	WantErrno(t, "fd_read", g.Call("fd_read", 3, GuestIovec, 1, GuestResult), ErrnoSuccess)

	// C libraries have the first few for themselves.
	const first, last = 36, 64
	got := make(chan os.Signal, last)
	for n := syscall.Signal(first); n <= last; n++ {
		signal.Notify(got, n)
	}
	defer signal.Stop(got)
	for n := syscall.Signal(first); n <= last; n++ {
		Check(t, syscall.Kill(os.Getpid(), n))
		select {
		case s := <-got:
			Equal(t, "the signal", s, os.Signal(n))
		case <-time.After(10 * time.Second):
			t.Fatalf("signal %d did not arrive", n)
		}
	}
}
