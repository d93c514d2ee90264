package files_test

import (
	"errors"
	"os"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// A host function gives the guest that called it a file, and takes it away again.
func TestCallerInsertsWhileGuestRuns(t *testing.T) {
	f := TempFile(t, "from the host")
	for name, give := range map[string]func(c *Caller) (uint32, error){
		"insert": func(c *Caller) (uint32, error) { return 100, c.InsertFile(100, f, READ_ONLY) },
		"push":   func(c *Caller) (uint32, error) { return c.PushFile(f, READ_ONLY) },
		"standard input": func(c *Caller) (uint32, error) {
			return 0, c.InsertFile(0, f, READ_ONLY)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f.Seek(0, 0)
			store, instance := CallerGuest(t,
				func(c *Caller) int32 {
					fd, err := give(c)
					if err != nil {
						t.Error(err)
					}
					return int32(fd)
				},
				func(c *Caller, fd int32) {
					if s, _ := c.GetMemory("memory").View(c).String(64, 13); s != "from the host" {
						t.Errorf("the guest read %q", s)
					}
					if err := c.RemoveFile(uint32(fd)); err != nil {
						t.Error(err)
					}
				})
			errno, err := instance.GetFunc(store, "run").Call(store)
			if err != nil || errno != int32(ErrnoBadf) {
				t.Errorf("%v, %v, want errno %d after the removal", errno, err, ErrnoBadf)
			}
		})
	}
}

// The outer store may be used in place of the caller, on the same goroutine.
func TestStoreInsertsWhileGuestRuns(t *testing.T) {
	f := TempFile(t, "x")
	var store *Store
	store, instance := CallerGuest(t,
		func(*Caller) int32 {
			fd, err := store.PushFile(f, READ_ONLY)
			if err != nil {
				t.Error(err)
			}
			return int32(fd)
		},
		func(_ *Caller, fd int32) {
			if err := store.RemoveFile(uint32(fd)); err != nil {
				t.Error(err)
			}
		})
	errno, err := instance.GetFunc(store, "run").Call(store)
	if err != nil || errno != int32(ErrnoBadf) {
		t.Error(errno, err)
	}
}

func TestCallerInsertErrors(t *testing.T) {
	f := TempFile(t, "x")
	closed := TempFile(t, "")
	closed.Close()
	var kept *Caller
	store, instance := CallerGuest(t,
		func(c *Caller) int32 {
			kept = c
			WantTyped(t, c.InsertFile(3, nil, READ_ONLY), ErrBadFile, "nil")
			WantTyped(t, c.InsertFile(3, closed, READ_ONLY), ErrBadFile, "closed")
			WantTyped(t, c.InsertFile(3, f, 0), ErrBadAccessMode, "0")
			WantTyped(t, c.InsertFile(1<<20, f, READ_ONLY), ErrBadFd, "1048576")
			_, err := c.PushFile(nil, READ_ONLY)
			WantTyped(t, err, ErrBadFile, "nil")
			WantTyped(t, c.RemoveFile(3), ErrBadFd, "3")
			fd, err := c.PushFile(f, READ_ONLY)
			if err != nil || fd != 3 {
				t.Error(fd, err)
			}
			return 3
		},
		func(*Caller, int32) {})
	if _, err := instance.GetFunc(store, "run").Call(store); err != nil {
		t.Error(err)
	}
	WantTyped(t, kept.InsertFile(4, f, READ_ONLY), ErrClosed, "after host function returns")
}

// A store without WASI says so to its callers as well.
func TestCallerInsertWithoutWasi(t *testing.T) {
	engine := NewEngine()
	defer engine.Close()
	store := NewStore(engine)
	defer store.Close()
	f := TempFile(t, "x")
	var err error
	if _, callErr := WrapFunc(store, func(c *Caller) { err = c.InsertFile(3, f, READ_ONLY) }).Call(store); callErr != nil {
		t.Error(callErr)
	}
	WantTyped(t, err, ErrNoWasi, "WASI")
}

// An error of an insertion ends the guest when a host function returns it, and keeps its meaning.
func TestCallerInsertErrorReachesCaller(t *testing.T) {
	engine := NewEngine()
	defer engine.Close()
	store := NewStore(engine)
	defer store.Close()
	store.SetWasi(NewWasiConfig())
	var none *os.File
	give := NewHostFunc(store, HostFunc0(func(c *Caller) (uint32, error) { return c.PushFile(none, READ_ONLY) }))
	if _, err := give.Call(store); !errors.Is(err, ErrBadFile) {
		t.Errorf("%T %v", err, err)
	}
}
