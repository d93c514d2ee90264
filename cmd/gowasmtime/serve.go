package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
)

// What a connection may take before and between its requests, so that one that says nothing does not stay for ever.
const (
	headerTimeout = time.Minute
	idleTimeout   = 3 * time.Minute
)

// watchEvery is how often files are looked at.
const watchEvery = 500 * time.Millisecond

// server is components that answer the requests of one address.
type server struct {
	settings *settings
	engine   *wasmtime.Engine
	linker   *component.Linker
	log      *slog.Logger
	// access is where requests are logged; nil is nowhere.
	access *slog.Logger
	stderr io.Writer
	sites  []*site

	// names and values are the environment that guests have, and output is where they print.
	names, values []string
	output        [2]*sharedWriter

	// instances counts those that there have been, running the requests that are being answered.
	instances atomic.Uint64
	running   atomic.Int64
}

// serveComponents does serve.
func serveComponents(s *settings, stdout, stderr io.Writer) error {
	srv, err := newServer(s, stdout, stderr)
	if err != nil {
		return err
	}
	return srv.run()
}

// newServer loads all components.
func newServer(s *settings, stdout, stderr io.Writer) (*server, error) {
	if len(s.operands) > 0 {
		if err := s.serve.addRoute(route{path: s.operands[0]}); err != nil {
			return nil, usageErrorf("%v", err)
		}
	}
	if len(s.serve.routes) == 0 {
		return nil, usageErrorf("gowasmtime serve needs COMPONENT or --route; see 'gowasmtime serve --help'")
	}
	if s.unknownImportsDefault {
		return nil, usageErrorf("-W unknown-imports-default is for modules, and serve is for components")
	}
	if s.http.on != nil && !*s.http.on {
		return nil, usageErrorf("-S http=n: serve needs wasi:http")
	}
	s.serve.setDefaults()
	on := true
	s.http.on = &on
	s.epochs = on // a request that nobody waits for any more ends
	engine, err := newServingEngine(s)
	if err != nil {
		return nil, err
	}
	srv := &server{
		settings: s, engine: engine, linker: component.NewLinker(engine),
		log: s.serve.logger(stderr), stderr: stderr,
		output: [2]*sharedWriter{{Writer: stdout}, {Writer: stderr}},
	}
	if s.serve.accessLog {
		srv.access = srv.log
	}
	srv.names, srv.values = s.environment(os.Environ())
	config, err := srv.wasiConfig(0) // what is wrong for one instance is so for all
	if err != nil {
		return nil, err
	}
	config.Close()
	if err := srv.define(); err != nil {
		return nil, err
	}
	for _, r := range s.serve.routes {
		one := &site{route: r, server: srv}
		if err := one.load(); err != nil {
			return nil, err
		}
		srv.sites = append(srv.sites, one)
	}
	return srv, nil
}

// newServingEngine makes an engine with a pool, unless that is not wanted, or the system has no room for one and nobody
// asked for it.
func newServingEngine(s *settings) (*wasmtime.Engine, error) {
	if s.pooling != nil {
		return newEngine(s)
	}
	pooled, on := *s, true
	pooled.pooling = &on
	if engine, err := newEngine(&pooled); err == nil {
		return engine, nil
	}
	return newEngine(s)
}

// proxyInterfaces are what a component gets of WASI without -S cli: the world that wasi:http/proxy includes.
func proxyInterfaces() []string {
	return []string{
		"wasi:io", "wasi:clocks/wall-clock", "wasi:clocks/monotonic-clock", "wasi:random/random",
		"wasi:cli/stdin", "wasi:cli/stdout", "wasi:cli/stderr",
	}
}

// define defines what components may import.
func (srv *server) define() error {
	s := srv.settings
	srv.linker.TrapUnknownImports(s.unknownImportsTrap)
	if err := s.defineExtras(srv.linker); err != nil {
		return err
	}
	if s.cli != nil && *s.cli {
		return s.defineWasi(srv.linker)
	}
	return srv.linker.DefineWasi(proxyInterfaces()...)
}

// hinted adds to the error about imports that are missing which keys would have provided them.
func (srv *server) hinted(err error) error {
	hinted := srv.settings.hinted(err)
	if cli := srv.settings.cli; !errors.Is(err, component.ErrMissing) || cli != nil && *cli {
		return hinted
	}
	for _, pkg := range []string{"cli", "clocks", "filesystem", "random", "sockets"} {
		if strings.Contains(err.Error(), "`wasi:"+pkg+"/") {
			return fmt.Errorf("%w\n-S cli provides all of WASI 0.2, not only what proxies have", hinted)
		}
	}
	return hinted
}

// handler makes a handler as the settings say.
func (srv *server) handler(pre *component.InstancePre) *component.Handler {
	s := srv.settings
	options := []component.HandlerOption{
		component.WithWasi(func(*http.Request) (*wasmtime.WasiConfig, error) { return srv.wasiConfig(srv.instances.Add(1) - 1) }),
		component.WithStore(func(store *wasmtime.Store, _ *http.Request) error { return s.limit(store) }),
		component.WithReuse(int(s.serve.reuseCount), 0),
		component.WithIdleTimeout(s.serve.idleTimeout),
		component.WithMaxInstances(int(s.serve.maxRequests)),
		component.WithLogger(srv.log),
	}
	if s.timeout != nil {
		options = append(options, component.WithTimeout(*s.timeout))
	}
	if srv.access != nil {
		options = append(options, component.WithAccessLog(srv.access))
	}
	return component.NewHandler(pre, options...)
}

// wasiConfig is what an instance gets, which has a number.
func (srv *server) wasiConfig(instance uint64) (*wasmtime.WasiConfig, error) {
	s := srv.settings
	names := append(slices.Clip(srv.names), "INSTANCE_ID")
	values := append(slices.Clip(srv.values), strconv.FormatUint(instance, 10))
	config, err := s.wasiConfig(nil, names, values)
	if err != nil {
		return nil, err
	}
	for i, stream := range []struct {
		name string
		set  func(io.Writer)
	}{{"stdout", config.SetStdout}, {"stderr", config.SetStderr}} {
		if s.closed[1+i] {
			continue
		}
		lines := &guestLines{to: srv.output[i]}
		if !s.serve.noPrefix {
			lines.prefix = fmt.Sprintf("%s [%d] :: ", stream.name, instance)
		}
		stream.set(lines)
	}
	return config, nil
}

// run answers requests until a signal, or a connection to the other address, says that no more are to be taken, and
// those that have come are answered.
func (srv *server) run() error {
	s := &srv.settings.serve
	listener, err := s.listen(s.address)
	if err != nil {
		return err
	}
	defer listener.Close()
	stop := make(chan os.Signal, 2)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	if s.shutdownAddress != "" {
		shutdown, err := s.listen(s.shutdownAddress)
		if err != nil {
			return err
		}
		defer shutdown.Close()
		fmt.Fprintf(srv.stderr, "Listening for shutdown on %s\n", urlOf("tcp", shutdown.Addr()))
		go func() {
			if conn, err := shutdown.Accept(); err == nil {
				conn.Close()
				stop <- os.Interrupt
			}
		}()
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go srv.watch(ctx)

	httpServer := srv.httpServer()
	served := make(chan error, 1)
	go func() { served <- httpServer.Serve(limitConnections(listener, s.maxConnections)) }()
	fmt.Fprintf(srv.stderr, "Serving HTTP on %s\n", urlOf("http", listener.Addr()))
	select {
	case err := <-served:
		return failed(err, "failed to serve")
	case <-stop:
	}
	return srv.shutdown(httpServer, stop)
}

// urlOf is how an address is told, with the port that was found for it.
func urlOf(scheme string, address net.Addr) string {
	if address.Network() == "unix" {
		return "unix:" + address.String()
	}
	return scheme + "://" + address.String() + "/"
}

// shutdown takes no more requests, and waits for those that have come, or for a second signal.
func (srv *server) shutdown(httpServer *http.Server, again <-chan os.Signal) error {
	ended := make(chan error, 1)
	go func() { ended <- httpServer.Shutdown(context.Background()) }()
	srv.log.Info("shutting down; a second signal ends at once", "requests", srv.running.Load())
	select {
	case err := <-ended:
		srv.close()
		return err
	case <-again:
		if n := srv.running.Load(); n > 0 {
			return fmt.Errorf("ended by a second signal; requests without an answer: %d", n)
		}
		return nil
	}
}

// close frees everything. No request may be running, and none may come.
func (srv *server) close() {
	for _, one := range srv.sites {
		one.mu.Lock()
		g := one.current
		one.mu.Unlock()
		g.end()
	}
	srv.linker.Close()
	srv.engine.Close()
}

// httpServer is net/http's, which hands requests to the sites.
func (srv *server) httpServer() *http.Server {
	s := &srv.settings.serve
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	sites := router{sites: srv.sites, access: srv.access}
	return &http.Server{
		Protocols: protocols, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(srv.log.Handler(), slog.LevelWarn),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			srv.running.Add(1)
			defer srv.running.Add(-1)
			s.applyHeaders(r)
			sites.ServeHTTP(w, r)
		}),
	}
}

// watch loads components again: all of them after a signal, and those whose files have changed.
func (srv *server) watch(ctx context.Context) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP) // which never comes on Windows
	defer signal.Stop(hangup)
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	ticks := ticker.C
	if srv.settings.serve.noWatch {
		ticks = nil
	}
	for {
		var all bool
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			all = true
		case <-ticks:
		}
		for _, one := range srv.sites {
			if all || one.changed() {
				one.reload(srv.log)
			}
		}
	}
}
