package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/gowasmtime/wasmtime/internal/testkit"
)

// openTerminal returns both sides of a new terminal; the second is the one that programs have.
func openTerminal(t *testing.T) (master, side *os.File) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { master.Close() })
	var unlock, number int32
	control := func(request uintptr, value *int32) {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), request, uintptr(unsafe.Pointer(value))); errno != 0 {
			t.Fatal(errno)
		}
	}
	control(syscall.TIOCSPTLCK, &unlock)
	control(syscall.TIOCGPTN, &number)
	side, err = os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	testkit.Check(t, err)
	t.Cleanup(func() { side.Close() })
	return master, side
}

// At a terminal, somebody is told that there is nothing to call, and how a function is. Elsewhere nobody is, as by
// wasmtime.
func TestNothingCalledOnATerminal(t *testing.T) {
	dir := testkit.TempDir(t)
	write(t, dir, "library.wat", `(module (memory (export "memory") 1) (func (export "add")))`)
	master, side := openTerminal(t)
	cmd := prepare(t, dir, "library.wat")
	cmd.Stderr = side
	testkit.Check(t, cmd.Run())
	text := make([]byte, 4096)
	n, err := master.Read(text)
	testkit.Check(t, err)
	testkit.Equal(t, "what is told", strings.TrimSpace(string(text[:n])),
		"library.wat exports no _start to be called; --invoke calls a function, such as --invoke add")
	gowasmtime(t, dir, "library.wat").want(t, 0, "")
}

// At a terminal, what was wrong is red, unless nobody wants that.
func TestColoursOnATerminal(t *testing.T) {
	dir := testkit.TempDir(t)
	for variables, want := range map[string]string{
		"TERM=xterm":            "\x1b[1;31mError:\x1b[0m failed to open",
		"TERM=dumb":             "Error: failed to open",
		"TERM=xterm NO_COLOR=1": "Error: failed to open",
		"TERM=xterm NO_COLOR=":  "\x1b[1;31mError:\x1b[0m failed to open",
	} {
		master, side := openTerminal(t)
		testkit.Equal(t, "a terminal", isTerminal(side), true)
		cmd := prepare(t, dir, "absent.wasm")
		cmd.Env = append(cmd.Env, strings.Fields(variables)...)
		cmd.Stderr = side
		if err := cmd.Run(); err == nil {
			t.Error("no error")
		}
		text := make([]byte, 4096)
		n, err := master.Read(text)
		testkit.Check(t, err)
		if got := string(text[:n]); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, not %q", variables, got, want)
		}
	}
}
