// Mutate shows that tests can fail: it changes a line of the module as a defect would, runs the tests that have to
// notice, and prints which changes they killed and which survived. Run it from the root, before a release:
//
//	go run ./ci/mutate                  all mutations of ci/mutate/mutations.jsonl
//	go run ./ci/mutate -only REGEXP     those whose fault or file matches
//
// Nothing in the tree changes: the go command is shown the changed file by an overlay. The tests have to pass without
// any change first. A change that does not compile, or whose old text is not in its file exactly once, is an error,
// and so is a survivor.
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
	// Test are the arguments of go test, separated by spaces.
	Test string `json:"test"`
}

// limit is how long the tests of one mutation may take. Tests that hang have noticed.
const limit = 3 * time.Minute

func main() {
	only := flag.String("only", "", "a regular expression for the fault or the file of the mutations to try")
	list := flag.String("list", "ci/mutate/mutations.jsonl", "the file with the mutations, one JSON object a line")
	flag.Parse()
	if err := run(*list, *only); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

// run tries the mutations of a file that match.
func run(list, only string) error {
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
	killed, survived, wrong, passing := 0, 0, 0, map[string]error{}
	for _, m := range all {
		if !matches.MatchString(m.Fault) && !matches.MatchString(m.File) {
			continue
		}
		if _, known := passing[m.Test]; !known {
			passing[m.Test] = test(m.Test, "")
		}
		outcome, err := "", error(nil)
		if err = passing[m.Test]; err != nil {
			err = fmt.Errorf("the tests fail without it: %w", err)
		} else {
			outcome, err = try(m)
		}
		switch {
		case err != nil:
			wrong++
			outcome = err.Error()
		case outcome == "killed":
			killed++
		default:
			survived++
		}
		fmt.Printf("%s: %s: %s\n", m.File, m.Fault, outcome)
	}
	fmt.Printf("%d killed, %d survived, %d could not be tried\n", killed, survived, wrong)
	if survived+wrong > 0 || killed == 0 {
		return errors.New("not all mutations were killed")
	}
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
		if m.Fault == "" || m.File == "" || m.Old == "" || m.Test == "" || m.Old == m.New {
			return nil, fmt.Errorf("line %d says too little, or changes nothing", i+1)
		}
		all = append(all, m)
	}
	return all, nil
}

// try makes a change and tells what its tests make of it.
func try(m mutation) (outcome string, err error) {
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
	// Vet is off: what a defect leaves unused is no reason not to try it.
	if err := test(m.Test+" -vet=off -run=^$", overlay); err != nil {
		return "", fmt.Errorf("does not compile: %w", err)
	}
	if test(m.Test+" -vet=off", overlay) == nil {
		return "SURVIVED", nil
	}
	return "killed", nil
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

// test runs go test, with an overlay if there is one. The error has the end of what it printed.
func test(args, overlay string) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	command := []string{"test", "-timeout", (limit - 10*time.Second).String()}
	if overlay != "" {
		command = append(command, "-overlay", overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(command, strings.Fields(args)...)...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(cmd.Args[1:], " "), err, out[max(0, len(out)-2000):])
	}
	return nil
}
