package testkit

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Again is this program, to be run once more. Where an emulator runs it of which the kernel does not know, that cannot
// be done, and the test is skipped.
func Again(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	if errors.Is(startsAgain(), syscall.ENOEXEC) {
		t.Skip("an emulator runs this, of which the kernel does not know")
	}
	return exec.Command(os.Args[0], args...)
}

// startsAgain is the error of running this program once more.
var startsAgain = sync.OnceValue(func() error { return exec.Command(os.Args[0], "-test.run=^$").Run() })

// Survives runs the rest of a test in a child process, because what it does may end the process instead of failing. It
// returns true in the child.
func Survives(t testing.TB) bool {
	t.Helper()
	const name = "WASMTIME_TEST_CHILD"
	if os.Getenv(name) == t.Name() {
		return true
	}
	pattern := "^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"
	child := Again(t, "-test.run="+pattern, "-test.count=1", "-test.v", fmt.Sprint("-test.short=", testing.Short()))
	child.Env = append(os.Environ(), name+"="+t.Name())
	if out, err := child.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%.700s", err, out)
	}
	return false
}
