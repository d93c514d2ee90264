package dirs_test

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// withDir runs a test with every way to give a guest a directory. The guest has it as the descriptor fd.
func withDir(t *testing.T, mode WasiFileAccessMode, test func(t *testing.T, g *WasiGuest, fd uint32, dir string)) {
	t.Run("preopen", func(t *testing.T) {
		dir := TempDir(t)
		config := NewWasiConfig()
		if mode == READ_WRITE {
			Check(t, config.PreopenDir(dir, "/", DIR_READ|DIR_WRITE, FILE_READ|FILE_WRITE))
		} else {
			Check(t, config.PreopenDir(dir, "/", DIR_READ, FILE_READ))
		}
		test(t, NewWasiGuest(t, config), 3, dir)
	})
	t.Run("named", func(t *testing.T) {
		dir := TempDir(t)
		g := NewWasiGuest(t, nil)
		Check(t, g.Store.InsertDir(9, OpenDir(t, dir), "/name", mode))
		test(t, g, 9, dir)
	})
	t.Run("nameless", func(t *testing.T) {
		dir := TempDir(t)
		g := NewWasiGuest(t, nil)
		fd, err := g.Store.PushDir(OpenDir(t, dir), "", mode)
		Check(t, err)
		Equal(t, "the number", fd, 3)
		test(t, g, fd, dir)
	})
	t.Run("below", func(t *testing.T) {
		dir := TempDir(t)
		Check(t, os.Mkdir(filepath.Join(dir, "sub"), 0o755))
		g := NewWasiGuest(t, nil)
		Check(t, g.Store.InsertFile(5, OpenDir(t, dir), mode))
		fd, errno := g.PathOpen(5, 0, "sub", OflagDirectory, RightReaddir, 0)
		Want(t, "open sub", fd, errno, 3)
		test(t, g, fd, filepath.Join(dir, "sub"))
	})
}

// needSymlinks skips a test that is about symbolic links.
func needSymlinks(t testing.TB) {
	t.Helper()
	if !CanSymlink() {
		t.Skip("no symbolic links can be made")
	}
}
