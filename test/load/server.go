package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

// serveCommand is the argument that makes this program the server, before how many requests an instance serves.
const serveCommand = "serve"

// serve serves the guest on one port, and what it costs on another. It prints the addresses, and ends with its input.
func serve(reuse string) error {
	requests, err := strconv.Atoi(reuse)
	if err != nil {
		return err
	}
	handler, err := newHandler(requests)
	if err != nil {
		return err
	}
	var servers [2]http.Server
	for i, h := range []http.Handler{handler, http.HandlerFunc(serveUsage)} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		fmt.Println(l.Addr())
		// What clients do that vanish is not worth a line each.
		servers[i] = http.Server{Handler: h, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)}
		go servers[i].Serve(l)
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func newHandler(reuse int) (http.Handler, error) {
	config := wasmtime.NewConfig()
	pool := wasmtime.PoolingPreset()
	pool.MaxInstances = 8000 // a component is several
	config.SetPooling(pool)
	config.SetEpochInterruption(true)
	engine := wasmtime.NewEngineWithConfig(config)
	c, err := component.New(engine, guests.Component("http"))
	if err != nil {
		return nil, err
	}
	linker := component.NewLinker(engine)
	if err := errors.Join(linker.DefineWasi(), linker.DefineHTTP()); err != nil {
		return nil, err
	}
	pre, err := linker.InstantiatePre(c)
	if err != nil {
		return nil, err
	}
	return component.NewHandler(pre, component.WithReuse(reuse, 0), component.WithLogger(nil)), nil
}

// usage is what the process of the server has.
type usage struct {
	Resident    int64          // bytes
	Goroutines  int            //
	Descriptors int            //
	Threads     int            //
	Handles     map[string]int // native handles, by kind; those that live as long as the process are always there
}

func (u usage) String() string {
	text := fmt.Sprintf("%.1f MiB resident, %d goroutines, %d descriptors, %d threads", float64(u.Resident)/(1<<20),
		u.Goroutines, u.Descriptors, u.Threads)
	for _, kind := range slices.Sorted(maps.Keys(u.Handles)) {
		if n := u.Handles[kind]; n != 0 {
			text += fmt.Sprintf(", %d %s", n, kind)
		}
	}
	return text
}

// check says what has grown.
func (u usage) check(before usage, percent float64) error {
	var faults []error
	add := func(what string, before, after any) {
		faults = append(faults, fmt.Errorf("%s: %v before, %v after", what, before, after))
	}
	if float64(u.Resident) > float64(before.Resident)*(1+percent/100) {
		add("resident bytes", before.Resident, u.Resident)
	}
	if u.Goroutines > before.Goroutines {
		add("goroutines", before.Goroutines, u.Goroutines)
	}
	if u.Descriptors > before.Descriptors {
		add("descriptors", before.Descriptors, u.Descriptors)
	}
	if !maps.Equal(u.Handles, before.Handles) {
		add("native handles", before.Handles, u.Handles)
	}
	return errors.Join(faults...)
}

// serveUsage answers with the usage of this process, without what is garbage.
func serveUsage(w http.ResponseWriter, _ *http.Request) {
	u, err := measure()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	json.NewEncoder(w).Encode(u)
}

func measure() (u usage, err error) {
	runtime.GC() // what has no owner any more is closed by the next
	runtime.GC()
	debug.FreeOSMemory()
	u.Goroutines = runtime.NumGoroutine()
	u.Handles = maps.Clone(ffi.Live())
	maps.DeleteFunc(u.Handles, func(_ string, n int) bool { return n == 0 })
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return u, err
	}
	u.Descriptors = len(files)
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return u, err
	}
	u.Threads = len(threads)
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return u, err
	}
	pages, err := strconv.ParseInt(strings.Fields(string(statm))[1], 10, 64)
	u.Resident = pages * int64(os.Getpagesize())
	return u, err
}

// A server is the process that serves.
type server struct {
	process        *exec.Cmd
	in             io.Closer
	address, admin string
}

// startServer starts this program as a server.
func startServer(reuse int) (*server, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{process: exec.Command(path, serveCommand, strconv.Itoa(reuse))}
	s.process.Stderr = os.Stderr
	s.process.SysProcAttr = &syscall.SysProcAttr{}
	if s.in, err = s.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for _, address := range []*string{&s.address, &s.admin} {
		if !lines.Scan() {
			return nil, errors.Join(errors.New("the server does not start"), lines.Err(), s.process.Wait())
		}
		*address = lines.Text()
	}
	return s, nil
}

// stop ends the server, which must not fail.
func (s *server) stop() error {
	s.in.Close()
	return s.process.Wait()
}

func (s *server) kill() {
	if s.process.ProcessState == nil {
		s.process.Process.Kill()
		s.process.Wait()
	}
}

// usage asks the server, over a connection that is closed then.
func (s *server) usage() (u usage, err error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + s.admin)
	if err != nil {
		return u, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(answer.Body)
		return u, fmt.Errorf("what the server uses: %s: %s", answer.Status, text)
	}
	return u, json.NewDecoder(answer.Body).Decode(&u)
}

// settled is what the server uses when it has nothing to do: what was before, or the least that there is within ten
// seconds.
func (s *server) settled(before *usage) (least usage, err error) {
	for i := range 20 {
		time.Sleep(500 * time.Millisecond)
		u, err := s.usage()
		if err != nil {
			return u, err
		}
		if i == 0 || u.Goroutines < least.Goroutines || u.Goroutines == least.Goroutines && u.Resident < least.Resident {
			least = u
		}
		if before != nil && u.check(*before, 0) == nil {
			return u, nil
		}
	}
	return least, nil
}
