package wasmtime_test

import (
	"context"
	"net"
	"syscall"
	"testing"
	"time"
)

// A connection for which the process has no descriptor left is not lost: the guest gets it when there is one.
func TestAcceptWithoutDescriptors(t *testing.T) {
	g := newWasiGuest(t, nil)
	l := listen(t, "tcp")
	check(t, g.store.InsertListener(3, wrappedListener{l}))
	wantErrno(t, "set NONBLOCK", g.setFlags(3, fdflagNonblock), errnoSuccess)
	mine, err := net.Dial("tcp", l.Addr().String())
	check(t, err)
	defer mine.Close()
	if kinds, _, _ := g.pollRead(3, uint64(10*time.Second)); len(kinds) != 1 || kinds[0] != 1 {
		t.Fatalf("poll: %v", kinds)
	}
	var limit syscall.Rlimit
	check(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	none := limit
	none.Cur = 4 // and 3 is in use
	check(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none))
	_, errno := g.accept(3, 0)
	check(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
	wantErrno(t, "accept without a descriptor", errno, 33)
	fd, errno := g.accept(3, 0)
	want(t, "accept", fd, errno, 4)
}

// What is no listener accepts nothing, and says so at once to a guest that could be stopped if it waited.
func TestAcceptFromNoListener(t *testing.T) {
	g := newCancellableGuest(t)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	g.ctx = ctx
	_, its := connected(t, "tcp")
	check(t, g.store.InsertConn(3, its))
	_, errno := g.accept(3, 0)
	wantErrno(t, "accept from a connection", errno, errnoInval)
}
