package files_test

import (
	"io"
	"os"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestInsertFileLeaksNoDescriptor(t *testing.T) {
	rounds := 10_000
	if Debug {
		rounds = 50
	}
	file := TempFile(t, "content")
	r, w := Pipe(t)
	closed := TempFile(t, "")
	closed.Close()
	ways := map[string]func(g *WasiGuest){
		"insert, guest closes": func(g *WasiGuest) {
			Insert(t, g.Store, 5, file, READ_ONLY)
			WantErrno(t, "close", g.Close(5), ErrnoSuccess)
		},
		"insert, host removes": func(g *WasiGuest) {
			Insert(t, g.Store, 5, r, READ_ONLY)
			if err := g.Store.RemoveFile(5); err != nil {
				t.Error(err)
			}
		},
		"push, guest closes": func(g *WasiGuest) {
			if fd, err := g.Store.PushFile(w, WRITE_ONLY); err != nil || g.Close(fd) != ErrnoSuccess {
				t.Error(fd, err)
			}
		},
		"replace":          func(g *WasiGuest) { Insert(t, g.Store, 6, file, READ_WRITE) },
		"replace a stream": func(g *WasiGuest) { Insert(t, g.Store, 1, w, WRITE_ONLY) },
		"renumber": func(g *WasiGuest) {
			Insert(t, g.Store, 7, file, READ_ONLY)
			Insert(t, g.Store, 8, r, READ_ONLY)
			WantErrno(t, "renumber", g.Call("fd_renumber", 7, 8), ErrnoSuccess)
			g.Close(8)
		},
		"errors": func(g *WasiGuest) {
			for _, err := range []error{
				g.Store.InsertFile(1<<20, file, READ_ONLY),
				g.Store.InsertFile(3, file, 7),
				g.Store.InsertFile(3, closed, READ_ONLY),
				g.Store.InsertFile(3, nil, READ_ONLY),
				g.Store.RemoveFile(3),
			} {
				if err == nil {
					t.Error("no error")
				}
			}
		},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			g := NewWasiGuest(t, nil)
			way(g) // what stays open after the first round is replaced in the next ones
			before := OpenFds(t)
			for range rounds {
				way(g)
				if t.Failed() {
					return
				}
			}
			if after := OpenFds(t); after > before {
				t.Errorf("%d descriptors before %d rounds, %d after", before, rounds, after)
			}
		})
	}
}

// Stores that were given files close them, whether they are closed or forgotten.
func TestStoresLeakNoDescriptor(t *testing.T) {
	rounds := 300
	if Debug {
		rounds = 30
	}
	file := TempFile(t, "content")
	engine := NewEngine()
	defer engine.Close()
	round := func(forget bool) {
		store := NewStore(engine)
		store.SetWasi(NewWasiConfig())
		for range 10 {
			if _, err := store.PushFile(file, READ_ONLY); err != nil {
				t.Fatal(err)
			}
		}
		if !forget {
			store.Close()
		}
	}
	round(false)
	before := OpenFds(t)
	for range rounds {
		round(false)
	}
	if after := OpenFds(t); after > before {
		t.Errorf("%d descriptors before, %d after %d closed stores", before, after, rounds)
	}

	for range rounds / 10 {
		round(true)
	}
	Collected(t, "a forgotten store", func() bool { return OpenFds(t) <= before })
}

// waitingChild is set in the environment of a child process that lives as long as its standard input.
const waitingChild = "WASMTIME_TEST_WAITS"

// No duplicate is inherited by a child process: a pipe ends although one runs that was started meanwhile.
func TestDuplicatesAreCloseOnExec(t *testing.T) {
	if os.Getenv(waitingChild) != "" {
		io.Copy(io.Discard, os.Stdin)
		return
	}
	g := NewWasiGuest(t, nil)
	r, w := Pipe(t)
	Insert(t, g.Store, 3, w, WRITE_ONLY)
	w.Close()
	child := Again(t, "-test.run=^TestDuplicatesAreCloseOnExec$")
	child.Env = append(os.Environ(), waitingChild+"=1")
	stdin, err := child.StdinPipe()
	Check(t, err)
	Check(t, child.Start())
	defer func() {
		stdin.Close()
		child.Wait()
	}()
	g.Close(3)
	if b, err := io.ReadAll(r); err != nil || len(b) != 0 {
		t.Errorf("read %q, %v", b, err)
	}
}
