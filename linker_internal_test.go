package wasmtime

import (
	"testing"
	"time"
)

// What somebody reads of a linker stays as it is: a definition is made in a copy. Nobody pays for one otherwise.
func TestLinkerIsCopiedForReaders(t *testing.T) {
	engine := NewEngine()
	defer engine.Close()
	linker := NewLinker(engine)
	defer linker.Close()
	define := func(name string) {
		t.Helper()
		if err := linker.FuncWrap("m", name, func() {}); err != nil {
			t.Fatal(err)
		}
	}
	before := linker.current
	define("alone")
	if linker.current != before {
		t.Error("a linker that nobody reads was copied")
	}
	_, reading, err := linker.read()
	if err != nil {
		t.Fatal(err)
	}
	define("while it is read")
	if linker.current == before {
		t.Error("a definition was made in what somebody reads")
	}
	reading.Release()
}

// Two definitions are made one after the other.
func TestLinkerIsDefinedInByOne(t *testing.T) {
	engine := NewEngine()
	defer engine.Close()
	linker := NewLinker(engine)
	defined := make(chan error, 1)
	linker.defining.Lock()
	go func() { defined <- linker.FuncWrap("m", "f", func() {}) }()
	select {
	case <-defined:
		t.Fatal("a definition did not wait for the one before")
	case <-time.After(100 * time.Millisecond):
	}
	linker.defining.Unlock()
	if err := <-defined; err != nil {
		t.Error(err)
	}
	linker.Close() // which would wait for the lock if the test had failed
}
