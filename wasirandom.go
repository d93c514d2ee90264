package wasmtime

import (
	"fmt"
	"io"

	"github.com/gowasmtime/wasmtime/ffi"
)

// SetSecureRandom makes r the source of the guest's random bytes, in place of the host's generator; nil is the host's again.
// Guests rely on such bytes being unpredictable, for keys as well as for hash tables: a source that repeats itself is for tests
// and for programs that have to be repeatable.
//
// r is read in the middle of the guest's call, as often as it takes, and a guest of WASI 0.1 gets its bytes in their order.
// Every store that is given the configuration reads it, so it has to be safe for use by several goroutines if the stores are
// used by several. It must not use the store, and a guest cannot be stopped while it reads.
//
// An error, [io.EOF] included, ends the guest, which never gets other bytes instead. The call that runs it returns an [*Error]
// that wraps it. A panic comes out of that call as it was. See wasmtime_wasi::WasiCtxBuilder::secure_random.
func (c *WasiConfig) SetSecureRandom(r io.Reader) {
	system := c.useSystem()
	system.secureRandom, system.spec.SecureRandom = r, r != nil
}

// SetInsecureRandom makes r the source of the random bytes that a component asks for where they need not be unpredictable
// (wasi:random/insecure). WASI 0.1 has no such bytes. Everything else is as with [WasiConfig.SetSecureRandom]. See
// wasmtime_wasi::WasiCtxBuilder::insecure_random.
func (c *WasiConfig) SetInsecureRandom(r io.Reader) {
	system := c.useSystem()
	system.insecureRandom, system.spec.InsecureRandom = r, r != nil
}

// SetInsecureRandomSeed sets the number that a component gets for seeding its hash tables (wasi:random/insecure-seed): 128
// bits, in two halves. Otherwise it is a random one. WASI 0.1 has no such number. See
// wasmtime_wasi::WasiCtxBuilder::insecure_random_seed.
func (c *WasiConfig) SetInsecureRandomSeed(hi, lo uint64) {
	c.useSystem().spec.InsecureRandomSeed = &[2]uint64{lo, hi}
}

// SetMaxRandomSize limits how many random bytes a guest gets in one call. Asking for more ends it. Otherwise the limit is 64
// MiB. See wasmtime_wasi::WasiCtxBuilder::max_random_size.
func (c *WasiConfig) SetMaxRandomSize(bytes uint64) { c.useSystem().spec.MaxRandomSize = &bytes }

// onSecureRandom and onInsecureRandom give a guest random bytes.

func onSecureRandom(env uint64, p []byte) ffi.Error {
	sys := systems.get(env)
	return sys.serve(func() error { return readRandom(sys.secureRandom, p) })
}

func onInsecureRandom(env uint64, p []byte) ffi.Error {
	sys := systems.get(env)
	return sys.serve(func() error { return readRandom(sys.insecureRandom, p) })
}

// readRandom is io.ReadFull, with an error for a reader that brings nothing over and over.
func readRandom(r io.Reader, p []byte) error {
	for empty := 0; len(p) > 0; {
		n, err := r.Read(p)
		p = p[min(max(n, 0), len(p)):]
		switch {
		case len(p) == 0:
			return nil
		case n <= 0:
			empty++
		default:
			empty = 0
		}
		if err == nil && empty == 100 {
			err = io.ErrNoProgress
		}
		if err != nil {
			return fmt.Errorf("reading random bytes: %w", err)
		}
	}
	return nil
}
