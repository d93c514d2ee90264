// Package wasiconfig gives components wasi:config: settings of the program's, which are texts with names.
//
//	err := wasiconfig.Define(linker, wasiconfig.Map{"greeting": "hello"})
//
// A component that imports wasi:config/store asks for one by its name, or for all of them. They are the same for all
// stores that the linker serves; a linker is made for each kind of guest that gets others, or a [Source] decides by the
// context of the call.
//
// The interface is that of the crate wasmtime-wasi-config 48, wasi:config@0.2.0-rc.1. It is defined as
// wasi:config@0.2.0-draft too, which has the same functions and which the crate wasmcloud-component 0.2 has. Both are
// pre-releases, and by the rules of semantic versioning no other version is compatible with one.
package wasiconfig

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	"github.com/gowasmtime/wasmtime/internal/bridge"
	"github.com/gowasmtime/wasmtime/internal/clip"
	"github.com/gowasmtime/wasmtime/internal/served"
)

// versions are those under which the interface is defined.
var versions = []string{"0.2.0-rc.1", "0.2.0-draft"}

// ErrIO is for errors that come from reading or from the network: a guest gets one that wraps it as the case io of the
// error, and every other one as the case upstream.
var ErrIO = errors.New("reading the configuration failed")

// Source has the settings. Its methods are called by all goroutines that run components, with the context of the call
// of the guest. An error is given to the guest as a text, of at most 4096 bytes; but when the context has ended, or
// with a [*wasmtime.Trap], it ends the guest and comes out of the call.
type Source interface {
	// Get returns a setting, and whether there is one of that name.
	Get(ctx context.Context, key string) (value string, found bool, err error)
	// All returns all settings. The map is only read.
	All(ctx context.Context) (map[string]string, error)
}

// Map is a [Source] of settings in a map, which must not be changed as long as components use it. Names and values have
// to be UTF-8.
type Map map[string]string

// Get returns a setting.
func (m Map) Get(_ context.Context, key string) (value string, found bool, err error) {
	value, found = m[key]
	return value, found, nil
}

// All returns the map.
func (m Map) All(context.Context) (map[string]string, error) { return m, nil }

// pair is a name with its value.
type pair = component.Tuple2[string, string]

// Define defines wasi:config in a linker, in every version of it that is known. A source that is nil has no settings;
// a nil pointer is an error that wraps [wasmtime.ErrClosed]. If something of it is defined already, that is an error:
// see [component.Linker.AllowShadowing]. See wasmtime_wasi_config::add_to_linker.
func Define(linker *component.Linker, source Source) error {
	if source == nil {
		source = Map(nil)
	}
	if served.IsNil(source) {
		return bridge.MakeError(wasmtime.ErrClosed, "the source of settings is nil")
	}
	get := component.HostFunc1(func(c *wasmtime.Caller, key string) (component.Option[string], error) {
		ctx := c.Context()
		value, found, err := source.Get(ctx, key)
		if err != nil || !found {
			return component.None[string](), given(ctx, err)
		}
		return component.Some(value), nil
	})
	all := component.HostFunc0(func(c *wasmtime.Caller) ([]pair, error) {
		ctx := c.Context()
		settings, err := source.All(ctx)
		if err != nil {
			return nil, given(ctx, err)
		}
		pairs := make([]pair, 0, len(settings))
		for _, key := range slices.Sorted(maps.Keys(settings)) {
			pairs = append(pairs, pair{A: key, B: settings[key]})
		}
		return pairs, nil
	})
	for _, version := range versions {
		store := linker.Instance("wasi:config/store@" + version)
		if err := errors.Join(store.Func("get", get), store.Func("get-all", all)); err != nil {
			return err
		}
	}
	return nil
}

// given is an error as the guest gets it, or as it ends the guest.
func given(ctx context.Context, err error) error {
	var trap *wasmtime.Trap
	var value *component.ResultError
	switch {
	case err == nil || errors.As(err, &trap) || errors.As(err, &value):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	}
	kind := "upstream"
	if errors.Is(err, ErrIO) {
		kind = "io"
	}
	return &component.ResultError{Value: component.Variant{Case: kind, Value: clip.Error(err)}}
}
