package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/gowasmtime/wasmtime/component/wasikeyvalue"
	bolt "go.etcd.io/bbolt"
)

// boltStore has the buckets of a database for guests: those that the program has made, and no others. Each call is a
// transaction.
type boltStore struct {
	db *bolt.DB
	// most is how many bytes of the file may be in use when a guest sets something, and mostValue how many a value may
	// have. A key has 32,768 at most, which is the database's own limit, and one at least.
	most      int64
	mostValue int
}

// Open returns a bucket of the database.
func (s *boltStore) Open(ctx context.Context, name string) (wasikeyvalue.Bucket, error) {
	b := &boltBucket{store: s, name: []byte(name)}
	return b, b.view(ctx, func(*bolt.Bucket) error { return nil })
}

// boltBucket is a bucket that a guest has opened. It is used by the goroutine that runs the guest.
type boltBucket struct {
	store *boltStore
	name  []byte
	// cursor is what the last page of keys ended with, and last its last key.
	cursor uint64
	last   []byte
}

// view runs f with the bucket, which it may read.
func (b *boltBucket) view(ctx context.Context, f func(*bolt.Bucket) error) error {
	return b.within(ctx, b.store.db.View, f)
}

// update runs f with the bucket, all of it or nothing.
func (b *boltBucket) update(ctx context.Context, f func(*bolt.Bucket) error) error {
	return b.within(ctx, b.store.db.Update, f)
}

func (b *boltBucket) within(ctx context.Context, begin func(func(*bolt.Tx) error) error, f func(*bolt.Bucket) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return begin(func(tx *bolt.Tx) error {
		bucket := tx.Bucket(b.name)
		if bucket == nil {
			return wasikeyvalue.ErrNoSuchStore
		}
		return f(bucket)
	})
}

// Get returns a copy of a value: the database's own is good for the transaction only.
func (b *boltBucket) Get(ctx context.Context, key string) (value []byte, found bool, err error) {
	err = b.view(ctx, func(bucket *bolt.Bucket) error {
		got := bucket.Get([]byte(key))
		value, found = bytes.Clone(got), got != nil
		return nil
	})
	return value, found, err
}

// Set sets a value.
func (b *boltBucket) Set(ctx context.Context, key string, value []byte) error {
	return b.update(ctx, func(bucket *bolt.Bucket) error { return b.put(bucket, key, value) })
}

// put sets a value in a transaction, unless that is too much.
func (b *boltBucket) put(bucket *bolt.Bucket, key string, value []byte) error {
	s, tx := b.store, bucket.Tx()
	if used := tx.Size() - int64(tx.DB().Stats().FreeAlloc); used+int64(len(key)+len(value)) > s.most || len(value) > s.mostValue {
		return fmt.Errorf("the database takes values of %d bytes, and %d bytes in all: %w", s.mostValue, s.most, wasikeyvalue.ErrTooMuch)
	}
	return bucket.Put([]byte(key), value)
}

// Delete deletes a key.
func (b *boltBucket) Delete(ctx context.Context, key string) error {
	return b.update(ctx, func(bucket *bolt.Bucket) error { return bucket.Delete([]byte(key)) })
}

// Exists tells whether there is a key.
func (b *boltBucket) Exists(ctx context.Context, key string) (found bool, err error) {
	err = b.view(ctx, func(bucket *bolt.Bucket) error {
		found = bucket.Get([]byte(key)) != nil
		return nil
	})
	return found, err
}

// pageKeys is how many keys are listed at once.
const pageKeys = 1000

// ListKeys returns a page of keys, in their order. A guest goes on with the cursor of the page before, and with no
// older one.
func (b *boltBucket) ListKeys(ctx context.Context, cursor uint64) (keys []string, next uint64, err error) {
	if cursor != 0 && cursor != b.cursor {
		return nil, 0, errors.New("not the cursor of the last keys that were listed")
	}
	err = b.view(ctx, func(bucket *bolt.Bucket) error {
		c := bucket.Cursor()
		key, _ := c.First()
		if cursor != 0 {
			if key, _ = c.Seek(b.last); bytes.Equal(key, b.last) {
				key, _ = c.Next()
			}
		}
		for ; key != nil; key, _ = c.Next() {
			if len(keys) == pageKeys {
				b.cursor, b.last = b.cursor+1, []byte(keys[pageKeys-1])
				next = b.cursor
				return nil
			}
			keys = append(keys, string(key))
		}
		return nil
	})
	return keys, next, err
}

// Increment adds to a number, in one transaction.
func (b *boltBucket) Increment(ctx context.Context, key string, delta uint64) (sum uint64, err error) {
	err = b.update(ctx, func(bucket *bolt.Bucket) error {
		number := uint64(0)
		if value := bucket.Get([]byte(key)); value != nil {
			var err error
			if number, err = strconv.ParseUint(string(value), 10, 64); err != nil {
				return wasikeyvalue.ErrNotNumber
			}
		}
		if sum = number + delta; sum < number {
			return wasikeyvalue.ErrNotNumber
		}
		return b.put(bucket, key, strconv.AppendUint(nil, sum, 10))
	})
	return sum, err
}

// GetMany reads all values in one transaction.
func (b *boltBucket) GetMany(ctx context.Context, keys []string) (values []wasikeyvalue.Value, err error) {
	err = b.view(ctx, func(bucket *bolt.Bucket) error {
		values = make([]wasikeyvalue.Value, len(keys))
		total := 0
		for i, key := range keys {
			value := bucket.Get([]byte(key))
			if total += len(value); total > wasikeyvalue.MaxBatchBytes {
				return wasikeyvalue.ErrTooMuch
			}
			values[i] = wasikeyvalue.Value{Value: bytes.Clone(value), Found: value != nil}
		}
		return nil
	})
	return values, err
}

// SetMany sets all values in one transaction: all, or none of them.
func (b *boltBucket) SetMany(ctx context.Context, entries []wasikeyvalue.Entry) error {
	return b.update(ctx, func(bucket *bolt.Bucket) error {
		total := 0
		for _, e := range entries {
			// What the transaction has written is not in the database's size yet.
			if total += len(e.Key) + len(e.Value); int64(total) > b.store.most {
				return wasikeyvalue.ErrTooMuch
			}
			if err := b.put(bucket, e.Key, e.Value); err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteMany deletes all keys in one transaction.
func (b *boltBucket) DeleteMany(ctx context.Context, keys []string) error {
	return b.update(ctx, func(bucket *bolt.Bucket) error {
		for _, key := range keys {
			if err := bucket.Delete([]byte(key)); err != nil {
				return err
			}
		}
		return nil
	})
}
