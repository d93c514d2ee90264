package canon_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime/internal/canon"
)

var (
	tOpt     = canon.OptionType(tU8)
	tOptions = record("a", tOpt, "b", canon.OptionType(tString))
	tWords   = canon.EnumType("true", "none", "plain", "%")
	tNamedV  = variant("ok", nil, "err", tString, "days", tU32)
)

func TestWave(t *testing.T) {
	tests := []struct {
		wit   *canon.Type
		text  string
		value any
		back  string // if it is not the text
	}{
		{tBool, "true", true, ""},
		{tBool, " false // no", false, "false"},
		{tU8, "255", uint8(255), ""},
		{tS8, "-128", int8(-128), ""},
		{tS8, "-0", int8(0), "0"},
		{tU16, "65535", uint16(65535), ""},
		{tS16, "-32768", int16(-32768), ""},
		{tU32, "4294967295", uint32(4294967295), ""},
		{tS32, "-2147483648", int32(-2147483648), ""},
		{tU64, "18446744073709551615", uint64(18446744073709551615), ""},
		{tS64, "-9223372036854775808", int64(-9223372036854775808), ""},
		{tF32, "1.5", float32(1.5), ""},
		{tF32, "1e39", float32(inf()), "inf"},
		{tF64, "6.022e+23", 6.022e23, "602200000000000000000000"},
		{tF64, "-1E-7", -1e-7, "-0.0000001"},
		{tF64, "0.000e100", 0.0, "0"},
		{tF64, "nan", nan(), ""},
		{tF64, "inf", inf(), ""},
		{tF64, "-inf", -inf(), ""},
		{tChar, "'x'", 'x', ""},
		{tChar, "'☃'", '☃', ""},
		{tChar, `'\''`, '\'', ""},
		{tChar, `'"'`, '"', `'\"'`},
		{tChar, `'\u{10FFFF}'`, rune(0x10ffff), `'\u{10ffff}'`},
		{tString, `""`, "", ""},
		{tString, `"a\tb\n\r\\\"\'ß\u{2603}\u{1}"`, "a\tb\n\r\\\"'ß☃\x01", `"a\tb\n\r\\\"\'ß☃\u{1}"`},
		{tString, "\"\"\"\n\"\"\"", "", `""`},
		{tString, "\"\"\"\r\n  one\r\n    two \"\" \\u{21}\n  \"\"\"", "one\n  two \"\" !", `"one\n  two \"\" !"`},
		{tString, "\"\"\"\n\n a\n\n\"\"\"", "\n a\n", `"\n a\n"`},
		{canon.ListType(tU8), "[]", []byte{}, ""},
		{canon.ListType(tU8), "[ 1, 2,3 , ]", []byte{1, 2, 3}, "[1, 2, 3]"},
		{canon.ListType(canon.ListType(tString)), `[["a"], []]`, [][]string{{"a"}, {}}, ""},
		{canon.FixedListType(tU8, 2), "[1, 2]", []byte{1, 2}, ""},
		{canon.TupleType(tU8, tString), `(1, "a")`, []any{uint8(1), "a"}, ""},
		{canon.TupleType(tU8), `(1,)`, []any{uint8(1)}, "(1)"},
		{tPoint, "{y: 2, x: 1}", map[string]any{"x": uint32(1), "y": 2.0}, "{x: 1, y: 2}"},
		{tPoint, "{%y: 2, x: 1,}", map[string]any{"x": uint32(1), "y": 2.0}, "{x: 1, y: 2}"},
		{tOptions, "{:}", map[string]any{"a": nil, "b": nil}, ""},
		{tOptions, "{b: \"x\"}", map[string]any{"a": nil, "b": "x"}, "{b: some(\"x\")}"},
		{record("true", tBool, "some", tOpt), "{true: true, some: some(1)}", map[string]any{"true": true, "some": uint8(1)}, ""},
		{tRights, "{}", []string{}, ""},
		{tRights, "{write, %read,}", []string{"read", "write"}, "{read, write}"},
		{canon.FlagsType("ok", "none"), "{none, ok}", []string{"ok", "none"}, "{ok, none}"},
		{canon.MapType(tString, tU8), "{}", map[string]uint8{}, ""},
		{canon.MapType(tString, tU8), "{:}", map[string]uint8{}, "{}"},
		{canon.MapType(tString, tU8), `{"b": 2, "a": 1, "\u{62}": 3}`, map[string]uint8{"a": 1, "b": 3}, `{"a": 1, "b": 3}`},
		{canon.MapType(tBool, tU8), `{true: 1, false: 2}`, map[bool]uint8{true: 1, false: 2}, "{false: 2, true: 1}"},
		{canon.MapType(tS8, tU8), `{0: 1, -0: 2, -5: 3}`, map[int8]uint8{0: 2, -5: 3}, "{-5: 3, 0: 2}"},
		{canon.MapType(tChar, tPoint), `{'x': {x: 1, y: 2}}`, map[rune]any{'x': map[string]any{"x": uint32(1), "y": 2.0}}, ""},
		{tWords, "%true", "true", ""},
		{tWords, "%none", "none", ""},
		{tWords, "%plain", "plain", "plain"},
		{tNamedV, "%ok", Variant{Case: "ok"}, ""},
		{tNamedV, `%err("x")`, Variant{Case: "err", Value: "x"}, ""},
		{tNamedV, `days(30)`, Variant{Case: "days", Value: uint32(30)}, ""},
		{tOpt, "none", nil, ""},
		{tOpt, "some(1)", uint8(1), ""},
		{tOpt, "1", uint8(1), "some(1)"},
		{canon.OptionType(tOpt), "some(none)", some[any](nil), ""},
		{canon.OptionType(tOpt), "some(1)", some[any](uint8(1)), "some(some(1))"},
		{canon.ResultType(nil, nil), "ok", ok[any, any](nil), ""},
		{canon.ResultType(nil, nil), "err", failed[any, any](nil), ""},
		{canon.ResultType(tU8, tString), "ok(1)", ok[any, any](uint8(1)), ""},
		{canon.ResultType(tU8, tString), "1", ok[any, any](uint8(1)), "ok(1)"},
		{canon.ResultType(tU8, tString), `err("x")`, failed[any, any]("x"), ""},
		{canon.ResultType(nil, tOpt), `err(some(1))`, failed[any, any](uint8(1)), ""},
		{canon.ListType(tOptions), "[{a: 1}, // one\n {:}]", []any{map[string]any{"a": uint8(1), "b": nil}, map[string]any{"a": nil, "b": nil}}, "[{a: some(1)}, {:}]"},
	}
	p := newPlanner()
	for _, test := range tests {
		got, err := p.ParseWave(test.wit, test.text)
		if err != nil {
			t.Errorf("%s of %s: %v", test.text, test.wit, err)
			continue
		}
		if !same(reflect.ValueOf(&got).Elem(), reflect.ValueOf(&test.value).Elem()) {
			t.Errorf("%s of %s: got %#v, want %#v", test.text, test.wit, got, test.value)
		}
		if test.back == "" {
			test.back = test.text
		}
		if back, err := p.FormatWave(test.wit, test.value); err != nil || back != test.back {
			t.Errorf("%#v of %s: got %s, %v, want %s", test.value, test.wit, back, err, test.back)
		}
	}
}

func TestWaveErrors(t *testing.T) {
	tests := []struct {
		wit        *canon.Type
		text, want string
	}{
		{tU8, "", "at byte 0: the text ends, a value is missing"},
		{tU8, "256", "at byte 0: 256 is no u8"},
		{tU8, "-0", "at byte 0: -0 is no u8"},
		{tU8, "1.0", "at byte 0: 1.0 is no u8"},
		{tU8, "nan", "at byte 0: nan is no u8"},
		{tU8, "01", `at byte 0: "01" is no number`},
		{tU8, "1a", `at byte 0: "1a" is no number`},
		{tU8, "-", `at byte 0: "-" is no number`},
		{tU8, "1.", `at byte 0: "1." is no number`},
		{tU8, "1e+", `at byte 0: "1e+" is no number`},
		{tU8, "1 2", `at byte 2: "2" is not the end`},
		{tU8, "true", "at byte 0: a bool where WIT has u8"},
		{tU8, "?", "at byte 0: '?' begins no value"},
		{tU8, "\xff", "at byte 0: the text is not UTF-8"},
		{tBool, "1", "at byte 0: a number where WIT has bool"},
		{tBool, "%true", "at byte 0: a case where WIT has bool"},
		{tBool, "True", `at byte 0: "True" is no name`},
		{tBool, "a--b", `at byte 0: "a--b" is no name`},
		{tBool, "%", `at byte 0: "%" is no name`},
		{tChar, `"x"`, "at byte 0: a string where WIT has char"},
		{tChar, `''`, "at byte 0: a character is missing"},
		{tChar, `'`, "at byte 0: a character is missing"},
		{tChar, "'ab'", "at byte 0: one character and a quote are missing"},
		{tChar, `'\x'`, "at byte 1: an unknown escape"},
		{tChar, `'\`, "at byte 1: an unknown escape"},
		{tChar, `'\u{d800}'`, "at byte 1: an unknown escape"},
		{tChar, `'\u{0000041}'`, "at byte 1: an unknown escape"},
		{tString, `hello`, `at byte 0: a string has quotes: "hello"`},
		{tString, `'x'`, "at byte 0: a char where WIT has string"},
		{tString, `"x`, "at byte 0: the string does not end on its line"},
		{tString, `"x\"`, "at byte 0: the string does not end on its line"},
		{tString, `"x\`, "at byte 0: the string does not end on its line"},
		{tString, "\"x\n\"", "at byte 0: the string does not end on its line"},
		{tString, `"ab\x"`, "at byte 3: an unknown escape"},
		{tString, `"""`, "at byte 0: the string does not end"},
		{tString, `"""x"""`, `at byte 0: the string does not begin on the line behind """`},
		{tString, "\"\"\"\n  x\n  y\"\"\"", `at byte 0: there is more than spaces before the closing """`},
		{tString, "\"\"\"\n  a\n b\n  \"\"\"", `at byte 8: a line is indented less than the closing """`},
		{tString, "\"\"\"\n  a\\x\n  \"\"\"", "at byte 7: an unknown escape"},
		{canon.ListType(tU8), "[1", "at byte 2: the text ends, ']' is missing"},
		{canon.ListType(tU8), "[,]", `at byte 1: "," is not a value`},
		{canon.ListType(tU8), "(1)", "at byte 0: a tuple where WIT has list<u8>"},
		{canon.ListType(tU8), "[1, x]", "at byte 4: a case where WIT has u8"},
		{canon.FixedListType(tU8, 2), "[1]", "at byte 0: 1 elements for a list of 2"},
		{canon.FixedListType(tU8, 2), "1", "at byte 0: a number where WIT has list<u8, 2>"},
		{canon.TupleType(tU8), "()", "at byte 0: a tuple of nothing"},
		{canon.TupleType(tU8), "(1, 2)", "at byte 0: a tuple where WIT has tuple<u8>"},
		{canon.TupleType(tU8), "(x)", "at byte 1: a case where WIT has u8"},
		{tPoint, "{x: 1}", "at byte 0: the field y is missing"},
		{tPoint, "{x: 1, y: 2, z: 3}", "at byte 13: there is no field z in record { x: u32, y: f64 }"},
		{tPoint, "{x: 1, x: 2}", "at byte 7: the field x is there twice"},
		{tPoint, `{"x": 1}`, "at byte 1: a string is no name of a field"},
		{tPoint, "{x: a, y: 1}", "at byte 4: a case where WIT has u32"},
		{tPoint, "{}", "at byte 0: {} where WIT has record { x: u32, y: f64 }"},
		{tPoint, "{x}", "at byte 0: flags where WIT has record { x: u32, y: f64 }"},
		{tPoint, "{x: 1, y}", `at byte 8: "}" is not ':'`},
		{tPoint, "{: 1}", `at byte 3: "1" is not '}'`},
		{tPoint, "{(1): 1}", `at byte 1: "(" is not a name or a key`},
		{tRights, "{x}", "at byte 1: there is no flag x in flags { read, write, execute, a, b, c, d, e, f }"},
		{tRights, "{a, a}", "at byte 4: the flag a is there twice"},
		{tRights, "{a, 1}", `at byte 5: "}" is not ':'`},
		{tRights, "a", "at byte 0: a case where WIT has flags { read, write, execute, a, b, c, d, e, f }"},
		{canon.MapType(tString, tU8), "[]", "at byte 0: a list where WIT has map<string, u8>"},
		{canon.MapType(tString, tU8), "{a: 1}", "at byte 1: the name a where WIT has string"},
		{canon.MapType(tString, tU8), "{1: 1}", "at byte 1: a number where WIT has string"},
		{canon.MapType(tString, tU8), `{"a": b}`, "at byte 6: a case where WIT has u8"},
		{tWords, "pink", "at byte 0: there is no case pink in enum { true, none, plain, % }"},
		{tWords, "plain(1)", "at byte 0: a case where WIT has enum { true, none, plain, % }"},
		{tNamedV, "days", "at byte 0: the value of the case days is missing"},
		{tNamedV, "%ok(1)", "at byte 0: the case ok has no value"},
		{tNamedV, "ok", "at byte 0: ok where WIT has variant { ok, err(string), days(u32) }"},
		{tNamedV, "days(x)", "at byte 5: a case where WIT has u32"},
		{tOpt, "some", "at byte 4: the text ends, '(' is missing"},
		{tOpt, "some()", `at byte 5: ")" is not a value`},
		{tOpt, "ok(1)", "at byte 0: ok where WIT has u8"},
		{canon.OptionType(tOpt), "1", "at byte 0: a number where WIT has option<option<u8>>"},
		{canon.ResultType(nil, nil), "1", "at byte 0: a number where WIT has result"},
		{canon.ResultType(nil, nil), "ok(1)", "at byte 0: the case ok has no value"},
		{canon.ResultType(tU8, nil), "ok", "at byte 0: the value of the case ok is missing"},
		{tU8, strings.Repeat("[", 1000), "at byte 100: the value is nested too deeply"},
		{canon.OwnType(0, "file"), "1", "a resource has no text: own<file>"},
		{canon.ListType(canon.ScalarType(canon.ErrorContext)), "[]", "error-context has no text"},
	}
	p := newPlanner()
	for _, test := range tests {
		_, err := p.ParseWave(test.wit, test.text)
		if err == nil || err.Error() != test.want {
			t.Errorf("%s of %s: got %v, want %s", test.text, test.wit, err, test.want)
		}
	}
	if _, err := p.FormatWave(tU8, 256); err == nil || err.Error() != "256 does not fit into u8" {
		t.Error(err)
	}
	if _, err := p.FormatWave(canon.OwnType(0, "file"), nil); err == nil || err.Error() != "a resource has no text: own<file>" {
		t.Error(err)
	}
	var v canon.View
	if _, err := v.FormatWave(0, canon.OwnType(0, "file")); err == nil {
		t.Error("a handle has a text")
	}
	if _, err := v.FormatWave(0, tU8); err == nil {
		t.Error("nothing has a text")
	}
}

func TestCall(t *testing.T) {
	f := canon.FuncType(false, []canon.Field{{Name: "p", Type: tPoint}, {Name: "s", Type: canon.OptionType(tString)}, {Name: "o", Type: tOpt}}, nil)
	p := newPlanner()
	for _, test := range []struct{ text, want string }{
		{`{x: 1, y: 2}, some("a")`, ""},
		{` {x: 1, y: 2}, "a" , // end`, ""},
		{`{x: 1, y: 2}, "a", none`, ""},
		{``, "parameter 1 (p): the argument is missing"},
		{`{x: 1}`, "parameter 1 (p): at byte 0: the field y is missing"},
		{`{x: 1, y: 2}, some(1), 2, 3`, "too many arguments, 4 for func(p: record { x: u32, y: f64 }, s: option<string>, o: option<u8>)"},
		{`some(1`, "at byte 6: the text ends, ')' is missing"},
		{`1 2`, `at byte 2: "2" is not the end`},
		{`1)`, `at byte 1: ")" is not the end`},
		{"\xff", "at byte 0: the text is not UTF-8"},
	} {
		call, err := canon.ParseArgs(test.text)
		var args []any
		if err == nil {
			args, err = p.Args(call, f)
		}
		want := []any{map[string]any{"x": uint32(1), "y": 2.0}, "a", nil}
		switch {
		case test.want != "" && (err == nil || err.Error() != test.want):
			t.Errorf("%s: got %v, want %s", test.text, err, test.want)
		case test.want == "" && (err != nil || !reflect.DeepEqual(args, want)):
			t.Errorf("%s: got %v, %v", test.text, args, err)
		}
	}
}

func nan() float64 { return inf() - inf() }
func inf() float64 { var zero float64; return 1 / zero }

// Whatever a text is, it is an error or a value whose own text is read as the same.
func FuzzWave(f *testing.F) {
	types := []*canon.Type{
		tPerson, tOptions, tNamedV, tWords, tRights, canon.MapType(tString, canon.OptionType(tOpt)), canon.ListType(tF32),
		canon.ResultType(canon.TupleType(tChar, tS64), tString), canon.ListType(canon.FixedListType(tBool, 2)),
	}
	for _, text := range []string{`{a: 1, b: some("x")}`, `%err("x")`, "{read}", `{"a": some(none)}`, "[1.5, nan]", `ok(('x', -1))`,
		"[[true, false]]", "\"\"\"\n  x\n  \"\"\"", "{:} // x"} {
		for i := range types {
			f.Add(text, byte(i))
		}
	}
	p := newPlanner()
	f.Fuzz(func(t *testing.T, text string, i byte) {
		wit := types[int(i)%len(types)]
		value, err := p.ParseWave(wit, text)
		if err != nil {
			return
		}
		back, err := p.FormatWave(wit, value)
		if err != nil {
			t.Fatal(err)
		}
		again, err := p.ParseWave(wit, back)
		if err != nil || !same(reflect.ValueOf(&value).Elem(), reflect.ValueOf(&again).Elem()) {
			t.Errorf("%q is %#v, whose text %q is %#v, %v", text, value, back, again, err)
		}
	})
}
