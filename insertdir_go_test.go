package wasmtime_test

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/gowasmtime/wasmtime"
)

// Go's own package os in a guest, on a preopened and on an inserted directory.
func TestGoGuestDirectory(t *testing.T) {
	needSymlinks(t)
	engine := guestEngine(t)
	module := goGuest(t, engine, "osdir")
	run := func(t *testing.T, dir, guestPath string, config *WasiConfig, prepare func(*Store)) {
		check(t, os.WriteFile(filepath.Join(dir, "from the host"), []byte("host's content"), 0o644))
		config.SetArgv([]string{"osdir", guestPath})
		out := tempFile(t, "")
		err := runModule(t, engine, module, config, func(store *Store) {
			insert(t, store, 1, out, WRITE_ONLY)
			insert(t, store, 2, out, WRITE_ONLY)
			if prepare != nil {
				prepare(store)
			}
		})
		if status := exitStatus(t, err); status != 0 || content(t, out) != "ok\n" {
			t.Errorf("status %d: %s", status, content(t, out))
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 2 || entries[1].Name() != "left by the guest" {
			t.Error(entries, err)
		}
	}
	t.Run("preopened", func(t *testing.T) {
		dir := tempDir(t)
		config := NewWasiConfig()
		check(t, config.PreopenDir(dir, "/", DIR_READ|DIR_WRITE, FILE_READ|FILE_WRITE))
		run(t, dir, "/", config, nil)
	})
	t.Run("inserted", func(t *testing.T) {
		dir := tempDir(t)
		run(t, dir, "/data", NewWasiConfig(), func(store *Store) {
			fd, err := store.PushDir(openDir(t, dir), "/data", READ_WRITE)
			check(t, err)
			equal(t, "pushed to", fd, 3)
		})
	})
}
