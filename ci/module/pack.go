package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// packed says what became of a module.
type packed struct {
	mod   module.Version
	path  string // of the zip file
	files int
	raw   int64
	zip   int64
}

// share is how much of the largest module that the go command takes this one is, in percent.
func (p packed) share() float64 { return 100 * float64(max(p.raw, p.zip)) / zip.MaxZipFile }

// pack makes a module of files below root and puts it into a proxy: a folder that GOPROXY can name. It fails if the go
// command would refuse the module.
func pack(proxy, version, root string, names []string) (packed, error) {
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return packed{}, err
	}
	p := packed{mod: module.Version{Path: modfile.ModulePath(mod), Version: version}}
	files, err := p.choose(root, names)
	if err != nil {
		return p, err
	}
	escaped, err := module.EscapePath(p.mod.Path)
	if err != nil {
		return p, err
	}
	dir := filepath.Join(proxy, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return p, err
	}
	p.path = filepath.Join(dir, version+".zip")
	if err := p.write(files); err != nil {
		return p, err
	}
	info, err := json.Marshal(map[string]any{"Version": version, "Time": time.Now().UTC().Truncate(time.Second)})
	return p, errors.Join(err,
		os.WriteFile(filepath.Join(dir, version+".mod"), mod, 0o666),
		os.WriteFile(filepath.Join(dir, version+".info"), info, 0o666),
		os.WriteFile(filepath.Join(dir, "list"), []byte(version+"\n"), 0o666))
}

// choose finds the files that belong to the module: those of modules in it and symbolic links do not.
func (p *packed) choose(root string, names []string) ([]zip.File, error) {
	all := make([]zip.File, len(names))
	byPath := make(map[string]zip.File, len(names))
	for i, name := range names {
		all[i] = file{root, name}
		byPath[name] = all[i]
	}
	checked, err := zip.CheckFiles(all)
	if err := errors.Join(err, checked.Err()); err != nil {
		return nil, err
	}
	var chosen []zip.File
	for _, name := range checked.Valid {
		info, err := byPath[name].Lstat()
		if err != nil {
			return nil, err
		}
		p.files++
		p.raw += info.Size()
		chosen = append(chosen, byPath[name])
	}
	return chosen, nil
}

// write makes the zip file and reads it again as the go command will.
func (p *packed) write(files []zip.File) error {
	out, err := os.Create(p.path)
	if err != nil {
		return err
	}
	if err := errors.Join(zip.Create(out, p.mod, files), out.Close()); err != nil {
		return err
	}
	checked, err := zip.CheckZip(p.mod, p.path)
	if err := errors.Join(err, checked.Err()); err != nil {
		return err
	}
	if len(checked.Valid) != p.files {
		return fmt.Errorf("%s has %d files, not %d", p.path, len(checked.Valid), p.files)
	}
	info, err := os.Stat(p.path)
	if err != nil {
		return err
	}
	p.zip = info.Size()
	return nil
}

// proxyURL is what GOPROXY names a folder by.
func proxyURL(dir string) string {
	path := filepath.ToSlash(dir)
	if path[0] != '/' {
		path = "/" + path // the drive of Windows
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

// file is one that may go into the module.
type file struct{ root, name string }

func (f file) Path() string                 { return f.name }
func (f file) Lstat() (fs.FileInfo, error)  { return os.Lstat(f.real()) }
func (f file) Open() (io.ReadCloser, error) { return os.Open(f.real()) }
func (f file) real() string                 { return filepath.Join(f.root, filepath.FromSlash(f.name)) }
