package main

import (
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/gowasmtime/wasmtime/component"
)

// site is a component that is being served: its file, and what was read of that last and could be served. It may be
// read anew at any time.
type site struct {
	route  route
	server *server

	mu      sync.RWMutex
	current *generation

	// Only who loads it uses these: what the file was when it was loaded, and when it was last looked at; nil if it was
	// not there.
	loaded, seen os.FileInfo
}

// generation is one content of a site's file.
type generation struct {
	component *component.Component
	pre       *component.InstancePre
	handler   *component.Handler
	// running are the requests that it answers.
	running sync.WaitGroup
}

// ServeHTTP lets what the site is at that moment answer the request to the end.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.RLock()
	g := s.current
	g.running.Add(1)
	s.mu.RUnlock()
	defer g.running.Done()
	g.handler.ServeHTTP(w, r)
}

// load reads and compiles the file and checks that it can be served. If so, it answers all requests from then on.
func (s *site) load() error {
	// What changes from here on is a reason to load it again.
	s.loaded, _ = os.Stat(s.route.path)
	s.seen = s.loaded
	g, err := s.server.generation(s.route.path)
	if err != nil {
		return err
	}
	s.mu.Lock()
	old := s.current
	s.current = g
	s.mu.Unlock()
	if old != nil {
		go old.end()
	}
	return nil
}

// reload loads the site again, and says what came of it.
func (s *site) reload(log *slog.Logger) {
	begun := time.Now()
	if err := s.load(); err != nil {
		log.Error("not reloaded, the old component goes on", "component", s.route.path, "err", err)
		return
	}
	log.Info("reloaded", "component", s.route.path, "took", time.Since(begun).Round(time.Millisecond))
}

// changed tells whether the file is another one than what was loaded, and is not being written any more: it has been
// the same for the time between two calls.
func (s *site) changed() bool {
	now, err := os.Stat(s.route.path)
	settled := sameContent(now, s.seen)
	s.seen = now
	return err == nil && settled && !sameContent(now, s.loaded)
}

// sameContent tells whether a file has not changed, as far as one sees without reading it.
func sameContent(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == b
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// end frees it when it has answered all its requests. No more may come.
func (g *generation) end() {
	g.running.Wait()
	g.handler.Close()
	g.pre.Close()
	g.component.Close()
}

// generation makes of a file what answers requests.
func (srv *server) generation(path string) (g *generation, err error) {
	src, err := readSource(path)
	if err != nil {
		return nil, err
	}
	if !src.isComponent {
		return nil, failed(component.ErrNotComponent, "failed to load %q", path)
	}
	if src.bytes == nil { // mapped, a file that is written over would change beneath running code
		if src.bytes, err = os.ReadFile(path); err != nil {
			return nil, failed(reason(err), "failed to open wasm module %q", path)
		}
	}
	g = &generation{}
	if g.component, err = src.component(srv.engine, srv.settings.allowPrecompiled); err != nil {
		return nil, failed(err, "failed to load %q", path)
	}
	if g.pre, err = srv.linker.InstantiatePre(g.component); err != nil {
		g.component.Close()
		return nil, failed(srv.hinted(err), "failed to instantiate %q", path)
	}
	g.handler = srv.handler(g.pre)
	if err := g.handler.Err(); err != nil {
		g.end()
		return nil, failed(err, "failed to serve %q", path)
	}
	return g, nil
}
