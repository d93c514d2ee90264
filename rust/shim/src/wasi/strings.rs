//! Arguments and environment, laid out as the guest will read them.

use super::fault::{Errno, Outcome};
use wiggle::{GuestMemory, GuestPtr};

/// A list of strings, each with a zero byte after it.
#[derive(Default)]
pub(super) struct Strings {
    bytes: Vec<u8>,
    starts: Vec<u32>,
}

impl Strings {
    /// Adds the string that the parts make together.
    ///
    /// Fails when the list would no longer fit into a guest's memory.
    pub(super) fn push(&mut self, parts: &[&[u8]]) -> Result<(), TooLong> {
        let start = u32::try_from(self.bytes.len()).map_err(|_| TooLong)?;
        self.starts.push(start);
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        self.bytes.push(0);
        if u32::try_from(self.bytes.len()).is_err() { Err(TooLong) } else { Ok(()) }
    }

    /// The strings. What is not UTF-8 in them is replaced: a component's strings have nothing else.
    pub(super) fn texts(&self) -> impl Iterator<Item = String> {
        let ends = self.starts.iter().skip(1).map(|end| *end as usize).chain([self.bytes.len()]);
        self.starts.iter().zip(ends).map(|(start, end)| {
            String::from_utf8_lossy(&self.bytes[*start as usize..end - 1]).into_owned() // without the zero
        })
    }

    /// Writes the number of strings and of bytes, as `args_sizes_get` does.
    pub(super) fn sizes(&self, memory: &mut GuestMemory<'_>, count: i32, bytes: i32) -> Outcome {
        memory.write(pointer::<u32>(count), self.starts.len() as u32)?;
        memory.write(pointer::<u32>(bytes), self.bytes.len() as u32)?;
        Ok(())
    }

    /// Writes the strings and the pointers to them, as `args_get` does.
    pub(super) fn write(&self, memory: &mut GuestMemory<'_>, pointers: i32, buffer: i32) -> Outcome {
        let buffer = buffer.cast_unsigned();
        let length = self.bytes.len() as u32;
        memory.copy_from_slice(&self.bytes, GuestPtr::<u8>::new(buffer).as_array(length))?;
        let mut pointer = pointer::<u32>(pointers);
        for start in &self.starts {
            memory.write(pointer, buffer.checked_add(*start).ok_or(Errno::Overflow)?)?;
            pointer = pointer.add(1)?;
        }
        Ok(())
    }
}

/// The strings have more than 4 GiB.
pub(super) struct TooLong;

/// A guest address as a typed pointer.
#[inline]
pub(super) fn pointer<T>(address: i32) -> GuestPtr<T> {
    GuestPtr::new(address.cast_unsigned())
}
