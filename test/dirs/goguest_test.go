package dirs_test

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// Go's own package os in a guest, on a preopened and on an inserted directory.
func TestGoGuestDirectory(t *testing.T) {
	needSymlinks(t)
	engine := GuestEngine(t)
	module := GoGuest(t, engine, "osdir")
	run := func(t *testing.T, dir, guestPath string, config *WasiConfig, prepare func(*Store)) {
		Check(t, os.WriteFile(filepath.Join(dir, "from the host"), []byte("host's content"), 0o644))
		config.SetArgv([]string{"osdir", guestPath})
		out := TempFile(t, "")
		err := RunModule(t, engine, module, config, func(store *Store) {
			Insert(t, store, 1, out, WRITE_ONLY)
			Insert(t, store, 2, out, WRITE_ONLY)
			if prepare != nil {
				prepare(store)
			}
		})
		if status := ExitStatus(t, err); status != 0 || Content(t, out) != "ok\n" {
			t.Errorf("status %d: %s", status, Content(t, out))
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 2 || entries[1].Name() != "left by the guest" {
			t.Error(entries, err)
		}
	}
	t.Run("preopened", func(t *testing.T) {
		dir := TempDir(t)
		config := NewWasiConfig()
		Check(t, config.PreopenDir(dir, "/", DIR_READ|DIR_WRITE, FILE_READ|FILE_WRITE))
		run(t, dir, "/", config, nil)
	})
	t.Run("inserted", func(t *testing.T) {
		dir := TempDir(t)
		run(t, dir, "/data", NewWasiConfig(), func(store *Store) {
			fd, err := store.PushDir(OpenDir(t, dir), "/data", READ_WRITE)
			Check(t, err)
			Equal(t, "pushed to", fd, 3)
		})
	})
}
