// Api compares the public API of this module with that of another revision, to the letter. Run it from the root:
//
//	go run ./ci/api v0.1.0
//
// It prints how many declarations there are if they are the same, and otherwise the difference, and fails.
//
// The API is what "go doc -all" shows of every package that users import: not of commands, of ffi/ and of what is
// below an internal/. Comments do not count, and neither do the names of receivers.
package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./ci/api REVISION")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "api:", err)
		os.Exit(1)
	}
}

func run(revision string) error {
	old, err := os.MkdirTemp("", "")
	if err != nil {
		return err
	}
	defer os.RemoveAll(old)
	if err := extract(".", revision, old); err != nil {
		return err
	}
	return compare(os.Stdout, old, ".")
}

// extract writes what a revision has, but for the archives, to a folder.
func extract(repository, revision, folder string) error {
	git := exec.Command("git", "-C", repository, "archive", revision, "--", ".", ":!*.a")
	tar := exec.Command("tar", "-x", "-C", folder)
	git.Stderr, tar.Stderr = os.Stderr, os.Stderr
	pipe, err := git.StdoutPipe()
	if err != nil {
		return err
	}
	tar.Stdin = pipe
	if err := git.Start(); err != nil {
		return err
	}
	unpacked := tar.Run()
	if err := git.Wait(); err != nil {
		return fmt.Errorf("git archive %s: %w", revision, err)
	}
	return unpacked
}

// compare fails if the modules in two folders have another API, after it has printed the difference.
func compare(out io.Writer, old, new string) error {
	before, err := api(old)
	if err != nil {
		return err
	}
	after, err := api(new)
	if err != nil {
		return err
	}
	if len(before) == 0 {
		return fmt.Errorf("nothing is declared in %s", old)
	}
	gone, added := without(before, after), without(after, before)
	for _, d := range gone {
		fmt.Fprintln(out, "- "+strings.ReplaceAll(d, "\n", "\n- "))
	}
	for _, d := range added {
		fmt.Fprintln(out, "+ "+strings.ReplaceAll(d, "\n", "\n+ "))
	}
	if len(gone)+len(added) > 0 {
		return fmt.Errorf("the API differs: %d declarations are gone or changed, %d are new or changed", len(gone), len(added))
	}
	fmt.Fprintf(out, "the API is the same: %d declarations\n", len(after))
	return nil
}

// without returns the elements of a that b has not, or not as often.
func without(a, b []string) (rest []string) {
	count := map[string]int{}
	for _, d := range b {
		count[d]++
	}
	for _, d := range a {
		if count[d]--; count[d] < 0 {
			rest = append(rest, d)
		}
	}
	return rest
}

// api returns the public declarations of the module in a folder, each with its package before it.
func api(folder string) (declarations []string, err error) {
	text, err := command(folder, "go", "list", "-f", "{{if .GoFiles}}{{.Name}} {{.ImportPath}} {{.Dir}}{{end}}", "./...")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		path, dir, _ := strings.Cut(rest, " ")
		if name == "" || name == "main" || slices.ContainsFunc(strings.Split(path, "/"), isHidden) {
			continue
		}
		text, err := command(dir, "go", "doc", "-all", ".")
		if err != nil {
			return nil, err
		}
		found, err := declared(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		for _, declaration := range found {
			declarations = append(declarations, path+": "+declaration)
		}
	}
	return declarations, nil
}

// isHidden tells whether packages below a folder of that name are none of the users'.
func isHidden(folder string) bool {
	return slices.Contains([]string{"bench", "build", "ci", "cmd", "examples", "ffi", "include", "internal", "test", "testdata"}, folder)
}

func command(folder string, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s in %s: %w", strings.Join(cmd.Args, " "), folder, err)
	}
	return string(out), nil
}
