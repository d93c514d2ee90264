package work

import (
	_ "embed"
	"errors"
	"io"
	"net"
	"testing"
)

// The components of the rows on WASI 0.2, and the same as texts: the tests of the folder ours make the ones of the
// others.
var (
	// WasiClock exports nows, which asks the monotonic clock n times and returns n if time never went back.
	//
	//go:embed wasiclock.wasm
	WasiClock []byte
	//go:embed wasiclock.wat
	WasiClockText string

	// WasiFiles exports open, read, read-at, write and write-at, which read or write the file "data" of the first
	// preopened directory in parts of 64 KiB, by a stream or by the descriptor, and return the number of bytes.
	//
	//go:embed wasifiles.wasm
	WasiFiles []byte
	//go:embed wasifiles.wat
	WasiFilesText string

	// WasiHello is a program that prints HelloOutput.
	//
	//go:embed wasihello.wasm
	WasiHello []byte
	//go:embed wasihello.wat
	WasiHelloText string

	// WasiEcho exports echo, which connects to a port of 127.0.0.1 and sends back what it receives, in parts of up to
	// 64 KiB, until the other side ends. It returns the number of bytes. It also exports echo-streams, which does that
	// with the two streams of a connection that it is given.
	//
	//go:embed wasiecho.wasm
	WasiEcho []byte
	//go:embed wasiecho.wat
	WasiEchoText string
)

// WasiRun is the function of WasiHello.
const WasiRun = "wasi:cli/run@0.2.3#run"

// EchoSize is how much is sent and comes back in an op.
const EchoSize = 16 << 20

// Echoed measures an echo: something that connects to a port of 127.0.0.1, sends back all that it receives, and returns
// how much that was when this side ends. An op is EchoSize bytes there and back, over TCP on the loopback, in this
// process.
func Echoed(b *testing.B, echo func(port uint16) (uint64, error)) {
	l := listen(b)
	type end struct {
		n   uint64
		err error
	}
	over := make(chan end, 1)
	go func() {
		n, err := echo(uint16(l.Addr().(*net.TCPAddr).Port))
		if err != nil {
			l.Close() // nobody will come
		}
		over <- end{n, err}
	}()
	conn, err := l.AcceptTCP()
	if err != nil {
		b.Fatal(errors.Join((<-over).err, err))
	}
	sent, back := uint64(0), make([]byte, relayChunk)
	written, chunk := make(chan error), make([]byte, relayChunk)
	b.SetBytes(EchoSize)
	for b.Loop() {
		go func() {
			for range EchoSize / relayChunk {
				if _, err := conn.Write(chunk); err != nil {
					written <- err
					return
				}
			}
			written <- nil
		}()
		for range EchoSize / relayChunk {
			if _, err := io.ReadFull(conn, back); err != nil {
				b.Fatal(err)
			}
		}
		if err := <-written; err != nil {
			b.Fatal(err)
		}
		sent += EchoSize
	}
	conn.CloseWrite()
	result := <-over
	if result.err != nil || result.n != sent {
		b.Fatal(result.n, sent, result.err)
	}
	conn.Close()
}
