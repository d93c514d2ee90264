package wast

import (
	"fmt"

	"github.com/gowasmtime/wasmtime"
)

// module is a core module.
type module struct{ *wasmtime.Module }

func (m module) instantiate(r *runner) (instance, error) {
	of, err := r.linker.InstantiateContext(r.ctx, r.store, m.Module)
	if err != nil {
		return nil, err
	}
	return coreInstance{of, m.Module}, nil
}

// coreInstance is an instance of a core module.
type coreInstance struct {
	*wasmtime.Instance
	module *wasmtime.Module
}

func (of coreInstance) define(r *runner, name string) error {
	return r.linker.DefineInstance(r.store, name, of.Instance)
}

func (of coreInstance) invoke(r *runner, field string, constants []constant) (outcome, error) {
	f := of.GetFunc(r.store, field)
	if f == nil {
		return outcome{}, fmt.Errorf("there is no exported function %q", field)
	}
	args := make([]any, len(constants))
	for i := range constants {
		var err error
		if args[i], err = constants[i].argument(); err != nil {
			return outcome{}, fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	result, err := f.CallContext(r.ctx, r.store, args...)
	if err != nil {
		return outcome{failed: err}, nil
	}
	return outcome{values: coreValues(f.Type(r.store).Results(), result)}, nil
}

func (of coreInstance) get(r *runner, field string) (outcome, error) {
	exported := of.GetExport(r.store, field)
	if exported == nil || exported.Global() == nil {
		return outcome{}, fmt.Errorf("there is no exported global %q", field)
	}
	return outcome{values: []value{coreValue{exported.Global().Get(r.store)}}}, nil
}

// coreValues are the results of a call, from the form in which it returns them.
func coreValues(types []*wasmtime.ValType, result any) []value {
	vals, several := result.([]wasmtime.Val)
	switch {
	case len(types) == 0:
		return nil
	case !several:
		vals = []wasmtime.Val{coreVal(types[0], result)}
	}
	values := make([]value, len(vals))
	for i, v := range vals {
		values[i] = coreValue{v}
	}
	return values
}

// coreVal is the only result of a call.
func coreVal(ty *wasmtime.ValType, result any) wasmtime.Val {
	switch v := result.(type) {
	case int32:
		return wasmtime.ValI32(v)
	case int64:
		return wasmtime.ValI64(v)
	case float32:
		return wasmtime.ValF32(v)
	case float64:
		return wasmtime.ValF64(v)
	case wasmtime.V128:
		return wasmtime.ValV128(v)
	case *wasmtime.Func:
		return wasmtime.ValFuncref(v)
	case nil:
		return wasmtime.ValNull(ty)
	}
	return wasmtime.ValExternref(result) // of this package's making: a uint32
}
