//go:build linux

package matrix_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

// The descriptors of the program.
const (
	objectFd = 10
	nullFd   = 11
	quietFd  = 12
)

// bench is what all cells share: the program, compiled for both sides, and the two descriptors beside the object.
type bench struct {
	program     string // the native one
	engine      *Engine
	module      *Module
	linker      *Linker
	null, quiet *os.File
	operations  []operation
}

// operation is an operation of the program, see probe.c.
type operation struct{ name, class string }

func newBench(t *testing.T) *bench {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Fatal("the oracle is a native program, which needs gcc: ", err)
	}
	b := &bench{program: filepath.Join(t.TempDir(), "probe")}
	source := filepath.Join("..", "..", "testdata", "guests", "c", "probe.c")
	out, err := exec.Command(gcc, "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", source, "-o", b.program).CombinedOutput()
	if err != nil {
		t.Fatalf("compiling the oracle: %v\n%s", err, out)
	}
	list, err := exec.Command(b.program, "list").Output()
	check(t, err)
	for line := range strings.Lines(string(list)) {
		name, class, _ := strings.Cut(strings.TrimSpace(line), " ")
		b.operations = append(b.operations, operation{name, class})
	}

	b.engine = NewEngine()
	t.Cleanup(b.engine.Close)
	b.module, err = NewModule(b.engine, guests.C("probe"))
	check(t, err)
	t.Cleanup(b.module.Close)
	b.linker = NewLinker(b.engine)
	t.Cleanup(b.linker.Close)
	check(t, b.linker.DefineWasi())

	b.null, err = os.OpenFile(os.DevNull, os.O_RDWR, 0)
	check(t, err)
	var ends [2]int
	check(t, syscall.Pipe2(ends[:], syscall.O_CLOEXEC))
	b.quiet = os.NewFile(uintptr(ends[0]), "quiet")
	t.Cleanup(func() {
		b.null.Close()
		b.quiet.Close()
		syscall.Close(ends[1])
	})
	return b
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// workplace is what one worker has: a folder, and a file for the program's output.
type workplace struct {
	*bench
	dir string
	out *os.File
}

func (b *bench) newWorkplace(t *testing.T) *workplace {
	t.Helper()
	w := &workplace{bench: b, dir: t.TempDir()}
	w.newOutput()
	t.Cleanup(func() { w.out.Close() })
	return w
}

// newOutput makes a new file for the output.
func (w *workplace) newOutput() {
	out, err := os.CreateTemp(w.dir, "out")
	must(err)
	w.out = out
}

func (w *workplace) path(name string) string { return filepath.Join(w.dir, name) }

// output takes what the program has printed.
func (w *workplace) output() string {
	_, err := w.out.Seek(0, io.SeekStart)
	must(err)
	b, err := io.ReadAll(w.out)
	must(err)
	must(w.out.Truncate(0))
	_, err = w.out.Seek(0, io.SeekStart)
	must(err)
	return strings.TrimSuffix(string(b), "\n")
}

// result is what came of one run.
type result struct {
	// line is what the program printed.
	line string
	// waited is how often the other side had to do something before the program ended.
	waited int
	// after is what has become of the object.
	after string
}

func (r result) String() string {
	return fmt.Sprintf("%s | waited %d | %s", r.line, r.waited, r.after)
}

// native runs the native program.
func (w *workplace) native(o *object, args []string, patience time.Duration) result {
	cmd := exec.Command(w.program, args...)
	cmd.Stdout = w.out
	cmd.ExtraFiles = make([]*os.File, quietFd-2)
	cmd.ExtraFiles[objectFd-3] = o.file
	cmd.ExtraFiles[nullFd-3] = w.null
	cmd.ExtraFiles[quietFd-3] = w.quiet
	done := make(chan string, 1)
	starting.Lock()
	err := cmd.Start()
	starting.Unlock()
	must(err)
	go func() {
		if err := cmd.Wait(); err != nil {
			done <- fmt.Sprint(" the program failed: ", err)
		}
		close(done)
	}()
	r := w.await(o, done, patience)
	if r.waited == stuck {
		must(cmd.Process.Kill())
		<-done
	}
	return r
}

// guest runs the guest, which give gives the object.
func (w *workplace) guest(o *object, args []string, give func(*Store) error, patience time.Duration) result {
	store := NewStore(w.engine)
	config := NewWasiConfig()
	config.SetArgv(append([]string{"probe"}, args...))
	store.SetWasi(config)
	must(store.InsertFile(1, w.out, WRITE_ONLY))
	must(store.InsertFile(nullFd, w.null, READ_WRITE))
	must(store.InsertFile(quietFd, w.quiet, READ_ONLY))
	must(give(store))
	done := make(chan string, 1)
	go func() {
		instance, err := w.linker.Instantiate(store, w.module)
		if err == nil {
			_, err = instance.GetFunc(store, "_start").Call(store)
		}
		store.Close()
		if err != nil {
			done <- fmt.Sprint(" the program failed: ", err)
		}
		close(done)
	}()
	r := w.await(o, done, patience)
	if r.waited == stuck { // it may still print something
		w.out.Close()
		w.newOutput()
	}
	return r
}

// stuck is the result of a program that nothing could end.
const stuck = -1

// await waits for the end of a run. Whenever the program seems to wait, the other side does something.
func (w *workplace) await(o *object, done <-chan string, patience time.Duration) (r result) {
	for {
		if r.waited == len(o.acts) {
			patience += 10 * time.Second
		}
		select {
		case failure := <-done:
			r.line = w.output() + failure
			return r
		case <-time.After(patience):
		}
		if r.waited == len(o.acts) {
			r.waited = stuck
			return r
		}
		o.acts[r.waited]()
		r.waited++
	}
}

// workers runs f in several goroutines, each with a workplace, until all jobs are done.
func (b *bench) workers(t *testing.T, count int, jobs []func(w *workplace)) {
	t.Helper()
	queue := make(chan func(*workplace))
	var wg sync.WaitGroup
	for range count {
		w := b.newWorkplace(t)
		wg.Go(func() {
			for job := range queue {
				job(w)
			}
		})
	}
	for _, job := range jobs {
		queue <- job
	}
	close(queue)
	wg.Wait()
}
