//go:build debug

package testkit

// Debug says that the build tag debug is set: every crossing collects garbage, which takes time, and Main counts
// handles.
const Debug = true
