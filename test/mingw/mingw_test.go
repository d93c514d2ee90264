// Package mingw proves that Go programs with this module can be linked by MinGW's gcc without a warning, with nothing
// but the archive, and then need nothing but what Windows has. That they run is what ci/wine shows.
package mingw

import (
	"bytes"
	"debug/pe"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const gcc = "x86_64-w64-mingw32-gcc"

func needsGCC(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath(gcc); err != nil {
		t.Skipf("%s is not installed (Debian: gcc-mingw-w64-x86-64)", gcc)
	}
}

func build(t *testing.T, program string) string {
	t.Helper()
	needsGCC(t)
	if testing.Short() {
		t.Skip("links for a minute")
	}
	needsFreshArchive(t)
	path := filepath.Join(t.TempDir(), program+".exe")
	cmd := exec.Command("go", "build", "-ldflags=-extldflags=-Wl,--fatal-warnings", "-o", path,
		"github.com/gowasmtime/wasmtime/examples/"+program)
	cmd.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=1", "CC="+gcc)
	// A linker that warns has failed; one that warns and says nothing of it shows it here.
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// needsFreshArchive skips the test when the archive for Windows is older than the header, as it may be between
// releases.
func needsFreshArchive(t *testing.T) {
	t.Helper()
	cmd := exec.Command("go", "run", "./ci/missing", "build/windows-x86_64/libwasmtime.a", "include/wasmtime/ext.h")
	cmd.Dir = "../.."
	lacks, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if functions := strings.Fields(string(lacks)); len(functions) > 0 {
		t.Skipf("the archive is stale: it lacks %d functions, %s for one", len(functions), functions[0])
	}
}

// The DLLs of Windows itself, from version 10 on; msvcrt.dll is one of them.
var system = []string{
	"advapi32.dll", "bcrypt.dll", "bcryptprimitives.dll", "kernel32.dll", "msvcrt.dll", "ntdll.dll", "ole32.dll", "shell32.dll",
	"userenv.dll", "winmm.dll", "ws2_32.dll", "powrprof.dll",
}

func TestLinkedWithoutWarning(t *testing.T) {
	path := build(t, "insertfile")
	f, err := pe.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if reserve := f.OptionalHeader.(*pe.OptionalHeader64).SizeOfStackReserve; reserve != 36<<20 {
		t.Errorf("threads get %d bytes of stack, and not 36 MiB", reserve)
	}
	symbols, err := f.ImportedSymbols()
	if err != nil || len(symbols) == 0 {
		t.Fatalf("%d imports: %v", len(symbols), err)
	}
	for _, symbol := range symbols {
		name, dll, _ := strings.Cut(strings.ToLower(symbol), ":")
		if !slices.Contains(system, dll) && !strings.HasPrefix(dll, "api-ms-win-core-") {
			t.Errorf("%s is taken from %s, which is no part of Windows", name, dll)
		}
	}
}

// LLVM writes a wish to the linker into every object for MinGW that binutils before 2.40 do not know, and warn about.
// With one that no binutils know, this shows that the test above fails for it.
func TestWishToTheLinkerIsFatal(t *testing.T) {
	needsGCC(t)
	dir := t.TempDir()
	source := filepath.Join(dir, "main.c")
	text := `__asm__(".section .drectve,\"yn\"\n\t.ascii \" -no-such-option:hidden\"\n\t.text");
int main(void) { return 0; }
`
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(gcc, "-o", filepath.Join(dir, "main.exe"), source, "-Wl,--fatal-warnings").CombinedOutput()
	if err == nil || !strings.Contains(string(out), ".drectve") {
		t.Errorf("%v\n%s", err, out)
	}
}

// So the archive must have no wishes at all.
func TestNoWishesToTheLinker(t *testing.T) {
	archive, err := os.ReadFile(filepath.Join("..", "..", "build", "windows-x86_64", "libwasmtime.a"))
	if err != nil {
		t.Fatal(err)
	}
	objects := 0
	for name, data := range members(t, archive) {
		f, err := pe.NewFile(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		objects++
		if s := f.Section(".drectve"); s != nil && s.Size != 0 {
			t.Errorf("%s has %d bytes for the linker", name, s.Size)
		}
	}
	if objects == 0 {
		t.Error("the archive has no objects: nothing was checked")
	}
}

// The one wish of this module is the size of stacks. GNU ld reads that number beyond the end of the section, whatever
// comes there, unless something follows it that is no digit. Now and then that made it ten times as much, which Go
// does not run with.
func TestStackSizeIsEnded(t *testing.T) {
	needsGCC(t)
	object := filepath.Join(t.TempDir(), "stack.o")
	if out, err := exec.Command(gcc, "-c", "-o", object, filepath.Join("..", "..", "ffi", "stack_windows.c")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := pe.Open(object)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	section := f.Section(".drectve")
	if section == nil {
		t.Fatal("the linker is told nothing about stacks")
	}
	if wish, err := section.Data(); err != nil || string(bytes.TrimRight(wish, "\x00")) != " -stack 37748736 " {
		t.Errorf("%q, %v", wish, err)
	}
}

// members gives the objects of an archive: each has a header of 60 bytes, with the size in decimal at 48, and begins
// at an even place. The first ones, whose names begin with a slash and no digit, are indices.
func members(t *testing.T, archive []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for rest := archive[len("!<arch>\n"):]; len(rest) >= 60; {
			name := strings.TrimSpace(string(rest[:16]))
			size, err := strconv.Atoi(strings.TrimSpace(string(rest[48:58])))
			if err != nil || 60+size > len(rest) {
				t.Fatalf("%s: %v", name, err)
			}
			if name != "/" && name != "//" && !yield(name, rest[60:60+size]) {
				return
			}
			rest = rest[min(60+size+size%2, len(rest)):]
		}
	}
}
