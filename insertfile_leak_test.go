package wasmtime_test

import (
	"io"
	"os"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/ffi"
)

// debugBuild tells whether the build tag debug is set, with which each crossing collects garbage.
func debugBuild() bool { return ffi.Live() != nil }

func TestInsertFileLeaksNoDescriptor(t *testing.T) {
	rounds := 10_000
	if debugBuild() {
		rounds = 50
	}
	file := tempFile(t, "content")
	r, w := pipe(t)
	closed := tempFile(t, "")
	closed.Close()
	ways := map[string]func(g *wasiGuest){
		"insert, guest closes": func(g *wasiGuest) {
			insert(t, g.store, 5, file, READ_ONLY)
			wantErrno(t, "close", g.close(5), errnoSuccess)
		},
		"insert, host removes": func(g *wasiGuest) {
			insert(t, g.store, 5, r, READ_ONLY)
			if err := g.store.RemoveFile(5); err != nil {
				t.Error(err)
			}
		},
		"push, guest closes": func(g *wasiGuest) {
			if fd, err := g.store.PushFile(w, WRITE_ONLY); err != nil || g.close(fd) != errnoSuccess {
				t.Error(fd, err)
			}
		},
		"replace":          func(g *wasiGuest) { insert(t, g.store, 6, file, READ_WRITE) },
		"replace a stream": func(g *wasiGuest) { insert(t, g.store, 1, w, WRITE_ONLY) },
		"renumber": func(g *wasiGuest) {
			insert(t, g.store, 7, file, READ_ONLY)
			insert(t, g.store, 8, r, READ_ONLY)
			wantErrno(t, "renumber", g.call("fd_renumber", 7, 8), errnoSuccess)
			g.close(8)
		},
		"errors": func(g *wasiGuest) {
			for _, err := range []error{
				g.store.InsertFile(1<<20, file, READ_ONLY),
				g.store.InsertFile(3, file, 7),
				g.store.InsertFile(3, closed, READ_ONLY),
				g.store.InsertFile(3, nil, READ_ONLY),
				g.store.RemoveFile(3),
			} {
				if err == nil {
					t.Error("no error")
				}
			}
		},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			g := newWasiGuest(t, nil)
			way(g) // what stays open after the first round is replaced in the next ones
			before := openFds(t)
			for range rounds {
				way(g)
				if t.Failed() {
					return
				}
			}
			if after := openFds(t); after > before {
				t.Errorf("%d descriptors before %d rounds, %d after", before, rounds, after)
			}
		})
	}
}

// Stores that were given files close them, whether they are closed or forgotten.
func TestStoresLeakNoDescriptor(t *testing.T) {
	rounds := 300
	if debugBuild() {
		rounds = 30
	}
	file := tempFile(t, "content")
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
	before := openFds(t)
	for range rounds {
		round(false)
	}
	if after := openFds(t); after > before {
		t.Errorf("%d descriptors before, %d after %d closed stores", before, after, rounds)
	}

	for range rounds / 10 {
		round(true)
	}
	collected(t, "a forgotten store", func() bool { return openFds(t) <= before })
}

// waitingChild is set in the environment of a child process that lives as long as its standard input.
const waitingChild = "WASMTIME_TEST_WAITS"

// No duplicate is inherited by a child process: a pipe ends although one runs that was started meanwhile.
func TestDuplicatesAreCloseOnExec(t *testing.T) {
	if os.Getenv(waitingChild) != "" {
		io.Copy(io.Discard, os.Stdin)
		return
	}
	g := newWasiGuest(t, nil)
	r, w := pipe(t)
	insert(t, g.store, 3, w, WRITE_ONLY)
	w.Close()
	child := again(t, "-test.run=^TestDuplicatesAreCloseOnExec$")
	child.Env = append(os.Environ(), waitingChild+"=1")
	stdin, err := child.StdinPipe()
	check(t, err)
	check(t, child.Start())
	defer func() {
		stdin.Close()
		child.Wait()
	}()
	g.close(3)
	if b, err := io.ReadAll(r); err != nil || len(b) != 0 {
		t.Errorf("read %q, %v", b, err)
	}
}
