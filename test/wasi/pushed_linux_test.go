package wasi_test

import (
	"strings"
	"syscall"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// Where only the native library finds that something cannot be handed to a guest, here because the process can have no
// more descriptors, the store has nothing, and what it was to own is closed, once.
func TestWasiConfigPushFailsAtLast(t *testing.T) {
	before, _, closedBefore := newCountedConn(t)
	after, _, closedAfter := newCountedConn(t)
	config := NewWasiConfig()
	defer config.Close()
	wantPushed(t, 3)(config.PushConn(before))
	wantPushed(t, 4)(config.PushFile(TempFile(t, ""), READ_ONLY))
	wantPushed(t, 5)(config.PushConn(after))
	config.SetArgv([]string{"argument"})
	g := NewWasiGuest(t, nil)
	wantPushed(t, 3)(g.Store.PushReader(strings.NewReader("what it had")))
	var limit syscall.Rlimit
	Check(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	Check(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 0, Max: limit.Max}))
	err := g.Store.ConfigureWasi(config)
	Check(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
	WantText(t, err, "descriptor 4: ")
	Equal(t, "the connection before it is closed", closedBefore.Load(), 1)
	Equal(t, "the connection after it is closed", closedAfter.Load(), 1)
	for fd := uint32(3); fd <= 5; fd++ {
		Equal(t, "a descriptor is open", g.IsOpen(fd), false)
	}
	Equal(t, "arguments", len(g.Strings("args")), 0)
	WantTyped(t, g.Store.ConfigureWasi(config), ErrClosed, "another store")
	fd, err := g.Store.PushReader(strings.NewReader("it can be used"))
	wantPushed(t, 3)(fd, err)
}
