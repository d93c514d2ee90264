package wasi_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// countedConn is a connection that Go serves. It counts how often it is closed.
type countedConn struct {
	net.Conn
	closed *atomic.Int32
}

func (c countedConn) Close() error {
	c.closed.Add(1)
	return c.Conn.Close()
}

// newCountedConn returns a connection, the other end of it, and how often the first has been closed.
func newCountedConn(t *testing.T) (conn, there net.Conn, closed *atomic.Int32) {
	here, there := net.Pipe()
	t.Cleanup(func() { here.Close(); there.Close() })
	closed = new(atomic.Int32)
	return countedConn{here, closed}, there, closed
}

// countedListener is a listener that Go serves, with one connection to accept. It counts how often it is closed.
type countedListener struct {
	net.Listener
	conns  chan net.Conn
	closed atomic.Int32
}

func (l *countedListener) Accept() (net.Conn, error) {
	if conn, ok := <-l.conns; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (l *countedListener) Close() error {
	l.closed.Add(1)
	close(l.conns)
	return nil
}

// want checks a number that a push has returned.
func wantPushed(t *testing.T, wanted uint32) func(fd uint32, err error) {
	return func(fd uint32, err error) {
		t.Helper()
		Check(t, err)
		Equal(t, "the number that was told", fd, wanted)
	}
}

// A configuration is pushed every kind of thing, and tells the numbers before arguments and environment are set.
func TestWasiConfigPush(t *testing.T) {
	host := TempDir(t)
	Check(t, os.WriteFile(host+"/in", []byte("in a directory"), 0o600))
	dir, file := OpenDir(t, host), TempFile(t, "a file")
	tree := fstest.MapFS{"in": {Data: []byte("in Go's file system")}}
	socket, socketPeer := Connected(t, "tcp")
	served, servedPeer, closed := newCountedConn(t)
	listening := Listen(t, "tcp")
	accepted, acceptedPeer, _ := newCountedConn(t)
	memory := &countedListener{conns: make(chan net.Conn, 1)}
	memory.conns <- accepted
	var written bytes.Buffer
	appended := TempFile(t, "")

	config := NewWasiConfig()
	defer config.Close()
	Check(t, config.PreopenFS(tree, "/fs"))
	Check(t, config.PreopenDir(host, "/host", DIR_READ, FILE_READ))
	wantPushed(t, 5)(config.PushDir(dir, "/dir", READ_ONLY))
	wantPushed(t, 6)(config.PushFS(tree, ""))
	wantPushed(t, 7)(config.PushFile(file, READ_ONLY))
	wantPushed(t, 8)(config.PushConn(socket))
	wantPushed(t, 9)(config.PushConn(served))
	wantPushed(t, 10)(config.PushListener(listening))
	wantPushed(t, 11)(config.PushListener(memory))
	wantPushed(t, 12)(config.PushReader(strings.NewReader("a reader")))
	wantPushed(t, 13)(config.PushWriter(&written))
	fd, err := config.PushWriter(appended)
	wantPushed(t, 14)(fd, err)
	config.SetArgv([]string{"guest", fmt.Sprintf("--out=/dev/fd/%d", fd)})
	config.SetEnv([]string{"LISTEN_FD"}, []string{"10"})

	g := NewWasiGuest(t, config)
	for _, open := range []io.Closer{dir, file, socket, listening, appended} { // the guest has its own
		Check(t, open.Close())
	}
	Equal(t, "arguments", fmt.Sprint(g.Strings("args")), "[guest --out=/dev/fd/14]")
	Equal(t, "environment", fmt.Sprint(g.Strings("environ")), "[LISTEN_FD=10]")
	Equal(t, "preopened", g.Preopens(), "/host /fs /dir")
	for fd, wanted := range map[uint32]string{3: "in a directory", 5: "in a directory", 4: "in Go's file system", 6: "in Go's file system"} {
		opened, errno := g.PathOpen(fd, 0, "in", 0, RightRead, 0)
		WantErrno(t, "open", errno, ErrnoSuccess)
		s, errno := g.ReadAll(opened)
		Want(t, fmt.Sprint("below descriptor ", fd), s, errno, wanted)
	}
	for fd, wanted := range map[uint32]string{7: "a file", 12: "a reader"} {
		s, errno := g.ReadAll(fd)
		Want(t, fmt.Sprint("from descriptor ", fd), s, errno, wanted)
	}
	for fd, peer := range map[uint32]net.Conn{8: socketPeer, 9: servedPeer} {
		go peer.Write([]byte("ping"))
		s, errno := g.Read(fd, 4)
		Want(t, fmt.Sprint("from connection ", fd), s, errno, "ping")
	}
	dialed := make(chan error, 1)
	go func() {
		conn, err := net.Dial("tcp", listening.Addr().String())
		if err == nil {
			conn.Write([]byte("ping"))
			conn.Close()
		}
		dialed <- err
	}()
	go acceptedPeer.Write([]byte("ping"))
	for fd := uint32(10); fd <= 11; fd++ {
		conn, errno := g.Accept(fd, 0)
		WantErrno(t, "accept", errno, ErrnoSuccess)
		s, errno := g.Read(conn, 4)
		Want(t, fmt.Sprint("from what listener ", fd, " accepted"), s, errno, "ping")
	}
	Check(t, <-dialed)
	for fd := uint32(13); fd <= 14; fd++ {
		_, errno := g.Write(fd, "written")
		WantErrno(t, "write", errno, ErrnoSuccess)
	}
	Equal(t, "the writer has", written.String(), "written")
	text, err := os.ReadFile(appended.Name())
	Check(t, err)
	Equal(t, "the file has", string(text), "written")

	config.Close() // what the store has is none of its business any more
	Equal(t, "closed by the configuration", closed.Load()+memory.closed.Load(), 0)
	g.Store.Close()
	Equal(t, "connections closed", closed.Load(), 1)
	Equal(t, "listeners closed", memory.closed.Load(), 1)
}

// Without a preopened directory the first number is 3.
func TestWasiConfigPushFirst(t *testing.T) {
	config := NewWasiConfig()
	wantPushed(t, 3)(config.PushReader(strings.NewReader("x")))
	wantPushed(t, 4)(config.PushReader(strings.NewReader("y")))
	g := NewWasiGuest(t, config)
	for fd, wanted := range map[uint32]string{3: "x", 4: "y"} {
		s, errno := g.ReadAll(fd)
		Want(t, "read", s, errno, wanted)
	}
	fd, err := g.Store.PushReader(strings.NewReader("z"))
	wantPushed(t, 5)(fd, err)
}

// What can be given to any number of stores is; what Go serves and closes goes to the first.
func TestWasiConfigPushToManyStores(t *testing.T) {
	file := TempFile(t, "a file")
	config := NewWasiConfig()
	wantPushed(t, 3)(config.PushFile(file, READ_ONLY))
	wantPushed(t, 4)(config.PushFS(fstest.MapFS{"in": {Data: []byte("in")}}, "/fs"))
	for range 3 {
		g := NewWasiGuest(t, config)
		s, errno := g.Pread(3, 10, 0)
		Want(t, "read", s, errno, "a file")
		_, errno = g.PathOpen(4, 0, "in", 0, RightRead, 0)
		WantErrno(t, "open", errno, ErrnoSuccess)
	}

	conn, _, closed := newCountedConn(t)
	listener := &countedListener{conns: make(chan net.Conn)}
	for name, push := range map[string]func(*WasiConfig) (uint32, error){
		"connection": func(c *WasiConfig) (uint32, error) { return c.PushConn(conn) },
		"listener":   func(c *WasiConfig) (uint32, error) { return c.PushListener(listener) },
	} {
		config := NewWasiConfig()
		wantPushed(t, 3)(push(config))
		first, second := NewWasiGuest(t, config), NewWasiGuest(t, nil)
		wantPushed(t, 3)(second.Store.PushReader(strings.NewReader("what it had")))
		WantTyped(t, second.Store.ConfigureWasi(config), ErrClosed, "descriptor 3 has been given to another store")
		s, errno := second.ReadAll(3)
		Want(t, name+": the second store keeps", s, errno, "what it had")
		first.Store.Close()
	}
	Equal(t, "connections closed", closed.Load(), 1)
	Equal(t, "listeners closed", listener.closed.Load(), 1)
}

// What is wrong with a push is said at once, and changes nothing: the program keeps what it has.
func TestWasiConfigPushErrors(t *testing.T) {
	file, dir, closed := TempFile(t, ""), OpenDir(t, TempDir(t)), TempFile(t, "")
	closed.Close()
	closedListener := Listen(t, "tcp")
	closedListener.Close()
	config := NewWasiConfig()
	for name, c := range map[string]struct {
		err, cause error
		text       string
	}{
		"nil file":         {ErrorOf(config.PushFile(nil, READ_ONLY)), ErrBadFile, "nil"},
		"closed file":      {ErrorOf(config.PushFile(closed, READ_ONLY)), ErrBadFile, "closed"},
		"mode 0":           {ErrorOf(config.PushFile(file, 0)), ErrBadAccessMode, "0 is"},
		"mode 4":           {ErrorOf(config.PushFile(file, 4)), ErrBadAccessMode, "4 is"},
		"nil directory":    {ErrorOf(config.PushDir(nil, "/", READ_ONLY)), ErrBadFile, "nil"},
		"no directory":     {ErrorOf(config.PushDir(file, "/", READ_ONLY)), ErrBadFile, "not a directory"},
		"closed directory": {ErrorOf(config.PushDir(closed, "/", READ_ONLY)), ErrBadFile, "closed"},
		"writing only":     {ErrorOf(config.PushDir(dir, "/", WRITE_ONLY)), ErrBadAccessMode, "directory"},
		"nil system":       {ErrorOf(config.PushFS(nil, "/")), ErrBadFile, "nil"},
		"broken system":    {ErrorOf(config.PushFS(os.DirFS(NoSuchFile()), "/")), ErrBadFile, "root"},
		"nil conn":         {ErrorOf(config.PushConn(nil)), ErrBadFile, "nil"},
		"typed nil conn":   {ErrorOf(config.PushConn((*net.TCPConn)(nil))), ErrBadFile, "nil"},
		"nil listener":     {ErrorOf(config.PushListener(nil)), ErrBadFile, "nil"},
		"closed listener":  {ErrorOf(config.PushListener(closedListener)), ErrBadFile, "closed"},
		"nil reader":       {ErrorOf(config.PushReader(nil)), ErrBadFile, "nil"},
		"nil file to read": {ErrorOf(config.PushReader((*os.File)(nil))), ErrBadFile, "nil"},
		"nil writer":       {ErrorOf(config.PushWriter(nil)), ErrBadFile, "nil"},
		"closed to write":  {ErrorOf(config.PushWriter(closed)), ErrBadFile, "closed"},
	} {
		t.Run(name, func(t *testing.T) { WantTyped(t, c.err, c.cause, c.text) })
	}
	for _, name := range []string{"\xff", "a\x00b"} {
		WantText(t, ErrorOf(config.PushDir(dir, name, READ_ONLY)), "UTF-8, or a zero byte")
		WantText(t, ErrorOf(config.PushFS(fstest.MapFS{}, name)), "UTF-8, or a zero byte")
	}
	wantPushed(t, 3)(config.PushFile(file, READ_ONLY)) // nothing has been counted
	config.Close()
	conn, _, closes := newCountedConn(t)
	WantTyped(t, ErrorOf(config.PushConn(conn)), ErrClosed, "the WASI configuration")
	Equal(t, "what was not taken is closed", closes.Load(), 0)
}

// A configuration that fails while nothing has been given keeps what it was pushed. It may be mended and given again;
// Close closes what no store has got, once.
func TestWasiConfigPushFails(t *testing.T) {
	conn, _, closed := newCountedConn(t)
	listener := &countedListener{conns: make(chan net.Conn)}
	panicky, _, _ := newCountedConn(t)
	file := TempFile(t, "")
	config := NewWasiConfig()
	wantPushed(t, 3)(config.PushConn(conn))
	wantPushed(t, 4)(config.PushConn(closePanics{panicky}))
	wantPushed(t, 5)(config.PushListener(listener))
	wantPushed(t, 6)(config.PushFile(file, READ_ONLY))
	file.Close()
	g := NewWasiGuest(t, nil)
	wantPushed(t, 3)(g.Store.PushReader(strings.NewReader("what it had")))
	for range 2 {
		WantTyped(t, g.Store.ConfigureWasi(config), ErrBadFile, "descriptor 6")
	}
	s, errno := g.ReadAll(3)
	Want(t, "the store keeps", s, errno, "what it had")
	config.SetArgv([]string{"it can be changed"})
	Equal(t, "closed", closed.Load()+listener.closed.Load(), 0)
	WantPanic(t, "Close", "cannot be closed", config.Close)
	config.Close()
	Equal(t, "connections closed", closed.Load(), 1)
	Equal(t, "listeners closed", listener.closed.Load(), 1)
}

// closePanics is a connection that cannot be closed.
type closePanics struct{ net.Conn }

func (closePanics) Close() error { panic("cannot be closed") }

// Once a store has been given a configuration, a change is too late; and so is a preopened directory once something
// pushed has told its number.
func TestWasiConfigTooLate(t *testing.T) {
	dir := TempDir(t)
	file := TempFile(t, "")
	var config *WasiConfig
	errs := map[string]func() error{
		"PreopenDir":    func() error { return config.PreopenDir(dir, "/", DIR_READ, FILE_READ) },
		"PreopenFS":     func() error { return config.PreopenFS(fstest.MapFS{}, "/") },
		"SetStdinFile":  func() error { return config.SetStdinFile(file.Name()) },
		"SetStdoutFile": func() error { return config.SetStdoutFile(file.Name()) },
		"SetStderrFile": func() error { return config.SetStderrFile(file.Name()) },
		"PushFile":      func() error { return ErrorOf(config.PushFile(file, READ_ONLY)) },
		"PushDir":       func() error { return ErrorOf(config.PushDir(OpenDir(t, dir), "/", READ_ONLY)) },
		"PushFS":        func() error { return ErrorOf(config.PushFS(fstest.MapFS{}, "/")) },
		"PushReader":    func() error { return ErrorOf(config.PushReader(strings.NewReader(""))) },
		"PushWriter":    func() error { return ErrorOf(config.PushWriter(io.Discard)) },
		"PushListener":  func() error { return ErrorOf(config.PushListener(Listen(t, "tcp"))) },
	}
	panics := map[string]func(){
		"SetArgv":               func() { config.SetArgv([]string{"late"}) },
		"InheritArgv":           func() { config.InheritArgv() },
		"SetEnv":                func() { config.SetEnv([]string{"A"}, []string{"late"}) },
		"InheritEnv":            func() { config.InheritEnv() },
		"SetStdin":              func() { config.SetStdin(strings.NewReader("late")) },
		"SetStdinBytes":         func() { config.SetStdinBytes([]byte("late")) },
		"SetStdout":             func() { config.SetStdout(io.Discard) },
		"SetStderr":             func() { config.SetStderr(io.Discard) },
		"InheritStdin":          func() { config.InheritStdin() },
		"InheritStdout":         func() { config.InheritStdout() },
		"InheritStderr":         func() { config.InheritStderr() },
		"SetInitialDir":         func() { config.SetInitialDir("/") },
		"SetWallClock":          func() { config.SetWallClock(time.Now, 1) },
		"SetMonotonicClock":     func() { config.SetMonotonicClock(nil, 1) },
		"SetSecureRandom":       func() { config.SetSecureRandom(nil) },
		"SetInsecureRandom":     func() { config.SetInsecureRandom(nil) },
		"SetInsecureRandomSeed": func() { config.SetInsecureRandomSeed(1, 2) },
		"SetMaxRandomSize":      func() { config.SetMaxRandomSize(1) },
		"AllowTCP":              func() { config.AllowTCP(true) },
		"AllowUDP":              func() { config.AllowUDP(true) },
		"AllowIPNameLookup":     func() { config.AllowIPNameLookup(true) },
		"InheritNetwork":        func() { config.InheritNetwork() },
		"SetSocketAddrCheck":    func() { config.SetSocketAddrCheck(func(netip.AddrPort, SocketAddrUse) bool { return true }) },
	}
	conn, _, closed := newCountedConn(t)
	errs["PushConn"] = func() error { return ErrorOf(config.PushConn(conn)) }
	config = NewWasiConfig()
	config.SetArgv([]string{"in time"})
	g := NewWasiGuest(t, config)
	for name, change := range errs {
		t.Run(name, func(t *testing.T) { WantTyped(t, change(), ErrTooLate, "a store has been given it") })
	}
	for name, change := range panics {
		t.Run(name, func(t *testing.T) {
			err, _ := PanicOf(t, change).(error)
			WantTyped(t, err, ErrTooLate, "a store has been given it")
		})
	}
	Equal(t, "what was refused is closed", closed.Load(), 0)
	for range 2 { // other stores get what the first one got
		Equal(t, "arguments", fmt.Sprint(g.Strings("args")), "[in time]")
		g = NewWasiGuest(t, config)
	}

	config = NewWasiConfig()
	wantPushed(t, 3)(config.PushReader(strings.NewReader("")))
	for _, name := range []string{"PreopenDir", "PreopenFS"} {
		WantTyped(t, errs[name](), ErrTooLate, "told its number")
	}
	panics["SetArgv"]() // which is not too late
	g = NewWasiGuest(t, config)
	Equal(t, "arguments", fmt.Sprint(g.Strings("args")), "[late]")
}

// A configuration that was refused can be mended: it is given only when it has been.
func TestWasiConfigRefusedIsNotGiven(t *testing.T) {
	config := NewWasiConfig()
	config.SetInitialDir("a\x00b")
	g := NewWasiGuest(t, nil)
	WantText(t, g.Store.ConfigureWasi(config), "initial_dir")
	config.SetInitialDir("/")
	Check(t, g.Store.ConfigureWasi(config))
	WantTyped(t, config.SetStdinFile(os.DevNull), ErrTooLate, "given")
}

// Neither configurations nor stores keep descriptors, whatever becomes of them.
func TestWasiConfigPushLeaksNoDescriptor(t *testing.T) {
	file, dir, listener := TempFile(t, "content"), OpenDir(t, TempDir(t)), Listen(t, "tcp")
	here, _ := Connected(t, "tcp")
	closed := TempFile(t, "")
	engine := NewEngine()
	defer engine.Close()
	var closes atomic.Int32
	round := func(fails bool) {
		config := NewWasiConfig()
		defer config.Close()
		served, there := net.Pipe()
		defer there.Close()
		last, err := os.Open(closed.Name())
		Check(t, err)
		defer last.Close()
		for _, err := range []error{
			ErrorOf(config.PushFile(file, READ_ONLY)), ErrorOf(config.PushDir(dir, "/dir", READ_WRITE)),
			ErrorOf(config.PushListener(listener)), ErrorOf(config.PushConn(here)),
			ErrorOf(config.PushConn(countedConn{served, &closes})), ErrorOf(config.PushReader(last)),
		} {
			Check(t, err)
		}
		if fails {
			last.Close()
		}
		store := NewStore(engine)
		defer store.Close()
		if err := store.ConfigureWasi(config); (err != nil) != fails {
			t.Error(err)
		}
	}
	round(false)
	before := OpenFds(t)
	const rounds = 50
	for range rounds {
		round(false)
		round(true)
	}
	if after := OpenFds(t); after > before {
		t.Errorf("%d descriptors before, %d after %d rounds", before, after, rounds)
	}
	Equal(t, "connections closed", closes.Load(), 2*rounds+1)
}
