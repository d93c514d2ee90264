// Boundaries proves the layers of this module: cgo stays inside of ffi/, and nothing imports what is above it; and
// that the module stays readable. It needs no C compiler. Run it from the root:
//
//	go run ./ci/boundaries
//
// It reports every file outside of ffi/ that imports "C"; every package outside of ffi/ that does not type-check when
// only the Go half of ffi/ is known; every exported item of ffi/ that has a C type in it; and every platform that has
// an archive but is missing from the messages of ffi/, or the other way round; and every file outside of cmd/ that
// imports a package of another module.
//
// It also reports imports that go upwards, from the root to the packages that stand on it or from internal/ to the
// root; exported types that are aliases of internal ones; a root of more than 40 sources and a README.md of more than
// 200 lines; packages of more than 300 lines without a test; and comments that are wider than 120 columns.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	found, packages, err := check(root)
	if err != nil {
		fmt.Fprintln(os.Stderr, "boundaries:", err)
		os.Exit(2)
	}
	for _, text := range found {
		fmt.Println(text)
	}
	if len(found) > 0 {
		os.Exit(1)
	}
	fmt.Printf("boundaries: %d packages type-check without cgo, no C type leaves ffi/, only cmd/ needs other modules, and nothing imports what is above it\n", packages)
}

// check returns what is wrong with the module in a folder, and how many packages it looked at.
func check(root string) (found []string, packages int, err error) {
	root, err = filepath.Abs(root)
	if err != nil {
		return nil, 0, err
	}
	m, err := load(root)
	if err != nil {
		return nil, 0, err
	}
	found = slices.Concat(m.imports(), m.dependencies(), m.types(), m.exported(), m.platforms(),
		m.layers(), m.aliases(), m.sizes(), m.untested(), m.comments())
	slices.Sort(found)
	return found, len(m.packages), nil
}
