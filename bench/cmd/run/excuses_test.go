package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The table itself is right, and README.md gives the reasons that stand in it.
func TestRowsAndTheirReasons(t *testing.T) {
	if err := checkRows(rows); err != nil {
		t.Error(err)
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), beginExcuses)
	text, _, found2 := strings.Cut(rest, endExcuses)
	if !found || !found2 || text != excuses(rows) {
		t.Error("README.md does not give the reasons of the table: go run ./cmd/run -excuses")
	}
}

// excusedRow is a row that takes so many times as long as Rust, where its target is 1.5, and excused up to 2.
func excusedRow(times float64) *result {
	r := &result{row: row{work: "w", bench: benches{ours: "B", rust: "B"}, target: against(rust, "≤ 1.5 × Rust", 1.5).excused(2, "it is far")}}
	r.figures[ours], r.figures[rust] = figures(100*times), figures(100)
	return r
}

func TestExcused(t *testing.T) {
	for times, want := range map[float64]struct {
		text     string
		ok       bool
		outlived bool
	}{
		1.2:  {"1.20 ✓", true, true},
		1.4:  {"1.40 ✓", true, false},
		1.5:  {"1.50 ✓", true, false},
		1.6:  {"1.60 (✗)", true, false},
		2:    {"2.00 (✗)", true, false},
		2.01: {"2.01 ✗, excused up to 2", false, false},
	} {
		r := excusedRow(times)
		text, ok := r.verdict()
		if !strings.HasSuffix(text, want.text) || ok != want.ok {
			t.Errorf("%v: %q, %v", times, text, ok)
		}
		if got := outlived([]*result{r}); (got != "") != want.outlived || want.outlived && !strings.Contains(got, "`w` is excused") {
			t.Errorf("%v: %q", times, got)
		}
		if _, ok := table([]*result{r, excusedRow(1)}); ok != want.ok {
			t.Errorf("%v: the table says %v", times, ok)
		}
	}
	r := excusedRow(1.6)
	r.target.excuse = nil
	if text, ok := r.verdict(); ok || !strings.HasSuffix(text, "1.60 ✗") {
		t.Errorf("without an excuse: %q, %v", text, ok)
	}
	r = excusedRow(1.6)
	r.target.allocating(0)
	r.figures[ours][0].allocs = 1
	if text, ok := r.verdict(); ok || !strings.HasSuffix(text, "1.60, 1 allocs ✗") {
		t.Errorf("an allocation is excused: %q, %v", text, ok)
	}
	r = excusedRow(1.6)
	r.figures[rust] = nil
	if text, ok := r.verdict(); !ok || text != "≤ 1.5 × Rust" || outlived([]*result{r}) != "" {
		t.Errorf("without Rust: %q, %v", text, ok)
	}
	r = excusedRow(math.NaN())
	if text, ok := r.verdict(); ok {
		t.Errorf("a ratio that is no number: %q", text)
	}
}

// With a target that is a least value, an excuse is a lower one.
func TestExcusedThroughput(t *testing.T) {
	for rate, want := range map[float64]string{1.2: "1.20 ✓", 0.9: "0.90 (✗)", 0.8: "0.80 (✗)", 0.79: "0.79 ✗, excused up to 0.8"} {
		r := &result{row: row{work: "w", bench: benches{ours: "B", rust: "B"}, target: throughput(0.95, "≥ 0.95 × Rust").excused(0.8, "it is far")}}
		r.figures[ours], r.figures[rust] = figures(100/rate), figures(100)
		text, ok := r.verdict()
		if !strings.HasSuffix(text, want) || ok != (rate > 0.79) || (outlived([]*result{r}) != "") != (rate > 1.1) {
			t.Errorf("%v: %q, %v", rate, text, ok)
		}
	}
}

func TestCheckRows(t *testing.T) {
	good := func() row {
		return row{work: "w", bench: benches{ours: "B", rust: "B"}, target: against(rust, "≤ 1.5 × Rust", 1.5).excused(2, "it is far")}
	}
	if err := checkRows([]row{good(), {work: "other", bench: benches{ours: "C"}}}); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*row){
		"two rows":                    func(r *row) { r.work = "" },
		"no benchmark of this module": func(r *row) { r.bench[ours] = "" },
		"no positive number":          func(r *row) { r.target.limit = 0 },
		"number: NaN":                 func(r *row) { r.target.limit = math.NaN() },
		"needs a peer":                func(r *row) { r.bench[rust] = "" },
		"without a reason":            func(r *row) { r.target.excuse.why = " " },
		"without a bound: 0":          func(r *row) { r.target.excuse.most = 0 },
		"without a bound: NaN":        func(r *row) { r.target.excuse.most = math.NaN() },
		"without a bound: +Inf":       func(r *row) { r.target.excuse.most = math.Inf(1) },
		"would reach the target":      func(r *row) { r.target.excuse.most = 1.5 },
	} {
		bad := good()
		change(&bad)
		if err := checkRows([]row{bad}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if err := checkRows([]row{good(), good()}); err == nil || !strings.Contains(err.Error(), "two rows `w`") {
		t.Error(err)
	}
	slow := row{work: "w", bench: benches{ours: "B", rust: "B"}, target: throughput(0.95, "≥ 0.95").excused(0.96, "x")}
	if err := checkRows([]row{slow}); err == nil || !strings.Contains(err.Error(), "would reach") {
		t.Error(err)
	}
}

func TestExcuses(t *testing.T) {
	named := func(name, why string) row {
		return row{work: name, bench: benches{ours: "B", rust: "B"}, target: against(rust, "≤ 1.5 × Rust", 1.5).excused(2.25, why)}
	}
	least := row{work: "d", bench: benches{ours: "B", rust: "B"}, target: throughput(0.95, "≥ 0.95").excused(0.8, "far")}
	long := strings.Repeat("word ", 40)
	got := excuses([]row{named("a", "near"), {work: "b"}, named("c", "far"), least, named("e", "near"), named("f", long)})
	want := "- **a (at most 2.25); e (at most 2.25)**: near\n- **c (at most 2.25); d (at least 0.8)**: far\n- **f (at most 2.25)**: word"
	if !strings.HasPrefix(got, want) {
		t.Errorf("%s", got)
	}
	for line := range strings.Lines(got) {
		if len([]rune(line)) > lineWidth+1 || !strings.HasPrefix(line, "- **") && !strings.HasPrefix(line, "  word") {
			t.Errorf("%q", line)
		}
	}
	if strings.Count(got, "word") != 40 {
		t.Errorf("%s", got)
	}
	if got := excuses([]row{{work: "a"}}); got != "None does.\n" {
		t.Errorf("%q", got)
	}
}

func TestWriteReadme(t *testing.T) {
	path := filepath.Join(t.TempDir(), "README.md")
	page := "a\n" + begin + "old\n" + end + "\nb\n" + beginExcuses + "older\n" + endExcuses + "\nc\n"
	if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{writeReadme(path, begin, end, "new\n"), writeReadme(path, beginExcuses, endExcuses, "newer\n")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if want := strings.NewReplacer("older", "newer", "old", "new").Replace(page); err != nil || string(got) != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	if err := os.WriteFile(path, []byte(begin+"x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writeReadme(path, begin, end, ""); err == nil || !strings.Contains(err.Error(), "README.md lacks") {
		t.Error(err)
	}
}

func TestLeftOut(t *testing.T) {
	skip, err := leftOut("rustfloor,wazy")
	if err != nil || len(skip) != 2 || !skip["wazy"] {
		t.Error(skip, err)
	}
	if skip, err := leftOut(""); err != nil || len(skip) != 0 {
		t.Error(skip, err)
	}
	for _, list := range []string{"rust", "ours,", "ours, wazy"} {
		if _, err := leftOut(list); err == nil || !strings.Contains(err.Error(), "there is no peer") {
			t.Errorf("%q: %v", list, err)
		}
	}
}

// What the command cannot do it says before it builds anything.
func TestFlags(t *testing.T) {
	for want, set := range map[string]func(){
		"there have to be some":  func() { *rounds = -1 },
		"not with -rows":         func() { *write, *only = true, "call" },
		"-without":               func() { *write, *without = true, "wazy" },
		"no peer":                func() { *without = "nobody" },
		"-compare is about this": func() { *earlier, *without = "HEAD", "ours" },
		"no -write":              func() { *earlier, *write = "HEAD", true },
		"no row matches":         func() { *only = "no such row" },
	} {
		set()
		_, err := run()
		*rounds, *write, *only, *without, *earlier = 0, false, "", "", ""
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
