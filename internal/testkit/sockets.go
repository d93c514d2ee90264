package testkit

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Networks are the kinds of stream sockets that tests use. Windows has the second since 2018, Wine not yet.
var Networks = func() []string {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return []string{"tcp"}
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		return []string{"tcp"}
	}
	l.Close()
	return []string{"tcp", "unix"}
}()

func Listen(t testing.TB, network string) net.Listener {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(TempDir(t), "s")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// Connected returns both ends of a connection.
func Connected(t testing.TB, network string) (here, there net.Conn) {
	t.Helper()
	l := Listen(t, network)
	here, err := net.Dial(network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	there, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { here.Close(); there.Close() })
	return here, there
}

const (
	Peek      = 1
	WaitAll   = 2
	ShutRead  = 1
	ShutWrite = 2
)

// PollWrite polls a descriptor for writing, and a clock that is over at once. It returns the events' types.
func (g *WasiGuest) PollWrite(fd byte) (kinds []byte) {
	const subscriptions, events = GuestBuffer, GuestBuffer + 4096
	sub := make([]byte, 96)
	sub[8], sub[16] = 2, fd // fd_write
	sub[48+16], sub[48+24] = 1, 1
	g.Mem.Write(subscriptions, sub)
	WantErrno(g.TB, "poll_oneoff", g.Call("poll_oneoff", subscriptions, events, 2, GuestResult), ErrnoSuccess)
	happened := make([]byte, 32*g.Result32())
	g.Mem.Read(events, happened)
	for ; len(happened) > 0; happened = happened[32:] {
		kinds = append(kinds, happened[10])
	}
	return kinds
}

// SelfSigned makes a certificate for a test.
func SelfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	cert, err := NewCertificate()
	Check(t, err)
	return cert
}

// NewCertificate makes a certificate that nobody has signed, for an hour.
func NewCertificate() (tls.Certificate, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, err
}
