package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime"
)

// someOptions note in the argv0 and env of the settings what they were given.
func someOptions() []option {
	note := func(name string) func(*settings, string) error {
		return func(s *settings, value string) error {
			if value == "wrong" {
				return errors.New("it is wrong")
			}
			s.env = append(s.env, variable{name: name + "<" + value + ">"})
			return nil
		}
	}
	return []option{
		{long: "all", short: "a", set: note("all"), repeats: true},
		{long: "brief", short: "b", set: note("brief")},
		{long: "name", short: "n", value: "NAME", set: note("name"), repeats: true},
	}
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		args     string
		trailing bool
		noted    string
		operands string
		err      string
	}{
		{args: "", noted: "", operands: ""},
		{args: "--all -a x", noted: "all<> all<>", operands: "x"},
		{args: "-ab x", noted: "all<> brief<>", operands: "x"},
		{args: "-abn x y", noted: "all<> brief<> name<x>", operands: "y"},
		{args: "-nx -n=y -n z --name=w --name v --name= --name=a=b", noted: "name<x> name<y> name<z> name<w> name<v> name<> name<a=b>"},
		{args: "--name --all x", noted: "name<--all>", operands: "x"},
		{args: "x --all y", noted: "all<>", operands: "x y"},
		{args: "x --all y", trailing: true, operands: "x --all y"},
		{args: "x -- y", trailing: true, operands: "x -- y"},
		{args: "-- --all y", trailing: true, operands: "--all y"},
		{args: "x -- --all", operands: "x --all"},
		{args: "- -a", trailing: true, operands: "- -a"},
		{args: "--al", err: "unknown option '--al'; near it: --all"},
		{args: "--xyzzy", err: "unknown option '--xyzzy'"},
		{args: "-ax", err: "unknown option '-x'"},
		{args: "--all=1", err: "--all takes no value"},
		{args: "--name", err: "--name needs a value: --name NAME"},
		{args: "-an", err: "--name needs a value: --name NAME"},
		{args: "-b --brief", err: "--brief is given more than once"},
		{args: "--name=wrong", err: "--name wrong: it is wrong"},
	} {
		s := &settings{}
		operands, err := parse(someOptions(), strings.Fields(test.args), test.trailing, s)
		var noted []string
		for _, v := range s.env {
			noted = append(noted, v.name)
		}
		if test.err != "" {
			if err == nil || err.Error() != test.err {
				t.Errorf("%s: error %v, want %s", test.args, err, test.err)
			}
			continue
		}
		if err != nil || strings.Join(noted, " ") != test.noted || strings.Join(operands, " ") != test.operands {
			t.Errorf("%s: %v, %v, %v", test.args, noted, operands, err)
		}
	}
}

// TestKeys sets every key, and finds that those that are missing refuse.
func TestKeys(t *testing.T) {
	samples := map[string]string{
		formFlag: "=n", formNumber: "=1_0", formDuration: "=5ms", formPath: "=x", formPair: "=a=b", "[=VAL]": "=x",
		"=0|1|2|s": "=s", "=backtracking|single-pass": "=backtracking", "=cranelift|winch": "=winch",
	}
	for _, g := range groups() {
		for _, k := range g.keys {
			name := k.name
			if k.prefix {
				name += "-some-flag"
			}
			sample := samples[k.form]
			if k.does == missing {
				sample = "=nonsense"
			}
			if err := g.set(&settings{}, name+sample); (err != nil) != (k.does == missing) {
				t.Errorf("-%s %s: %v", g.short, name, err)
			}
		}
	}
}

func TestValues(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"2": 2 * time.Second, "2s": 2 * time.Second, "100ms": 100 * time.Millisecond, "5us": 5 * time.Microsecond,
		"5μs": 5 * time.Microsecond, "10ns": 10, "1m30s": 90 * time.Second, "0": 0,
	} {
		if d, err := (value{text: text}).duration(); err != nil || d != want {
			t.Errorf("%s: %v, %v", text, d, err)
		}
	}
	for text, want := range map[string]uint64{"0": 0, "1_000": 1000, "0xff": 255, "18446744073709551615": 1<<64 - 1} {
		if n, err := (value{text: text}).number(); err != nil || n != want {
			t.Errorf("%s: %v, %v", text, n, err)
		}
	}
	for _, text := range []string{"", "-1", "x", "1.5", "0x", "18446744073709551616"} {
		if n, err := (value{text: text}).number(); err == nil {
			t.Errorf("%s: %v", text, n)
		}
	}
	for _, text := range []string{"", "x", "-1s", "5parsecs"} {
		if d, err := (value{text: text}).duration(); err == nil {
			t.Errorf("%s: %v", text, d)
		}
	}
}

// TestProposals finds proposals of which -W all-proposals would know nothing.
func TestProposals(t *testing.T) {
	config := wasmtime.NewConfig()
	defer config.Close()
	for _, p := range proposals() {
		if k, _ := wasmGroup().find(p.name); k == nil {
			t.Errorf("-W has no %s", p.name)
		}
		p.set(config, true)
	}
}

func TestCauses(t *testing.T) {
	several := "first\n    more\n\nCaused by:\n    0: one\n           0:  0x2d - f\n    1: two\n       goes on\n    2: three\n"
	got := causes(failed(errors.New(several), "it"))
	want := []string{"it", "first\n    more", "one\n    0:  0x2d - f", "two\ngoes on", "three"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := causes(errors.New("first\n\nCaused by:\n    one\n    goes on\n")); !slices.Equal(got, []string{"first", "one\ngoes on"}) {
		t.Errorf("%q", got)
	}
}
