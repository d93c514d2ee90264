package wasmtime_test

import (
	"fmt"
	"math"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestTable(t *testing.T) {
	store, instance := Guest(t, `(module (table $t (export "t") 2 4 funcref) (elem (i32.const 0) func $f)
		(func $f (result i32) (i32.const 5))
		(func (export "call") (param i32) (result i32) (call_indirect (result i32) (local.get 0))))`)
	table := instance.GetExport(store, "t").Table()
	Equal(t, "type", describe(table.Type(store).AsExternType()), "table funcref 2 true4")
	Equal(t, "size", table.Size(store), 2)
	f := Must(table.Get(store, 0)).Funcref()
	Equal(t, "element", Must(f.Call(store)), any(int32(5)))
	Equal(t, "null", Must(table.Get(store, 1)), ValFuncref(nil))
	Check(t, table.Set(store, 1, ValFuncref(WrapFunc(store, func() int32 { return 6 }))))
	Equal(t, "called by the guest", Call(t, store, instance, "call", 1), any(int32(6)))
	Equal(t, "grow", Must(table.Grow(store, 1, ValFuncref(f))), 2)
	Equal(t, "called", Call(t, store, instance, "call", 2), any(int32(5)))
	Equal(t, "grow by 0", Must(table.Grow(store, 0, ValFuncref(nil))), 3)
	for _, delta := range []uint64{2, 1 << 32, math.MaxUint64} {
		got, err := table.Grow(store, delta, ValFuncref(nil))
		WantText(t, err, "failed to grow table")
		Equal(t, "grown", got, 0)
	}
	for _, index := range []uint64{3, 1 << 32, math.MaxUint64} {
		if _, err := table.Get(store, index); err == nil || err.Error() != "index out of bounds" {
			t.Errorf("Get(%d): %v", index, err)
		}
		if _, ok := table.Set(store, index, ValFuncref(nil)).(*Error); !ok {
			t.Errorf("Set(%d) is no error", index)
		}
	}
	other := NewStore(store.Engine)
	foreign := ValFuncref(WrapFunc(other, func() {}))
	for name, err := range map[string]error{
		"wrong type":   table.Set(store, 0, ValExternref("x")),
		"number":       table.Set(store, 0, ValI32(1)),
		"grow wrong":   ErrorOf(table.Grow(store, 1, ValExternref("x"))),
		"grow number":  ErrorOf(table.Grow(store, 1, ValF64(1))),
		"foreign":      table.Set(store, 0, foreign),
		"grow foreign": ErrorOf(table.Grow(store, 1, foreign)),
		"other store":  table.Set(other, 0, ValFuncref(nil)),
		"get there":    ErrorOf(table.Get(other, 0)),
		"grow there":   ErrorOf(table.Grow(other, 1, ValFuncref(nil))),
	} {
		if _, ok := err.(*Error); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	WantPanic(t, "Size", ErrWrongStore.Error(), func() { table.Size(other) })
	Equal(t, "after the errors", Call(t, store, instance, "call", 0), any(int32(5)))
}

func TestNewTable(t *testing.T) {
	store := NewStore(NewEngine())
	ty := NewTableType(NewValType(KindExternref), 3, true, 5)
	table := Must(NewTable(store, ty, ValExternref("init")))
	for i := range uint64(3) {
		Equal(t, "initial", Must(table.Get(store, i)).Externref(), any("init"))
	}
	Check(t, table.Set(store, 1, ValExternref(2)))
	Check(t, table.Set(store, 2, ValExternref(nil)))
	Equal(t, "set", fmt.Sprint(Must(table.Get(store, 0)).Get(), Must(table.Get(store, 1)).Get(), Must(table.Get(store, 2)).Get()), "init2 <nil>")
	other := NewStore(store.Engine)
	for name, err := range map[string]error{
		"wrong init":   ErrorOf(NewTable(store, ty, ValFuncref(nil))),
		"number":       ErrorOf(NewTable(store, ty, ValI32(0))),
		"of numbers":   ErrorOf(NewTable(store, NewTableType(NewValType(KindI32), 1, false, 0), ValI32(0))),
		"foreign":      ErrorOf(NewTable(store, NewTableType(NewValType(KindFuncref), 1, false, 0), ValFuncref(WrapFunc(other, func() {})))),
		"max and min":  ErrorOf(NewTable(store, NewTableType(NewValType(KindFuncref), 3, true, 2), ValFuncref(nil))),
		"much too big": ErrorOf(NewTable(store, NewTableType(NewValType(KindFuncref), math.MaxUint32, false, 0), ValFuncref(nil))),
	} {
		if _, ok := err.(*Error); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// References of the GC proposal have no Go value yet; they are refused and break nothing.
func TestOtherReferences(t *testing.T) {
	if !Survives(t) {
		return
	}
	store, instance := Guest(t, `(module (type $s (struct (field i32)))
		(table (export "t") 1 anyref) (global (export "g") (mut anyref) (ref.null any)) (global (export "i") (mut i31ref) (ref.i31 (i32.const 3)))
		(func (export "get") (result anyref) (struct.new $s (i32.const 1))) (func (export "put") (param anyref))
		(func (export "null") (result anyref) (ref.null any))
		(func (export "extern") (result externref) (extern.convert_any (struct.new $s (i32.const 1))))
		(func (export "typed") (param (ref $s)) (result (ref null $s)) (local.get 0))
		(func (export "ok") (result i32) (i32.const 1)))`)
	refused := func(name string, use func() error) {
		t.Helper()
		defer func() { recover() }()
		if err := use(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, name := range []string{"get", "null"} {
		refused(name, func() error { return ErrorOf(instance.GetFunc(store, name).Call(store)) })
	}
	refused("put", func() error { return ErrorOf(instance.GetFunc(store, "put").Call(store, "x")) })
	refused("put nil", func() error { return ErrorOf(instance.GetFunc(store, "put").Call(store, nil)) })
	refused("typed", func() error { return ErrorOf(instance.GetFunc(store, "typed").Call(store, nil)) })
	refused("table", func() error { return ErrorOf(instance.GetExport(store, "t").Table().Get(store, 0)) })
	refused("table", func() error { return instance.GetExport(store, "t").Table().Set(store, 0, ValExternref("x")) })
	refused("global", func() error { instance.GetExport(store, "g").Global().Get(store); return nil })
	refused("i31", func() error { instance.GetExport(store, "i").Global().Get(store); return nil })
	refused("global", func() error { return instance.GetExport(store, "g").Global().Set(store, ValExternref("x")) })
	refused("typed function", func() error { return ErrorOf(Bind0[int32](store, instance.GetFunc(store, "get"))) })
	refused("raw function", func() error { return ErrorOf(BindRaw(store, instance.GetFunc(store, "get"))) })
	if got, err := instance.GetFunc(store, "extern").Call(store); err == nil && got != nil {
		t.Errorf("a converted struct is %v", got)
	}
	host := instance.GetFunc(store, "put").Type(store)
	refused("host function", func() error {
		f := NewFunc(store, host, func(*Caller, []Val) ([]Val, *Trap) { return nil, nil })
		return ErrorOf(f.Call(store, nil))
	})
	refused("host table", func() error {
		return ErrorOf(NewTable(store, instance.GetExport(store, "t").Table().Type(store), ValExternref(nil)))
	})
	Equal(t, "afterwards", Call(t, store, instance, "ok"), any(int32(1)))
}
