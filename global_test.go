package wasmtime_test

import (
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestGlobal(t *testing.T) {
	store := NewStore(NewEngine())
	f := WrapFunc(store, func() int32 { return 3 })
	for _, c := range []struct{ first, second, wrong Val }{
		{ValI32(1), ValI32(-1), ValI64(1)}, {ValI64(1), ValI64(-1), ValI32(1)}, {ValF32(1), ValF32(2.5), ValF64(1)},
		{ValF64(1), ValF64(2.5), ValF32(1)}, {ValV128(V128{1}), ValV128(V128{15: 2}), ValI32(1)},
		{ValExternref("a"), ValExternref(nil), ValFuncref(nil)}, {ValFuncref(nil), ValFuncref(nil), ValExternref(nil)},
	} {
		ty := NewGlobalType(NewValType(c.first.Kind()), true)
		g, err := NewGlobal(store, ty, c.first)
		Check(t, err)
		Equal(t, "first", g.Get(store), c.first)
		Check(t, g.Set(store, c.second))
		Equal(t, "second", g.Get(store), c.second)
		WantText(t, g.Set(store, c.wrong), "wrong type")
		Equal(t, "after an error", g.Get(store), c.second)
		Equal(t, "type", g.Type(store).Content().Kind(), c.first.Kind())
		Equal(t, "mutable", g.Type(store).Mutable(), true)
		_, err = NewGlobal(store, ty, c.wrong)
		WantText(t, err, "type mismatch")
		constant := Must(NewGlobal(store, NewGlobalType(NewValType(c.first.Kind()), false), c.first))
		WantText(t, constant.Set(store, c.second), "immutable global cannot be set")
	}
	g := Must(NewGlobal(store, NewGlobalType(NewValType(KindFuncref), true), ValFuncref(f)))
	Equal(t, "function", Must(g.Get(store).Funcref().Call(store)), any(int32(3)))

	other := NewStore(store.Engine)
	WantIs(t, g.Set(other, ValFuncref(nil)), ErrWrongStore)
	WantIs(t, g.Set(store, ValFuncref(WrapFunc(other, func() {}))), ErrWrongStore)
	_, err := NewGlobal(other, NewGlobalType(NewValType(KindFuncref), true), ValFuncref(f))
	WantIs(t, err, ErrWrongStore)
	WantPanic(t, "Get", ErrWrongStore.Error(), func() { g.Get(other) })
	WantPanic(t, "Type", ErrWrongStore.Error(), func() { g.Type(other) })
}

func TestGlobalOfGuest(t *testing.T) {
	store, instance := Guest(t, `(module (global $g (export "g") (mut i32) (i32.const 100)) (global (export "c") i64 (i64.const 5))
		(func (export "inc") (global.set $g (i32.add (global.get $g) (i32.const 1)))))`)
	g := instance.GetExport(store, "g").Global()
	Check(t, g.Set(store, ValI32(7)))
	Call(t, store, instance, "inc")
	Equal(t, "g", g.Get(store), ValI32(8))
	Equal(t, "c", instance.GetExport(store, "c").Global().Get(store), ValI64(5))
}
