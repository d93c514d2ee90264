package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// What a reader can take in.
const (
	maxRootSources  = 40
	maxReadmeLines  = 200
	maxUntested     = 300 // lines of a package without a test
	maxCommentWidth = 120 // columns, of which a tab is four
)

// sizes reports a root package of too many files and a README.md of too many lines.
func (m *module) sizes() (found []string) {
	names, _ := filepath.Glob(filepath.Join(m.root, "*.go"))
	sources := len(slices.DeleteFunc(names, isTest))
	if sources > maxRootSources {
		found = append(found, fmt.Sprintf("the root has %d sources, more than %d", sources, maxRootSources))
	}
	if lines, err := countLines(filepath.Join(m.root, "README.md")); err != nil {
		found = append(found, err.Error())
	} else if lines > maxReadmeLines {
		found = append(found, fmt.Sprintf("README.md has %d lines, more than %d", lines, maxReadmeLines))
	}
	return found
}

// untested reports large packages that have no test of their own. That others test a package on their way does not
// count, and a command is a package like any other: what is in its functions can be called by a test beside it.
func (m *module) untested() (found []string) {
	for _, dir := range append(slices.Clone(m.dirs), "ffi") {
		names, _ := filepath.Glob(filepath.Join(m.root, dir, "*.go"))
		if slices.ContainsFunc(names, isTest) {
			continue
		}
		total := 0
		for _, name := range names {
			lines, err := countLines(name)
			if err != nil {
				found = append(found, err.Error())
			}
			total += lines
		}
		if total > maxUntested {
			found = append(found, fmt.Sprintf("%s: %d lines and no test; up to %d may do without", dir, total, maxUntested))
		}
	}
	return found
}

func isTest(name string) bool { return strings.HasSuffix(name, "_test.go") }

func countLines(file string) (int, error) {
	text, err := os.ReadFile(file)
	return bytes.Count(text, []byte("\n")), err
}

var (
	generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)
	// A comment is what stands behind slashes, at the start of a line or after code. Other slashes are of strings.
	comment = regexp.MustCompile(`^(\s*|[^"]*("[^"]*"[^"]*)*\s)//`)
	// Go's directives cannot be broken into lines.
	directive = regexp.MustCompile(`^//(go:|export |line )`)
)

// comments reports lines of Go and Rust that are too wide because of a comment, of all modules in the repository.
// gofmt leaves them as they are, and so does rustfmt.
func (m *module) comments() (found []string) {
	err := filepath.WalkDir(m.root, func(path string, entry fs.DirEntry, err error) error {
		name := entry.Name()
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != m.root && (strings.HasPrefix(name, ".") || slices.Contains([]string{"dist", "target", "vendor"}, name)):
			return filepath.SkipDir
		case entry.IsDir() || filepath.Ext(name) != ".go" && filepath.Ext(name) != ".rs":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil || generated.Match(text) {
			return err
		}
		rel, err := filepath.Rel(m.root, path)
		if err != nil {
			return err
		}
		n := 0
		for line := range strings.Lines(string(text)) {
			n++
			line = strings.ReplaceAll(strings.TrimRight(line, "\r\n"), "\t", "    ")
			if width := utf8.RuneCountInString(line); width > maxCommentWidth && comment.MatchString(line) && !directive.MatchString(line) {
				found = append(found, fmt.Sprintf("%s:%d: a comment up to column %d, more than %d", rel, n, width, maxCommentWidth))
			}
		}
		return nil
	})
	if err != nil {
		found = append(found, err.Error())
	}
	return found
}
