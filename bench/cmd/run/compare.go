package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// worse is by how much a row may have become slower.
const worse = 0.05

// A comparison is a row with the figures of an earlier version of this module, of this one, and of Rust: one a round,
// but none of what was not measured.
type comparison struct {
	row
	before, now, rust []figure
}

// ratio is the median, over the rounds, of one version's time divided by another's in the same round; NaN when either
// was not measured.
func ratio(of, by []figure) float64 {
	var all []float64
	for round := range min(len(of), len(by)) {
		all = append(all, of[round].ns/by[round].ns)
	}
	return median(all)
}

// change is by how much the row's ratio to Rust has become larger. Within a round that is the one version's time by
// the other's, so rows that Rust has nothing of are compared as well.
func (c *comparison) change() float64 { return ratio(c.now, c.before) - 1 }

// comparisonTable prints comparisons in Markdown, and tells whether no row has become worse.
func comparisonTable(all []*comparison) (string, bool) {
	var b strings.Builder
	b.WriteString("| work | Rust | before | now | before / Rust | now / Rust | change |\n|---|" +
		strings.Repeat("---:|", 6) + "\n")
	ok := true
	for _, c := range all {
		fmt.Fprintf(&b, "| %s |", c.work)
		for _, figures := range [][]figure{c.rust, c.before, c.now} {
			b.WriteString(" " + orDash(medianOf(figures), duration) + " |")
		}
		for _, figures := range [][]figure{c.before, c.now} {
			b.WriteString(" " + orDash(ratio(figures, c.rust), func(v float64) string { return fmt.Sprintf("%.2f", v) }) + " |")
		}
		b.WriteString(" " + orDash(c.change(), func(v float64) string { return fmt.Sprintf("%+.1f %%", 100*v) }))
		if c.change() > worse {
			b.WriteString(" ✗")
			ok = false
		}
		b.WriteString(" |\n")
	}
	return b.String(), ok
}

func orDash(v float64, text func(float64) string) string {
	if math.IsNaN(v) {
		return "–"
	}
	return text(v)
}

// compare measures a row n times for both versions and Rust. Every other round goes the other way, so that none of
// them always has the machine's first or last minute.
func (bins binaries) compare(row row, earlier string, n int, time string) (*comparison, error) {
	c := &comparison{row: row}
	fmt.Fprintf(os.Stderr, "%-32s", row.work)
	before := binaries{ours: earlier}
	steps := []struct {
		of     binaries
		peer   peer
		figure *[]figure
	}{{before, ours, &c.before}, {bins, rust, &c.rust}, {bins, ours, &c.now}}
	known, err := hasBenchmark(earlier, row.bench[ours])
	if err != nil {
		return nil, err
	}
	for round := range n {
		fmt.Fprint(os.Stderr, " .")
		for i := range steps {
			if round%2 == 1 {
				i = len(steps) - 1 - i
			}
			s := steps[i]
			name := row.bench[s.peer]
			if name == "" || s.of[s.peer] == "" || !known && i == 0 {
				continue
			}
			f, err := s.of.measure(s.peer, name, time)
			if err != nil {
				return nil, err
			}
			*s.figure = append(*s.figure, f)
		}
	}
	fmt.Fprintln(os.Stderr)
	return c, nil
}

// hasBenchmark tells whether a program has a benchmark of that name, which may be a part of another: "Kernel/sort".
func hasBenchmark(program, name string) (bool, error) {
	top, _, _ := strings.Cut(name, "/")
	out, err := exec.Command(program, "-test.list=^Benchmark"+regexp.QuoteMeta(top)+"$").Output()
	if err != nil {
		return false, fmt.Errorf("%s: %w", filepath.Base(program), err)
	}
	return len(bytes.TrimSpace(out)) > 0, nil
}

// buildEarlier makes the program that measures an earlier version of this module, whose checkout is in the folder
// root: the benchmarks of this version, or, if they use what the earlier one does not have, its own.
func buildEarlier(dir, root string) (program string, err error) {
	fmt.Fprintln(os.Stderr, "building ours, as it was")
	program = filepath.Join(dir, "earlier.test")
	modfile := filepath.Join(dir, "earlier.mod")
	for from, to := range map[string]string{"go.mod": modfile, "go.sum": filepath.Join(dir, "earlier.sum")} {
		content, err := os.ReadFile(from)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(to, content, 0o644); err != nil {
			return "", err
		}
	}
	edit := exec.Command("go", "mod", "edit", "-replace", modulePath+"="+root, modfile)
	if out, err := edit.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%v: %w\n%s", edit, err, out)
	}
	out, err := exec.Command("go", "test", "-c", "-modfile", modfile, "-o", program, "./ours").CombinedOutput()
	if err == nil {
		return program, nil
	}
	fmt.Fprintf(os.Stderr, "its own benchmarks are used, because those of this version do not compile with it:\n%s", out)
	own := exec.Command("go", "test", "-c", "-o", program, "./ours")
	own.Dir = filepath.Join(root, "bench")
	if out, err := own.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building ours, as it was: %w\n%s", err, out)
	}
	return program, nil
}

const modulePath = "github.com/gowasmtime/wasmtime"

// checkout returns the folder with an earlier version of this module: old itself if that is one, otherwise one in dir
// with the files of the revision old of the repository that the folder repo is in.
func checkout(dir, repo, old string) (root string, err error) {
	root, err = filepath.Abs(old)
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		root = filepath.Join(dir, "earlier")
		if err := extract(root, repo, old); err != nil {
			return "", fmt.Errorf("%s is no folder and no revision: %w", old, err)
		}
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return "", err
	}
	if !regexp.MustCompile(`(?m)^module ` + regexp.QuoteMeta(modulePath) + `\s*$`).Match(mod) {
		return "", fmt.Errorf("%s is no checkout of this module", old)
	}
	return root, nil
}

// extract clones the repository into a new folder, without copying its history, and checks the revision out.
func extract(root, repo, revision string) error {
	top, err := git(repo, "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	commit, err := git(repo, "rev-parse", "--verify", "--end-of-options", revision+"^{commit}")
	if err != nil {
		return err
	}
	if _, err := git(repo, "clone", "--quiet", "--shared", "--no-checkout", top, root); err != nil {
		return err
	}
	_, err = git(root, "checkout", "--quiet", "--detach", commit)
	return err
}

// git runs git in a folder and returns what it printed.
func git(dir string, args ...string) (string, error) {
	var stderr bytes.Buffer
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Stderr = dir, &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w\n%s", args[0], err, &stderr)
	}
	return strings.TrimRight(string(out), "\r\n"), nil
}
