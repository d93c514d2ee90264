package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gowasmtime/wasmtime/component/wasikeyvalue"
	bolt "go.etcd.io/bbolt"
)

func Example() {
	main()
	// Output:
	// ada 1
	// grace 1
	// ada 2
	// ada 3
	// grace 2
	// ada 4
}

// open makes a database with a bucket, and opens that.
func open(t *testing.T, most int64, mostValue int) *boltBucket {
	t.Helper()
	db, err := bolt.Open(filepath.Join(t.TempDir(), "data.db"), 0o600, &bolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket([]byte("b"))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	b, err := (&boltStore{db, most, mostValue}).Open(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	return b.(*boltBucket)
}

func TestKeys(t *testing.T) {
	ctx := t.Context()
	b := open(t, 64<<20, 100)
	var entries []wasikeyvalue.Entry
	var want []string
	for i := range 2500 {
		key := fmt.Sprintf("%04d", i)
		entries, want = append(entries, wasikeyvalue.Entry{Key: key, Value: []byte(key)}), append(want, key)
	}
	if err := b.SetMany(ctx, entries); err != nil {
		t.Fatal(err)
	}
	var got []string
	for cursor := uint64(0); ; {
		keys, next, err := b.ListKeys(ctx, cursor)
		if err != nil {
			t.Fatal(err)
		}
		// Neither what goes nor what comes behind is in the way.
		if err := b.Delete(ctx, keys[len(keys)-1]); err != nil {
			t.Fatal(err)
		}
		if got = append(got, keys...); next == 0 {
			break
		}
		if _, _, err := b.ListKeys(ctx, next+1); err == nil {
			t.Error("a cursor that was never given was taken")
		}
		cursor = next
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %d keys", len(got))
	}
	values, err := b.GetMany(ctx, []string{"0001", "0999", "x"})
	if err != nil || string(values[0].Value) != "0001" || values[1].Found || values[2].Found {
		t.Errorf("got %v, %v", values, err)
	}
	if found, err := b.Exists(ctx, "0001"); !found || err != nil {
		t.Errorf("got %v, %v", found, err)
	}
	if err := b.DeleteMany(ctx, []string{"0001", "x"}); err != nil {
		t.Error(err)
	}
	if _, found, err := b.Get(ctx, "0001"); found || err != nil {
		t.Errorf("got %v, %v", found, err)
	}
}

// A guest fills the database up to its limit, and can go on when it has deleted something.
func TestLimits(t *testing.T) {
	ctx := t.Context()
	b := open(t, 1<<20, 100_000)
	if err := b.Set(ctx, "k", make([]byte, 100_001)); !errors.Is(err, wasikeyvalue.ErrTooMuch) {
		t.Errorf("a large value: %v", err)
	}
	last := -1
	for i := range 20 {
		if err := b.Set(ctx, fmt.Sprint(i), make([]byte, 100_000)); errors.Is(err, wasikeyvalue.ErrTooMuch) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		last = i
	}
	if last < 4 || last > 10 {
		t.Fatalf("the database took %d values", last+1)
	}
	many := make([]wasikeyvalue.Entry, 20)
	for i := range many {
		many[i] = wasikeyvalue.Entry{Key: fmt.Sprint(i), Value: make([]byte, 100_000)}
	}
	if err := b.SetMany(ctx, many); !errors.Is(err, wasikeyvalue.ErrTooMuch) {
		t.Errorf("many values: %v", err)
	}
	for i := range last + 1 {
		if err := b.Delete(ctx, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Set(ctx, "again", make([]byte, 100_000)); err != nil {
		t.Errorf("after it was emptied: %v", err)
	}
	if _, err := b.Increment(ctx, "again", 1); !errors.Is(err, wasikeyvalue.ErrNotNumber) {
		t.Errorf("a value that is no number: %v", err)
	}
	if err := b.Set(ctx, "", nil); err == nil {
		t.Error("an empty key was taken, and the database has none")
	}
	if _, err := b.store.Open(ctx, "c"); !errors.Is(err, wasikeyvalue.ErrNoSuchStore) {
		t.Errorf("no bucket: %v", err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := b.Get(ended, "again"); !errors.Is(err, context.Canceled) {
		t.Errorf("the context has ended: %v", err)
	}
}
