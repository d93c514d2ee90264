package wasi2_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// network opens the network.
func network(r *try) {
	r.config.InheritNetwork()
	r.config.AllowTCP(true)
	r.config.AllowUDP(true)
	r.config.AllowIPNameLookup(true)
}

// Whatever a guest waits for, its context ends.
func TestContextEndsWaits(t *testing.T) {
	silent := func(t *testing.T) (port string) {
		l := Listen(t, "tcp")
		_, port, err := net.SplitHostPort(l.Addr().String())
		Check(t, err)
		return port
	}
	stdin := func(t *testing.T, r *try) { in, _ := Pipe(t); r.config.SetStdin(in) }
	hostStdin := func(t *testing.T, r *try) {
		in, _ := Pipe(t)
		r.Prepare = func(store *Store) error { return store.InsertFile(0, in, READ_ONLY) }
	}
	goStdin := func(t *testing.T, r *try) {
		in, out := io.Pipe()
		t.Cleanup(func() { out.Close() })
		r.config.SetStdin(in)
	}
	hostStdout := func(t *testing.T, r *try) {
		_, out := Pipe(t)
		r.Prepare = func(store *Store) error { return store.InsertFile(1, out, WRITE_ONLY) }
	}
	conn := func(fd uint32) func(t *testing.T, r *try) {
		return func(t *testing.T, r *try) {
			_, its := Connected(t, "tcp")
			r.Prepare = func(store *Store) error { return store.InsertConn(fd, its) }
		}
	}
	goStdout := func(t *testing.T, r *try) {
		in, out := io.Pipe()
		t.Cleanup(func() { in.Close() })
		r.config.SetStdout(out)
	}
	for name, c := range map[string]struct {
		operation string
		prepare   func(t *testing.T, r *try)
	}{
		"sleep":                   {"sleep|100000000000", nil},
		"sleep for ever":          {"sleep|18446744073709551615", nil},
		"read a pipe":             {"stdin|read", stdin},
		"read an inserted pipe":   {"stdin|read", hostStdin},
		"read a reader":           {"stdin|read", goStdin},
		"read a connection":       {"stdin|read", conn(0)},
		"skip":                    {"stdin|skip", hostStdin},
		"splice":                  {"stdin|splice", hostStdin},
		"splice of a reader":      {"stdin|splice", goStdin},
		"poll a pipe":             {"stdin|poll", hostStdin},
		"poll a reader":           {"stdin|poll", goStdin},
		"poll a connection":       {"stdin|poll", conn(0)},
		"write a pipe":            {"stdout|fill|100000000", hostStdout},
		"write a connection":      {"stdout|fill|100000000", conn(1)},
		"write a writer":          {"stdout|fill|100000000", goStdout},
		"poll for room":           {"stdout|poll", hostStdout},
		"accept":                  {"accept", nil},
		"receive":                 {"udp|receive", nil},
		"read from a peer":        {"connect|" + silent(t), nil},
		"write to a peer":         {"connect-fill|" + silent(t), nil},
		"a guest that never ends": {"spin", nil},
	} {
		t.Run(name, func(t *testing.T) {
			for delay := 50 * time.Millisecond; ; delay *= 4 {
				r := newTry(t, c.operation)
				network(r)
				if c.prepare != nil {
					c.prepare(t, r)
				}
				ctx, cancel := context.WithCancel(context.Background())
				start := time.Now()
				time.AfterFunc(delay, cancel)
				err := r.Run(ctx)
				waited := time.Since(start)
				var trap *Trap
				if !errors.As(err, &trap) && errors.Is(err, context.Canceled) && delay < 10*time.Second {
					continue // it was over before the guest began
				}
				if waited < delay-time.Millisecond || waited > delay+10*time.Second {
					t.Errorf("the guest waited %v", waited)
				}
				if trap == nil || !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, %s", err, r.said())
				}
				return
			}
		})
	}
}

// A context ends the wait for a name, too. Whether there is a name server or not, it must not outlast the context.
func TestContextEndsLookup(t *testing.T) {
	r := newTry(t, "lookup|does.not.exist.example")
	network(r)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	err := r.Run(ctx)
	if waited := time.Since(start); waited > 5*time.Second {
		t.Errorf("the guest waited %v: %v", waited, err)
	}
	if err == nil && !strings.HasPrefix(r.said()[0], "error: ") || err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, %s", err, r.said())
	}
}

// Reading without waiting finds nothing, and then what came.
func TestReadNow(t *testing.T) {
	in, out := Pipe(t)
	operations := []string{"stdin|now", "stdin|read", "stdin|read", "stdin|now"}
	r := newTry(t, operations...)
	r.Prepare = func(store *Store) error { return store.InsertFile(0, in, READ_ONLY) }
	time.AfterFunc(50*time.Millisecond, func() { out.Write([]byte("text")); out.Close() })
	r.want(operations, "", "text", "error: closed", "error: closed")
}

// What Go's clocks, readers and sources of random bytes fail with ends the guest, and comes out of the call.
func TestFailuresComeOut(t *testing.T) {
	failed := errors.New("on purpose")
	failing := ReaderFunc(func([]byte) (int, error) { return 0, failed })
	for name, c := range map[string]struct {
		operation string
		prepare   func(c *WasiConfig)
	}{
		"secure random":   {"random|secure|100", func(c *WasiConfig) { c.SetSecureRandom(failing) }},
		"insecure random": {"random|insecure|100", func(c *WasiConfig) { c.SetInsecureRandom(failing) }},
		"a number":        {"random|u64", func(c *WasiConfig) { c.SetSecureRandom(failing) }},
		"an insecure one": {"random|u64", func(c *WasiConfig) { c.SetInsecureRandom(failing) }},
	} {
		r := newTry(t, c.operation, "clock|wall")
		c.prepare(r.config)
		if err := r.Run(context.Background()); !errors.Is(err, failed) || len(r.said()) > 0 {
			t.Errorf("%s: %v, %s", name, err, r.said())
		}
	}
	for name, c := range map[string]struct {
		operation string
		prepare   func(c *WasiConfig)
	}{
		"wall clock":      {"clock|wall", func(c *WasiConfig) { c.SetWallClock(func() time.Time { panic("no time") }, 1) }},
		"monotonic clock": {"clock|monotonic", func(c *WasiConfig) { c.SetMonotonicClock(func() time.Duration { panic("no time") }, 1) }},
		"random":          {"random|u64", func(c *WasiConfig) { c.SetSecureRandom(ReaderFunc(func([]byte) (int, error) { panic("no time") })) }},
		"reader":          {"stdin|read", func(c *WasiConfig) { c.SetStdin(ReaderFunc(func([]byte) (int, error) { panic("no time") })) }},
	} {
		r := newTry(t, c.operation)
		c.prepare(r.config)
		WantPanic(t, name, "no time", func() { t.Error(name, r.Run(context.Background())) })
	}
	// A reader's error is the guest's own affair, as in WASI 0.1.
	r := newTry(t, "stdin|read")
	r.config.SetStdin(failing)
	r.want([]string{"stdin|read"}, "error: failed: io")
}

// Each way to end has its error.
func TestExit(t *testing.T) {
	Check(t, newTry(t, "exit|ok", "abort").Run(context.Background()))
	var exit *ExitError
	if err := newTry(t, "exit|bad", "abort").Run(context.Background()); !errors.As(err, &exit) || exit.Status != 1 {
		t.Errorf("got %v", err)
	}
	Check(t, newTry(t, "exit-with|0", "abort").Run(context.Background()))
	for _, code := range []int{1, 3, 255} {
		if err := newTry(t, fmt.Sprint("exit-with|", code)).Run(context.Background()); !errors.As(err, &exit) || int(exit.Status) != code {
			t.Errorf("status %d: got %v", code, err)
		}
	}
	var trap *Trap
	if err := newTry(t, "abort").Run(context.Background()); !errors.As(err, &trap) {
		t.Errorf("got %v", err)
	} else if code := trap.Code(); code == nil || *code != UnreachableCodeReached {
		t.Errorf("the trap's code is %v", code)
	}
}

// What is there without a network is none, and without a directory is none.
func TestNothingGiven(t *testing.T) {
	port := strings.TrimPrefix(Listen(t, "tcp").Addr().String(), "127.0.0.1:")
	operations := []string{"connect|" + port, "accept|now", "udp|receive", "lookup|localhost", "open|0|.||d|r", "stdin|read", "cwd"}
	newTry(t, operations...).want(operations, "error: access-denied", "error: access-denied", "error: access-denied",
		"error: permanent-resolver-failure", "error: dropped", "error: closed", "None")
}

// A directory for reading is not changed, and a file in it is not opened for writing.
func TestReadOnlyDirectory(t *testing.T) {
	dir := TempDir(t)
	Check(t, os.WriteFile(dir+"/f", []byte("text"), 0o600))
	Check(t, os.Mkdir(dir+"/sub", 0o700))
	operations := []string{
		"open|0|f|||rw", "open|0|f|||w", "open|0|f||t|r", "open|0|new||c|r", "mkdir|0|sub/new", "mkdir|0|new", "rmdir|0|sub", "unlink|0|f",
		"rename|0|f|0|g", "link|0|f|0|g|", "symlink|0|f|g", "times|0|f|", "touch|0", "open|0|f|||r", "write|1|x|0", "append|1|x", "stream-write|1|x|0",
		"size|1|0", "touch|1", "flags|0", "flags|1", "read|1|100|0", "read|1|100|4", "stream-read|1|2|1", "stream-after-drop|0|f", "list|0", "same|0|1", "same|1|1",
	}
	for name, give := range map[string]func(r *try){
		"host": func(r *try) { Check(t, r.config.PreopenDir(dir, "/d", DIR_READ, FILE_READ)) },
		"Go":   func(r *try) { Check(t, r.config.PreopenFS(os.DirFS(dir), "/d")) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newTry(t, operations...)
			give(r)
			said := r.run()
			for i, line := range said[:19] {
				if operations[i] == "open|0|f|||r" {
					Equal(t, operations[i], line, "1")
				} else if !strings.HasPrefix(line, "error: not-permitted") && !strings.HasPrefix(line, "error: read-only") && line != "error: bad-descriptor" {
					t.Errorf("%s: %s", operations[i], line)
				}
			}
			for i, want := range []string{"DescriptorType::Directory r", "DescriptorType::RegularFile r", `4 "text" false`, `0 "" true`, `2 "ex"`, "text", "f,sub", "false", "true"} {
				Equal(t, operations[19+i], said[19+i], want)
			}
		})
	}
	entries := Must(os.ReadDir(dir))
	Equal(t, "entries", len(entries), 2)
	Equal(t, "content", string(Must(os.ReadFile(dir+"/f"))), "text")
}
