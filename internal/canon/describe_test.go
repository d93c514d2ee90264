package canon_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime/internal/canon"
)

// description writes what the library writes.
type description []byte

func (d *description) u8(n ...uint8) *description { *d = append(*d, n...); return d }
func (d *description) u32(n uint32) *description {
	*d = binary.LittleEndian.AppendUint32(*d, n)
	return d
}
func (d *description) str(s string) *description {
	d.u32(uint32(len(s)))
	*d = append(*d, s...)
	return d
}

// whole is a description with every kind of type and item.
func whole() []byte {
	d := &description{}
	d.u32(2)
	d.u8(0).str("file")
	d.u8(1).str("")
	types := [][]byte{}
	add := func(kind canon.Kind) *description {
		types = append(types, nil)
		return (&description{}).u8(uint8(kind))
	}
	put := func(d *description) uint32 { types[len(types)-1] = *d; return uint32(len(types) - 1) }
	u8 := put(add(canon.U8))
	str := put(add(canon.String))
	for _, kind := range []canon.Kind{canon.Bool, canon.S8, canon.S16, canon.U16, canon.S32, canon.U32, canon.S64, canon.U64,
		canon.F32, canon.F64, canon.Char} {
		put(add(kind))
	}
	list := put(add(canon.List).u32(u8))
	put(add(canon.Map).u32(str).u32(list))
	put(add(canon.FixedList).u32(u8).u32(4))
	rec := put(add(canon.Record).u32(2).str("name").u32(str).str("type").u32(list))
	tuple := put(add(canon.Tuple).u32(2).u32(u8).u32(rec))
	vari := put(add(canon.Variant).u32(3).str("a").u8(0).str("b").u8(1).u32(str).str("c").u8(1).u32(rec))
	enum := put(add(canon.Enum).u32(2).str("x").str("y"))
	opt := put(add(canon.Option).u32(vari))
	put(add(canon.Result).u8(0, 0))
	put(add(canon.Result).u8(1).u32(u8).u8(0))
	put(add(canon.Result).u8(0, 1).u32(str))
	res := put(add(canon.Result).u8(1).u32(u8).u8(1).u32(str))
	flags := put(add(canon.Flags).u32(2).str("r").str("w"))
	own := put(add(canon.Own).u32(0))
	borrow := put(add(canon.Borrow).u32(0))
	other := put(add(canon.Own).u32(1))
	put(add(canon.Future).u8(0))
	future := put(add(canon.Future).u8(1).u32(u8))
	put(add(canon.Stream).u8(1).u32(u8))
	put(add(canon.ErrorContext))
	d.u32(uint32(len(types)))
	for _, t := range types {
		*d = append(*d, t...)
	}
	fn := func(name string, async uint8, result int, params ...any) {
		d.str(name).u8(0, async).u32(uint32(len(params) / 2))
		for i := 0; i < len(params); i += 2 {
			d.str(params[i].(string)).u32(params[i+1].(uint32))
		}
		if result < 0 {
			d.u8(0)
		} else {
			d.u8(1).u32(uint32(result))
		}
	}
	d.u32(5) // imports
	d.str("wasi:files/types@0.2.0").u8(1).u32(10)
	d.str("file").u8(5).u32(0)
	d.str("descriptor").u8(5).u32(0)
	d.str("entry").u8(6).u32(rec)
	d.str("alias").u8(6).u32(rec)
	d.str("bytes").u8(6).u32(list)
	fn("[constructor]file", 0, int(own), "name", str)
	fn("[method]file.read", 0, int(res), "self", borrow, "n", u8)
	fn("[static]file.open", 0, int(own))
	fn("close", 0, -1, "f", own, "e", rec)
	d.str("rights").u8(6).u32(flags)
	d.str("wasi:files/more@0.2.0").u8(1).u32(1)
	fn("nothing", 0, -1)
	d.str("log").u8(0, 0).u32(1).str("text").u32(str).u8(0)
	d.str("module").u8(3)
	d.str("inner").u8(1).u32(4)
	d.str("deep").u8(1).u32(0)
	d.str("shape").u8(6).u32(vari)
	d.str("colour").u8(6).u32(enum)
	fn("draw", 1, int(opt), "t", tuple, "o", other)
	d.u32(4) // exports
	d.str("wasi:files/types@0.2.0").u8(1).u32(0)
	d.str("run").u8(0, 0).u32(0).u8(1).u32(future)
	d.str("part").u8(2)
	d.str("core").u8(4)
	return *d
}

func TestDescribe(t *testing.T) {
	c, err := canon.Describe(whole())
	if err != nil {
		t.Fatal(err)
	}
	want := `u8; string; bool; s8; s16; u16; s32; u32; s64; u64; f32; f64; char; list<u8>; map<string, list<u8>>; list<u8, 4>; ` +
		`record { name: string, %type: list<u8> }; tuple<u8, record { name: string, %type: list<u8> }>; ` +
		`variant { a, b(string), c(record { name: string, %type: list<u8> }) }; enum { x, y }; ` +
		`option<variant { a, b(string), c(record { name: string, %type: list<u8> }) }>; ` +
		`result; result<u8>; result<_, string>; result<u8, string>; flags { r, w }; own<file>; borrow<file>; ` +
		`own<resource-1>; future; future<u8>; stream<u8>; error-context`
	var got []string
	for _, t := range c.Types {
		got = append(got, t.String())
	}
	if got := strings.Join(got, "; "); got != want {
		t.Errorf("types are\n%s, want\n%s", got, want)
	}
	if len(c.Resources) != 2 || c.Resources[0] != (canon.Resource{Name: "file"}) || !c.Resources[1].Own {
		t.Errorf("resources are %v", c.Resources)
	}
	read := canon.Find(c.Imports, "wasi:files/types@0.2.0", "[method]file.read")
	if read == nil || read.Func.String() != "func(self: borrow<file>, n: u8) -> result<u8, string>" {
		t.Fatalf("read is %v", read)
	}
	if f := read.Func; f.Size != 8 || f.Align != 4 || f.Params[1].Offset != 4 || f.Unsupported() != nil {
		t.Errorf("read is laid out as %+v", f)
	}
	if run := canon.Find(c.Exports, "run"); run.Func.Unsupported().String() != "future<u8>" {
		t.Errorf("run has %v", run.Func.Unsupported())
	}
	if canon.Find(c.Exports, "none") != nil || canon.Find(c.Exports, "run", "x") != nil || canon.Find(c.Exports) != nil {
		t.Error("found what is not there")
	}
	const file = "testdata/whole.wit"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(c.WIT()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(file); err != nil || c.WIT() != string(want) {
		t.Errorf("WIT is\n%s, want %s, %v", c.WIT(), file, err)
	}
}

// Each description that is cut off, and each with a byte changed, is an error or another description, never more.
func TestDescribeBroken(t *testing.T) {
	good := whole()
	for i := range good {
		if _, err := canon.Describe(good[:i]); err == nil {
			t.Fatalf("the first %d bytes are a description", i)
		}
		for _, b := range []byte{0, 1, 0x7f, 0xff} {
			bad := append([]byte(nil), good...)
			bad[i] = b
			if c, err := canon.Describe(bad); err == nil {
				_ = c.WIT()
			}
		}
	}
}

func TestDescribeErrors(t *testing.T) {
	types := func(n uint32, t ...byte) []byte {
		d := (&description{}).u32(0).u32(n)
		return append(*d, t...)
	}
	items := func(item ...byte) []byte {
		d := (&description{}).u32(0).u32(1).u8(uint8(canon.U8)).u32(1).str("x")
		return append(append(*d, item...), 0, 0, 0, 0)
	}
	deep := func(n int) []byte {
		d := (&description{}).u32(0).u32(uint32(n)).u8(uint8(canon.U8))
		for i := range n - 1 {
			d.u8(uint8(canon.List)).u32(uint32(i))
		}
		return *d.u32(0).u32(0)
	}
	double := func(n int) []byte {
		d := (&description{}).u32(0).u32(uint32(n)).u8(uint8(canon.U8))
		for i := range n - 1 {
			d.u8(uint8(canon.Tuple)).u32(2).u32(uint32(i)).u32(uint32(i))
		}
		return *d.u32(0).u32(0)
	}
	lists := func(n int) []byte {
		d := (&description{}).u32(0).u32(uint32(n)).u8(uint8(canon.U64))
		for i := range n - 1 {
			d.u8(uint8(canon.FixedList)).u32(uint32(i)).u32(1 << 16)
		}
		return *d.u32(0).u32(0)
	}
	nested := (&description{}).u32(0).u32(0)
	for range 70 {
		nested.u32(1).str("x").u8(1)
	}
	huge := (&description{}).u32(0).u32(2).u8(uint8(canon.U64), uint8(canon.FixedList)).u32(0).u32(200<<20).u32(1).
		str("f").u8(0, 0).u32(2).str("a").u32(1).str("b").u32(1).u8(0).u32(0)
	tests := []struct {
		name        string
		description []byte
		want        string
	}{
		{"nothing", nil, "at byte 0: it ends there"},
		{"more", append(whole(), 0), "1 bytes follow"},
		{"resources", *(&description{}).u32(1 << 31), "2147483648 things of at least 5 bytes do not follow"},
		{"flag", *(&description{}).u32(1).u8(2).str(""), "2 is neither yes nor no"},
		{"name", *(&description{}).u32(1).u8(0).str("\xff"), "a name is not UTF-8"},
		{"kind", types(1, 28), "there is no kind of type 28"},
		{"later type", types(1, byte(canon.List), 0, 0, 0, 0), "there is no type 0 yet"},
		{"record", types(1, byte(canon.Record), 0, 0, 0, 0), "a type of kind record has no parts"},
		{"many fields", types(1, byte(canon.Record), 255, 255, 255, 255), "4294967295 things of at least 8 bytes do not follow"},
		{"tuple", types(1, byte(canon.Tuple), 0, 0, 0, 0), "a type of kind tuple has no parts"},
		{"variant", types(1, byte(canon.Variant), 0, 0, 0, 0), "a type of kind variant has no parts"},
		{"enum", types(1, byte(canon.Enum), 0, 0, 0, 0), "a type of kind enum has no parts"},
		{"flags", types(1, byte(canon.Flags), 0, 0, 0, 0), "a type of kind flags has no parts"},
		{"fixed list", types(2, 0, byte(canon.FixedList), 0, 0, 0, 0, 0, 0, 0, 0), "a list of no elements"},
		{"resource", types(1, byte(canon.Own), 0, 0, 0, 0), "there is no resource 0"},
		{"deep", deep(200), "is nested too deeply: list<list<"},
		{"doubled", double(40), "has too many parts: tuple<tuple<"},
		{"large", lists(3), "takes more than 2 GiB: list<list<u64, 65536>, 65536>"},
		{"large parameters", *huge, "parameters together takes more than 2 GiB"},
		{"item", items(7), "there is no kind of item 7"},
		{"item's type", items(6, 1, 0, 0, 0), "there is no type 1 yet"},
		{"item's resource", items(5, 1, 0, 0, 0), "there is no resource 1"},
		{"parameters", items(0, 0, 255, 255, 255, 0), "16777215 things of at least 8 bytes do not follow"},
		{"instances", *nested, "instances are nested too deeply"},
	}
	many := (&description{}).u32(0).u32(1).u8(uint8(canon.Flags)).u32(33)
	for _, name := range names(33) {
		many.str(name)
	}
	tests = append(tests, struct {
		name        string
		description []byte
		want        string
	}{"33 flags", *many, "33 flags"})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := canon.Describe(test.description)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	for _, good := range [][]byte{deep(100), double(18), lists(2)} {
		if _, err := canon.Describe(good); err != nil {
			t.Error(err)
		}
	}
}

// The text of a small component whose types share their parts has an end.
func TestLongWIT(t *testing.T) {
	d := (&description{}).u32(0).u32(19).u8(uint8(canon.U8))
	for i := range uint32(18) {
		d.u8(uint8(canon.Tuple)).u32(2).u32(i).u32(i)
	}
	d.u32(1).str("a:b/c").u8(1).u32(100)
	for range 100 {
		d.str("x").u8(6).u32(18)
	}
	c, err := canon.Describe(*d.u32(0))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(c.WIT()); n > 20<<20 || n < 1<<20 {
		t.Errorf("%d bytes", n)
	}
}

// As many resources as an interface may have are written in one go, each with its own functions.
func TestManyResourcesInWIT(t *testing.T) {
	const n = 20_000
	d := (&description{}).u32(n)
	for range n {
		d.u8(0).str("")
	}
	d.u32(0).u32(1).str("a:b/c").u8(1).u32(2 * n)
	for i := range uint32(n) {
		d.str(fmt.Sprintf("r%d", i)).u8(5).u32(i)
	}
	for i := range uint32(n) {
		d.str(fmt.Sprintf("[method]r%d.m", n-1-i)).u8(0).u8(0).u32(0).u8(0)
	}
	c, err := canon.Describe(*d.u32(0))
	if err != nil {
		t.Fatal(err)
	}
	text := c.WIT()
	if got := strings.Count(text, " {\n      m: func();\n    }\n"); got != n {
		t.Errorf("%d resources with a method: %.200s", got, text)
	}
}

func FuzzDescribe(f *testing.F) {
	f.Add(whole())
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := canon.Describe(b)
		if err != nil {
			return
		}
		_ = c.WIT()
		p := newPlanner()
		for _, typ := range c.Types {
			if typ.Size > 1<<16 {
				continue
			}
			var v canon.View
			v.Limit = 1 << 20
			v.Reset(make([]byte, typ.Size))
			if _, err := p.DecodeAny(&v, 0, typ); err != nil && typ.Unsupported() == nil && !typ.Handles() {
				t.Errorf("%s: zeroes are no value: %v", typ, err)
			}
		}
	})
}
