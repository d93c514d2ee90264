package main

import (
	"fmt"
	"go/types"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// upper are the packages that stand on the root. It must not know them.
var upper = []string{"component", "wit", "minimal"}

// layers reports imports that go upwards.
//
// The root must not reach the packages above it, by whatever way. Nothing below internal/ imports the root, but for
// the helpers of tests: those import testing, and then only tests may import them.
func (m *module) layers() (found []string) {
	// By whom each package is imported that the root reaches, for the message.
	importer := map[string]string{}
	for todo := []string{m.path}; len(todo) > 0; todo = todo[1:] {
		for _, path := range m.importsOf(todo[0]) {
			if _, known := importer[path]; !known && path != m.path {
				importer[path] = todo[0]
				todo = append(todo, path)
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(importer)) {
		if slices.ContainsFunc(upper, func(dir string) bool { return m.isBelow(path, dir) }) {
			found = append(found, fmt.Sprintf("%s: imports %s, which is above the root", m.dir(importer[path]), m.dir(path)))
		}
	}

	for _, path := range m.packages {
		imports := m.importsOf(path)
		helper := m.isTestHelper(path)
		if m.isBelow(path, "internal") && slices.Contains(imports, m.path) && !helper {
			found = append(found, m.dir(path)+": imports the root; below internal/ only helpers of tests may, which import testing")
		}
		for _, imported := range imports {
			if !helper && m.isTestHelper(imported) {
				found = append(found, fmt.Sprintf("%s: imports %s, which is for tests", m.dir(path), m.dir(imported)))
			}
		}
	}
	return found
}

// importsOf returns what the files of a package import, without its tests.
func (m *module) importsOf(path string) (paths []string) {
	for _, file := range m.files[path] {
		for _, spec := range file.Imports {
			if imported, err := strconv.Unquote(spec.Path.Value); err == nil {
				paths = append(paths, imported)
			}
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

func (m *module) isTestHelper(path string) bool {
	return m.isBelow(path, "internal") && slices.Contains(m.importsOf(path), "testing")
}

// isBelow tells whether a package is in a folder of the root, or further down.
func (m *module) isBelow(path, dir string) bool {
	return strings.HasPrefix(path+"/", m.path+"/"+dir+"/")
}

// dir is how messages name a package: by its folder.
func (m *module) dir(path string) string {
	if path == m.path {
		return "."
	}
	return strings.TrimPrefix(path, m.path+"/")
}

// aliases reports exported types of public packages that are aliases of types in packages which are not: their
// methods would be in no documentation.
func (m *module) aliases() (found []string) {
	for _, path := range m.packages {
		pkg := m.checked[path]
		if pkg == nil || m.isHidden(path) {
			continue
		}
		for _, name := range pkg.Scope().Names() {
			obj, ok := pkg.Scope().Lookup(name).(*types.TypeName)
			if !ok || !obj.Exported() || !obj.IsAlias() {
				continue
			}
			named, ok := types.Unalias(obj.Type()).(*types.Named)
			if ok && named.Obj().Pkg() != nil && m.isHidden(named.Obj().Pkg().Path()) {
				found = append(found, fmt.Sprintf("%s: %s is an alias of %s.%s, which hides its documentation",
					m.dir(path), name, m.dir(named.Obj().Pkg().Path()), named.Obj().Name()))
			}
		}
	}
	return found
}

// isHidden tells whether users do not look into a package of the module.
func (m *module) isHidden(path string) bool {
	return path == m.ffi() || strings.HasPrefix(path, m.path+"/") && strings.Contains(path+"/", "/internal/")
}
