package witjson_test

import (
	"os"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime/internal/witjson"
)

func parsed(t *testing.T, file string) *witjson.Resolve {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	resolve, err := witjson.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return resolve
}

// The WIT of WASI is what is known of it.
func TestWasi(t *testing.T) {
	resolve := parsed(t, "../witgen/wasi-0.2.json")
	types := resolve.Find("wasi:filesystem/types")
	if types == nil || resolve.Find("wasi:filesystem/nothing") != nil {
		t.Fatal("wasi:filesystem/types is not found, or what does not exist is")
	}
	if got := types.ID(); !strings.HasPrefix(got, "wasi:filesystem/types@0.2.") {
		t.Errorf("its name is %s", got)
	}
	var uses []string
	for _, i := range types.Uses() {
		uses = append(uses, i.Path())
	}
	if got := strings.Join(uses, " "); got != "wasi:io/streams wasi:io/error wasi:clocks/wall-clock" {
		t.Errorf("it uses %s", got)
	}
	signatures := map[string]string{}
	for _, f := range types.Functions {
		signatures[f.Name] = f.Signature()
	}
	for name, want := range map[string]string{
		"filesystem-error-code":                               "func(err: borrow<error>) -> option<error-code>",
		"[method]descriptor.read":                             "func(length: filesize, offset: filesize) -> result<tuple<list<u8>, bool>, error-code>",
		"[method]descriptor.sync":                             "func() -> result<_, error-code>",
		"[method]descriptor.read-via-stream":                  "func(offset: filesize) -> result<input-stream, error-code>",
		"[method]directory-entry-stream.read-directory-entry": "func() -> result<option<directory-entry>, error-code>",
	} {
		if signatures[name] != want {
			t.Errorf("%s is %s, want %s", name, signatures[name], want)
		}
	}
	for _, d := range types.Types {
		if d.Name == "input-stream" && (!d.IsUse() || d.Origin().Owner.Path() != "wasi:io/streams") {
			t.Errorf("input-stream is of %v", d.Origin().Owner)
		}
		if d.Name == "descriptor" && (d.IsUse() || len(d.Methods()) != 27) {
			t.Errorf("descriptor has %d methods", len(d.Methods()))
		}
		if d.Name == "filesize" && (d.IsUse() || d.String() != "u64") {
			t.Errorf("filesize is %v", d)
		}
	}
	if zone := resolve.Find("wasi:clocks/timezone"); zone == nil || zone.Feature != "clocks-timezone" {
		t.Errorf("the time zone is %v", zone)
	}
	worlds := 0
	for _, w := range resolve.Worlds {
		if w.Name == "command" && w.Package.Short() == "cli" {
			worlds++
			if len(w.Exports) != 1 || w.Exports[0].Interface.Path() != "wasi:cli/run" || len(w.Imports) < 25 {
				t.Errorf("the command exports %v", w.Exports)
			}
		}
	}
	if worlds != 1 {
		t.Errorf("there are %d worlds of commands", worlds)
	}
}

// What can be in WIT is written as WIT writes it.
func TestTexts(t *testing.T) {
	resolve := parsed(t, "../witgen/testdata/shop.json")
	catalog, slow := resolve.Find("example:shop/catalog"), resolve.Find("example:shop/slow")
	var texts []string
	for _, d := range catalog.Types {
		texts = append(texts, d.Name+": "+d.String())
	}
	for _, f := range append(catalog.Functions, slow.Functions...) {
		texts = append(texts, f.Own()+": "+f.Signature())
	}
	for _, want := range []string{
		"item: record { full-name: string, tags: list<string>, price: option<price> }", "colour: enum { red, dark-blue }",
		"problem: variant { missing(string), busy }", "basket: resource", "pair: tuple<u8, string>", "numbers: list<u32>",
		"basket: func(owner: string)", "add: func(item: item) -> result<u32, problem>", "merge: func(a: basket, b: basket) -> basket",
		"check: func(item: item, deep: option<option<u8>>) -> result<_, string>",
		"all: func(rights: rights, numbers: numbers, pair: pair) -> list<result<u32>>", "wait: async func(what: stream<u8>)",
	} {
		found := false
		for _, text := range texts {
			found = found || text == want
		}
		if !found {
			t.Errorf("%s is not in\n%s", want, strings.Join(texts, "\n"))
		}
	}
}

// What is not the JSON of wit-parser is an error, and never a panic.
func TestBadJSON(t *testing.T) {
	good := `{"worlds": [{"name": "w", "imports": {"interface-0": {"interface": {"id": 0}}}, "exports": {}, "package": 0}],
		"interfaces": [{"name": "i", "types": {"t": 0}, "functions": {"f": {"name": "f", "kind": "freestanding", "params": [{"name": "p", "type": 1}]}}, "package": 0}],
		"types": [{"name": "t", "kind": {"list": "u8"}, "owner": {"interface": 0}}, {"name": null, "kind": {"handle": {"own": 0}}, "owner": null}],
		"packages": [{"name": "a:b@1.0.0", "interfaces": {"i": 0}, "worlds": {"w": 0}}]}`
	if _, err := witjson.Parse([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for old, new := range map[string]string{
		`{"worlds"`: `["worlds"`, `"interface": {"id": 0}`: `"interface": {"id": 7}`, `"types": {"t": 0}`: `"types": {"t": 9}`,
		`"types": {"t": 0},`: `"types": [0],`, `"freestanding"`: `"standing"`, `"type": 1`: `"type": -1`, `{"list": "u8"}`: `{"pile": "u8"}`,
		`{"own": 0}`: `{}`, `{"own": 0}}`: `{"own": 5}}`, `{"interface": 0}`: `{"interface": 3}`, `"i": 0`: `"i": "x"`, `"params": [{`: `"params": [[{`,
		`"kind": {"list": "u8"}`: `"kind": {"map": ["u8"]}`, `"owner": null}],`: `"owner": null, "kind": 5}],`, `"exports": {}`: `"exports": 1`,
	} {
		bad := strings.Replace(good, old, new, 1)
		if bad == good {
			t.Errorf("%s is not there", old)
		}
		if _, err := witjson.Parse([]byte(bad)); err == nil {
			t.Errorf("%s in place of %s is no error", new, old)
		}
	}
}
