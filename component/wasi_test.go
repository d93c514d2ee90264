package component_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/iotest"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/testdata/programs"
)

// stdEngine is the engine of std. Its guests can be interrupted.
var stdEngine = sync.OnceValue(func() *wasmtime.Engine {
	config := wasmtime.NewConfig()
	config.SetEpochInterruption(true)
	return Must(share(wasmtime.NewEngineWithConfig(config), nil))
})

// std is the program of testdata/programs.
var std = sync.OnceValues(func() (*component.Component, error) {
	path, err := programs.File("std")
	if err != nil {
		return nil, err
	}
	return share(component.NewFromFile(stdEngine(), path))
})

// program is std with something to run it with.
type program struct {
	t              *testing.T
	config         *wasmtime.WasiConfig
	stdout, stderr bytes.Buffer
	component.Command
}

func newProgram(t *testing.T, args ...string) *program {
	t.Helper()
	c, err := std()
	if errors.Is(err, programs.ErrNotBuilt) {
		t.Skip(err)
	}
	Check(t, err)
	p := &program{t: t, config: wasmtime.NewWasiConfig()}
	p.config.SetArgv(append([]string{"std"}, args...))
	p.config.SetStdout(&p.stdout)
	p.config.SetStderr(&p.stderr)
	p.Command = component.Command{Component: c, Wasi: p.config}
	return p
}

// run runs the program, which has to succeed, and returns what it has printed.
func (p *program) run() string {
	p.t.Helper()
	if err := p.Run(context.Background()); err != nil {
		p.t.Fatalf("%v\nstdout: %s\nstderr: %s", err, &p.stdout, &p.stderr)
	}
	return p.stdout.String()
}

func TestWasiHello(t *testing.T) {
	p := newProgram(t, "hello", "ä")
	p.config.SetEnv([]string{"A", "B"}, []string{"1", "=2="})
	Equal(t, "stdout", p.run(), "args [\"std\", \"hello\", \"ä\"]\nenv {\"A\": \"1\", \"B\": \"=2=\"}\ncwd \"/\"\n")
	Equal(t, "stderr", p.stderr.String(), "to stderr\n")
}

func TestWasiStdin(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", 20_000)
	file := filepath.Join(t.TempDir(), "in")
	Check(t, os.WriteFile(file, []byte(text), 0o600))
	for name, give := range map[string]func(*wasmtime.WasiConfig) error{
		"bytes":  func(c *wasmtime.WasiConfig) error { c.SetStdinBytes([]byte(text)); return nil },
		"reader": func(c *wasmtime.WasiConfig) error { c.SetStdin(iotest.HalfReader(strings.NewReader(text))); return nil },
		"file":   func(c *wasmtime.WasiConfig) error { return c.SetStdinFile(file) },
	} {
		p := newProgram(t, "cat")
		Check(t, give(p.config))
		if p.run() != text {
			t.Errorf("%s: %d bytes", name, p.stdout.Len())
		}
		Equal(t, name, p.stderr.String(), fmt.Sprintln(len(text), "bytes"))
	}
	p := newProgram(t, "cat")
	Equal(t, "nothing", p.run(), "")
}

// A program that answers each line gets the next one when it has.
func TestWasiConversation(t *testing.T) {
	p := newProgram(t, "lines")
	in, toGuest := io.Pipe()
	fromGuest, out := io.Pipe()
	p.config.SetStdin(in)
	p.config.SetStdout(out)
	ended := make(chan error)
	go func() { ended <- p.Run(context.Background()) }()
	answers := make([]byte, 100)
	for i := range 3 {
		fmt.Fprintln(toGuest, "line", i)
		want := fmt.Sprintln("got line", i)
		n := Must(io.ReadFull(fromGuest, answers[:len(want)]))
		Equal(t, "answer", string(answers[:n]), want)
	}
	toGuest.Close()
	go io.Copy(io.Discard, fromGuest)
	Check(t, <-ended)
}

func TestWasiExit(t *testing.T) {
	Check(t, newProgram(t, "exit", "0").Run(context.Background()))
	// The standard library has no other word for the host than that it has failed.
	for _, args := range [][]string{{"exit", "3"}, {"read", "/nothing"}} {
		err := newProgram(t, args...).Run(context.Background())
		var exit *wasmtime.ExitError
		if !errors.As(err, &exit) {
			t.Fatalf("%v: %v", args, err)
		}
		Equal(t, args[0], exit.Status, 1)
	}
	var trap *wasmtime.Trap
	if err := newProgram(t, "panic").Run(context.Background()); !errors.As(err, &trap) {
		t.Errorf("a panic: %v", err)
	}
}

func TestWasiFiles(t *testing.T) {
	const want = `read world
len 12
cut hello
exists: No such file or directory (os error 44)
exclusive: File exists (os error 20)
outside: Operation not permitted (os error 63)
not empty: Directory not empty (os error 55)
is a directory: Is a directory (os error 31)
type: (true, false, 5)
time 1000000000s
list 2 ["b", "c"]
list 0 []
`
	const all = wasmtime.DIR_READ | wasmtime.DIR_WRITE
	for name, preopen := range map[string]func(*wasmtime.WasiConfig, string) error{
		"host": func(c *wasmtime.WasiConfig, dir string) error {
			return c.PreopenDir(dir, "/d", all, wasmtime.FILE_READ|wasmtime.FILE_WRITE)
		},
		"Go": func(c *wasmtime.WasiConfig, dir string) error {
			return c.PreopenFS(wasmtime.Writable(Must(os.OpenRoot(dir))), "/d")
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProgram(t, "files", "/d")
			Check(t, preopen(p.config, t.TempDir()))
			Equal(t, "stdout", p.run(), want)
		})
	}
}

func TestWasiReadOnly(t *testing.T) {
	dir := t.TempDir()
	Check(t, os.WriteFile(filepath.Join(dir, "f"), []byte("text"), 0o600))
	preopen := func(p *program) {
		Check(t, p.config.PreopenDir(dir, "/host", wasmtime.DIR_READ, wasmtime.FILE_READ))
		Check(t, p.config.PreopenFS(fstest.MapFS{"f": {Data: []byte("text")}}, "/go"))
	}
	for _, at := range []string{"/host/", "/go/"} {
		p := newProgram(t, "read", at+"f")
		preopen(p)
		Equal(t, at, p.run(), "text")
		p = newProgram(t, "write", at+"g", "text")
		preopen(p)
		if err := p.Run(context.Background()); err == nil || !strings.Contains(p.stderr.String(), "not permitted") {
			t.Errorf("%s: writing: %v, %s", at, err, &p.stderr)
		}
	}
}

// A directory of thousands is listed in several parts.
func TestWasiLargeDirectory(t *testing.T) {
	const n = 3000
	dir, tree := t.TempDir(), fstest.MapFS{}
	for i := range n {
		name := fmt.Sprintf("file-with-a-longer-name-%04d", i)
		Check(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
		tree[name] = &fstest.MapFile{}
	}
	for name, give := range map[string]func(*wasmtime.WasiConfig) error{
		"host": func(c *wasmtime.WasiConfig) error {
			return c.PreopenDir(dir, "/d", wasmtime.DIR_READ, wasmtime.FILE_READ)
		},
		"Go": func(c *wasmtime.WasiConfig) error { return c.PreopenFS(tree, "/d") },
	} {
		p := newProgram(t, "list", "/d")
		Check(t, give(p.config))
		if got := p.run(); !strings.HasPrefix(got, fmt.Sprintf("list %d [\"file-with-a-longer-name-0000\", ", n)) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// What was inserted under a name is preopened, too.
func TestWasiInsertedDirectory(t *testing.T) {
	p := newProgram(t, "read", "/inserted/f")
	p.Prepare = func(store *wasmtime.Store) error {
		_, err := store.PushFS(fstest.MapFS{"f": {Data: []byte("text")}}, "/inserted")
		return err
	}
	Equal(t, "stdout", p.run(), "text")
}

func TestWasiClocks(t *testing.T) {
	p := newProgram(t, "time")
	p.config.SetWallClock(func() time.Time { return time.Unix(1234567890, 0) }, time.Second)
	Equal(t, "stdout", p.run(), "slept true\nnow 1234567890\n")
	Equal(t, "random", newProgram(t, "random").run(), "different true\n")

	p = newProgram(t, "time")
	p.config.SetWallClock(func() time.Time { panic("no time") }, time.Second)
	func() {
		defer func() { Equal(t, "panic", recover(), any("no time")) }()
		_ = p.Run(context.Background())
	}()

	// Keys of maps are made of what Go gives.
	p = newProgram(t, "random")
	failed := errors.New("no entropy")
	p.config.SetSecureRandom(iotest.ErrReader(failed))
	p.config.SetInsecureRandom(iotest.ErrReader(failed))
	if err := p.Run(context.Background()); err != nil && !errors.Is(err, failed) {
		t.Errorf("random bytes that fail: %v", err)
	}
}

// A context ends every wait. It ends when the guest waits for certain: when what it waits for has been asked, or when
// the guest has said that it will and its thread sleeps.
func TestWasiContext(t *testing.T) {
	for name, prepare := range map[string]func(cancel func()) *program{
		"sleep": func(cancel func()) *program {
			// The guest asks for its arguments just before it sleeps.
			p := newProgram(t)
			p.Linker = component.NewLinker(stdEngine())
			t.Cleanup(p.Linker.Close)
			Check(t, p.Linker.DefineWasi())
			Check(t, p.Linker.Instance("wasi:cli/environment@0.2.0").Func("get-arguments", func() []string {
				time.AfterFunc(20*time.Millisecond, cancel)
				return []string{"std", "sleep", "100000"}
			}))
			return p
		},
		"reader": func(cancel func()) *program {
			p := newProgram(t, "cat")
			in, _ := io.Pipe()
			p.config.SetStdin(signalled{in, cancel})
			return p
		},
		"pipe": func(cancel func()) *program {
			p := newProgram(t, "cat")
			in, out := Pipe(t)
			p.config.SetStdin(in)
			Must(io.WriteString(out, "x\n"))
			// What was written is copied before the guest waits for more.
			p.config.SetStdout(writerFunc(func([]byte) { time.AfterFunc(20*time.Millisecond, cancel) }))
			return p
		},
		"accept": func(cancel func()) *program {
			p := newProgram(t, "listen")
			p.config.InheritNetwork()
			p.config.AllowTCP(true)
			// It prints its port before it waits.
			p.config.SetStdout(writerFunc(func([]byte) { time.AfterFunc(20*time.Millisecond, cancel) }))
			return p
		},
	} {
		ctx, cancel := context.WithCancel(context.Background())
		p := prepare(cancel)
		if err := p.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// writerFunc is a writer that takes everything.
type writerFunc func(p []byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}

func TestWasiConnect(t *testing.T) {
	listener := Must(net.Listen("tcp", "127.0.0.1:0"))
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			got, _ := io.ReadAll(conn)
			fmt.Fprintf(conn, "I got %s", got)
			conn.Close()
		}
	}()
	p := newProgram(t, "connect", listener.Addr().String())
	p.config.InheritNetwork()
	p.config.AllowTCP(true)
	Equal(t, "stdout", p.run(), "answer I got hello from the guest\n")

	p = newProgram(t, "connect", listener.Addr().String())
	p.config.AllowTCP(true)
	p.config.SetSocketAddrCheck(func(netip.AddrPort, wasmtime.SocketAddrUse) bool { return false })
	if err := p.Run(context.Background()); err == nil || !strings.Contains(p.stderr.String(), "ermission") {
		t.Errorf("an address that is refused: %v, %s", err, &p.stderr)
	}
}

func TestWasiListen(t *testing.T) {
	p := newProgram(t, "listen")
	p.config.InheritNetwork()
	p.config.AllowTCP(true)
	fromGuest, out := io.Pipe()
	p.config.SetStdout(out)
	ended := make(chan error)
	go func() { ended <- p.Run(context.Background()) }()
	var port int
	Must(fmt.Fscanf(fromGuest, "port %d\n", &port))
	go io.Copy(io.Discard, fromGuest)
	conn := Must(net.Dial("tcp", fmt.Sprint("127.0.0.1:", port)))
	text := strings.Repeat("0123456789", 100_000)
	go func() {
		io.WriteString(conn, text)
		conn.(*net.TCPConn).CloseWrite()
	}()
	if got := string(Must(io.ReadAll(conn))); got != text {
		t.Errorf("%d of %d bytes came back", len(got), len(text))
	}
	if err := <-ended; err != nil {
		t.Errorf("%v, %s", err, &p.stderr)
	}
}

func TestWasiUDP(t *testing.T) {
	p := newProgram(t, "udp")
	p.config.InheritNetwork()
	p.config.AllowUDP(true)
	Equal(t, "stdout", p.run(), "datagram true\n")
}

func TestWasiLookup(t *testing.T) {
	p := newProgram(t, "lookup", "localhost")
	p.config.AllowIPNameLookup(true)
	Equal(t, "stdout", p.run(), "found true\n")
	if err := newProgram(t, "lookup", "localhost").Run(context.Background()); err == nil {
		t.Error("a name was looked up without being allowed")
	}
}

func TestWasiHoard(t *testing.T) {
	p := newProgram(t, "hoard", "/d/f")
	Check(t, p.config.PreopenFS(fstest.MapFS{"f": {}}, "/d"))
	p.Prepare = func(store *wasmtime.Store) error { store.SetMaxResources(20); return nil }
	if got := p.run(); !strings.HasPrefix(got, "19 files: ") {
		t.Error(got)
	}
}

// One function of WASI is the program's, and the others stay.
func TestWasiReplaced(t *testing.T) {
	p := newProgram(t, "hello")
	p.config.SetEnv([]string{"A"}, []string{"1"})
	linker := component.NewLinker(stdEngine())
	defer linker.Close()
	Check(t, linker.Instance("wasi:cli/environment@0.2.0").Func("get-arguments", func() []string {
		return []string{"replaced", "hello"}
	}))
	Check(t, linker.DefineWasi())
	p.Linker = linker
	Equal(t, "stdout", p.run(), "args [\"replaced\", \"hello\"]\nenv {\"A\": \"1\"}\ncwd \"/\"\n")
}

// What Go functions return in place of WASI's is a resource of WASI's: made of a reader, a writer, a file system.
func TestWasiHandedOver(t *testing.T) {
	p := newProgram(t, "cat")
	linker := component.NewLinker(stdEngine())
	defer linker.Close()
	Check(t, linker.DefineWasi())
	p.Linker = linker
	Check(t, linker.Instance("wasi:cli/stdin@0.2.0").Func("get-stdin", func(c *wasmtime.Caller) (*component.Resource, error) {
		fd, err := c.PushReader(strings.NewReader("from Go"))
		if err != nil {
			return nil, err
		}
		return component.WasiInput(c, fd)
	}))
	var out bytes.Buffer
	Check(t, linker.Instance("wasi:cli/stdout@0.2.0").Func("get-stdout", func(c *wasmtime.Caller) (*component.Resource, error) {
		fd, err := c.PushWriter(&out)
		if err != nil {
			return nil, err
		}
		return component.WasiOutput(c, fd)
	}))
	Equal(t, "stdout", p.run(), "")
	Equal(t, "what Go got", out.String(), "from Go")

	type preopen struct {
		Dir  *component.Resource
		Name string
	}
	p = newProgram(t, "read", "/mine/f")
	linker = component.NewLinker(stdEngine())
	defer linker.Close()
	Check(t, linker.DefineWasi())
	p.Linker = linker
	Check(t, linker.Instance("wasi:filesystem/preopens@0.2.0").Func("get-directories", func(c *wasmtime.Caller) ([]preopen, error) {
		fd, err := c.PushFS(fstest.MapFS{"f": {Data: []byte("text")}}, "")
		if err != nil {
			return nil, err
		}
		dir, err := component.WasiDescriptor(c, fd)
		return []preopen{{dir, "/mine"}}, err
	}))
	Equal(t, "stdout", p.run(), "text")
}

// What cannot become a resource stays where it is, and one that is dropped is gone.
func TestWasiHandOver(t *testing.T) {
	store := wasmtime.NewStore(stdEngine())
	defer store.Close()
	if _, err := component.WasiInput(store, 3); !errors.Is(err, wasmtime.ErrNoWasi) {
		t.Errorf("without a configuration: %v", err)
	}
	Check(t, store.ConfigureWasi(wasmtime.NewWasiConfig()))
	if _, err := component.WasiInput(store, 3); !errors.Is(err, wasmtime.ErrBadFd) {
		t.Errorf("a descriptor that is not open: %v", err)
	}
	var closed closedReader
	fd := Must(store.PushReader(&closed))
	if _, err := component.WasiDescriptor(store, fd); err == nil || !strings.Contains(err.Error(), "stream") {
		t.Errorf("a reader as a descriptor: %v", err)
	}
	input := Must(component.WasiInput(store, fd))
	Equal(t, "name", input.Name(), "input-stream")
	if err := store.RemoveFile(fd); !errors.Is(err, wasmtime.ErrBadFd) {
		t.Errorf("the descriptor is still there: %v", err)
	}
	Check(t, input.Drop(nil))
	if err := input.Drop(nil); !errors.Is(err, component.ErrHandle) {
		t.Errorf("dropped twice: %v", err)
	}

	client, server := net.Pipe()
	defer server.Close()
	fd = Must(store.PushConn(client))
	in, out, err := component.WasiStreams(store, fd)
	Check(t, err)
	Check(t, in.Drop(nil))
	Check(t, out.Drop(nil))

	fd = Must(store.PushFS(fstest.MapFS{}, ""))
	if _, err := component.WasiOutput(store, fd); err == nil || !strings.Contains(err.Error(), "directory") {
		t.Errorf("a directory as a stream: %v", err)
	}
	Check(t, store.RemoveFile(fd))
}

type closedReader struct{}

func (*closedReader) Read([]byte) (int, error) { return 0, io.EOF }

// Interfaces are defined one by one.
func TestWasiByName(t *testing.T) {
	p := newProgram(t)
	linker := component.NewLinker(stdEngine())
	defer linker.Close()
	if err := linker.Check(p.Component); !errors.Is(err, component.ErrMissing) || !strings.Contains(err.Error(), "Linker.DefineWasi") {
		t.Errorf("without WASI: %v", err)
	}
	Check(t, linker.DefineWasi("wasi:cli", "wasi:io", "wasi:clocks", "wasi:random", "wasi:filesystem/types", "wasi:filesystem/preopens"))
	if err := linker.Check(p.Component); !errors.Is(err, component.ErrMissing) || !strings.Contains(err.Error(), "wasi:sockets") {
		t.Errorf("without sockets: %v", err)
	}
	Check(t, linker.DefineWasi("wasi:sockets"))
	Check(t, linker.Check(p.Component))
	if err := linker.DefineWasi("wasi:cli/nothing"); !errors.Is(err, component.ErrNotFound) || !strings.Contains(err.Error(), "wasi:cli/exit") {
		t.Errorf("an unknown interface: %v", err)
	}
}

// In a store without a configuration, a program that calls a function of WASI traps.
func TestWasiUnconfigured(t *testing.T) {
	p := newProgram(t)
	linker := component.NewLinker(stdEngine())
	defer linker.Close()
	Check(t, linker.DefineWasi())
	store := wasmtime.NewStore(stdEngine())
	defer store.Close()
	store.SetEpochDeadline(1 << 40)
	instance := Must(linker.Instantiate(nil, store, p.Component))
	_, err := Must(instance.Func("wasi:cli/run@0.2.0#run")).Call(context.Background())
	if err == nil || !strings.Contains(err.Error(), "no WASI configuration") {
		t.Errorf("%v", err)
	}
}
