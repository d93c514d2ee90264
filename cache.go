package wasmtime

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/atomicfile"
	"github.com/gowasmtime/wasmtime/internal/bridge"
)

// moduleCache keeps compiled modules in a folder, each with a checksum: Wasmtime's own cache has none, and runs
// damaged code. It serves the engine of one configuration, and shares the folder with those of other engines and
// processes.
type moduleCache struct {
	dir string
	// engine tells the engines apart whose code is not interchangeable; nil if the cache cannot be used.
	engine func(ffi.Engine) []byte
	// tidy removes what is too much, once.
	tidy func()
}

// The limits for what is in a folder; they are Wasmtime's defaults. Beyond them, the oldest go until this part is left.
const (
	cacheMostFiles = 65536
	cacheMostBytes = 512 << 20
	cacheKeep      = 0.7
)

// cacheMagic begins every entry. The checksum follows, and then the code.
const cacheMagic = "gowasmtime module cache 1\n"

func newModuleCache(dir string) *moduleCache {
	// Wasmtime's own tidying of a folder that both share leaves this one alone, but for its limits.
	c := &moduleCache{dir: filepath.Join(dir, "modules", "gowasmtime")}
	var once sync.Once
	var sum []byte
	c.engine = func(e ffi.Engine) []byte {
		once.Do(func() { sum = engineSum(e) })
		return sum
	}
	c.tidy = sync.OnceFunc(func() { tidyCache(c.dir, cacheMostFiles, cacheMostBytes, time.Now()) })
	return c
}

// engineSum is the checksum of what an engine makes of an empty module: that has in it what all of its modules depend
// on.
func engineSum(e ffi.Engine) []byte {
	empty, err := ffi.NewModule(e, []byte("\x00asm\x01\x00\x00\x00"))
	if !err.IsNil() {
		err.Delete()
		return nil
	}
	defer empty.Delete()
	code, err := empty.Serialize()
	if !err.IsNil() {
		err.Delete()
		return nil
	}
	sum := sha256.Sum256(code)
	return sum[:]
}

// compile compiles a module, or takes it from the cache. A nil cache only compiles.
func (c *moduleCache) compile(e ffi.Engine, wasm []byte) (ffi.Module, ffi.Error) {
	return cached(c, e, wasm,
		func(wasm []byte) (ffi.Module, ffi.Error) { return ffi.NewModule(e, wasm) },
		func(code []byte) (ffi.Module, ffi.Error) { return ffi.DeserializeModule(e, code) })
}

// cached compiles code, or takes it from the cache and loads it. A nil cache only compiles.
func cached[T bridge.Artifact](c *moduleCache, e ffi.Engine, source []byte, compile, load func([]byte) (T, ffi.Error)) (
	T, ffi.Error) {
	if c == nil {
		return compile(source)
	}
	engine := c.engine(e)
	if engine == nil {
		return compile(source)
	}
	key := sha256.New()
	key.Write(engine)
	key.Write(source)
	name := key.Sum(nil)
	path := filepath.Join(c.dir, hex.EncodeToString(name))
	if code, ok := readEntry(path, name); ok {
		m, err := load(code)
		if err.IsNil() {
			now := time.Now()
			os.Chtimes(path, now, now) // it was used: others go before it
			return m, err
		}
		err.Delete()
	}
	m, err := compile(source)
	if err.IsNil() {
		c.keep(path, name, m)
	}
	return m, err
}

// keep puts compiled code into the cache, if that is possible.
func (c *moduleCache) keep(path string, name []byte, m bridge.Artifact) {
	code, err := m.Serialize()
	if !err.IsNil() {
		err.Delete()
		return
	}
	if os.MkdirAll(c.dir, 0o700) != nil {
		return
	}
	if atomicfile.Write(context.Background(), path, 0o600, []byte(cacheMagic), entrySum(name, code), code) == nil {
		c.tidy()
	}
}

// readEntry returns the code of an entry that is there and whole.
func readEntry(path string, name []byte) ([]byte, bool) {
	entry, err := os.ReadFile(path)
	if err != nil {
		return nil, false
	}
	rest, ok := bytes.CutPrefix(entry, []byte(cacheMagic))
	if !ok || len(rest) < sha256.Size {
		return nil, false
	}
	code := rest[sha256.Size:]
	return code, bytes.Equal(rest[:sha256.Size], entrySum(name, code))
}

// entrySum is the checksum of an entry: also of its name, so that one cannot pass for another.
func entrySum(name, code []byte) []byte {
	sum := sha256.New()
	sum.Write(name)
	sum.Write(code)
	return sum.Sum(nil)
}

// tidyCache removes the oldest files of a folder that has more than it should, and what was not finished an hour ago.
func tidyCache(dir string, mostFiles int, mostBytes int64, now time.Time) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	var files []fs.FileInfo
	var size int64
	for _, e := range entries {
		info, err := e.Info()
		switch {
		case err != nil || !info.Mode().IsRegular():
		case strings.HasSuffix(e.Name(), atomicfile.Suffix):
			if now.Sub(info.ModTime()) > time.Hour {
				os.Remove(filepath.Join(dir, e.Name()))
			}
		default:
			files = append(files, info)
			size += info.Size()
		}
	}
	if len(files) <= mostFiles && size <= mostBytes {
		return
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	left := len(files)
	for _, f := range files {
		if float64(left) <= cacheKeep*float64(mostFiles) && float64(size) <= cacheKeep*float64(mostBytes) {
			return
		}
		os.Remove(filepath.Join(dir, f.Name()))
		left, size = left-1, size-f.Size()
	}
}

// cacheDir finds the folder that a configuration file for Wasmtime's cache names, or that it has by default. The
// native library has found the file, and that it is right, already; without a path it is the default file, which need
// not be there.
func cacheDir(path *string) (string, error) {
	file, err := defaultCachePath(os.UserConfigDir, "config")
	if path != nil {
		file, err = *path, nil
	} else {
		file = filepath.Join(file, "config.toml")
	}
	if err == nil {
		text, err := os.ReadFile(file)
		if err != nil && (path != nil || !os.IsNotExist(err)) {
			return "", err
		}
		dir, err := directorySetting(string(text))
		if dir != "" || err != nil {
			return dir, err
		}
	}
	return defaultCachePath(os.UserCacheDir, "cache")
}

// defaultCachePath is Wasmtime's folder in one of the user's.
func defaultCachePath(base func() (string, error), sub string) (string, error) {
	dir, err := base()
	if err != nil {
		return "", err
	}
	switch runtime.GOOS {
	case "windows":
		return filepath.Join(dir, "BytecodeAlliance", "wasmtime", sub), nil
	case "darwin":
		return filepath.Join(dir, "BytecodeAlliance.wasmtime"), nil
	}
	return filepath.Join(dir, "wasmtime"), nil
}

// directorySetting finds cache.directory in a text that is known to be a right configuration; it is empty if there is
// none. Ways to write it that nobody uses are refused.
func directorySetting(text string) (string, error) {
	section := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "["); ok {
			name, _, _ = strings.Cut(name, "]")
			section = strings.Trim(strings.TrimSpace(name), `"'`) + "."
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.Split(section+strings.TrimSpace(key), ".")
		for i, part := range parts {
			parts[i] = strings.Trim(strings.TrimSpace(part), `"'`)
		}
		value = strings.TrimSpace(value)
		switch strings.Join(parts, ".") {
		case "cache":
			if strings.Contains(value, "directory") {
				return "", errorf(ErrUnsupported, "the cache's directory in an inline table is %v: write it below [cache]", ErrUnsupported)
			}
		case "cache.directory":
			return tomlString(value)
		}
	}
	return "", nil
}

// tomlString reads a string on one line, after which there may be a comment.
func tomlString(value string) (string, error) {
	switch {
	case strings.HasPrefix(value, `"""`) || strings.HasPrefix(value, "'''"):
	case strings.HasPrefix(value, "'"):
		if text, _, ok := strings.Cut(value[1:], "'"); ok {
			return text, nil
		}
	case strings.HasPrefix(value, `"`):
		if quoted, err := strconv.QuotedPrefix(value); err == nil {
			return strconv.Unquote(quoted)
		}
	}
	return "", errorf(ErrUnsupported, "the cache's directory is written as %s, which is %v: use a string on one line", value, ErrUnsupported)
}
