package wast

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// constant is a value in a script: an argument, or what a result has to be.
type constant struct {
	// Type is i32, f64, externref and the like, or either: one of Values.
	Type string `json:"type"`
	// Lane is the type of the lanes of a v128.
	Lane   string     `json:"lane_type"`
	Values []constant `json:"values"`
	// Value is a text with a decimal number for numbers, with floats as their bits.
	Value json.RawMessage `json:"value"`
}

// text returns the value if it is a text.
func (c *constant) text() (string, bool) {
	var text string
	err := json.Unmarshal(c.Value, &text)
	return text, err == nil
}

// any tells whether there is no value, which stands for every one of the type.
func (c *constant) any() bool { return len(c.Value) == 0 || string(c.Value) == "null" }

// number reads the constant's value as an integer of so many bits, with a sign or without.
func (c *constant) number(bits int) (uint64, error) {
	text, ok := c.text()
	if !ok {
		return 0, fmt.Errorf("the value of an %s has to be a text with a number", c.Type)
	}
	return integer(text, bits)
}

// integer reads a decimal number of so many bits, with a sign or without.
func integer(text string, bits int) (uint64, error) {
	if strings.HasPrefix(text, "-") {
		n, err := strconv.ParseInt(text, 10, bits)
		return uint64(n) & mask(bits), numberError(text, err)
	}
	n, err := strconv.ParseUint(text, 10, bits)
	return n, numberError(text, err)
}

// mask has the lowest bits set.
func mask(bits int) uint64 { return math.MaxUint64 >> (64 - bits) }

func numberError(text string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%q is no number of this type", text)
}

// laneBits are the types of lanes, by how many bits they have.
var laneBits = map[string]int{"i8": 8, "i16": 16, "i32": 32, "i64": 64, "f32": 32, "f64": 64}

// lanes reads a v128's lanes: how many bits each has, whether they are floats, and their texts.
func (c *constant) lanes() (bits int, float bool, texts []string, err error) {
	bits, ok := laneBits[c.Lane]
	if !ok {
		return 0, false, nil, fmt.Errorf("a v128 has no lanes of type %q", c.Lane)
	}
	if err := json.Unmarshal(c.Value, &texts); err != nil || len(texts) != 128/bits {
		return 0, false, nil, fmt.Errorf("a v128 of %s has %d texts with a number", c.Lane, 128/bits)
	}
	return bits, c.Lane[0] == 'f', texts, nil
}

// String returns the constant as the text format writes it.
func (c constant) String() string {
	switch c.Type {
	case "either":
		var texts []string
		for _, v := range c.Values {
			texts = append(texts, v.String())
		}
		return "(either " + strings.Join(texts, " ") + ")"
	case "i32", "i64":
		text, _ := c.text()
		return fmt.Sprintf("(%s.const %s)", c.Type, text)
	case "f32", "f64":
		text, _ := c.text()
		return fmt.Sprintf("(%s.const %s)", c.Type, floatPattern(text, laneBits[c.Type]))
	case "v128":
		return c.v128Text()
	case "refnull":
		return "(ref.null)"
	}
	if heap, ok := nullHeaps[c.Type]; ok {
		return "(ref.null " + heap + ")"
	}
	heap, ok := strings.CutSuffix(c.Type, "ref")
	if !ok {
		if t, err := c.tree(); err == nil {
			return t.String()
		}
		return c.Type
	}
	text, isText := c.text()
	switch {
	case text == "null":
		return "(ref.null " + heap + ")"
	case isText && heap == "any":
		return "(ref.host " + text + ")"
	case isText:
		return "(ref." + heap + " " + text + ")"
	}
	return "(ref." + heap + ")"
}

// nullHeaps are the types of constants that are null, and what is null there.
var nullHeaps = map[string]string{
	"nullref": "none", "nullfuncref": "nofunc", "nullexternref": "noextern", "nullexnref": "noexn", "nullcontref": "nocont",
}

// v128Text is a v128 as the text format writes it.
func (c *constant) v128Text() string {
	bits, float, texts, err := c.lanes()
	if err != nil {
		return "(v128.const)"
	}
	if float {
		for i := range texts {
			texts[i] = floatPattern(texts[i], bits)
		}
	}
	return fmt.Sprintf("(v128.const %sx%d %s)", c.Lane, len(texts), strings.Join(texts, " "))
}

// floatPattern is what a float has to be, as the text format writes it: nan:canonical, nan:arithmetic, or a number of
// which text has the bits.
func floatPattern(text string, bits int) string {
	n, err := integer(text, bits)
	if err != nil {
		return text
	}
	return floatText(n, bits)
}

// floatText is a float of which n has the bits, as the text format writes it.
func floatText(n uint64, bits int) string {
	f, mantissa := math.Float64frombits(n), 52
	if bits == 32 {
		f, mantissa = float64(math.Float32frombits(uint32(n))), 23
	}
	sign := ""
	if n>>(bits-1) != 0 {
		sign = "-"
	}
	switch {
	case math.IsNaN(f):
		return fmt.Sprintf("%snan:%#x", sign, n&mask(mantissa))
	case math.IsInf(f, 0):
		return sign + "inf"
	}
	return strconv.FormatFloat(f, 'g', -1, bits)
}
