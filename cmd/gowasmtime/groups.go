package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gowasmtime/wasmtime"
)

// group is an option that holds many: -W KEY=VALUE,KEY,….
type group struct {
	short, long, help string
	keys              []key
}

// key is one of a group's options.
type key struct {
	name string
	// form is how a value is written, from the equals sign on.
	form string
	help string
	// prefix says that the key goes on after name and a hyphen, as in cranelift-KEY.
	prefix bool
	does   does
	set    func(s *settings, v value) error
}

// does is what a key brings about here.
type does int

// What keys bring about.
const (
	// works: as in wasmtime.
	works does = iota
	// ignored: wasmtime has it for what is not here; there is nothing to be done.
	ignored
	// missing: wasmtime has it, and it cannot be done here.
	missing
)

// value is what is written for a key. rest is what follows the prefix.
type value struct {
	text  string
	given bool
	rest  string
}

// option returns the group as an option.
func (g group) option() option {
	return option{
		long: g.long, short: g.short, value: "KEY[=VAL[,...]]", repeats: true,
		help: fmt.Sprintf("%s; -%s help lists the keys", g.help, g.short),
		set:  g.set,
	}
}

// set reads a list of keys.
func (g group) set(s *settings, list string) error {
	if list == "help" || list == "help-long" {
		return &helpRequest{g.listing()}
	}
	for item := range strings.SplitSeq(list, ",") {
		name, text, given := strings.Cut(item, "=")
		k, rest := g.find(name)
		if name == "" {
			return usageErrorf("-%s '%s': a key is missing; -%s help lists them", g.short, list, g.short)
		}
		if k == nil {
			return usageErrorf("-%s has no key '%s'%s; -%s help lists them", g.short, name, suggest(name, g.names()), g.short)
		}
		if err := k.set(s, value{text, given, rest}); err != nil {
			return usageErrorf("-%s %s: %v", g.short, item, err)
		}
	}
	return nil
}

// find returns a key, and what follows its prefix; nil if there is none.
func (g group) find(name string) (k *key, rest string) {
	for i := range g.keys {
		k := &g.keys[i]
		if k.prefix {
			if rest, ok := strings.CutPrefix(name, k.name+"-"); ok {
				return k, rest
			}
		} else if k.name == name {
			return k, ""
		}
	}
	return nil, ""
}

// names returns the names of all keys.
func (g group) names() (names []string) {
	for _, k := range g.keys {
		names = append(names, k.name)
	}
	return names
}

// The forms of values.
const (
	formFlag     = "[=y|n]"
	formNumber   = "=N"
	formDuration = "=N|Ns|Nms|.."
	formPath     = "=FILE"
	formPair     = "=NAME=VALUE"
)

// flag is a key that is on or off.
func flag(name, help string, set func(*settings, bool)) key {
	return key{name: name, form: formFlag, help: help, set: func(s *settings, v value) error {
		on, err := v.flag()
		if err == nil {
			set(s, on)
		}
		return err
	}}
}

// number is a key with a number.
func number(name, help string, set func(*settings, uint64)) key {
	return key{name: name, form: formNumber, help: help, set: func(s *settings, v value) error {
		n, err := v.number()
		if err == nil {
			set(s, n)
		}
		return err
	}}
}

// choice is a key whose value is one of a few words.
func choice[T any](name, help string, set func(*settings, T), words string, of map[string]T) key {
	return key{name: name, form: "=" + words, help: help, set: func(s *settings, v value) error {
		chosen, ok := of[v.text]
		if !ok {
			return fmt.Errorf("the value has to be one of %s", strings.ReplaceAll(words, "|", ", "))
		}
		set(s, chosen)
		return nil
	}}
}

// pair is a key whose value is a name with a value of its own, and that may be given more than once. A name by itself
// has the empty value.
func pair(name, help string, to func(*settings) *[]nameValue) key {
	return key{name: name, form: formPair, help: help, set: func(s *settings, v value) error {
		if !v.given {
			return errors.New("the value has to be NAME=VALUE")
		}
		name, text, _ := strings.Cut(v.text, "=")
		list := to(s)
		*list = append(*list, nameValue{name, text})
		return nil
	}}
}

// engineFlag is a flag that changes the engine's configuration.
func engineFlag(name, help string, set func(*wasmtime.Config, bool)) key {
	return flag(name, help, func(s *settings, on bool) {
		s.configure(name, func(c *wasmtime.Config) error { set(c, on); return nil })
	})
}

// engineNumber is a number that changes the engine's configuration.
func engineNumber(name, help string, set func(*wasmtime.Config, uint64)) key {
	return number(name, help, func(s *settings, n uint64) {
		s.configure(name, func(c *wasmtime.Config) error { set(c, n); return nil })
	})
}

// ignoredKeys are keys of wasmtime that have no effect on what can be run here, or none any more.
func ignoredKeys(names ...string) (keys []key) {
	for _, name := range names {
		keys = append(keys, key{name: name, does: ignored, set: func(*settings, value) error { return nil }})
	}
	return keys
}

// missingKeys are keys of wasmtime that cannot be done here. NAME=VALUE is one that always is as VALUE says, so that
// this value is accepted.
func missingKeys(names ...string) []key {
	return missingKeysBecause("wasmtime has this, gowasmtime does not", names...)
}

// missingKeysBecause is missingKeys with a reason.
func missingKeysBecause(reason string, names ...string) (keys []key) {
	for _, name := range names {
		name, always, _ := strings.Cut(name, "=")
		keys = append(keys, key{name: name, does: missing, set: func(_ *settings, v value) error {
			if always != "" && v.is(always) {
				return nil
			}
			return errors.New(reason)
		}})
	}
	return keys
}

// flag reads y or n; nothing is y.
func (v value) flag() (bool, error) {
	switch {
	case !v.given, v.text == "y", v.text == "yes", v.text == "true":
		return true, nil
	case v.text == "n", v.text == "no", v.text == "false":
		return false, nil
	}
	return false, errors.New("the value has to be y or n")
}

// is tells whether the value means the same as another.
func (v value) is(other string) bool {
	on, err := v.flag()
	want, wrong := value{text: other, given: true}.flag()
	if err == nil && wrong == nil {
		return on == want
	}
	return v.text == other
}

// number reads a decimal or, after 0x, hexadecimal number; underscores are for the reader.
func (v value) number() (uint64, error) {
	digits, base := strings.ReplaceAll(v.text, "_", ""), 10
	if hex, ok := strings.CutPrefix(digits, "0x"); ok {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 64)
	if err != nil {
		return 0, errors.New("the value has to be a number")
	}
	return n, nil
}

// duration reads a number of seconds, or one with a unit.
func (v value) duration() (time.Duration, error) {
	text := v.text
	if _, err := strconv.ParseUint(text, 10, 64); err == nil {
		text += "s"
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, errors.New("the value has to be a duration: 2 or 2s, 100ms, 5us, 10ns")
	}
	return d, nil
}
