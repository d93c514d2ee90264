//! What every WASI function starts with: the guest's memory and the state of its store.

use super::descriptors::Entry;
use super::fault::{Errno, Fault, Outcome};
use super::find::find;
use super::guestmemory;
use super::state::State;
use super::strings::pointer;
use crate::wake::check_stop;
use std::ptr;
use wasmtime::{AsContextMut, Caller, Extern};
use wasmtime_c_api::WasmtimeStoreData;
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::p1::wasi_snapshot_preview1::WasiSnapshotPreview1;
use wiggle::{GuestMemory, GuestType};

/// One call from a guest.
pub(super) struct Call<'a> {
    pub(super) memory: GuestMemory<'a>,
    pub(super) state: &'a mut State,
    /// How many bytes upstream's implementation may copy in this call.
    fuel: usize,
}

impl<'a> Call<'a> {
    /// Runs `function` for the guest that `caller` stands for, and makes its outcome the result of the WASI function.
    #[inline]
    pub(super) fn enter(
        mut caller: Caller<'_, WasmtimeStoreData>,
        function: impl FnOnce(&mut Call<'_>) -> Outcome<i32>,
    ) -> wasmtime::Result<i32> {
        let fuel = caller.as_context_mut().hostcall_fuel();
        let state = find(caller.as_context_mut())?;
        let whole = state.whole();
        let state = ptr::from_mut(state);
        let shared;
        let memory = match whole.and_then(guestmemory::known) {
            Some(memory) => GuestMemory::Unshared(memory.data_mut(&mut caller)),
            None => match guestmemory::look_up(&mut caller, whole) {
                Some(Extern::Memory(memory)) => GuestMemory::Unshared(memory.data_mut(&mut caller)),
                Some(Extern::SharedMemory(memory)) => {
                    shared = memory;
                    GuestMemory::Shared(shared.data())
                }
                _ => return Err(no_memory()),
            },
        };
        // SAFETY: nobody has used it since, and the guest's memory is no part of it.
        let state = unsafe { &mut *state };
        match function(&mut Call { memory, state, fuel }) {
            Ok(result) => Ok(result),
            Err(Fault::Errno(errno)) => Ok(errno as i32),
            Err(Fault::Trap(error)) => Err(error),
        }
    }

    /// The open descriptor with this number.
    #[inline]
    pub(super) fn entry(&mut self, fd: i32) -> Result<&mut Entry, Errno> {
        self.state.descriptors.get(fd)
    }

    /// Upstream's implementation and the memory that it is to work on.
    #[inline]
    pub(super) fn inner(&mut self) -> wasmtime::Result<(&mut WasiP1Ctx, &mut GuestMemory<'a>)> {
        let inner = self.state.inner()?;
        inner.set_hostcall_fuel(self.fuel);
        Ok((inner, &mut self.memory))
    }

    /// Ends the guest if it has to stop. What takes long without waiting asks now and then.
    pub(super) fn check_stop(&self) -> Outcome {
        check_stop(self.state.waker())
    }

    /// How many bytes this call may make the host copy.
    pub(super) fn fuel(&self) -> usize {
        self.fuel
    }

    /// Writes a result to the guest's memory.
    #[inline]
    pub(super) fn store<T: GuestType>(&mut self, at: i32, value: T) -> Outcome<i32> {
        self.memory.write(pointer(at), value)?;
        OK
    }

    /// [`Call::store`] of how many bytes were transferred: without a call where nothing is wrong.
    #[inline]
    pub(super) fn store_count(&mut self, at: i32, count: usize) -> Outcome<i32> {
        let count = count as u32;
        let start = at.cast_unsigned() as usize;
        if let GuestMemory::Unshared(bytes) = &mut self.memory
            && start.is_multiple_of(4)
            && let Some(place) = bytes.get_mut(start..start.saturating_add(4))
        {
            place.copy_from_slice(&count.to_le_bytes());
            return OK;
        }
        apart(|| self.store(at, count))
    }

    /// Writes bytes to the guest's memory.
    pub(super) fn store_bytes(&mut self, at: i32, bytes: &[u8]) -> Outcome<i32> {
        self.memory.copy_from_slice(bytes, pointer::<u8>(at).as_array(bytes.len() as u32))?;
        OK
    }
}

/// The result of a WASI function that succeeded.
pub(super) const OK: Outcome<i32> = Ok(Errno::Success as i32);

/// Passes a call on to upstream's implementation: `inner!(call, fd_sync(fd))`, and `inner!(call, await fd_sync(fd))`
/// for the functions that are asynchronous there.
macro_rules! inner {
    ($call:expr, await $name:ident($($arg:expr),* $(,)?)) => {
        crate::wasi::call::apart(|| {
            let (ctx, memory) = $call.inner()?;
            Ok(crate::wasi::state::run(wasmtime_wasi::p1::wasi_snapshot_preview1::$name(ctx, memory $(, $arg)*))?)
        })
    };
    ($call:expr, $name:ident($($arg:expr),* $(,)?)) => {
        crate::wasi::call::apart(|| {
            let (ctx, memory) = $call.inner()?;
            Ok(wasmtime_wasi::p1::wasi_snapshot_preview1::$name(ctx, memory $(, $arg)*)?)
        })
    };
}
pub(super) use inner;

/// Keeps a call of upstream's implementation, whose state can take kilobytes, out of the caller's stack frame.
#[inline(never)]
pub(super) fn apart<T>(call: impl FnOnce() -> T) -> T {
    call()
}

#[cold]
fn no_memory() -> wasmtime::Error {
    wasmtime::Error::msg("missing required memory export")
}
