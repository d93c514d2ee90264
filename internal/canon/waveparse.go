package canon

import "strings"

// waveKind is what a part of a text looks like. What it is depends on the type.
type waveKind uint8

const (
	waveBool    waveKind = iota // true, false
	waveNumber                  // also inf, -inf and nan
	waveChar                    // 'x'
	waveString                  // "x"
	waveTuple                   // (x, y)
	waveList                    // [x, y]
	waveEntries                 // {k: x}, {:}: a record or a map
	waveEmpty                   // {}: flags or a map
	waveFlags                   // {x, y}
	waveLabel                   // x
	waveCase                    // x(y)
	waveSome                    // some(x)
	waveNone                    // none
	waveOk                      // ok, ok(x)
	waveErr                     // err, err(x)
)

// waveNode is a value, as its text is written.
type waveNode struct {
	kind waveKind
	at   int
	text string // of what has no parts; the name of a case
	// parts are elements, keys and values in turn, or a payload.
	parts []waveNode
}

// value reads a value.
func (p *waveParser) value() (n waveNode) {
	if p.depth++; p.depth > maxWaveDepth {
		p.fail(p.at, "the value is nested too deeply")
	}
	defer func() { p.depth-- }()
	n.at, n.text = p.at, p.text
	kind := p.kind
	if kind == tokenEnd {
		p.unexpected("a value")
		return n
	}
	switch kind {
	case tokenNumber:
		n.kind = waveNumber
	case tokenChar:
		n.kind = waveChar
	case tokenString:
		n.kind = waveString
	case tokenLabel:
		return p.word()
	case '(':
		p.next()
		n.kind, n.parts = waveTuple, p.sequence(')')
		if len(n.parts) == 0 {
			p.fail(n.at, "a tuple of nothing")
		}
		return n
	case '[':
		p.next()
		n.kind, n.parts = waveList, p.sequence(']')
		return n
	case '{':
		p.next()
		return p.braces(n.at)
	default:
		p.unexpected("a value")
		return n
	}
	p.next()
	return n
}

// sequence reads values up to a closing token.
func (p *waveParser) sequence(end byte) (parts []waveNode) {
	for p.kind != end {
		parts = append(parts, p.value())
		if p.err != nil {
			return nil
		}
		if p.kind != ',' {
			break
		}
		p.next()
	}
	p.expect(end)
	return parts
}

// word reads what begins with a keyword or a name.
func (p *waveParser) word() waveNode {
	n := waveNode{kind: waveLabel, at: p.at, text: p.text}
	must := false // a payload
	switch p.text {
	case "true", "false":
		n.kind = waveBool
	case "inf", "nan":
		n.kind = waveNumber
	case "none":
		n.kind = waveNone
	case "some":
		n.kind, must = waveSome, true
	case "ok":
		n.kind = waveOk
	case "err":
		n.kind = waveErr
	default:
		n.text = strings.TrimPrefix(n.text, "%")
	}
	p.next()
	switch n.kind {
	case waveBool, waveNumber, waveNone:
		return n
	}
	if p.kind == '(' || must {
		p.expect('(')
		n.parts = []waveNode{p.value()}
		p.expect(')')
		if n.kind == waveLabel {
			n.kind = waveCase
		}
	}
	return n
}

// braces reads a record, a map or flags behind the opening brace.
func (p *waveParser) braces(at int) waveNode {
	n := waveNode{kind: waveEmpty, at: at}
	switch p.kind {
	case '}':
		p.next()
		return n
	case ':':
		n.kind = waveEntries
		p.next()
		p.expect('}')
		return n
	}
	for p.kind != '}' {
		key := p.key()
		switch {
		case n.kind != waveFlags && p.kind == ':':
			n.kind = waveEntries
			p.next()
			n.parts = append(n.parts, key, p.value())
		case n.kind != waveEntries && key.kind == waveLabel:
			n.kind = waveFlags
			n.parts = append(n.parts, key)
		default:
			p.expect(':')
		}
		if p.err != nil {
			return n
		}
		if p.kind != ',' {
			break
		}
		p.next()
	}
	p.expect('}')
	return n
}

// key reads the name of a field or a flag, or the key of a map. Keywords are names here; the text of a name still has
// its percent sign.
func (p *waveParser) key() waveNode {
	n := waveNode{at: p.at, text: p.text}
	switch p.kind {
	case tokenLabel:
		n.kind = waveLabel
	case tokenNumber:
		n.kind = waveNumber
	case tokenChar:
		n.kind = waveChar
	case tokenString:
		n.kind = waveString
	default:
		p.unexpected("a name or a key")
		return n
	}
	p.next()
	return n
}
