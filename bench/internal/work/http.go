package work

import (
	"bufio"
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/gowasmtime/wasmtime/testdata/guests"
)

// The handlers of the rows on HTTP.
var (
	// HTTPHello says hello to every request.
	//
	//go:embed httphello.wasm
	HTTPHello []byte
	//go:embed httphello.wat
	HTTPHelloText string

	// HTTPPaths does what the path says: "/bytes?N" sends N bytes, "/read" reads the body, "/echo" sends it back, and
	// "/fetch" sends the request on to the URL in the field "x-url".
	HTTPPaths = guests.Component("http")
)

// BodySize is the size of a large body: 10 MiB.
const BodySize = 10 << 20

// LoadFile is the path of the program of cmd/load: BENCH_LOAD, or else it is built, in the folder dir.
func LoadFile(dir string) (string, error) {
	if path := os.Getenv("BENCH_LOAD"); path != "" {
		return path, nil
	}
	path := filepath.Join(dir, "load")
	out, err := exec.Command("go", "build", "-o", path, "github.com/gowasmtime/wasmtime/bench/cmd/load").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the load program: %w\n%s", err, out)
	}
	return path, nil
}

// Served measures a server of HTTP over TCP. An op is a request to a handler that answers with HelloOutput.
func Served(b *testing.B, handler http.Handler) {
	server := httptest.NewServer(handler)
	b.Cleanup(server.Close)
	path, err := LoadFile(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	load := exec.Command(path, server.Listener.Addr().String())
	var stderr bytes.Buffer
	load.Stderr = &stderr
	in, err := load.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := load.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := load.Start(); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	send := func(n int) {
		fmt.Fprintln(in, n)
		if !lines.Scan() || lines.Text() != "ok" {
			load.Wait()
			b.Fatalf("the load program: %q %v\n%s", lines.Text(), lines.Err(), &stderr)
		}
	}
	send(1)
	b.ResetTimer()
	send(b.N)
	b.StopTimer()
	in.Close()
	if err := load.Wait(); err != nil {
		b.Fatal(err)
	}
}

// Answered measures a handler without a server. An op is a GET of a target, with the fields of header, whose answer
// must be a 200 with a body of size bytes.
func Answered(b *testing.B, handler http.Handler, target string, header http.Header, size int64) {
	request := httptest.NewRequest(http.MethodGet, target, nil)
	request.Header = header
	b.ReportAllocs()
	for b.Loop() {
		w := recorded{header: http.Header{}}
		handler.ServeHTTP(&w, request)
		if w.status != http.StatusOK || w.size != size {
			b.Fatalf("status %d, %d bytes: %s", w.status, w.size, w.text)
		}
	}
}

// recorded counts what a handler writes: httptest's recorder would cost as much as some handlers do.
type recorded struct {
	header http.Header
	status int
	size   int64
	text   []byte // of an error
}

func (a *recorded) Header() http.Header { return a.header }

func (a *recorded) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *recorded) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.size += int64(len(p))
	if a.status != http.StatusOK {
		a.text = append(a.text, p...)
	}
	return len(p), nil
}

func (a *recorded) Flush() {}

// BodyOut measures the body of an answer, over TCP. An op is BodySize bytes from a handler as HTTPPaths is.
func BodyOut(b *testing.B, handler http.Handler) {
	server := httptest.NewServer(handler)
	b.Cleanup(server.Close)
	b.SetBytes(BodySize)
	for b.Loop() {
		answer, err := server.Client().Get(fmt.Sprintf("%s/bytes?%d", server.URL, BodySize))
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK || n != BodySize || err != nil {
			b.Fatal(answer.Status, n, err)
		}
	}
}

// BodyIn measures the body of a request, over TCP. An op is BodySize bytes to a handler as HTTPPaths is, which reads
// them and says how many they were.
func BodyIn(b *testing.B, handler http.Handler) {
	server := httptest.NewServer(handler)
	b.Cleanup(server.Close)
	body, want := make([]byte, BodySize), fmt.Sprintln(BodySize)
	b.SetBytes(BodySize)
	for b.Loop() {
		answer, err := server.Client().Post(server.URL+"/read", "", bytes.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if string(text) != want || err != nil {
			b.Fatal(answer.Status, string(text), err)
		}
	}
}

// Fetched measures requests that a handler as HTTPPaths makes itself. An op is one of as many as there is time for,
// one after the other, to a server in this process, with an answer of HelloOutput.
func Fetched(b *testing.B, handler http.Handler) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, HelloOutput)
	}))
	b.Cleanup(backend.Close)
	fetch := func(n int) {
		request := httptest.NewRequest(http.MethodGet, fmt.Sprintf("/fetches?%d", n), nil)
		request.Header.Set("X-Url", backend.URL)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, request)
		if want := fmt.Sprintln(n); w.Code != http.StatusOK || w.Body.String() != want {
			b.Fatal(w.Code, w.Body)
		}
	}
	fetch(1)
	b.ResetTimer()
	fetch(b.N)
}
