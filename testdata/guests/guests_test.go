package guests_test

import (
	"bytes"
	"testing"

	"github.com/gowasmtime/wasmtime/testdata/guests"
)

func TestEveryGuestIsAModule(t *testing.T) {
	magic := []byte("\x00asm\x01\x00\x00\x00")
	for _, name := range []string{"add", "fileio", "hello", "hostloop", "json", "nbody", "plugin", "probe", "readfd", "relay", "sha256", "small", "sort", "wasiloop"} {
		if !bytes.HasPrefix(guests.C(name), magic) {
			t.Errorf("%s.wasm is not a core module", name)
		}
	}
	for _, name := range []string{"plugin", "relay"} {
		if !bytes.HasPrefix(guests.Rust(name), magic) {
			t.Errorf("rust/%s.wasm is not a core module", name)
		}
	}
	for _, name := range []string{"probe", "tries"} {
		if !bytes.HasPrefix(guests.Component(name), []byte("\x00asm\x0d\x00\x01\x00")) {
			t.Errorf("components/%s.wasm is not a component", name)
		}
	}
	for _, name := range []string{"catfd", "echo", "kernel", "plugin", "relay", "steps"} {
		wasm, err := guests.Go(name)
		if err != nil {
			t.Error(err)
		} else if !bytes.HasPrefix(wasm, magic) {
			t.Errorf("the Go guest %s is not a core module", name)
		}
	}
}

func TestUnknownGuest(t *testing.T) {
	if _, err := guests.Go("nosuch"); err == nil {
		t.Error("an unknown Go guest was built")
	}
	defer func() {
		if recover() == nil {
			t.Error("an unknown C guest was found")
		}
	}()
	guests.C("nosuch")
}
