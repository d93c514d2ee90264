package wasmtime_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// resident is the memory that the process takes at this moment, in bytes.
func resident(t *testing.T) int {
	t.Helper()
	fields := strings.Fields(string(Must(os.ReadFile("/proc/self/statm"))))
	return Must(strconv.Atoi(fields[1])) * os.Getpagesize()
}

// Traps and errors that a program keeps, or drops where no collector finds them, hold no native memory: not what their
// backtrace was made of, which is large after a deep recursion.
func TestFailuresHoldLittleMemory(t *testing.T) {
	const count, each = 200, 64 << 10
	engine := NewEngine()
	defer engine.Close()
	module := Compile(t, engine, `(module (import "" "fail" (func $fail))
		(func $deep (export "deep") call $deep)
		(func $down (export "fail") (param i32)
			(if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1)))) (else (call $fail)))))`)
	defer module.Close()
	fail := func(store *Store, instance *Instance) error {
		_, err := instance.GetFunc(store, "fail").Call(store, 10_000)
		return err
	}
	deep := func(store *Store, instance *Instance) error {
		_, err := instance.GetFunc(store, "deep").Call(store)
		return err
	}
	for name, end := range map[string]func(*Store, *Instance) error{"trap": deep, "error of a host function": fail} {
		t.Run(name, func(t *testing.T) {
			var all []error
			run := func() {
				store := NewStore(engine)
				defer store.Close()
				instance, err := NewInstance(store, module, Items(store, func() *Trap { return NewTrap("failed") }))
				Check(t, err)
				all = append(all, end(store, instance))
			}
			for range 10 { // what is made once
				run()
			}
			before := resident(t)
			for range count {
				run()
			}
			if grown := resident(t) - before; grown > count*each {
				t.Errorf("%d failures take %d KiB each", count, grown/count>>10)
			}
			for _, err := range all {
				if err == nil || !strings.Contains(err.Error(), "wasm backtrace") {
					t.Fatalf("got %v", err)
				}
			}
		})
	}
}
