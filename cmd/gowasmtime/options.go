package main

import (
	"fmt"
	"strings"
)

// option is one option: how it is written, what it is for, and what it does to the settings.
type option struct {
	long  string
	short string // one letter, or ""
	// value is what help calls the value; "" is a switch, which has none.
	value string
	help  string
	// repeats says that the option may be given more than once.
	repeats bool
	// missing says that wasmtime has the option, and this command does not.
	missing bool
	set     func(s *settings, value string) error
}

// String returns the option as one writes it.
func (o *option) String() string { return "--" + o.long }

// parse reads arguments by a table of options. It returns those that are no options. If trailing, everything after
// the first of these belongs to them, also what looks like an option; otherwise only what follows "--" does.
func parse(options []option, args []string, trailing bool, s *settings) (operands []string, err error) {
	p := parser{options: options, args: args, settings: s, seen: map[string]bool{}}
	for len(p.args) > 0 {
		arg := p.next()
		switch {
		case arg == "--":
			return append(operands, p.args...), nil
		case strings.HasPrefix(arg, "--"):
			err = p.long(arg[2:])
		case len(arg) > 1 && arg[0] == '-':
			err = p.short(arg[1:])
		case trailing:
			return append([]string{arg}, p.args...), nil
		default:
			operands = append(operands, arg)
		}
		if err != nil {
			return nil, err
		}
	}
	return operands, nil
}

// parser is the state of parse.
type parser struct {
	options  []option
	args     []string
	settings *settings
	seen     map[string]bool
}

// next takes the next argument.
func (p *parser) next() string {
	arg := p.args[0]
	p.args = p.args[1:]
	return arg
}

// long reads NAME, NAME=VALUE, or NAME and the value from the next argument.
func (p *parser) long(arg string) error {
	name, value, given := strings.Cut(arg, "=")
	for i := range p.options {
		if o := &p.options[i]; o.long == name {
			return p.found(o, value, given)
		}
	}
	var names []string
	for _, o := range p.options {
		names = append(names, "--"+o.long)
	}
	return usageErrorf("unknown option '--%s'%s", name, suggest("--"+name, names))
}

// short reads what follows a single hyphen: switches, and at last perhaps an option with a value, which is joined,
// follows an equals sign, or is the next argument.
func (p *parser) short(letters string) error {
	for letters != "" {
		letter := letters[:1]
		letters = letters[1:]
		o := p.byLetter(letter)
		switch {
		case o == nil:
			return usageErrorf("unknown option '-%s'%s", letter, p.oneHyphen(letter+letters))
		case o.value != "":
			value, _ := strings.CutPrefix(letters, "=")
			return p.found(o, value, letters != "")
		}
		if err := p.found(o, "", false); err != nil {
			return err
		}
	}
	return nil
}

// oneHyphen returns the end of a sentence about the first letter of an option that would be a long one with another
// hyphen; "" if it would not.
func (p *parser) oneHyphen(written string) string {
	name, _, _ := strings.Cut(written, "=")
	for _, o := range p.options {
		if o.long == name {
			return fmt.Sprintf("; '--%s' has two hyphens", name)
		}
	}
	return ""
}

// byLetter finds an option; nil if there is none.
func (p *parser) byLetter(letter string) *option {
	for i := range p.options {
		if p.options[i].short == letter {
			return &p.options[i]
		}
	}
	return nil
}

// found takes an option, with the next argument as its value if it needs one and has none.
func (p *parser) found(o *option, value string, given bool) error {
	switch {
	case o.value == "" && given:
		return usageErrorf("%v takes no value", o)
	case o.value != "" && !given && len(p.args) == 0:
		return usageErrorf("%v needs a value: %v %s", o, o, o.value)
	case o.value != "" && !given:
		value = p.next()
	}
	if p.seen[o.long] && !o.repeats {
		return usageErrorf("%v is given more than once", o)
	}
	p.seen[o.long] = true
	err := o.set(p.settings, value)
	switch err.(type) {
	case nil, *helpRequest, *usageError:
		return err
	}
	return usageErrorf("%v %s: %v", o, value, err)
}

// usageError says that the arguments are wrong.
type usageError struct{ text string }

// Error returns the text.
func (e *usageError) Error() string { return e.text }

// usageErrorf makes a usageError.
func usageErrorf(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}
