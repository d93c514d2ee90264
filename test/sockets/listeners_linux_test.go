package sockets_test

import (
	"context"
	"net"
	"syscall"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// A connection for which the process has no descriptor left is not lost: the guest gets it when there is one.
func TestAcceptWithoutDescriptors(t *testing.T) {
	g := NewWasiGuest(t, nil)
	l := Listen(t, "tcp")
	Check(t, g.Store.InsertListener(3, wrappedListener{l}))
	WantErrno(t, "set NONBLOCK", g.SetFlags(3, FdflagNonblock), ErrnoSuccess)
	mine, err := net.Dial("tcp", l.Addr().String())
	Check(t, err)
	defer mine.Close()
	if kinds, _, _ := g.PollRead(3, uint64(10*time.Second)); len(kinds) != 1 || kinds[0] != 1 {
		t.Fatalf("poll: %v", kinds)
	}
	var limit syscall.Rlimit
	Check(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	none := limit
	none.Cur = 4 // and 3 is in use
	Check(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none))
	_, errno := g.Accept(3, 0)
	Check(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
	WantErrno(t, "accept without a descriptor", errno, 33)
	fd, errno := g.Accept(3, 0)
	Want(t, "accept", fd, errno, 4)
}

// What is no listener accepts nothing, and says so at once to a guest that could be stopped if it waited.
func TestAcceptFromNoListener(t *testing.T) {
	g := NewCancellableGuest(t)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	g.Ctx = ctx
	_, its := Connected(t, "tcp")
	Check(t, g.Store.InsertConn(3, its))
	_, errno := g.Accept(3, 0)
	WantErrno(t, "accept from a connection", errno, ErrnoInval)
}
