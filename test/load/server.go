package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
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
	engine, pre, err := prepare()
	if err != nil {
		return err
	}
	var admin http.ServeMux
	admin.HandleFunc("/usage", answerWith(measure))
	admin.HandleFunc("/room", answerWith(func() (int, error) { return room(engine, pre) }))
	handler := component.NewHandler(pre, component.WithReuse(requests, 0), component.WithLogger(nil))
	if err := handler.Err(); err != nil {
		return err
	}
	var servers [2]http.Server
	for i, h := range []http.Handler{handler, &admin} {
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

// prepare compiles the guest, for a pool with room for more than the connections of a load.
func prepare() (*wasmtime.Engine, *component.InstancePre, error) {
	config := wasmtime.NewConfig()
	pool := wasmtime.PoolingPreset()
	pool.MaxInstances = 8000 // each instance of a component is several
	config.SetPooling(pool)
	config.SetEpochInterruption(true)
	engine := wasmtime.NewEngineWithConfig(config)
	c, err := component.New(engine, guests.Component("http"))
	if err != nil {
		return nil, nil, err
	}
	linker := component.NewLinker(engine)
	defer linker.Close()
	if err := errors.Join(linker.DefineWasi(), component.DefineHTTP(linker)); err != nil {
		return nil, nil, err
	}
	pre, err := linker.InstantiatePre(c)
	return engine, pre, err
}

// room is how many instances the pool has room for, on top of those that live. It fills the pool to find that out.
func room(engine *wasmtime.Engine, pre *component.InstancePre) (n int, err error) {
	wasi := wasmtime.NewWasiConfig()
	defer wasi.Close()
	var stores []*wasmtime.Store
	for {
		store := wasmtime.NewStore(engine)
		stores = append(stores, store)
		store.SetEpochDeadline(1 << 30)
		store.SetWasi(wasi)
		if _, err = pre.Instantiate(nil, store); err != nil {
			break
		}
		n++
	}
	for _, store := range stores {
		store.Close()
	}
	if errors.Is(err, wasmtime.ErrPoolFull) {
		err = nil
	}
	return n, err
}

// usage is what the process of the server has.
type usage struct {
	Resident                         int64 // bytes
	Goroutines, Descriptors, Threads int
}

func (u usage) String() string {
	return fmt.Sprintf("%.1f MiB resident, %d goroutines, %d descriptors, %d threads", float64(u.Resident)/(1<<20),
		u.Goroutines, u.Descriptors, u.Threads)
}

// check says what has grown.
func (u usage) check(before usage, percent float64) error {
	var faults []error
	add := func(what string, before, after int64) {
		faults = append(faults, fmt.Errorf("%s: %v before, %v after", what, before, after))
	}
	if float64(u.Resident) > float64(before.Resident)*(1+percent/100) {
		add("resident bytes", before.Resident, u.Resident)
	}
	if u.Goroutines > before.Goroutines {
		add("goroutines", int64(before.Goroutines), int64(u.Goroutines))
	}
	if u.Descriptors > before.Descriptors {
		add("descriptors", int64(before.Descriptors), int64(u.Descriptors))
	}
	return errors.Join(faults...)
}

// answerWith answers with what a function returns, as JSON.
func answerWith[T any](f func() (T, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		value, err := f()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		json.NewEncoder(w).Encode(value)
	}
}

// measure is what this process uses, without what is garbage.
func measure() (u usage, err error) {
	runtime.GC() // what has no owner any more is closed by the next
	runtime.GC()
	debug.FreeOSMemory()
	u.Goroutines = runtime.NumGoroutine()
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

// ask asks the server something, over a connection that is closed then.
func (s *server) ask(what string, answer any) error {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + s.admin + what)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		return fmt.Errorf("%s of the server: %s: %s", what, response.Status, text)
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

// settled is what the server uses when it has nothing to do: what was before, or the least that there is within ten
// seconds.
func (s *server) settled(before *usage) (least usage, err error) {
	for i := range 20 {
		time.Sleep(500 * time.Millisecond)
		var u usage
		if err := s.ask("/usage", &u); err != nil {
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
