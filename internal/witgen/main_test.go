package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// wasi is what component/wasi is generated with, as its doc.go says.
var wasi = options{
	wit: "wasi-0.2.json", docs: "docs.txt", pkg: "wasi", library: true,
	from: []string{"wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:io", "wasi:random", "wasi:sockets"},
}

// What is in component/wasi is what this command writes.
func TestFilesAreUpToDate(t *testing.T) {
	files, err := generate(wasi)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 7 {
		t.Errorf("%d files", len(files))
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("..", "..", "component", "wasi", name))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s: run go generate ./component/wasi", name)
		}
	}
}

var update = flag.Bool("update", false, "write the files of the shop")

// What is made of another world compiles, as a part of these tests: shop_test.go has it, and uses it.
func TestAnotherWorld(t *testing.T) {
	files, err := generate(options{wit: "testdata/shop.json", pkg: "main_test", from: []string{"example:shop/plugin"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2 {
		t.Errorf("%d files", len(files))
	}
	for name, want := range files {
		name = "made_" + strings.TrimSuffix(name, ".go") + "_test.go"
		if *update {
			if err := os.WriteFile(name, want, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what is generated: go test ./internal/witgen -update; %v", name, err)
		}
	}
}

// Two names of WIT that are one in Go are an error, instead of a package that does not compile.
func TestSameNames(t *testing.T) {
	text, err := os.ReadFile("testdata/shop.json")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "wit.json")
	text = bytes.Replace(text, []byte(`"name": "numbers", "kind"`), []byte(`"name": "shape-round", "kind"`), 1)
	if err := os.WriteFile(file, text, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err = generate(options{wit: file, pkg: "p", from: []string{"example:shop/plugin"}})
	if err == nil || !strings.Contains(err.Error(), "two things would be called ShapeRound") {
		t.Errorf("%v", err)
	}
}

// Every interface, and every type that is more than another name for a number, has a comment of its own.
func TestDocs(t *testing.T) {
	files, err := generate(wasi)
	if err != nil {
		t.Fatal(err)
	}
	documented := 0
	for name, content := range files {
		for line := range strings.Lines(string(content)) {
			text, ok := strings.CutPrefix(line, "// ")
			if ok && strings.Contains(text, " is the ") && strings.Contains(text, " of wasi:") {
				documented++
				if !strings.Contains(text, ": ") && !strings.HasSuffix(text, ":\n") {
					t.Errorf("%s: nothing is said of %s", name, text)
				}
			}
		}
	}
	if documented < 25 {
		t.Errorf("there are %d comments", documented)
	}
}

func TestNames(t *testing.T) {
	for wit, want := range map[string]string{
		"read-via-stream": "ReadViaStream", "ipv4-address": "IPv4Address", "get-random-u64": "GetRandomU64",
		"utc-offset": "UTCOffset", "tcp-socket": "TCPSocket", "scope-id": "ScopeID", "a": "A", "HTTP-x": "HTTPX",
	} {
		if got := exported(wit); got != want {
			t.Errorf("%s is %s, want %s", wit, got, want)
		}
	}
	for wit, want := range map[string]string{
		"new-path": "newPath", "ipv4-address": "ipv4Address", "utc-offset": "utcOffset", "ip-address": "ipAddress",
		"tcp": "tcp", "type": "type_", "c": "c_", "x-y": "xY", "func": "func_", "a": "a", "id": "id",
	} {
		if got := local(wit); got != want {
			t.Errorf("%s is %s, want %s", wit, got, want)
		}
	}
}

// What cannot be generated is an error that says so.
func TestErrors(t *testing.T) {
	for want, o := range map[string]options{
		"no such file":                     {wit: "nothing.json"},
		"no package or world wasi:nothing": {wit: "wasi-0.2.json", from: []string{"wasi:nothing"}},
		"which is not in the package":      {wit: "wasi-0.2.json", pkg: "p", from: []string{"wasi:filesystem"}},
		"log, which is in no interface":    {wit: "testdata/shop.json", from: []string{"example:shop/logging"}},
		"wait is async":                    {wit: "testdata/shop.json", from: []string{"example:shop/waiting"}},
		"a stream, which is not supported": {wit: "testdata/shop.json", from: []string{"example:shop/waiting"}},
		"not the JSON of wit-parser":       {wit: "docs.txt"},
	} {
		if _, err := generate(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", o, err, want)
		}
	}
}
