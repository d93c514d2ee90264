package wasikeyvalue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Limits are how much a [Memory] keeps. A field of 0, or less, stands for the default.
type Limits struct {
	// Entries is how many keys all buckets may have together, 65,536 by default.
	Entries int
	// KeySize is how many bytes a key may have, 1024 by default.
	KeySize int
	// ValueSize is how many bytes a value may have, 16 MiB by default.
	ValueSize int
	// Bytes is how many bytes all keys and values may have together, 64 MiB by default. What an entry takes besides is
	// limited by Entries: some 200 bytes each.
	Bytes int
}

// withDefaults returns the limits with the defaults in place of what is not set.
func (l Limits) withDefaults() Limits {
	for _, field := range []struct {
		limit *int
		most  int
	}{{&l.Entries, 1 << 16}, {&l.KeySize, 1 << 10}, {&l.ValueSize, 16 << 20}, {&l.Bytes, 64 << 20}} {
		if *field.limit <= 0 {
			*field.limit = field.most
		}
	}
	return l
}

// ErrNotNumber says that a value that was to be incremented is no number of 64 bits in decimal digits, or that the sum
// would be none.
var ErrNotNumber = errors.New("not a number of 64 bits")

// Memory is a [Store] in memory: buckets of given names, for any number of components. What would exceed a limit is an
// error that wraps [ErrTooMuch], and changes nothing. It is safe for concurrent use, and each call is one step for the
// others. The program uses the buckets as the components do, with Open; the values that it sets and gets are copies.
//
// Unlike those of wasmtime_wasi_keyvalue, which are copied whenever one is opened, all who open a bucket have the same.
type Memory struct {
	limits  Limits
	buckets map[string]*memoryBucket

	mu sync.RWMutex
	// entries and bytes are how many there are in all buckets.
	entries, bytes int
}

// NewMemory makes a store in memory with buckets of these names, which are empty. With none, there is one, whose name
// is the empty text, as with wasmtime_wasi_keyvalue.
func NewMemory(limits Limits, names ...string) *Memory {
	if len(names) == 0 {
		names = []string{""}
	}
	m := &Memory{limits: limits.withDefaults(), buckets: map[string]*memoryBucket{}}
	for _, name := range names {
		m.buckets[name] = &memoryBucket{m: m, of: map[string]*memoryEntry{}}
	}
	return m
}

// Open returns a bucket; a name that [NewMemory] was not given is [ErrNoSuchStore].
func (m *Memory) Open(_ context.Context, name string) (Bucket, error) {
	if b := m.buckets[name]; b != nil {
		return b, nil
	}
	return nil, ErrNoSuchStore
}

// memoryBucket is a bucket in memory. The lock of m guards it.
type memoryBucket struct {
	m  *Memory
	of map[string]*memoryEntry
	// order are the entries in the order of their serials, in which they came; gone of them are not there any more. So
	// a cursor, the serial of the last key that was listed, stays good whatever comes and goes.
	order  []*memoryEntry
	gone   int
	serial uint64
}

type memoryEntry struct {
	key string
	// value is never changed, only replaced.
	value  []byte
	serial uint64
	gone   bool
}

// Get returns a copy of the value of a key.
func (b *memoryBucket) Get(_ context.Context, key string) (value []byte, found bool, err error) {
	b.m.mu.RLock()
	e := b.of[key]
	if e != nil {
		value = e.value
	}
	b.m.mu.RUnlock()
	return bytes.Clone(value), e != nil, nil
}

// Exists tells whether there is a value of a key.
func (b *memoryBucket) Exists(_ context.Context, key string) (bool, error) {
	b.m.mu.RLock()
	defer b.m.mu.RUnlock()
	return b.of[key] != nil, nil
}

// Set sets the value of a key to a copy.
func (b *memoryBucket) Set(_ context.Context, key string, value []byte) error {
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	return b.set(key, value)
}

// set does Set. The lock is held.
func (b *memoryBucket) set(key string, value []byte) error {
	m := b.m
	had := b.of[key]
	entries, total := m.entries, m.bytes+len(value)
	if had == nil {
		entries, total = entries+1, total+len(key)
	} else {
		total -= len(had.value)
	}
	for _, l := range []struct {
		got, most int
		what      string
	}{
		{len(key), m.limits.KeySize, "bytes of a key"}, {len(value), m.limits.ValueSize, "bytes of a value"},
		{entries, m.limits.Entries, "keys"}, {total, m.limits.Bytes, "bytes of all keys and values"},
	} {
		if l.got > l.most {
			return fmt.Errorf("%d %s, and %d are allowed: %w", l.got, l.what, l.most, ErrTooMuch)
		}
	}
	m.entries, m.bytes = entries, total
	if had == nil {
		// What a guest passes in a call is in one piece of memory, of which only this is to be kept.
		b.serial++
		had = &memoryEntry{key: strings.Clone(key), serial: b.serial}
		b.of[had.key] = had
		b.order = append(b.order, had)
	}
	had.value = bytes.Clone(value)
	return nil
}

// Delete deletes a key.
func (b *memoryBucket) Delete(_ context.Context, key string) error {
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	e := b.of[key]
	if e == nil {
		return nil
	}
	delete(b.of, key)
	b.m.entries--
	b.m.bytes -= len(e.key) + len(e.value)
	*e = memoryEntry{serial: e.serial, gone: true}
	if b.gone++; b.gone > len(b.order)/2 {
		b.order = slices.DeleteFunc(b.order, func(e *memoryEntry) bool { return e.gone })
		b.order, b.gone = slices.Clip(slices.Clone(b.order)), 0
	}
	return nil
}

// How much ListKeys returns at once.
const (
	pageKeys  = 1 << 16
	pageBytes = 4 << 20
)

// ListKeys returns the keys in the order in which they came: up to 65,536 of them, and no more than take 4 MiB. A key
// that is there all the time is listed once.
func (b *memoryBucket) ListKeys(_ context.Context, cursor uint64) (keys []string, next uint64, err error) {
	b.m.mu.RLock()
	defer b.m.mu.RUnlock()
	first, found := slices.BinarySearchFunc(b.order, cursor, func(e *memoryEntry, cursor uint64) int {
		switch {
		case e.serial < cursor:
			return -1
		case e.serial > cursor:
			return 1
		}
		return 0
	})
	if found {
		first++
	}
	total := 0
	for _, e := range b.order[first:] {
		if e.gone {
			continue
		}
		if total += len(e.key); len(keys) > 0 && (total > pageBytes || len(keys) == pageKeys) {
			return keys, next, nil
		}
		keys, next = append(keys, e.key), e.serial
	}
	return keys, 0, nil
}

// longestNumber is how many digits a number of 64 bits has.
const longestNumber = 20

// Increment adds to the number that is the value of a key.
func (b *memoryBucket) Increment(_ context.Context, key string, delta uint64) (uint64, error) {
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	number := uint64(0)
	if e := b.of[key]; e != nil {
		var err error
		number, err = strconv.ParseUint(string(e.value[:min(len(e.value), longestNumber+1)]), 10, 64)
		if err != nil || len(e.value) > longestNumber {
			return 0, fmt.Errorf("the value cannot be incremented: %w", ErrNotNumber)
		}
	}
	sum := number + delta
	if sum < number {
		return 0, fmt.Errorf("the sum is %w", ErrNotNumber)
	}
	return sum, b.set(key, strconv.AppendUint(nil, sum, 10))
}
