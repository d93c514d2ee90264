// Package stack proves that guests for which a thread has no room are refused, whatever thread that is, and that those
// for which it has room can use all of it. What fails here ends the process, so every case runs in one of its own.
package stack

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	"github.com/gowasmtime/wasmtime/internal/testkit"
)

// caseVariable names the case that a child process runs, and lockVariable locks that to the main thread.
const caseVariable, lockVariable = "STACK_TEST_CASE", "STACK_TEST_LOCK"

func init() {
	if os.Getenv(lockVariable) != "" {
		runtime.LockOSThread() // the main goroutine is on the main thread
	}
}

// TestMain runs a case in the main goroutine, if it is asked for one.
func TestMain(m *testing.M) {
	name, argument, _ := strings.Cut(os.Getenv(caseVariable), " ")
	if name == "" {
		os.Exit(m.Run())
	}
	size := 0
	if _, err := fmt.Sscan(argument, &size); err != nil {
		panic(err)
	}
	fmt.Println(cases[name](size))
}

// cases take the size of a guest's stack, 0 for the default one, and return what is printed.
var cases = map[string]func(size int) string{
	"entries": entries,
	"compile": compiled,
	"nested":  nested,
	"host":    hostsOnly,
	"again":   reentered,
}

// run runs a case in a process of its own, by a shell with a command before it if there is one, and returns what it
// printed.
func run(t *testing.T, before string, locked bool, name string, size int) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	if before != "" {
		shell, err := exec.LookPath("sh")
		if err != nil {
			t.Skip("no shell that sets limits")
		}
		cmd = exec.Command(shell, "-c", before+` && exec "$0"`, self)
	}
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", caseVariable, name, size))
	if locked {
		cmd.Env = append(cmd.Env, lockVariable+"=1")
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("the process ended with %v:\n%.1500s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// The guest recurses n times and calls the host from there.
const diver = `(module
	(import "" "bottom" (func $bottom (result i32)))
	(func (export "anyref") (param externref))
	(func $dive (export "dive") (param i32) (result i32)
		(if (result i32) (i32.eqz (local.get 0))
			(then (call $bottom))
			(else (i32.add (i32.const 1) (call $dive (i32.sub (local.get 0) (i32.const 1))))))))`

// The same as a component, which makes resources whose destructor recurses.
const componentDiver = `(component
	(core module $m
		(func $dive (export "dive") (param i32) (result i32)
			(if (result i32) (i32.eqz (local.get 0))
				(then (i32.const 0))
				(else (i32.add (i32.const 1) (call $dive (i32.sub (local.get 0) (i32.const 1)))))))
		(func (export "dtor") (param i32) (drop (call $dive (local.get 0)))))
	(core instance $i (instantiate $m))
	(type $r' (resource (rep i32) (dtor (core func $i "dtor"))))
	(core func $new (canon resource.new $r'))
	(core module $n (import "h" "new" (func $new (param i32) (result i32)))
		(func (export "make") (param i32) (result i32) (call $new (local.get 0))))
	(core instance $j (instantiate $n (with "h" (instance (export "new" (func $new))))))
	(export $r "r" (type $r'))
	(func (export "dive") (param "n" u32) (result u32) (canon lift (core func $i "dive")))
	(func (export "make") (param "n" u32) (result (own $r)) (canon lift (core func $j "make"))))`

// componentEntries are the ways into a component.
func componentEntries(p program, depth int32) map[string]func() error {
	c := must(component.New(p.engine, []byte(componentDiver)))
	linker := component.NewLinker(p.engine)
	pre := must(linker.InstantiatePre(c))
	instance := elsewhere(func() *component.Instance {
		return must(pre.Instantiate(nil, wasmtime.NewStore(p.engine)))
	})
	dive, n := must(instance.Func("dive")), uint32(depth/4*3)
	typed := must(component.Bind1[uint32, uint32](dive))
	resource := elsewhere(func() any { return must(must(instance.Func("make")).Call(nil, n)) }).(*component.Resource)
	return map[string]func() error{
		"a component's call":       func() error { _, err := dive.Call(nil, n); return err },
		"a component's bound call": func() error { _, err := typed.Call(nil, n); return err },
		"a component's instance":   func() error { _, err := pre.Instantiate(nil, wasmtime.NewStore(p.engine)); return err },
		"a component's destructor": func() error { return resource.Drop(nil) },
	}
}

// program is a guest, compiled.
type program struct {
	engine *wasmtime.Engine
	module *wasmtime.Module
	// size is how much stack the guest may take.
	size int
}

func compile(size int) program {
	cfg := wasmtime.NewConfig()
	if size != 0 {
		cfg.SetMaxWasmStack(size)
	} else {
		size = 512 << 10
	}
	engine := must(wasmtime.TryNewEngine(cfg))
	return program{size: size, engine: engine, module: must(wasmtime.NewModule(engine, must(wasmtime.Wat2Wasm(diver))))}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// guest is an instance in a store of its own.
type guest struct {
	store    *wasmtime.Store
	instance *wasmtime.Instance
}

// instantiate makes one whose host function is bottom.
func (p program) instantiate(bottom func() (int32, error)) (guest, error) {
	store := wasmtime.NewStore(p.engine)
	host := wasmtime.HostFunc0(func(*wasmtime.Caller) (int32, error) { return bottom() })
	instance, err := wasmtime.NewInstance(store, p.module, []wasmtime.AsExtern{wasmtime.NewHostFunc(store, host)})
	return guest{store, instance}, err
}

func nothing() (int32, error) { return 0, nil }

func (g guest) dive(n int32) error {
	_, err := g.instance.GetFunc(g.store, "dive").Call(g.store, n)
	return err
}

// depth returns how far guests can recurse, but for little of their stack.
func (p program) depth() int32 {
	g := must(p.instantiate(nothing))
	low, high := int32(0), int32(p.size/8) // a frame is larger than that
	for high-low > 1 {
		middle := low + (high-low)/2
		err := g.dive(middle)
		var trap *wasmtime.Trap
		switch {
		case err == nil:
			low = middle
		case errors.As(err, &trap) && *trap.Code() == wasmtime.StackOverflow:
			high = middle
		default:
			panic(err)
		}
	}
	return low - 10
}

// elsewhere runs f on another thread than that which the calling goroutine may be locked to.
func elsewhere[T any](f func() T) T {
	result := make(chan T)
	go func() { result <- f() }()
	return <-result
}

// entries tries every way into a guest, and returns what they all ended with.
func entries(size int) string {
	p := compile(size)
	depth := elsewhere(p.depth)
	g := elsewhere(func() guest { return must(p.instantiate(nothing)) })
	linker := wasmtime.NewLinker(p.engine)
	host := wasmtime.HostFunc0(func(*wasmtime.Caller) (int32, error) { return 0, nil })
	if err := linker.DefineHost("", "bottom", host); err != nil {
		panic(err)
	}
	pre := must(linker.InstantiatePre(p.module))
	dive := g.instance.GetFunc(g.store, "dive")
	raw := must(wasmtime.BindRaw(g.store, dive))
	typed := must(wasmtime.Bind1[int32, int32](g.store, dive))
	anyref := g.instance.GetFunc(g.store, "anyref")

	outcomes := map[string]string{}
	ways := map[string]func() error{
		"a call":         func() error { return g.dive(depth) },
		"a bound call":   func() error { _, err := typed.Call(depth); return err },
		"a raw call":     func() error { return raw.Call([]wasmtime.Raw{wasmtime.RawI32(depth)}) },
		"a checked call": func() error { _, err := anyref.Call(g.store, "a reference"); return err },
		"NewInstance":    func() error { _, err := p.instantiate(nothing); return err },
		"Instantiate":    func() error { _, err := linker.Instantiate(wasmtime.NewStore(p.engine), p.module); return err },
		"InstancePre":    func() error { _, err := pre.Instantiate(wasmtime.NewStore(p.engine)); return err },
		"DefineModule":   func() error { return linker.DefineModule(wasmtime.NewStore(p.engine), "m", p.module) },
	}
	maps.Copy(ways, componentEntries(p, depth))
	for name, enter := range ways {
		outcome := "entered"
		if err := enter(); errors.Is(err, wasmtime.ErrStackTooSmall) {
			outcome = "refused"
			var e *wasmtime.Error
			if !errors.As(err, &e) || !strings.Contains(e.Error(), "Config.SetMaxWasmStack") {
				outcome = fmt.Sprintf("%T %v", err, err)
			}
		} else if err != nil {
			outcome = err.Error()
		}
		outcomes[outcome] += " " + name
	}
	if len(outcomes) == 1 {
		for outcome := range outcomes {
			return outcome
		}
	}
	return fmt.Sprint(outcomes)
}

// compiled compiles a larger guest on one thread, and does whatever else the compiler has a part in.
func compiled(int) string {
	cfg := wasmtime.NewConfig()
	cfg.SetParallelCompilation(false)
	engine := must(wasmtime.TryNewEngine(cfg))
	wasm := must(os.ReadFile("../../testdata/guests/probe.wasm"))
	if err := wasmtime.ModuleValidate(engine, wasm); err != nil {
		return err.Error()
	}
	encoded := must(must(wasmtime.NewModule(engine, wasm)).Serialize())
	must(wasmtime.NewModuleDeserialize(engine, encoded))
	c := must(component.New(engine, []byte(componentDiver)))
	must(component.Deserialize(engine, must(c.Serialize()))).WIT()
	return "compiled"
}

// nested lets a guest call one in another store, from the end of its stack, and so on. It returns how many of them ran.
func nested(size int) string {
	return elsewhere(func() string {
		p := compile(size)
		depth, ran := p.depth(), 0
		var next func() (int32, error)
		next = func() (int32, error) {
			g, err := p.instantiate(next)
			if err != nil {
				return 0, err
			}
			ran++
			return 0, g.dive(depth)
		}
		_, err := next()
		if !errors.Is(err, wasmtime.ErrStackTooSmall) {
			return fmt.Sprintf("%d, then %v", ran, err)
		}
		return fmt.Sprint(ran)
	})
}

// reentered lets a host function call the guest that it was called by, although a guest of another store would not have
// room.
func reentered(size int) string {
	return elsewhere(func() string {
		p := compile(size)
		depth := p.depth()
		var g guest
		var inner, other error
		g = must(p.instantiate(func() (int32, error) {
			if inner == nil && other == nil {
				_, other = p.instantiate(nothing)
				inner = g.dive(10)
			}
			return 0, nil
		}))
		if err := g.dive(depth / 2); err != nil || inner != nil {
			return fmt.Sprint("the same store: ", err, inner)
		}
		if !errors.Is(other, wasmtime.ErrStackTooSmall) {
			return fmt.Sprint("another store: ", other)
		}
		return "entered"
	})
}

// hostsOnly lets a host function call itself, with no guest between that would find the end of the stack.
func hostsOnly(int) string {
	return elsewhere(func() string {
		store, deepest := wasmtime.NewStore(wasmtime.NewEngine()), 0
		var down *wasmtime.TypedFunc1[int32, int32]
		var last error
		f := wasmtime.NewHostFunc(store, wasmtime.HostFunc1(func(_ *wasmtime.Caller, n int32) (int32, error) {
			deepest = max(deepest, int(n))
			if _, err := down.Call(n + 1); last == nil {
				last = err
			}
			return n, nil
		}))
		down = must(wasmtime.Bind1[int32, int32](store, f))
		for range 2 {
			deepest, last = 0, nil
			if _, err := down.Call(0); err != nil || !errors.Is(last, wasmtime.ErrStackTooSmall) || deepest < 100 {
				return fmt.Sprintf("%v, and %v at level %d", err, last, deepest)
			}
		}
		return "refused"
	})
}

func equal(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

const mib = 1 << 20

// Each guest uses all that it may of the stack, and its host function calls the next one: on a thread that Go has made,
// because the main goroutine keeps the main thread, and wherever Go runs it.
func TestNestedStores(t *testing.T) {
	tests := []struct{ size, least, leastAnywhere int }{
		{0, 60, 10}, {17 * mib, 2, 2}, {4 * mib, 8, 4}, {6 * mib, 5, 4}, {8 * mib, 4, 4},
	}
	if testing.Short() {
		tests = tests[:2]
	}
	for _, test := range tests {
		for _, locked := range []bool{true, false} {
			least := test.leastAnywhere
			if locked {
				least = test.least
			}
			out := run(t, "", locked, "nested", test.size)
			if n, err := strconv.Atoi(out); err != nil || n < least {
				t.Errorf("%d bytes: got %q, want at least %d", test.size, out, least)
			}
		}
	}
}

func TestRecursionOfTheHost(t *testing.T) {
	if testkit.Debug {
		t.Skip("each crossing collects garbage, and looks at the whole stack for that")
	}
	equal(t, "a host function that calls itself", run(t, "", false, "host", 0), "refused")
}

// What a store was granted is for its nested calls, too.
func TestNestedCallsOfAStore(t *testing.T) {
	equal(t, "", run(t, "", false, "again", 25*mib), "entered")
}

// sizes are of stacks that Go's threads have room for, and the main thread of most systems has not. Each takes a
// process.
func sizes() []int {
	all := []int{8*mib + mib/8, 9 * mib, 12 * mib, 15*mib - mib/8, 30 * mib}
	if testing.Short() {
		return all[:1]
	}
	return all
}

// limit is a command that sets the limit of the main thread's stack to that of most systems.
const limit = "ulimit -S -s 8192"

func TestLockedMainThread(t *testing.T) {
	before, want := limit, "refused"
	if runtime.GOOS == "windows" { // there all threads are alike
		before, want = "", "entered"
	}
	for _, size := range sizes() {
		equal(t, fmt.Sprint(size), run(t, before, true, "entries", size), want)
	}
	equal(t, "7 MiB", run(t, before, true, "entries", 7*mib), "entered")
	equal(t, "the default", run(t, before, true, "entries", 0), "entered")
}

// A goroutine that is not locked to the main thread leaves it.
func TestMainThread(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("all threads are alike")
	}
	for _, size := range sizes() {
		equal(t, fmt.Sprint(size), run(t, limit, false, "entries", size), "entered")
	}
}

func TestSmallLimit(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such limits")
	}
	if os.Getenv("QEMU_LD_PREFIX") != "" {
		t.Skip("the limit is that of the emulator")
	}
	limits := []int{128, 600, 256, 512}
	if testing.Short() {
		limits = limits[:2]
	}
	for _, kib := range limits {
		before := fmt.Sprintf("ulimit -s %d", kib)
		equal(t, before+", locked", run(t, before, true, "entries", 0), "refused")
		equal(t, before, run(t, before, false, "entries", 0), "entered")
	}
	equal(t, "compiling", run(t, "ulimit -s 128", true, "compile", 0), "compiled")
	equal(t, "a stack as small", run(t, "ulimit -s 512", true, "entries", 128<<10), "entered")
}
