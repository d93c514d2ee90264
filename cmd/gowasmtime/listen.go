package main

import (
	"net"
	"net/netip"
	"strings"
)

// listener is an address where the guest listens with a descriptor.
type listener struct {
	fd      uint32
	address string
}

// setListener does --listen FD=ADDRESS.
func setListener(s *settings, text string) error {
	fd, address, err := cutDescriptor(text)
	if err == nil {
		s.listeners = append(s.listeners, listener{fd, address})
	}
	return err
}

// open listens on HOST:PORT, also written tcp:HOST:PORT, or on unix:PATH.
func (l listener) open() (net.Listener, error) {
	if path, ok := strings.CutPrefix(l.address, "unix:"); ok {
		return net.Listen("unix", path)
	}
	address := strings.TrimPrefix(l.address, "tcp:")
	if given, err := netip.ParseAddrPort(address); err == nil && given.Addr().Is4() {
		return net.Listen("tcp4", address) // with tcp, 0.0.0.0 is all addresses of IPv6 as well
	}
	return net.Listen("tcp", address)
}

// insertListeners listens at the addresses and gives the listeners to the guest. release stops listening.
func (g *guest) insertListeners() (release func(), err error) {
	var opened []net.Listener
	release = func() {
		for _, l := range opened {
			l.Close()
		}
	}
	for _, l := range g.settings.listeners {
		listening, err := l.open()
		if err == nil {
			opened = append(opened, listening)
			err = g.store.InsertListener(l.fd, listening)
		}
		if err != nil {
			return release, failed(err, "failed to listen on '%s' as descriptor %d", l.address, l.fd)
		}
	}
	return release, nil
}
