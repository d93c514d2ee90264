//go:build linux

package matrix_test

import (
	"fmt"
	"syscall"
)

// pipeOut is the reading end of a pipe: with some data, and with or without a writer.
func pipeOut(data string, hasWriter bool) func(w *workplace, mode int, nonblock bool) *object {
	return func(_ *workplace, mode int, nonblock bool) *object {
		var ends [2]int
		must(syscall.Pipe2(ends[:], syscall.O_CLOEXEC))
		o := &object{}
		o.own(ends[0], nonblock)
		p := newPeer(o, ends[1])
		p.write(data)
		if !hasWriter {
			p.close()
			o.observe = func() string { return "left " + rest(o.fd) }
			return o
		}
		o.acts = []func(){func() { p.write("late\n") }, p.close}
		o.observe = func() string { return "left " + rest(o.fd) }
		return o
	}
}

// pipeIn is the writing end of a pipe that has been filled by fill, with or without a reader.
func pipeIn(fill func(fd int) int, hasReader bool) func(w *workplace, mode int, nonblock bool) *object {
	return func(_ *workplace, mode int, nonblock bool) *object {
		var ends [2]int
		must(syscall.Pipe2(ends[:], syscall.O_CLOEXEC))
		o := &object{}
		filled := fill(ends[1])
		o.own(ends[1], nonblock)
		p := newPeer(o, ends[0])
		if !hasReader {
			p.close()
			return o
		}
		o.acts = []func(){p.pump, p.close}
		o.observe = func() string { return p.observe(filled) }
		return o
	}
}

// pipeBoth is a pipe that is open for reading and writing at once, which Linux allows.
func pipeBoth(fill func(fd int) int) func(w *workplace, mode int, nonblock bool) *object {
	return func(_ *workplace, mode int, nonblock bool) *object {
		var ends [2]int
		must(syscall.Pipe2(ends[:], syscall.O_CLOEXEC))
		o := &object{}
		fill(ends[1])
		o.own(reopen(ends[0], mode), nonblock)
		in, out := newPeer(o, ends[1]), newPeer(o, ends[0])
		late := func() { in.write("late\n") }
		o.acts = []func(){late, late, in.close, out.pump}
		o.observe = func() string { return out.observe(0) }
		return o
	}
}

// The ways to fill a pipe.
func empty(int) int   { return 0 }
func full(fd int) int { return fill(fd, 4096) }

// nearlyFull leaves room for a few bytes in the last page, and no page free.
func nearlyFull(fd int) int {
	const getPipeSize = 1032
	size, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), getPipeSize, 0)
	if errno != 0 {
		panic(errno)
	}
	n, err := syscall.Write(fd, make([]byte, size-96))
	must(err)
	return n
}

func some(fd int) int {
	n, err := syscall.Write(fd, []byte("0123456789"))
	must(err)
	return n
}

// rest reads what is left in a descriptor.
func rest(fd int) string {
	p := &peer{fd: fd}
	must(syscall.SetNonblock(fd, true))
	p.read()
	return fmt.Sprintf("%s then %s", digest(p.got, 0), p.end)
}
