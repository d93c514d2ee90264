package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gowasmtime/wasmtime"
)

// provide gives the guest WASI, which define defines, with the directories, variables, files and listeners of the
// settings. release closes what the host still has of them.
func (g *guest) provide(define func() error) (release func(), err error) {
	s := g.settings
	if s.cli != nil && !*s.cli {
		if len(s.dirs)+len(s.env)+len(s.files)+len(s.listeners) > 0 {
			return func() {}, usageErrorf("--dir, --env, --file and --listen need WASI, which '-S cli=n' switches off")
		}
		return func() {}, nil
	}
	if err := g.checkDescriptors(); err != nil {
		return func() {}, err
	}
	if err := define(); err != nil {
		return func() {}, err
	}
	names, values := s.environment(os.Environ())
	config, err := s.wasiConfig(s.argv(), names, values)
	if err != nil {
		return func() {}, err
	}
	defer config.Close()
	for i, inherit := range []func(){config.InheritStdin, config.InheritStdout, config.InheritStderr} {
		if !s.closed[i] {
			inherit()
		}
	}
	if err := g.store.ConfigureWasi(config); err != nil {
		return func() {}, err
	}
	if err := g.insertFiles(); err != nil {
		return func() {}, err
	}
	return g.insertListeners()
}

// wasiConfig is what the guest gets, but for standard streams and single descriptors.
func (s *settings) wasiConfig(argv, names, values []string) (*wasmtime.WasiConfig, error) {
	for _, text := range slices.Concat(argv, names, values) {
		if !utf8.ValidString(text) {
			return nil, fmt.Errorf("an argument or variable for the guest is not UTF-8: %q", text)
		}
	}
	config := wasmtime.NewWasiConfig()
	config.SetArgv(argv)
	config.SetEnv(names, values)
	if s.maxRandomSize != nil {
		config.SetMaxRandomSize(*s.maxRandomSize)
	}
	if s.network.inherit {
		config.InheritNetwork()
	}
	for _, kind := range []struct {
		set   *bool
		allow func(bool)
	}{{s.network.tcp, config.AllowTCP}, {s.network.udp, config.AllowUDP}} {
		switch {
		case kind.set != nil:
			kind.allow(*kind.set)
		case s.network.inherit:
			kind.allow(true)
		}
	}
	if s.network.lookup {
		config.AllowIPNameLookup(true)
	}
	if s.cwd != nil {
		config.SetInitialDir(*s.cwd)
	}
	for _, d := range s.dirs {
		dirs, files := wasmtime.DIR_READ|wasmtime.DIR_WRITE, wasmtime.FILE_READ|wasmtime.FILE_WRITE
		if d.readOnly {
			dirs, files = wasmtime.DIR_READ, wasmtime.FILE_READ
		}
		if err := config.PreopenDir(d.host, d.guest, dirs, files); err != nil {
			return nil, failed(reason(err), "failed to open directory '%s'", d.host)
		}
	}
	return config, nil
}

// environment is what the guest gets of the process's environment, and what it is given besides. Of a name that comes
// more than once, the last value counts. What is passed on as a whole leaves out what is not UTF-8, which the guest
// cannot have.
func (s *settings) environment(process []string) (names, values []string) {
	own, given := map[string]string{}, map[string]string{}
	for _, v := range process {
		name, value, _ := strings.Cut(v, "=")
		own[name] = value
		if s.inheritEnv && name != "" && utf8.ValidString(v) {
			given[name] = value
		}
	}
	for _, v := range s.env {
		if v.value != nil {
			given[v.name] = *v.value
		} else if value, ok := own[v.name]; ok {
			given[v.name] = value
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		names, values = append(names, name), append(values, given[name])
	}
	return names, values
}

// argv is what the guest gets as its arguments. Its name is the module's without folders, which it need not know.
func (s *settings) argv() []string {
	argv := slices.Clone(s.operands)
	argv[0] = filepath.Base(argv[0])
	if s.argv0 != nil {
		argv[0] = *s.argv0
	}
	return argv
}

// firstDir is the descriptor of the first directory.
const firstDir = 3

// checkDescriptors finds descriptors that are asked for twice. The directories have the numbers from 3 on.
func (g *guest) checkDescriptors() error {
	taken := map[uint32]string{}
	for i, d := range g.settings.dirs {
		taken[uint32(firstDir+i)] = "--dir " + d.host
	}
	take := func(fd uint32, by string) error {
		if other, ok := taken[fd]; ok {
			return usageErrorf("%s: descriptor %d is taken by %s", by, fd, other)
		}
		taken[fd] = by
		return nil
	}
	for _, f := range g.settings.files {
		if err := take(f.fd, fmt.Sprintf("--file %d=%s", f.fd, f.path)); err != nil {
			return err
		}
	}
	for _, l := range g.settings.listeners {
		if err := take(l.fd, fmt.Sprintf("--listen %d=%s", l.fd, l.address)); err != nil {
			return err
		}
	}
	return nil
}
