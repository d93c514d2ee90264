// Package behaviour proves the promise of this module: a program written for
// wasmtime-go v44 changes its import path, compiles, and behaves the same.
//
// testdata/program is such a program. It is built for both libraries (two static
// Rust libraries do not go into one binary), each case runs in a process of its
// own in both of them, and what it saw is compared fact by fact. What may differ,
// and why, is in the table of differences_test.go; a fact that differs without an
// entry, and an entry that nothing needs any more, fail the test.
package behaviour

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime/ci/compat/internal/workspace"
)

var (
	oursRace = flag.Bool("ours.race", false, "build the program for this module with -race")
	oursTags = flag.String("ours.tags", "", "build tags for the program for this module")
	oursPath = flag.String("ours.import", workspace.Ours, "import path to compare with; wasmtime-go's own checks the test itself")
	show     = flag.String("show", "", "print the facts of both programs for the cases with this prefix")
)

// A fact is one line of a program: a key and what was seen.
type fact struct{ key, value string }

// caseTime bounds one case, which takes milliseconds unless it hangs.
const caseTime = 90 * time.Second

func TestBehaviour(t *testing.T) {
	dir, err := workspace.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	peer := build(t, dir, "peer", workspace.Peer)
	var extra []string
	if *oursRace {
		extra = append(extra, "-race")
	}
	if *oursTags != "" {
		extra = append(extra, "-tags="+*oursTags)
	}
	ours := build(t, dir, "ours", *oursPath, extra...)

	names := strings.Fields(string(output(t, peer, "list")))
	if len(names) == 0 {
		t.Fatal("the program has no cases")
	}
	var mu sync.Mutex
	used := map[int]bool{}
	facts := 0
	t.Run("case", func(t *testing.T) {
		for _, name := range names {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				then, now := run(peer, name), run(ours, name)
				if *show != "" && strings.HasPrefix(name, *show) {
					t.Logf("wasmtime-go:\n%s\nours:\n%s", lines(then), lines(now))
				}
				mu.Lock()
				defer mu.Unlock()
				facts += len(then)
				for _, text := range compare(name, then, now, used) {
					t.Error(text)
				}
			})
		}
	})
	if *oursPath == workspace.Peer || filtered() {
		return
	}
	for i, d := range differences {
		if !used[i] {
			t.Errorf("the entry for %q, %q is stale: nothing differs there", d.name, d.key)
		}
	}
	t.Logf("%d cases, %d facts, %d differences listed", len(names), facts, len(differences))
}

// filtered says whether -run picked cases, so that unused entries mean nothing.
func filtered() bool {
	run := flag.Lookup("test.run")
	return run != nil && strings.Contains(run.Value.String(), "/")
}

// withoutEnds takes away the end of the last line of an error's text, which those of
// wasmtime-go have if there are causes in it.
var withoutEnds = strings.NewReplacer(`\n"`, `"`, `\n (exit`, ` (exit`)

// compare returns what differs without being listed, and notes the entries used.
func compare(name string, then, now []fact, used map[int]bool) []string {
	var failures []string
	before, after := map[string]string{}, map[string]string{}
	var keys []string
	for _, f := range then {
		before[f.key] = f.value
		keys = append(keys, f.key)
	}
	for _, f := range now {
		if _, ok := before[f.key]; !ok {
			keys = append(keys, f.key)
		}
		after[f.key] = f.value
	}
	for _, key := range keys {
		was, ok := before[key]
		if !ok {
			was = absent
		}
		is, ok := after[key]
		if !ok {
			is = absent
		}
		if was == is || withoutEnds.Replace(was) == is {
			continue
		}
		failure := fmt.Sprintf("%s, %s:\n  wasmtime-go %s\n  ours        %s", name, key, was, is)
		for i, d := range differences {
			if !d.matches(name, key) {
				continue
			}
			used[i] = true
			if regexp.MustCompile(d.ours).MatchString(is) {
				failure = ""
			} else {
				failure += fmt.Sprintf("\n  listed, but ours does not match %q", d.ours)
			}
			break
		}
		if failure != "" {
			failures = append(failures, failure)
		}
	}
	return failures
}

func lines(facts []fact) string {
	var b strings.Builder
	for _, f := range facts {
		fmt.Fprintf(&b, "  %s = %s\n", f.key, f.value)
	}
	return b.String()
}

// absent stands for a fact that one of the programs did not report.
const absent = "(absent)"

// build builds the program for one library and returns the binary.
func build(t *testing.T, dir, name, importPath string, extra ...string) string {
	t.Helper()
	if err := workspace.CopyProgram(filepath.Join("testdata", "program"), filepath.Join(dir, name), importPath); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, name+".exe")
	args := append([]string{"build", "-o", binary}, extra...)
	cmd := exec.Command("go", append(args, "./"+name)...)
	cmd.Dir, cmd.Env = dir, workspace.Env()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building for %s: %v\n%s", importPath, err, out)
	}
	return binary
}

func output(t *testing.T, binary string, args ...string) []byte {
	t.Helper()
	out, err := exec.Command(binary, args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// run runs one case, and returns its facts and, as the last one, how it ended.
func run(binary, name string) []fact {
	ctx, cancel := context.WithTimeout(context.Background(), caseTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "run", name)
	cmd.Args[0] = "program"
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0") // a second for each case otherwise
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var facts []fact
	seen := map[string]int{}
	end := ""
	for line := range strings.Lines(stdout.String()) {
		line = strings.TrimSuffix(line, "\n")
		key, value, ok := strings.Cut(line, " = ")
		if !ok {
			end = line
			continue
		}
		if seen[key]++; seen[key] > 1 {
			key = fmt.Sprintf("%s #%d", key, seen[key])
		}
		facts = append(facts, fact{key, value})
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		end = "hangs"
	case err != nil:
		end = fmt.Sprintf("dies (%v): %s", err, reason(stderr.String()))
	}
	return append(facts, fact{"end", end})
}

var threadNumber = regexp.MustCompile(`\(\d+\)`)

// reason is what a crashed program said, in one line.
func reason(stderr string) string {
	var lines []string
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "stack backtrace") || strings.HasPrefix(line, "goroutine ") {
			break
		}
		if line != "" && !strings.HasPrefix(line, "note:") {
			lines = append(lines, line)
		}
	}
	return threadNumber.ReplaceAllString(strings.Join(lines, " / "), "(N)")
}
