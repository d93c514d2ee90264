//! The way to an item: names of instances, one inside the other, then the item's own.

use crate::cast;
use crate::error::{ExtError, wasmtime_error_code_t};
use wasmtime::{Error, Result};

/// A path is no longer.
const LONGEST: usize = 100;

/// Reads a path: strings one after the other, each a length of four bytes and UTF-8. There is at least one name.
///
/// # Safety
///
/// `path` must be valid for `len` bytes as long as the result is used.
pub(super) unsafe fn read<'a>(path: *const u8, len: usize) -> Result<(Vec<&'a str>, &'a str)> {
    // SAFETY: the caller vouches for the bytes.
    let mut rest = unsafe { cast::bytes(path, len) };
    let mut names = Vec::new();
    while !rest.is_empty() {
        let (length, tail) = rest.split_first_chunk().ok_or_else(malformed)?;
        let (name, tail) = tail.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(malformed)?;
        names.push(std::str::from_utf8(name).map_err(|_| malformed())?);
        rest = tail;
        if names.len() > LONGEST {
            return Err(malformed());
        }
    }
    let name = names.pop().ok_or_else(malformed)?;
    Ok((names, name))
}

fn malformed() -> Error {
    ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_BAD_ARGUMENT, "the path to an item is malformed")
}
