//go:build linux

package matrix_test

import (
	"fmt"
	"hash/fnv"
	"os"
	"sync"
	"syscall"
	"time"
)

// object is one fresh host object in a certain situation, and what the test holds of it.
type object struct {
	// fd is the descriptor that the program gets, and file owns it.
	fd   int
	file *os.File
	// acts is what the other side does, one thing after the other, as long as the program waits.
	acts []func()
	// observe says what has become of the object, after the program has ended. It may be nil.
	observe func() string
	// cleanup is run at the end.
	cleanup []func()
}

func (o *object) close() {
	o.file.Close()
	for _, f := range o.cleanup {
		f()
	}
}

// own makes fd the object's descriptor. With nonblock the host's side of it, which the guest's shares, has O_NONBLOCK.
func (o *object) own(fd int, nonblock bool) {
	must(syscall.SetNonblock(fd, nonblock))
	o.fd, o.file = fd, os.NewFile(uintptr(fd), "object")
}

// peer is the other side: a descriptor that does not block, what has been read from it, and whether it is still open.
type peer struct {
	fd     int
	closed bool
	got    []byte
	// end is what ended reading: nothing more for now, the end of the file, or an error.
	end  string
	stop chan struct{}
	done sync.WaitGroup
}

// newPeer makes fd the other side of o.
func newPeer(o *object, fd int) *peer {
	must(syscall.SetNonblock(fd, true))
	p := &peer{fd: fd, stop: make(chan struct{})}
	o.cleanup = append(o.cleanup, p.close)
	return p
}

// starting is held while a process is being started. Until it has come to its program it holds everything open, so that
// nothing is really closed.
var starting sync.RWMutex

// close closes the other side; closing twice does nothing.
func (p *peer) close() {
	p.join()
	if p.closed {
		return
	}
	p.closed = true
	starting.RLock()
	syscall.Close(p.fd)
	starting.RUnlock()
}

// write gives the program something to read. It may fail, as when nobody can read it.
func (p *peer) write(s string) { _, _ = syscall.Write(p.fd, []byte(s)) }

// read reads what there is.
func (p *peer) read() {
	b := make([]byte, 1<<16)
	for {
		n, err := syscall.Read(p.fd, b)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			p.end = errnoName(err)
			return
		case n == 0:
			p.end = "end"
			return
		default:
			p.got = append(p.got, b[:n]...)
		}
	}
}

// pump reads in the background what the program writes.
func (p *peer) pump() {
	p.done.Go(func() {
		for {
			select {
			case <-p.stop:
				return
			default:
				if waitReadable(p.fd, 2*time.Millisecond) {
					p.read()
					if p.end != "nothing" {
						return
					}
				}
			}
		}
	})
}

// waitReadable waits for something to read, for some time.
func waitReadable(fd int, patience time.Duration) bool {
	for end := time.Now().Add(patience); ; {
		var set syscall.FdSet
		set.Bits[fd/64] |= 1 << (fd % 64)
		t := syscall.NsecToTimeval(max(time.Until(end), 0).Nanoseconds())
		n, err := syscall.Select(fd+1, &set, nil, nil, &t)
		if err != syscall.EINTR {
			must(err)
			return n > 0
		}
	}
}

// join ends the background reading.
func (p *peer) join() {
	select {
	case <-p.stop:
	default:
		close(p.stop)
	}
	p.done.Wait()
}

// observe reads the rest and says what came, without the first skip bytes.
func (p *peer) observe(skip int) string {
	p.join()
	if p.closed {
		return ""
	}
	p.read()
	return fmt.Sprintf("peer got %s then %s", digest(p.got, skip), p.end)
}

// digest is a short text for bytes of any number.
func digest(b []byte, skip int) string {
	if len(b) < skip {
		return fmt.Sprintf("only %d of %d", len(b), skip)
	}
	b = b[skip:]
	if len(b) <= 64 {
		return fmt.Sprintf("%q", b)
	}
	h := fnv.New32()
	h.Write(b)
	return fmt.Sprintf("%d bytes (%x)", len(b), h.Sum32())
}

// fill writes to a descriptor, size bytes at a time, until it takes no more, and returns how much it took.
func fill(fd, size int) int {
	must(syscall.SetNonblock(fd, true))
	b := make([]byte, size)
	for i := range b {
		b[i] = '#'
	}
	total := 0
	for refused := 0; refused < 3; {
		n, err := syscall.Write(fd, b)
		if err != nil { // what is on its way may make room yet
			refused++
			time.Sleep(time.Millisecond)
			continue
		}
		total += n
	}
	must(syscall.SetNonblock(fd, false))
	return total
}

// reopen opens what is behind a descriptor once more, with an access mode.
func reopen(fd, mode int) int {
	again, err := syscall.Open(fmt.Sprintf("/proc/self/fd/%d", fd), mode|syscall.O_CLOEXEC|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	must(err)
	return again
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func errnoName(err error) string {
	if err == syscall.EAGAIN {
		return "nothing"
	}
	return err.Error()
}
