package wasmtime_test

import (
	"net"
	"testing"

	. "github.com/gowasmtime/wasmtime"
)

const errnoNomem wasiErrno = 48

func TestSetMaxResources(t *testing.T) {
	g := newWasiGuest(t, nil)
	g.dirOf(0)
	for _, most := range []uint64{6, 5, 9} { // less than there are closes none
		g.store.SetMaxResources(most)
		last, errno := g.openAll(100)
		wantErrno(t, "opening one more", errno, errnoMfile)
		if last != 0 && last != uint32(most)-1 {
			t.Errorf("of %d descriptors the last is %d", most, last)
		}
	}
	// The limit belongs to the store, so it outlives a configuration.
	g.store.SetWasi(NewWasiConfig())
	g.dirOf(0)
	last, errno := g.openAll(100)
	wantErrno(t, "opening one more", errno, errnoMfile)
	equal(t, "the last descriptor", last, 8)
}

// What a guest may not take is not taken from the peer either: the connection waits for the next call.
func TestMaxResourcesOfAccept(t *testing.T) {
	g := newWasiGuest(t, nil)
	l := listen(t, "tcp")
	check(t, g.store.InsertListener(3, l))
	peer, err := net.Dial("tcp", l.Addr().String())
	check(t, err)
	defer peer.Close()
	g.store.SetMaxResources(4)
	_, errno := g.accept(3, 0)
	wantErrno(t, "sock_accept", errno, errnoMfile)
	g.store.SetMaxResources(5)
	fd, errno := g.accept(3, 0)
	wantErrno(t, "sock_accept", errno, errnoSuccess)
	equal(t, "its number", fd, 4)
}

// All listings of a store together take what one call may take, and give it back with their descriptors.
func TestHostcallFuelOfListings(t *testing.T) {
	const files = 1000
	const each = (24+len("file 0000"))*files + 24*2 + len("...")
	g := newWasiGuest(t, nil)
	g.dirOf(files)
	last, errno := g.openAll(20)
	wantErrno(t, "opening", errno, errnoSuccess)
	list := func(fd uint32) wasiErrno { return g.call("fd_readdir", fd, guestBuffer, 1000, int64(0), guestResult) }
	listed := func() (n int) {
		for fd := uint32(3); fd <= last; fd++ {
			switch errno := list(fd); errno {
			case errnoSuccess:
				n++
			case errnoNomem:
			default:
				t.Errorf("fd_readdir: errno %d", errno)
			}
		}
		return n
	}
	g.store.SetHostcallFuel(uint64(5 * each))
	equal(t, "the descriptors with a listing", listed(), 5)
	equal(t, "the same, listed anew", listed(), 5)
	wantErrno(t, "fd_close", g.close(3), errnoSuccess)
	wantErrno(t, "the place of the closed one", list(last), errnoSuccess)
	g.store.SetHostcallFuel(uint64(each - 1))
	wantErrno(t, "a listing beyond the limit", list(4), errnoNomem)
	g.store.SetHostcallFuel(128 << 20)
	wantErrno(t, "a listing with the limit as it was", list(4), errnoSuccess)
}
