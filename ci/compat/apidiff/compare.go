package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// A finding is an item that is not as it was: "missing", "different" or, for a
// method that an interface got, "grown".
type finding struct{ verdict, item string }

// A result is what a comparison found, less what is allowed.
type result struct {
	total    int
	allowed  int
	failures []string
	stale    []finding
}

func (r result) ok() bool { return len(r.failures) == 0 && len(r.stale) == 0 }

func (r result) print(w io.Writer) {
	for _, text := range r.failures {
		fmt.Fprintln(w, text)
	}
	for _, f := range r.stale {
		fmt.Fprintf(w, "listed in vain: %s %s\n", f.verdict, f.item)
	}
	fmt.Fprintf(w, "%d items of wasmtime-go: %d as they were, %d left out on purpose, %d wrong, %d stale entries\n",
		r.total, r.total-r.allowed-len(r.failures), r.allowed, len(r.failures), len(r.stale))
}

// compare holds the new API against the old one.
func compare(then, now surface, allowed map[finding]bool) result {
	r := result{total: len(then)}
	used := map[finding]bool{}
	report := func(f finding, text string) {
		if allowed[f] {
			used[f] = true
			r.allowed++
			return
		}
		r.failures = append(r.failures, f.verdict+" "+f.item+text)
	}
	for _, item := range slices.Sorted(maps.Keys(then)) {
		was, is := then[item], now[item]
		switch {
		case is == "":
			report(finding{"missing", item}, "\n  wasmtime-go: "+was)
		case is != was:
			report(finding{"different", item}, "\n  wasmtime-go: "+was+"\n  ours:        "+is)
		}
	}
	for _, item := range slices.Sorted(maps.Keys(now)) {
		name, ok := strings.CutPrefix(item, "method ")
		if !ok || then[item] != "" {
			continue
		}
		typ, _, _ := strings.Cut(name, ".")
		if strings.HasPrefix(then["type "+typ], "interface") {
			r.total++
			report(finding{"grown", item}, "\n  ours:        "+now[item])
		}
	}
	for _, f := range slices.SortedFunc(maps.Keys(allowed), func(a, b finding) int {
		return strings.Compare(a.item, b.item)
	}) {
		if !used[f] {
			r.stale = append(r.stale, f)
		}
	}
	return r
}

// readAllowList reads lines of "VERDICT ITEM"; a line that starts with # is a comment.
func readAllowList(file string) (map[finding]bool, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	allowed := map[finding]bool{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		verdict, item, ok := strings.Cut(line, " ")
		if !ok || !slices.Contains([]string{"missing", "different", "grown"}, verdict) {
			return nil, fmt.Errorf("%s: cannot read %q", file, line)
		}
		allowed[finding{verdict, item}] = true
	}
	return allowed, nil
}

// printAdditions writes what the new API has beyond the old one.
func printAdditions(w io.Writer, then, now surface) {
	fmt.Fprintln(w, "\n## Beside the API of wasmtime-go")
	for _, kind := range []struct{ prefix, title string }{
		{"type ", "Types"}, {"func ", "Functions"}, {"method ", "Methods"}, {"field ", "Fields"}, {"const ", "Constants"}, {"var ", "Variables"},
	} {
		var lines []string
		for _, item := range slices.Sorted(maps.Keys(now)) {
			if name, ok := strings.CutPrefix(item, kind.prefix); ok && then[item] == "" {
				lines = append(lines, fmt.Sprintf("- `%s`: `%s`", name, now[item]))
			}
		}
		if len(lines) > 0 {
			fmt.Fprintf(w, "\n### %s (%d)\n\n%s\n", kind.title, len(lines), strings.Join(lines, "\n"))
		}
	}
}
