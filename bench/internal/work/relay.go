package work

import (
	"errors"
	"io"
	"net"
	"testing"
)

// RelaySize is how much goes through a relay in an op.
const RelaySize = 64 << 20

// relayChunk is how much the client writes, and the server reads, at once.
const relayChunk = 64 << 10

// Relayed measures a relay between a client and a server, all in this process, over TCP on the loopback. An op is
// RelaySize bytes from the client, and the server's answer of one byte. The relay is given the accepted connection and
// dials the other side; it returns when both sides have ended.
func Relayed(b *testing.B, relay func(conn *net.TCPConn, dial func() (*net.TCPConn, error)) error) {
	front, back := listen(b), listen(b)
	client, err := dial(front)
	if err != nil {
		b.Fatal(err)
	}
	accepted, err := front.AcceptTCP()
	if err != nil {
		b.Fatal(err)
	}
	over := make(chan error, 2)
	go func() { over <- relay(accepted, func() (*net.TCPConn, error) { return dial(back) }) }()
	go func() { over <- answer(back) }()

	chunk, one := make([]byte, relayChunk), make([]byte, 1)
	b.SetBytes(RelaySize)
	for b.Loop() {
		for range RelaySize / relayChunk {
			if _, err := client.Write(chunk); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := io.ReadFull(client, one); err != nil {
			b.Fatal(err)
		}
	}
	client.CloseWrite()
	if err := errors.Join(<-over, <-over); err != nil {
		b.Fatal(err)
	}
	client.Close()
}

// answer accepts a connection and answers every RelaySize bytes with one.
func answer(l *net.TCPListener) error {
	conn, err := l.AcceptTCP()
	if err != nil {
		return err
	}
	defer conn.Close()
	chunk := make([]byte, relayChunk)
	for left := RelaySize; ; {
		n, err := conn.Read(chunk[:min(left, relayChunk)])
		if err == io.EOF && left == RelaySize {
			return nil
		}
		if err != nil {
			return err
		}
		if left -= n; left == 0 {
			left = RelaySize
			if _, err := conn.Write(chunk[:1]); err != nil {
				return err
			}
		}
	}
}

func listen(b *testing.B) *net.TCPListener {
	b.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	return l
}

func dial(l *net.TCPListener) (*net.TCPConn, error) {
	return net.DialTCP("tcp", nil, l.Addr().(*net.TCPAddr))
}
