package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	const out = "goos: linux\nBenchmarkCallUntyped-2\t 100\t 9 ns/op\nBenchmarkCall-2 \t 200\t 43.5 ns/op\t 8 B/op\t 1 allocs/op\nPASS\n"
	f, err := parse(out, "Call")
	if err != nil || f.ns != 43.5 || f.allocs != 1 {
		t.Errorf("parse: %+v, %v", f, err)
	}
	f, err = parse("BenchmarkKernel/sort\t3\t1500.25 ns/op\n", "Kernel/sort")
	if err != nil || f.ns != 1500.25 || f.allocs != -1 {
		t.Errorf("parse: %+v, %v", f, err)
	}
	if _, err := parse("PASS\n", "Call"); err == nil {
		t.Error("a figure was found where there is none")
	}
}

func TestTable(t *testing.T) {
	r := &result{row: rows[0]}
	for range 3 {
		for p, ns := range [peers]float64{40, 12, 26, 1830, 14, 16} {
			r.figures[p] = append(r.figures[p], figure{ns: ns})
		}
	}
	text, ok := table([]*result{r})
	if !ok || !strings.Contains(text, "| 40.0 ns | 12.0 ns (0.30) | 26.0 ns (0.65) | 1.83 µs (46) | 14.0 ns (0.35) | 16.0 ns (0.40) | ") ||
		!strings.Contains(text, "1.05 ✓") {
		t.Errorf("%v\n%s", ok, text)
	}
	r.figures[ours][0].allocs = 1
	if _, ok := table([]*result{r}); ok {
		t.Error("an allocation did not count")
	}
}

// A target may be about another benchmark of this module, which is in no column, and allow for allocations.
func TestBesideTyped(t *testing.T) {
	r := &result{row: row{work: "w", bench: benches{ours: "Slow", typed: "Fast"}, target: besideTyped("≤ 2 × typed", 2, 1)}}
	for ns, want := range map[float64]string{19: "1.90 ✓ |", 21: "2.10 ✗ |"} {
		r.figures[ours], r.figures[typed] = []figure{{ns: ns, allocs: 1}}, []figure{{ns: 10}}
		text, ok := table([]*result{r})
		if ok != (ns < 20) || !strings.Contains(text, want) || strings.Contains(text, "10.0 ns") {
			t.Errorf("%v: %v\n%s", ns, ok, text)
		}
	}
	r.figures[ours] = []figure{{ns: 5, allocs: 2}}
	if text, ok := table([]*result{r}); ok || !strings.Contains(text, "0.50, 2 allocs ✗") {
		t.Errorf("two allocations: %v\n%s", ok, text)
	}
}

// A call into a component has to keep up with two peers.
func TestComponentCall(t *testing.T) {
	r := &result{row: components()[0]}
	for _, test := range []struct {
		ours, rust, wazy float64
		want             string
	}{
		{140, 100, 200, "1.40 ✓"},
		{160, 100, 200, "1.60 (✗)"},
		{120, 100, 100, "1.80 (✗)"}, // slower than wazy
	} {
		r.figures[ours], r.figures[rust] = figures(test.ours), figures(test.rust)
		r.figures[wazy] = figures(test.wazy)
		if text, _ := r.verdict(); !strings.HasSuffix(text, test.want) {
			t.Errorf("%v: %s", test, text)
		}
	}
}

func TestMedian(t *testing.T) {
	if m := median([]float64{5, 1, 3}); m != 3 {
		t.Error(m)
	}
	if m := median([]float64{4, 1, 3, 2}); m != 2.5 {
		t.Error(m)
	}
	if !math.IsNaN(median(nil)) {
		t.Error("the median of nothing is a number")
	}
}

func TestDuration(t *testing.T) {
	for ns, want := range map[float64]string{1.234: "1.23 ns", 12.34: "12.3 ns", 123.4: "123 ns", 1234: "1.23 µs", 4.5e6: "4.50 ms", 2e9: "2.00 s"} {
		if got := duration(ns); got != want {
			t.Errorf("%v: %s, want %s", ns, got, want)
		}
	}
}

func TestThroughputText(t *testing.T) {
	for rate, want := range map[float64]string{4.75: "4.8 GB/s", 0.4918: "492 MB/s"} {
		if got := throughputText(rate); got != want {
			t.Errorf("%v: %s, want %s", rate, got, want)
		}
	}
}

func figures(ns ...float64) (all []figure) {
	for _, v := range ns {
		all = append(all, figure{ns: v})
	}
	return all
}

func TestComparisonTable(t *testing.T) {
	for _, test := range []struct {
		name              string
		before, now, rust []figure
		ok                bool
		want              string
	}{
		{"the same", figures(100, 100, 100), figures(100, 100, 100), figures(50, 50, 50), true, "| 50.0 ns | 100 ns | 100 ns | 2.00 | 2.00 | +0.0 % |"},
		{"4 % slower", figures(100, 100, 100), figures(104, 104, 104), figures(50, 50, 50), true, "| 2.00 | 2.08 | +4.0 % |"},
		{"6 % slower", figures(100, 100, 100), figures(106, 106, 106), figures(50, 50, 50), false, "| 2.00 | 2.12 | +6.0 % ✗ |"},
		{"faster", figures(100, 100, 100), figures(50, 50, 50), figures(50, 50, 50), true, "| 2.00 | 1.00 | -50.0 % |"},
		{"slow in one round", figures(100, 100, 100), figures(100, 300, 100), figures(50, 50, 50), true, "| +0.0 % |"},
		{"a machine that slows down", figures(100, 200, 400), figures(100, 200, 400), figures(50, 100, 200), true, "| 2.00 | 2.00 | +0.0 % |"},
		{"without Rust", figures(100), figures(120), nil, false, "| – | 100 ns | 120 ns | – | – | +20.0 % ✗ |"},
		{"a new row", nil, figures(120), figures(60), true, "| 60.0 ns | – | 120 ns | – | 2.00 | – |"},
	} {
		text, ok := comparisonTable([]*comparison{{row: rows[0], before: test.before, now: test.now, rust: test.rust}})
		if ok != test.ok || !strings.Contains(text, test.want) {
			t.Errorf("%s: %v, want %v and %s\n%s", test.name, ok, test.ok, test.want, text)
		}
	}
}

func TestSelectRows(t *testing.T) {
	if selected, err := selectRows("^call `|^host call, "); err != nil || len(selected) != 2 {
		t.Errorf("%d rows, %v", len(selected), err)
	}
	for _, expr := range []string{"no such row", "("} {
		if _, err := selectRows(expr); err == nil {
			t.Errorf("%q selects rows", expr)
		}
	}
}

// An earlier version is a folder with a checkout, or a revision of the repository.
func TestCheckout(t *testing.T) {
	repo := t.TempDir()
	commit := func(version string) {
		t.Helper()
		for name, content := range map[string]string{"go.mod": "module " + modulePath + "\n", "version": version} {
			if err := os.WriteFile(filepath.Join(repo, name), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for _, args := range [][]string{{"init", "--quiet"}, {"add", "."},
			{"-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "--quiet", "-m", version}, {"tag", version}} {
			if _, err := git(repo, args...); err != nil {
				t.Fatal(err)
			}
		}
	}
	commit("one")
	commit("two")
	if err := os.Mkdir(filepath.Join(repo, "bench"), 0o755); err != nil {
		t.Fatal(err)
	}
	for old, want := range map[string]string{"one": "one", "two": "two", "two~1": "one", repo: "two"} {
		root, err := checkout(t.TempDir(), filepath.Join(repo, "bench"), old)
		if err != nil {
			t.Errorf("%s: %v", old, err)
			continue
		}
		if got, err := os.ReadFile(filepath.Join(root, "version")); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v, want %q", old, got, err, want)
		}
	}
	for old, want := range map[string]string{"three": "no folder and no revision", "--all": "no folder and no revision", t.TempDir(): "go.mod"} {
		if _, err := checkout(t.TempDir(), repo, old); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", old, err, want)
		}
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "go.mod"), []byte("module example.org/other\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := checkout(t.TempDir(), repo, other); err == nil || !strings.Contains(err.Error(), "no checkout of this module") {
		t.Errorf("another module: %v", err)
	}
}
