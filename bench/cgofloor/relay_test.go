package cgofloor_test

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/gowasmtime/wasmtime/bench/internal/work"
)

// relay carries bytes both ways by two goroutines, without cgo.
func relay(b *testing.B, carry func(to, from *net.TCPConn) error) {
	work.Relayed(b, func(conn *net.TCPConn, dial func() (*net.TCPConn, error)) error {
		defer conn.Close()
		other, err := dial()
		if err != nil {
			return err
		}
		defer other.Close()
		var up, down error
		var wg sync.WaitGroup
		wg.Go(func() { up = carry(other, conn); other.CloseWrite() })
		wg.Go(func() { down = carry(conn, other); conn.CloseWrite() })
		wg.Wait()
		if up != nil {
			return up
		}
		return down
	})
}

// An op is 64 MiB through a buffer of 64 KiB of this process, as in the guest, and a byte back.
func BenchmarkRelay(b *testing.B) {
	relay(b, func(to, from *net.TCPConn) error {
		_, err := io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, 64<<10))
		return err
	})
}

// The same as a Go program does it that does not look at the bytes: on Linux, they never leave the kernel.
func BenchmarkRelaySplice(b *testing.B) {
	relay(b, func(to, from *net.TCPConn) error {
		_, err := io.Copy(to, from)
		return err
	})
}
