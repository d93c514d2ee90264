package main

import (
	"math"
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
		for p, ns := range [peers]float64{40, 12, 26, 1830, 14} {
			r.figures[p] = append(r.figures[p], figure{ns: ns})
		}
	}
	text, ok := table([]*result{r})
	if !ok || !strings.Contains(text, "| 40.0 ns | 12.0 ns (0.30) | 26.0 ns (0.65) | 1.83 µs (46) | 14.0 ns (0.35) | ") ||
		!strings.Contains(text, "1.05 ✓") {
		t.Errorf("%v\n%s", ok, text)
	}
	r.figures[ours][0].allocs = 1
	if _, ok := table([]*result{r}); ok {
		t.Error("an allocation did not count")
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
