package component

import (
	"net/netip"
	"testing"
)

// Only what a host in the Internet can have is public, however it is written.
func TestSpecialAddresses(t *testing.T) {
	c := newHTTPClient()
	for text, want := range map[string]bool{
		"8.8.8.8": true, "2606:4700:4700::1111": true, "172.15.0.1": true, "192.169.0.1": true,
		"127.0.0.1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false,
		"0.0.0.0": false, "100.64.0.1": false, "192.0.2.1": false, "198.18.0.1": false, "224.0.0.1": false,
		"255.255.255.255": false, "::1": false, "::": false, "fe80::1%eth0": false, "fc00::1": false, "fd12::1": false,
		"ff02::1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::127.0.0.1": false, "64:ff9b::7f00:1": false,
		"::ffff:0:127.0.0.1": false, "64:ff9b:1::1": false,
		"2002:7f00:1::": false, "2001:db8::1": false, "::ffff:8.8.8.8": true,
	} {
		address := netip.AddrPortFrom(netip.MustParseAddr(text), 80).String()
		if err := c.checkAddress(address); (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
	c.networks = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for text, want := range map[string]bool{"10.1.2.3:1": true, "[::1]:1": true, "[::ffff:10.0.0.1]:1": true, "127.0.0.1:1": false, "x": false} {
		if err := c.checkAddress(text); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}
