// Package wasikeyvalue gives components wasi:keyvalue: buckets of values with keys, which are in memory or wherever a
// [Store] of the program's has them.
//
//	data := wasikeyvalue.NewMemory(wasikeyvalue.Limits{})
//	err := wasikeyvalue.Define(linker, data)
//
// A store is the same for all components that the linker serves: what one of them sets, the others get. A linker is
// made for each kind of guest that has others, or a Store decides by the context of the call.
//
// The interfaces are store, atomics and batch of the crate wasmtime-wasi-keyvalue 48, wasi:keyvalue@0.2.0-draft. That
// is a pre-release, with which no other version is compatible by the rules of semantic versioning.
package wasikeyvalue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	"github.com/gowasmtime/wasmtime/internal/bridge"
	"github.com/gowasmtime/wasmtime/internal/clip"
	"github.com/gowasmtime/wasmtime/internal/served"
)

// version is that of the interfaces.
const version = "0.2.0-draft"

// Errors that a [Store] returns, or wraps, for a guest to tell them from others.
var (
	// ErrNoSuchStore: there is no bucket of that name. A guest gets the case no-such-store.
	ErrNoSuchStore = errors.New("no such bucket")
	// ErrAccessDenied: the guest may not do that. It gets the case access-denied.
	ErrAccessDenied = errors.New("access to the bucket is denied")
	// ErrTooMuch: what the guest wants stored, or wants to get in one call, is beyond a limit. It gets the case other.
	ErrTooMuch = errors.New("beyond a limit of the key-value store")
)

// Store has buckets. Its methods, and those of its buckets, are called by all goroutines that run components, with the
// context of the call of the guest. Of their errors, a guest gets those that wrap [ErrNoSuchStore] or [ErrAccessDenied]
// as these cases, and every other one as the case other with the error's text, of at most 4096 bytes; but when the
// context has ended, or with a [*wasmtime.Trap], an error ends the guest and comes out of the call.
//
// Keys and values are the guest's to choose. A store that keeps them limits how many, and how large, as [Memory] does.
type Store interface {
	// Open returns the bucket of a name, which may be empty. If there is none, the error wraps [ErrNoSuchStore]. If the
	// bucket is an [io.Closer], it is closed when the guest drops its handle, or with the guest's store; an error of
	// that ends the guest. A guest may open as many as [component.SetLimits] lets it own.
	Open(ctx context.Context, name string) (Bucket, error)
}

// Bucket is a collection of values with keys. A value that is passed to it is the bucket's, and one that it returns is
// only read.
type Bucket interface {
	// Get returns the value of a key, and whether there is one.
	Get(ctx context.Context, key string) (value []byte, found bool, err error)
	// Set sets the value of a key.
	Set(ctx context.Context, key string, value []byte) error
	// Delete deletes a key, if it is there.
	Delete(ctx context.Context, key string) error
	// Exists tells whether there is a value of a key.
	Exists(ctx context.Context, key string) (bool, error)
	// ListKeys returns some of the keys, all if there are few: those behind a cursor, which is 0 at first and then the
	// one that it returned with the keys before. It returns 0 with the last of them. The cursor of a guest may be any
	// number. Keys that come or go between two calls may be missing or not.
	ListKeys(ctx context.Context, cursor uint64) (keys []string, next uint64, err error)
	// Increment adds delta to the number that is the value of a key, in decimal digits, and returns the sum. A key that
	// is not there begins with 0. That is one step for whoever else uses the bucket. A value that is no number of 64
	// bits, or a sum that would be none, is an error, and nothing is changed.
	Increment(ctx context.Context, key string, delta uint64) (uint64, error)
}

// Batch is what a [Bucket] may be, too: one that does many things at once for less than one after the other. Without
// it, the interface batch calls the methods of Bucket for one key after the other, until there is an error.
type Batch interface {
	// GetMany returns the values of keys, one for each of them in their order. A guest may name a key any number of
	// times, so one that reads the values from elsewhere ends with [ErrTooMuch] when they have [MaxBatchBytes].
	GetMany(ctx context.Context, keys []string) ([]Value, error)
	// SetMany sets values of keys. If there is an error, some may be set.
	SetMany(ctx context.Context, entries []Entry) error
	// DeleteMany deletes keys, those of them that are there. If there is an error, some may be deleted.
	DeleteMany(ctx context.Context, keys []string) error
}

// Entry is a key with its value.
type Entry struct {
	Key   string
	Value []byte
}

// Value is the value of a key, if Found says that there is one.
type Value struct {
	Value []byte
	Found bool
}

// What a guest may ask for in one call of the interface batch; beyond that, it gets an error that says [ErrTooMuch].
const (
	// MaxBatchKeys is how many keys there may be.
	MaxBatchKeys = 1 << 16
	// MaxBatchBytes is how many bytes the keys and values may have that a guest gets.
	MaxBatchBytes = 64 << 20
)

// bucket is the resource: a handle of a guest's.
type bucket struct{ Bucket }

// Close closes what has been opened, if it wants that.
func (b *bucket) Close() error {
	if closer, ok := b.Bucket.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// keyResponse is the record key-response.
type keyResponse struct {
	Keys   []string
	Cursor component.Option[uint64]
}

// pair is a key with its value, as the interface batch has it.
type pair = component.Tuple2[string, []byte]

// Define defines wasi:keyvalue in a linker: the interfaces store, atomics and batch. If something of it is defined
// already, that is an error: see [component.Linker.AllowShadowing]. A store that is nil, or a nil pointer, is an error
// that wraps [wasmtime.ErrClosed]. See wasmtime_wasi_keyvalue::add_to_linker.
func Define(linker *component.Linker, store Store) error {
	if served.IsNil(store) {
		return bridge.MakeError(wasmtime.ErrClosed, "the key-value store is nil")
	}
	buckets := component.ResourceOf[*bucket]().Named("bucket")
	in := func(name string) *component.LinkerInstance {
		return linker.Instance("wasi:keyvalue/" + name + "@" + version)
	}
	if err := in("store").Resource("bucket", buckets); err != nil {
		return err
	}
	for _, f := range []struct {
		in, name string
		function component.HostFunc
	}{
		{"store", "open", component.HostFunc1(func(c *wasmtime.Caller, name string) (*bucket, error) {
			return open(c.Context(), store, name)
		})},
		{"store", "[method]bucket.get", component.HostFunc2(get)},
		{"store", "[method]bucket.set", component.HostVoid3(set)},
		{"store", "[method]bucket.delete", component.HostVoid2(remove)},
		{"store", "[method]bucket.exists", component.HostFunc2(exists)},
		{"store", "[method]bucket.list-keys", component.HostFunc2(listKeys)},
		{"atomics", "increment", component.HostFunc3(increment)},
		{"batch", "get-many", component.HostFunc2(getMany)},
		{"batch", "set-many", component.HostVoid2(setMany)},
		{"batch", "delete-many", component.HostVoid2(deleteMany)},
	} {
		if err := in(f.in).Func(f.name, f.function); err != nil {
			return err
		}
	}
	return nil
}

func open(ctx context.Context, store Store, name string) (*bucket, error) {
	opened, err := store.Open(ctx, name)
	if err != nil {
		return nil, given(ctx, err)
	}
	if opened == nil {
		return nil, fmt.Errorf("wasmtime: the key-value store opened `%s` as a bucket that is nil", name)
	}
	return &bucket{opened}, nil
}

func get(c *wasmtime.Caller, b *bucket, key string) (component.Option[[]byte], error) {
	ctx := c.Context()
	value, found, err := b.Get(ctx, key)
	if err != nil || !found {
		return component.None[[]byte](), given(ctx, err)
	}
	return component.Some(value), nil
}

func set(c *wasmtime.Caller, b *bucket, key string, value []byte) error {
	ctx := c.Context()
	return given(ctx, b.Set(ctx, key, value))
}

func remove(c *wasmtime.Caller, b *bucket, key string) error {
	ctx := c.Context()
	return given(ctx, b.Delete(ctx, key))
}

func exists(c *wasmtime.Caller, b *bucket, key string) (bool, error) {
	ctx := c.Context()
	is, err := b.Exists(ctx, key)
	return is, given(ctx, err)
}

func listKeys(c *wasmtime.Caller, b *bucket, cursor component.Option[uint64]) (keyResponse, error) {
	ctx := c.Context()
	keys, next, err := b.ListKeys(ctx, cursor.Or(0))
	if err == nil && slices.ContainsFunc(keys, func(key string) bool { return !utf8.ValidString(key) }) {
		err = errors.New("a key in the bucket is not UTF-8")
	}
	if err != nil {
		return keyResponse{}, given(ctx, err)
	}
	answer := keyResponse{Keys: keys}
	if next != 0 {
		answer.Cursor = component.Some(next)
	}
	return answer, nil
}

func increment(c *wasmtime.Caller, b *bucket, key string, delta uint64) (uint64, error) {
	ctx := c.Context()
	sum, err := b.Increment(ctx, key, delta)
	return sum, given(ctx, err)
}

func getMany(c *wasmtime.Caller, b *bucket, keys []string) ([]component.Option[pair], error) {
	ctx := c.Context()
	pairs, err := b.getMany(ctx, keys)
	return pairs, given(ctx, err)
}

func (b *bucket) getMany(ctx context.Context, keys []string) ([]component.Option[pair], error) {
	if err := few(len(keys)); err != nil {
		return nil, err
	}
	value := func(i int) (v Value, err error) {
		v.Value, v.Found, err = b.Get(ctx, keys[i])
		return v, err
	}
	if many, ok := b.Bucket.(Batch); ok {
		values, err := many.GetMany(ctx, keys)
		if err == nil && len(values) != len(keys) {
			err = fmt.Errorf("the bucket has %d values for %d keys", len(values), len(keys))
		}
		if err != nil {
			return nil, err
		}
		value = func(i int) (Value, error) { return values[i], nil }
	}
	pairs, total := make([]component.Option[pair], len(keys)), 0
	for i, key := range keys {
		v, err := value(i)
		if err == nil {
			err = ctx.Err()
		}
		if total += len(key) + len(v.Value); err == nil && total > MaxBatchBytes {
			err = fmt.Errorf("more than %d bytes in one call: %w", MaxBatchBytes, ErrTooMuch)
		}
		if err != nil {
			return nil, err
		}
		if v.Found {
			pairs[i] = component.Some(pair{A: key, B: v.Value})
		}
	}
	return pairs, nil
}

func setMany(c *wasmtime.Caller, b *bucket, pairs []pair) error {
	ctx := c.Context()
	if err := few(len(pairs)); err != nil {
		return given(ctx, err)
	}
	if many, ok := b.Bucket.(Batch); ok {
		entries := make([]Entry, len(pairs))
		for i, p := range pairs {
			entries[i] = Entry{Key: p.A, Value: p.B}
		}
		return given(ctx, many.SetMany(ctx, entries))
	}
	return each(ctx, pairs, func(p pair) error { return b.Set(ctx, p.A, p.B) })
}

func deleteMany(c *wasmtime.Caller, b *bucket, keys []string) error {
	ctx := c.Context()
	if err := few(len(keys)); err != nil {
		return given(ctx, err)
	}
	if many, ok := b.Bucket.(Batch); ok {
		return given(ctx, many.DeleteMany(ctx, keys))
	}
	return each(ctx, keys, func(key string) error { return b.Delete(ctx, key) })
}

// few is an error if there are more keys than a call may have.
func few(keys int) error {
	if keys > MaxBatchKeys {
		return fmt.Errorf("%d keys, and more than %d in one call: %w", keys, MaxBatchKeys, ErrTooMuch)
	}
	return nil
}

// each does something for one after the other, until there is an error or the context has ended.
func each[T any](ctx context.Context, all []T, do func(T) error) error {
	for _, one := range all {
		if err := do(one); err != nil {
			return given(ctx, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// given is an error as the guest gets it, or as it ends the guest.
func given(ctx context.Context, err error) error {
	var trap *wasmtime.Trap
	var value *component.ResultError
	answer := component.Variant{Case: "other"}
	switch {
	case err == nil || errors.As(err, &trap) || errors.As(err, &value):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrNoSuchStore):
		answer.Case = "no-such-store"
	case errors.Is(err, ErrAccessDenied):
		answer.Case = "access-denied"
	default:
		answer.Value = clip.Error(err)
	}
	return &component.ResultError{Value: answer}
}
