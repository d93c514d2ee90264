package wasmtime

import (
	"slices"
	"sync"
)

// moduleTypes holds a module's imports and exports once they have been asked for.
type moduleTypes struct {
	once   sync.Once
	in     []*ImportType
	out    []*ExportType
	failed *Error
}

// of reads the types of the module that the receiver is part of.
func (t *moduleTypes) of(m *Module) *moduleTypes {
	native := m.handle.acquire()
	defer m.handle.release()
	t.once.Do(func() {
		encoded, err := native.Types()
		if !err.IsNil() {
			t.failed = newError(err)
			return
		}
		r := typeReader{encoded}
		t.in = make([]*ImportType, r.u32())
		for i := range t.in {
			t.in[i] = &ImportType{r.str(), r.str(), r.external()}
		}
		t.out = make([]*ExportType, r.u32())
		for i := range t.out {
			t.out[i] = &ExportType{r.str(), r.external()}
		}
	})
	if t.failed != nil {
		panic(t.failed)
	}
	return t
}

func (t *moduleTypes) imports() []*ImportType { return slices.Clone(t.in) }

func (t *moduleTypes) exports() []*ExportType { return slices.Clone(t.out) }
