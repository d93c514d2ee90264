package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// released is a checkout that ci/release has nothing against. What "cargo xtask check" stands for here is a program
// that looks for a file.
var released = map[string]string{
	"go.mod":                           "module example.org/m\n",
	"CHANGELOG.md":                     "# Changelog\n\n## 0.2.0 (today)\n\n- New.\n\n## 0.1.0\n\n- Old.\n",
	"build/linux-x86_64/libwasmtime.a": "archive",
	"rust/.cargo/config.toml":          "[alias]\nxtask = \"run --quiet --\"\n",
	"rust/Cargo.toml":                  "[workspace]\n\n[workspace.package]\nversion = \"0.2.0\"\n\n[package]\nname = \"xtask\"\nversion = \"9.9.9\"\n",
	"rust/src/main.rs":                 "fn main() {\n    let release = std::env::args().skip(1).collect::<Vec<_>>() == [\"check\", \"--release\"];\n    assert!(release && !std::path::Path::new(\"../stale\").exists(), \"an archive is stale\");\n}\n",
	"rust/Cargo.lock":                  "version = 4\n\n[[package]]\nname = \"xtask\"\nversion = \"9.9.9\"\n",
	".gitignore":                       "/rust/target/\n",
}

func TestReleaseRefuses(t *testing.T) {
	tests := []struct {
		name, version string
		change        map[string]string
		uncommitted   string
		want          []string
	}{
		{name: "no version", version: "", want: []string{"ci/release v0.2.0"}},
		{name: "no version of Go's", version: "0.2.0", want: []string{"ci/release v0.2.0"}},
		{name: "dirty", version: "v0.2.0", uncommitted: "m.go", want: []string{"not committed"}},
		{name: "no section", version: "v0.2.0", change: map[string]string{"CHANGELOG.md": "## Unreleased\n\n- New.\n"}, want: []string{"no section '## 0.2.0'"}},
		{name: "empty section", version: "v0.2.0", change: map[string]string{"CHANGELOG.md": "## 0.2.0\n\n## 0.1.0\n\n- Old.\n"}, want: []string{"no section '## 0.2.0'"}},
		{name: "another version", version: "v0.1.0", want: []string{"rust/Cargo.toml has version 0.2.0"}},
		{name: "all at once", version: "v0.3.0", uncommitted: "m.go", want: []string{"not committed", "no section '## 0.3.0'", "has version 0.2.0"}},
		{name: "tag of another commit", version: "v0.2.0", change: map[string]string{"tag": "v0.2.0"}, want: []string{"v0.2.0 is the tag of another commit"}},
		{name: "stale", version: "v0.2.0", change: map[string]string{"stale": ""}, want: []string{"an archive is stale", "does not agree"}},
	}
	script := read(t, "../release")
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := map[string]string{"ci/release": script}
			for _, from := range []map[string]string{released, test.change} {
				for name, content := range from {
					files[name] = content
				}
			}
			root := checkout(t, files)
			commit := func() {
				run(t, root, "git", "-c", "user.name=ci", "-c", "user.email=ci@localhost", "-c", "commit.gpgsign=false", "commit", "-q", "--allow-empty", "-m", "x")
			}
			commit()
			if tag := test.change["tag"]; tag != "" {
				run(t, root, "git", "tag", tag)
				commit()
			}
			if test.uncommitted != "" {
				if err := os.WriteFile(filepath.Join(root, test.uncommitted), nil, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command("bash", "ci/release", test.version)
			cmd.Dir = root
			cmd.Env = append(os.Environ(), "CARGO_TARGET_DIR="+filepath.Join(t.TempDir(), "target"))
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Errorf("nothing was refused:\n%s", out)
			}
			for _, want := range test.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("not said: %s\n%s", want, out)
				}
			}
			if _, err := os.Stat(filepath.Join(root, "dist")); err == nil {
				t.Error("dist/ was written nevertheless")
			}
		})
	}
}
