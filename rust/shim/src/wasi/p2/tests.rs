//! Tests of WASI 0.2.
