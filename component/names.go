package component

import (
	"slices"
	"strconv"
	"strings"
)

// Names with versions are matched as Wasmtime matches them: the exact name first, then the newest that is compatible
// by the rules of semantic versioning.

// byName holds things by name.
type byName[T any] struct {
	exact map[string]T
	// newest holds, for each name that ends with the part of a version which has to be the same, such as a:b/c@1 or
	// a:b/c@0.2, the name with the highest version.
	newest map[string]versioned
}

type versioned struct {
	name string
	version
}

// set defines a name anew, or for the first time.
func (m *byName[T]) set(name string, thing T) {
	if m.exact == nil {
		m.exact, m.newest = map[string]T{}, map[string]versioned{}
	}
	m.exact[name] = thing
	if track, v, ok := compatible(name); ok {
		if had, is := m.newest[track]; !is || had.version.compare(v) <= 0 {
			m.newest[track] = versioned{name, v}
		}
	}
}

// get finds a name, or one that is compatible.
func (m *byName[T]) get(name string) (thing T, ok bool) {
	if thing, ok = m.exact[name]; ok {
		return thing, true
	}
	track, _, ok := compatible(name)
	if !ok {
		return thing, false
	}
	newest, ok := m.newest[track]
	if !ok {
		return thing, false
	}
	thing, ok = m.exact[newest.name]
	return thing, ok
}

// compatible returns all names that are compatible with one, that with the highest version first.
func (m *byName[T]) compatible(name string) (names []string) {
	track, _, ok := compatible(name)
	if !ok {
		return nil
	}
	var found []versioned
	for other := range m.exact {
		if its, v, ok := compatible(other); ok && its == track {
			found = append(found, versioned{other, v})
		}
	}
	slices.SortFunc(found, func(a, b versioned) int { return b.version.compare(a.version) })
	for _, f := range found {
		names = append(names, f.name)
	}
	return names
}

// version is a semantic version that is not a pre-release: three numbers, and what was built.
type version struct {
	numbers [3]uint64
	build   string
}

func (v version) compare(w version) int {
	for i, n := range v.numbers {
		switch {
		case n < w.numbers[i]:
			return -1
		case n > w.numbers[i]:
			return 1
		}
	}
	return strings.Compare(v.build, w.build)
}

// compatible returns what all names have in common that are compatible with this one, and its version. There are none,
// and ok is false, if it has no version, or one that is compatible with nothing else: a pre-release, or 0.0.x.
func compatible(name string) (track string, v version, ok bool) {
	at := strings.IndexByte(name, '@')
	if at < 0 {
		return "", v, false
	}
	v, ok = parseVersion(name[at+1:])
	if !ok {
		return "", v, false
	}
	parts := 1
	if v.numbers[0] == 0 {
		if v.numbers[1] == 0 {
			return "", v, false
		}
		parts = 2
	}
	end := at + 1
	for range parts {
		end += strings.IndexByte(name[end:], '.') + 1
	}
	return name[:end-1], v, true
}

// parseVersion reads a semantic version. It knows no pre-releases.
func parseVersion(s string) (v version, ok bool) {
	s, v.build, ok = strings.Cut(s, "+")
	if ok && !isIdentifiers(v.build) {
		return v, false
	}
	parts := strings.Split(s, ".")
	if len(parts) != len(v.numbers) {
		return v, false
	}
	for i, part := range parts {
		if part == "" || len(part) > 1 && part[0] == '0' || strings.Trim(part, "0123456789") != "" {
			return v, false
		}
		n, err := strconv.ParseUint(part, 10, 64)
		if err != nil {
			return v, false
		}
		v.numbers[i] = n
	}
	return v, true
}

// isIdentifiers tells whether s is a list of identifiers of semantic versions, separated by dots.
func isIdentifiers(s string) bool {
	for id := range strings.SplitSeq(s, ".") {
		if id == "" {
			return false
		}
		for _, c := range []byte(id) {
			if c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
				return false
			}
		}
	}
	return true
}

// versionOf returns the version that a name ends with, such as 0.2.0 of wasi:io/streams@0.2.0; "" if there is none.
func versionOf(name string) string {
	_, version, _ := strings.Cut(name, "@")
	return version
}
