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

// Listen listens on a network, somewhere. The listener is closed with the test.
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

// Connected returns both ends of a connection. They are closed with the test.
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

// Flags of sock_recv and of sock_shutdown.
const (
	Peek      = 1
	WaitAll   = 2
	ShutRead  = 1
	ShutWrite = 2
)

// SelfSigned is NewCertificate for a test.
func SelfSigned(t testing.TB) tls.Certificate {
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
