package canon_test

import (
	"encoding/binary"
	"math"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/gowasmtime/wasmtime/internal/canon"
)

type (
	Named struct {
		ID    uint32
		Score float64
		Name  string
	}
	Numbers struct{ A, B uint32 }
)

var (
	tNamed   = canon.ListType(record("id", tU32, "score", tF64, "name", tString))
	tPoints  = canon.ListType(tPoint)
	tNumbers = canon.TupleType(tU32, tU32)
)

func manyNamed() []Named {
	list := make([]Named, 1000)
	for i := range list {
		list[i] = Named{uint32(i), float64(i) / 2, "a name of 20 bytes.."}
	}
	return list
}

// frame is what a caller keeps for many calls: the memory of messages, of which the results are made.
type frame struct {
	m      *canon.Message
	v      canon.View
	memory []byte
}

func newFrame(capacity int, segmented bool) *frame {
	f := &frame{m: &canon.Message{}, memory: aligned(capacity)}
	f.m.Reset(f.memory, segmented)
	return f
}

// encoder and decoder are what a typed function does: the value stays on the stack of the caller.
func encodeTo[T any](f *frame, plan *canon.Plan, value T) error {
	f.m.Reset(f.memory, false)
	t := plan.Type()
	at, err := f.m.Block(t.Size, t.Align)
	if err != nil {
		return err
	}
	return plan.Encode(f.m, at, unsafe.Pointer(&value))
}

func decodeFrom[T any](f *frame, plan *canon.Plan) (value T, err error) {
	f.v.Reset(f.m.Bytes())
	err = plan.Decode(&f.v, 0, unsafe.Pointer(&value))
	return value, err
}

func plans[T any](tb testing.TB, wit *canon.Type) (encode, decode *canon.Plan) {
	tb.Helper()
	p := newPlanner()
	encode, err := p.Plan(reflect.TypeFor[T](), wit, canon.Encode)
	if err != nil {
		tb.Fatal(err)
	}
	if decode, err = p.Plan(reflect.TypeFor[T](), wit, canon.Decode); err != nil {
		tb.Fatal(err)
	}
	return encode, decode
}

// measure runs both halves of a value's way as benchmarks, beside the same work written by hand.
func measure[T any](b *testing.B, name string, wit *canon.Type, value T, put func(b []byte, v T) []byte, get func(b []byte) T) {
	enc, dec := plans[T](b, wit)
	f := newFrame(1<<20, false)
	b.Run(name+"/encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := encodeTo(f, enc, value); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run(name+"/encode by hand", func(b *testing.B) {
		b.ReportAllocs()
		memory := make([]byte, 0, 1<<20)
		for b.Loop() {
			put(memory[:0], value)
		}
	})
	if err := encodeTo(f, enc, value); err != nil {
		b.Fatal(err)
	}
	b.Run(name+"/decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := decodeFrom[T](f, dec); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run(name+"/decode by hand", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			get(f.m.Bytes())
		}
	})
}

var le = binary.LittleEndian

func BenchmarkCodec(b *testing.B) {
	measure(b, "u32f64string×1000", tNamed, manyNamed(), func(b []byte, v []Named) []byte {
		b = le.AppendUint32(le.AppendUint32(b, 8), uint32(len(v)))
		at := len(b)
		b = b[:at+24*len(v)]
		for _, n := range v {
			le.PutUint32(b[at:], n.ID)
			le.PutUint64(b[at+8:], math.Float64bits(n.Score))
			le.PutUint32(b[at+16:], uint32(len(b)))
			le.PutUint32(b[at+20:], uint32(len(n.Name)))
			b = append(b, n.Name...)
			at += 24
		}
		return b
	}, func(b []byte) []Named {
		ptr, n := le.Uint32(b), le.Uint32(b[4:])
		list := make([]Named, n)
		for i := range list {
			e := b[int(ptr)+24*i:]
			at, n := le.Uint32(e[16:]), le.Uint32(e[20:])
			list[i] = Named{le.Uint32(e), math.Float64frombits(le.Uint64(e[8:])), string(b[at : at+n])}
		}
		return list
	})
	points := make([]Point, 1000)
	measure(b, "u32f64×1000", tPoints, points, func(b []byte, v []Point) []byte {
		b = le.AppendUint32(le.AppendUint32(b, 8), uint32(len(v)))
		for _, p := range v {
			b = le.AppendUint64(le.AppendUint64(b, uint64(p.X)), math.Float64bits(p.Y))
		}
		return b
	}, func(b []byte) []Point {
		ptr, n := le.Uint32(b), le.Uint32(b[4:])
		list := make([]Point, n)
		for i := range list {
			e := b[int(ptr)+16*i:]
			list[i] = Point{le.Uint32(e), math.Float64frombits(le.Uint64(e[8:]))}
		}
		return list
	})
	measure(b, "string1KiB", tString, strings.Repeat("x", 1024), func(b []byte, v string) []byte {
		b = le.AppendUint32(le.AppendUint32(b, 8), uint32(len(v)))
		return append(b, v...)
	}, func(b []byte) string { return string(b[8:]) })
	measure(b, "u32u32", tNumbers, Numbers{1, 2}, func(b []byte, v Numbers) []byte {
		return le.AppendUint32(le.AppendUint32(b, v.A), v.B)
	}, func(b []byte) Numbers { return Numbers{le.Uint32(b), le.Uint32(b[4:])} })
	list := make([]uint32, 10_000)
	measure(b, "u32×10000", canon.ListType(tU32), list, func(b []byte, v []uint32) []byte {
		b = le.AppendUint32(le.AppendUint32(b, 8), uint32(len(v)))
		for _, n := range v {
			b = le.AppendUint32(b, n)
		}
		return b
	}, func(b []byte) []uint32 {
		ptr, n := le.Uint32(b), le.Uint32(b[4:])
		list := make([]uint32, n)
		for i := range list {
			list[i] = le.Uint32(b[int(ptr)+4*i:])
		}
		return list
	})
}

func BenchmarkAny(b *testing.B) {
	p := newPlanner()
	f := newFrame(1<<20, false)
	for name, test := range map[string]struct {
		wit   *canon.Type
		value any
	}{
		"u32":    {tU32, uint32(1)},
		"string": {tString, "abc"},
		"record": {tPoint, map[string]any{"x": uint32(1), "y": 2.0}},
		"struct": {tPoint, Point{1, 2}},
		"list":   {tPoints, make([]Point, 100)},
	} {
		b.Run(name+"/encode", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f.m.Reset(f.memory, false)
				at, _ := f.m.Block(test.wit.Size, test.wit.Align)
				if err := p.EncodeAny(f.m, at, test.wit, test.value); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/decode", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f.v.Reset(f.m.Bytes())
				if _, err := p.DecodeAny(&f.v, 0, test.wit); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
