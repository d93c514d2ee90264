// Upstream runs the tests and examples of wasmtime-go itself against this module.
//
// The sources come from the module cache and go to a temporary directory, never
// into this repository. There the import path changes; tests that are written inside
// of wasmtime-go's package get a dot import instead, so that they see nothing but the
// public API. What is left out is in skip.txt, with the reason.
//
//	go run ./upstream [-race] [-tags debug] [-count N] [-run REGEXP] [-v] [-keep]
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/gowasmtime/wasmtime/ci/compat/internal/workspace"
)

type options struct {
	race, verbose, keep         bool
	tags, run, count, importing string
}

func main() {
	var o options
	flag.BoolVar(&o.race, "race", false, "build with the race detector")
	flag.StringVar(&o.tags, "tags", "", "build tags")
	flag.StringVar(&o.count, "count", "1", "how often to run each test")
	flag.StringVar(&o.run, "run", "", "run only the tests that match")
	flag.BoolVar(&o.verbose, "v", false, "print every test")
	flag.BoolVar(&o.keep, "keep", false, "keep the temporary module and print where it is")
	flag.StringVar(&o.importing, "import", workspace.Ours, "import path to test; wasmtime-go's own checks this tool")
	flag.Parse()
	ok, err := run(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "upstream:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

func run(o options) (bool, error) {
	peer, err := workspace.PeerDir()
	if err != nil {
		return false, err
	}
	compat, err := workspace.Compat()
	if err != nil {
		return false, err
	}
	skips, err := readSkips(compat + "/upstream/skip.txt")
	if err != nil {
		return false, err
	}
	dir, err := workspace.New()
	if err != nil {
		return false, err
	}
	if o.keep {
		fmt.Println("sources are in", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	tests, err := transform(peer, dir+"/upstream", o.importing, skips.files)
	if err != nil {
		return false, err
	}
	for _, name := range slices.Concat(skips.tests, skips.race) {
		if !slices.Contains(tests, name) {
			return false, fmt.Errorf("skip.txt names %s, which does not exist", name)
		}
	}
	args := []string{"test", "-json", "-count=" + o.count}
	if o.race {
		args = append(args, "-race")
		skips.tests = append(skips.tests, skips.race...)
	}
	if o.tags != "" {
		args = append(args, "-tags="+o.tags)
	}
	if o.run != "" {
		args = append(args, "-run="+o.run)
	}
	if len(skips.tests) > 0 {
		args = append(args, "-skip=^("+strings.Join(skips.tests, "|")+")$")
	}
	got, err := goTest(dir, o.verbose, append(args, "./upstream")...)
	if err != nil {
		return false, err
	}
	fmt.Printf("%d tests and examples of wasmtime-go: %d passed, %d failed, %d skipped; left out: %d files, %d tests\n",
		len(got.passed)+len(got.failed)+len(got.skipped), len(got.passed), len(got.failed), len(got.skipped), len(skips.files), len(skips.tests))
	for _, name := range got.failed {
		fmt.Println("  failed:", name)
	}
	if o.run == "" && len(got.failed) == 0 && got.ok {
		ran := slices.Concat(got.passed, got.skipped, skips.tests)
		for _, name := range tests {
			if !slices.Contains(ran, name) {
				fmt.Println("  did not run:", name)
				got.ok = false
			}
		}
	}
	return got.ok, nil
}

// outcome is what go test said of the top-level tests.
type outcome struct {
	passed, failed, skipped []string
	ok                      bool
}

// goTest runs go test -json and reads what it says. The output of failed tests and
// of a failed build is printed, that of others only if asked for.
func goTest(dir string, verbose bool, args ...string) (outcome, error) {
	var got outcome
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, workspace.Env(), os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return got, err
	}
	if err := cmd.Start(); err != nil {
		return got, err
	}
	output := map[string]*strings.Builder{}
	lines := bufio.NewScanner(pipe)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event struct{ Action, Test, Output string }
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			fmt.Println(lines.Text())
			continue
		}
		name, _, sub := strings.Cut(event.Test, "/")
		if output[name] == nil {
			output[name] = &strings.Builder{}
		}
		if event.Output != "" {
			output[name].WriteString(event.Output)
			if verbose {
				fmt.Print(event.Output)
			}
		}
		if sub || event.Test == "" {
			continue
		}
		switch event.Action {
		case "pass":
			got.passed = append(got.passed, name)
		case "skip":
			got.skipped = append(got.skipped, name)
		case "fail":
			got.failed = append(got.failed, name)
		}
	}
	got.ok = cmd.Wait() == nil && lines.Err() == nil
	if !got.ok && !verbose {
		for _, name := range got.failed {
			fmt.Print(output[name])
		}
		if text := output[""]; text != nil {
			fmt.Print(text)
		}
	}
	for _, list := range []*[]string{&got.passed, &got.failed, &got.skipped} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return got, lines.Err()
}
