package wasi_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestMain(m *testing.M) { Main(m) }

// fixture is an instance of a guest.
type fixture struct {
	t        testing.TB
	store    *wasmtime.Store
	instance *component.Instance
	exports  map[string]string
	stdout   strings.Builder
}

// define defines something in a linker.
type define = func(*component.Linker) error

// constant reads the same byte without an end.
type constant byte

func (c constant) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c)
	}
	return len(p), nil
}

// link instantiates a guest, with all of WASI and what is defined in its place.
func link(t testing.TB, g *guest, defines ...define) *fixture {
	t.Helper()
	f, err := tryLink(t, g, defines...)
	Check(t, err)
	return f
}

func tryLink(t testing.TB, g *guest, defines ...define) (*fixture, error) {
	t.Helper()
	engine, text := EngineWith(t, CompilesQuickly), g.text()
	c, err := component.New(engine, []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	t.Cleanup(c.Close)
	linker := component.NewLinker(engine)
	t.Cleanup(linker.Close)
	Check(t, linker.DefineWasi())
	for _, d := range defines {
		Check(t, d(linker))
	}
	f := &fixture{t: t, store: wasmtime.NewStore(engine), exports: g.exports}
	t.Cleanup(f.store.Close)
	config := wasmtime.NewWasiConfig()
	config.SetArgv([]string{"program", "of the library"})
	config.SetEnv([]string{"A"}, []string{"1"})
	config.SetInitialDir("/library")
	config.SetStdin(strings.NewReader("input of the library"))
	config.SetStdout(&f.stdout)
	config.SetWallClock(func() time.Time { return time.Unix(42, 7) }, time.Second)
	config.SetMonotonicClock(func() time.Duration { return 43 }, 3)
	config.SetSecureRandom(constant(1))
	config.SetInsecureRandom(constant(2))
	config.SetInsecureRandomSeed(3, 4)
	config.AllowTCP(true)
	config.AllowUDP(true)
	config.InheritNetwork()
	Check(t, config.PreopenFS(fstest.MapFS{"f": {Data: []byte("file of the library")}}, "/dir"))
	Check(t, f.store.ConfigureWasi(config))
	f.instance, err = linker.Instantiate(nil, f.store, c)
	return f, err
}

// call calls a function of WASI through the guest.
func (f *fixture) call(name string, args ...any) (any, error) {
	f.t.Helper()
	export := f.exports[name]
	if export == "" {
		f.t.Fatalf("the guest has no %s", name)
	}
	return Must(f.instance.Func(export)).Call(context.Background(), args...)
}

// get is call for what does not fail.
func (f *fixture) get(name string, args ...any) any {
	f.t.Helper()
	value, err := f.call(name, args...)
	if err != nil {
		f.t.Fatalf("%s: %v", name, err)
	}
	return value
}

// wants calls a function and compares what it returns, as a text, with what is wanted.
func (f *fixture) wants(want string, name string, args ...any) {
	f.t.Helper()
	if got := shown(f.call(name, args...)); got != want {
		f.t.Errorf("%s: got %s, want %s", name, got, want)
	}
}

// ends calls a function, which ends the guest with an error.
func (f *fixture) ends(want error, name string, args ...any) {
	f.t.Helper()
	_, err := f.call(name, args...)
	if failed := (*component.ResultError)(nil); !errors.Is(err, want) || errors.As(err, &failed) {
		f.t.Errorf("%s: got %v, want %v", name, err, want)
	}
}

// shown is a result as a text.
func shown(value any, err error) string {
	switch value := value.(type) {
	case []byte:
		return string(value)
	case *component.Resource:
		return "a " + value.Name()
	}
	if err != nil {
		return "err: " + err.Error()
	}
	return fmt.Sprint(value)
}

// probe shows something of a function of WASI.
type probe struct {
	// uses are the functions that it calls.
	uses []string
	of   func(f *fixture) string
	// want is what it shows of the library's.
	want string
}

func simple(want, name string, args ...any) probe {
	return probe{[]string{name}, func(f *fixture) string { return shown(f.call(name, args...)) }, want}
}

// probes look at nearly all interfaces. That of exit ends the guest, which is no use here.
var probes = []probe{
	simple("[program of the library]", "wasi:cli/environment#get-arguments"),
	simple("[[A 1]]", "wasi:cli/environment#get-environment"),
	simple("/library", "wasi:cli/environment#initial-cwd"),
	simple("<nil>", "wasi:cli/terminal-stdin#get-terminal-stdin"),
	simple("<nil>", "wasi:cli/terminal-stdout#get-terminal-stdout"),
	simple("<nil>", "wasi:cli/terminal-stderr#get-terminal-stderr"),
	simple("a output-stream", "wasi:cli/stderr#get-stderr"),
	simple("map[nanoseconds:7 seconds:42]", "wasi:clocks/wall-clock#now"),
	simple("43", "wasi:clocks/monotonic-clock#now"),
	simple("\x01\x01\x01", "wasi:random/random#get-random-bytes", 3),
	simple("144680345676153346", "wasi:random/insecure#get-insecure-random-u64"),
	simple("[4 3]", "wasi:random/insecure-seed#insecure-seed"),
	simple("a network", "wasi:sockets/instance-network#instance-network"),
	{[]string{"wasi:cli/stdin#get-stdin", "wasi:io/streams#[method]input-stream.blocking-read"}, func(f *fixture) string {
		in := f.get("wasi:cli/stdin#get-stdin")
		return shown(f.call("wasi:io/streams#[method]input-stream.blocking-read", in, 100))
	}, "input of the library"},
	{[]string{"wasi:cli/stdout#get-stdout", "wasi:io/streams#[method]output-stream.blocking-write-and-flush"}, func(f *fixture) string {
		out := f.get("wasi:cli/stdout#get-stdout")
		f.get("wasi:io/streams#[method]output-stream.blocking-write-and-flush", out, []byte("output"))
		return f.stdout.String()
	}, "output"},
	{[]string{"wasi:clocks/monotonic-clock#subscribe-instant", "wasi:io/poll#poll"}, func(f *fixture) string {
		past := f.get("wasi:clocks/monotonic-clock#subscribe-instant", 0)
		return shown(f.call("wasi:io/poll#poll", []any{past}))
	}, "[0]"},
	{[]string{"wasi:filesystem/preopens#get-directories", "wasi:filesystem/types#[method]descriptor.open-at",
		"wasi:filesystem/types#[method]descriptor.read"}, func(f *fixture) string {
		dir := f.get("wasi:filesystem/preopens#get-directories").([]any)[0].([]any)[0]
		file := f.get("wasi:filesystem/types#[method]descriptor.open-at", dir, 0, "f", 0, 1)
		return fmt.Sprintf("%s", f.get("wasi:filesystem/types#[method]descriptor.read", file, 100, 0).([]any)[0])
	}, "file of the library"},
	{[]string{"wasi:sockets/tcp-create-socket#create-tcp-socket", "wasi:sockets/tcp#[method]tcp-socket.address-family"}, func(f *fixture) string {
		socket := f.get("wasi:sockets/tcp-create-socket#create-tcp-socket", "ipv4")
		return shown(f.call("wasi:sockets/tcp#[method]tcp-socket.address-family", socket))
	}, "ipv4"},
	{[]string{"wasi:sockets/udp-create-socket#create-udp-socket", "wasi:sockets/udp#[method]udp-socket.address-family"}, func(f *fixture) string {
		socket := f.get("wasi:sockets/udp-create-socket#create-udp-socket", "ipv6")
		return shown(f.call("wasi:sockets/udp#[method]udp-socket.address-family", socket))
	}, "ipv6"},
	{[]string{"wasi:sockets/instance-network#instance-network", "wasi:sockets/ip-name-lookup#resolve-addresses",
		"wasi:sockets/ip-name-lookup#[method]resolve-address-stream.resolve-next-address"}, func(f *fixture) string {
		network := f.get("wasi:sockets/instance-network#instance-network")
		lookup, err := f.call("wasi:sockets/ip-name-lookup#resolve-addresses", network, "127.0.0.1")
		if err != nil {
			return shown(lookup, err)
		}
		return shown(f.call("wasi:sockets/ip-name-lookup#[method]resolve-address-stream.resolve-next-address", lookup))
	}, "err: permanent-resolver-failure"},
}

// The library's own interfaces show what the probes expect of them.
func TestProbes(t *testing.T) {
	var names []string
	for _, p := range probes {
		names = append(names, p.uses...)
	}
	for _, version := range []string{"0.2.0", "0.2.12"} {
		f := link(t, guestOf(version, names...))
		for _, p := range probes {
			Equal(t, strings.Join(p.uses, ", "), p.of(f), p.want)
		}
	}
}
