package ours_test

import (
	"fmt"
	"net"
	"os"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/bench/internal/work"
)

// An op is 64 MiB through a guest that relays between two connections, and a byte back.
func BenchmarkRelay(b *testing.B) {
	var dial func() (*net.TCPConn, error)
	store, inst := instantiate(b, work.Relay, wasmtime.NewWasiConfig(), func(l *wasmtime.Linker) error {
		return l.DefineHost("host", "dial", wasmtime.HostFunc0(func(c *wasmtime.Caller) (int32, error) {
			conn, err := dial()
			if err != nil {
				return 0, err
			}
			defer conn.Close()
			fd, err := c.PushConn(conn)
			return int32(fd), err
		}))
	})
	defer store.Close()
	cancel, host, err := os.Pipe()
	check(b, err)
	defer host.Close()
	cancelFd, err := store.PushFile(cancel, wasmtime.READ_ONLY)
	check(b, err)
	check(b, cancel.Close())
	relay, err := wasmtime.Bind3[uint32, uint32, int32, int32](store, inst.GetFunc(store, "relay"))
	check(b, err)
	work.Relayed(b, func(conn *net.TCPConn, other func() (*net.TCPConn, error)) error {
		dial = other
		fd, err := store.PushConn(conn)
		conn.Close()
		if err != nil {
			return err
		}
		result, err := relay.Call(fd, cancelFd, 60_000)
		if err == nil && result != 0 {
			err = fmt.Errorf("the guest returned %d", result)
		}
		return err
	})
}
