//go:build !windows

package testsys

import "testing"

// TempDir makes a folder that goes with the test.
func TempDir(t testing.TB) string { return t.TempDir() }

// OnWine tells whether this is not Windows itself.
func OnWine() bool { return false }
