package wasi_test

import (
	"net"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestSetMaxResources(t *testing.T) {
	g := NewWasiGuest(t, nil)
	dirOf(g, 0)
	for _, most := range []uint64{6, 5, 9} { // less than there are closes none
		g.Store.SetMaxResources(most)
		last, errno := openAll(g, 100)
		WantErrno(t, "opening one more", errno, ErrnoMfile)
		if last != 0 && last != uint32(most)-1 {
			t.Errorf("of %d descriptors the last is %d", most, last)
		}
	}
	// The limit belongs to the store, so it outlives a configuration.
	g.Store.SetWasi(NewWasiConfig())
	dirOf(g, 0)
	last, errno := openAll(g, 100)
	WantErrno(t, "opening one more", errno, ErrnoMfile)
	Equal(t, "the last descriptor", last, 8)
}

// What a guest may not take is not taken from the peer either: the connection waits for the next call.
func TestMaxResourcesOfAccept(t *testing.T) {
	g := NewWasiGuest(t, nil)
	l := Listen(t, "tcp")
	Check(t, g.Store.InsertListener(3, l))
	peer, err := net.Dial("tcp", l.Addr().String())
	Check(t, err)
	defer peer.Close()
	g.Store.SetMaxResources(4)
	_, errno := g.Accept(3, 0)
	WantErrno(t, "sock_accept", errno, ErrnoMfile)
	g.Store.SetMaxResources(5)
	fd, errno := g.Accept(3, 0)
	WantErrno(t, "sock_accept", errno, ErrnoSuccess)
	Equal(t, "its number", fd, 4)
}

// All listings of a store together take what one call may take, and give it back with their descriptors.
func TestHostcallFuelOfListings(t *testing.T) {
	const files = 1000
	const each = (24+len("file 0000"))*files + 24*2 + len("...")
	g := NewWasiGuest(t, nil)
	dirOf(g, files)
	last, errno := openAll(g, 20)
	WantErrno(t, "opening", errno, ErrnoSuccess)
	list := func(fd uint32) Errno { return g.Call("fd_readdir", fd, GuestBuffer, 1000, int64(0), GuestResult) }
	listed := func() (n int) {
		for fd := uint32(3); fd <= last; fd++ {
			switch errno := list(fd); errno {
			case ErrnoSuccess:
				n++
			case ErrnoNomem:
			default:
				t.Errorf("fd_readdir: errno %d", errno)
			}
		}
		return n
	}
	g.Store.SetHostcallFuel(uint64(5 * each))
	Equal(t, "the descriptors with a listing", listed(), 5)
	Equal(t, "the same, listed anew", listed(), 5)
	WantErrno(t, "fd_close", g.Close(3), ErrnoSuccess)
	WantErrno(t, "the place of the closed one", list(last), ErrnoSuccess)
	g.Store.SetHostcallFuel(uint64(each - 1))
	WantErrno(t, "a listing beyond the limit", list(4), ErrnoNomem)
	g.Store.SetHostcallFuel(128 << 20)
	WantErrno(t, "a listing with the limit as it was", list(4), ErrnoSuccess)
}
