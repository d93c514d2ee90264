// Apidiff compares the public API of wasmtime-go with that of this module.
//
// Every exported constant, variable, function, type, field and method of
// wasmtime-go must exist here with the same signature, the same underlying type and,
// for constants, the same value. What is left out on purpose is in allow.txt, with
// the reason; an entry there that matches nothing is an error too.
//
//	go run ./apidiff       fails on what is missing, different, or listed in vain
//	go run ./apidiff -v    also prints, as Markdown, what this module adds
//
// Both packages are read from source and type-checked without a C compiler: what
// they take from C is resolved from the headers (see cheaders.go).
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gowasmtime/wasmtime/ci/compat/internal/workspace"
)

func main() {
	verbose := flag.Bool("v", false, "print what this module adds")
	peer := flag.String("peer", "", "directory of wasmtime-go (default: from the module cache)")
	ours := flag.String("ours", "", "directory of the package to compare (default: this module)")
	allow := flag.String("allow", "", "list of what is left out (default: allow.txt beside this program)")
	flag.Parse()
	ok, err := run(*peer, *ours, *allow, *verbose)
	if err != nil {
		fmt.Fprintln(os.Stderr, "apidiff:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

func run(peerDir, oursDir, allowFile string, verbose bool) (bool, error) {
	var err error
	if peerDir == "" {
		if peerDir, err = workspace.PeerDir(); err != nil {
			return false, err
		}
	}
	if oursDir == "" {
		if oursDir, err = workspace.Root(); err != nil {
			return false, err
		}
	}
	if allowFile == "" {
		compat, err := workspace.Compat()
		if err != nil {
			return false, err
		}
		allowFile = filepath.Join(compat, "apidiff", "allow.txt")
	}
	then, err := surfaceOf(peerDir, filepath.Join(peerDir, "build", "include"))
	if err != nil {
		return false, err
	}
	now, err := surfaceOf(oursDir, filepath.Join(oursDir, "include"), filepath.Join(oursDir, "build", "include"))
	if err != nil {
		return false, err
	}
	allowed, err := readAllowList(allowFile)
	if err != nil {
		return false, err
	}
	result := compare(then, now, allowed)
	result.print(os.Stdout)
	if verbose {
		printAdditions(os.Stdout, then, now)
	}
	return result.ok(), nil
}

func surfaceOf(dir string, headers ...string) (surface, error) {
	pkg, err := load(dir, headers)
	if err != nil {
		return nil, err
	}
	return list(pkg), nil
}
