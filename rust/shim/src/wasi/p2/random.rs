//! `wasi:random`. What a source of the binding fails with ends the component.

use super::enter::Wasi;
use crate::wake::check_stop;
use crate::wasi::system::Source;
use wasmtime::Result;
use wasmtime_wasi::p2::bindings::random::insecure::Host as _;
use wasmtime_wasi::p2::bindings::random::insecure_seed::Host as _;
use wasmtime_wasi::p2::bindings::random::random::Host as _;
use wasmtime_wasi::random::WasiRandomCtx;

/// How many random bytes are made at a time. Between two such parts a component can be stopped.
const PART: usize = 1 << 18;

/// What makes random bytes.
#[derive(Clone, Copy)]
enum Kind {
    Secure,
    Insecure,
}

impl Wasi<'_> {
    pub(super) fn get_random_bytes(&mut self, len: u64) -> Result<Vec<u8>> {
        self.random_bytes(Kind::Secure, len)
    }

    pub(super) fn get_random_u64(&mut self) -> Result<u64> {
        self.random_u64(Kind::Secure)
    }

    pub(super) fn get_insecure_random_bytes(&mut self, len: u64) -> Result<Vec<u8>> {
        self.random_bytes(Kind::Insecure, len)
    }

    pub(super) fn get_insecure_random_u64(&mut self) -> Result<u64> {
        self.random_u64(Kind::Insecure)
    }

    pub(super) fn insecure_seed(&mut self) -> Result<(u64, u64)> {
        self.random()?.insecure_seed()
    }

    /// Upstream's generators.
    fn random(&mut self) -> Result<&mut WasiRandomCtx> {
        Ok(self.state.ctx()?.random())
    }

    /// The binding's source, if it has one.
    fn source(&self, kind: Kind) -> Option<Source<'_>> {
        let system = self.state.system.as_ref()?;
        match kind {
            Kind::Secure => system.secure_random(),
            Kind::Insecure => system.insecure_random(),
        }
    }

    fn random_bytes(&mut self, kind: Kind, len: u64) -> Result<Vec<u8>> {
        let most = self.state.max_random_size;
        if len > most {
            return Err(wasmtime::Error::msg(format!("requested len {len} exceeds limit {most}")));
        }
        let len = usize::try_from(len)?;
        let mut all = Vec::new();
        all.try_reserve_exact(len)?;
        while all.len() < len {
            check_stop::<wasmtime::Error>(self.state.waker())?;
            let (start, part) = (all.len(), PART.min(len - all.len()));
            if let Some(source) = self.source(kind) {
                all.resize(start + part, 0);
                // SAFETY: the rest of the vector is writable.
                unsafe { source.fill(all[start..].as_mut_ptr(), part) }?;
                continue;
            }
            let random = self.random()?;
            all.append(&mut match kind {
                Kind::Secure => random.get_random_bytes(part as u64)?,
                Kind::Insecure => random.get_insecure_random_bytes(part as u64)?,
            });
        }
        Ok(all)
    }

    fn random_u64(&mut self, kind: Kind) -> Result<u64> {
        let Some(source) = self.source(kind) else {
            let random = self.random()?;
            return match kind {
                Kind::Secure => random.get_random_u64(),
                Kind::Insecure => random.get_insecure_random_u64(),
            };
        };
        let mut bytes = [0; 8];
        // SAFETY: the array is writable.
        unsafe { source.fill(bytes.as_mut_ptr(), bytes.len()) }?;
        Ok(u64::from_le_bytes(bytes))
    }
}
