package components

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/testdata/components"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

// A language is one that a handler is written in.
type language struct {
	name, hello string
	// trailers says that an echo ends with its length: JavaScript's Response has no trailers.
	trailers bool
	// posts says that a request is sent on with its body.
	posts bool
	// catches says that a fault of the handler is answered by what it runs on.
	catches bool
	// once says that an instance answers the first request only: componentize-js 0.23.0 makes such.
	once bool
}

// handlers are those of testdata/components, and that in Rust of testdata/guests.
var handlers = []language{
	{name: "rust", hello: "Hello from a guest\n", trailers: true, posts: true},
	{name: "chttp", hello: "Hello from C\n", trailers: true},
	{name: "jshttp", hello: "Hello from JavaScript\n", posts: true, catches: true, once: true},
	{name: "pyhttp", hello: "Hello from Python\n", trailers: true, posts: true},
}

// prepare compiles a handler; one that is not built skips the test, which says why.
func prepare(t *testing.T, name string) *component.InstancePre {
	t.Helper()
	engine := EngineWith(t, CompilesQuickly, WithEpochs, func(c *wasmtime.Config) { c.SetPooling(wasmtime.PoolingPreset()) })
	t.Cleanup(engine.Close)
	binary := guests.Component("http")
	if name != "rust" {
		path, err := components.File(name)
		if errors.Is(err, components.ErrNotBuilt) {
			t.Skip(err)
		}
		Check(t, err)
		binary = Must(os.ReadFile(path))
	}
	c, err := component.New(engine, binary)
	Check(t, err)
	t.Cleanup(c.Close)
	linker := component.NewLinker(engine)
	defer linker.Close()
	Check(t, linker.DefineWasi())
	loopback := netip.MustParsePrefix("127.0.0.0/8")
	Check(t, component.DefineHTTP(linker, component.HTTPAllowHosts("127.0.0.1"), component.HTTPAllowNetworks(loopback)))
	pre, err := linker.InstantiatePre(c)
	Check(t, err)
	t.Cleanup(pre.Close)
	return pre
}

// serveHandler serves a handler.
func serveHandler(t *testing.T, pre *component.InstancePre, options ...component.HandlerOption) *httptest.Server {
	t.Helper()
	handler := component.NewHandler(pre, append(options, component.WithLogger(nil))...)
	Check(t, handler.Err())
	t.Cleanup(func() { Check(t, handler.Close()) })
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// do makes a request, and returns the answer with its body.
func do(t *testing.T, server *httptest.Server, method, path string, body io.Reader, fields ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequest(method, server.URL+path, body)
	Check(t, err)
	for i := 0; i < len(fields); i += 2 {
		request.Header.Set(fields[i], fields[i+1])
	}
	answer, err := server.Client().Do(request)
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
		return &http.Response{}, ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Errorf("%s %s: %v after %d bytes", method, path, err, len(text))
	}
	return answer, string(text)
}

func TestHandlers(t *testing.T) {
	for _, h := range handlers {
		t.Run(h.name, func(t *testing.T) {
			pre := prepare(t, h.name)
			t.Run("paths", func(t *testing.T) { h.paths(t, serveHandler(t, pre)) })
			t.Run("stream", func(t *testing.T) { stream(t, serveHandler(t, pre)) })
			for _, reuse := range []int{1, 5} {
				if reuse > 1 && h.once {
					continue
				}
				t.Run(fmt.Sprint("atOnce", reuse), func(t *testing.T) {
					atOnce(t, serveHandler(t, pre, component.WithReuse(reuse, 0)))
				})
			}
		})
	}
}

// paths asks for everything once.
func (h language) paths(t *testing.T, server *httptest.Server) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		w.Header().Set("X-Served", r.Method+" "+r.URL.Path+" "+r.Header.Get("X-More"))
		w.Header().Set("Content-Type", "text/served")
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, "served ", len(body), " ", err)
	}))
	defer backend.Close()
	answer, text := do(t, server, http.MethodGet, "/", nil)
	Equal(t, "status", answer.StatusCode, http.StatusOK)
	Equal(t, "hello", text, h.hello)
	if got := answer.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/plain") {
		t.Errorf("hello is %s", got)
	}

	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	for _, content := range []string{"", "short", string(large)} {
		answer, text = do(t, server, http.MethodPost, "/echo", strings.NewReader(content), "Content-Type", "text/x")
		if text != content || answer.Header.Get("Content-Type") != "text/x" {
			t.Errorf("an echo of %d bytes is %d bytes of %s", len(content), len(text), answer.Header.Get("Content-Type"))
		}
		if h.trailers {
			Equal(t, "trailer", answer.Trailer.Get("X-Bytes"), fmt.Sprint(len(content)))
		}
	}

	answer, text = do(t, server, http.MethodGet, "/fetch", nil, "X-Url", backend.URL+"/there", "X-More", "more")
	Equal(t, "status of what was fetched", answer.StatusCode, http.StatusAccepted)
	Equal(t, "fetched", text, "served 0 <nil>")
	Equal(t, "fields of what was fetched", answer.Header.Get("X-Served"), "GET /there more")
	Equal(t, "type of what was fetched", answer.Header.Get("Content-Type"), "text/served")
	if h.posts {
		_, text = do(t, server, http.MethodPost, "/fetch", bytes.NewReader(large), "X-Url", backend.URL+"/there")
		Equal(t, "fetched", text, fmt.Sprintf("served %d <nil>", len(large)))
	}
	answer, _ = do(t, server, http.MethodGet, "/fetch", nil, "X-Url", "http://example.org/")
	Equal(t, "status of what is not allowed", answer.StatusCode, http.StatusBadGateway)

	// A guest that traps takes nothing with it. What JavaScript throws, its engine answers.
	trapped := http.StatusBadGateway
	if h.catches {
		trapped = http.StatusInternalServerError
	}
	answer, _ = do(t, server, http.MethodGet, "/trap", nil)
	Equal(t, "status of a trap", answer.StatusCode, trapped)
	_, text = do(t, server, http.MethodGet, "/", nil)
	Equal(t, "hello", text, h.hello)
}

// stream sends a byte there and has it back before the next.
func stream(t *testing.T, server *httptest.Server) {
	r, w := io.Pipe()
	defer w.Close()
	request, err := http.NewRequest(http.MethodPost, server.URL+"/echo", r)
	Check(t, err)
	go w.Write([]byte("a"))
	answer, err := server.Client().Do(request)
	Check(t, err)
	defer answer.Body.Close()
	one := make([]byte, 1)
	for _, c := range []byte("abc") {
		if c != 'a' {
			Must(w.Write([]byte{c}))
		}
		Must(io.ReadFull(answer.Body, one))
		Equal(t, "byte", one[0], c)
	}
	Check(t, w.Close())
	Equal(t, "the rest", len(Must(io.ReadAll(answer.Body))), 0)
}

// atOnce has many clients ask.
func atOnce(t *testing.T, server *httptest.Server) {
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i := range Rounds(20) {
				content := strings.Repeat(fmt.Sprint(i), 1000)
				_, text := do(t, server, http.MethodPost, "/echo", strings.NewReader(content))
				if text != content {
					t.Errorf("an echo of %d bytes is %d bytes", len(content), len(text))
				}
			}
		})
	}
	group.Wait()
}
