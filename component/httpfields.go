package component

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// headerError is the variant header-error of wasi:http/types.
type headerError Variant

// Error writes the case.
func (e headerError) Error() string { return e.Case }

var (
	errFieldSyntax    = headerError{Case: "invalid-syntax"}
	errFieldForbidden = headerError{Case: "forbidden"}
	errFieldImmutable = headerError{Case: "immutable"}
)

// errFieldSize ends a guest whose messages take too much.
var errFieldSize = errors.New("the messages that the guest has made take more than they may (HTTPFieldSize)")

// fields is the resource fields: names in lower case and their values, in the order in which they came; those of one
// name follow each other.
type fields struct {
	list []field
	// size is what they count for, of which there may be limit; 0 for fields that do not change any more.
	size, limit int
	// of is the store of the guest that has made them, which counts them, too; nil for those that came from outside.
	of *httpStore
}

type field struct{ name, value string }

// What a name and a value count for besides their bytes, as upstream's do, so that empty ones are not free.
const (
	nameCost  = 32
	valueCost = 40
)

// forbiddenFields are those that are the host's business, and that guests neither see nor set.
var forbiddenFields = map[string]bool{
	"connection": true, "keep-alive": true, "proxy-authenticate": true, "proxy-authorization": true,
	"proxy-connection": true, "transfer-encoding": true, "upgrade": true, "host": true, "http2-settings": true,
}

// fieldsOf makes fields of a header, which guests cannot change.
func fieldsOf(h http.Header) *fields {
	f := &fields{list: make([]field, 0, len(h))}
	for name, values := range h {
		lower := strings.ToLower(name)
		if forbiddenFields[lower] || strings.HasPrefix(name, http.TrailerPrefix) {
			continue
		}
		if lower == "content-length" && len(values) > 1 { // which HTTP/2 lets pass, for a guest that hands them on
			values = values[:1]
		}
		for _, value := range values {
			f.list = append(f.list, field{lower, value})
		}
	}
	slices.SortStableFunc(f.list, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return f
}

// copyTo adds the fields to a header, with something before each name.
func (f *fields) copyTo(h http.Header, prefix string) {
	for _, each := range f.list {
		name := prefix + http.CanonicalHeaderKey(each.name)
		h[name] = append(h[name], each.value)
	}
}

// notTrailers are fields that are for those who read a message from its beginning: at its end they are not sent, so
// that nobody takes them for what was said there. They are those of upstream's HTTP library.
var notTrailers = map[string]bool{
	"authorization": true, "cache-control": true, "content-encoding": true, "content-length": true, "content-range": true,
	"content-type": true, "max-forwards": true, "set-cookie": true, "te": true, "trailer": true,
}

// trailers returns the fields that may be sent after a body.
func (f *fields) trailers() *fields {
	t := &fields{}
	for _, each := range f.list {
		if !notTrailers[each.name] {
			t.list = append(t.list, each)
		}
	}
	return t
}

// freeze makes the fields ones that do not change any more.
func (f *fields) freeze() { f.limit = 0 }

// shown returns the fields as ones that do not change, for a guest that asks what a message has.
func (f *fields) shown() *fields { return &fields{list: f.list} }

// clone copies the fields, as ones that can be changed.
func (f *fields) clone(of *httpStore) (*fields, error) {
	c := of.newFields()
	if err := c.resize(f.cost()); err != nil {
		return nil, err
	}
	c.list = slices.Clone(f.list)
	return c, nil
}

// Close forgets what the fields count for: the guest has dropped them.
func (f *fields) Close() {
	if f.of != nil {
		f.of.take(-f.size)
		f.of = nil
	}
}

// cost counts what the fields take. Those that came from outside have not been counted.
func (f *fields) cost() (size int) {
	for i, each := range f.list {
		if i == 0 || f.list[i-1].name != each.name {
			size += len(each.name) + nameCost
		}
		size += len(each.value) + valueCost
	}
	return size
}

// span finds the values of a name.
func (f *fields) span(name string) (from, to int) {
	from = slices.IndexFunc(f.list, func(each field) bool { return each.name == name })
	if from < 0 {
		return len(f.list), len(f.list)
	}
	to = from
	for to < len(f.list) && f.list[to].name == name {
		to++
	}
	return from, to
}

// first returns the first value of a name.
func (f *fields) first(name string) (value string, ok bool) {
	if from, to := f.span(name); from < to {
		return f.list[from].value, true
	}
	return "", false
}

// change finds out whether a name can be changed, and returns it in lower case.
func (f *fields) change(name string) (string, error) {
	lower, ok := fieldName(name)
	switch {
	case !ok:
		return "", errFieldSyntax
	case forbiddenFields[lower]:
		return "", errFieldForbidden
	case f.limit == 0:
		return "", errFieldImmutable
	}
	return lower, nil
}

// resize makes the fields count for so much.
func (f *fields) resize(size int) error {
	if size > f.size && size > f.limit || !f.of.take(size-f.size) {
		return errorf(errFieldSize, "%v", errFieldSize)
	}
	f.size = size
	return nil
}

// append adds a value.
func (f *fields) append(name string, value []byte) error {
	name, err := f.change(name)
	if err != nil {
		return err
	}
	text, ok := fieldValue(name, value)
	if !ok {
		return errFieldSyntax
	}
	from, to := f.span(name)
	cost := len(text) + valueCost
	if from == to {
		cost += len(name) + nameCost
	} else if name == "content-length" {
		return errFieldSyntax // who reads two of them may take either
	}
	if err := f.resize(f.size + cost); err != nil {
		return err
	}
	f.list = slices.Insert(f.list, to, field{name, text})
	return nil
}

// set replaces all values of a name.
func (f *fields) set(name string, values [][]byte) error {
	name, err := f.change(name)
	if err != nil {
		return err
	}
	if name == "content-length" && len(values) > 1 {
		return errFieldSyntax
	}
	cost, texts := 0, make([]field, len(values))
	for i, value := range values {
		text, ok := fieldValue(name, value)
		if !ok {
			return errFieldSyntax
		}
		texts[i] = field{name, text}
		cost += len(text) + valueCost
	}
	if len(texts) > 0 {
		cost += len(name) + nameCost
	}
	from, to := f.span(name)
	had := (&fields{list: f.list[from:to]}).cost()
	if err := f.resize(f.size + cost - had); err != nil {
		return err
	}
	f.list = slices.Replace(f.list, from, to, texts...)
	return nil
}

// delete removes all values of a name.
func (f *fields) delete(name string) error {
	name, err := f.change(name)
	if err != nil {
		return err
	}
	from, to := f.span(name)
	_ = f.resize(f.size - (&fields{list: f.list[from:to]}).cost()) // less is always possible
	f.list = slices.Delete(f.list, from, to)
	return nil
}

// contentLength returns the length that the fields say a body has, -1 if they do not.
func (f *fields) contentLength() int64 {
	value, ok := f.first("content-length")
	if !ok {
		return -1
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil { // what came from outside, or is beyond all measure
		return -1
	}
	return n
}

// isToken has a 1 for each byte that a name of a field, or a method, may have.
var isToken = func() (is [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		is[c] = true
	}
	return is
}()

func token(text string) bool {
	for i := range len(text) {
		if !isToken[text[i]] {
			return false
		}
	}
	return text != ""
}

// fieldName checks a name, and returns it in lower case.
func fieldName(name string) (lower string, ok bool) {
	const longest = 1<<16 - 1
	if len(name) > longest || !token(name) {
		return "", false
	}
	return strings.ToLower(name), true
}

// fieldValue checks a value of a field whose name is in lower case.
func fieldValue(name string, value []byte) (text string, ok bool) {
	if name == "content-length" {
		for _, c := range value {
			if c < '0' || c > '9' {
				return "", false
			}
		}
		n, err := strconv.ParseUint(string(value), 10, 64)
		return strconv.FormatUint(n, 10), err == nil
	}
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			return "", false
		}
	}
	return string(value), true
}

// get returns the values of a name.
func (f *fields) get(name string) (values [][]byte) {
	lower, _ := fieldName(name)
	from, to := f.span(lower)
	for _, each := range f.list[from:to] {
		values = append(values, []byte(each.value))
	}
	return values
}

// has tells whether there are values of a name.
func (f *fields) has(name string) bool {
	lower, _ := fieldName(name)
	from, to := f.span(lower)
	return from < to
}

// entries returns everything.
func (f *fields) entries() []Tuple2[string, []byte] {
	all := make([]Tuple2[string, []byte], len(f.list))
	for i, each := range f.list {
		all[i] = Tuple2[string, []byte]{each.name, []byte(each.value)}
	}
	return all
}
