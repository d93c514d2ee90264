// Package cross runs the commands of README.md that build a user's program for other platforms, on an example, and
// then the programs.
package cross

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const output = "Hello from a file that the host opened!"

// How programs run that this machine does not run by itself, by the C compiler's target or name.
var emulators = map[string][]string{
	"x86_64-linux-gnu.2.17":  {},
	"x86_64-linux-musl":      {},
	"aarch64-linux-gnu.2.17": {"qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu"},
	"aarch64-linux-musl":     {"qemu-aarch64-static"},
	"x86_64-windows-gnu":     {"wine"},
	"x86_64-w64-mingw32-gcc": {"wine"},
	"aarch64-windows-gnu":    nil,
	"aarch64-macos.12.0":     nil,
	"x86_64-macos.12.0":      nil,
}

// Which archive a target is for.
var archives = map[string]string{
	"x86_64-linux-gnu.2.17":  "linux-x86_64",
	"x86_64-linux-musl":      "linux-x86_64-musl",
	"aarch64-linux-gnu.2.17": "linux-aarch64",
	"aarch64-linux-musl":     "linux-aarch64-musl",
	"x86_64-windows-gnu":     "windows-x86_64",
	"x86_64-w64-mingw32-gcc": "windows-x86_64",
	"aarch64-windows-gnu":    "windows-aarch64",
	"aarch64-macos.12.0":     "macos-aarch64",
	"x86_64-macos.12.0":      "macos-x86_64",
}

var command = regexp.MustCompile(`(?m)^    (CC=(?:"zig cc -target ([^ "]+)[^"]*"|(\S+)) .*go build.*)$`)

func TestCommandsOfReadme(t *testing.T) {
	if testing.Short() {
		t.Skip("links for minutes")
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	path := pathWithZig(t)
	tried := map[string]bool{}
	for _, match := range command.FindAllStringSubmatch(string(readme), -1) {
		line, target := match[1], match[2]+match[3]
		archive, ok := archives[target]
		if !ok {
			t.Errorf("README.md builds for %s, of which this test knows nothing", target)
			continue
		}
		tried[archive] = true
		t.Run(target, func(t *testing.T) {
			if _, err := os.Stat(filepath.Join(root, "build", archive, "libwasmtime.a")); err != nil {
				t.Skipf("build/%s has no archive", archive)
			}
			if match[3] != "" {
				if _, err := exec.LookPath(match[3]); err != nil {
					t.Skipf("%s is not installed", match[3])
				}
			}
			program := filepath.Join(t.TempDir(), "program.exe")
			// The command as it is, but for where the program goes.
			shell := exec.Command("bash", "-c", line+` -o "$PROGRAM"`)
			shell.Dir = filepath.Join(root, "examples", "insertfile")
			shell.Env = append(os.Environ(), "PATH="+path, "PROGRAM="+program)
			if strings.HasPrefix(archive, "macos-") {
				stubs := t.TempDir()
				if out, err := exec.Command("bash", filepath.Join(root, "ci", "macos-stubs"), stubs).CombinedOutput(); err != nil {
					t.Fatalf("ci/macos-stubs: %v\n%s", err, out)
				}
				shell.Env = append(shell.Env, fmt.Sprintf("CGO_LDFLAGS=-L%s -F%[1]s", stubs))
			}
			if out, err := shell.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", line, err, out)
			}
			run(t, root, program, emulators[target])
		})
	}
	for _, archive := range archives {
		if !tried[archive] {
			t.Errorf("README.md does not say how to build for %s", archive)
		}
	}
}

// pathWithZig is a PATH on which zig is, also if it is PyPI's package ziglang.
func pathWithZig(t *testing.T) string {
	t.Helper()
	path := os.Getenv("PATH")
	if _, err := exec.LookPath("zig"); err == nil {
		return path
	}
	if out, err := exec.Command("python3", "-m", "ziglang", "version").CombinedOutput(); err != nil {
		t.Skipf("zig is not installed (pip install ziglang): %v %s", err, out)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "zig"), []byte("#!/bin/sh\nexec python3 -m ziglang \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir + string(filepath.ListSeparator) + path
}

func run(t *testing.T, root, program string, emulator []string) {
	t.Helper()
	if emulator == nil {
		t.Log("linked; nothing here runs it")
		return
	}
	cmd := exec.Command(program)
	if len(emulator) > 0 {
		if _, err := exec.LookPath(emulator[0]); err != nil {
			t.Skipf("linked, not run: %s is not installed", emulator[0])
		}
		cmd = exec.Command(emulator[0], append(emulator[1:], program)...)
	}
	if len(emulator) > 0 && emulator[0] == "wine" {
		// It needs setting up, and programs to be watched.
		cmd = exec.Command("bash", "-c", `. ci/platform windows-x86_64 && exec "$emulator" "$0"`, program)
		cmd.Dir = root
	}
	cmd.Env = append(os.Environ(), "QEMU_RESERVED_VA=256G", "QEMU_STACK_SIZE=64M")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), output) {
		t.Errorf("%v: %v\n%s", cmd.Args, err, out)
	}
}
