package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/gowasmtime/wasmtime"
)

// command is one of the things that gowasmtime does.
type command struct {
	// name is "" for gowasmtime without a command, which is run.
	name string
	// operands is how they are written, and explained what the help says of them; least and most are how many there may
	// be.
	operands, explained string
	least, most         int
	// trailing says that everything after the first operand belongs to the operands.
	trailing bool
	help     string
	options  func() []option
	do       func(s *settings, stdout, stderr io.Writer) error
}

// title is how the command is called.
func (c *command) title() string { return strings.TrimSpace("gowasmtime " + c.name) }

// checkOperands refuses too few or too many operands.
func (c *command) checkOperands(given []string) error {
	switch {
	case len(given) < c.least:
		return usageErrorf("%s needs %s; see '%s --help'", c.title(), c.operands, c.title())
	case c.trailing || len(given) <= c.most:
		return nil
	case c.most == 0:
		return usageErrorf("%s takes no arguments, and '%s' is one; see '%s --help'", c.title(), given[0], c.title())
	}
	return usageErrorf("%s takes one %s, and '%s' is too much; see '%s --help'", c.title(), c.operands, given[c.most], c.title())
}

// commandNames returns the names of all commands.
func commandNames() []string {
	names := []string{"help"}
	for _, c := range commands()[1:] {
		names = append(names, c.name)
	}
	return names
}

// misspelt adds to the error about a module that is not there which command may have been meant.
func misspelt(name string, err error) error {
	near := suggest(name, commandNames())
	if _, missing := os.Stat(name); near == "" || missing == nil { // then it is another file
		return err
	}
	return failed(err, "'%s' is neither a command nor a file%s", name, near)
}

// commands returns all commands. The first is gowasmtime without one.
func commands() []command {
	const (
		wasm           = "MODULE is a file in WebAssembly's binary or text format, or - for standard input."
		wasmOrCompiled = "MODULE is a file in WebAssembly's binary or text format, a .cwasm file, or - for standard input."
		served         = "COMPONENT is a file in WebAssembly's binary or text format, or a .cwasm file. It answers what no --route takes."
	)
	main := command{operands: "MODULE [ARGS...]", explained: wasmOrCompiled, least: 1, trailing: true, help: "Run, compile and inspect WebAssembly modules and components", options: runOptions, do: runModule}
	run := main
	run.name, run.help = "run", "Run a module or a component; this is what gowasmtime does without a command"
	return []command{
		main,
		run,
		{name: "serve", operands: "[COMPONENT]", explained: served, most: 1, help: "Answer HTTP requests with components that export wasi:http/incoming-handler", options: serveOptions, do: serveComponents},
		{name: "compile", operands: "MODULE", explained: wasm, least: 1, most: 1, help: "Compile a module or a component to a .cwasm file, which starts without compiling", options: compileOptions, do: compileModule},
		{name: "inspect", operands: "MODULE", explained: wasmOrCompiled, least: 1, most: 1, help: "Show what a module imports, exports and consists of, or a component's world in WIT", options: inspectOptions, do: inspectModule},
		{name: "wast", operands: "SCRIPT...", least: 1, most: math.MaxInt, help: "Run scripts of WebAssembly's test suites, which 'wasm-tools json-from-wast' has translated", options: wastOptions, do: runScripts},
		{name: "completion", operands: "SHELL", least: 1, most: 1, help: "Write a completion script for bash, zsh or fish", options: versionOptions, do: printCompletion},
		{name: "version", help: "Show the versions of gowasmtime and of Wasmtime", options: versionOptions, do: printVersion},
	}
}

// findCommand returns the command that the arguments begin with, and the others.
func findCommand(args []string) (*command, []string) {
	all := commands()
	if len(args) == 0 {
		return &all[0], args
	}
	if args[0] == "help" {
		return helpCommand(args[1:]), nil
	}
	for i := range all[1:] {
		if c := &all[i+1]; c.name == args[0] {
			return c, args[1:]
		}
	}
	if slices.Contains(wasmtimeOnly(), args[0]) {
		return missingCommand(args[0]), nil
	}
	return &all[0], args
}

// wasmtimeOnly returns the commands of wasmtime that are not here. A module of such a name is run with run.
func wasmtimeOnly() []string {
	return []string{"config", "explore", "settings", "objdump", "hot-blocks", "wizer"}
}

// missingCommand is a command that can only say that it is not there.
func missingCommand(name string) *command {
	return &command{name: name, options: func() []option { return nil }, do: func(*settings, io.Writer, io.Writer) error {
		return usageErrorf("wasmtime has the command '%s', gowasmtime does not; for a module of that name, 'gowasmtime run %s'", name, name)
	}}
}

// helpCommand shows help for the command that the arguments name, or for all.
func helpCommand(args []string) *command {
	return &command{name: "help", options: func() []option { return nil }, do: func(_ *settings, stdout, _ io.Writer) error {
		target := &commands()[0]
		if len(args) > 0 && !slices.Contains([]string{"help", "--help", "-h"}, args[0]) {
			found, rest := findCommand(args)
			if len(rest) == len(args) {
				return usageErrorf("there is no command '%s'%s", args[0], suggest(args[0], commandNames()))
			}
			if found.help == "" { // it can only say that it is not there
				return found.do(nil, nil, nil)
			}
			target = found
		}
		_, err := io.WriteString(stdout, target.usage())
		return err
	}}
}

// generalOptions are the options that every command has.
func generalOptions() []option {
	return []option{
		{long: "help", short: "h", help: "Show this help", set: func(*settings, string) error { return &helpRequest{} }},
		{long: "version", short: "V", help: "Show the versions of gowasmtime and of Wasmtime", set: func(*settings, string) error {
			return &helpRequest{versionText()}
		}},
	}
}

// engineOptions are the options of all commands that make an engine.
func engineOptions() []option {
	options := []option{}
	for _, g := range groups() {
		options = append(options, g.option())
	}
	options = append(options,
		option{long: "target", value: "TRIPLE", help: "Compile for this machine", set: func(s *settings, triple string) error {
			s.configure("target", func(c *wasmtime.Config) error { return c.SetTarget(triple) })
			return nil
		}},
		option{long: "config", value: "FILE", help: "Read keys of the groups above from a file in TOML; options override it", set: func(s *settings, path string) error {
			s.config = &path
			return nil
		}},
	)
	return append(options, generalOptions()...)
}

// loadOptions are the options of commands that load modules.
func loadOptions() []option {
	return append([]option{
		{long: "allow-precompiled", help: "Let the file be a .cwasm file; only for files that you trust", set: func(s *settings, _ string) error {
			s.allowPrecompiled = true
			return nil
		}},
	}, engineOptions()...)
}

// runOptions are the options of run.
func runOptions() []option {
	return slices.Concat(givenOptions(), []option{
		{long: "file", value: "FD=PATH[:MODE]", repeats: true, help: "Open a file as descriptor FD; MODE is ro, wo (emptied), rw or append", set: setFile},
		{long: "listen", value: "FD=ADDRESS", repeats: true, help: "Listen as descriptor FD, on HOST:PORT or unix:PATH", set: setListener},
		{long: "invoke", value: "FUNCTION", help: "Call this function with ARGS, of a component as 'f(1, \"a\")', and print its results", set: func(s *settings, name string) error {
			s.invoke = &name
			return nil
		}},
		{long: "preload", value: "NAME=MODULE", repeats: true, help: "Load another module first, for imports from NAME", set: setPreload},
		{long: "argv0", value: "NAME", help: "What the guest sees as its name; by default the module's file name", set: func(s *settings, name string) error {
			s.argv0 = &name
			return nil
		}},
	}, observeOptions(), loadOptions())
}

// givenOptions are the options of commands that run guests, with what these are given.
func givenOptions() []option {
	return []option{
		{long: "dir", value: "HOST[::GUEST[:ro]]", repeats: true, help: "Give the guest a directory, named GUEST; ro: to read only", set: setDir},
		{long: "env", value: "NAME[=VALUE]", repeats: true, help: "Set an environment variable; without a value, pass it on", set: setEnv},
		{long: "allow-host", value: "HOST[:PORT]", repeats: true, help: "Let components send HTTP requests to NAME, *.NAME or *", set: setAllowedHost},
		{long: "allow-network", value: "ADDRESS[/BITS]", repeats: true, help: "Let such hosts have these addresses, if not public", set: setAllowedNetwork},
	}
}

// observeOptions are the options of commands that run guests, for who wants to see what these do.
func observeOptions() []option {
	return []option{
		{long: "profile", value: "PROFILER", help: "Make compiled code known to a profiler: perfmap, jitdump or vtune", set: setProfiler},
		missingOption("gdbstub", "g", "[ADDRESS:]PORT", "Serve a debugger"),
	}
}

// compileOptions are the options of compile.
func compileOptions() []option {
	return append([]option{
		{long: "output", short: "o", value: "FILE", help: "Where to write; by default MODULE's name with .cwasm, in this directory", set: func(s *settings, path string) error {
			s.output = path
			return nil
		}},
		missingOption("emit-clif", "", "PATH", "Write Cranelift's code"),
	}, engineOptions()...)
}

// wastOptions are the options of wast.
func wastOptions() []option {
	return append([]option{
		{long: "ignore-error-messages", help: "Let modules be refused with another message than a script expects", set: func(s *settings, _ string) error {
			s.ignoreErrorMessages = true
			return nil
		}},
		{long: "wasmtime-builtins", help: "Let scripts import what only those of Wasmtime itself do", set: func(s *settings, _ string) error {
			s.wasmtimeBuiltins = true
			return nil
		}},
		missingOption("generate-dwarf", "", "true|false", "Show lines of scripts in backtraces"),
		missingOption("precompile-save", "", "PATH", "Save modules compiled instead"),
		missingOption("precompile-load", "", "PATH", "Load compiled modules"),
		missingOption("async", "", "true|false", "Call functions asynchronously"),
	}, engineOptions()...)
}

// inspectOptions are the options of inspect.
func inspectOptions() []option { return loadOptions() }

// versionOptions are the options of commands that only print something.
func versionOptions() []option { return generalOptions() }

// missingOption is an option of wasmtime that is not here.
func missingOption(long, short, value, help string) option {
	return option{long: long, short: short, value: value, missing: true, help: help + " (wasmtime has this, gowasmtime does not)", set: func(*settings, string) error {
		return usageErrorf("--%s: wasmtime has this, gowasmtime does not", long)
	}}
}

// setDir does --dir.
func setDir(s *settings, text string) error {
	host, guest, named := strings.Cut(text, "::")
	if !named {
		s.dirs = append(s.dirs, dir{host: host, guest: host})
		return nil
	}
	if strings.Contains(guest, "::") {
		return errors.New("more than one '::'")
	}
	guest, readOnly := strings.CutSuffix(guest, ":ro")
	// What looks like a mode that there is not must not give more than was meant.
	if at := strings.LastIndexByte(guest, ':'); at >= 0 && len(guest)-at == len(":ro") {
		return fmt.Errorf("'%s' is no mode of a directory: ':ro' is the only one, and without it the guest may write", guest[at:])
	}
	s.dirs = append(s.dirs, dir{host, guest, readOnly})
	return nil
}

// setEnv does --env.
func setEnv(s *settings, text string) error {
	name, value, given := strings.Cut(text, "=")
	v := variable{name: name}
	if given {
		v.value = &value
	}
	s.env = append(s.env, v)
	return nil
}

// setPreload does --preload.
func setPreload(s *settings, text string) error {
	name, path, ok := strings.Cut(text, "=")
	if !ok {
		return errors.New("it has to be NAME=MODULE")
	}
	s.preloads = append(s.preloads, preload{name, path})
	return nil
}

// setProfiler does --profile.
func setProfiler(s *settings, name string) error {
	profilers := map[string]wasmtime.ProfilingStrategy{
		"perfmap": wasmtime.ProfilingStrategyPerfmap,
		"jitdump": wasmtime.ProfilingStrategyJitdump,
		"vtune":   wasmtime.ProfilingStrategyVTune,
	}
	profiler, ok := profilers[name]
	if !ok {
		return errors.New("it has to be perfmap, jitdump or vtune")
	}
	s.configure("profile", func(c *wasmtime.Config) error { c.SetProfiler(profiler); return nil })
	return nil
}

// cutDescriptor reads FD=REST.
func cutDescriptor(text string) (fd uint32, rest string, err error) {
	number, rest, ok := strings.Cut(text, "=")
	n, err := strconv.ParseUint(number, 10, 32)
	if !ok || err != nil || rest == "" {
		return 0, "", fmt.Errorf("it has to begin with a descriptor's number and '='")
	}
	return uint32(n), rest, nil
}
