package wast

import (
	"encoding/json"
	"testing"

	"github.com/gowasmtime/wasmtime/internal/testkit"
)

// Constants of the component model, as scripts have them and as messages show them; "" for those that are wrong.
func TestTree(t *testing.T) {
	for text, want := range map[string]string{
		`{"type": "bool", "value": true}`:        "bool true",
		`{"type": "bool", "value": "true"}`:      "",
		`{"type": "u8", "value": "255"}`:         "u8 255",
		`{"type": "u8", "value": "256"}`:         "",
		`{"type": "u8", "value": "-1"}`:          "",
		`{"type": "s8", "value": "-128"}`:        "s8 -128",
		`{"type": "s8", "value": "128"}`:         "",
		`{"type": "u64", "value": 1}`:            "",
		`{"type": "f32", "value": "1069547520"}`: "f32 1.5",
		`{"type": "f64", "value": "x"}`:          "",
		`{"type": "char", "value": "é"}`:         "char 'é'",
		`{"type": "char", "value": "ab"}`:        "",
		`{"type": "char", "value": ""}`:          "",
		`{"type": "string", "value": "a\"b"}`:    `string "a\"b"`,
		`{"type": "string"}`:                     "",
		`{"type": "enum", "value": "red"}`:       "enum red",
		`{"type": "flags", "value": ["b", "a"]}`: "flags {a, b}",
		`{"type": "flags", "value": []}`:         "flags {}",
		`{"type": "flags", "value": "a"}`:        "",
		`{"type": "list", "value": []}`:          "list []",
		`{"type": "list", "value": [{"type": "u8", "value": "1"}, {"type": "u8", "value": "2"}]}`: "list [1, 2]",
		`{"type": "list", "value": [{"type": "u8", "value": "x"}]}`:                               "",
		`{"type": "list", "value": {}}`:                                                           "",
		`{"type": "tuple", "value": [{"type": "bool", "value": false}]}`:                          "tuple (false)",
		`{"type": "record", "value": [["a", {"type": "u8", "value": "1"}]]}`:                      "record {a: 1}",
		`{"type": "record", "value": [[1, {"type": "u8", "value": "1"}]]}`:                        "",
		`{"type": "record", "value": [["a", 1]]}`:                                                 "",
		`{"type": "record", "value": {"a": 1}}`:                                                   "",
		`{"type": "variant", "value": {"case": "a", "payload": {"type": "u8", "value": "1"}}}`:    "variant a(1)",
		`{"type": "variant", "value": {"case": "a"}}`:                                             "variant a",
		`{"type": "variant", "value": "a"}`:                                                       "",
		`{"type": "option", "value": null}`:                                                       "option none",
		`{"type": "option", "value": {"type": "option", "value": null}}`:                          "option some(none)",
		`{"type": "option", "value": 1}`:                                                          "",
		`{"type": "result", "value": {"Ok": null}}`:                                               "result ok",
		`{"type": "result", "value": {"Err": {"type": "u8", "value": "1"}}}`:                      "result err(1)",
		`{"type": "result", "value": {}}`:                                                         "",
		`{"type": "result", "value": {"Other": null}}`:                                            "",
		`{"type": "map", "value": [[{"type": "u8", "value": "2"}, {"type": "bool", "value": true}], [{"type": "u8", "value": "1"}, {"type": "bool", "value": false}]]}`: "map {1: false, 2: true}",
		`{"type": "map", "value": 1}`:             "",
		`{"type": "externref", "value": "1"}`:     "",
		`{"type": "future", "value": null}`:       "",
		`{"type": "unheard-of", "value": "null"}`: "",
	} {
		var c constant
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			t.Fatal(text, err)
		}
		got, err := c.tree()
		if err != nil && want != "" || err == nil && want == "" {
			t.Errorf("%s: %v, %v", text, got, err)
		}
		if want != "" {
			testkit.Equal(t, text, got.String(), want)
		}
	}
}

// Values are equal if their kinds and all of their parts are.
func TestTreeEqual(t *testing.T) {
	one := tree{kind: "record", names: []string{"a"}, parts: []tree{{kind: "u8", text: "1"}}}
	for _, other := range []tree{
		{kind: "record", names: []string{"b"}, parts: []tree{{kind: "u8", text: "1"}}},
		{kind: "record", names: []string{"a"}, parts: []tree{{kind: "u16", text: "1"}}},
		{kind: "record", names: []string{"a"}, parts: []tree{{kind: "u8", text: "2"}}},
		{kind: "tuple", names: []string{"a"}, parts: []tree{{kind: "u8", text: "1"}}},
		{kind: "record", names: []string{"a"}},
	} {
		if one.equal(other) || other.equal(one) {
			t.Errorf("%v and %v are equal", one, other)
		}
	}
	if !one.equal(one) {
		t.Errorf("%v is not equal to itself", one)
	}
}
