package wasi_test

import (
	"slices"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// Whatever a store was configured with, the next configuration takes the place of all of it: directories, arguments,
// clocks. In some orders the native library makes its own context at once, in others when the guest asks for the time
// or for random bytes.
func TestSetWasiInAnyOrder(t *testing.T) {
	dir := func() *WasiConfig {
		config := NewWasiConfig()
		config.SetArgv([]string{"dir"})
		Check(t, config.PreopenDir(TempDir(t), "/d", DIR_READ, FILE_READ))
		return config
	}
	clock := func() *WasiConfig {
		config := NewWasiConfig()
		config.SetArgv([]string{"clock"})
		config.SetWallClock(func() time.Time { return time.Unix(5, 0) }, time.Second)
		return config
	}
	kinds := []struct {
		name   string
		config func() *WasiConfig
		args   []string
		opens  string
		fixed  bool
	}{
		{"empty", NewWasiConfig, nil, "", false},
		{"a directory", dir, []string{"dir"}, "/d", false},
		{"a clock", clock, []string{"clock"}, "", true},
	}
	g := NewWasiGuest(t, nil)
	// Every kind follows every kind, itself included, and is asked everything or nothing before the next.
	for _, step := range []int{0, 0, 1, 1, 0, 2, 2, 0, 1, 2, 1, 0} {
		for _, ask := range []bool{true, false, true} {
			k := kinds[step]
			Check(t, g.Store.ConfigureWasi(k.config()))
			if !ask {
				continue
			}
			if args := g.Strings("args"); !slices.Equal(args, k.args) {
				t.Errorf("%s: arguments %q", k.name, args)
			}
			if opens := g.Preopens(); opens != k.opens {
				t.Errorf("%s: directories %q", k.name, opens)
			}
			now, errno := g.Clock(0)
			if errno != ErrnoSuccess || (now == 5e9) != k.fixed {
				t.Errorf("%s: the time is %d, %v", k.name, now, errno)
			}
			if bytes, err := g.Random(16); len(bytes) != 16 || err != nil {
				t.Errorf("%s: random bytes %q, %v", k.name, bytes, err)
			}
			if first, errno := g.Clock(1); errno != ErrnoSuccess || first == 0 {
				t.Errorf("%s: the monotonic clock is at %d, %v", k.name, first, errno)
			}
		}
	}
}
