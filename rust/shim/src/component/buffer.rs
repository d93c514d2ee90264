//! Memory for messages.

use std::alloc::{Layout, alloc, dealloc, realloc};
use std::ptr::{self, NonNull};

/// How a message's start is aligned: as no type of the component model needs more than 8, this is for the host's sake.
pub(super) const ALIGN: usize = 16;

/// No message is longer: a pointer's highest bit says that it is none into the message.
pub(super) const LONGEST: usize = 0x7fff_ffff;

/// What a buffer has at least, once it has any.
const LEAST: usize = 256;

// `begin` writes as much at once.
const _: () = assert!(LEAST >= size_of::<u128>() && ALIGN >= align_of::<u128>());

/// Up to this capacity a buffer is kept even if it is never used again.
const KEPT: usize = 64 << 10;

/// After so many uses that needed a quarter or less of it, a larger buffer is given back.
const PATIENCE: u32 = 32;

/// Bytes whose start is aligned to [`ALIGN`], and which say that there is no memory instead of ending the process.
pub(super) struct Buffer {
    start: *mut u8,
    len: usize,
    capacity: usize,
    /// How many uses in turn have needed little.
    idle: u32,
}

// SAFETY: it owns its memory.
unsafe impl Send for Buffer {}
// SAFETY: as above; nothing changes behind a shared reference.
unsafe impl Sync for Buffer {}

/// There is no memory, or the message would be longer than messages can be.
#[derive(Debug)]
pub(super) struct NoRoom;

impl Buffer {
    pub(super) const fn new() -> Buffer {
        Buffer { start: ptr::null_mut(), len: 0, capacity: 0, idle: 0 }
    }

    pub(super) fn as_ptr(&self) -> *mut u8 {
        self.start
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    /// Says how many of the bytes are the message's.
    ///
    /// # Safety
    ///
    /// `len` must not exceed the capacity, and the bytes up to there must have been written.
    pub(super) unsafe fn set_len(&mut self, len: usize) {
        self.len = len;
    }

    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        match self.len {
            0 => &[],
            // SAFETY: the bytes are there and written.
            len => unsafe { std::slice::from_raw_parts(self.start, len) },
        }
    }

    #[inline]
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        match self.len {
            0 => &mut [],
            // SAFETY: as above, and the buffer is borrowed.
            len => unsafe { std::slice::from_raw_parts_mut(self.start, len) },
        }
    }

    /// Makes room for `capacity` bytes in all.
    #[inline]
    pub(super) fn reserve(&mut self, capacity: usize) -> Result<(), NoRoom> {
        if capacity <= self.capacity { Ok(()) } else { self.grow(capacity) }
    }

    #[cold]
    fn grow(&mut self, capacity: usize) -> Result<(), NoRoom> {
        if capacity > LONGEST {
            return Err(NoRoom);
        }
        let capacity = capacity.max(self.capacity * 2).clamp(LEAST, LONGEST);
        let layout = Layout::from_size_align(capacity, ALIGN).map_err(|_| NoRoom)?;
        // SAFETY: neither size is 0, and the layout is the one that the memory was allocated with.
        let start = unsafe {
            match self.layout() {
                None => alloc(layout),
                Some(old) => realloc(self.start, old, capacity),
            }
        };
        self.start = NonNull::new(start).ok_or(NoRoom)?.as_ptr();
        self.capacity = capacity;
        Ok(())
    }

    /// Begins a message with `len` zeros.
    #[inline]
    pub(super) fn begin(&mut self, len: usize) -> Result<(), NoRoom> {
        self.reserve(len.max(1))?;
        match len {
            // Most are short.
            // SAFETY: a buffer has at least `LEAST` bytes, aligned.
            0..=16 => unsafe { self.start.cast::<u128>().write(0) },
            // SAFETY: there is room for them.
            _ => unsafe { self.start.write_bytes(0, len) },
        }
        self.len = len;
        Ok(())
    }

    /// Adds zeros until the length is `len`.
    pub(super) fn extend_zero(&mut self, len: usize) -> Result<(), NoRoom> {
        if len > self.len {
            self.reserve(len)?;
            // SAFETY: there is room for them.
            unsafe { self.start.add(self.len).write_bytes(0, len - self.len) };
            self.len = len;
        }
        Ok(())
    }

    /// Adds bytes at an offset that is a multiple of `align`, and returns it.
    #[inline]
    pub(super) fn push(&mut self, bytes: &[u8], align: u32) -> Result<usize, NoRoom> {
        let at = self.len.next_multiple_of(align as usize);
        let end = at.checked_add(bytes.len()).ok_or(NoRoom)?;
        self.reserve(end)?;
        self.extend_zero(at)?;
        if !bytes.is_empty() {
            // SAFETY: there is room for them, and nobody else has a reference to it.
            unsafe { self.start.add(at).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        }
        self.len = end;
        Ok(at)
    }

    /// Gives memory back that a rare large message has left. To be called between two uses; the content is lost if it
    /// returns true.
    pub(super) fn trim(&mut self, used: usize) -> bool {
        if self.capacity <= KEPT || used > self.capacity / 4 {
            self.idle = 0;
            return false;
        }
        self.idle += 1;
        let old = self.idle >= PATIENCE;
        if old {
            *self = Buffer::new();
        }
        old
    }

    fn layout(&self) -> Option<Layout> {
        // SAFETY: `grow` has made the same.
        (self.capacity > 0).then(|| unsafe { Layout::from_size_align_unchecked(self.capacity, ALIGN) })
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(layout) = self.layout() {
            // SAFETY: it was allocated with this layout.
            unsafe { dealloc(self.start, layout) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_aligned_and_gaps_zero() {
        let mut buffer = Buffer::new();
        assert_eq!(buffer.push(b"abc", 1).unwrap(), 0);
        assert_eq!(buffer.push(b"defg", 8).unwrap(), 8);
        assert_eq!(buffer.bytes(), b"abc\0\0\0\0\0defg");
        assert_eq!(buffer.as_ptr() as usize % ALIGN, 0);
        for n in 0..1000_u32 {
            buffer.push(&n.to_le_bytes(), 4).unwrap();
        }
        assert_eq!(buffer.len(), 12 + 4000);
        assert_eq!(buffer.as_ptr() as usize % ALIGN, 0);
        assert!(buffer.reserve(LONGEST + 1).is_err());
    }

    #[test]
    fn large_memory_is_given_back_once_it_is_no_more_needed() {
        let mut buffer = Buffer::new();
        buffer.reserve(1 << 20).unwrap();
        for _ in 0..100 {
            assert!(!buffer.trim(1 << 20));
        }
        let turns = (0..100).find(|_| buffer.trim(1));
        assert_eq!(turns, Some(PATIENCE - 1));
        assert_eq!(buffer.capacity(), 0);
        buffer.reserve(1).unwrap();
        assert!((0..100).all(|_| !buffer.trim(0)));
    }
}
