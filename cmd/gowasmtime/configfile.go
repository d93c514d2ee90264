package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// What a configuration file may be. All keys that there are take some kilobytes, in one level of tables.
const (
	maxConfigSize  = 1 << 18
	maxConfigDepth = 16
)

// readConfig changes the settings as a file in TOML says: a table for each group of options, named like its long
// option, with the group's keys. A key has the type of its value: a boolean, an integer, a string, or an array of
// these for a key that a command line may repeat.
func readConfig(s *settings, path string) error {
	text, err := readConfigText(path)
	if err != nil {
		return failed(reason(err), "failed to read config file: %q", path)
	}
	return failed(applyConfig(s, text), "failed to parse TOML config file %q", path)
}

// readConfigText reads a file, of whatever kind, up to the size that it may have.
func readConfigText(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return "", err
	} else if info.IsDir() {
		return "", syscall.EISDIR // which not all systems say of reading one
	}
	text, err := io.ReadAll(io.LimitReader(f, maxConfigSize+1))
	if err == nil && len(text) > maxConfigSize {
		err = fmt.Errorf("it has more than %d bytes", maxConfigSize)
	}
	return string(text), err
}

// applyConfig changes the settings as a text says, key by key in its order. An error names the line.
func applyConfig(s *settings, text string) error {
	if err := checkConfig(text); err != nil {
		return err
	}
	var tables map[string]any
	file, err := toml.Decode(text, &tables)
	var wrong toml.ParseError
	if errors.As(err, &wrong) {
		return fmt.Errorf("line %d: %s", wrong.Position.Line, shortened(wrong.Message))
	} else if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, path := range file.Keys() {
		name := path[:min(len(path), 2)] // what is further down is part of a value
		if seen[name.String()] {
			continue
		}
		seen[name.String()] = true
		if err := setFromFile(s, tables, name); err != nil {
			return fmt.Errorf("line %d: %w", lineOf(text, path), err)
		}
	}
	return nil
}

// lineOf finds the line of a key, which the TOML package tells only in an error.
func lineOf(text string, path toml.Key) int {
	var tables map[string]toml.Primitive
	file, err := toml.Decode(text, &tables)
	for _, name := range path[:len(path)-1] {
		var table map[string]toml.Primitive
		err = errors.Join(err, file.PrimitiveDecode(tables[name], &table))
		tables = table
	}
	var nothing refusal
	err = errors.Join(err, file.PrimitiveDecode(tables[path[len(path)-1]], &nothing))
	var wrong toml.ParseError
	errors.As(err, &wrong)
	return wrong.Position.Line
}

// refusal is a type that no value can be decoded into.
type refusal struct{}

// UnmarshalTOML refuses the value.
func (*refusal) UnmarshalTOML(any) error { return errors.New("refused") }

// setFromFile sets a key of a group to its value in the tables of a file; or, if there is only one name, finds whether
// it is that of a group.
func setFromFile(s *settings, tables map[string]any, name []string) error {
	var names []string
	for _, g := range groups() {
		if names = append(names, g.long); g.long != name[0] {
			continue
		}
		table, ok := tables[name[0]].(map[string]any)
		if !ok {
			return fmt.Errorf("%s has to be a table: [%[1]s]", g.long)
		}
		if len(name) == 1 {
			return nil
		}
		return g.setFromFile(s, name[1], table[name[1]])
	}
	return fmt.Errorf("there is no table %q; there are %s", shortened(name[0]), strings.Join(names, ", "))
}

// setFromFile sets a key to its value in a file.
func (g group) setFromFile(s *settings, name string, v any) error {
	at := slices.IndexFunc(g.keys, func(k key) bool { return k.name == name })
	if at < 0 {
		name = shortened(name)
		return fmt.Errorf("[%s] has no key %q%s; -%s help lists them", g.long, name, suggest(name, g.names()), g.short)
	}
	values, err := g.keys[at].fromFile(v)
	for i := 0; err == nil && i < len(values); i++ {
		err = g.keys[at].set(s, values[i])
	}
	if err != nil {
		return fmt.Errorf("[%s] %s: %w", g.long, name, err)
	}
	return nil
}

// shortened is a text of a file for a message.
func shortened(text string) string {
	const most = 200
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// fromFile makes of a key's value in a file what a command line has for it: one value, or more for a key that can be
// repeated.
func (k *key) fromFile(v any) ([]value, error) {
	text, isText := v.(string)
	number, isNumber := v.(int64)
	one := []value{{text: text, given: true}}
	if isNumber {
		one[0].text = strconv.FormatInt(number, 10)
	}
	switch {
	case k.prefix:
		return pairsFromFile(v)
	case k.does != works:
		return anyFromFile(v)
	case k.form == formPair:
		return textsFromFile(v)
	case k.form == formFlag:
		on, ok := v.(bool)
		one[0].text = strconv.FormatBool(on)
		if !ok {
			return nil, errors.New("the value has to be true or false")
		}
	case k.form == formNumber:
		if !isNumber || number < 0 {
			return nil, errors.New("the value has to be a number that is not negative")
		}
	case k.form == formDuration:
		if d, ok := durationFromFile(v); ok {
			one[0].text = d.String()
		} else if !isText && !isNumber {
			return nil, errors.New(`the value has to be a duration: 2, "2s", "100ms" or {secs = 2, nanos = 0}`)
		}
	case k.form == formPath:
		if !isText {
			return nil, errors.New("the value has to be a string")
		}
	case !isText && !isNumber:
		return nil, errors.New("the value has to be a string or a number")
	}
	return one, nil
}

// durationFromFile reads a duration as wasmtime writes it in a file: {secs = N, nanos = N}.
func durationFromFile(v any) (time.Duration, bool) {
	table, ok := v.(map[string]any)
	secs, hasSecs := table["secs"].(int64)
	nanos, hasNanos := table["nanos"].(int64)
	const most = int64(1<<63-1)/int64(time.Second) - 1
	if !ok || len(table) != 2 || !hasSecs || !hasNanos || secs < 0 || secs > most || nanos < 0 || nanos >= int64(time.Second) {
		return 0, false
	}
	return time.Duration(secs)*time.Second + time.Duration(nanos), true
}

// pairsFromFile reads the value of a key with a prefix: [["NAME", "VALUE"], …].
func pairsFromFile(v any) (values []value, err error) {
	list, ok := v.([]any)
	for _, element := range list {
		pair, _ := element.([]any)
		if len(pair) != 2 {
			ok = false
			break
		}
		name, named := pair[0].(string)
		text, valued := pair[1].(string)
		ok = ok && named && valued
		values = append(values, value{text: text, given: true, rest: name})
	}
	if !ok {
		return nil, errors.New(`the value has to be an array of pairs: [["NAME", "VALUE"]]`)
	}
	return values, nil
}

// textsFromFile reads the value of a key that can be repeated: ["NAME=VALUE", …].
func textsFromFile(v any) (values []value, err error) {
	list, ok := v.([]any)
	for _, element := range list {
		text, isText := element.(string)
		ok = ok && isText
		values = append(values, value{text: text, given: true})
	}
	if !ok {
		return nil, errors.New(`the value has to be an array of strings: ["NAME=VALUE"]`)
	}
	return values, nil
}

// anyFromFile reads a value of any type, for a key without a form.
func anyFromFile(v any) (values []value, err error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, element := range list {
		values = append(values, value{text: fmt.Sprint(element), given: true})
	}
	return values, nil
}

// What a text in TOML has of strings and comments.
var configStrings = regexp.MustCompile(`(?s)"""(?:\\.|[^\\])*?"{3,6}|'''.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|#[^\n]*`)

// checkConfig finds what no configuration is, and what the TOML package takes memory for by the square of its depth:
// brackets in brackets, and keys of many parts.
func checkConfig(text string) error {
	line := func(at int) int { return 1 + strings.Count(text[:at], "\n") }
	for i, c := range text {
		if c == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)) {
			return fmt.Errorf("line %d: it is not UTF-8", line(i))
		}
	}
	bare := configStrings.ReplaceAllStringFunc(text, func(quoted string) string {
		return strings.Repeat("\n", strings.Count(quoted, "\n")) + "_"
	})
	depth, dots, lines := 0, 0, 1
	for _, c := range bare {
		switch c {
		case '[', '{':
			depth++
			dots = 0
		case ']', '}':
			depth = max(0, depth-1)
		case '.':
			dots++
		case '\n':
			lines++
			dots = 0
		case '=', ',':
			dots = 0
		}
		if depth > maxConfigDepth || dots > maxConfigDepth {
			return fmt.Errorf("line %d: it is nested more than %d deep", lines, maxConfigDepth)
		}
	}
	return nil
}
