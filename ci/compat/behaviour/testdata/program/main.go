// The program of the behaviour tests. It is written for wasmtime-go v44 and is
// built twice: as it stands, and with nothing but its import path changed.
//
//	program list       prints the names of all cases
//	program run NAME   runs one case and prints what it saw, one fact a line
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

// A report collects what a case saw.
type report struct {
	clean *strings.Replacer
}

// say prints one fact: a key that is unique in the case, and a value.
func (r *report) say(key string, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Printf("%s = %q\n", strings.ReplaceAll(key, "\n", "\\n"), r.clean.Replace(text))
}

// err reports an error with its type, and all that can be asked of it.
func (r *report) err(key string, err error) { r.say(key, "%s", describeErr(err)) }

// panics reports what f panics with.
func (r *report) panics(key string, f func()) { r.say(key, "%s", panicOf(f)) }

// call reports the outcome of a call: a panic, an error, or a result.
func (r *report) call(key string, store wasmtime.Storelike, f *wasmtime.Func, args ...any) {
	var text string
	panicked := panicOf(func() {
		result, err := f.Call(store, args...)
		text = "result " + describe(result)
		if err != nil {
			text += ", " + describeErr(err)
		}
	})
	if text == "" {
		text = panicked
	}
	r.say(key, "%s", text)
}

var cases = map[string]func(*report){}

func main() {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "list":
		fmt.Println(strings.Join(sortedKeys(cases), "\n"))
	case len(os.Args) == 3 && os.Args[1] == "run" && cases[os.Args[2]] != nil:
		dir, err := os.MkdirTemp("", "case")
		if err != nil {
			panic(err)
		}
		if err := os.Chdir(dir); err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		cases[os.Args[2]](&report{clean: strings.NewReplacer(dir, "$DIR")})
		fmt.Println("end")
	default:
		fmt.Fprintln(os.Stderr, "usage: program list | program run NAME")
		os.Exit(2)
	}
}
