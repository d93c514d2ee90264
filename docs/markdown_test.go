// Package docs_test checks the repository's Markdown: links and anchors lead somewhere, lists of contents are complete,
// the README stays short, and the release of Wasmtime is the right one. What the programs in it do is checked by
// ci/consumer.
package docs_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

func TestLinks(t *testing.T) {
	repository := os.DirFS("..")
	pages := readPages(t, repository)
	for _, page := range []string{"README.md", "RATIONALE.md", "SECURITY.md", "docs/README.md", "docs/guide.md"} {
		if pages[page] == "" {
			t.Errorf("%s was not looked at", page)
		}
	}
	for _, fault := range broken(repository, pages) {
		t.Error(fault)
	}
}

// What TestLinks would say of pages with faults.
func TestBroken(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("good.md", "# A `title`, with more\n\n## Twice\n\n## Twice\n\n[a](#a-title-with-more), [b](sub/page.md#x_y),\n"+
		"[c](sub), [d](https://example.org/nothing#x), [e](#twice-1), ![f](sub/picture.svg), [two\nlines](sub/page.md)\n\n"+
		"[g]\n\n[g]: sub/page.md\n\n```\n[in code](nowhere)\n```\n\n    [in code](nowhere)\n\nand `[in code](nowhere)`\n")
	write("sub/page.md", "# x_y\n\n[back](../good.md#twice)\n")
	write("sub/picture.svg", "<svg/>")
	write("bad.md", "[a](nothing.md)\n[b](good.md#nothing)\n[c](#nothing)\n[d](../outside.md)\n\n"+
		"[e]: sub/nothing\n\n[f](sub/picture.svg#x)\n")
	repository := os.DirFS(dir)
	got := broken(repository, readPages(t, repository))
	want := []string{
		"bad.md: nothing.md does not exist",
		"bad.md: good.md has no heading for #nothing",
		"bad.md: bad.md has no heading for #nothing",
		"bad.md: ../outside.md leaves the repository",
		"bad.md: sub/picture.svg is no page, so it has no heading for #x",
		"bad.md: sub/nothing does not exist",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// RATIONALE.md begins with a list of its sections.
func TestContentsOfRationale(t *testing.T) {
	text := read(t, "../RATIONALE.md")
	var want strings.Builder
	for _, h := range headings(text) {
		if h.level > 1 {
			fmt.Fprintf(&want, "%s- [%s](#%s)\n", strings.Repeat("  ", h.level-2), h.text, h.anchor)
		}
	}
	if want.Len() == 0 {
		t.Fatal("RATIONALE.md has no sections")
	}
	before, _, _ := strings.Cut(text, "\n## ")
	if !strings.Contains(before, "\n\n"+want.String()) {
		t.Errorf("the list of contents of RATIONALE.md is not that of its headings, which is\n\n%s", want.String())
	}
}

// The index of docs/ leads to every page there.
func TestIndex(t *testing.T) {
	names, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	index := read(t, "README.md")
	count := 0
	for _, name := range names {
		if name == "README.md" {
			continue
		}
		count++
		if !strings.Contains(index, "("+name+")") {
			t.Errorf("docs/README.md does not lead to %s", name)
		}
	}
	if count == 0 {
		t.Error("docs/ has no pages")
	}
}

// The pages name the release of Wasmtime that the archives contain.
func TestBundledRelease(t *testing.T) {
	var manifest struct {
		Archives map[string]struct{ Wasmtime string }
	}
	if err := json.Unmarshal([]byte(read(t, "../build/manifest.json")), &manifest); err != nil {
		t.Fatal(err)
	}
	if len(manifest.Archives) == 0 {
		t.Fatal("build/manifest.json has no archives")
	}
	readme, security := read(t, "../README.md"), read(t, "../SECURITY.md")
	for archive, a := range manifest.Archives {
		if want := "Bundled now: **" + a.Wasmtime + "**."; !strings.Contains(security, want) {
			t.Errorf("SECURITY.md does not say %q, which is in %s; the table below it has to fit", want, archive)
		}
		if want := a.Wasmtime + " now"; !strings.Contains(readme, want) {
			t.Errorf("README.md does not say %q, which is in %s", want, archive)
		}
	}
}

func TestReadmeIsShort(t *testing.T) {
	if lines := strings.Count(read(t, "../README.md"), "\n"); lines > 200 {
		t.Errorf("README.md has %d lines, of at most 200: what is not for the first five minutes belongs in docs/", lines)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// readPages returns the text of every page of a repository by its path, except for what is built or vendored there.
func readPages(t *testing.T, repository fs.FS) map[string]string {
	t.Helper()
	pages := map[string]string{}
	err := fs.WalkDir(repository, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if base := entry.Name(); name != "." && (base[0] == '.' || base == "target" || base == "dist" || base == "vendor") {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".md" {
			return nil
		}
		text, err := fs.ReadFile(repository, name)
		pages[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

var (
	// The destination of a link or picture in the text, and that of one defined apart.
	inline  = regexp.MustCompile(`\]\(\s*<?([^)>\s]+)>?[^)]*\)`)
	defined = regexp.MustCompile(`(?m)^ {0,3}\[[^\]]+\]:\s*<?([^>\s]+)`)
	code    = regexp.MustCompile("`[^`\n]+`")
)

// broken says which links within a repository lead nowhere.
func broken(repository fs.FS, pages map[string]string) (faults []string) {
	for page, text := range pages {
		prose := code.ReplaceAllString(withoutCode(text), "")
		links := slices.Concat(inline.FindAllStringSubmatch(prose, -1), defined.FindAllStringSubmatch(prose, -1))
		for _, match := range links {
			if fault := follow(repository, pages, page, match[1]); fault != "" {
				faults = append(faults, page+": "+fault)
			}
		}
	}
	return faults
}

// follow says what is wrong with a link on a page, or nothing.
func follow(repository fs.FS, pages map[string]string, page, link string) string {
	to, err := url.Parse(link)
	switch {
	case err != nil:
		return err.Error()
	case to.IsAbs():
		return ""
	}
	target := page
	if to.Path != "" {
		target = path.Join(path.Dir(page), to.Path)
	}
	if !fs.ValidPath(target) {
		return to.Path + " leaves the repository"
	}
	if _, err := fs.Stat(repository, target); err != nil {
		return to.Path + " does not exist"
	}
	if to.Fragment == "" {
		return ""
	}
	text, ok := pages[target]
	if !ok {
		return fmt.Sprintf("%s is no page, so it has no heading for #%s", target, to.Fragment)
	}
	if !slices.ContainsFunc(headings(text), func(h heading) bool { return h.anchor == to.Fragment }) {
		return fmt.Sprintf("%s has no heading for #%s", target, to.Fragment)
	}
	return ""
}

// withoutCode returns a page without its blocks of code, fenced and indented.
func withoutCode(text string) string {
	var b strings.Builder
	fenced, empty, indented := false, true, false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
			continue
		}
		blank := strings.TrimSpace(line) == ""
		indented = strings.HasPrefix(line, "    ") && (empty || indented) || indented && blank
		empty = blank
		if !fenced && !indented {
			b.WriteString(line)
		}
	}
	return b.String()
}

type heading struct {
	level        int
	text, anchor string
}

// headings returns the headings of a page with the anchors that GitHub gives them.
func headings(text string) (all []heading) {
	seen := map[string]int{}
	for line := range strings.Lines(withoutCode(text)) {
		marks := len(line) - len(strings.TrimLeft(line, "#"))
		title, ok := strings.CutPrefix(line[marks:], " ")
		if marks == 0 || marks > 6 || !ok {
			continue
		}
		title = strings.TrimSpace(title)
		anchor := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, title)
		n := seen[anchor]
		seen[anchor]++
		if n > 0 {
			anchor = fmt.Sprintf("%s-%d", anchor, n)
		}
		all = append(all, heading{marks, title, anchor})
	}
	return all
}
