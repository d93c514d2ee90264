package wasikeyvalue_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/gowasmtime/wasmtime/component/wasikeyvalue"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// No guest fills the host: what it sets beyond a limit is an error, and what there was stays.
func TestMemoryLimits(t *testing.T) {
	m := wasikeyvalue.NewMemory(wasikeyvalue.Limits{Entries: 3, KeySize: 4, ValueSize: 5, Bytes: 14}, "one", "two")
	ctx := t.Context()
	one, two := Must(m.Open(ctx, "one")), Must(m.Open(ctx, "two"))
	set := func(b wasikeyvalue.Bucket, key, value string, fits bool) {
		t.Helper()
		err := b.Set(ctx, key, []byte(value))
		if fits != (err == nil) || !fits && !errors.Is(err, wasikeyvalue.ErrTooMuch) {
			t.Errorf("%q = %q: %v", key, value, err)
		}
	}
	set(one, "12345", "", false)
	set(one, "1234", "123456", false)
	set(one, "1234", "12345", true) // 9 bytes
	set(two, "a", "12345", false)   // 15
	set(two, "a", "1234", true)     // 14
	set(two, "a", "12345", false)
	set(two, "a", "", true)    // 10
	set(one, "1234", "", true) // 5
	set(one, "b", "", true)    // 6, and three keys
	set(two, "c", "", false)
	if _, err := two.Increment(ctx, "c", 1); !errors.Is(err, wasikeyvalue.ErrTooMuch) {
		t.Errorf("a number that does not fit: %v", err)
	}
	Check(t, one.Delete(ctx, "b"))
	Check(t, one.Delete(ctx, "b"))
	set(two, "c", "12345", true) // 11
	set(one, "d", "", false)
	if value, found, err := two.Get(ctx, "c"); string(value) != "12345" || !found || err != nil {
		t.Errorf("got %q, %v, %v", value, found, err)
	}
	if _, err := one.Increment(ctx, "1234", 1); !errors.Is(err, wasikeyvalue.ErrNotNumber) {
		t.Errorf("a number that is empty: %v", err)
	}
	set(one, "1234", "9", true) // 12
	if _, err := one.Increment(ctx, "1234", 1000); !errors.Is(err, wasikeyvalue.ErrTooMuch) {
		t.Errorf("a number that has become longer: %v", err)
	}
	if value, _, _ := one.Get(ctx, "1234"); string(value) != "9" {
		t.Errorf("it is %q", value)
	}
}

// A program's slices are its own, and so are those of a bucket.
func TestMemoryCopies(t *testing.T) {
	ctx := t.Context()
	b := Must(wasikeyvalue.NewMemory(wasikeyvalue.Limits{}).Open(ctx, ""))
	value := []byte("abc")
	Check(t, b.Set(ctx, "k", value))
	value[0] = 'x'
	got, _, _ := b.Get(ctx, "k")
	got[1] = 'x'
	if again, _, _ := b.Get(ctx, "k"); string(again) != "abc" {
		t.Errorf("got %q", again)
	}
}

// What is kept of a long text is the part that is a key.
func TestMemoryKeepsKeysOnly(t *testing.T) {
	ctx := t.Context()
	b := Must(wasikeyvalue.NewMemory(wasikeyvalue.Limits{}).Open(ctx, ""))
	const count, size = 64, 1 << 20
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range count {
		text := strings.Repeat(fmt.Sprintf("%08d", i), size/8)
		Check(t, b.Set(ctx, text[:8], nil))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > count*size/4 {
		t.Errorf("%d keys of 8 bytes keep %d bytes", count, kept)
	}
	runtime.KeepAlive(b)
}

// Pages go through all keys, and each that is there all the time comes once, whatever comes and goes.
func TestMemoryPages(t *testing.T) {
	ctx := t.Context()
	const keys = 70_000
	m := wasikeyvalue.NewMemory(wasikeyvalue.Limits{Entries: 2 * keys})
	b := Must(m.Open(ctx, ""))
	for i := range keys {
		Check(t, b.Set(ctx, fmt.Sprint(i), nil))
	}
	found, pages := map[string]int{}, 0
	for cursor, more := uint64(0), true; more; more = cursor != 0 {
		page, next, err := b.ListKeys(ctx, cursor)
		Check(t, err)
		for _, key := range page {
			found[key]++
		}
		// Every second of the listed ones goes, the last one with them, and there are others.
		for i, key := range page {
			if (len(page)-i)%2 == 1 {
				Check(t, b.Delete(ctx, key))
				Check(t, b.Set(ctx, key+"'", nil))
			}
		}
		if cursor = next; pages > 10 {
			t.Fatal("there is no end")
		}
		pages++
	}
	for i := range keys {
		if found[fmt.Sprint(i)] != 1 {
			t.Fatalf("the key %d came %d times", i, found[fmt.Sprint(i)])
		}
	}
	Equal(t, "pages", pages, 2)
	// Large keys make more pages.
	m = wasikeyvalue.NewMemory(wasikeyvalue.Limits{KeySize: 3 << 20, Bytes: 1 << 30})
	b = Must(m.Open(ctx, ""))
	for i := range 5 {
		Check(t, b.Set(ctx, strings.Repeat(fmt.Sprint(i), (3-i%2*2)<<20), nil))
	}
	pages = 0
	for cursor, more := uint64(0), true; more; more = cursor != 0 {
		page, next, _ := b.ListKeys(ctx, cursor)
		cursor, pages = next, pages+1
		total := 0
		for _, key := range page {
			total += len(key)
		}
		if total > 4<<20 || len(page) == 0 {
			t.Errorf("a page has %d keys of %d bytes", len(page), total)
		}
	}
	Equal(t, "pages of large keys", pages, 3)
	for _, cursor := range []uint64{1 << 63, 1<<64 - 1} {
		if page, next, err := b.ListKeys(ctx, cursor); len(page) != 0 || next != 0 || err != nil {
			t.Errorf("a cursor that was never given: %d keys, %d, %v", len(page), next, err)
		}
	}
}

// Keys that come and go leave nothing behind.
func TestMemoryChurn(t *testing.T) {
	ctx := t.Context()
	b := Must(wasikeyvalue.NewMemory(wasikeyvalue.Limits{Entries: 100, Bytes: 1000}).Open(ctx, ""))
	for i := range 100_000 {
		Check(t, b.Set(ctx, fmt.Sprint(i), []byte("v")))
		if i >= 50 {
			Check(t, b.Delete(ctx, fmt.Sprint(i-50)))
		}
	}
	if keys, _, _ := b.ListKeys(ctx, 0); len(keys) != 50 || keys[0] != "99950" {
		t.Errorf("%d keys are left", len(keys))
	}
}

func TestMemoryConcurrently(t *testing.T) {
	p := newProgram(t, wasikeyvalue.NewMemory(wasikeyvalue.Limits{}))
	const guests, rounds = 8, 200
	var all sync.WaitGroup
	for n := range guests {
		g := p.guest(t)
		all.Go(func() {
			g.bucket = g.must("open", "")
			own := fmt.Sprintf("own-%d", n)
			for i := range rounds {
				g.must("increment", "sum", uint64(2))
				g.must("set", own, []byte(fmt.Sprint(i)))
				if got, _ := g.get(own); got != fmt.Sprint(i) {
					t.Errorf("a guest wrote %d and read %q", i, got)
				}
				g.list()
				g.must("delete", own)
			}
		})
	}
	all.Wait()
	g := p.guest(t)
	g.bucket = g.must("open", "")
	sum, _ := g.get("sum")
	Equal(t, "the sum", sum, fmt.Sprint(2*guests*rounds))
}
