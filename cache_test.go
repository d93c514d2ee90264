package wasmtime_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// cacheFile writes a configuration with a cache in a folder of its own, and returns both.
func cacheFile(t *testing.T) (file, dir string) {
	t.Helper()
	folder := TempDir(t)
	file, dir = filepath.Join(folder, "cache.toml"), filepath.Join(folder, "cache")
	Check(t, os.WriteFile(file, []byte("# ours\n[cache]\ndirectory = '"+dir+"' # here\n"), 0o600))
	return file, dir
}

// cached are the files in a cache.
func cached(t *testing.T, dir string) (paths []string) {
	t.Helper()
	Check(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !strings.HasSuffix(path, ".toml") && !strings.HasSuffix(path, ".stats") {
			paths = append(paths, path)
		}
		return err
	}))
	return paths
}

const cachedWat = `(module (memory (export "memory") 1) (data (i32.const 0) "12345678901234567890") (func (export "f") (param i32) (result i32)
	(local $sum i32) (loop $l (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get 0))))
		(br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get $sum)))`

// Damage in a cache, whatever it is, costs a compilation and nothing else.
func TestCacheDamaged(t *testing.T) {
	if !Survives(t) {
		return
	}
	file, dir := cacheFile(t)
	run := func() {
		t.Helper()
		engine := EngineWith(t, func(cfg *Config) { Check(t, cfg.CacheConfigLoad(file)) })
		store, instance := GuestIn(t, engine, cachedWat)
		Equal(t, "f", Call(t, store, instance, "f", 10), any(int32('2'+'3'+'4'+'5'+'6'+'7'+'8'+'9'+'0'+'1')))
		store.Close()
		engine.Close()
	}
	run()
	paths := cached(t, dir)
	if len(paths) != 1 {
		t.Fatalf("%q are in the cache", paths)
	}
	whole := Must(os.ReadFile(paths[0]))
	random := rand.New(rand.NewPCG(15, 0))
	damage := map[string]func([]byte) []byte{
		"bit":      func(b []byte) []byte { b[random.IntN(len(b))] ^= 1 << random.IntN(8); return b },
		"zeros":    func(b []byte) []byte { at := random.IntN(len(b)); clear(b[at:min(len(b), at+512)]); return b },
		"cut":      func(b []byte) []byte { return b[:random.IntN(len(b))] },
		"appended": func(b []byte) []byte { return append(b, "more"...) },
		"empty":    func([]byte) []byte { return nil },
	}
	for name, f := range damage {
		for range Rounds(30) {
			damaged := f(bytes.Clone(whole))
			if bytes.Equal(damaged, whole) {
				continue // the zeros were zeros
			}
			Check(t, os.WriteFile(paths[0], damaged, 0o600))
			run()
			if got := Must(os.ReadFile(paths[0])); !bytes.Equal(got, whole) {
				t.Fatalf("%s: the entry is damaged still", name)
			}
		}
	}
}

// An entry serves its module with its configuration only, also if it lies in the place of another.
func TestCacheEntries(t *testing.T) {
	file, dir := cacheFile(t)
	result := func(n string, set ...func(*Config)) any {
		t.Helper()
		engine := EngineWith(t, append(set, func(cfg *Config) { Check(t, cfg.CacheConfigLoad(file)) })...)
		store, instance := GuestIn(t, engine, `(module (func (export "f") (result i32) (i32.const `+n+`)))`)
		store.SetFuel(100)
		return Call(t, store, instance, "f")
	}
	Equal(t, "the first", result("1"), any(int32(1)))
	first := cached(t, dir)
	Equal(t, "the second", result("2"), any(int32(2)))
	Equal(t, "another configuration", result("1", withFuel), any(int32(1)))
	all := cached(t, dir)
	if len(first) != 1 || len(all) != 3 {
		t.Fatalf("%q and %q are in the cache", first, all)
	}
	entry := Must(os.ReadFile(first[0]))
	for _, path := range all {
		Check(t, os.WriteFile(path, entry, 0o600))
	}
	Equal(t, "the second", result("2"), any(int32(2)))
	Equal(t, "another configuration", result("1", withFuel), any(int32(1)))

	// What is in the cache is used: nobody writes a whole entry again.
	before := Must(os.Stat(first[0]))
	Equal(t, "the first", result("1"), any(int32(1)))
	if !os.SameFile(before, Must(os.Stat(first[0]))) {
		t.Error("a module in the cache was compiled again")
	}
}

// The folder is where the configuration says, however it says so; what this package cannot read is refused.
func TestCacheDirectory(t *testing.T) {
	for name, text := range map[string]string{
		"literal": "[cache]\ndirectory = 'DIR'", "dotted": "cache.directory='DIR'", "spaced": "[ cache ]\n  directory  =  'DIR' # 'x'\n",
		"quoted": "[\"cache\"]\n\"directory\" = 'DIR'\ncleanup-interval = \"1h\"",
	} {
		dir := TempDir(t)
		file := filepath.Join(dir, "c.toml")
		Check(t, os.WriteFile(file, []byte(strings.ReplaceAll(text, "DIR", dir)), 0o600))
		engine := EngineWith(t, func(cfg *Config) { Check(t, cfg.CacheConfigLoad(file)) })
		Compile(t, engine, `(module)`)
		if len(cached(t, dir)) != 1 {
			t.Errorf("%s: nothing is in the cache", name)
		}
	}
	dir := TempDir(t)
	for _, text := range []string{"cache = { directory = 'DIR' }", "[cache]\ndirectory = '''DIR'''"} {
		file := filepath.Join(dir, "c.toml")
		Check(t, os.WriteFile(file, []byte(strings.ReplaceAll(text, "DIR", dir)), 0o600))
		cfg := NewConfig()
		WantIs(t, cfg.CacheConfigLoad(file), ErrUnsupported)
		cfg.Close()
	}
}
