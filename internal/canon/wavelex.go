package canon

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxWaveDepth is how deep values may be nested in a text.
const maxWaveDepth = 100

// Kinds of tokens; the other ones are the character itself.
const (
	tokenEnd    = 'e'
	tokenNumber = '0'
	tokenLabel  = 'a'
	tokenChar   = '\''
	tokenString = '"'
)

// waveParser reads WAVE text. After an error, which it keeps, it is at the end of the text.
type waveParser struct {
	source string
	pos    int
	depth  int
	err    error

	// The token that was read last: its kind, where it begins, and its text, for chars and strings what they stand for.
	kind byte
	at   int
	text string
}

// newWaveParser begins to read a text at a byte.
func newWaveParser(text string, pos int) *waveParser {
	p := &waveParser{source: text, pos: pos}
	if !utf8.ValidString(text) {
		p.fail(0, "the text is not UTF-8")
	}
	p.next()
	return p
}

func (p *waveParser) fail(at int, format string, args ...any) {
	if p.err == nil {
		p.err = waveError(at, format, args...)
	}
	p.kind, p.pos = tokenEnd, len(p.source)
}

func waveError(at int, format string, args ...any) error {
	return invalid("at byte "+strconv.Itoa(at)+": "+format, args...)
}

// unexpected fails because of the token.
func (p *waveParser) unexpected(want string) {
	if p.kind == tokenEnd {
		p.fail(p.at, "the text ends, %s is missing", want)
		return
	}
	p.fail(p.at, "%.20q is not %s", p.source[p.at:p.pos], want)
}

// expect reads past a token of a kind.
func (p *waveParser) expect(kind byte) {
	if p.kind != kind {
		p.unexpected(strconv.QuoteRune(rune(kind)))
		return
	}
	p.next()
}

// end fails if there is more text.
func (p *waveParser) end() {
	if p.kind != tokenEnd {
		p.unexpected("the end")
	}
}

// next reads a token.
func (p *waveParser) next() {
	p.space()
	p.at = p.pos
	if p.err != nil || p.pos == len(p.source) {
		p.kind = tokenEnd
		return
	}
	rest := p.source[p.pos:]
	switch c := rest[0]; {
	case strings.IndexByte("{}()[]:,", c) >= 0:
		p.token(c, 1)
	case c == '-' || c >= '0' && c <= '9':
		p.number(rest)
	case c == '%' || isLetter(c):
		p.label(rest)
	case c == '\'':
		p.char(rest)
	case strings.HasPrefix(rest, `"""`):
		p.lines(rest)
	case c == '"':
		p.str(rest)
	default:
		r, _ := utf8.DecodeRuneInString(rest)
		p.fail(p.at, "%q begins no value", r)
	}
}

func (p *waveParser) token(kind byte, n int) {
	p.kind, p.text = kind, p.source[p.pos:p.pos+n]
	p.pos += n
}

// space skips white space and comments.
func (p *waveParser) space() {
	for p.pos < len(p.source) {
		rest := p.source[p.pos:]
		switch {
		case strings.IndexByte(" \t\n\r", rest[0]) >= 0:
			p.pos++
		case strings.HasPrefix(rest, "//"):
			line := strings.IndexByte(rest, '\n')
			if line < 0 {
				line = len(rest)
			}
			p.pos += line
		default:
			return
		}
	}
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// number reads -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?, or -inf.
func (p *waveParser) number(rest string) {
	n := 0
	digits := func() bool {
		start := n
		for n < len(rest) && isDigit(rest[n]) {
			n++
		}
		return n > start
	}
	has := func(set string) bool { return n < len(rest) && strings.IndexByte(set, rest[n]) >= 0 }
	if has("-") {
		n++
	}
	if n == 1 && strings.HasPrefix(rest, "-inf") {
		n = 4
	} else {
		start := n
		ok := digits() && (rest[start] != '0' || n == start+1)
		if ok && has(".") {
			n++
			ok = digits()
		}
		if ok && has("eE") {
			n++
			if has("+-") {
				n++
			}
			ok = digits()
		}
		if !ok {
			p.fail(p.at, "%.20q is no number", rest[:n])
			return
		}
	}
	if n < len(rest) && (isLetter(rest[n]) || isDigit(rest[n])) {
		p.fail(p.at, "%.20q is no number", rest[:n+1])
		return
	}
	p.token(tokenNumber, n)
}

// label reads a keyword or a name.
func (p *waveParser) label(rest string) {
	n := 0
	if rest[0] == '%' {
		n = 1
	}
	start := n
	for n < len(rest) && (isLetter(rest[n]) || isDigit(rest[n]) || rest[n] == '-') {
		n++
	}
	if !isLabel(rest[start:n]) {
		p.fail(p.at, "%.40q is no name", rest[:n])
		return
	}
	p.token(tokenLabel, n)
}

// isLabel tells whether a text is words of one case each, with hyphens between them, that begins with a letter.
func isLabel(text string) bool {
	if text == "" || !isLetter(text[0]) {
		return false
	}
	for word := range strings.SplitSeq(text, "-") {
		if word == "" || word != strings.ToLower(word) && word != strings.ToUpper(word) {
			return false
		}
	}
	return true
}

// char reads a character in quotes.
func (p *waveParser) char(rest string) {
	body := rest[1:]
	r, n := utf8.DecodeRuneInString(body)
	switch {
	case n == 0 || r == '\n' || r == '\'':
		p.fail(p.at, "a character is missing")
		return
	case r == '\\':
		if r, n = unescape(body); n == 0 {
			p.fail(p.at+1, "an unknown escape")
			return
		}
	}
	if !strings.HasPrefix(body[n:], "'") {
		p.fail(p.at, "one character and a quote are missing")
		return
	}
	p.token(tokenChar, n+2)
	p.text = string(r)
}

// str reads a string on one line.
func (p *waveParser) str(rest string) {
	n := 1
	for n < len(rest) && rest[n] != '"' && rest[n] != '\n' {
		if rest[n] == '\\' && n+1 < len(rest) {
			n++
		}
		n++
	}
	if n >= len(rest) || rest[n] != '"' {
		p.fail(p.at, "the string does not end on its line")
		return
	}
	if text, ok := p.unescaped(p.at+1, rest[1:n]); ok {
		p.token(tokenString, n+1)
		p.text = text
	}
}

// lines reads a string of several lines: the spaces before the closing quotes are left out on every line.
func (p *waveParser) lines(rest string) {
	n := strings.Index(rest[3:], `"""`)
	if n < 0 {
		p.fail(p.at, "the string does not end")
		return
	}
	lines := strings.Split(rest[3:3+n], "\n")
	indent := lines[len(lines)-1]
	if len(lines) < 2 || strings.TrimSuffix(lines[0], "\r") != "" {
		p.fail(p.at, `the string does not begin on the line behind """`)
		return
	}
	if strings.Trim(indent, " ") != "" {
		p.fail(p.at, `there is more than spaces before the closing """`)
		return
	}
	at := p.at + 3 + len(lines[0]) + 1
	var text strings.Builder
	for i, line := range lines[1 : len(lines)-1] {
		inner, ok := strings.CutPrefix(line, indent)
		if !ok {
			p.fail(at, `a line is indented less than the closing """`)
			return
		}
		inner, ok = p.unescaped(at+len(indent), strings.TrimSuffix(inner, "\r"))
		if !ok {
			return
		}
		if i > 0 {
			text.WriteByte('\n')
		}
		text.WriteString(inner)
		at += len(line) + 1
	}
	p.token(tokenString, n+6)
	p.text = text.String()
}

// unescaped returns what a text with escapes stands for.
func (p *waveParser) unescaped(at int, text string) (string, bool) {
	first := strings.IndexByte(text, '\\')
	if first < 0 {
		return text, true
	}
	var b strings.Builder
	for first >= 0 {
		b.WriteString(text[:first])
		r, n := unescape(text[first:])
		if n == 0 {
			p.fail(at+first, "an unknown escape")
			return "", false
		}
		b.WriteRune(r)
		at += first + n
		text = text[first+n:]
		first = strings.IndexByte(text, '\\')
	}
	b.WriteString(text)
	return b.String(), true
}

// unescape reads the escape that a text begins with, and returns how long it is, 0 if there is none.
func unescape(text string) (rune, int) {
	if len(text) < 2 {
		return 0, 0
	}
	switch text[1] {
	case '\\', '\'', '"':
		return rune(text[1]), 2
	case 't':
		return '\t', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 'u':
		digits, _, ok := strings.Cut(text[2:], "}")
		if !ok || len(digits) < 2 || len(digits) > 7 || digits[0] != '{' {
			return 0, 0
		}
		n, err := strconv.ParseUint(digits[1:], 16, 32)
		if err != nil || !isChar(uint32(n)) {
			return 0, 0
		}
		return rune(n), len(digits) + 3
	}
	return 0, 0
}
