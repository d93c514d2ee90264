package wasmtime_test

import (
	"encoding/binary"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// hugeFunction is a module that exports a function of a hundred kilobytes: blocks in blocks, an expression as deep as
// they are, many locals, and a long way straight on. It returns its sum.
func hugeFunction(depth, length int) []byte {
	number := func(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }
	section := func(id byte, content []byte) []byte {
		return append(append([]byte{id}, number(len(content))...), content...)
	}
	const (
		i32   = 0x7f
		block = 0x02
		end   = 0x0b
		get   = 0x20
		tee   = 0x22
		add   = 0x6a
	)
	body := append([]byte{1}, append(number(4_000), i32)...) // the locals behind the parameter
	for range depth {
		body = append(body, block, i32)
	}
	body = append(body, get, 0)
	for range depth {
		body = append(body, end)
	}
	for range depth {
		body = append(body, get, 0)
	}
	for range depth {
		body = append(body, add)
	}
	for i := range length {
		body = append(append(body, tee), number(1+i%4_000)...)
		body = append(append(body, get), number(1+(i*7)%4_000)...)
		body = append(body, add)
	}
	body = append(body, end)

	module := []byte("\x00asm\x01\x00\x00\x00")
	module = append(module, section(1, []byte{1, 0x60, 1, i32, 1, i32})...)
	module = append(module, section(3, []byte{1, 0})...)
	module = append(module, section(7, []byte{1, 1, 'f', 0, 0})...)
	return append(module, section(10, append([]byte{1}, append(number(len(body)), body...)...))...)
}

// hugeResult is what the function returns.
func hugeResult(depth, length int, n int32) int32 {
	locals := make([]int32, 4_001)
	sum := n * int32(1+depth)
	for i := range length {
		locals[1+i%4_000] = sum
		sum += locals[1+(i*7)%4_000]
	}
	return sum
}

// The stacks of threads are smaller in some C libraries than in others, and the compilers go deep.
func TestCompileHugeFunction(t *testing.T) {
	depth, length := 5_000, 20_000
	if testing.Short() {
		length = 1_000 // it is the depth that takes stack, and the length that takes time
	}
	wasm := hugeFunction(depth, length)
	for name, strategy := range map[string]Strategy{"cranelift": StrategyCranelift, "winch": StrategyWinch} {
		t.Run(name, func(t *testing.T) {
			if strategy == StrategyWinch {
				needsWinch(t)
			}
			config := NewConfig()
			config.SetStrategy(strategy)
			engine := Must(TryNewEngine(config))
			store := NewStore(engine)
			instance := Must(NewInstance(store, Must(NewModule(engine, wasm)), nil))
			result := Must(instance.GetFunc(store, "f").Call(store, int32(3)))
			Equal(t, "the sum", result, any(hugeResult(depth, length, 3)))
		})
	}
}
