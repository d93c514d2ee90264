package main

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/gowasmtime/wasmtime"
)

// The exit statuses that are not the guest's.
const (
	statusError = 1
	statusUsage = 2
	// statusTrap is 128 + SIGABRT.
	statusTrap = 134
)

// failure says what could not be done, and why.
type failure struct {
	what  string
	cause error
}

// failed wraps a cause; nil stays nil.
func failed(cause error, format string, args ...any) error {
	if cause == nil {
		return nil
	}
	return &failure{fmt.Sprintf(format, args...), cause}
}

// Error returns both on one line.
func (f *failure) Error() string { return f.what + ": " + f.cause.Error() }

// Unwrap returns the cause.
func (f *failure) Unwrap() error { return f.cause }

// errTimeout says that the guest had no time left to run at all.
var errTimeout = errors.New("wasm trap: interrupt")

// report prints an error and returns the exit status that goes with it. The guest's own exit is no error to print.
func report(stderr io.Writer, err error) int {
	var exit *wasmtime.ExitError
	var wrong *usageError
	var trap *wasmtime.Trap
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && uint32(exit.Status) < 126:
		return int(exit.Status)
	case exit != nil: // as wasmtime has it, because a shell takes those for its own
		text := fmt.Sprint("Exited with i32 exit status ", exit.Status)
		io.WriteString(stderr, paint(stderr, strings.Replace(explain(err), text, "exit with invalid exit status outside of [0..126)", 1)))
		return statusError
	case errors.As(err, &wrong):
		io.WriteString(stderr, paint(stderr, fmt.Sprintf("error: %v\n", err)))
		return statusUsage
	}
	io.WriteString(stderr, paint(stderr, explain(err)))
	if errors.As(err, &trap) || errors.Is(err, errTimeout) {
		return statusTrap
	}
	return statusError
}

// explain is the text of an error as wasmtime writes it: what failed, and a list of the causes.
func explain(err error) string {
	texts := causes(err)
	var b strings.Builder
	fmt.Fprintf(&b, "Error: %s\n", texts[0])
	texts = texts[1:]
	if len(texts) > 0 {
		b.WriteString("\nCaused by:\n")
	}
	for i, text := range texts {
		if len(texts) == 1 {
			b.WriteString("    " + indent(text, 4) + "\n")
		} else {
			fmt.Fprintf(&b, "%5d: %s\n", i, indent(text, 7))
		}
	}
	return b.String()
}

// indent moves all lines but the first and empty ones.
func indent(text string, by int) string {
	first, rest, more := strings.Cut(text, "\n")
	for more {
		var line string
		line, rest, more = strings.Cut(rest, "\n")
		if line != "" {
			line = strings.Repeat(" ", by) + line
		}
		first += "\n" + line
	}
	return first
}

// causes takes an error apart, also the text of one that comes from the native library and has a list of causes in it.
func causes(err error) []string {
	if f, ok := err.(*failure); ok {
		return append([]string{f.what}, causes(f.cause)...)
	}
	first, list, _ := strings.Cut(strings.TrimRight(err.Error(), "\n"), "\n\nCaused by:\n")
	return append([]string{first}, listed(list)...)
}

// numbered is how a list of several causes counts them.
var numbered = regexp.MustCompile(`^ {0,4}\d+: `)

// listed takes a list of causes apart: one, indented by 4, or several with numbers, indented by 7.
func listed(list string) (texts []string) {
	if list == "" {
		return nil
	}
	lines := strings.Split(list, "\n")
	margin := 4
	if numbered.MatchString(lines[0]) {
		margin = 7
	}
	for i, line := range lines {
		if i == 0 || margin == 7 && numbered.MatchString(line) && strings.HasPrefix(line, fmt.Sprintf("%5d: ", len(texts))) {
			texts = append(texts, line[min(margin, len(line)):])
			continue
		}
		for range margin {
			line = strings.TrimPrefix(line, " ")
		}
		texts[len(texts)-1] += "\n" + line
	}
	return texts
}
