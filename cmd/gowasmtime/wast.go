package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/cmd/gowasmtime/internal/wast"
)

// runScripts does wast: it runs all scripts, tells each command that failed when it does, and fails if one has.
func runScripts(s *settings, stdout, stderr io.Writer) error {
	if s.cache == nil {
		off := false
		s.cache = &off // modules of scripts are small, and many
	}
	s.engine = append([]engineSetting{{"shared-memory", func(c *wasmtime.Config) error { c.SetSharedMemory(true); return nil }}}, s.engine...)
	engine, err := newEngine(s)
	if err != nil {
		return err
	}
	options := &wast.Options{
		Engine: engine, Prepare: s.limit, Stdout: stdout,
		IgnoreErrorMessages: s.ignoreErrorMessages, Builtins: s.wasmtimeBuiltins,
		Log: func(text string) { io.WriteString(stderr, text) },
	}
	var failures []error
	for _, path := range s.operands {
		if err := runScript(s, path, options); err != nil {
			failures = append(failures, failed(err, "failed to run script file '%s'", path))
		}
	}
	if len(s.operands) == 1 && failures != nil {
		return failures[0]
	}
	return failedScripts(failures, len(s.operands))
}

// runScript runs one script.
func runScript(s *settings, path string, options *wast.Options) error {
	ctx := context.Background()
	if s.timeout != nil {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, *s.timeout)
		defer cancel()
	}
	result, err := wast.Run(ctx, path, options)
	if err == nil && result.Failed > 0 {
		err = fmt.Errorf("%d of %d commands failed", result.Failed, result.Commands)
	}
	return reason(err)
}

// failedScripts is the error about some of several scripts; nil if all have passed.
func failedScripts(failures []error, all int) error {
	if failures == nil {
		return nil
	}
	var texts []string
	for _, err := range failures {
		texts = append(texts, err.Error())
	}
	return failed(errors.New(strings.Join(texts, "\n")), "%d of %d scripts failed", len(failures), all)
}
