package wast

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/gowasmtime/wasmtime"
)

// argument makes of a constant what a core function takes. It tells null by the constant, since any reference may be
// null; what the parameter takes is checked by the call.
func (c *constant) argument() (any, error) {
	switch c.Type {
	case "i32":
		n, err := c.number(32)
		return int32(n), err
	case "i64":
		n, err := c.number(64)
		return int64(n), err
	case "f32":
		n, err := c.float(32)
		return math.Float32frombits(uint32(n)), err
	case "f64":
		n, err := c.float(64)
		return math.Float64frombits(n), err
	case "v128":
		return c.v128()
	case "externref":
		if text, ok := c.text(); ok && text != "null" {
			n, err := integer(text, 32)
			return wasmtime.ValExternref(uint32(n)), err
		}
		return nil, nil
	case "funcref", "anyref", "exnref", "contref":
		if text, ok := c.text(); !c.any() && (!ok || text != "null") {
			return nil, fmt.Errorf("%v has no Go value: %w", c, wasmtime.ErrUnsupported)
		}
		return nil, nil
	case "refnull", "nullref", "nullfuncref", "nullexternref", "nullexnref", "nullcontref":
		return nil, nil
	}
	return nil, fmt.Errorf("%v is no value of a core function", c)
}

// The NaNs that results are compared with by their kind.
const (
	canonical  = "nan:canonical"
	arithmetic = "nan:arithmetic"
)

// float returns the bits of a float; those of a canonical NaN for both kinds of NaN.
func (c *constant) float(bits int) (uint64, error) {
	text, ok := c.text()
	if !ok {
		return 0, fmt.Errorf("the value of an %s has to be a text with its bits", c.Type)
	}
	return floatBits(text, bits)
}

func floatBits(text string, bits int) (uint64, error) {
	if text == canonical || text == arithmetic {
		return canonicalNaN(bits), nil
	}
	return integer(text, bits)
}

// canonicalNaN returns the bits of the canonical NaN without a sign.
func canonicalNaN(bits int) uint64 {
	if bits == 32 {
		return 0x7fc0_0000
	}
	return 0x7ff8_0000_0000_0000
}

// v128 makes a vector.
func (c *constant) v128() (v wasmtime.V128, err error) {
	bits, float, texts, err := c.lanes()
	if err != nil {
		return v, err
	}
	for i, text := range texts {
		n, err := integer(text, bits)
		if float {
			n, err = floatBits(text, bits)
		}
		if err != nil {
			return v, err
		}
		var lane [8]byte
		binary.LittleEndian.PutUint64(lane[:], n)
		copy(v[i*bits/8:], lane[:bits/8])
	}
	return v, nil
}

// lane returns a lane of a vector.
func lane(v wasmtime.V128, i, bits int) uint64 {
	var wide [8]byte
	copy(wide[:], v[i*bits/8:(i+1)*bits/8])
	return binary.LittleEndian.Uint64(wide[:])
}

// coreValue is a result of a core function, or the value of a global.
type coreValue struct{ wasmtime.Val }

// errMismatch says that a value is another than it has to be. Whoever compares says which.
var errMismatch = errors.New("they differ")

// match compares the value with what it has to be. The error is errMismatch, or says what is wrong with the constant.
func (v coreValue) match(want *constant) error {
	switch want.Type {
	case "either":
		for i := range want.Values {
			if err := v.match(&want.Values[i]); err != errMismatch {
				return err
			}
		}
		return errMismatch
	case "i32":
		n, err := want.number(32)
		return agree(v.Kind() == wasmtime.KindI32 && v.I32() == int32(n), err)
	case "i64":
		n, err := want.number(64)
		return agree(v.Kind() == wasmtime.KindI64 && v.I64() == int64(n), err)
	case "f32":
		if v.Kind() != wasmtime.KindF32 {
			return errMismatch
		}
		text, _ := want.text()
		return matchFloat(uint64(math.Float32bits(v.F32())), text, 32)
	case "f64":
		if v.Kind() != wasmtime.KindF64 {
			return errMismatch
		}
		text, _ := want.text()
		return matchFloat(math.Float64bits(v.F64()), text, 64)
	case "v128":
		return v.matchV128(want)
	}
	return v.matchRef(want)
}

// agree is errMismatch unless two values agree; err comes first.
func agree(same bool, err error) error {
	if err == nil && !same {
		return errMismatch
	}
	return err
}

// matchFloat compares the bits of a float with a pattern.
func matchFloat(got uint64, pattern string, bits int) error {
	quiet := canonicalNaN(bits)
	unsigned := got & mask(bits-1)
	switch pattern {
	case canonical:
		return agree(unsigned == quiet, nil)
	case arithmetic:
		return agree(unsigned&quiet == quiet, nil)
	}
	want, err := integer(pattern, bits)
	return agree(got == want, err)
}

// matchV128 compares a vector, lane by lane.
func (v coreValue) matchV128(want *constant) error {
	bits, float, texts, err := want.lanes()
	switch {
	case err != nil:
		return err
	case v.Kind() != wasmtime.KindV128:
		return errMismatch
	}
	for i, text := range texts {
		got := lane(v.V128(), i, bits)
		if float {
			err = matchFloat(got, text, bits)
		} else {
			var n uint64
			n, err = integer(text, bits)
			err = agree(got == n, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// matchRef compares a reference. Go tells the null references of the GC and exception proposals from others, and
// nothing more about them.
func (v coreValue) matchRef(want *constant) error {
	kinds := map[string]wasmtime.ValKind{
		"funcref": wasmtime.KindFuncref, "nullfuncref": wasmtime.KindFuncref,
		"externref": wasmtime.KindExternref, "nullexternref": wasmtime.KindExternref,
		"anyref": wasmtime.KindOther, "nullref": wasmtime.KindOther, "exnref": wasmtime.KindOther, "nullexnref": wasmtime.KindOther,
	}
	kind, known := kinds[want.Type]
	text, isText := want.text()
	switch {
	case want.Type == "refnull":
		return agree(v.IsNull(), nil)
	case !known && strings.HasSuffix(want.Type, "ref"): // eqref, i31ref, structref, arrayref: none of them is null
		return errMismatch
	case !known:
		return fmt.Errorf("%v is no value of a core function", want)
	case v.Kind() != kind:
		return errMismatch
	case strings.HasPrefix(want.Type, "null"), text == "null":
		return agree(v.IsNull(), nil)
	case want.any():
		return nil
	case want.Type == "funcref": // which one it is, nobody can tell from outside of the module
		return agree(!v.IsNull(), nil)
	case want.Type == "externref" && isText:
		n, err := integer(text, 32)
		return agree(v.Externref() == any(uint32(n)), err)
	}
	return errMismatch
}

// String returns the value as the text format writes it.
func (v coreValue) String() string {
	switch v.Kind() {
	case wasmtime.KindI32:
		return fmt.Sprintf("(i32.const %d)", v.I32())
	case wasmtime.KindI64:
		return fmt.Sprintf("(i64.const %d)", v.I64())
	case wasmtime.KindF32:
		return "(f32.const " + floatText(uint64(math.Float32bits(v.F32())), 32) + ")"
	case wasmtime.KindF64:
		return "(f64.const " + floatText(math.Float64bits(v.F64()), 64) + ")"
	case wasmtime.KindV128:
		return v.laneText("i32")
	case wasmtime.KindFuncref:
		if v.IsNull() {
			return "(ref.null func)"
		}
		return "(ref.func)"
	case wasmtime.KindExternref:
		switch n := v.Externref().(type) {
		case nil:
			return "(ref.null extern)"
		case uint32:
			return fmt.Sprintf("(ref.extern %d)", n)
		}
		return "(ref.extern)"
	}
	if v.IsNull() {
		return "(ref.null)"
	}
	return "(ref)"
}

// texts are as the text format writes them; a vector has lanes as the constant has them.
func (v coreValue) texts(want *constant) (wanted, got string) {
	switch {
	case want == nil:
		return "", v.String()
	case v.Kind() == wasmtime.KindV128 && want.Type == "v128" && laneBits[want.Lane] != 0:
		return want.String(), v.laneText(want.Lane)
	}
	return want.String(), v.String()
}

// laneText is a vector as the text format writes it, with lanes of a type.
func (v coreValue) laneText(lanes string) string {
	bits := laneBits[lanes]
	var b strings.Builder
	fmt.Fprintf(&b, "(v128.const %sx%d", lanes, 128/bits)
	for i := range 128 / bits {
		n := lane(v.V128(), i, bits)
		if lanes[0] == 'f' {
			b.WriteString(" " + floatText(n, bits))
		} else {
			fmt.Fprintf(&b, " %d", int64(n<<(64-bits))>>(64-bits))
		}
	}
	return b.String() + ")"
}
