package wasi_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	"github.com/gowasmtime/wasmtime/component/wasi"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/internal/witjson"
)

// replacement is how an interface is replaced, and what is seen of it then.
type replacement struct {
	define func(*component.Linker) error
	// also are functions of other interfaces that the guest calls, and defines what else is Go's, because of resources.
	also    []string
	defines []define
	see     func(t *testing.T, f *fixture)
}

const (
	blockingRead  = "wasi:io/streams#[method]input-stream.blocking-read"
	blockingWrite = "wasi:io/streams#[method]output-stream.blocking-write-and-flush"
	text          = "wasi:io/error#[method]error.to-debug-string"
)

// replacements has all interfaces of WASI 0.2.
func replacements() map[string]replacement {
	var (
		left      exit
		runs      run
		out       stdio
		tty       terminal
		virtual   virtual
		file      = &node{content: []byte("file of Go")}
		root      = &node{files: map[string]*node{"f": file}}
		late      = new(broken("late"))
		in        = &input{Reader: strings.NewReader("input of Go")}
		written   = &output{}
		gos       = &network{"Go's"}
		lookup    names
		tcp       = &socket{}
		udp       = &datagrams{}
		goes      = clock[*component.Resource]{channel}
		virtually = clock[wasi.Pollable]{func(_ *wasmtime.Caller, at uint64) (wasi.Pollable, error) { return &instant{&virtual, at}, nil }}
	)
	return map[string]replacement{
		"wasi:cli/environment": {define: func(l *component.Linker) error { return wasi.DefineEnvironment(l, environment{"Go"}) }, see: func(t *testing.T, f *fixture) {
			f.wants("[of Go]", "wasi:cli/environment#get-arguments")
			f.wants("[[B 2] [C 3]]", "wasi:cli/environment#get-environment")
			f.wants("/go", "wasi:cli/environment#initial-cwd")
		}},
		"wasi:cli/exit": {define: func(l *component.Linker) error { return wasi.DefineExit(l, &left) }, see: func(t *testing.T, f *fixture) {
			f.wants("<nil>", "wasi:cli/exit#exit", component.Ok[any, any](nil))
			Equal(t, "ignored", left.ignored, 1)
			_, err := f.call("wasi:cli/exit#exit-with-code", 7)
			if code := (*wasmtime.ExitError)(nil); !errors.As(err, &code) || code.Status != 107 {
				t.Errorf("exit: %v", err)
			}
		}},
		"wasi:cli/run": {define: func(l *component.Linker) error { return wasi.DefineRun(l, &runs) }, see: func(t *testing.T, f *fixture) {
			f.wants("<nil>", "wasi:cli/run#run")
			f.wants("err: the function returned an error", "wasi:cli/run#run")
			Equal(t, "runs", runs.runs, 2)
		}},
		"wasi:cli/stdin": {define: func(l *component.Linker) error { return wasi.DefineStdin(l, &out) }, also: []string{blockingRead},
			see: func(t *testing.T, f *fixture) {
				f.wants("input of Go", blockingRead, f.get("wasi:cli/stdin#get-stdin"), 100)
			}},
		"wasi:cli/stdout": {define: func(l *component.Linker) error { return wasi.DefineStdout(l, &out) }, also: []string{blockingWrite},
			see: func(t *testing.T, f *fixture) {
				f.wants("<nil>", blockingWrite, f.get("wasi:cli/stdout#get-stdout"), []byte("to stdout"))
				Equal(t, "what Go got", out.String(), "to stdout")
				Equal(t, "what the library got", f.stdout.String(), "")
				out.Reset()
			}},
		"wasi:cli/stderr": {define: func(l *component.Linker) error { return wasi.DefineStderr(l, &out) }, also: []string{blockingWrite},
			see: func(t *testing.T, f *fixture) {
				f.wants("<nil>", blockingWrite, f.get("wasi:cli/stderr#get-stderr"), []byte("to stderr"))
				Equal(t, "what Go got", out.String(), "to stderr")
				out.Reset()
			}},
		"wasi:cli/terminal-input": {define: wasi.DefineTerminalInput, also: []string{"wasi:cli/terminal-stdin"},
			defines: []define{func(l *component.Linker) error { return wasi.DefineTerminalStdin(l, &tty) }},
			see: func(t *testing.T, f *fixture) {
				Equal(t, "terminal", f.get("wasi:cli/terminal-stdin#get-terminal-stdin"), any(&tty))
			}},
		"wasi:cli/terminal-output": {define: wasi.DefineTerminalOutput,
			also: []string{"wasi:cli/terminal-stdout", "wasi:cli/terminal-stderr"},
			defines: []define{func(l *component.Linker) error { return wasi.DefineTerminalStdout(l, &tty) },
				func(l *component.Linker) error { return wasi.DefineTerminalStderr(l, &tty) }},
			see: func(t *testing.T, f *fixture) {
				Equal(t, "terminal", f.get("wasi:cli/terminal-stdout#get-terminal-stdout"), any(&tty))
				Equal(t, "terminal", f.get("wasi:cli/terminal-stderr#get-terminal-stderr"), any(&tty))
			}},
		"wasi:cli/terminal-stdin": {define: func(l *component.Linker) error { return wasi.DefineTerminalStdin(l, refusing{}) },
			see: func(t *testing.T, f *fixture) { f.ends(errOfGo, "wasi:cli/terminal-stdin#get-terminal-stdin") }},
		"wasi:cli/terminal-stdout": {define: func(l *component.Linker) error { return wasi.DefineTerminalStdout(l, refusing{}) },
			see: func(t *testing.T, f *fixture) { f.ends(errOfGo, "wasi:cli/terminal-stdout#get-terminal-stdout") }},
		"wasi:cli/terminal-stderr": {define: func(l *component.Linker) error { return wasi.DefineTerminalStderr(l, refusing{}) },
			see: func(t *testing.T, f *fixture) { f.ends(errOfGo, "wasi:cli/terminal-stderr#get-terminal-stderr") }},
		"wasi:clocks/monotonic-clock": {define: func(l *component.Linker) error { return wasi.DefineMonotonicClock(l, goes) }, also: []string{"wasi:io/poll#poll"},
			see: func(t *testing.T, f *fixture) {
				f.wants("1000", "wasi:clocks/monotonic-clock#now")
				f.wants("5", "wasi:clocks/monotonic-clock#resolution")
				past := f.get("wasi:clocks/monotonic-clock#subscribe-instant", 1)
				future := f.get("wasi:clocks/monotonic-clock#subscribe-duration", 1)
				f.wants("[1]", "wasi:io/poll#poll", []any{future, past})
				f.ends(errOfGo, "wasi:clocks/monotonic-clock#subscribe-instant", 0)
			}},
		"wasi:clocks/wall-clock": {define: func(l *component.Linker) error { return wasi.DefineWallClock(l, wallClock{}) }, see: func(t *testing.T, f *fixture) {
			f.wants("map[nanoseconds:8 seconds:9]", "wasi:clocks/wall-clock#now")
			f.wants("map[nanoseconds:1 seconds:0]", "wasi:clocks/wall-clock#resolution")
		}},
		"wasi:clocks/timezone": {define: func(l *component.Linker) error { return wasi.DefineTimezone(l, timezone{}) }, see: func(t *testing.T, f *fixture) {
			f.wants("map[in-daylight-saving-time:true name:AZOT utc-offset:-3600]", "wasi:clocks/timezone#display", wasi.Datetime{Seconds: 6})
			f.wants("-3600", "wasi:clocks/timezone#utc-offset", wasi.Datetime{})
		}},
		"wasi:filesystem/preopens": {define: func(l *component.Linker) error { return wasi.DefinePreopens(l, directory{}) },
			also: []string{"wasi:filesystem/types"},
			see: func(t *testing.T, f *fixture) {
				preopen := f.get("wasi:filesystem/preopens#get-directories").([]any)[0].([]any)
				Equal(t, "name", preopen[1], any("/go"))
				file := f.get("wasi:filesystem/types#[method]descriptor.open-at", preopen[0], 0, "f", 0, 1)
				f.wants("[[102 105 108 101 32 111 102 32 71 111] false]", "wasi:filesystem/types#[method]descriptor.read", file, 100, 0)
			}},
		"wasi:filesystem/types": {define: func(l *component.Linker) error { return wasi.DefineFilesystemTypes(l, filesystem{root}) },
			also:    []string{"wasi:filesystem/preopens", blockingRead},
			defines: []define{func(l *component.Linker) error { return wasi.DefinePreopens(l, filesystem{root}) }},
			see:     func(t *testing.T, f *fixture) { seeFiles(t, f, root, file) }},
		"wasi:io/error": {define: wasi.DefineError, see: func(t *testing.T, f *fixture) { f.wants("late", text, late) }},
		"wasi:io/poll": {define: func(l *component.Linker) error { return wasi.DefinePoll(l, &virtual) }, also: []string{"wasi:clocks/monotonic-clock"},
			defines: []define{func(l *component.Linker) error { return wasi.DefineMonotonicClock(l, virtually) }},
			see: func(t *testing.T, f *fixture) {
				hour := f.get("wasi:clocks/monotonic-clock#subscribe-duration", uint64(3600e9))
				f.wants("false", "wasi:io/poll#[method]pollable.ready", hour)
				day := f.get("wasi:clocks/monotonic-clock#subscribe-instant", uint64(24*3600e9))
				f.wants("[0 1]", "wasi:io/poll#poll", []any{hour, day})
				f.wants("true", "wasi:io/poll#[method]pollable.ready", hour)
				later := &instant{&virtual, 1 << 60}
				f.wants("<nil>", "wasi:io/poll#[method]pollable.block", later)
				Equal(t, "now", virtual.now, 1<<60)
			}},
		"wasi:io/streams": {define: wasi.DefineStreams, also: []string{"wasi:cli/stdin", text},
			defines: []define{wasi.DefineError, func(l *component.Linker) error { return wasi.DefineStdin(l, streams{in}) }},
			see:     func(t *testing.T, f *fixture) { seeStreams(t, f, in, written) }},
		"wasi:random/random": {define: func(l *component.Linker) error { return wasi.DefineRandom(l, randomness{}) }, see: func(t *testing.T, f *fixture) {
			f.wants("rrr", "wasi:random/random#get-random-bytes", 3)
			f.wants("11", "wasi:random/random#get-random-u64")
		}},
		"wasi:random/insecure": {define: func(l *component.Linker) error { return wasi.DefineInsecure(l, randomness{}) }, see: func(t *testing.T, f *fixture) {
			f.wants("ii", "wasi:random/insecure#get-insecure-random-bytes", 2)
			f.wants("12", "wasi:random/insecure#get-insecure-random-u64")
		}},
		"wasi:random/insecure-seed": {define: func(l *component.Linker) error { return wasi.DefineInsecureSeed(l, randomness{}) }, see: func(t *testing.T, f *fixture) {
			f.wants("[13 14]", "wasi:random/insecure-seed#insecure-seed")
		}},
		"wasi:sockets/network": {define: wasi.DefineNetwork, also: []string{"wasi:sockets/instance-network", text},
			defines: []define{wasi.DefineError, func(l *component.Linker) error { return wasi.DefineInstanceNetwork(l, gos) },
				func(l *component.Linker) error { return wasi.DefineNetworkUnstable(l, gos) }},
			see: func(t *testing.T, f *fixture) {
				Equal(t, "network", f.get("wasi:sockets/instance-network#instance-network"), any(gos))
				f.wants("timeout", "wasi:sockets/network#network-error-code", late)
				f.wants("<nil>", "wasi:sockets/network#network-error-code", new(broken("")))
			}},
		"wasi:sockets/instance-network": {define: func(l *component.Linker) error { return wasi.DefineInstanceNetwork(l, refusing{}) },
			see: func(t *testing.T, f *fixture) { f.ends(errOfGo, "wasi:sockets/instance-network#instance-network") }},
		"wasi:sockets/ip-name-lookup": {define: func(l *component.Linker) error { return wasi.DefineIPNameLookup(l, &lookup) },
			also: []string{"wasi:sockets/instance-network"},
			see: func(t *testing.T, f *fixture) {
				network := f.get("wasi:sockets/instance-network#instance-network")
				found := f.get("wasi:sockets/ip-name-lookup#resolve-addresses", network, "example.org")
				next := "wasi:sockets/ip-name-lookup#[method]resolve-address-stream.resolve-next-address"
				f.wants("ipv4([127 0 0 9])", next, found)
				f.wants("ipv6([0 0 0 0 0 0 0 1])", next, found)
				f.wants("<nil>", next, found)
				f.wants("err: name-unresolvable", "wasi:sockets/ip-name-lookup#resolve-addresses", network, "nowhere")
				Equal(t, "the library's network", fmt.Sprintf("%T", lookup.network), "*component.Resource")
				f.ends(errOfGo, "wasi:sockets/ip-name-lookup#[method]resolve-address-stream.subscribe", found)
			}},
		"wasi:sockets/tcp": {define: wasi.DefineTCP,
			also:    []string{"wasi:sockets/tcp-create-socket", "wasi:sockets/instance-network", blockingRead},
			defines: []define{func(l *component.Linker) error { return wasi.DefineTCPCreateSocket(l, sockets{tcp}) }},
			see:     func(t *testing.T, f *fixture) { seeTCP(t, f, tcp) }},
		"wasi:sockets/tcp-create-socket": {define: func(l *component.Linker) error { return wasi.DefineTCPCreateSocket(l, refusing{}) },
			see: func(t *testing.T, f *fixture) {
				f.wants("err: access-denied", "wasi:sockets/tcp-create-socket#create-tcp-socket", "ipv4")
			}},
		"wasi:sockets/udp": {define: wasi.DefineUDP, also: []string{"wasi:sockets/udp-create-socket"},
			defines: []define{func(l *component.Linker) error { return wasi.DefineUDPCreateSocket(l, udp) }},
			see: func(t *testing.T, f *fixture) {
				socket := f.get("wasi:sockets/udp-create-socket#create-udp-socket", "ipv6")
				f.wants("ipv4", "wasi:sockets/udp#[method]udp-socket.address-family", socket)
				both := f.get("wasi:sockets/udp#[method]udp-socket.stream", socket, nil).([]any)
				f.wants("[map[data:[104 101 108 108 111] remote-address:ipv4(map[address:[1 2 3 4] port:80])]]",
					"wasi:sockets/udp#[method]incoming-datagram-stream.receive", both[0], 5)
				f.wants("3", "wasi:sockets/udp#[method]outgoing-datagram-stream.check-send", both[1])
				f.wants("1", "wasi:sockets/udp#[method]outgoing-datagram-stream.send", both[1],
					[]wasi.OutgoingDatagram{{Data: []byte("out")}})
				if len(udp.sent) != 1 || string(udp.sent[0].Data) != "out" {
					t.Errorf("sent: %v", udp.sent)
				}
				f.wants("err: not-supported", "wasi:sockets/udp#[method]udp-socket.finish-bind", socket)
			}},
		"wasi:sockets/udp-create-socket": {define: func(l *component.Linker) error { return wasi.DefineUDPCreateSocket(l, refusing{}) },
			see: func(t *testing.T, f *fixture) {
				f.wants("err: new-socket-limit", "wasi:sockets/udp-create-socket#create-udp-socket", "ipv4")
			}},
	}
}

func seeFiles(t *testing.T, f *fixture, root, file *node) {
	of := func(method string) string { return "wasi:filesystem/types#[method]descriptor." + method }
	preopens := f.get("wasi:filesystem/preopens#get-directories").([]any)
	dir := preopens[0].([]any)[0]
	Equal(t, "the preopened directory", dir, any(root))
	f.wants("directory", of("get-type"), dir)
	f.wants("[read mutate-directory]", of("get-flags"), dir)
	f.wants("err: no-entry", of("open-at"), dir, 0, "nothing", 0, 0)
	f.wants("err: exist", of("open-at"), dir, 0, "f", []string{"exclusive"}, 0)
	f.wants("err: read-only", of("open-at"), dir, 0, "new", wasi.OpenFlagsCreate, wasi.DescriptorFlagsRead)
	opened := f.get(of("open-at"), dir, 0, "f", 0, 1)
	Equal(t, "the file", opened, any(file))
	f.wants("[[111 102] false]", of("read"), opened, 2, 5)
	f.wants("5", of("write"), opened, []byte("WASI!"), 8)
	f.wants("map[data-access-timestamp:<nil> data-modification-timestamp:map[nanoseconds:0 seconds:5] link-count:1 size:13 "+
		"status-change-timestamp:<nil> type:regular-file]", of("stat"), opened)
	f.wants("<nil>", of("set-times"), opened, component.Variant{Case: "no-change"},
		component.Variant{Case: "timestamp", Value: wasi.Datetime{Seconds: 6}})
	if at, ok := file.at.(wasi.NewTimestampTimestamp); !ok || at.Value.Seconds != 6 {
		t.Errorf("the time that was set: %v", file.at)
	}
	stream := f.get(of("read-via-stream"), opened, 5)
	Equal(t, "a stream of the library's", shown(stream, nil), "a input-stream")
	f.wants("of WASI!", blockingRead, stream, 100)
	f.wants("true", of("is-same-object"), opened, file)
	f.wants("false", of("is-same-object"), opened, root)
	f.wants("<nil>", of("rename-at"), dir, "f", root, "g")
	Equal(t, "renamed", root.files["g"], file)
	list := f.get(of("read-directory"), dir)
	next := "wasi:filesystem/types#[method]directory-entry-stream.read-directory-entry"
	f.wants("map[name:f type:regular-file]", next, list)
	f.wants("<nil>", next, list)
	f.wants("err: unsupported", of("sync"), opened)
}

func seeStreams(t *testing.T, f *fixture, in *input, out *output) {
	of := func(method string) string { return "wasi:io/streams#[method]" + method }
	stdin := f.get("wasi:cli/stdin#get-stdin")
	Equal(t, "stdin", stdin, any(in))
	f.wants("input", of("input-stream.read"), stdin, 5)
	f.wants("10", of("output-stream.check-write"), out)
	f.wants("<nil>", of("output-stream.write"), out, []byte("written"))
	f.wants("6", of("output-stream.splice"), out, stdin, 50)
	Equal(t, "written", out.String(), "written of Go")
	f.wants("err: the function returned the error closed", of("input-stream.read"), stdin, 5)
	out.failed = new(broken("full"))
	_, err := f.call(of("output-stream.write"), out, []byte("more"))
	var failed *component.ResultError
	if !errors.As(err, &failed) {
		t.Fatalf("a write that fails: %v", err)
	}
	why := failed.Value.(component.Variant)
	Equal(t, "case", why.Case, "last-operation-failed")
	Equal(t, "the error", why.Value, any(out.failed))
	f.wants("full", text, why.Value)
	f.ends(wasmtime.ErrUnsupported, of("input-stream.subscribe"), stdin)
}

func seeTCP(t *testing.T, f *fixture, tcp *socket) {
	of := func(method string) string { return "wasi:sockets/tcp#[method]tcp-socket." + method }
	created := f.get("wasi:sockets/tcp-create-socket#create-tcp-socket", "ipv4")
	Equal(t, "socket", created, any(tcp))
	f.wants("ipv6", of("address-family"), created)
	f.wants("true", of("is-listening"), created)
	f.wants("err: invalid-state", of("local-address"), created)
	network := f.get("wasi:sockets/instance-network#instance-network")
	at := component.Variant{Case: "ipv6", Value: wasi.IPv6SocketAddress{Port: 8080, FlowInfo: 1, Address: wasi.IPv6Address{1, 2, 3, 4, 5, 6, 7, 8}, ScopeID: 9}}
	f.wants("<nil>", of("start-bind"), created, network, at)
	want := wasi.IPSocketAddressIPv6{Value: wasi.IPv6SocketAddress{Port: 8080, FlowInfo: 1, Address: wasi.IPv6Address{1, 2, 3, 4, 5, 6, 7, 8}, ScopeID: 9}}
	Equal(t, "bound", tcp.bound, wasi.IPSocketAddress(want))
	Equal(t, "the library's network", fmt.Sprintf("%T", tcp.by), "*component.Resource")
	f.wants("ipv6(map[address:[1 2 3 4 5 6 7 8] flow-info:1 port:8080 scope-id:9])", of("local-address"), created)
	both := f.get(of("finish-connect"), created).([]any)
	f.wants("input of Go", blockingRead, both[0], 100)
	f.wants("err: not-supported", of("start-listen"), created)
}

// Each interface is replaced from Go by itself, and a component that imports it with others sees Go's functions, and of
// all others the library's.
func TestEachInterfaceIsReplaced(t *testing.T) {
	all, unchanged := replacements(), 0
	for _, i := range wasiInterfaces() {
		path := i.Path()
		r, there := all[path]
		if !there {
			t.Errorf("there is no replacement of %s", path)
			continue
		}
		delete(all, path)
		t.Run(strings.ReplaceAll(strings.TrimPrefix(path, "wasi:"), "/", "_"), func(t *testing.T) {
			others, names := untouched(path, r.also)
			for _, version := range []string{"0.2.0", i.Version()} {
				f := link(t, guestOf(version, append(names, append(r.also, path)...)...), append(r.defines, r.define)...)
				for _, p := range others {
					Equal(t, strings.Join(p.uses, ", "), p.of(f), p.want)
				}
				if version == "0.2.0" {
					continue // it has been linked: that is what the version is for
				}
				r.see(t, f)
			}
			unchanged += len(others)
			if len(others) < 5 {
				t.Errorf("there are only %d others to see", len(others))
			}
		})
	}
	for path := range all {
		t.Errorf("%s is not an interface", path)
	}
	t.Logf("%d interfaces of WASI 0.2 are replaced, one by one; %d times another one was seen unchanged", len(wasiInterfaces()), unchanged)
}

// untouched returns the probes of what is the library's where an interface is replaced, with all that they call: that
// is what does not use the interface, or any other that is replaced with it, nor a resource of these.
func untouched(path string, also []string) (others []probe, names []string) {
	var replaced []*witjson.Interface
	for _, name := range append([]string{path}, also...) {
		if !strings.Contains(name, "#") || strings.HasPrefix(name, "wasi:io/error") {
			interfacePath, _, _ := strings.Cut(name, "#")
			replaced = append(replaced, wit().Find(interfacePath))
		}
	}
	for _, p := range probes {
		touches := slices.ContainsFunc(p.uses, func(name string) bool {
			interfacePath, function, _ := strings.Cut(name, "#")
			i := wit().Find(interfacePath)
			f := i.Functions[slices.IndexFunc(i.Functions, func(f *witjson.Function) bool { return f.Name == function })]
			return slices.ContainsFunc(replaced, func(r *witjson.Interface) bool {
				return r == i || slices.ContainsFunc(r.Types, func(d *witjson.Def) bool { return d.Kind == witjson.Resource && f.Mentions(d) })
			})
		})
		if !touches {
			others, names = append(others, p), append(names, p.uses...)
		}
	}
	return others, names
}
