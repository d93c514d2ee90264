package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime/ci/compat/internal/workspace"
)

func mustSurface(t *testing.T, dir string, headers ...string) surface {
	t.Helper()
	s, err := surfaceOf(dir, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestFixtures compares two small packages that differ in every way that counts.
func TestFixtures(t *testing.T) {
	then := mustSurface(t, filepath.Join("testdata", "old"), filepath.Join("testdata", "old", "include"))
	now := mustSurface(t, filepath.Join("testdata", "new"), filepath.Join("testdata", "new", "include"))
	got := compare(then, now, map[finding]bool{
		{"missing", "func Removed"}:     true,
		{"missing", "func NeverThere"}:  true,
		{"different", "const KindC"}:    true,
		{"missing", "method Thing.New"}: true,
	})
	var failures []string
	for _, text := range got.failures {
		first, _, _ := strings.Cut(text, "\n")
		failures = append(failures, first)
	}
	want := []string{
		"different const Number", "missing field Thing.Gone", "missing method Like.Context", "different method Thing.Changed",
		"missing method Thing.Missing", "different type Comparable", "grown method Like.Other",
	}
	if !slices.Equal(failures, want) {
		t.Errorf("failures\n%q, want\n%q", failures, want)
	}
	stale := []finding{{"different", "const KindC"}, {"missing", "func NeverThere"}, {"missing", "method Thing.New"}}
	if !slices.Equal(got.stale, stale) {
		t.Errorf("stale %v, want %v", got.stale, stale)
	}
	if got.ok() {
		t.Error("the comparison passes")
	}
	var b strings.Builder
	printAdditions(&b, then, now)
	for _, want := range []string{"- `Bind`: `func[any, any]($0) $1`", "- `Thing.More`: `string`"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the additions lack %s:\n%s", want, b.String())
		}
	}
}

// TestPeer reads wasmtime-go and looks at what is hardest to read: constants and
// types that come from C.
func TestPeer(t *testing.T) {
	dir, err := workspace.PeerDir()
	if err != nil {
		t.Fatal(err)
	}
	s := mustSurface(t, dir, filepath.Join(dir, "build", "include"))
	for item, want := range map[string]string{
		"const KindI32":                  "ValKind = 0",
		"const KindExternref":            "ValKind = 128",
		"const KindFuncref":              "ValKind = 129",
		"const OptLevelSpeedAndSize":     "OptLevel = 2",
		"const ProfilingStrategyJitdump": "ProfilingStrategy = 1",
		"const StrategyCranelift":        "Strategy = 1",
		"const OutOfFuel":                "TrapCode = 11",
		"const DIR_WRITE":                "WasiDirPerms = 2",
		"type ValKind":                   "uint8, comparable",
		"type Strategy":                  "uint8, comparable",
		"type Val":                       "struct, comparable",
		"field Store.Engine":             "*Engine",
		"method Func.Call":               "(*Func) func(Storelike, ...any) (any, error)",
		"method Store.Context":           "(*Store) func() *C.wasmtime_context_t",
		"func NewFunc":                   "func(Storelike, *FuncType, func(*Caller, []Val) ([]Val, *Trap)) *Func",
	} {
		if s[item] != want {
			t.Errorf("%s is %q, want %q", item, s[item], want)
		}
	}
	for _, item := range slices.Sorted(maps.Keys(s)) {
		if strings.Contains(s[item], "invalid type") {
			t.Errorf("%s was not understood: %s", item, s[item])
		}
	}
	if got := compare(s, s, nil); !got.ok() {
		t.Errorf("wasmtime-go differs from itself: %v", got)
	}
}

func TestAllowListSyntax(t *testing.T) {
	file := filepath.Join(t.TempDir(), "allow")
	if err := os.WriteFile(file, []byte("# comment\n\nperhaps func New\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readAllowList(file); err == nil {
		t.Error("an unknown verdict is read without an error")
	}
	if _, err := readAllowList(filepath.Join("allow.txt")); err != nil {
		t.Error(err)
	}
}
