package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime/internal/testkit"
)

// The scripts know every command, option and key that works here, and no other.
func TestCompletion(t *testing.T) {
	dir := testkit.TempDir(t)
	for shell, long := range map[string]string{"bash": "--", "zsh": "--", "fish": "-l "} {
		r := gowasmtime(t, dir, "completion", shell)
		testkit.Equal(t, "status", r.status, 0)
		words := strings.FieldsFunc(r.stdout, func(c rune) bool { return strings.ContainsRune(" \n\"'()", c) })
		for _, c := range commands() {
			if c.name != "" && !slices.Contains(words, c.name) {
				t.Errorf("%s: no command %s", shell, c.name)
			}
			for _, o := range c.options() {
				if strings.Contains(r.stdout, long+o.long+" ") == o.missing {
					t.Errorf("%s: --%s is there: %v", shell, o.long, !o.missing)
				}
			}
		}
		for _, g := range groups() {
			for _, k := range g.keys {
				if word := strings.TrimSuffix(k.name, "="); k.does == works && !strings.Contains(r.stdout, word) {
					t.Errorf("%s: no key %s", shell, k.name)
				}
			}
		}
		if path, err := exec.LookPath(shell); err == nil {
			script := write(t, dir, shell, r.stdout)
			if out, err := exec.CommandContext(t.Context(), path, "-n", script).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", shell, err, out)
			}
		}
	}
	gowasmtime(t, dir, "completion", "cmd").want(t, 2, "", "bash, zsh and fish, not for 'cmd'")
	gowasmtime(t, dir, "completion").want(t, 2, "", "needs SHELL")
}

// What bash makes of its script.
func TestCompletionInBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	dir := testkit.TempDir(t)
	script := write(t, dir, "completion", gowasmtime(t, dir, "completion", "bash").stdout)
	for line, want := range map[string]string{
		"c":                "compile completion",
		"run --di":         "--dir",
		"compile --o":      "--output --optimize",
		"inspect --di":     "",
		"run -W fue":       "fuel=",
		"run --wasm sim":   "simd",
		"run -C cranelift": "cranelift-debug-verifier cranelift-",
		"completion ":      "bash zsh fish",
		"--allow":          "--allow-host --allow-network --allow-precompiled",
	} {
		words := strings.Split("gowasmtime "+line, " ")
		args := append([]string{"-c", `compopt() { :; }; source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _gowasmtime; echo "${COMPREPLY[*]}"`,
			filepath.ToSlash(script)}, words...)
		out, err := exec.CommandContext(t.Context(), bash, args...).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%q: %q, %v, not %q", line, got, err, want)
		}
	}
}
