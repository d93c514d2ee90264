package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// checkout makes a repository with a module in it. A file whose content is "-" is removed after git took it.
func checkout(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	run(t, root, "git", "init", "-q")
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	run(t, root, "git", "add", "--all")
	for name, content := range files {
		if content == "-" {
			if err := os.Remove(filepath.Join(root, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestUsersGetWhatGitTakes(t *testing.T) {
	root := checkout(t, map[string]string{
		"go.mod":             "module example.org/Mixed\n\ngo 1.26\n",
		"m.go":               "package m\n",
		"build/p/lib.a":      "archive",
		"removed.go":         "-",
		".gitignore":         "/ignored.a\n",
		"other/go.mod":       "module example.org/Mixed/other\n\ngo 1.26\n",
		"other/of_others.go": "package other\n",
	})
	for _, name := range []string{"ignored.a", "untracked.go"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte("package m\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	names, err := gitFiles(root)
	if err != nil {
		t.Fatal(err)
	}
	proxy := filepath.Join(t.TempDir(), "a proxy")
	packed, err := pack(proxy, "v0.1.0", root, names)
	if err != nil {
		t.Fatal(err)
	}
	sum := filepath.Join(t.TempDir(), "go.sum")
	if err := writeSum(sum, packed); err != nil {
		t.Fatal(err)
	}

	user := t.TempDir()
	t.Setenv("GOPROXY", proxyURL(proxy))
	t.Setenv("GOSUMDB", "off")
	t.Setenv("GOFLAGS", "-modcacherw")
	t.Setenv("GOMODCACHE", filepath.Join(t.TempDir(), "modules"))
	run(t, user, "go", "mod", "init", "example.org/user")
	run(t, user, "go", "get", "example.org/Mixed")
	if got, want := read(t, sum), read(t, filepath.Join(user, "go.sum")); got != want {
		t.Errorf("wrote %q, the go command %q", got, want)
	}
	dir := strings.TrimSpace(run(t, user, "go", "list", "-m", "-f", "{{.Dir}}", "example.org/Mixed"))
	if filepath.Base(dir) != "!mixed@v0.1.0" {
		t.Errorf("the module is in %s", dir)
	}
	var got []string
	if err := fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			got = append(got, path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	want := []string{".gitignore", "build/p/lib.a", "go.mod", "m.go", "untracked.go"}
	if !slices.Equal(got, want) {
		t.Errorf("users get %q, want %q", got, want)
	}
}

func TestLimitsOfTheGoCommand(t *testing.T) {
	tests := []struct {
		name, file string
		size       int64
		want       string
	}{
		{"module", "build/p/lib.a", 500<<20 + 1, "max size is 524288000 bytes"},
		{"license", "LICENSE", 16<<20 + 1, "LICENSE"},
		{"go.mod", "go.mod", 16<<20 + 1, "go.mod"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := checkout(t, map[string]string{"go.mod": "module example.org/m\n"})
			path := filepath.Join(root, test.file)
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
			file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666)
			if err != nil {
				t.Fatal(err)
			}
			if err := file.Truncate(test.size); err != nil { // a hole, which takes no room
				t.Fatal(err)
			}
			if err := file.Close(); err != nil {
				t.Fatal(err)
			}
			_, err = pack(t.TempDir(), "v0.1.0", root, []string{"go.mod", test.file})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestMadeUpArchivesDoNotCompress(t *testing.T) {
	root := checkout(t, map[string]string{"go.mod": "module example.org/m\n"})
	a, b := incompressible(1000, 5000), incompressible(1000, 5000)
	if bytes.Equal(a, b) {
		t.Error("two archives are the same")
	}
	if err := os.WriteFile(filepath.Join(root, "lib.a"), a, 0o666); err != nil {
		t.Fatal(err)
	}
	packed, err := pack(t.TempDir(), "v0.1.0", root, []string{"go.mod", "lib.a"})
	if err != nil {
		t.Fatal(err)
	}
	size, err := measure(packed.path)
	if err != nil || size.archive < 1000 || size.archive > 1100 || size.archiveRaw != 5000 {
		t.Errorf("measured %+v, %v", size, err)
	}
}
