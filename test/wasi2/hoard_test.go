package wasi2_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// Whatever holds something of the host's counts as a descriptor: also sockets, listings and look-ups.
func TestHoardedDescriptors(t *testing.T) {
	operations := []string{
		"hoard|descriptors|3000|0", "hoard|listings|3000|0", "hoard|tcp|3000", "hoard|udp|3000", "hoard|lookups|3000",
		// What was given back can be had again.
		"hoard|descriptors|3000|0",
	}
	for _, most := range []int{0, 50} {
		n := max(most, 1024) - 1 // one is the directory
		if most > 0 {
			n = most - 1
		}
		r := newTry(t, operations...)
		Check(t, r.config.PreopenDir(TempDir(t), "/d", DIR_READ, FILE_READ))
		r.config.InheritNetwork()
		r.config.AllowTCP(true)
		r.config.AllowUDP(true)
		r.config.AllowIPNameLookup(true)
		if most > 0 {
			r.Prepare = func(store *Store) error { store.SetMaxResources(uint64(most)); return nil }
		}
		r.want(operations, fmt.Sprint(n, " quota"), fmt.Sprint(n, " quota"), fmt.Sprint(n, " new-socket-limit"), fmt.Sprint(n, " new-socket-limit"),
			fmt.Sprint(n, " temporary-resolver-failure"), fmt.Sprint(n, " quota"))
	}
}

// The directories of a file system that Go serves count, too.
func TestHoardedServed(t *testing.T) {
	operations := []string{"hoard|descriptors|3000|0", "hoard|listings|3000|0", "hoard|listed|3000|0"}
	r := newTry(t, operations...)
	Check(t, r.config.PreopenFS(fstest.MapFS{"a": {}}, "/d"))
	r.Prepare = func(store *Store) error { store.SetMaxResources(20); return nil }
	r.want(operations, "19 quota", "19 quota", "19 quota")
}

// Streams and the like cost the host nothing but memory, of which there is an end.
func TestHoardedResources(t *testing.T) {
	operations := []string{"open|0|f|||rw", "hoard|streams|100000|1", "hoard|errors|70000|1"}
	r := newTry(t, operations...)
	dir := TempDir(t)
	Check(t, os.WriteFile(filepath.Join(dir, "f"), nil, 0o600))
	Check(t, r.config.PreopenDir(dir, "/d", allOfDir, allOfFile))
	said := r.run()
	for i, prefix := range []string{"", "65", "0 written"} {
		if !strings.HasPrefix(said[i], prefix) {
			t.Errorf("%s: %s", operations[i], said[i])
		}
	}
	// Those that have no word for it end the guest.
	for _, operation := range []string{"hoard|pollables|100000", "hoard|stdin|100000"} {
		if err := newTry(t, operation).Run(context.Background()); err == nil || !strings.Contains(err.Error(), "more resources of WASI") {
			t.Errorf("%s: %v", operation, err)
		}
	}
}

// What is to be written to a pipe that nobody reads is kept once, and not for each stream.
func TestHoardedOutput(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("pipes of Windows have no size to go by")
	}
	_, out := Pipe(t)
	r := newTry(t, "hoard|pending|1000")
	r.Prepare = func(store *Store) error { return store.InsertFile(1, out, WRITE_ONLY) }
	var streams int
	if _, err := fmt.Sscanf(r.run()[0], "%d none", &streams); err != nil || streams < 1 || streams > 10 {
		t.Errorf("the guest has said %q", r.said())
	}
}

// Who does not ask whether there is room is given some, until all streams keep what one call may pass.
func TestHoardedUnasked(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("pipes of Windows have no size to go by")
	}
	_, out := Pipe(t)
	r := newTry(t, "hoard|unasked|1000")
	r.Prepare = func(store *Store) error {
		store.SetHostcallFuel(1 << 20)
		return store.InsertFile(1, out, WRITE_ONLY)
	}
	var streams int
	if _, err := fmt.Sscanf(r.run()[0], "%d failed: insufficient-memory", &streams); err != nil || streams < 10 || streams > 20 {
		t.Errorf("the guest has said %q", r.said())
	}
}

// What one call passes is limited.
func TestHostcallFuel(t *testing.T) {
	dir := TempDir(t)
	Check(t, os.WriteFile(filepath.Join(dir, "f"), nil, 0o600))
	run := func(operations ...string) (*try, error) {
		r := newTry(t, operations...)
		Check(t, r.config.PreopenDir(dir, "/d", allOfDir, allOfFile))
		r.Prepare = func(store *Store) error { store.SetHostcallFuel(100_000); return nil }
		return r, r.Run(context.Background())
	}
	// What is written does not count, since nobody copies it.
	r, err := run("open|0|f|||rw", "write-much|1|200000")
	Check(t, err)
	Equal(t, "what was written", r.said()[1], "200000")
	for _, operation := range []string{"poll|60000|0"} {
		if r, err := run("open|0|f|||rw", operation); err == nil || !strings.Contains(err.Error(), "fuel") {
			t.Errorf("%s: %v, %s", operation, err, r.said())
		}
	}
	// The listing of a directory is kept, and counts.
	for i := range 2000 {
		Check(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("a file with a longer name %05d", i)), nil, 0o600))
	}
	r, err = run("hoard|listed|100|0")
	Check(t, err)
	if !strings.HasSuffix(r.said()[0], " insufficient-memory") {
		t.Error(r.said())
	}
}

// Lists of pollables have an end, and nothing is no list.
func TestPollables(t *testing.T) {
	operations := []string{"poll|1|0", "poll|65536|0"}
	newTry(t, operations...).want(operations, "1", "65536")
	for _, operation := range []string{"poll|65537|0", "poll-none"} {
		if err := newTry(t, operation).Run(context.Background()); err == nil || !strings.Contains(err.Error(), "poll list") {
			t.Errorf("%s: %v", operation, err)
		}
	}
}

// Random bytes have a limit for each call.
func TestRandomSize(t *testing.T) {
	run := func(operation string) (*try, error) {
		r := newTry(t, operation)
		r.config.SetMaxRandomSize(1 << 20)
		return r, r.Run(context.Background())
	}
	for _, kind := range []string{"secure", "insecure"} {
		r, err := run(fmt.Sprintf("random|%s|%d", kind, 1<<20))
		Check(t, err)
		Equal(t, kind, r.said()[0], "1048576")
		for _, n := range []string{"1048577", "18446744073709551615"} {
			if _, err := run(fmt.Sprintf("random|%s|%s", kind, n)); err == nil || !strings.Contains(err.Error(), "exceeds limit") {
				t.Errorf("%s random bytes: %v", n, err)
			}
		}
	}
}

// More than a stream has allowed ends the guest.
func TestUnpermitted(t *testing.T) {
	for _, operation := range []string{"stdout|unpermitted", "udp|unpermitted"} {
		r := newTry(t, operation)
		r.config.InheritNetwork()
		r.config.AllowUDP(true)
		if err := r.Run(context.Background()); err == nil || r.said() != nil {
			t.Errorf("%s: %v, %s", operation, err, r.said())
		}
	}
}
