//go:build !race

package wasmtime_test

const raceEnabled = false
