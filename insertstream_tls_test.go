package wasmtime_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"syscall"
	"testing"
	"time"
)

const errNoSpace = syscall.ENOSPC

// selfSigned makes a certificate for a test.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	cert, err := newCertificate()
	check(t, err)
	return cert
}

// newCertificate makes a certificate that nobody has signed, for an hour.
func newCertificate() (tls.Certificate, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, err
}
