//! Buffers of the guest, bounds-checked once and then handed to the operating system as they lie.

use super::fault::{Errno, Outcome};
use std::mem::MaybeUninit;
use wiggle::{GuestError, GuestMemory, Region};

/// A range of guest memory. Its layout is that of `struct iovec`, which `host/` checks.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Span {
    pub(super) base: *mut u8,
    pub(super) len: usize,
}

impl Span {
    /// A buffer of the guest, whose bounds are checked. What [`Spans`] says of its pointers goes for it, too.
    pub(super) fn at(memory: &GuestMemory<'_>, start: i32, len: i32) -> Outcome<Span> {
        Span::within(extent(memory), start.cast_unsigned(), len.cast_unsigned())
    }

    #[inline]
    fn within((base, size): (*mut u8, usize), start: u32, len: u32) -> Outcome<Span> {
        if start as usize + len as usize > size {
            return Err(GuestError::PtrOutOfBounds(Region { start, len }).into());
        }
        // SAFETY: the buffer was just found to lie within the memory.
        Ok(Span { base: unsafe { base.add(start as usize) }, len: len as usize })
    }

    /// The buffer without its first `n` bytes, of which it has as many.
    pub(super) fn from(self, n: usize) -> Span {
        let n = n.min(self.len);
        // SAFETY: `n` is not more than the length of the buffer.
        Span { base: unsafe { self.base.add(n) }, len: self.len - n }
    }

    /// The buffer in parts of at most `most` bytes, one after the other. An empty one is one part.
    pub(super) fn parts(self, most: usize) -> impl Iterator<Item = Span> {
        (0..self.len.max(1)).step_by(most).map(move |at| {
            // SAFETY: `at` is not more than the length of the buffer.
            Span { base: unsafe { self.base.add(at) }, len: most.min(self.len - at) }
        })
    }
}

/// How many buffers fit without an allocation; guests pass one or two.
const INLINE: usize = 4;

/// Linux's `IOV_MAX`: more buffers in one call are `EINVAL`.
const IOV_MAX: u32 = 1024;

/// As many bytes as Linux transfers in one call. macOS refuses to transfer as many as do not fit into an `int`.
const MOST: usize = 0x7fff_f000;

/// The buffers of one scatter or gather call.
///
/// The pointers stay good for as long as the host call lasts: nothing can grow, move or free the memory meanwhile. In a
/// shared memory other threads may change the bytes, which is why no Rust reference to them is ever made: only the
/// operating system reads and writes them.
#[derive(Clone)]
pub(super) struct Spans {
    /// Those of a short list. Written up to `len` unless the list is long.
    inline: [MaybeUninit<Span>; INLINE],
    /// Those of a long list; otherwise empty.
    heap: Vec<Span>,
    start: usize,
    len: usize,
    total: usize,
}

impl Spans {
    /// No buffers.
    #[inline]
    pub(super) const fn none() -> Spans {
        Spans { inline: [MaybeUninit::uninit(); INLINE], heap: Vec::new(), start: 0, len: 0, total: 0 }
    }

    /// One buffer, which is the host's.
    pub(super) fn one(span: Span) -> Spans {
        let mut spans = Spans::none();
        let span = Span { len: span.len.min(MOST), ..span };
        spans.inline[0] = MaybeUninit::new(span);
        (spans.len, spans.total) = (1, span.len);
        spans
    }

    /// Reads the `iovec` or `ciovec` array at `array` and checks the bounds of every buffer in it.
    #[inline]
    pub(super) fn read(memory: &GuestMemory<'_>, array: i32, count: i32) -> Outcome<Spans> {
        let mut spans = Spans::none();
        spans.fill(memory, array, count)?;
        Ok(spans)
    }

    /// [`Spans::read`] in place, for calls that are to be as fast as can be: nothing is moved.
    #[inline]
    pub(super) fn fill(&mut self, memory: &GuestMemory<'_>, array: i32, count: i32) -> Outcome {
        let (array, count) = (array.cast_unsigned(), count.cast_unsigned());
        if count > IOV_MAX {
            return Err(Errno::Inval.into());
        }
        let (base, size) = extent(memory);
        let range = Region { start: array, len: count * 8 };
        if array % 4 != 0 {
            return Err(GuestError::PtrNotAligned(range, 4).into());
        }
        if array as usize + count as usize * 8 > size {
            return Err(GuestError::PtrOutOfBounds(range).into());
        }
        let count = count as usize;
        let long = count > INLINE;
        if long {
            self.heap.reserve_exact(count);
        }
        self.len = count;
        for i in 0..count {
            // SAFETY: the array was just found to lie within the memory.
            let (buf, len) = unsafe {
                let entry = base.add(array as usize + i * 8);
                (read_u32(entry), read_u32(entry.add(4)))
            };
            let mut span = Span::within((base, size), buf, len)?;
            span.len = span.len.min(MOST - self.total);
            match long {
                true => self.heap.push(span),
                false => self.inline[i] = MaybeUninit::new(span),
            }
            self.total += span.len;
        }
        Ok(())
    }

    /// The number of bytes in all buffers that are left.
    #[inline]
    pub(super) fn total(&self) -> usize {
        self.total
    }

    #[inline]
    pub(super) fn as_slice(&self) -> &[Span] {
        if !self.heap.is_empty() {
            return &self.heap[self.start..];
        }
        // SAFETY: `fill` has written that many of a short list.
        unsafe { self.inline[self.start..self.len].assume_init_ref() }
    }

    fn as_mut_slice(&mut self) -> &mut [Span] {
        if !self.heap.is_empty() {
            return &mut self.heap[self.start..];
        }
        // SAFETY: as above.
        unsafe { self.inline[self.start..self.len].assume_init_mut() }
    }

    /// The first `most` bytes, or all if there are less.
    pub(super) fn first(&self, most: usize) -> Spans {
        let mut first = self.clone();
        let mut left = most;
        for span in first.as_mut_slice() {
            span.len = span.len.min(left);
            left -= span.len;
        }
        first.total = most - left;
        first
    }

    /// Drops the first `n` bytes, which must be there.
    pub(super) fn advance(&mut self, mut n: usize) {
        self.total -= n;
        while n > 0 {
            let first = &mut self.as_mut_slice()[0];
            if first.len > n {
                // SAFETY: `n` is less than the length of the buffer.
                first.base = unsafe { first.base.add(n) };
                first.len -= n;
                return;
            }
            n -= first.len;
            self.start += 1;
        }
    }
}

/// Where a guest's memory starts and how many bytes it has.
#[inline]
fn extent(memory: &GuestMemory<'_>) -> (*mut u8, usize) {
    match memory {
        GuestMemory::Unshared(bytes) => (bytes.as_ptr().cast_mut(), bytes.len()),
        GuestMemory::Shared(cells) => (cells.as_ptr().cast::<u8>().cast_mut(), cells.len()),
    }
}

/// Reads a little-endian number that another thread may be writing.
///
/// # Safety
///
/// Four bytes at `at` must be readable.
#[inline]
unsafe fn read_u32(at: *const u8) -> u32 {
    // SAFETY: as the caller promises; volatile, so that a racing writer in a shared memory yields some value, once.
    u32::from_le(unsafe { at.cast::<u32>().read_volatile() })
}
