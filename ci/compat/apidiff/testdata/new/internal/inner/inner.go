// Package inner holds what the outer package shows by an alias.
package inner

// #include <new.h>
import "C"

type Kind uint8

const C = 129
