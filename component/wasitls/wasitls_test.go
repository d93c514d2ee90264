package wasitls_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	"github.com/gowasmtime/wasmtime/component/wasitls"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

// program is the guest of testdata/guests/wasip2/tls, which all tests share.
var program struct {
	sync.Once
	engine    *wasmtime.Engine
	component *component.Component
}

func TestMain(m *testing.M) {
	Main(m, func() {
		if program.engine != nil {
			program.component.Close()
			program.engine.Close()
		}
	})
}

// server is the name that the servers have a certificate for.
const server = "server.test"

// certificate is one for the server, which signs itself.
var certificate = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: server}, DNSNames: []string{server},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
})

// trusting is the configuration of a program that trusts the server.
func trusting() *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(certificate().Leaf)
	return &tls.Config{RootCAs: roots}
}

// serve has a server of TLS serve each connection, and returns its address. What it serves has ended when the test
// does.
func serve(t *testing.T, each func(conn *tls.Conn)) net.Addr {
	config := &tls.Config{Certificates: []tls.Certificate{certificate()}}
	return listen(t, func(conn net.Conn) { each(tls.Server(conn, config)) })
}

// listen is serve without TLS.
func listen(t *testing.T, each func(conn net.Conn)) net.Addr {
	t.Helper()
	l := Must(net.Listen("tcp4", "127.0.0.1:0"))
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				each(conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return l.Addr()
}

// echo sends back what comes, and ends when the other side does.
func echo(conn *tls.Conn) {
	io.Copy(conn, conn)
	conn.CloseWrite()
}

// run is a guest that is run: with what it prints.
type run struct {
	t       *testing.T
	options wasitls.Options
	prepare func(*wasmtime.Store) error
	stdout  bytes.Buffer
}

// do has the guest do something with a server.
func (r *run) do(ctx context.Context, address net.Addr, server string, what ...string) (string, error) {
	r.t.Helper()
	program.Do(func() {
		config := wasmtime.NewConfig()
		config.SetEpochInterruption(true)
		CompilesQuickly(config)
		program.engine = wasmtime.NewEngineWithConfig(config)
		program.component = Must(component.New(program.engine, guests.Component("tls")))
	})
	linker := component.NewLinker(program.engine)
	defer linker.Close()
	Check(r.t, linker.DefineWasi())
	Check(r.t, wasitls.Define(linker, r.options))
	host, port, err := net.SplitHostPort(address.String())
	Check(r.t, err)
	wasi := wasmtime.NewWasiConfig()
	defer wasi.Close()
	wasi.SetArgv(append([]string{"tls", host, port, server}, what...))
	wasi.InheritNetwork()
	wasi.AllowTCP(true)
	r.stdout.Reset()
	wasi.SetStdout(&r.stdout)
	wasi.SetStderr(&r.stdout)
	command := component.Command{Component: program.component, Linker: linker, Wasi: wasi, Prepare: r.prepare}
	err = command.Run(ctx)
	return r.stdout.String(), err
}

// says checks what the guest prints.
func (r *run) says(want string, address net.Addr, server string, what ...string) {
	r.t.Helper()
	got, err := r.do(r.t.Context(), address, server, what...)
	if err != nil {
		r.t.Errorf("%v: %v\n%s", what, err, got)
	} else if got != want+"\n" {
		r.t.Errorf("%v: the guest says %q, and not %q", what, got, want)
	}
}

// nothingLeft checks, when f has been run, that no goroutine and no descriptor is left of it.
func nothingLeft(t *testing.T, f func()) {
	t.Helper()
	count := func() int {
		all, _ := os.ReadDir("/proc/self/fd")
		return len(all)
	}
	f() // once before: the native library has threads and descriptors of its own
	goroutines, descriptors := runtime.NumGoroutine(), count()
	f()
	for range 500 {
		if runtime.NumGoroutine() <= goroutines && count() <= descriptors {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("%d goroutines and %d descriptors, there were %d and %d\n%s", runtime.NumGoroutine(), count(), goroutines,
		descriptors, stacks[:runtime.Stack(stacks, true)])
}

// A MiB goes there and back, and both sides hear of the end: the server of the guest's before it has sent its own.
func TestEcho(t *testing.T) {
	var ends atomic.Int32
	address := serve(t, func(conn *tls.Conn) {
		if _, err := io.Copy(conn, conn); err == nil { // the end without TLS's word would be io.ErrUnexpectedEOF
			ends.Add(1)
		}
		conn.CloseWrite()
	})
	r := &run{t: t, options: wasitls.Options{Config: trusting()}}
	r.says("echoed 1048576, closed", address, server, "echo 1048576")
	Equal(t, "ends", ends.Load(), 1)
	r.says("echoed 0, closed", address, server, "echo 0")
}

// The handshake fails, and the guest can read why.
func TestRefused(t *testing.T) {
	address := serve(t, echo)
	r := &run{t: t, options: wasitls.Options{Config: trusting()}}
	r.says("refused: tls: failed to verify certificate: x509: certificate is valid for server.test, not other.test",
		address, "other.test", "open")
	r.says("refused: tls: either ServerName or InsecureSkipVerify must be specified in the tls.Config", address, "", "open")

	r.options.Config = &tls.Config{RootCAs: x509.NewCertPool()}
	r.says("refused: tls: failed to verify certificate: x509: certificate signed by unknown authority", address, server,
		"open")

	r.options.Config = trusting()
	r.options.CheckServerName = func(_ context.Context, name string) error {
		return errors.New("nobody may ask " + name + strings.Repeat("!", 5000))
	}
	got, err := r.do(t.Context(), address, server, "open")
	Check(t, err)
	if !strings.HasPrefix(got, "refused: nobody may ask server.test!!!") || len(got) > 4200 {
		t.Errorf("the guest says %q", got)
	}

	r.options = wasitls.Options{} // the system's roots
	got, err = r.do(t.Context(), address, server, "open")
	Check(t, err)
	if !strings.HasPrefix(got, "refused: tls: failed to verify certificate: ") {
		t.Errorf("the guest says %q", got)
	}

	plain := listen(t, func(conn net.Conn) { conn.Write([]byte("220 this is no TLS\r\n")) })
	r.options.Config = trusting()
	r.says("refused: tls: first record does not look like a TLS handshake", plain, server, "open")
	gone := listen(t, func(net.Conn) {})
	got, err = r.do(t.Context(), gone, server, "open")
	Check(t, err)
	if !strings.HasPrefix(got, "refused: the connection has ended without close-notify") && !strings.Contains(got, "reset") {
		t.Errorf("the guest says %q", got)
	}
}

// The configuration is the program's, and not changed.
func TestConfig(t *testing.T) {
	states := make(chan tls.ConnectionState, 1)
	address := serve(t, func(conn *tls.Conn) {
		if conn.Handshake() == nil {
			states <- conn.ConnectionState()
		}
		echo(conn)
	})
	config := trusting()
	config.MaxVersion = tls.VersionTLS12
	r := &run{t: t, options: wasitls.Options{Config: config, CheckServerName: func(_ context.Context, name string) error {
		if name != server {
			return errors.New("another name")
		}
		return nil
	}}}
	r.says("echoed 70000, closed", address, server, "echo 70000")
	state := <-states
	Equal(t, "version", state.Version, tls.VersionTLS12)
	Equal(t, "server", state.ServerName, server)
	Equal(t, "the program's name", config.ServerName, "")
}

// A server that ends without TLS's word for that is an error for the guest, and no end.
func TestCut(t *testing.T) {
	address := serve(t, func(conn *tls.Conn) {
		conn.Write([]byte("cut"))
		io.ReadFull(conn, make([]byte, 10))
		conn.NetConn().Close()
	})
	r := &run{t: t, options: wasitls.Options{Config: trusting()}}
	got, err := r.do(t.Context(), address, server, "read", "write 10", "read")
	Check(t, err)
	if !strings.HasPrefix(got, "cut\nwrote 10\nfailed: ") {
		t.Errorf("the guest says %q", got)
	}
}

// A guest that drops its connection in the middle closes it: what it has written arrives, and TLS's word for the end.
func TestDropped(t *testing.T) {
	got := make(chan error, 1)
	address := serve(t, func(conn *tls.Conn) {
		n, err := io.Copy(io.Discard, conn)
		if n != 4096 {
			err = errors.Join(err, errors.New(strconv.FormatInt(n, 10)+" bytes have arrived"))
		}
		got <- err
	})
	r := &run{t: t, options: wasitls.Options{Config: trusting()}}
	r.says("wrote 4096\nclosed", address, server, "write 4096", "close")
	Check(t, <-got)
	r.says("wrote 4096", address, server, "write 4096") // the store is closed with it
	Check(t, <-got)
}

// A connection has to be dropped after its streams.
func TestDisorder(t *testing.T) {
	address := serve(t, echo)
	r := &run{t: t, options: wasitls.Options{Config: trusting()}}
	got, err := r.do(t.Context(), address, server, "open", "disorder")
	WantText(t, err, "resource has children")
	Equal(t, "stdout", got, "open\n")
}

// A context that ends in the middle of a wait ends the guest: of one that reads, of one whose server does not read, and
// of one whose server does not answer.
func TestContext(t *testing.T) {
	idle := func(conn net.Conn) { io.Copy(io.Discard, conn) }
	reached := make(chan struct{}, 1)
	silent := serve(t, func(conn *tls.Conn) {
		conn.Handshake()
		reached <- struct{}{}
		idle(conn.NetConn())
	})
	stuck := serve(t, func(conn *tls.Conn) {
		conn.Handshake()
		reached <- struct{}{}
		time.Sleep(200 * time.Millisecond)
	})
	mute := listen(t, func(conn net.Conn) {
		reached <- struct{}{}
		idle(conn)
	})
	for _, test := range []struct {
		name    string
		address net.Addr
		what    string
	}{
		{"read", silent, "read"},
		{"flood", stuck, "flood"},
		{"handshake", mute, "open"},
	} {
		t.Run(test.name, func(t *testing.T) {
			nothingLeft(t, func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go func() {
					<-reached
					time.Sleep(20 * time.Millisecond)
					cancel()
				}()
				r := &run{t: t, options: wasitls.Options{Config: trusting()}}
				_, err := r.do(ctx, test.address, server, test.what)
				if !errors.Is(err, context.Canceled) {
					t.Errorf("the guest has ended with %v", err)
				}
			})
		})
	}
}

// A guest whose server does not read waits, and takes no memory meanwhile.
func TestBackPressure(t *testing.T) {
	read := make(chan struct{})
	address := serve(t, func(conn *tls.Conn) {
		conn.Handshake()
		<-read
		io.Copy(io.Discard, conn)
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	go func() {
		r := &run{t: t, options: wasitls.Options{Config: trusting()}}
		_, err := r.do(ctx, address, server, "flood")
		ended <- err
	}()
	time.Sleep(500 * time.Millisecond)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("%d bytes more on the heap", grown)
	}
	cancel()
	close(read)
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the guest has ended with %v", err)
	}
}

// Nothing is left of many connections, of handshakes that are dropped, and of those that a store ends with.
func TestNothingLeft(t *testing.T) {
	address := serve(t, echo)
	mute := listen(t, func(conn net.Conn) { io.Copy(io.Discard, conn) })
	r := &run{t: t, options: wasitls.Options{Config: trusting()}}
	many := strconv.Itoa(Rounds(200))
	t.Run("connections", func(t *testing.T) {
		nothingLeft(t, func() { r.says("many", address, server, "many "+many) })
	})
	t.Run("dropped", func(t *testing.T) {
		nothingLeft(t, func() { r.says("abandoned", mute, server, "abandon "+many) })
	})
	t.Run("hoarded", func(t *testing.T) {
		nothingLeft(t, func() { r.says("hoarded", mute, server, "hoard "+many) })
	})
}

// Handshakes count as what they hold.
func TestLimits(t *testing.T) {
	mute := listen(t, func(conn net.Conn) { io.Copy(io.Discard, conn) })
	r := &run{t: t, options: wasitls.Options{Config: trusting()}}
	r.prepare = func(store *wasmtime.Store) error {
		store.SetMaxResources(20)
		return nil
	}
	if got, err := r.do(t.Context(), mute, server, "hoard 20"); err == nil {
		t.Errorf("20 handshakes: %s", got)
	}
	r.says("hoarded", mute, server, "hoard 5")
	r.prepare = func(store *wasmtime.Store) error {
		component.SetLimits(store, component.Limits{Resources: 10})
		return nil
	}
	_, err := r.do(t.Context(), mute, server, "hoard 20")
	WantIs(t, err, component.ErrTooManyHandles)
}

// What a function of the program's panics with comes out of the guest's call, and does not end the process.
func TestCheckPanics(t *testing.T) {
	address := serve(t, func(*tls.Conn) {})
	r := &run{t: t, options: wasitls.Options{Config: trusting(), CheckServerName: func(context.Context, string) error {
		panic("the check")
	}}}
	defer func() {
		if value := recover(); value != "the check" {
			t.Errorf("panicked with %v", value)
		}
	}()
	_, err := r.do(t.Context(), address, server, "open")
	t.Errorf("no panic, but %v", err)
}
