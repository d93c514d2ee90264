package wasmtime

import (
	"encoding/binary"

	"github.com/gowasmtime/wasmtime/ffi"
)

func v128Slot(v V128) ffi.Slot {
	return ffi.Slot{binary.LittleEndian.Uint64(v[:8]), binary.LittleEndian.Uint64(v[8:])}
}

func slotV128(s *ffi.Slot) (v V128) {
	binary.LittleEndian.PutUint64(v[:8], s[0])
	binary.LittleEndian.PutUint64(v[8:], s[1])
	return v
}
