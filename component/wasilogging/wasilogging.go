// Package wasilogging gives components wasi:logging, whose messages go to a [slog.Logger].
//
//	err := wasilogging.Define(linker, slog.Default(), wasilogging.Limits{})
//
// A message has a level, a context, which groups messages, and a text. It becomes a record of that level and text, with
// the context as an attribute, unless it is empty.
//
// The interface is wasi:logging@0.1.0-draft as the crate wasmcloud-component 0.2.0 has it in wit/deps/logging. The
// crate wasi-logging 0.0.1 has the same without a version, which is defined as well. No other version is compatible
// with a pre-release. Wasmtime itself does not have this interface.
package wasilogging

import (
	"log/slog"
	"strings"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	"github.com/gowasmtime/wasmtime/internal/clip"
)

// names are those under which the interface is defined.
var names = []string{"wasi:logging/logging@0.1.0-draft", "wasi:logging/logging"}

// The levels that package slog has no names for. trace is below [slog.LevelDebug], and critical above
// [slog.LevelError], by the distance that slog's levels have from each other.
const (
	LevelTrace    = slog.LevelDebug - 4
	LevelCritical = slog.LevelError + 4
)

// levels are the cases of the enum level.
var levels = [...]slog.Level{LevelTrace, slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError, LevelCritical}

// The names of the attributes.
const (
	// ContextKey is the attribute with the message's context.
	ContextKey = "context"
	// OmittedKey is the attribute that says how many bytes of text and context a limit has left out.
	OmittedKey = "omitted"
)

// Limits say how much of a message is kept: the rest is left out, and counted in the attribute [OmittedKey]. How many
// messages a guest logs is not limited: that takes a handler that does it, or fuel and a context for the guest.
type Limits struct {
	// Message is how many bytes a text may have; 0 stands for 65,536.
	Message int
	// Context is how many bytes a context may have; 0 stands for 1,024.
	Context int
}

// or is a limit, or what 0 stands for.
func or(limit, other int) int {
	if limit > 0 {
		return limit
	}
	return other
}

// Define defines wasi:logging in a linker, in every version of it that is known. A logger that is nil is what
// [slog.Default] returns when a message comes. Its handler is called by the goroutine that runs the component, with the
// context of the call of the guest, and without a position in the source: that is not the guest's. What it does with
// line breaks and control characters, which are the guest's to choose, is its own affair; those of package slog quote
// them. Its errors are lost, as with slog. If something is defined already, that is an error: see
// [component.Linker.AllowShadowing].
func Define(linker *component.Linker, logger *slog.Logger, limits Limits) error {
	mostText, mostContext := or(limits.Message, 1<<16), or(limits.Context, 1<<10)
	log := component.HostVoid3(func(c *wasmtime.Caller, level uint8, group, text string) error {
		to := logger
		if to == nil {
			to = slog.Default()
		}
		ctx := c.Context()
		if to.Enabled(ctx, levels[level]) {
			_ = to.Handler().Handle(ctx, record(levels[level], group, text, mostText, mostContext))
		}
		return nil
	})
	for _, name := range names {
		if err := linker.Instance(name).Func("log", log); err != nil {
			return err
		}
	}
	return nil
}

// record makes a record of a message.
func record(level slog.Level, group, text string, mostText, mostContext int) slog.Record {
	text, omitted := clip.Text(text, mostText)
	group, more := clip.Text(group, mostContext)
	// All that a guest passes in a call is in one piece of memory, of which a handler that keeps records keeps no more
	// than this.
	r := slog.NewRecord(time.Now(), level, strings.Clone(text), 0)
	if group != "" {
		r.AddAttrs(slog.String(ContextKey, strings.Clone(group)))
	}
	if omitted+more > 0 {
		r.AddAttrs(slog.Int(OmittedKey, omitted+more))
	}
	return r
}
