package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// A figure is what one benchmark reported once.
type figure struct {
	ns     float64
	allocs float64 // -1 when it did not say
}

// binaries are the built programs, by peer; "" for one that is left out.
type binaries [peers]string

// packages are the folders of the programs.
var packages = [peers]string{"ours", "rustfloor", "cgofloor", "wasmtimego", "wazero", "wazy"}

// build makes the program of each peer that is not left out, in dir. It runs in the folder of the bench module.
func build(dir string, without map[string]bool) (binaries, error) {
	var bins binaries
	for p, name := range packages {
		if without[name] {
			continue
		}
		fmt.Fprintln(os.Stderr, "building", name)
		cmd := exec.Command("go", "test", "-c", "-o", filepath.Join(dir, name+".test"), "./"+name)
		bins[p] = filepath.Join(dir, name+".test")
		if peer(p) == rust {
			target := os.Getenv("CARGO_TARGET_DIR")
			if target == "" {
				target = filepath.Join("rustfloor", "target")
			}
			target, err := filepath.Abs(target)
			if err != nil {
				return bins, err
			}
			cmd = exec.Command("cargo", "build", "--release", "--locked", "--manifest-path", "rustfloor/Cargo.toml")
			cmd.Env = append(os.Environ(), "CARGO_TARGET_DIR="+target)
			bins[p] = filepath.Join(target, "release", "rustfloor")
		}
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			return bins, fmt.Errorf("building %s: %w", name, err)
		}
	}
	return bins, nil
}

// measure runs one benchmark of one peer for the given time, in a process of its own.
func (bins binaries) measure(p peer, name, time string) (figure, error) {
	args := append(strings.Fields(*under), bins[p])
	if p == rust {
		args = append(args, name, time)
	} else {
		pattern := "^Benchmark" + strings.ReplaceAll(name, "/", "$/^") + "$"
		args = append(args, "-test.run=^$", "-test.bench="+pattern, "-test.benchtime="+time)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return figure{}, fmt.Errorf("%s of %s: %w\n%s%s", name, p.title(), err, out, &stderr)
	}
	f, err := parse(string(out), name)
	if err != nil {
		return figure{}, fmt.Errorf("%s of %s: %w\n%s", name, p.title(), err, out)
	}
	return f, nil
}

var processors = regexp.MustCompile(`-\d+$`)

// parse finds the line of a benchmark in what go test -bench prints.
func parse(out, name string) (figure, error) {
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) < 4 || processors.ReplaceAllString(fields[0], "") != "Benchmark"+name {
			continue
		}
		f := figure{allocs: -1}
		for i := 2; i+1 < len(fields); i += 2 {
			v, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return f, err
			}
			switch fields[i+1] {
			case "ns/op":
				f.ns = v
			case "allocs/op":
				f.allocs = v
			}
		}
		if f.ns > 0 {
			return f, nil
		}
	}
	return figure{}, fmt.Errorf("printed no figure")
}
