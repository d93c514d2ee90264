package wasmtime

import (
	"errors"
	"net/netip"
	"runtime"
	"sync"
	"testing"

	"github.com/gowasmtime/wasmtime/ffi"
)

// No component can be run from Go yet, so what the native library does is done here: it asks, from any thread.

// checked asks a store's check about addresses, from goroutines of which none has the store.
func checked(t *testing.T, s *state, check func(netip.AddrPort, SocketAddrUse) bool, ask func(env uint64)) {
	t.Helper()
	config := NewWasiConfig()
	config.SetSocketAddrCheck(check)
	env, forget := s.serveSystem(config.system)
	defer forget()
	ask(env)
}

func TestSocketAddrCheck(t *testing.T) {
	store := NewStore(NewEngine())
	defer store.Close()
	type asked struct {
		addr netip.AddrPort
		use  SocketAddrUse
	}
	v6 := netip.MustParseAddr("fe80::1")
	linkLocal := ffi.SocketAddr{IP: v6.As16(), IPv6: true, Port: 443, FlowInfo: 9, ScopeID: 3}
	var seen []asked
	checked(t, store.state, func(addr netip.AddrPort, use SocketAddrUse) bool {
		seen = append(seen, asked{addr, use})
		return use == SocketTCPConnect
	}, func(env uint64) {
		for use := range SocketTCPAccept + 2 {
			allowed, err := onSocketAddrCheck(env, &ffi.SocketAddr{IP: [16]byte{127, 0, 0, 1, 9}, Port: 80}, uint32(use))
			if allowed != (use == SocketTCPConnect) || !err.IsNil() {
				t.Errorf("%v: %v", use, allowed)
			}
		}
		onSocketAddrCheck(env, &linkLocal, uint32(SocketUDPReceive))
	})
	v4 := netip.MustParseAddrPort("127.0.0.1:80")
	wanted := []asked{{v4, SocketTCPBind}, {v4, SocketTCPListen}, {v4, SocketTCPAccept}, {v4, SocketTCPConnect},
		{netip.MustParseAddrPort("[fe80::1%3]:443"), SocketUDPReceive}}
	if len(seen) != len(wanted) {
		t.Fatalf("asked about %v", seen)
	}
	for i := range wanted {
		if seen[i] != wanted[i] {
			t.Errorf("asked about %v, not %v", seen[i], wanted[i])
		}
	}
	if got := SocketUDPReceive.String() + SocketAddrUse(7).String(); got != "UDP receiveSocketAddrUse(7)" {
		t.Error(got)
	}
}

// A check that does not return refuses. Its panic is the next one of the guest.
func TestSocketAddrCheckPanics(t *testing.T) {
	store := NewStore(NewEngine())
	defer store.Close()
	for name, check := range map[string]func(netip.AddrPort, SocketAddrUse) bool{
		"panic":  func(netip.AddrPort, SocketAddrUse) bool { panic("the check") },
		"Goexit": func(netip.AddrPort, SocketAddrUse) bool { runtime.Goexit(); return true },
	} {
		checked(t, store.state, check, func(env uint64) {
			allowed, err := onSocketAddrCheck(env, &ffi.SocketAddr{}, 0)
			if allowed || err.IsNil() {
				t.Errorf("%s: allowed %v", name, allowed)
			}
			if !err.IsNil() {
				err.Delete()
			}
			s := store.state
			outermost := s.mustEnter()
			defer s.Leave(outermost)
			served := false
			failed := systems.Get(env).serve(func() error { served = true; return nil })
			if served != (name == "Goexit") || failed.IsNil() != served || s.panicking == served {
				t.Errorf("%s: the next request was served: %v", name, served)
			}
			if !failed.IsNil() {
				if s.panicked != "the check" {
					t.Errorf("panicked with %v", s.panicked)
				}
				failed.Delete()
			}
			s.panicking, s.panicked = false, nil
		})
	}
}

// Checks run while the store is in use, and by many at once; they cannot use the store.
func TestSocketAddrCheckAtOnce(t *testing.T) {
	store := NewStore(NewEngine())
	defer store.Close()
	s := store.state
	outermost := s.mustEnter()
	defer s.Leave(outermost)
	s.lock.Identify()
	checked(t, s, func(netip.AddrPort, SocketAddrUse) bool {
		return errors.Is(store.SetFuel(1), ErrConcurrentUse)
	}, func(env uint64) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 100 {
					if allowed, err := onSocketAddrCheck(env, &ffi.SocketAddr{}, 0); !allowed || !err.IsNil() {
						t.Error("the check could use the store")
					}
				}
			})
		}
		wg.Wait()
	})
}
