package wasi_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing/fstest"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	"github.com/gowasmtime/wasmtime/component/wasi"
)

// What the interfaces are replaced by. Everything answers with what the library would not.

var errOfGo = errors.New("an error of Go's")

// environment has a second argument.
type environment struct{ second string }

func (environment) GetEnvironment(*wasmtime.Caller) ([][2]string, error) {
	return [][2]string{{"B", "2"}, {"C", "3"}}, nil
}
func (e environment) GetArguments(*wasmtime.Caller) ([]string, error) {
	return []string{"of", e.second}, nil
}
func (environment) InitialCwd(*wasmtime.Caller) (*string, error) { return new("/go"), nil }

// exit counts what does not end the program.
type exit struct{ ignored int }

func (e *exit) Exit(_ *wasmtime.Caller, status component.Result[struct{}, struct{}]) error {
	if status.IsOk() {
		e.ignored++
		return nil
	}
	return &wasmtime.ExitError{Status: 100}
}
func (e *exit) ExitWithCode(_ *wasmtime.Caller, code uint8) error {
	return &wasmtime.ExitError{Status: 100 + int32(code)}
}

type run struct{ runs int }

func (r *run) Run(*wasmtime.Caller) error {
	if r.runs++; r.runs > 1 {
		return errOfGo
	}
	return nil
}

// stdio has streams of the library's.
type stdio struct{ bytes.Buffer }

func (s *stdio) GetStdin(c *wasmtime.Caller) (*component.Resource, error) {
	return component.NewInput(c, strings.NewReader("input of Go"))
}
func (s *stdio) GetStdout(c *wasmtime.Caller) (*component.Resource, error) {
	return component.NewOutput(c, &s.Buffer)
}
func (s *stdio) GetStderr(c *wasmtime.Caller) (*component.Resource, error) { return s.GetStdout(c) }

// terminal is what says that a stream is one.
type terminal struct{ _ byte }

func (t *terminal) GetTerminalStdin(*wasmtime.Caller) (component.Option[wasi.TerminalInput], error) {
	return component.Some[wasi.TerminalInput](t), nil
}
func (t *terminal) GetTerminalStdout(*wasmtime.Caller) (component.Option[wasi.TerminalOutput], error) {
	return component.Some[wasi.TerminalOutput](t), nil
}
func (t *terminal) GetTerminalStderr(c *wasmtime.Caller) (component.Option[wasi.TerminalOutput], error) {
	return t.GetTerminalStdout(c)
}

// refusing refuses what it is asked for.
type refusing struct{}

func (refusing) GetTerminalStdin(*wasmtime.Caller) (component.Option[wasi.TerminalInput], error) {
	return component.None[wasi.TerminalInput](), errOfGo
}
func (refusing) GetTerminalStdout(*wasmtime.Caller) (component.Option[wasi.TerminalOutput], error) {
	return component.None[wasi.TerminalOutput](), errOfGo
}
func (r refusing) GetTerminalStderr(c *wasmtime.Caller) (component.Option[wasi.TerminalOutput], error) {
	return r.GetTerminalStdout(c)
}
func (refusing) InstanceNetwork(*wasmtime.Caller) (wasi.Network, error) { return nil, errOfGo }
func (refusing) CreateTCPSocket(*wasmtime.Caller, wasi.IPAddressFamily) (*component.Resource, error) {
	return nil, wasi.SocketsErrorCodeAccessDenied
}
func (refusing) CreateUDPSocket(*wasmtime.Caller, wasi.IPAddressFamily) (*component.Resource, error) {
	return nil, wasi.SocketsErrorCodeNewSocketLimit
}

// clock has pollables of either kind.
type clock[Pollable any] struct {
	pollable func(c *wasmtime.Caller, at uint64) (Pollable, error)
}

func (clock[Pollable]) Now(*wasmtime.Caller) (wasi.Instant, error)         { return 1000, nil }
func (clock[Pollable]) Resolution(*wasmtime.Caller) (wasi.Duration, error) { return 5, nil }
func (c clock[Pollable]) SubscribeInstant(caller *wasmtime.Caller, when wasi.Instant) (Pollable, error) {
	return c.pollable(caller, when)
}
func (c clock[Pollable]) SubscribeDuration(caller *wasmtime.Caller, when wasi.Duration) (Pollable, error) {
	return c.pollable(caller, 1000+when)
}

// channel makes pollables of channels, that are ready for the times until now.
func channel(c *wasmtime.Caller, at uint64) (*component.Resource, error) {
	done := make(chan struct{})
	switch {
	case at == 0:
		return nil, errOfGo
	case at <= 1000:
		close(done)
	}
	return component.NewPollable(c, done)
}

type wallClock struct{}

func (wallClock) Now(*wasmtime.Caller) (wasi.Datetime, error) {
	return wasi.Datetime{Seconds: 9, Nanoseconds: 8}, nil
}
func (wallClock) Resolution(*wasmtime.Caller) (wasi.Datetime, error) {
	return wasi.Datetime{Nanoseconds: 1}, nil
}

type timezone struct{}

func (timezone) Display(_ *wasmtime.Caller, when wasi.Datetime) (wasi.TimezoneDisplay, error) {
	return wasi.TimezoneDisplay{UTCOffset: -3600, Name: "AZOT", InDaylightSavingTime: when.Seconds > 5}, nil
}
func (timezone) UTCOffset(*wasmtime.Caller, wasi.Datetime) (int32, error) { return -3600, nil }

// virtual is a clock that nobody waits for: it goes on when somebody polls.
type virtual struct{ now uint64 }

func (v *virtual) Poll(_ *wasmtime.Caller, in []wasi.Pollable) (ready []uint32, err error) {
	for i, p := range in {
		if at := p.(*instant).at; at > v.now {
			v.now = at
		}
		ready = append(ready, uint32(i))
	}
	return ready, nil
}

type instant struct {
	clock *virtual
	at    uint64
}

func (i *instant) Ready(*wasmtime.Caller) (bool, error) { return i.clock.now >= i.at, nil }
func (i *instant) Block(*wasmtime.Caller) error {
	i.clock.now = max(i.clock.now, i.at)
	return nil
}

// directory is a preopen of the library's kind, with a file system of Go's.
type directory struct{}

func (directory) GetDirectories(c *wasmtime.Caller) ([]component.Tuple2[*component.Resource, string], error) {
	dir, err := component.NewDescriptor(c, fstest.MapFS{"f": {Data: []byte("file of Go")}})
	return []component.Tuple2[*component.Resource, string]{{A: dir, B: "/go"}}, err
}

// node is a descriptor of Go's: a file, or a directory of files.
type node struct {
	wasi.UnsupportedDescriptor
	content []byte
	files   map[string]*node
	at      wasi.NewTimestamp
}

func (n *node) GetType(*wasmtime.Caller) (wasi.DescriptorType, error) {
	if n.files != nil {
		return wasi.DescriptorTypeDirectory, nil
	}
	return wasi.DescriptorTypeRegularFile, nil
}
func (n *node) GetFlags(*wasmtime.Caller) (wasi.DescriptorFlags, error) {
	return wasi.DescriptorFlagsRead | wasi.DescriptorFlagsMutateDirectory, nil
}
func (n *node) OpenAt(_ *wasmtime.Caller, _ wasi.PathFlags, path string, open wasi.OpenFlags, flags wasi.DescriptorFlags) (wasi.Descriptor, error) {
	file := n.files[path]
	switch {
	case file != nil && open&wasi.OpenFlagsExclusive != 0:
		return nil, wasi.FilesystemErrorCodeExist
	case file != nil:
		return file, nil
	case flags&wasi.DescriptorFlagsWrite == 0 && open&wasi.OpenFlagsCreate != 0:
		return nil, &wrapped{wasi.FilesystemErrorCodeReadOnly}
	}
	return nil, wasi.FilesystemErrorCodeNoEntry
}
func (n *node) Read(_ *wasmtime.Caller, length, offset wasi.Filesize) (component.Tuple2[[]byte, bool], error) {
	rest := n.content[min(offset, uint64(len(n.content))):]
	rest = rest[:min(length, uint64(len(rest)))]
	return component.Tuple2[[]byte, bool]{A: rest, B: offset+length >= uint64(len(n.content))}, nil
}
func (n *node) Write(_ *wasmtime.Caller, buffer []byte, offset wasi.Filesize) (wasi.Filesize, error) {
	n.content = append(n.content[:offset], buffer...)
	return uint64(len(buffer)), nil
}
func (n *node) Stat(*wasmtime.Caller) (wasi.DescriptorStat, error) {
	return wasi.DescriptorStat{
		Type: wasi.DescriptorTypeRegularFile, LinkCount: 1, Size: uint64(len(n.content)),
		DataModificationTimestamp: &wasi.Datetime{Seconds: 5},
	}, nil
}
func (n *node) SetTimes(_ *wasmtime.Caller, _, modified wasi.NewTimestamp) error {
	n.at = modified
	return nil
}
func (n *node) ReadViaStream(c *wasmtime.Caller, offset wasi.Filesize) (*component.Resource, error) {
	return component.NewInput(c, bytes.NewReader(n.content[offset:]))
}
func (n *node) ReadDirectory(*wasmtime.Caller) (wasi.DirectoryEntryStream, error) {
	return &entries{[]string{"f"}}, nil
}
func (n *node) IsSameObject(_ *wasmtime.Caller, other wasi.Descriptor) (bool, error) {
	return other == n, nil
}
func (n *node) RenameAt(_ *wasmtime.Caller, old string, dir wasi.Descriptor, name string) error {
	to := dir.(*node)
	to.files[name] = n.files[old]
	delete(n.files, old)
	return nil
}

type entries struct{ names []string }

func (e *entries) ReadDirectoryEntry(*wasmtime.Caller) (*wasi.DirectoryEntry, error) {
	if len(e.names) == 0 {
		return nil, nil
	}
	name := e.names[0]
	e.names = e.names[1:]
	return &wasi.DirectoryEntry{Type: wasi.DescriptorTypeRegularFile, Name: name}, nil
}

// wrapped is an error around one of WASI's.
type wrapped struct{ inner error }

func (w *wrapped) Error() string { return "wrapped: " + w.inner.Error() }
func (w *wrapped) Unwrap() error { return w.inner }

// filesystem is Go's, as a whole.
type filesystem struct{ root *node }

func (filesystem) FilesystemErrorCode(*wasmtime.Caller, *component.Resource) (*wasi.FilesystemErrorCode, error) {
	return nil, nil
}
func (fs filesystem) GetDirectories(*wasmtime.Caller) ([]component.Tuple2[wasi.Descriptor, string], error) {
	return []component.Tuple2[wasi.Descriptor, string]{{A: fs.root, B: "/"}}, nil
}

// broken is an error of wasi:io.
type broken string

func (b *broken) ToDebugString(*wasmtime.Caller) (string, error) { return string(*b), nil }

// input and output are streams of Go's.
type input struct {
	wasi.UnsupportedInputStream
	io.Reader
}

func (in *input) Read(_ *wasmtime.Caller, n uint64) ([]byte, error) {
	p := make([]byte, min(n, 100))
	got, err := in.Reader.Read(p)
	if err == io.EOF {
		return nil, wasi.StreamErrorClosed()
	}
	return p[:got], err
}

type output struct {
	wasi.UnsupportedOutputStream
	strings.Builder
	failed wasi.Error
}

func (o *output) CheckWrite(*wasmtime.Caller) (uint64, error) { return 10, nil }
func (o *output) Write(_ *wasmtime.Caller, p []byte) error {
	if o.failed != nil {
		return &wrapped{wasi.StreamErrorLastOperationFailed(o.failed)}
	}
	o.Builder.Write(p)
	return nil
}
func (o *output) Splice(c *wasmtime.Caller, from wasi.InputStream, n uint64) (uint64, error) {
	p, err := from.Read(c, n)
	o.Builder.Write(p)
	return uint64(len(p)), err
}

// streams are standard streams of Go's.
type streams struct{ in *input }

func (s streams) GetStdin(*wasmtime.Caller) (wasi.InputStream, error) { return s.in, nil }

type randomness struct{}

func (randomness) GetRandomBytes(_ *wasmtime.Caller, n uint64) ([]byte, error) {
	return bytes.Repeat([]byte("r"), int(n)), nil
}
func (randomness) GetRandomU64(*wasmtime.Caller) (uint64, error) { return 11, nil }
func (randomness) GetInsecureRandomBytes(_ *wasmtime.Caller, n uint64) ([]byte, error) {
	return bytes.Repeat([]byte("i"), int(n)), nil
}
func (randomness) GetInsecureRandomU64(*wasmtime.Caller) (uint64, error) { return 12, nil }
func (randomness) InsecureSeed(*wasmtime.Caller) ([2]uint64, error)      { return [2]uint64{13, 14}, nil }

// network is one of Go's, and says what an error of Go's is.
type network struct{ name string }

func (n *network) InstanceNetwork(*wasmtime.Caller) (wasi.Network, error) { return n, nil }
func (n *network) NetworkErrorCode(_ *wasmtime.Caller, err wasi.Error) (*wasi.SocketsErrorCode, error) {
	if *err.(*broken) == "late" {
		return new(wasi.SocketsErrorCodeTimeout), nil
	}
	return nil, nil
}

// names look up names.
type names struct{ network any }

func (n *names) ResolveAddresses(_ *wasmtime.Caller, network wasi.Network, name string) (wasi.ResolveAddressStream, error) {
	n.network = network
	if name == "nowhere" {
		return nil, wasi.SocketsErrorCodeNameUnresolvable
	}
	return &addresses{all: []wasi.IPAddress{wasi.IPAddressIPv4{Value: wasi.IPv4Address{127, 0, 0, 9}}, wasi.IPAddressIPv6{Value: wasi.IPv6Address{7: 1}}}}, nil
}

type addresses struct{ all []wasi.IPAddress }

func (a *addresses) ResolveNextAddress(*wasmtime.Caller) (component.Option[wasi.IPAddress], error) {
	if len(a.all) == 0 {
		return component.None[wasi.IPAddress](), nil
	}
	next := a.all[0]
	a.all = a.all[1:]
	return component.Some(next), nil
}
func (a *addresses) Subscribe(*wasmtime.Caller) (*component.Resource, error) { return nil, errOfGo }

// socket is a socket for TCP, of Go's.
type socket struct {
	wasi.UnsupportedTCPSocket
	bound wasi.IPSocketAddress
	by    wasi.Network
}

func (s *socket) StartBind(_ *wasmtime.Caller, network wasi.Network, at wasi.IPSocketAddress) error {
	s.by, s.bound = network, at
	return nil
}
func (s *socket) LocalAddress(*wasmtime.Caller) (wasi.IPSocketAddress, error) {
	if s.bound == nil {
		return nil, wasi.SocketsErrorCodeInvalidState
	}
	return s.bound, nil
}
func (s *socket) IsListening(*wasmtime.Caller) (bool, error) { return true, nil }
func (s *socket) AddressFamily(*wasmtime.Caller) (wasi.IPAddressFamily, error) {
	return wasi.IPAddressFamilyIPv6, nil
}
func (s *socket) FinishConnect(c *wasmtime.Caller) (streams component.Tuple2[*component.Resource, *component.Resource], err error) {
	if streams.A, err = component.NewInput(c, strings.NewReader("input of Go")); err == nil {
		streams.B, err = component.NewOutput(c, io.Discard)
	}
	return streams, err
}

type sockets struct{ tcp *socket }

func (s sockets) CreateTCPSocket(*wasmtime.Caller, wasi.IPAddressFamily) (wasi.TCPSocket, error) {
	return s.tcp, nil
}

// datagrams is a socket for UDP, of Go's, and its own streams.
type datagrams struct {
	wasi.UnsupportedUDPSocket
	sent []wasi.OutgoingDatagram
}

func (d *datagrams) AddressFamily(*wasmtime.Caller) (wasi.IPAddressFamily, error) {
	return wasi.IPAddressFamilyIPv4, nil
}
func (d *datagrams) Stream(*wasmtime.Caller, component.Option[wasi.IPSocketAddress]) (both component.Tuple2[wasi.IncomingDatagramStream, wasi.OutgoingDatagramStream], err error) {
	both.A, both.B = arriving{}, leaving{d}
	return both, nil
}
func (d *datagrams) CreateUDPSocket(*wasmtime.Caller, wasi.IPAddressFamily) (wasi.UDPSocket, error) {
	return d, nil
}

type arriving struct{}

func (arriving) Receive(_ *wasmtime.Caller, most uint64) ([]wasi.IncomingDatagram, error) {
	from := wasi.IPSocketAddressIPv4{Value: wasi.IPv4SocketAddress{Port: 80, Address: wasi.IPv4Address{1, 2, 3, 4}}}
	return []wasi.IncomingDatagram{{Data: []byte("hello"), RemoteAddress: from}}, nil
}
func (arriving) Subscribe(*wasmtime.Caller) (*component.Resource, error) { return nil, errOfGo }

type leaving struct{ socket *datagrams }

func (leaving) CheckSend(*wasmtime.Caller) (uint64, error) { return 3, nil }
func (l leaving) Send(_ *wasmtime.Caller, all []wasi.OutgoingDatagram) (uint64, error) {
	l.socket.sent = append(l.socket.sent, all...)
	return uint64(len(all)), nil
}
func (leaving) Subscribe(*wasmtime.Caller) (*component.Resource, error) { return nil, errOfGo }
