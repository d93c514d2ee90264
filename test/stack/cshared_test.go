package stack

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A program in C, which has loaded Go, makes threads of any size.
func TestThreadsOfC(t *testing.T) {
	if testing.Short() {
		t.Skip("links for a minute")
	}
	out, err := exec.Command("go", "env", "GOOS", "GOARCH", "CC").Output()
	if err != nil {
		t.Skip("no Go: ", err)
	}
	env := strings.Fields(string(out))
	if runtime.GOOS == "windows" || len(env) < 3 || env[0] != runtime.GOOS || env[1] != runtime.GOARCH {
		t.Skip("the program would not run here")
	}
	cc := env[2:]
	if strings.Contains(strings.Join(cc, " "), "musl") {
		t.Skip("Go makes no such libraries for musl")
	}
	dir := t.TempDir()
	library, program := filepath.Join(dir, "library.so"), filepath.Join(dir, "program")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-o", library, "./testdata/cshared")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	args := append(cc[1:], "-I", dir, "testdata/threads.c", "-o", program, library, "-pthread", "-Wl,-rpath,"+dir)
	if out, err := exec.Command(cc[0], args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(program)
	if os.Getenv("QEMU_LD_PREFIX") != "" {
		cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+dir)
	}
	out, err = cmd.CombinedOutput()
	if err != nil {
		t.Errorf("the program ended with %v:\n%.1500s", err, out)
	}
	want := ""
	for _, line := range []string{
		"main: entered", "256 KiB: refused", "512 KiB: refused", "1 MiB: entered", "8 MiB: entered", "512 KiB, less: entered",
		"8 MiB, more: refused",
	} {
		want += line + "\n" + line + "\n"
	}
	equal(t, "the program", string(out), want+"end\n")
}
