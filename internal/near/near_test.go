package near_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime/internal/near"
)

func TestNames(t *testing.T) {
	long := strings.Repeat("a", 200)
	known := []string{"run", "compile", "inspect", "--max-memory-size", long, "ab"}
	for _, test := range []struct {
		name string
		want []string
	}{
		{"runn", []string{"run"}},
		{"rnu", []string{"run"}},
		{"complie", []string{"compile"}},
		{"--memory", []string{"--max-memory-size"}}, // contained
		{"RUN", []string{"run"}},
		{"spectrum", nil},
		{"", nil}, // all of ab would have to be written
		{"x", nil},
		{long, nil},
	} {
		if got := near.Names(test.name, known); !slices.Equal(got, test.want) {
			t.Errorf("%.20q: got %q, want %q", test.name, got, test.want)
		}
	}
	if got := near.Names("abcd", []string{"abce", "abcd1", "abcx2", "abcf", "abcg", "abcd"}); !slices.Equal(got,
		[]string{"abcd", "abce", "abcd1", "abcf"}) {
		t.Errorf("the nearest, in their order: %q", got)
	}
	many := append(slices.Repeat([]string{"z"}, 10_000), "run")
	if got := near.Names("run", many); got != nil {
		t.Errorf("it looked beyond the first: %q", got)
	}
}
