package cgofloor_test

import (
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/gowasmtime/wasmtime/bench/internal/work"
)

// An op is 16 MiB to this program and back through a buffer of 64 KiB, as in the guest.
func BenchmarkWasi2Echo(b *testing.B) {
	work.Echoed(b, func(port uint16) (uint64, error) {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return 0, err
		}
		defer conn.Close()
		n, err := io.CopyBuffer(struct{ io.Writer }{conn}, struct{ io.Reader }{conn}, make([]byte, 64<<10))
		return uint64(n), err
	})
}
