package clip_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gowasmtime/wasmtime/internal/clip"
)

func TestText(t *testing.T) {
	for _, test := range []struct {
		text    string
		most    int
		want    string
		omitted int
	}{
		{"", 0, "", 0}, {"abc", 3, "abc", 0}, {"abc", 2, "ab", 1}, {"abc", 0, "", 3}, {"abc", -1, "", 3},
		{"aä", 2, "a", 2}, {"aä", 3, "aä", 0}, {"a𝄞b", 4, "a", 5}, {"a𝄞b", 5, "a𝄞", 1},
		{"a\xff\xfeb", 9, "a?b", 0}, {strings.Repeat("\x80", 8), 5, "?", 6},
	} {
		got, omitted := clip.Text(test.text, test.most)
		if got != test.want || omitted != test.omitted {
			t.Errorf("%q, %d: got %q without %d, want %q without %d", test.text, test.most, got, omitted, test.want, test.omitted)
		}
		if !utf8.ValidString(got) || len(got) > max(test.most, 0) {
			t.Errorf("%q, %d: got %q", test.text, test.most, got)
		}
	}
	if got := clip.Error(errors.New(strings.Repeat("é", 1<<20))); len(got) != 4096 || !utf8.ValidString(got) {
		t.Errorf("an error has %d bytes", len(got))
	}
}
