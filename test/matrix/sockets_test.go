//go:build linux

package matrix_test

import (
	"fmt"
	"syscall"
	"time"
	"unsafe"
)

// The ways to prepare a connected socket; each gets the program's side, the other side, and may return how many bytes
// are to be left out of what the other side gets.
func fresh(int, *peer) int { return 0 }
func withData(_ int, p *peer) int {
	p.write("0123456789")
	return 0
}
func peerClosed(_ int, p *peer) int {
	p.close()
	return 0
}
func dataPeerClosed(_ int, p *peer) int {
	p.write("0123456789")
	p.close()
	return 0
}
func halfClosed(_ int, p *peer) int {
	must(syscall.Shutdown(p.fd, syscall.SHUT_WR))
	return 0
}
func dataHalfClosed(_ int, p *peer) int {
	p.write("0123456789")
	return halfClosed(0, p)
}
func noMoreReads(_ int, p *peer) int {
	must(syscall.Shutdown(p.fd, syscall.SHUT_RD))
	return 0
}
func fullSocket(fd int, _ *peer) int { return fill(fd, 1000) + fill(fd, 1) }
func fullConnection(fd int, p *peer) int {
	total := fullSocket(fd, p)
	for range 2 {
		time.Sleep(45 * time.Millisecond) // the kernel delays what makes room by up to 40
		total += fullSocket(fd, p)
	}
	return total
}

// unixStream is one end of a pair of sockets.
func unixStream(prepare func(int, *peer) int) func(w *workplace, mode int, nonblock bool) *object {
	return func(_ *workplace, _ int, nonblock bool) *object {
		ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		must(err)
		return stream(ends[0], ends[1], prepare, nonblock)
	}
}

// tcpStream is one end of a connection over the loopback interface.
func tcpStream(prepare func(int, *peer) int) func(w *workplace, mode int, nonblock bool) *object {
	return func(_ *workplace, _ int, nonblock bool) *object {
		listener, address := listen(syscall.AF_INET, "")
		defer syscall.Close(listener)
		fd := dial(syscall.AF_INET, address)
		must(syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF, bufferSize))
		other, _, err := syscall.Accept4(listener, syscall.SOCK_CLOEXEC)
		must(err)
		for _, fd := range []int{fd, other} {
			must(syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1))
		}
		return stream(fd, other, prepare, nonblock)
	}
}

func stream(fd, other int, prepare func(int, *peer) int, nonblock bool) *object {
	o := &object{}
	p := newPeer(o, other)
	skip := prepare(fd, p)
	o.own(fd, nonblock)
	if p.closed {
		return o
	}
	late := func() { p.write("late\n") }
	o.acts = []func(){func() {
		late()
		p.pump()
	}, p.close}
	if skip > 0 { // room and something to read would come at the same time, or one before the other
		o.acts = []func(){p.pump, late, p.close}
	}
	o.observe = func() string {
		if !p.closed {
			untilSent(fd, p)
		}
		return p.observe(skip)
	}
	return o
}

// untilSent reads until the other side has got what was sent over a connection.
func untilSent(fd int, p *peer) {
	p.join()
	var left int32
	for range 1000 {
		p.read()
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.TIOCOUTQ, uintptr(unsafe.Pointer(&left)))
		if errno != 0 || left == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// listener is a listening socket, with connections waiting.
func listener(family, waiting int) func(w *workplace, mode int, nonblock bool) *object {
	return func(w *workplace, _ int, nonblock bool) *object {
		path := w.path("socket")
		fd, address := listen(family, path)
		o := &object{}
		o.own(fd, nonblock)
		var peers []*peer
		connect := func() { peers = append(peers, newPeer(o, dial(family, address))) }
		for i := range waiting {
			connect()
			peers[i].write(fmt.Sprintf("hello %d", i))
		}
		halfClose := func() {
			for _, p := range peers {
				_ = syscall.Shutdown(p.fd, syscall.SHUT_WR)
			}
		}
		closeListener := func() { _ = syscall.Shutdown(fd, syscall.SHUT_RDWR) }
		o.acts = []func(){connect, connect, halfClose, closeListener}
		o.observe = func() string {
			o.file.Close() // whoever has not been accepted is turned away
			all := ""
			for _, p := range peers {
				waitReadable(p.fd, 2*time.Second)
				all += p.observe(0) + "; "
			}
			return all
		}
		if family == syscall.AF_UNIX {
			o.cleanup = append(o.cleanup, func() { syscall.Unlink(path) })
		}
		return o
	}
}

// bufferSize makes a connection full soon, and for good: by itself the kernel would let it grow.
const bufferSize = 32768

// listen opens a listening socket: at a path, or at a free port of the loopback interface.
func listen(family int, path string) (int, syscall.Sockaddr) {
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	must(err)
	var address syscall.Sockaddr = &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if family == syscall.AF_UNIX {
		address = &syscall.SockaddrUnix{Name: path}
	}
	if family == syscall.AF_INET {
		must(syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, bufferSize))
	}
	must(syscall.Bind(fd, address))
	must(syscall.Listen(fd, 10))
	address, err = syscall.Getsockname(fd)
	must(err)
	return fd, address
}

func dial(family int, address syscall.Sockaddr) int {
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	must(err)
	must(syscall.Connect(fd, address))
	return fd
}
