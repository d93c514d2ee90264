//! Random bytes that a binding supplies.

use super::{System, wasmtime_wasi_system_t};
use std::convert::Infallible;
use std::sync::Arc;
use wasmtime_c_api::wasmtime_error_t;
use wasmtime_wasi::{Rng, WasiCtxBuilder, thread_rng};

/// Writes `len` random bytes to `data`, which is memory of the guest or of the library. Returns null, or an error,
/// which it gives away; see `wasmtime_wasi_system_t`.
pub type wasmtime_wasi_random_callback_t =
    extern "C" fn(env: u64, data: *mut u8, len: usize) -> Option<Box<wasmtime_error_t>>;

impl System {
    /// The source of random bytes; nothing if it is the host's own.
    pub(in crate::wasi) fn secure_random(&self) -> Option<Source<'_>> {
        self.secure_random.map(|fill| Source { system: self, fill })
    }

    /// The source of random bytes that need not be secret; nothing if it is the host's own.
    pub(in crate::wasi) fn insecure_random(&self) -> Option<Source<'_>> {
        self.insecure_random.map(|fill| Source { system: self, fill })
    }
}

/// A source of random bytes.
pub(in crate::wasi) struct Source<'a> {
    system: &'a System,
    fill: wasmtime_wasi_random_callback_t,
}

impl Source<'_> {
    /// Fills memory.
    ///
    /// # Safety
    ///
    /// `data` must be writable for `len` bytes.
    pub(in crate::wasi) unsafe fn fill(&self, data: *mut u8, len: usize) -> wasmtime::Result<()> {
        match (self.fill)(self.system.env, data, len) {
            None => Ok(()),
            Some(error) => Err((*error).into()),
        }
    }
}

/// Makes the sources that there are those of `builder`.
pub(super) fn apply(system: &Arc<System>, options: &wasmtime_wasi_system_t, builder: &mut WasiCtxBuilder) {
    if let Some(fill) = options.secure_random {
        builder.secure_random(ForComponents { system: system.clone(), fill });
    }
    if let Some(fill) = options.insecure_random {
        builder.insecure_random(ForComponents { system: system.clone(), fill });
    }
}

/// A source as upstream's implementation sees it, which knows no failure: the bytes are the host's then.
struct ForComponents {
    system: Arc<System>,
    fill: wasmtime_wasi_random_callback_t,
}

impl ForComponents {
    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    fn fill(&self, bytes: &mut [u8]) {
        let source = Source { system: &self.system, fill: self.fill };
        // SAFETY: the slice is writable.
        if let Err(error) = unsafe { source.fill(bytes.as_mut_ptr(), bytes.len()) } {
            self.system.keep(error);
            thread_rng().fill_bytes(bytes);
        }
    }
}

impl rand_core::TryRng for ForComponents {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.bytes()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.bytes()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.fill(bytes);
        Ok(())
    }
}
