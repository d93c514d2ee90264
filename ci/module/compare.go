package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// platforms is how many archives are compared: those that the issue of all platforms asks for.
const platforms = 9

// sizes is how large the parts of the module are, in bytes.
type sizes struct{ sources, archive, archiveRaw int64 }

// compare prints what the go command downloads, asked of the go command: with every archive in one module, and with a
// module for each, which the first one requires. The archives are made up, but as large as the real ones.
func compare(w io.Writer, root string) error {
	work, err := os.MkdirTemp("", "compare")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	names, err := gitFiles(root)
	if err != nil {
		return err
	}
	packed, err := pack(filepath.Join(work, "real"), "v0.0.1", root, names)
	if err != nil {
		return err
	}
	size, err := measure(packed.path)
	if err != nil {
		return err
	}
	var columns [2]column
	for i, split := range []bool{false, true} {
		dir := filepath.Join(work, fmt.Sprint(i))
		url, err := design(dir, size, split)
		if err == nil {
			columns[i], err = consume(dir, url)
		}
		if err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "%d archives of %.1f MB, %.1f MB compressed; everything else %.1f MB compressed\n\n", platforms, mb(size.archiveRaw), mb(size.archive), mb(size.sources))
	fmt.Fprint(w, "| | one module | one per platform |\n|---|---:|---:|\n")
	for i, row := range columns[0] {
		fmt.Fprintf(w, "| %s | %s | %s |\n", row.name, row.value, columns[1][i].value)
	}
	return nil
}

// measure reads from a packed module how large its archives are, on average, and the rest.
func measure(path string) (size sizes, err error) {
	file, err := zip.OpenReader(path)
	if err != nil {
		return size, err
	}
	defer file.Close()
	var count int64
	for _, f := range file.File {
		if !strings.HasSuffix(f.Name, ".a") {
			size.sources += int64(f.CompressedSize64)
			continue
		}
		count++
		size.archive += int64(f.CompressedSize64)
		size.archiveRaw += int64(f.UncompressedSize64)
	}
	if count == 0 {
		return size, errors.New("the module has no archive")
	}
	size.archive /= count
	size.archiveRaw /= count
	return size, nil
}

// design fills a proxy with modules of the same layout as ours, with cgo left out.
func design(dir string, size sizes, split bool) (url string, err error) {
	const path, version = "example.org/m", "v0.0.1"
	proxy := filepath.Join(dir, "proxy")
	files := map[string][]byte{
		"m.go":          []byte("package m\n\nimport _ \"" + path + "/ffi\"\n"),
		"ffi/ffi.go":    []byte("package ffi\n"),
		"cmd/m/main.go": []byte("package main\n\nimport _ \"" + path + "\"\n\nfunc main() {}\n"),
		"sources":       incompressible(size.sources, size.sources),
	}
	mod := "module " + path + "\n\ngo 1.26\n"
	for i := range platforms {
		// One of them is the platform that this runs on; the others are for any.
		goos, folder := fmt.Sprintf("system%d", i), fmt.Sprintf("build/p%d", i)
		constraint := "//go:build " + goos
		if i == 0 {
			constraint = "//go:build !system0"
		}
		files[fmt.Sprintf("ffi/link%d.go", i)] = []byte(constraint + "\n\npackage ffi\n\nimport _ \"" + path + "/" + folder + "\"\n")
		archive := map[string][]byte{"doc.go": []byte("package build\n"), "libwasmtime.a": incompressible(size.archive, size.archiveRaw)}
		if !split {
			for name, content := range archive {
				files[folder+"/"+name] = content
			}
			continue
		}
		archive["go.mod"] = []byte("module " + path + "/" + folder + "\n\ngo 1.26\n")
		if err := publish(filepath.Join(dir, folder), proxy, version, archive); err != nil {
			return "", err
		}
		mod += "\nrequire " + path + "/" + folder + " " + version + "\n"
	}
	files["go.mod"] = []byte(mod)
	return proxyURL(proxy), publish(filepath.Join(dir, "module"), proxy, version, files)
}

// publish writes files below a folder and packs them.
func publish(dir, proxy, version string, files map[string][]byte) error {
	var names []string
	for name, content := range files {
		names = append(names, name)
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, content, 0o666)); err != nil {
			return err
		}
	}
	_, err := pack(proxy, version, dir, names)
	return err
}

// incompressible returns so many bytes that compressed is about what is left of them.
func incompressible(compressed, raw int64) []byte {
	content := make([]byte, raw)
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(rand.Uint32())
	}
	rand.NewChaCha8(seed).Read(content[:compressed])
	return content
}

// row is one fact about a design.
type row struct{ name, value string }

// column is all facts about a design.
type column []row

// consumer is a program that uses the module, and how the go command is called for it.
type consumer struct {
	dir, cache string
	env        []string
}

// newConsumer starts a program with an empty module cache.
func newConsumer(dir, url string) (consumer, error) {
	c := consumer{dir: filepath.Join(dir, "consumer"), cache: filepath.Join(dir, "modules")}
	c.env = append(os.Environ(), "GOPROXY="+url, "GOSUMDB=off", "GOFLAGS=-modcacherw", "GOWORK=off", "GOTOOLCHAIN=local", "CGO_ENABLED=0",
		"GOMODCACHE="+c.cache, "GOBIN="+filepath.Join(dir, "bin"))
	err := os.MkdirAll(c.dir, 0o777)
	return c, errors.Join(err,
		os.WriteFile(filepath.Join(c.dir, "go.mod"), []byte("module example.org/consumer\n\ngo 1.26\n"), 0o666),
		os.WriteFile(filepath.Join(c.dir, "main.go"), []byte("package main\n\nimport _ \"example.org/m\"\n\nfunc main() {}\n"), 0o666))
}

// goes runs the go command with an empty module cache and returns how many bytes of modules it downloaded.
func (c consumer) goes(args ...string) (int64, error) {
	if err := os.RemoveAll(c.cache); err != nil {
		return 0, err
	}
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = c.dir, c.env
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	var total int64
	err := filepath.WalkDir(filepath.Join(c.cache, "cache", "download"), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".zip" {
			info, err := entry.Info()
			if err != nil {
				return err
			}
			total += info.Size()
		}
		return err
	})
	return total, err
}

// consume does with a design what users do, each time with an empty module cache.
func consume(dir, url string) (column, error) {
	c, err := newConsumer(dir, url)
	if err != nil {
		return nil, err
	}
	var rows column
	for _, use := range []struct{ name, args string }{
		{"`go get`", "get example.org/m"},
		{"`go mod tidy`", "mod tidy"},
		// From here on, go.mod and go.sum are as in a fresh checkout.
		{"`go build`, `go test` in a fresh checkout", "build -o " + os.DevNull},
		{"`go mod download`", "mod download"},
		{"`go mod vendor`", "mod vendor"},
		{"`go install` of a command in the module", "install example.org/m/cmd/m@latest"},
	} {
		bytes, err := c.goes(strings.Fields(use.args)...)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{use.name + ", MB", fmt.Sprintf("%.1f", mb(bytes))})
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(c.dir, name))
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{"lines in a user's " + name, fmt.Sprint(strings.Count(string(text), "example.org/m"))})
	}
	return rows, nil
}
