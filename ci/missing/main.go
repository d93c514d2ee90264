// Command missing tells which functions of a header a build of the native library lacks. It reads archives and shared
// libraries of every platform, on every platform.
//
//	go run ./ci/missing LIBRARY HEADER
//
// It prints a function a line; nothing if the library has all.
package main

import (
	"fmt"
	"log"
	"maps"
	"os"
	"regexp"
	"slices"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("missing: ")
	if len(os.Args) != 3 {
		log.Fatal("usage: go run ./ci/missing LIBRARY HEADER")
	}
	library, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	header, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	functions, err := missing(library, header)
	if err != nil {
		log.Fatalf("%s: %v", os.Args[1], err)
	}
	for _, function := range functions {
		fmt.Println(function)
	}
}

func missing(library, header []byte) ([]string, error) {
	shown, err := shown(library)
	if err != nil {
		return nil, err
	}
	declared := declared(header)
	if len(declared) == 0 {
		return nil, fmt.Errorf("the header declares no function")
	}
	maps.DeleteFunc(declared, func(name string, _ bool) bool { return shown[name] })
	return slices.Sorted(maps.Keys(declared)), nil
}

var (
	comment  = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*`)
	function = regexp.MustCompile(`\b(wasmtime_\w+)\(`)
)

// declared finds the functions in a header. The types of functions are no functions: their names are in parentheses.
func declared(header []byte) map[string]bool {
	names := map[string]bool{}
	for _, match := range function.FindAllSubmatch(comment.ReplaceAll(header, nil), -1) {
		names[string(match[1])] = true
	}
	return names
}
