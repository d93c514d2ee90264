package ffi_test

import (
	"testing"

	"github.com/gowasmtime/wasmtime/ffi"
)

// What the package above never asks for is an error as well.
func TestStreamMisuse(t *testing.T) {
	store := newStore(t)
	wantError := func(what string, err ffi.Error) {
		t.Helper()
		if err.IsNil() {
			t.Fatalf("%s: no error", what)
		}
		if record := err.Take(); record.Code != ffi.ErrorBadArgument {
			t.Errorf("%s: %q, code %d", what, record.Message(), record.Code)
		}
	}
	_, err := store.InsertStream(3, false, 3, ffi.StreamListener+1, 0)
	wantError("an unknown kind", err)
	wantError("no request to accept", (&ffi.StreamRequest{What: ffi.StreamRead}).AcceptFile(0))
}
