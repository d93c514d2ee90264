package wast

import "errors"

// errNoComponents says that components cannot be run yet. No assertion is met by it.
var errNoComponents = errors.New("components cannot be run yet")

// compileComponent makes a program of a component.
func compileComponent(*runner, []byte) (program, error) { return nil, errNoComponents }
