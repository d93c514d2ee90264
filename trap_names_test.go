package wasmtime_test

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// Names of functions are shown as they are, and as their language has them if they are mangled.
func TestNamesInTraps(t *testing.T) {
	for name, shown := range map[string]string{
		"s":             "s",
		"i":             "i",
		"St":            "St",
		"_start":        "_start",
		"_ZN3foo3barEv": "foo::bar()",
		"_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE": "core::fmt::Write::write_fmt::h0123456789abcdef",
	} {
		store, instance := Guest(t, fmt.Sprintf(`(module $m (func $%s (export "f") unreachable))`, name))
		_, err := instance.GetFunc(store, "f").Call(store)
		trap := WantTrap(t, err, UnreachableCodeReached)
		line := strings.Split(trap.Error(), "\n")[1]
		if !strings.HasSuffix(line, "m!"+shown) {
			t.Errorf("%s is shown as %q", name, line)
		}
		if got := trap.Frames()[0].FuncName(); got == nil || *got != name {
			t.Errorf("the frame of %s has the name %v", name, got)
		}
	}
}
