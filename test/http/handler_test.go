package http

import (
	"context"
	"encoding/json"
	"errors"
	"expvar"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	"github.com/gowasmtime/wasmtime/component/httpvars"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// seen is an observer that remembers.
type seen struct {
	mu     sync.Mutex
	events []component.HTTPEvent
	keys   []any
}

type seenKey struct{}

func (s *seen) Begin(r *http.Request, outgoing bool) context.Context {
	if outgoing {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.keys = append(s.keys, r.Context().Value(seenKey{}))
		r.Header.Set("X-From", "observer")
	}
	return context.WithValue(r.Context(), seenKey{}, "of the request")
}

func (s *seen) End(_ context.Context, e component.HTTPEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
}

// An observer hears of what is served and of what guests ask, one within the other.
func TestObserver(t *testing.T) {
	o, access, to := &seen{}, &said{}, other(t)
	s := serve(t, append(loopback(), component.HTTPObserve(o)), component.WithObserver(o),
		component.WithAccessLog(slog.New(slog.NewTextHandler(access, nil))))
	Equal(t, "changed", s.get(t, "/fetch", "X-Url", to.URL+"/x"), `200 200 23 GET /x 0 observer "" ""`)
	_ = s.get(t, "/late?1")
	_ = s.do(t, Must(http.NewRequest("POST", s.URL+"/read", strings.NewReader("body"))))
	s.Server.Close()
	o.mu.Lock()
	defer o.mu.Unlock()
	Equal(t, "events", len(o.events), 4)
	Equal(t, "context", o.keys[0], any("of the request"))
	out, in, failed, read := o.events[0], o.events[1], o.events[2], o.events[3]
	if !out.Outgoing || out.Status != 200 || out.Err != nil || out.Request.URL.Path != "/x" {
		t.Errorf("outgoing: %+v", out)
	}
	if in.Outgoing || in.Status != 200 || in.Err != nil || in.Sent == 0 || in.Duration < out.Duration {
		t.Errorf("served: %+v", in)
	}
	var trap *wasmtime.Trap
	if failed.Status != 502 && failed.Status != 200 || !errors.As(failed.Err, &trap) { // 200 if it was on its way
		t.Errorf("failed: %+v", failed)
	}
	if read.Received != 4 || read.Sent != 1 {
		t.Errorf("read: %+v", read)
	}
	for _, text := range []string{"path=/fetch status=200", fmt.Sprint("path=/late status=", failed.Status), "path=/read status=200", "received=4", "sent=1"} {
		mustSay(t, access, text)
	}
}

func TestVars(t *testing.T) {
	to := other(t)
	name := fmt.Sprint("TestVars", time.Now().UnixNano()) // names are for the whole process, and -count runs this again
	vars := httpvars.New(name)
	s := serve(t, append(loopback(), component.HTTPObserve(vars)), component.WithObserver(vars), component.WithReuse(10, 0))
	for range 3 {
		_ = s.get(t, "/count")
	}
	_ = s.get(t, "/fetch", "X-Url", to.URL+"/x")
	_ = s.get(t, "/late?1")
	s.Server.Close()
	var got map[string]any
	Check(t, json.Unmarshal([]byte(expvar.Get(name).String()), &got))
	for key, want := range map[string]float64{
		"requests": 5, "requests_active": 0, "requests_failed": 1, "requests_reused": 4, "traps": 1, "outgoing": 1, "outgoing_failed": 0,
	} {
		Equal(t, key, got[key], any(want))
	}
	answers := 0.0
	for _, n := range got["status"].(map[string]any) {
		answers += n.(float64)
	}
	Equal(t, "answers", answers, 5)
}

// What cannot serve says why, and answers.
func TestErr(t *testing.T) {
	linker := component.NewLinker(shared().engine)
	defer linker.Close()
	Check(t, linker.DefineWasi())
	Check(t, component.DefineHTTP(linker))
	none := Must(component.New(shared().engine, []byte(`(component)`)))
	defer none.Close()
	pre := Must(linker.InstantiatePre(none))
	defer pre.Close()
	slow := wasmtime.NewEngine()
	defer slow.Close()
	for name, test := range map[string]struct {
		handler *component.Handler
		want    error
	}{
		"nil":     {component.NewHandler(nil, component.WithLogger(nil)), wasmtime.ErrClosed},
		"nothing": {component.NewHandler(pre, component.WithLogger(nil)), component.ErrNotFound},
	} {
		if err := test.handler.Err(); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
		w := httptest.NewRecorder()
		test.handler.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		Equal(t, name, w.Code, 500)
		Check(t, test.handler.Close())
	}
}

// An engine that cannot stop guests serves none.
func TestNoEpochs(t *testing.T) {
	engine := EngineWith(t, CompilesQuickly)
	defer engine.Close()
	linker := component.NewLinker(engine)
	defer linker.Close()
	Check(t, linker.DefineWasi())
	Check(t, component.DefineHTTP(linker))
	c := Must(component.New(engine, compiledGuest()))
	defer c.Close()
	pre := Must(linker.InstantiatePre(c))
	defer pre.Close()
	h := component.NewHandler(pre, component.WithLogger(nil))
	defer h.Close()
	if err := h.Err(); !errors.Is(err, wasmtime.ErrNoEpochs) {
		t.Error(err)
	}
}

// Close waits for what is served, and lets nothing more in.
func TestClose(t *testing.T) {
	s := serve(t, nil, component.WithReuse(10, 0))
	done := make(chan string, 1)
	go func() { done <- s.get(t, "/sleep?500") }()
	time.Sleep(200 * time.Millisecond)
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		Check(t, s.handler.Close())
	}()
	time.Sleep(100 * time.Millisecond)
	Equal(t, "closed", s.get(t, "/count"), "503 Service Unavailable")
	select {
	case <-closed:
		t.Error("Close has not waited")
	default:
	}
	Equal(t, "begun before", <-done, "200 slept")
	<-closed
	if err := s.handler.Err(); !errors.Is(err, wasmtime.ErrClosed) {
		t.Error(err)
	}
}

// What the program says of a store holds, and its errors are answered.
func TestStores(t *testing.T) {
	stop := errors.New("stop")
	s := serve(t, nil, component.WithStore(func(store *wasmtime.Store, r *http.Request) error {
		if r.URL.Query().Has("stop") {
			return stop
		}
		component.SetLimits(store, component.Limits{Resources: 100})
		return nil
	}))
	Equal(t, "few", s.get(t, "/handles?50"), "200 all")
	mustFail(t, "many", s.get(t, "/handles?150"))
	Equal(t, "error", s.get(t, "/count?stop"), "500 Internal Server Error")
	mustSay(t, s.log, "stop")
	s = serve(t, nil, component.WithWasi(func(*http.Request) (*wasmtime.WasiConfig, error) { return nil, stop }))
	Equal(t, "error", s.get(t, "/count"), "500 Internal Server Error")
}

// Under a mux, a recorder and HTTP/2, everything is the same.
func TestElsewhere(t *testing.T) {
	s := serve(t, nil)
	mux := http.NewServeMux()
	mux.Handle("/under/", http.StripPrefix("/under", s.handler))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("POST", "/under/polled", strings.NewReader("body")))
	Equal(t, "recorder", w.Body.String(), "body")
	w = httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/count", nil)
	r.Body = nil
	s.handler.ServeHTTP(w, r)
	Equal(t, "recorder", w.Body.String(), "1")

	two := httptest.NewUnstartedServer(s.handler)
	two.EnableHTTP2 = true
	two.StartTLS()
	defer two.Close()
	over := &server{Server: two, handler: s.handler, log: s.log}
	response := Must(two.Client().Get(two.URL + "/count"))
	Equal(t, "protocol", response.Proto, "HTTP/2.0")
	response.Body.Close()
	body := strings.Repeat("x", 1<<20)
	Equal(t, "echo", over.do(t, Must(http.NewRequest("POST", two.URL+"/polled", strings.NewReader(body)))), "200 "+body)
	if got := over.get(t, "/dropped?100000"); !strings.HasPrefix(got, "200 broken after") {
		t.Errorf("dropped: %.100s", got)
	}
}

// An instance that nobody has asked for some time is ended, and one that is asked is not.
func TestIdleTimeout(t *testing.T) {
	var stores atomic.Int32
	count := component.WithStore(func(*wasmtime.Store, *http.Request) error { stores.Add(1); return nil })
	s := serve(t, nil, count, component.WithReuse(1000, 0), component.WithIdleTimeout(200*time.Millisecond))
	for end := time.Now().Add(600 * time.Millisecond); time.Now().Before(end); time.Sleep(time.Millisecond) {
		Equal(t, "answer", strings.HasPrefix(s.get(t, "/count"), "200"), true)
	}
	busy := stores.Load()
	if busy > 3 { // on a machine that is slow now and then
		t.Errorf("%d instances while it was busy", busy)
	}
	time.Sleep(time.Second)
	_ = s.get(t, "/count")
	Equal(t, "instances in the end", stores.Load(), busy+1)
}
