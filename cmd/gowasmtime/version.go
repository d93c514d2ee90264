package main

import (
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/gowasmtime/wasmtime"
)

// printVersion does version.
func printVersion(_ *settings, stdout, _ io.Writer) error {
	_, err := io.WriteString(stdout, versionText())
	return err
}

// versionText is a line with the versions of this command and of Wasmtime.
func versionText() string {
	return fmt.Sprintf("gowasmtime %s (wasmtime %s)\n", ownVersion(), wasmtime.Version())
}

// ownVersion is the version of the module that the command was built from, as the go command recorded it.
func ownVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "0.0.0-devel"
	}
	return strings.TrimPrefix(info.Main.Version, "v")
}
