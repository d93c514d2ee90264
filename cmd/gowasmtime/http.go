package main

import (
	"errors"
	"math"
	"net/netip"
	"strings"

	"github.com/gowasmtime/wasmtime/component"
)

// setAllowedHost does --allow-host.
func setAllowedHost(s *settings, host string) error {
	if host == "" || strings.ContainsAny(host, "/ @") {
		return errors.New("it has to be a host, or HOST:PORT")
	}
	s.http.hosts = append(s.http.hosts, host)
	return nil
}

// setAllowedNetwork does --allow-network.
func setAllowedNetwork(s *settings, text string) error {
	prefix, err := netip.ParsePrefix(text)
	if address, failed := netip.ParseAddr(text); failed == nil {
		prefix, err = netip.PrefixFrom(address, address.BitLen()), nil
	}
	if err != nil {
		return errors.New("it has to be an address, or ADDRESS/BITS")
	}
	s.http.networks = append(s.http.networks, prefix)
	return nil
}

// defineHTTP defines wasi:http. A component that has the whole network has all hosts.
func (s *settings) defineHTTP(linker *component.Linker) error {
	h := s.http
	if s.network.inherit {
		h.hosts = []string{"*"}
		h.networks = []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}
	}
	options := []component.HTTPOption{component.HTTPAllowHosts(h.hosts...), component.HTTPAllowNetworks(h.networks...)}
	if h.fieldSize != nil {
		options = append(options, component.HTTPFieldSize(int(min(*h.fieldSize, math.MaxInt32))))
	}
	return component.DefineHTTP(linker, options...)
}
