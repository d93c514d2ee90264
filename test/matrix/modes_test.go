//go:build linux && !debug

package matrix_test

// sampled is the stride that this build needs, see stride.
const sampled = 7

// sampledComponents is the same for the probe as a component.
const sampledComponents = 13
