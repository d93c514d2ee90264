//go:build linux

package matrix_test

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// terminal is a pseudo terminal that gives out lines, without an echo, with some input typed.
func terminal(data string, connected bool) func(w *workplace, mode int, nonblock bool) *object {
	return func(_ *workplace, mode int, nonblock bool) *object {
		master, err := syscall.Open("/dev/ptmx", syscall.O_RDWR|syscall.O_CLOEXEC|syscall.O_NOCTTY, 0)
		must(err)
		var number, unlock uint32
		control(master, syscall.TIOCSPTLCK, unsafe.Pointer(&unlock))
		control(master, syscall.TIOCGPTN, unsafe.Pointer(&number))
		path := fmt.Sprintf("/dev/pts/%d", number)
		open := func(mode int) int {
			fd, err := syscall.Open(path, mode|syscall.O_CLOEXEC|syscall.O_NOCTTY, 0)
			must(err)
			return fd
		}
		// A second descriptor of the program's side sets it up, and marks the end of the output.
		side := open(readWrite | syscall.O_NONBLOCK)
		var settings syscall.Termios
		control(side, syscall.TCGETS, unsafe.Pointer(&settings))
		settings.Lflag &^= syscall.ECHO // it would come in between the output at any time
		settings.Oflag &^= syscall.OPOST
		control(side, syscall.TCSETS, unsafe.Pointer(&settings))

		o := &object{}
		o.own(open(mode), nonblock)
		p := newPeer(o, master)
		o.cleanup = append(o.cleanup, func() { syscall.Close(side) })
		p.write(data)
		if len(data) > 0 && data[len(data)-1] == '\n' {
			untilTyped(side, len(data))
		}
		if !connected {
			p.close()
			return o
		}
		o.acts = []func(){func() {
			p.write("late\n")
			p.pump()
		}, p.close}
		o.observe = func() string { return observeTerminal(p, side) }
		return o
	}
}

// untilTyped waits until the kernel has moved n bytes of input to the program's side.
func untilTyped(side, n int) {
	for range 5000 {
		var there int32
		control(side, syscall.TIOCINQ, unsafe.Pointer(&there))
		if int(there) >= n {
			return
		}
		time.Sleep(time.Millisecond)
	}
	panic("what was typed does not arrive")
}

// observeTerminal says what came out, up to a mark that is written now, because the kernel takes its time.
func observeTerminal(p *peer, side int) string {
	p.join()
	if p.closed {
		return ""
	}
	mark := []byte{0}
	written := false
	for range 5000 {
		if !written {
			n, _ := syscall.Write(side, mark)
			written = n == 1
		}
		p.read()
		if written && bytes.HasSuffix(p.got, mark) {
			return "peer got " + digest(p.got[:len(p.got)-1], 0)
		}
		time.Sleep(time.Millisecond)
	}
	return "peer got no mark after " + digest(p.got, 0)
}

func control(fd int, request uintptr, value unsafe.Pointer) {
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), request, uintptr(value))
	if errno != 0 {
		panic(os.NewSyscallError("ioctl", errno))
	}
}
