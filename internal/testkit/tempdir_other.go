//go:build !windows

package testkit

import "testing"

// TempDir makes a folder that goes with the test.
func TempDir(t testing.TB) string { return t.TempDir() }

// OnWine tells whether this is not Windows itself.
func OnWine() bool { return false }
