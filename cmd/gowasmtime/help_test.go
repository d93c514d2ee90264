package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/internal/testkit"
)

// TestHelp compares help with the tables of options, which it is made from, and that every line fits a wide terminal.
func TestHelp(t *testing.T) {
	for _, c := range commands() {
		r := gowasmtime(t, testkit.TempDir(t), append(strings.Fields(c.name), "--help")...)
		r.want(t, 0, c.usage())
		for _, o := range c.options() {
			if !strings.Contains(r.stdout, "--"+o.long) || o.help == "" {
				t.Errorf("%s: no help for %v", c.title(), &o)
			}
		}
		for line := range strings.Lines(r.stdout) {
			if len(line) > 121 {
				t.Errorf("%s: a line of %d characters: %s", c.title(), len(line), line)
			}
		}
		gowasmtime(t, testkit.TempDir(t), append(strings.Fields(c.name), "-h")...).want(t, 0, c.usage())
		gowasmtime(t, testkit.TempDir(t), append([]string{"help"}, strings.Fields(c.name)...)...).want(t, 0, c.usage())
	}
	for _, what := range []string{"help", "--help", "-h"} {
		gowasmtime(t, testkit.TempDir(t), "help", what).want(t, 0, commands()[0].usage())
	}
}

func TestGroupHelp(t *testing.T) {
	for _, g := range groups() {
		r := gowasmtime(t, testkit.TempDir(t), "run", "-"+g.short, "help")
		r.want(t, 0, g.listing())
		gowasmtime(t, testkit.TempDir(t), "compile", "--"+g.long+"=help-long").want(t, 0, g.listing())
		for _, k := range g.keys {
			if !strings.Contains(r.stdout, k.name) || k.does == works && k.help == "" {
				t.Errorf("-%s: no help for %s", g.short, k.name)
			}
		}
	}
}

// TestTables finds options and keys that are there twice.
func TestTables(t *testing.T) {
	for _, c := range commands() {
		seen := map[string]bool{}
		for _, o := range c.options() {
			for _, name := range []string{"--" + o.long, "-" + o.short} {
				if name != "-" && seen[name] {
					t.Errorf("%s: %s twice", c.title(), name)
				}
				seen[name] = true
			}
		}
	}
	for _, g := range groups() {
		seen := map[string]bool{}
		for _, k := range g.keys {
			if seen[k.name] {
				t.Errorf("-%s %s twice", g.short, k.name)
			}
			seen[k.name] = true
		}
	}
}

func TestVersion(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"--version"}, {"-V"}, {"run", "-V"}, {"compile", "--version"}} {
		r := gowasmtime(t, testkit.TempDir(t), args...)
		if !regexp.MustCompile(`^gowasmtime \d\S+ \(wasmtime ` + regexp.QuoteMeta(wasmtime.Version()) + `\)\n$`).MatchString(r.stdout) {
			t.Errorf("%v: %q", args, r.stdout)
		}
	}
}
