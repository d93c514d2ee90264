//go:build !debug

package wasmtime_test

const debugEnabled = false
