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
