// Package http tests what package component makes of wasi:http, with guests that are built.
package http

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

func TestMain(m *testing.M) { Main(m, closeShared) }

// shared is the engine and the component of all tests.
var shared = sync.OnceValue(func() (s struct {
	engine *wasmtime.Engine
	guest  *component.Component
}) {
	config := wasmtime.NewConfig()
	config.SetEpochInterruption(true)
	s.engine = wasmtime.NewEngineWithConfig(config)
	s.guest = Must(component.New(s.engine, guests.Component("httptries")))
	return s
})

func closeShared() {
	shared().guest.Close()
	shared().engine.Close()
}

// said is what a logger has written.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// loopback allows guests to ask servers of this machine.
func loopback() []component.HTTPOption {
	return []component.HTTPOption{
		component.HTTPAllowHosts("*"), component.HTTPAllowNetworks(netip.MustParsePrefix("127.0.0.0/8")),
	}
}

// server is a server of the guest.
type server struct {
	*httptest.Server
	handler *component.Handler
	log     *said
}

// serve starts one.
func serve(t testing.TB, define []component.HTTPOption, options ...component.HandlerOption) *server {
	t.Helper()
	linker := component.NewLinker(shared().engine)
	t.Cleanup(linker.Close)
	Check(t, linker.DefineWasi())
	Check(t, component.DefineHTTP(linker, define...))
	pre := Must(linker.InstantiatePre(shared().guest))
	t.Cleanup(pre.Close)
	s := &server{log: &said{}}
	options = append([]component.HandlerOption{component.WithLogger(slog.New(slog.NewTextHandler(s.log, nil)))}, options...)
	s.handler = component.NewHandler(pre, options...)
	Check(t, s.handler.Err())
	t.Cleanup(func() { Check(t, s.handler.Close()) })
	s.Server = httptest.NewUnstartedServer(s.handler)
	s.Config.ErrorLog = log.New(s.log, "the server: ", 0)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// get asks a server, and returns the status and the body, or the error in their place.
func (s *server) get(t testing.TB, path string, header ...string) string {
	t.Helper()
	r := Must(http.NewRequestWithContext(t.Context(), "GET", s.URL+path, nil))
	return s.do(t, r, header...)
}

// failed tells whether that is the answer of a guest that has failed. On a busy machine, what it had said by then was
// on its way already.
func failed(got string) bool {
	return got == "502 Bad Gateway" || strings.HasPrefix(got, "200 broken after ")
}

// mustFail is for answers of guests that have failed.
func mustFail(t testing.TB, what, got string) {
	t.Helper()
	if !failed(got) {
		t.Errorf("%s: %.100s", what, got)
	}
}

func (s *server) do(t testing.TB, r *http.Request, header ...string) string {
	t.Helper()
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := s.Client().Do(r)
	if err != nil {
		return "error"
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Sprintf("%d broken after %d", response.StatusCode, len(body))
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", response.StatusCode, body))
}

// mustSay checks that a log has a text.
func mustSay(t testing.TB, log *said, text string) {
	t.Helper()
	// A client may have its answer before the guest fails.
	for end := time.Now().Add(10 * time.Second); !strings.Contains(log.String(), text) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if !strings.Contains(log.String(), text) {
		t.Errorf("the log does not say %q:\n%s", text, log)
	}
}

// Every rule of upstream's about fields holds.
func TestFieldRules(t *testing.T) {
	s := serve(t, nil)
	want := `200 connection: forbidden
Keep-Alive: forbidden
proxy-authenticate: forbidden
proxy-authorization: forbidden
proxy-connection: forbidden
transfer-encoding: forbidden
Upgrade: forbidden
host: forbidden
http2-settings: forbidden
a name: invalid-syntax
empty: invalid-syntax
line: invalid-syntax
bytes: ok
two lengths: invalid-syntax
length: invalid-syntax
length: ok
length again: invalid-syntax
request: immutable
clone: ok
delete: ok
none: ok
response: immutable
a=1 a=3 b=2
true false`
	if got := s.get(t, "/rules"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// What guests get wrong is 502 with the reason in the log, and nothing else.
func TestGuestsThatFail(t *testing.T) {
	for _, test := range []struct{ path, want, log string }{
		{"/twice", "200 once", "unknown handle"},
		{"/fields?1000000", "502 Bad Gateway", "HTTPFieldSize"},
		{"/messages?1000000", "502 Bad Gateway", "HTTPFieldSize"},
		{"/handles?1000000", "502 Bad Gateway", "too many resources"},
		{"/children", "502 Bad Gateway", "has children"},
		{"/orphans", "502 Bad Gateway", "has children"},
		{"/status?100", "502 Bad Gateway", "status 100"},
		{"/status?99", "200 no status", ""},
		{"/dropped?100", "502 Bad Gateway", "dropped the body"},
		{"/dropped?100000", "200 broken after", "dropped the body"},
		{"/late?100", "502 Bad Gateway", "unreachable"},
		{"/late?100000", "200 broken after", "unreachable"},
		{"/after", "200 complete", "after its response"},
		{"/unfinished?100", "200 " + strings.Repeat("x", 100), ""},
		{"/unfinished?100000", "200 " + strings.Repeat("x", 100000), ""},
		{"/before?65536", "200 " + strings.Repeat("x", 65536), ""},
		{"/before?100000", "200 65536 Some(ErrorCode::InternalError", ""},
		{"/unsent", "200 65536 Some(ErrorCode::InternalError", ""},
		{"/again", "200 (true, false, false)", ""},
	} {
		t.Run(test.path, func(t *testing.T) {
			s := serve(t, nil)
			got := s.get(t, test.path)
			if !(failed(test.want) && failed(got)) && !strings.HasPrefix(got, test.want) {
				t.Errorf("got %.100s, want %.100s", got, test.want)
			}
			if test.log != "" {
				mustSay(t, s.log, test.log)
			} else if s.log.String() != "" {
				t.Errorf("logged %s", s.log)
			}
			Equal(t, "afterwards", s.get(t, "/count"), "200 1")
		})
	}
}

// A body has the length that was announced, or the client learns of it.
func TestLengths(t *testing.T) {
	var printed said
	wasi := wasmtime.NewWasiConfig()
	defer wasi.Close()
	wasi.SetStderr(&printed)
	s := serve(t, nil, component.WithWasi(func(*http.Request) (*wasmtime.WasiConfig, error) { return wasi, nil }))
	Equal(t, "right", s.get(t, "/length?10"), "200 0123456789")
	Equal(t, "printed", printed.String(), "")
	mustFail(t, "too long", s.get(t, "/length?20"))
	mustSay(t, &printed, "HttpResponseBodySize(Some(10))")
	if got := s.get(t, "/length?5"); !failed(got) && got != "200 01234" { // what fits may be on its way
		t.Errorf("too short: %s", got)
	}
	mustSay(t, &printed, "Some(ErrorCode::HttpResponseBodySize(Some(1")
}

// The headers are there before the body, and all of a short response before the guest's call has ended.
func TestTimes(t *testing.T) {
	s := serve(t, nil)
	start := time.Now()
	response := Must(s.Client().Get(s.URL + "/early?1000"))
	if waited := time.Since(start); waited > 700*time.Millisecond {
		t.Errorf("the headers came after %v", waited)
	}
	Equal(t, "body", string(Must(io.ReadAll(response.Body))), "late")
	response.Body.Close()

	for tries := 0; ; tries++ { // on a busy machine, the response may be flushed before its guest has ended it
		start = time.Now()
		Equal(t, "done", s.get(t, "/background?1000"), "200 done")
		waited := time.Since(start)
		if waited < 700*time.Millisecond {
			break
		}
		if tries == 5 {
			t.Fatalf("the response came after %v", waited)
		}
	}

	response = Must(s.Client().Get(s.URL + "/ticks?3"))
	defer response.Body.Close()
	p := make([]byte, 100)
	for range 3 {
		n := Must(response.Body.Read(p))
		Equal(t, "a tick", string(p[:n]), "tick\n")
	}
}

// A guest that takes too long is 504, and one that is waited for too long 503.
func TestTimeouts(t *testing.T) {
	s := serve(t, nil, component.WithTimeout(300*time.Millisecond), component.WithMaxInstances(1))
	Equal(t, "in time", s.get(t, "/sleep?10"), "200 slept")
	Equal(t, "too late", s.get(t, "/sleep?5000"), "504 Gateway Timeout")
	mustSay(t, s.log, "time-out")

	s = serve(t, nil, component.WithMaxInstances(1))
	first := make(chan string)
	go func() { first <- s.get(t, "/sleep?1000") }()
	time.Sleep(200 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/count", nil))
	Equal(t, "no place", w.Code, http.StatusServiceUnavailable)
	Equal(t, "the one that has it", <-first, "200 slept")
	Equal(t, "afterwards", s.get(t, "/sleep?10"), "200 slept")
}

// When the client goes, so does the guest: the next one has its place.
func TestClientsThatVanish(t *testing.T) {
	s := serve(t, nil, component.WithMaxInstances(1))
	for _, path := range []string{"/sleep?100000", "/early?100000", "/read"} {
		conn := Must(net.Dial("tcp", s.Listener.Addr().String()))
		body := ""
		if path == "/read" {
			body = "Content-Length: 100\r\n"
		}
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\n%s\r\n", path, body)
		time.Sleep(100 * time.Millisecond)
		conn.Close()
		Equal(t, path, s.get(t, "/again"), "200 (true, false, false)")
	}
}

// Bodies of any size go through the guest in both directions at once.
func TestStreams(t *testing.T) {
	s := serve(t, nil)
	big := make([]byte, 10<<20)
	_, _ = io.ReadFull(RandomStream(1), big)
	for _, size := range []int{0, 1, 4096, 4097, 100_000, len(big)} {
		r := Must(http.NewRequest("POST", s.URL+"/polled", bytes.NewReader(big[:size])))
		r.Trailer = http.Header{"X-Sum": {"42"}}
		r.ContentLength = -1 // so that there are trailers
		response := Must(s.Client().Do(r))
		got := Must(io.ReadAll(response.Body))
		if !bytes.Equal(got, big[:size]) {
			t.Errorf("%d bytes came back as %d others", size, len(got))
		}
		if size > 0 { // otherwise the client sends no body, and nothing behind it
			Equal(t, "trailer", response.Trailer.Get("X-Sum"), "42")
		}
		response.Body.Close()
	}
	response := Must(s.Client().Get(s.URL + "/trailers"))
	_ = Must(io.ReadAll(response.Body))
	Equal(t, "trailer", response.Trailer.Get("X-Last"), "one")
	response.Body.Close()

	// A part comes back before the next one is sent.
	in, out := io.Pipe()
	r := Must(http.NewRequest("POST", s.URL+"/polled", in))
	done := make(chan *http.Response)
	go func() { done <- Must(s.Client().Do(r)) }()
	Must(out.Write([]byte("first")))
	response = <-done
	p := make([]byte, 100)
	n := Must(response.Body.Read(p))
	Equal(t, "echo", string(p[:n]), "first")
	Must(out.Write([]byte("second")))
	n = Must(response.Body.Read(p))
	Equal(t, "echo", string(p[:n]), "second")
	Check(t, out.Close())
	response.Body.Close()
}

// A body that is too large is an error for the guest that reads it.
func TestMaxBody(t *testing.T) {
	s := serve(t, nil, component.WithMaxBody(1000))
	post := func(n int) string {
		return s.do(t, Must(http.NewRequest("POST", s.URL+"/read", strings.NewReader(strings.Repeat("x", n)))))
	}
	Equal(t, "enough", post(1000), "200 1000")
	got := post(1001)
	// On a busy machine, the response was begun before the guest had read: the rest cannot be, and the connection ends.
	if got != "200 Some(ErrorCode::HttpRequestBodySize(Some(1000)))" && got != "200 broken after 0" {
		t.Errorf("too much: %s", got)
	}
}

// An instance serves as many requests as it may, and none after one that has failed.
func TestReuse(t *testing.T) {
	s := serve(t, nil, component.WithReuse(3, 0))
	for i, want := range []string{"200 1", "200 2", "200 3", "200 1"} {
		Equal(t, fmt.Sprint("request ", i), s.get(t, "/count"), want)
	}
	mustFail(t, "failed", s.get(t, "/late?1"))
	Equal(t, "after that", s.get(t, "/count"), "200 1")
	Equal(t, "kept", s.get(t, "/kept"), "502 Bad Gateway")
	mustSay(t, s.log, "without setting the response")
	// Either it is a new instance that keeps its own, or the stale parameter is refused.
	Equal(t, "stale", s.get(t, "/kept"), "502 Bad Gateway")
	s = serve(t, nil, component.WithReuse(3, time.Nanosecond))
	Equal(t, "old", s.get(t, "/count")+s.get(t, "/count"), "200 1200 1")
}

func compiledGuest() []byte { return guests.Component("httptries") }

// A request whose body is not read does not spoil the connection for those that follow.
func TestLeftBodies(t *testing.T) {
	s := serve(t, nil)
	for _, size := range []int{1000, 100_000, 1 << 20} {
		for _, path := range []string{"/count", "/unfinished?100000", "/again", "/late?100000"} {
			r := Must(http.NewRequest("POST", s.URL+path, strings.NewReader(strings.Repeat("G", size))))
			got := s.do(t, r)
			if path == "/count" && got != "200 1" || path == "/unfinished?100000" && got != "200 "+strings.Repeat("x", 100000) {
				t.Errorf("%s with %d bytes: %.100s", path, size, got)
			}
		}
	}
	s.Server.Close()
	if strings.Contains(s.log.String(), "the server: ") {
		t.Errorf("the server says\n%s", s.log)
	}
}
