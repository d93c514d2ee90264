//! Bytes that cross as they lie: what a component writes is taken from its memory, and what it reads from a file is
//! read into its memory.
//!
//! Upstream's types for a `list<u8>` copy on the way: into a vector that an argument becomes, and out of the vector
//! that a result is. With these, WASI 0.2 moves bytes as WASI 0.1 does, from and to the operating system.

use super::enter::Wasi;
use crate::wasi::memory::Span;
use crate::wasi::state::State;
use std::mem::MaybeUninit;
use std::ptr;
use wasmtime::component::__internal::{CanonicalAbiInfo, InstanceType, InterfaceType, LiftContext, LowerContext};
use wasmtime::component::{ComponentType, Lift, Lower};
use wasmtime::{Error, Result, ValRaw};

/// Less than this is copied: it is not worth to ask how much a file has.
const WORTHWHILE: usize = 4096;

type List = Vec<u8>;

/// A `list<u8>` that a component passes, where it lies. It is good until the function returns: until then nothing can
/// run in the component, or grow or free its memory.
pub(super) struct Given(Span);

// SAFETY: it is used by whoever uses the store.
unsafe impl Send for Given {}
// SAFETY: as above.
unsafe impl Sync for Given {}

impl Given {
    fn within(memory: &[u8], start: u32, len: u32) -> Result<Given> {
        let bytes = memory.get(start as usize..).and_then(|rest| rest.get(..len as usize));
        let bytes = bytes.ok_or_else(|| Error::msg("a list lies outside of the component's memory"))?;
        Ok(Given(Span { base: bytes.as_ptr().cast_mut(), len: bytes.len() }))
    }

    /// Bytes of the host's, which have to be there as long.
    pub(super) fn host(bytes: &[u8]) -> Given {
        Given(Span { base: bytes.as_ptr().cast_mut(), len: bytes.len() })
    }

    pub(super) fn span(&self) -> Span {
        self.0
    }

    pub(super) fn len(&self) -> usize {
        self.0.len
    }
}

// SAFETY: it is a list of bytes for the component, and nothing else is said of that here.
unsafe impl ComponentType for Given {
    type Lower = <List as ComponentType>::Lower;

    const ABI: CanonicalAbiInfo = List::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        List::typecheck(ty, types)
    }
}

// SAFETY: it makes nothing that could be invalid.
unsafe impl Lift for Given {
    #[inline]
    fn linear_lift_from_flat(cx: &mut LiftContext<'_>, _: InterfaceType, [start, len]: &[ValRaw; 2]) -> Result<Given> {
        Given::within(cx.memory(), start.get_u32(), len.get_u32())
    }

    fn linear_lift_from_memory(cx: &mut LiftContext<'_>, _: InterfaceType, bytes: &[u8]) -> Result<Given> {
        match bytes {
            &[a, b, c, d, e, f, g, h] => {
                Given::within(cx.memory(), u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]))
            }
            _ => Err(Error::msg("a list is not eight bytes long")),
        }
    }
}

/// A `list<u8>` that is in a component's memory already.
pub(super) struct Placed {
    start: usize,
    len: usize,
}

// SAFETY: as for `Given`.
unsafe impl ComponentType for Placed {
    type Lower = <List as ComponentType>::Lower;

    const ABI: CanonicalAbiInfo = List::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        List::typecheck(ty, types)
    }
}

// SAFETY: both values are written.
unsafe impl Lower for Placed {
    fn linear_lower_to_flat<T>(
        &self,
        _: &mut LowerContext<'_, T>,
        _: InterfaceType,
        to: &mut MaybeUninit<[ValRaw; 2]>,
    ) -> Result<()> {
        to.write([ValRaw::i64(self.start as i64), ValRaw::i64(self.len as i64)]);
        Ok(())
    }

    fn linear_lower_to_memory<T>(&self, cx: &mut LowerContext<'_, T>, _: InterfaceType, at: usize) -> Result<()> {
        *cx.get(at) = (self.start as u32).to_le_bytes();
        *cx.get(at + 4) = (self.len as u32).to_le_bytes();
        Ok(())
    }
}

/// What a function that reads returns.
pub(super) enum Reading<T> {
    /// What it has read, or why it has not.
    Done(T),
    /// How it will read, once there is room in the component's memory.
    Later(Later),
}

/// A read of a file that has as much.
pub(super) struct Later {
    /// The store's state: of the store whose component calls, in which nothing runs until the result is there but the
    /// component's allocation, which can call nobody.
    state: *mut State,
    fuel: usize,
    /// What is read, by its number in the table.
    pub(super) number: u32,
    /// From where, if that says no stream.
    pub(super) offset: u64,
    len: usize,
}

// SAFETY: it is used by whoever uses the store.
unsafe impl Send for Later {}
// SAFETY: as above.
unsafe impl Sync for Later {}

/// What a function that reads returns when it has read: a type of upstream's with a vector in it.
pub(super) trait Read: Lower + 'static {
    /// The same with bytes that are in the component's memory.
    type Placed: Lower;

    /// Says that something was read.
    fn placed(bytes: Placed) -> Self::Placed;

    /// Reads into the component's memory. An error that the component hears of, or the end, is in the inner result.
    fn read(wasi: &mut Wasi<'_>, later: &Later, room: Span) -> Result<std::result::Result<usize, Self>>
    where
        Self: Sized;
}

impl Later {
    fn lower<R: Read, T>(&self, cx: &mut LowerContext<'_, T>, ty: InterfaceType, at: usize) -> Result<()> {
        let start = cx.realloc(0, 0, 1, self.len)?;
        let room = &mut cx.as_slice_mut()[start..][..self.len];
        let room = Span { base: room.as_mut_ptr(), len: room.len() };
        // SAFETY: see `state`.
        let read = Wasi::again(unsafe { &mut *self.state }, self.fuel, |wasi| R::read(wasi, self, room))?;
        let n = *read.as_ref().unwrap_or(&0);
        // The file has become shorter in this moment, or has failed. What is too much goes back, but for a byte: how to
        // give all of it back nobody says.
        let start = if n < self.len { cx.realloc(start, self.len, 1, n.max(1))? } else { start };
        match read {
            Ok(len) => R::placed(Placed { start, len }).linear_lower_to_memory(cx, ty, at),
            Err(other) => other.linear_lower_to_memory(cx, ty, at),
        }
    }
}

// SAFETY: it is what upstream's type is.
unsafe impl<R: Read> ComponentType for Reading<R> {
    type Lower = R::Lower;

    const ABI: CanonicalAbiInfo = R::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        R::typecheck(ty, types)
    }
}

// SAFETY: upstream's types write what they have to.
unsafe impl<R: Read> Lower for Reading<R> {
    fn linear_lower_to_flat<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        to: &mut MaybeUninit<R::Lower>,
    ) -> Result<()> {
        match self {
            Reading::Done(result) => result.linear_lower_to_flat(cx, ty, to),
            // Results of more than one value are always in memory.
            Reading::Later(_) => Err(Error::msg("a list cannot be returned in core values")),
        }
    }

    fn linear_lower_to_memory<T>(&self, cx: &mut LowerContext<'_, T>, ty: InterfaceType, at: usize) -> Result<()> {
        match self {
            Reading::Done(result) => result.linear_lower_to_memory(cx, ty, at),
            Reading::Later(later) => later.lower::<R, T>(cx, ty, at),
        }
    }
}

impl Wasi<'_> {
    /// A read of so many bytes that a file has.
    pub(super) fn later<R>(&mut self, number: u32, offset: u64, len: usize) -> Reading<R> {
        Reading::Later(Later { state: ptr::from_mut(self.state), fuel: self.fuel, number, offset, len })
    }
}

/// How many bytes a read of `len` finds in a file of this size; nothing if they are so few that they may be copied.
pub(super) fn found(size: u64, at: u64, len: usize) -> Option<usize> {
    let left = usize::try_from(size.saturating_sub(at)).unwrap_or(usize::MAX);
    Some(len.min(left)).filter(|n| *n >= WORTHWHILE)
}

/// Whether so long a read may be one that [`found`] finds enough for.
pub(super) fn worthwhile(len: usize) -> bool {
    len >= WORTHWHILE
}
