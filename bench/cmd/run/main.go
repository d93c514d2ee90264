// Command run builds the benchmark programs of all peers, runs them in turn, and prints a table in Markdown. Run it in
// the bench folder:
//
//	go run ./cmd/run            # a few minutes, and the first time what cargo takes
//	go run ./cmd/run -quick     # a minute, rougher
//	go run ./cmd/run -write     # also puts the table into README.md
//	go run ./cmd/run -excuses   # measures nothing, but puts into README.md why rows miss their targets
//
// It ends with status 1 when a target was missed for no reason that rows.go gives, or by more than that excuses. What
// it could not do is told, and the status is 2.
//
//	go run ./cmd/run -compare v0.1.0
//
// measures an earlier version of this module, this one and Rust in turn, and ends with status 1 when the ratio to Rust
// of a row has become worse by more than 5 %. The earlier version is a git revision, or a folder with a checkout.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/gowasmtime/wasmtime/bench/internal/work"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

var (
	quick   = flag.Bool("quick", false, "few and short rounds")
	rounds  = flag.Int("rounds", 0, "how many rounds (default 9, with -quick 3); work that takes long gets a third")
	only    = flag.String("rows", "", "a regular expression: only these rows")
	without = flag.String("without", "", "peers to leave out, with commas: ours, rustfloor, cgofloor, wasmtimego, wazero, wazy")
	under   = flag.String("under", "", "a command to measure under, such as \"chrt -f 10\" or \"taskset -c 1\"")
	write   = flag.Bool("write", false, "put the table into README.md, and why rows miss their targets")
	reasons = flag.Bool("excuses", false, "measure nothing: put into README.md why rows miss their targets")
	earlier = flag.String("compare", "", "an earlier version to compare with instead of the peers: a git revision or a checkout's folder")
)

func main() {
	flag.Parse()
	ok, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "run:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

func run() (bool, error) {
	if err := checkRows(rows); err != nil {
		return false, err
	}
	if *reasons {
		return true, writeReadme("README.md", beginExcuses, endExcuses, excuses(rows))
	}
	skip, err := leftOut(*without)
	if err != nil {
		return false, err
	}
	switch {
	case flag.NArg() > 0:
		return false, fmt.Errorf("unexpected argument %q: everything is said by flags", flag.Arg(0))
	case *rounds < 0:
		return false, fmt.Errorf("-rounds %d: there have to be some", *rounds)
	case *write && (*only != "" || len(skip) > 0):
		return false, fmt.Errorf("-write is for the whole table: not with -rows or -without")
	case *earlier != "" && (*write || skip["ours"]):
		return false, fmt.Errorf("-compare is about this module: no -write, which is for the table of all peers, and not without ours")
	}
	selected, err := selectRows(*only)
	if err != nil {
		return false, err
	}
	dir, err := os.MkdirTemp("", "gowasmtime-bench-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	var before string
	if *earlier != "" {
		for _, name := range packages {
			skip[name] = skip[name] || name != packages[ours] && name != packages[rust]
		}
		root, err := checkout(dir, ".", *earlier)
		if err != nil {
			return false, err
		}
		if before, err = buildEarlier(dir, root); err != nil {
			return false, err
		}
	}
	bins, err := build(dir, skip)
	if err != nil {
		return false, err
	}
	if err := inputs(dir); err != nil {
		return false, err
	}

	count, time := 9, "50ms"
	if *quick {
		count, time = 3, "20ms"
	}
	if *rounds > 0 {
		count = *rounds
	}
	var results []*result
	var comparisons []*comparison
	for _, row := range selected {
		n := count
		if row.heavy {
			n = (count + 2) / 3
		}
		if before != "" {
			c, err := bins.compare(row, before, n, time)
			if err != nil {
				return false, err
			}
			comparisons = append(comparisons, c)
			continue
		}
		r, err := bins.row(row, n, time)
		if err != nil {
			return false, err
		}
		results = append(results, r)
	}

	text, ok := table(results)
	if before != "" {
		text, ok = comparisonTable(comparisons)
	}
	text = fmt.Sprintf("%s\n%s", conditions(count), text)
	fmt.Print(text)
	fmt.Fprint(os.Stderr, outlived(results))
	if *write {
		if err := writeReadme("README.md", begin, end, text); err != nil {
			return ok, err
		}
		return ok, writeReadme("README.md", beginExcuses, endExcuses, excuses(rows))
	}
	return ok, nil
}

// leftOut are the peers that a list with commas names; a name that none has is an error.
func leftOut(list string) (map[string]bool, error) {
	skip := map[string]bool{}
	if list == "" {
		return skip, nil
	}
	for name := range strings.SplitSeq(list, ",") {
		if !slices.Contains(packages[:], name) {
			return nil, fmt.Errorf("-without %s: there is no peer %q, but %s", list, name, strings.Join(packages[:], ", "))
		}
		skip[name] = true
	}
	return skip, nil
}

// selectRows returns the rows that a regular expression matches; none is an error.
func selectRows(expr string) (selected []row, err error) {
	pattern, err := regexp.Compile(expr)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if pattern.MatchString(row.work) {
			selected = append(selected, row)
		}
	}
	if selected == nil {
		return nil, fmt.Errorf("no row matches %q", expr)
	}
	return selected, nil
}

// row measures one row: all peers, one after the other, and all of that n times.
func (bins binaries) row(row row, n int, time string) (*result, error) {
	r := &result{row: row}
	fmt.Fprintf(os.Stderr, "%-32s", row.work)
	for range n {
		fmt.Fprint(os.Stderr, " .")
		for p, name := range row.bench {
			of := peer(p)
			if of == typed {
				of = ours
			}
			if name == "" || bins[of] == "" {
				continue
			}
			f, err := bins.measure(of, name, time)
			if err != nil {
				return nil, err
			}
			r.figures[p] = append(r.figures[p], f)
		}
	}
	fmt.Fprintln(os.Stderr)
	return r, nil
}

// inputs makes the Go guest, the data file and, in dir, the program that sends requests, and tells the programs where
// they are.
func inputs(dir string) error {
	guest, err := guests.GoFile("kernel")
	if err != nil {
		return err
	}
	data, err := work.DataDir()
	if err != nil {
		return err
	}
	load, err := work.LoadFile(dir)
	if err != nil {
		return err
	}
	os.Setenv("BENCH_GUEST", guest)
	os.Setenv("BENCH_LOAD", load)
	os.Setenv("BENCH_DATA", data)
	return nil
}

// conditions is a line on the machine.
func conditions(rounds int) string {
	cpu := "unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if m := regexp.MustCompile(`model name\s*: (.*)`).FindSubmatch(info); m != nil {
			cpu = string(m[1])
		}
	}
	how := ""
	if *under != "" {
		how = ", under `" + *under + "`"
	}
	return fmt.Sprintf("%s/%s, %d processors (%s), %s, %d rounds%s.\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), cpu, runtime.Version(), rounds, how)
}

// The markers between which the table stands in README.md, and why rows miss their targets.
const (
	begin, end               = "<!-- table: go run ./cmd/run -write -->\n", "<!-- end of table -->"
	beginExcuses, endExcuses = "<!-- reasons: go run ./cmd/run -excuses -->\n", "<!-- end of reasons -->"
)

// writeReadme replaces what stands between two markers of a file.
func writeReadme(path, begin, end, text string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, found := strings.Cut(string(page), begin)
	_, tail, found2 := strings.Cut(rest, end)
	if !found || !found2 {
		return fmt.Errorf("%s lacks %q, or after it %q", filepath.Base(path), strings.TrimSpace(begin), end)
	}
	return os.WriteFile(path, []byte(head+begin+text+end+tail), 0o644)
}
