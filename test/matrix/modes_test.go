//go:build linux && !race && !debug

package matrix_test

// sampled is the stride that this build needs, see stride.
const sampled = 1
