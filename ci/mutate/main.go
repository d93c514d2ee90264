// Mutate shows that tests can fail: it changes a line of the module as a defect would, runs the tests that have to
// notice, and prints which changes they killed and which survived. Run it from the root, before a release:
//
//	go run ./ci/mutate                  all mutations of Go code in ci/mutate/mutations.jsonl
//	go run ./ci/mutate -rust            all mutations of the native library's own code, in Rust: a minute for each
//	go run ./ci/mutate -only REGEXP     those whose fault or file matches
//
// Nothing in the tree changes: the go command is shown the changed file by an overlay, and cargo works on a copy of
// rust/ in dist/mutate. The tests have to pass without any change first. A change that does not compile, or whose old
// text is not in its file exactly once, is an error, and so is a survivor.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// mutation is one change, and the tests that have to notice it.
type mutation struct {
	// Fault is the defect that the change brings, in a few words.
	Fault string `json:"fault"`
	// File is the changed file, relative to the root.
	File string `json:"file"`
	// Old is replaced with New. It is in the file once.
	Old string `json:"old"`
	New string `json:"new"`
	// Test are the arguments of go test, separated by spaces. A mutation of the native library is tried with a
	// development build of it.
	Test string `json:"test,omitempty"`
	// Cargo are the arguments of cargo test, in place of Test.
	Cargo string `json:"cargo,omitempty"`
}

// inRust tells whether the native library is changed, and not the module.
func (m mutation) inRust() bool { return strings.HasSuffix(m.File, ".rs") }

// limit is how long the tests of one mutation may take. Tests that hang have noticed.
const limit = 3 * time.Minute

func main() {
	only := flag.String("only", "", "a regular expression for the fault or the file of the mutations to try")
	list := flag.String("list", "ci/mutate/mutations.jsonl", "the file with the mutations, one JSON object a line")
	rust := flag.Bool("rust", false, "try the mutations of the native library in place of those of Go code")
	flag.Parse()
	if err := run(*list, *only, *rust); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

// tester tries mutations of one language.
type tester interface {
	// passes is nil if the tests of a mutation pass without it.
	passes(m mutation) error
	// try makes the change and tells what notices it; nothing if it survives.
	try(m mutation) (killer string, err error)
}

// run tries the mutations of a file that match, of the native library or of Go code.
func run(list, only string, rust bool) error {
	matches, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	all, err := parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", list, err)
	}
	var with tester = goTester{}
	if rust {
		if with, err = newCargo("rust", filepath.Join("dist", "mutate")); err != nil {
			return err
		}
	}
	killed, survived, wrong, passing := 0, 0, 0, map[string]error{}
	for _, m := range all {
		if m.inRust() != rust || !matches.MatchString(m.Fault) && !matches.MatchString(m.File) {
			continue
		}
		tests := m.Test + m.Cargo
		if _, known := passing[tests]; !known {
			passing[tests] = with.passes(m)
		}
		killer, err := "", error(nil)
		if err = passing[tests]; err != nil {
			err = fmt.Errorf("the tests fail without it: %w", err)
		} else {
			killer, err = with.try(m)
		}
		outcome := "killed by " + killer
		switch {
		case err != nil:
			wrong++
			outcome = err.Error()
		case killer != "":
			killed++
		default:
			survived++
			outcome = "SURVIVED"
		}
		fmt.Printf("%s: %s: %s\n", m.File, m.Fault, outcome)
	}
	sum := fmt.Sprintf("%d killed, %d survived, %d could not be tried", killed, survived, wrong)
	if survived+wrong > 0 || killed == 0 {
		return errors.New("not all mutations were killed: " + sum)
	}
	fmt.Println(sum)
	return nil
}

// parse reads mutations, one a line.
func parse(text []byte) (all []mutation, err error) {
	for i, line := range bytes.Split(text, []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var m mutation
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&m); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		if m.Fault == "" || m.File == "" || m.Old == "" || m.Test+m.Cargo == "" || m.Old == m.New {
			return nil, fmt.Errorf("line %d says too little, or changes nothing", i+1)
		}
		if m.Cargo != "" && (m.Test != "" || !m.inRust()) {
			return nil, fmt.Errorf("line %d: cargo is for a change of Rust code, in place of test", i+1)
		}
		all = append(all, m)
	}
	return all, nil
}

// goTester tries mutations of Go code.
type goTester struct{}

func (goTester) passes(m mutation) error { return goTest(m.Test, nil) }

func (goTester) try(m mutation) (killer string, err error) {
	source, err := os.ReadFile(m.File)
	if err != nil {
		return "", err
	}
	changed, err := m.apply(string(source))
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	overlay, err := writeOverlay(dir, m.File, changed)
	if err != nil {
		return "", err
	}
	// A variable reaches the go commands of the tests as well. Vet is off: what a defect leaves unused is no reason not
	// to try it.
	err = goTest(m.Test, []string{"GOFLAGS=" + os.Getenv("GOFLAGS") + " -overlay=" + overlay}, "-vet=off")
	if err != nil && strings.Contains(err.Error(), " [build failed]\n") {
		return "", fmt.Errorf("does not compile: %w", err)
	}
	return killerOf(err), nil
}

// apply changes the source.
func (m mutation) apply(source string) (string, error) {
	if n := strings.Count(source, m.Old); n != 1 {
		return "", fmt.Errorf("%q is in it %d times, not once", m.Old, n)
	}
	return strings.Replace(source, m.Old, m.New, 1), nil
}

// writeOverlay writes the changed file, and what shows it to the go command in place of the file itself.
func writeOverlay(dir, file, changed string) (path string, err error) {
	replacement := filepath.Join(dir, filepath.Base(file))
	if err := os.WriteFile(replacement, []byte(changed), 0o600); err != nil {
		return "", err
	}
	original, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{original: replacement}})
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, text, 0o600)
}

// goTest runs go test, with variables added to the environment. args are separated by spaces.
func goTest(args string, env []string, more ...string) error {
	// What the go command has kept of an earlier run knows nothing of programs that the tests build, nor of libraries.
	command := append([]string{"test", "-count=1", "-timeout", (limit - 10*time.Second).String()}, more...)
	return start("", env, limit, "go", append(command, strings.Fields(args)...)...)
}

// failure is what a command ended with, and what it printed.
type failure struct {
	command string
	err     error
	out     []byte
}

// Error has the end of what the command printed.
func (f *failure) Error() string {
	return fmt.Sprintf("%s: %v\n%s", f.command, f.err, f.out[max(0, len(f.out)-2000):])
}

// start runs a command in a folder, with variables added to the environment. The error is a failure.
func start(dir string, env []string, limit time.Duration, name string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, append(os.Environ(), env...), time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return &failure{name + " " + strings.Join(args, " "), err, out}
	}
	return nil
}

// first is what Go and cargo say of the first test that fails, and of one that hangs or ends the process.
var first = regexp.MustCompile(`(?m)^ *--- FAIL: (\S+)|^test (\S+) \.\.\. FAILED|^(panic: test timed out|fatal error: .*|SIG\w+: .*)`)

// killerOf tells which test made a command fail; nothing if it did not.
func killerOf(err error) string {
	if err == nil {
		return ""
	}
	if f, ok := errors.AsType[*failure](err); ok {
		if found := first.FindSubmatch(f.out); found != nil {
			return string(bytes.Join(found[1:], nil))
		}
	}
	return "the end of the process"
}
