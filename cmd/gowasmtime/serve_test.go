package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

// patience is how long tests wait for what has to happen soon.
const patience = time.Minute

// answers returns a component that answers a text twice, with a wait between.
func answers(t *testing.T, text string, wait time.Duration) string {
	t.Helper()
	return strings.NewReplacer(`"TEXT"`, fmt.Sprintf("%q", fmt.Sprintf("%-64s", text)), "(i64.const WAIT)", fmt.Sprintf("(i64.const %d)", wait)).
		Replace(readText(t, "testdata/handler.wat"))
}

// serving is a server that runs.
type serving struct {
	t   *testing.T
	cmd *exec.Cmd
	// url is where it answers, and shutdown the address that ends it.
	url, shutdown string
	ended         chan error

	mu  sync.Mutex
	log strings.Builder
}

// Write adds to the log, which is all that the server prints.
func (s *serving) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

// printed returns all that the server has printed.
func (s *serving) printed() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// awaits waits until the server has printed something that a pattern finds, and returns the last part of it.
func (s *serving) awaits(pattern string) string {
	s.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if found := regexp.MustCompile(pattern).FindStringSubmatch(s.printed()); found != nil {
			return found[len(found)-1]
		}
		select {
		case err := <-s.ended:
			s.ended <- err
			s.t.Fatalf("it has ended: %v\n%s", err, s.printed())
		default:
		}
		if time.Now().After(end) {
			s.t.Fatalf("nothing like %s in\n%s", pattern, s.printed())
		}
	}
}

// serve starts a server in a folder.
func serve(t *testing.T, dir string, args ...string) *serving {
	t.Helper()
	s := &serving{t: t, ended: make(chan error, 1)}
	s.cmd = prepare(t, dir, append([]string{"serve", "--addr", "127.0.0.1:0", "--shutdown-addr", "127.0.0.1:0"}, args...)...)
	s.cmd.Stdout, s.cmd.Stderr = s, s
	testkit.Check(t, s.cmd.Start())
	go func() { s.ended <- s.cmd.Wait() }()
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		s.wait()
	})
	s.shutdown = s.awaits(`Listening for shutdown on tcp://(.*)/\n`)
	s.url = s.awaits(`Serving HTTP on (http://.*)/\n`)
	return s
}

// wait waits until the server has ended, and returns its status.
func (s *serving) wait() int {
	s.t.Helper()
	select {
	case err := <-s.ended:
		s.ended <- err
	case <-time.After(patience):
		s.t.Fatalf("it does not end\n%s", s.printed())
	}
	return s.cmd.ProcessState.ExitCode()
}

// stop ends the server as nobody's request does, and checks that it went well.
func (s *serving) stop() {
	s.t.Helper()
	testkit.Must(net.Dial("tcp", s.shutdown)).Close()
	testkit.Equal(s.t, "the server's status", s.wait(), 0)
}

// signal sends the server a signal.
func (s *serving) signal(signal os.Signal) {
	s.t.Helper()
	testkit.Check(s.t, s.cmd.Process.Signal(signal))
}

// get asks for a path, of a host unless that is "", and returns the status and the words of the answer.
func (s *serving) get(host, path string) (status int, words string) {
	s.t.Helper()
	status, words, err := s.try(host, path)
	testkit.Check(s.t, err)
	return status, words
}

func (s *serving) try(host, path string) (status int, words string, err error) {
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		return 0, "", err
	}
	request.Host = host
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, strings.Join(strings.Fields(string(body)), " "), err
}

// answers checks an answer.
func (s *serving) answers(host, path string, status int, words string) {
	s.t.Helper()
	got, said := s.get(host, path)
	if got != status || said != words {
		s.t.Errorf("%s%s: %d %q, not %d %q", host, path, got, said, status, words)
	}
}

// noSignals skips a test of signals where there are none.
func noSignals(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no signals to be sent to another process")
	}
}

func TestServe(t *testing.T) {
	dir := testkit.TempDir(t)
	write(t, dir, "c.wat", answers(t, "one", 0))
	s := serve(t, dir, "c.wat")
	s.answers("", "/", 200, "one one")
	s.answers("any.example", "/any?thing", 200, "one one")
	s.awaits(`stderr \[0\] :: asked\nstderr \[1\] :: asked\n`)
	s.stop()

	s = serve(t, dir, "--no-logging-prefix", "c.wat")
	s.answers("", "/", 200, "one one")
	s.awaits(`/\nasked\n`)
	s.stop()

	s = serve(t, dir, "-S", "inherit-stderr=n", "--log-format", "json", "c.wat")
	s.answers("", "/", 200, "one one")
	s.stop()
	if strings.Contains(s.printed(), "asked") || !strings.Contains(s.printed(), `"msg":"shutting down`) {
		t.Errorf("it has printed %s", s.printed())
	}
}

// What a guest does wrong is answered and logged, and the next request is answered by another instance.
func TestServeFailures(t *testing.T) {
	dir := testkit.TempDir(t)
	handler := answers(t, "one", 0)
	does := func(name, code string) {
		write(t, dir, name+".wat", strings.Replace(handler, "(call $drop-request (local.get $request))", code, 1))
	}
	does("trap", "unreachable")
	does("spin", "(loop (br 0))")
	write(t, dir, "late.wat", answers(t, "late", time.Hour))
	write(t, dir, "c.wat", handler)
	s := serve(t, dir, "-W", "timeout=500ms", "--access-log", "--route", "/=c.wat",
		"--route", "/trap=trap.wat", "--route", "/spin=spin.wat", "--route", "/late=late.wat")
	s.answers("", "/trap", 502, "Bad Gateway")
	s.awaits(`level=ERROR msg="wasi:http: the guest has failed" method=GET[^\n]*path=/trap error=[^\n]*unreachable`)
	s.awaits(`level=INFO msg=request method=GET[^\n]*path=/trap status=502 `)
	s.answers("", "/spin", 504, "Gateway Timeout")
	s.awaits(`path=/spin error=[^\n]*time-out`)
	s.awaits(`msg=request[^\n]*path=/spin status=504 `)
	if status, words, err := s.try("", "/late"); err == nil {
		t.Errorf("what ends too early is all: %d %q", status, words)
	}
	s.awaits(`path=/late error=[^\n]*time-out`)
	s.answers("", "/", 200, "one one")
	s.awaits(`msg=request method=GET host=127.0.0.1:\d+ path=/ status=200 `)
	s.stop()

	s = serve(t, dir, "--access-log", "--route", "/c=c.wat")
	s.answers("", "/d", 404, "no component is served here")
	s.awaits(`msg=request method=GET host=\S+ path=/d status=404 `)
	s.stop()
}

// What guests may ask of others is what options say.
func TestServeAllow(t *testing.T) {
	dir := testkit.TempDir(t)
	write(t, dir, "c.wasm", string(guests.Component("http")))
	asked := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "asked") }))
	defer asked.Close()
	for _, test := range []struct {
		args   []string
		status int
		says   string
	}{
		{nil, 502, "ErrorCode::HttpRequestDenied"},
		{[]string{"--allow-host", "other.example"}, 502, "ErrorCode::HttpRequestDenied"},
		{[]string{"--allow-host", "*"}, 502, "ErrorCode::DestinationIpProhibited"},
		{[]string{"--allow-host", "127.0.0.1", "--allow-network", "10.0.0.0/8"}, 502, "ErrorCode::DestinationIpProhibited"},
		{[]string{"--allow-host", "127.0.0.1:1", "--allow-network", "127.0.0.1"}, 502, "ErrorCode::HttpRequestDenied"},
		{[]string{"--allow-host", "127.0.0.1", "--allow-network", "127.0.0.1"}, 200, "asked"},
		{[]string{"-S", "inherit-network"}, 200, "asked"},
	} {
		s := serve(t, dir, append([]string{"-S", "cli", "c.wasm", "-H", "x-url: " + asked.URL + "/"}, test.args...)...)
		s.answers("", "/fetch", test.status, test.says)
		s.stop()
	}
}

// Routes by host, by prefix and by both: the most exact one answers.
func TestServeRoutes(t *testing.T) {
	dir := testkit.TempDir(t)
	for _, name := range []string{"all", "api", "deep", "host", "both"} {
		write(t, dir, name+".wat", answers(t, name, 0))
	}
	s := serve(t, dir, "all.wat", "--route", "/api/=api.wat", "--route", "/api/deep=deep.wat",
		"--route", "Shop.Example=host.wat", "--route", "shop.example/api=both.wat")
	for path, word := range map[string]string{
		"/": "all", "/ap": "all", "/apis": "all", "/api": "api", "/api/x": "api", "/api//deep": "api", "/api/deep/x": "deep",
	} {
		s.answers("", path, 200, word+" "+word)
	}
	s.answers("shop.example", "/x", 200, "host host")
	s.answers("SHOP.example.:80", "/apis", 200, "host host")
	s.answers("shop.example", "/api/deep", 200, "both both")
	s.answers("other.example", "/", 200, "all all")
	s.stop()

	s = serve(t, dir, "--route", "/api=api.wat", "--route", "[::1]=host.wat")
	s.answers("", "/", 404, "no component is served here")
	s.answers("[::1]:8080", "/", 200, "host host")
	s.answers("", "/api", 200, "api api")
	s.stop()
}

// While a component is read anew, by a signal and because its file has changed, no request goes unanswered.
func TestServeReload(t *testing.T) {
	dir := testkit.TempDir(t)
	write(t, dir, "c.wat", answers(t, "one", time.Millisecond))
	write(t, dir, "other.wat", answers(t, "other", 0))
	s := serve(t, dir, "-S", "inherit-stderr=n", "c.wat", "--route", "/other=other.wat")
	s.answers("", "/", 200, "one one")
	const clients, least = 8, 200
	var all sync.WaitGroup
	var mu sync.Mutex
	stop := make(chan struct{})
	defer all.Wait()
	finish := sync.OnceFunc(func() { close(stop) })
	defer finish()
	words := map[string]int{}
	for range clients {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				status, said, err := s.try("", "/")
				if err != nil || status != 200 {
					t.Errorf("%d %q, %v", status, said, err)
					return
				}
				mu.Lock()
				words[said]++
				mu.Unlock()
			}
		})
	}
	write(t, dir, "new.wat", answers(t, "two", time.Millisecond))
	testkit.Check(t, os.Rename(filepath.Join(dir, "new.wat"), filepath.Join(dir, "c.wat")))
	s.awaits(`level=INFO msg=reloaded component=c.wat took=`)
	if runtime.GOOS != "windows" {
		for n := 1; n <= 3; n++ {
			s.signal(syscall.SIGHUP)
			s.awaits(fmt.Sprintf(`(?s)(msg=reloaded component=c.wat.*){%d}`, n+1))
		}
	}
	for enough := false; !enough && !t.Failed(); time.Sleep(time.Millisecond) {
		mu.Lock()
		enough = words["two two"] >= least
		mu.Unlock()
	}
	finish()
	all.Wait()
	if len(words) != 2 || words["one one"] == 0 {
		t.Errorf("the answers were %v", words)
	}
	s.answers("", "/other", 200, "other other")
	s.stop()
}

// A request that has begun is answered by what it began with, however long that takes.
func TestServeReloadMeanwhile(t *testing.T) {
	dir := testkit.TempDir(t)
	write(t, dir, "c.wat", answers(t, "slow", 2*time.Second))
	s := serve(t, dir, "c.wat")
	response := testkit.Must(http.Get(s.url))
	defer response.Body.Close()
	write(t, dir, "c.wat", answers(t, "fast", 0))
	s.awaits(`msg=reloaded`)
	s.answers("", "/", 200, "fast fast")
	body, err := io.ReadAll(response.Body)
	testkit.Check(t, err)
	testkit.Equal(t, "the slow answer", strings.Join(strings.Fields(string(body)), " "), "slow slow")
	s.stop()
}

// What cannot be served does not replace what can.
func TestServeReloadBad(t *testing.T) {
	dir := testkit.TempDir(t)
	write(t, dir, "c.wat", answers(t, "one", 0))
	s := serve(t, dir, "c.wat")
	for i, bad := range []struct{ text, says string }{
		{"(component", "expected"},
		{"(module)", "a module"},
		{"(component)", "wasi:http/incoming-handler"},
		{`(component (import "a:b/c" (instance (export "f" (func)))))`, "a:b/c"},
	} {
		write(t, dir, "c.wat", bad.text)
		s.awaits(fmt.Sprintf(`(?s)(level=ERROR msg="not reloaded, the old component goes on" component=c.wat err=[^\n]*%s.*){%d}`, bad.says, 1))
		s.answers("", "/", 200, "one one")
		if n := strings.Count(s.printed(), "not reloaded"); n != i+1 {
			t.Errorf("%d files have been refused %d times", i+1, n)
		}
	}
	testkit.Check(t, os.Remove(filepath.Join(dir, "c.wat")))
	time.Sleep(3 * watchEvery) // for what must not happen
	s.answers("", "/", 200, "one one")
	if runtime.GOOS != "windows" {
		s.signal(syscall.SIGHUP)
		s.awaits(`not reloaded[^\n]*failed to open`)
	}
	write(t, dir, "c.wat", answers(t, "two", 0))
	s.awaits(`msg=reloaded`)
	s.answers("", "/", 200, "two two")
	s.stop()
}

func TestServeNoWatch(t *testing.T) {
	noSignals(t)
	dir := testkit.TempDir(t)
	write(t, dir, "c.wat", answers(t, "one", 0))
	s := serve(t, dir, "--no-watch", "c.wat")
	write(t, dir, "c.wat", answers(t, "two", 0))
	time.Sleep(3 * watchEvery)
	s.answers("", "/", 200, "one one")
	s.signal(syscall.SIGHUP)
	s.awaits(`msg=reloaded`)
	s.answers("", "/", 200, "two two")
	s.stop()
}

// What a file holds may be written over while it is served, also compiled.
func TestServePrecompiled(t *testing.T) {
	dir := testkit.TempDir(t)
	compile := func(text string) {
		write(t, dir, "c.wat", answers(t, text, 0))
		gowasmtime(t, dir, "compile", "-W", "epoch-interruption", "c.wat", "-o", "new.cwasm").want(t, 0, "")
	}
	compile("one")
	write(t, dir, "c.cwasm", readText(t, filepath.Join(dir, "new.cwasm")))
	gowasmtime(t, dir, "serve", "--addr", "127.0.0.1:0", "c.cwasm").want(t, 1, "", "--allow-precompiled")
	s := serve(t, dir, "--allow-precompiled", "c.cwasm")
	s.answers("", "/", 200, "one one")
	compile("two")
	write(t, dir, "c.cwasm", readText(t, filepath.Join(dir, "new.cwasm")))
	s.awaits(`msg=reloaded`)
	s.answers("", "/", 200, "two two")
	s.stop()
}

// A signal lets what has begun come to its end, and nothing else begin.
func TestServeShutdown(t *testing.T) {
	noSignals(t)
	dir := testkit.TempDir(t)
	write(t, dir, "c.wat", answers(t, "slow", time.Second))
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		s := serve(t, dir, "c.wat")
		response := testkit.Must(http.Get(s.url))
		s.signal(signal)
		s.awaits(`msg="shutting down[^\n]*requests=1`)
		if _, _, err := s.try("", "/"); err == nil {
			t.Errorf("%v: another request is answered", signal)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		testkit.Check(t, err)
		testkit.Equal(t, "the answer", strings.Join(strings.Fields(string(body)), " "), "slow slow")
		testkit.Equal(t, "the status", s.wait(), 0)
	}
}

// A second signal ends it at once.
func TestServeShutdownTwice(t *testing.T) {
	noSignals(t)
	dir := testkit.TempDir(t)
	write(t, dir, "c.wat", answers(t, "slow", time.Hour))
	s := serve(t, dir, "c.wat")
	response := testkit.Must(http.Get(s.url))
	defer response.Body.Close()
	s.signal(syscall.SIGTERM)
	s.awaits(`msg="shutting down`)
	s.signal(syscall.SIGTERM)
	testkit.Equal(t, "the status", s.wait(), 1)
	if !strings.HasSuffix(s.printed(), "\nError: ended by a second signal; requests without an answer: 1\n") {
		t.Errorf("it has printed\n%s", s.printed())
	}
}

// What cannot be served is an error before anything listens.
func TestServeErrors(t *testing.T) {
	dir := testkit.TempDir(t)
	write(t, dir, "c.wat", answers(t, "one", 0))
	write(t, dir, "module.wat", "(module)")
	write(t, dir, "nothing.wat", "(component)")
	write(t, dir, "cli.wat", `(component
	  (import "wasi:cli/environment@0.2.0" (instance (export "get-arguments" (func (result (list string))))))
	  (import "wasi:config/store@0.2.0-rc.1" (instance (export "f" (func)))))`)
	taken := testkit.Must(net.Listen("tcp", "127.0.0.1:0"))
	defer taken.Close()
	for _, test := range []struct {
		status int
		args   []string
		says   []string
	}{
		{1, []string{"--addr", taken.Addr().String(), "c.wat"}, []string{"Error: failed to listen on '" + taken.Addr().String() + "'"}},
		{1, []string{"--shutdown-addr", taken.Addr().String(), "c.wat"}, []string{"failed to listen on '" + taken.Addr().String() + "'"}},
		{1, []string{"missing.wat"}, []string{`failed to open wasm module "missing.wat"`}},
		{1, []string{"module.wat"}, []string{`failed to load "module.wat"`, "this is a module, not a component"}},
		{1, []string{"nothing.wat"}, []string{`failed to serve "nothing.wat"`, "wasi:http/incoming-handler"}},
		{1, []string{"cli.wat"}, []string{`failed to instantiate "cli.wat"`, "-S cli provides", "-S config provides wasi:config"}},
		{1, []string{"--dir", "missing", "c.wat"}, []string{"failed to open directory 'missing'"}},
		{2, nil, []string{"gowasmtime serve needs COMPONENT or --route"}},
		{2, []string{"a", "b"}, []string{"takes one [COMPONENT], and 'b' is too much"}},
		{2, []string{"--addr", "8080", "c.wat"}, []string{"--addr 8080: it has to be HOST:PORT or unix:PATH"}},
		{2, []string{"--route", "x", "c.wat"}, []string{"it has to be [HOST][/PREFIX]=COMPONENT"}},
		{2, []string{"--route", "a b=c.wat"}, []string{"'a b' is no host"}},
		{2, []string{"--route", "host:80=c.wat"}, []string{"'host:80' is no host without a port"}},
		{2, []string{"--route", "/a=c.wat", "--route", "/a/=d.wat"}, []string{"'/a/' goes to 'c.wat' already"}},
		{2, []string{"--route", "/=c.wat", "d.wat"}, []string{"'/' goes to 'c.wat' already"}},
		{2, []string{"--max-instance-reuse-count", "0", "c.wat"}, []string{"a number from 1 on"}},
		{2, []string{"--max-concurrent-requests", "many", "c.wat"}, []string{"a number from 1 on"}},
		{2, []string{"--idle-instance-timeout", "soon", "c.wat"}, []string{"a duration"}},
		{2, []string{"--header", "x", "c.wat"}, []string{"'x' is no header"}},
		{2, []string{"-H", "a b: c", "c.wat"}, []string{"'a b: c' is no header"}},
		{2, []string{"-H", "@missing", "c.wat"}, []string{"--header @missing: "}},
		{2, []string{"--allow-host", "http://x/", "c.wat"}, []string{"it has to be a host"}},
		{2, []string{"--allow-network", "10.0.0.0/x", "c.wat"}, []string{"it has to be an address"}},
		{2, []string{"--log-format", "xml", "c.wat"}, []string{"text or json"}},
		{2, []string{"-S", "http=n", "c.wat"}, []string{"wasi:http"}},
		{2, []string{"-W", "unknown-imports-default", "c.wat"}, []string{"for modules"}},
		{2, []string{"--preload", "a=b", "c.wat"}, []string{"unknown option '--preload'"}},
		{2, []string{"--acces-log", "c.wat"}, []string{"near it: --access-log"}},
	} {
		args := append([]string{"serve"}, test.args...)
		if test.status == 1 && !strings.Contains(strings.Join(args, " "), "--addr") {
			args = append(args, "--addr", "127.0.0.1:0")
		}
		cmd := prepare(t, dir, args...)
		late := time.AfterFunc(patience, func() { cmd.Process.Kill() }) // it serves
		finish(t, cmd).want(t, test.status, "", test.says...)
		late.Stop()
	}
}

func TestServeUnixSocket(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("not everywhere on Windows")
	}
	dir := testkit.TempDir(t)
	write(t, dir, "c.wat", answers(t, "one", 0))
	cmd := prepare(t, dir, "serve", "--addr", "unix:socket", "--shutdown-addr", "unix:end", "c.wat")
	printed := testkit.Must(cmd.StderrPipe())
	testkit.Check(t, cmd.Start())
	lines := bufio.NewReader(printed)
	testkit.Equal(t, "the first line", testkit.Must(lines.ReadString('\n')), "Listening for shutdown on unix:end\n")
	testkit.Equal(t, "the second line", testkit.Must(lines.ReadString('\n')), "Serving HTTP on unix:socket\n")
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, "socket"))
	}}}
	response := testkit.Must(client.Get("http://any.example/"))
	response.Body.Close()
	testkit.Equal(t, "the status of the answer", response.StatusCode, 200)
	testkit.Must(net.Dial("unix", filepath.Join(dir, "end"))).Close()
	testkit.Check(t, cmd.Wait())
}

func TestRequestHeaders(t *testing.T) {
	dir := testkit.TempDir(t)
	path := write(t, dir, "headers", "x-two: 2\n\n  Host: other.example\n")
	s := &settings{}
	for _, text := range []string{"x-one: 1", "X-One:  and more ", "@" + path} {
		testkit.Check(t, setHeader(s, text))
	}
	r := testkit.Must(http.NewRequest(http.MethodGet, "http://first.example/", nil))
	r.Header = http.Header{"X-One": {"0"}, "X-Three": {"3"}}
	s.serve.applyHeaders(r)
	if want := (http.Header{"X-One": {"1", "and more"}, "X-Two": {"2"}, "X-Three": {"3"}}); !reflect.DeepEqual(r.Header, want) {
		t.Errorf("the headers are %v, not %v", r.Header, want)
	}
	testkit.Equal(t, "the host", r.Host, "other.example")
	for _, bad := range []string{"", ":", "x", ": y", "a\tb: c", "a b: c", "x: a\x00", "x: a\nb", "x: a\r\ny: b"} {
		if _, _, err := parseHeader(bad); err == nil {
			t.Errorf("%q is a header", bad)
		}
	}
}

func TestGuestLines(t *testing.T) {
	var out bytes.Buffer
	shared := &sharedWriter{Writer: &out}
	a, b := &guestLines{to: shared, prefix: "a: "}, &guestLines{to: shared, prefix: "b: "}
	for _, text := range []string{"one\ntwo\nthr", "", "ee", "\n\nfour\n"} {
		n, err := io.WriteString(a, text)
		testkit.Check(t, err)
		testkit.Equal(t, "written", n, len(text))
	}
	io.WriteString(b, "five\n")
	testkit.Equal(t, "the output", out.String(), "a: one\na: two\na: three\na: \na: four\nb: five\n")
}

// Only so many connections are open at once, and who waits for a place learns that there will be none.
func TestLimitConnections(t *testing.T) {
	l := limitConnections(testkit.Must(net.Listen("tcp", "127.0.0.1:0")), 1)
	dial := func() net.Conn { return testkit.Must(net.Dial("tcp", l.Addr().String())) }
	defer dial().Close()
	defer dial().Close()
	first := testkit.Must(l.Accept())
	accepted := make(chan error, 1)
	accept := func() {
		conn, err := l.Accept()
		if err == nil {
			t.Cleanup(func() { conn.Close() })
		}
		accepted <- err
	}
	go accept()
	select {
	case err := <-accepted:
		t.Fatalf("a second connection: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	testkit.Check(t, first.Close())
	first.Close() // is no second place
	testkit.Check(t, <-accepted)
	go accept()
	time.Sleep(10 * time.Millisecond)
	testkit.Check(t, l.Close())
	if err := <-accepted; !errors.Is(err, net.ErrClosed) {
		t.Errorf("it waits for a place: %v", err)
	}
}
