package ffi

import (
	"strings"
	"testing"
)

func TestCompareVersions(t *testing.T) {
	for _, c := range []struct {
		binding, headers, library int
		names                     []string
	}{
		{1, 1, 1, nil},
		{2, 1, 2, []string{"interface 2", "include/ have 1", "libwasmtime has 2"}},
		{2, 2, 3, []string{"interface 2", "include/ have 2", "libwasmtime has 3"}},
		{1, 2, 2, []string{"interface 1", "include/ have 2", "libwasmtime has 2"}},
	} {
		err := compareVersions(c.binding, c.headers, c.library)
		if (err == nil) != (c.names == nil) {
			t.Errorf("%+v: %v", c, err)
		}
		for _, name := range c.names {
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%v does not say %q", err, name)
			}
		}
	}
	if err := CheckVersion(); err != nil {
		t.Error(err)
	}
	if !strings.HasPrefix(LibraryVersion(), "48.0.") {
		t.Error(LibraryVersion())
	}
}
