package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/gowasmtime/wasmtime"
)

// call calls the function of --invoke, or else the one that is called "" or _start, and prints its results. A module
// without any has done its work when it was instantiated.
func (g *guest) call(ctx context.Context, instance *wasmtime.Instance) error {
	what := "command default"
	var f *wasmtime.Func
	if name := g.settings.invoke; name != nil {
		what = "`" + *name + "`"
		if f = instance.GetFunc(g.store, *name); f == nil {
			return g.noFunction(*name)
		}
	} else if f = instance.GetFunc(g.store, ""); f == nil {
		f = instance.GetFunc(g.store, "_start")
	}
	if f == nil {
		if instance.GetFunc(g.store, "_initialize") == nil {
			tell(g.nothingToCall())
		}
		return nil
	}
	ty := f.Type(g.store)
	args, err := arguments(ty.Params(), g.settings.operands[1:], what)
	if err != nil {
		return err
	}
	result, err := f.CallContext(ctx, g.store, args...)
	if err != nil {
		return failed(err, "failed to invoke %s", what)
	}
	return printResults(g.stdout, ty.Results(), result)
}

// nothingToCall says why nothing happens, which wasmtime does not say.
func (g *guest) nothingToCall() string {
	text := g.settings.operands[0] + " exports no _start to be called"
	for _, exported := range g.module.Exports() {
		if exported.Type().FuncType() != nil {
			return text + "; --invoke calls a function, such as --invoke " + exported.Name()
		}
	}
	return text
}

// noFunction is the error of a name that the module exports no function by.
func (g *guest) noFunction(name string) error {
	var functions []string
	text := fmt.Sprintf("no func export named `%s` found", name)
	for _, exported := range g.module.Exports() {
		switch ty := exported.Type(); {
		case ty.FuncType() != nil:
			functions = append(functions, exported.Name())
		case exported.Name() == name:
			return fmt.Errorf("%s; there is an export of that name, of type %s", text, typeText(ty))
		}
	}
	return errors.New(text + suggest(name, functions))
}

// arguments reads a function's arguments by the types of its parameters. A "--" before them is left out; what is too
// much is not looked at.
func arguments(params []*wasmtime.ValType, texts []string, what string) ([]any, error) {
	if len(params) > 0 && len(texts) > 0 && texts[0] == "--" {
		texts = texts[1:]
	}
	if len(texts) < len(params) {
		return nil, fmt.Errorf("not enough arguments for %s", what)
	}
	args := make([]any, len(params))
	for i, ty := range params {
		var err error
		if args[i], err = argument(ty, texts[i]); err != nil {
			return nil, failed(err, "argument %d of %s is an %v, not '%s'", i+1, what, ty, texts[i])
		}
	}
	return args, nil
}

// argument reads one number.
func argument(ty *wasmtime.ValType, text string) (any, error) {
	switch ty.Kind() {
	case wasmtime.KindI32:
		n, err := integer(text, 32)
		return int32(n), err
	case wasmtime.KindI64:
		return integer(text, 64)
	case wasmtime.KindF32:
		f, err := float(text, 32)
		return float32(f), err
	case wasmtime.KindF64:
		return float(text, 64)
	}
	return nil, errors.New("only i32, i64, f32 and f64 can be written as arguments")
}

// integer reads a decimal or, after 0x, hexadecimal number with a sign.
func integer(text string, bits int) (int64, error) {
	base, digits := 10, text
	if len(text) > 2 && (text[:2] == "0x" || text[:2] == "0X") {
		base, digits = 16, text[2:]
	}
	n, err := strconv.ParseInt(digits, base, bits)
	return n, numberError(err)
}

// float reads a number, an infinity or a NaN. One that is too large is an infinity.
func float(text string, bits int) (float64, error) {
	unsigned := strings.TrimLeft(text, "+-")
	if strings.EqualFold(unsigned, "nan") && len(text)-len(unsigned) <= 1 {
		const nan = 0x7ff8_0000_0000_0000
		if text[0] == '-' {
			return math.Float64frombits(1<<63 | nan), nil
		}
		return math.Float64frombits(nan), nil
	}
	f, err := strconv.ParseFloat(text, bits)
	if errors.Is(err, strconv.ErrRange) {
		err = nil
	}
	return f, numberError(err)
}

// numberError is what is wrong with a number, without the number.
func numberError(err error) error {
	var wrong *strconv.NumError
	if errors.As(err, &wrong) {
		return wrong.Err
	}
	return err
}

// printResults prints a function's results, one a line.
func printResults(stdout io.Writer, types []*wasmtime.ValType, result any) error {
	results := []any{result}
	if several, ok := result.([]wasmtime.Val); ok {
		results = results[:0]
		for _, v := range several {
			results = append(results, v.Get())
		}
	}
	for i, ty := range types {
		if _, err := fmt.Fprintln(stdout, resultText(ty, results[i])); err != nil {
			return err
		}
	}
	return nil
}

// resultText is a result as it is printed: a number in decimals without an exponent, a reference as whether it is null.
func resultText(ty *wasmtime.ValType, v any) string {
	null := ""
	switch v := v.(type) {
	case float32:
		return floatText(float64(v), 32)
	case float64:
		return floatText(v, 64)
	case wasmtime.V128:
		slices.Reverse(v[:])
		return new(big.Int).SetBytes(v[:]).String()
	case *wasmtime.Func:
		if v == nil {
			null = "null "
		}
	case nil:
		null = "null "
	case int32, int64:
		return fmt.Sprint(v)
	}
	return "<" + null + ty.String() + ">"
}

// floatText is a float in decimals, as short as it can be without being another.
func floatText(f float64, bits int) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	return strconv.FormatFloat(f, 'f', -1, bits)
}
