package component

import "testing"

func TestCompatible(t *testing.T) {
	for name, want := range map[string]string{
		"x": "", "a:b/c": "", "a:b/c@1.1.2": "a:b/c@1", "a:b/c@10.20.30": "a:b/c@10", "a:b/c@0.1.0": "a:b/c@0.1",
		"a:b/c@0.12.3+build.1": "a:b/c@0.12", "a:b/c@0.0.1": "", "a:b/c@0.1.0-rc.2": "", "a:b/c@1": "", "a:b/c@1.2": "",
		"a:b/c@1.2.3.4": "", "a:b/c@01.2.3": "", "a:b/c@1.2.x": "", "a:b/c@": "", "a:b/c@1.2.3+": "", "a:b/c@1.2.3+a_b": "",
		"a:b/c@99999999999999999999.0.0": "",
	} {
		if got, _, ok := compatible(name); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v, want %q", name, got, ok, want)
		}
	}
}

func TestByName(t *testing.T) {
	var names byName[int]
	for i, name := range []string{"a@1.2.0", "a@1.10.0", "a@1.3.0", "a@0.1.1", "b", "a@2.0.0-rc"} {
		names.set(name, i)
	}
	for name, want := range map[string]int{
		"a@1.2.0": 0, "a@1.0.0": 1, "a@1.99.0": 1, "a@1.3.0": 2, "a@0.1.9": 3, "b": 4, "a@2.0.0-rc": 5,
		"a@2.0.0": -1, "a@0.2.0": -1, "a": -1, "c": -1,
	} {
		got, ok := names.get(name)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
	names.set("a@1.2.0", 7)
	if got, _ := names.get("a@1.2.0"); got != 7 {
		t.Error(got)
	}
	if got, _ := names.get("a@1.0.0"); got != 1 {
		t.Error(got)
	}
}
