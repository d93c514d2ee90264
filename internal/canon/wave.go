package canon

import (
	"unsafe"
)

// ParseWave reads WAVE text as a value of a type, and returns it as [Planner.DecodeAny] would. The error is a
// [*ValueError] that says at which byte what is wrong. A resource has no text.
func (p *Planner) ParseWave(t *Type, text string) (any, error) {
	parser := newWaveParser(text, 0)
	node := parser.value()
	parser.end()
	if parser.err != nil {
		return nil, parser.err
	}
	return p.waveValue(t, &node)
}

// waveValue makes a value of what was read: by a message, so that there is one place that knows how values lie.
func (p *Planner) waveValue(t *Type, node *waveNode) (any, error) {
	if err := hasText(t); err != nil {
		return nil, err
	}
	m := newLocalMessage()
	at, err := m.Block(t.Size, t.Align)
	if err == nil {
		err = m.putWave(at, t, node)
	}
	if err != nil {
		return nil, err
	}
	var v View
	v.Reset(m.Bytes())
	return p.DecodeAny(&v, at, t)
}

// FormatWave returns a value that could be encoded as a type as WAVE text. A resource has no text.
func (p *Planner) FormatWave(t *Type, value any) (string, error) {
	if err := hasText(t); err != nil {
		return "", err
	}
	m := newLocalMessage()
	at, err := m.Block(t.Size, t.Align)
	if err == nil {
		err = p.EncodeAny(m, at, t, value)
	}
	if err != nil {
		return "", err
	}
	var v View
	v.Reset(m.Bytes())
	return v.FormatWave(at, t)
}

// FormatWave returns the value of a type at an offset as WAVE text. A resource has no text.
func (v *View) FormatWave(at uint32, t *Type) (string, error) {
	if err := hasText(t); err != nil {
		return "", err
	}
	if err := v.use(at, t); err != nil {
		return "", err
	}
	text, err := v.appendWave(nil, at, t)
	return string(text), err
}

// hasText refuses types whose values cannot be written.
func hasText(t *Type) error {
	switch {
	case t.handles:
		return invalid("a resource has no text: %s", t.short())
	case t.unsupported != nil:
		return invalid("%s has no text", t.unsupported.short())
	}
	return nil
}

// newLocalMessage returns an empty message in Go's memory.
func newLocalMessage() *Message {
	m := &Message{}
	m.Grow = func(_ *Message, n int) []byte {
		memory := make([]uint64, (n+7)/8)
		bytes := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(memory))), len(memory)*8)
		copy(bytes, m.Bytes())
		return bytes
	}
	return m
}

// CallArgs are the arguments of a call as WAVE text: {x: 1}, some("a").
type CallArgs struct{ args []waveNode }

// ParseArgs reads what stands between the parentheses of a call. Whether it fits is found by [Planner.Args].
func ParseArgs(text string) (*CallArgs, error) {
	parser := newWaveParser(text, 0)
	call := &CallArgs{}
	for parser.kind != tokenEnd {
		call.args = append(call.args, parser.value())
		if parser.kind != ',' {
			break
		}
		parser.next()
	}
	parser.end()
	return call, parser.err
}

// Args returns the arguments of a call as [Planner.DecodeAny] returns values. Options at the end may be left out.
func (p *Planner) Args(call *CallArgs, f *Func) ([]any, error) {
	if len(call.args) > len(f.Params) {
		return nil, invalid("too many arguments, %d for %s", len(call.args), f)
	}
	args := make([]any, len(f.Params))
	for i := range f.Params {
		node := &waveNode{kind: waveNone}
		if i < len(call.args) {
			node = &call.args[i]
		} else if f.Params[i].Type.Kind != Option {
			return nil, In(f.step(i), invalid("the argument is missing"))
		}
		value, err := p.waveValue(f.Params[i].Type, node)
		if err != nil {
			return nil, In(f.step(i), err)
		}
		args[i] = value
	}
	return args, nil
}
