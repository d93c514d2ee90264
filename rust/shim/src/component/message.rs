//! A message to a guest, as the host has written it.

/// Memory of the host's outside of a message, to which a pointer in the message refers by number.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wasmtime_binding_component_segment_t {
    /// Where it begins; may be null if `len` is 0.
    pub ptr: *const u8,
    /// How many bytes it has.
    pub len: usize,
}

/// A pointer with this bit is the number of a segment.
pub(super) const SEGMENT: u32 = 0x8000_0000;

/// A message with what belongs to it.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) segments: &'a [wasmtime_binding_component_segment_t],
}

impl<'a> Message<'a> {
    /// The block of the tuple itself; nothing if the message is shorter.
    #[inline]
    pub(super) fn block(&self, size: u32) -> Option<&'a [u8]> {
        self.bytes.get(..size as usize)
    }

    /// The `len` bytes that a pointer refers to; nothing if there are not so many.
    #[inline]
    pub(super) fn at(&self, pointer: u32, len: usize) -> Option<&'a [u8]> {
        if pointer & SEGMENT == 0 {
            let start = pointer as usize;
            return self.bytes.get(start..start.checked_add(len)?);
        }
        let segment = self.segments.get((pointer & !SEGMENT) as usize)?;
        match len {
            0 => Some(&[]),
            // SAFETY: who made the message vouches for its segments.
            _ => (len <= segment.len).then(|| unsafe { std::slice::from_raw_parts(segment.ptr, len) }),
        }
    }
}

// SAFETY: segments are read only, and only while the call that they belong to lasts.
unsafe impl Send for wasmtime_binding_component_segment_t {}
// SAFETY: as above.
unsafe impl Sync for wasmtime_binding_component_segment_t {}

/// A number of the message; the block is long enough.
#[inline]
pub(super) fn u16_at(block: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([block[at], block[at + 1]])
}

/// As above.
#[inline]
pub(super) fn u32_at(block: &[u8], at: usize) -> u32 {
    match block[at..].first_chunk() {
        Some(bytes) => u32::from_le_bytes(*bytes),
        None => panic!("a block of a message is too short"),
    }
}

/// As above.
#[inline]
pub(super) fn u64_at(block: &[u8], at: usize) -> u64 {
    match block[at..].first_chunk() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => panic!("a block of a message is too short"),
    }
}

/// A string's or a list's pointer and length.
#[inline]
pub(super) fn pair_at(block: &[u8], at: usize) -> (u32, u32) {
    let pair = u64_at(block, at);
    (pair as u32, (pair >> 32) as u32)
}

/// A variant's case.
#[inline]
pub(super) fn case_at(block: &[u8], size: u32) -> u32 {
    match size {
        1 => block[0].into(),
        2 => u16_at(block, 0).into(),
        _ => u32_at(block, 0),
    }
}

/// The label bits of one word of flags that are no label's.
#[inline]
pub(super) fn unnamed(labels: u32, word: u32) -> u32 {
    match labels.saturating_sub(word * 32) {
        n @ 0..32 => u32::MAX << n,
        _ => 0,
    }
}
