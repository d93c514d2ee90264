//! From a guest into a message. The guest may have written anything: what is none of its types' values is a
//! `WASMTIME_ERROR_GUEST_ABI`, in the words that upstream has for it. What it makes the host copy is paid for before it
//! is copied.

use super::buffer::{Buffer, NoRoom};
use super::check::Resource;
use super::message::{SEGMENT, case_at, pair_at, u32_at, unnamed};
use super::plan::{Id, Kind, Node, Number, Plan, Variant};
use super::resource::is_host;
use crate::error::{ExtError, wasmtime_error_code_t};
use std::ptr::NonNull;
use wasmtime::component::__internal::wasmtime_environ::component::{StringEncoding, TypeResourceTableIndex};
use wasmtime::component::__internal::{InterfaceType, LiftContext};
use wasmtime::component::{Lift as _, ResourceAny};
use wasmtime::{Error, Result, ValRaw};

/// A resource in a message whose handle is not made yet: the word at the offset will be the handle.
pub(super) struct Pending {
    pub(super) at: usize,
    pub(super) resource: ResourceAny,
    /// What it is for those who define it, of a `borrow`. Of an `own`, upstream tells only when it takes that back.
    pub(super) rep: Option<u32>,
}

/// One message on its way.
pub(super) struct Lifting<'c, 'a> {
    pub(super) cx: &'c mut LiftContext<'a>,
    pub(super) plan: &'c Plan,
    /// The plan's resources, if they are known already.
    pub(super) resources: Option<&'c [Resource]>,
    /// Where the message goes; empty at first.
    pub(super) out: &'c mut Buffer,
    /// Where a list goes instead, the first that is nothing but numbers and fits.
    pub(super) list: Option<Place>,
    pub(super) pending: &'c mut Vec<Pending>,
}

/// Memory outside of a message that nobody else uses, for a part of it.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) start: NonNull<u8>,
    pub(super) capacity: usize,
}

/// Set in the length of a string that a guest with two encodings has as UTF-16.
const UTF16_TAG: u32 = 1 << 31;

impl Lifting<'_, '_> {
    /// Lifts the tuple from core values, of which there must be as many as the type has.
    #[inline]
    pub(super) fn lift_flat(&mut self, values: &[ValRaw]) -> Result<()> {
        let plan = self.plan;
        let root = plan.root();
        self.out.begin(root.size as usize)?;
        if let Some(numbers) = &plan.numbers {
            let block = self.out.bytes_mut();
            for ((at, number), value) in numbers.iter().zip(values) {
                lay(*number, value, &mut block[*at as usize..]);
            }
            return Ok(());
        }
        self.flat(root, &mut values.iter(), 0)?;
        self.mend(root, 0)
    }

    /// Lifts the tuple from the guest's memory.
    pub(super) fn lift_memory(&mut self, address: usize) -> Result<()> {
        let root = self.plan.root();
        if !address.is_multiple_of(root.align as usize) {
            return Err(broken("return pointer not aligned"));
        }
        let memory = self.cx.memory();
        let bytes = memory.get(address..).and_then(|rest| rest.get(..root.size as usize));
        let bytes = bytes.ok_or_else(|| broken("pointer out of bounds of memory"))?;
        pay(self.cx, bytes.len())?;
        self.out.push(bytes, root.align)?;
        if root.plain { Ok(()) } else { self.mend(root, 0) }
    }

    fn string(&mut self, at: usize) -> Result<()> {
        let (address, len) = pair_at(self.out.bytes(), at);
        let wide = match self.cx.options().string_encoding {
            StringEncoding::Utf8 => None,
            StringEncoding::Utf16 => Some(len),
            StringEncoding::CompactUtf16 if len & UTF16_TAG != 0 => Some(len ^ UTF16_TAG),
            StringEncoding::CompactUtf16 => return self.latin1(at, address as usize, len as usize),
        };
        if wide.is_some() && !address.is_multiple_of(2) {
            return Err(string_not_aligned());
        }
        let memory = self.cx.memory().get(address as usize..).ok_or_else(string_outside)?;
        if let Some(units) = wide {
            return self.utf16(at, memory, units as usize);
        }
        let bytes = memory.get(..len as usize).ok_or_else(string_outside)?;
        pay(self.cx, bytes.len())?;
        std::str::from_utf8(bytes).map_err(|error| broken(&error.to_string()))?;
        let start = self.out.push(bytes, 1)?;
        self.put_pair(at, start, bytes.len());
        Ok(())
    }

    fn utf16(&mut self, at: usize, memory: &[u8], units: usize) -> Result<()> {
        let bytes = units.checked_mul(2).and_then(|len| memory.get(..len)).ok_or_else(string_outside)?;
        pay(self.cx, bytes.len())?;
        let units = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
        let start = self.out.len();
        for char in char::decode_utf16(units) {
            self.push_char(char.map_err(|error| broken(&error.to_string()))?)?;
        }
        self.put_pair(at, start, self.out.len() - start);
        Ok(())
    }

    fn latin1(&mut self, at: usize, address: usize, len: usize) -> Result<()> {
        if !address.is_multiple_of(2) {
            return Err(string_not_aligned());
        }
        let memory = self.cx.memory();
        let bytes = memory.get(address..).and_then(|rest| rest.get(..len)).ok_or_else(string_outside)?;
        pay(self.cx, bytes.len())?;
        let start = self.out.len();
        if bytes.is_ascii() {
            self.out.push(bytes, 1)?;
        } else {
            for byte in bytes {
                self.push_char(char::from(*byte))?;
            }
        }
        self.put_pair(at, start, self.out.len() - start);
        Ok(())
    }

    #[inline]
    fn push_char(&mut self, char: char) -> Result<()> {
        self.out.push(char.encode_utf8(&mut [0; 4]).as_bytes(), 1)?;
        Ok(())
    }

    fn list(&mut self, id: Id, what: &str, at: usize) -> Result<()> {
        let plan = self.plan;
        let element = plan.node(id);
        let (address, n) = pair_at(self.out.bytes(), at);
        let (start, len) = (address as usize, u64::from(n) * u64::from(element.size));
        let rest = self.cx.memory().get(start..);
        let bytes = rest.and_then(|rest| rest.get(..usize::try_from(len).ok()?));
        let bytes = bytes.ok_or_else(|| broken(&format!("{what} pointer/length out of bounds of memory")))?;
        if !start.is_multiple_of(element.align as usize) {
            return Err(broken(&format!("{what} pointer is not aligned")));
        }
        pay(self.cx, bytes.len())?;
        if element.plain
            && let Some(place) = self.list.take_if(|place| bytes.len() <= place.capacity)
        {
            // SAFETY: who made the place vouches for it, and no guest has it in its memory.
            unsafe { place.start.as_ptr().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
            self.put_pair(at, SEGMENT as usize, n as usize);
            return Ok(());
        }
        let start = self.out.push(bytes, element.align)?;
        self.put_pair(at, start, n as usize);
        self.elements(element, start, n as usize)
    }

    fn elements(&mut self, element: &Node, start: usize, n: usize) -> Result<()> {
        let size = element.size as usize;
        match element.kind {
            _ if element.plain => {}
            // Lists of these may be long.
            Kind::Bool => self.out.bytes_mut()[start..][..n].iter_mut().for_each(|byte| *byte = (*byte != 0).into()),
            _ => {
                for i in 0..n {
                    self.mend(element, start + i * size)?;
                }
            }
        }
        Ok(())
    }

    /// Puts right what is not a value yet in the message's block at an offset, which is a copy of the guest's.
    fn mend(&mut self, node: &Node, at: usize) -> Result<()> {
        let plan = self.plan;
        match &node.kind {
            Kind::Number(_) => {}
            Kind::Bool => {
                let byte = &mut self.out.bytes_mut()[at];
                *byte = (*byte != 0).into();
            }
            Kind::Char => {
                char::try_from(u32_at(self.out.bytes(), at)).map_err(|error| broken(&error.to_string()))?;
            }
            Kind::String => self.string(at)?,
            Kind::List(element, what) => self.list(*element, what, at)?,
            Kind::Fixed(element, n) => self.elements(plan.node(*element), at, *n as usize)?,
            Kind::Record(record) => {
                for field in record.fields.iter().filter(|field| !field.plain) {
                    self.mend(plan.node(field.node), at + field.at as usize)?;
                }
            }
            Kind::Variant(variant) => {
                let case = case_at(&self.out.bytes()[at..], variant.size);
                match variant.cases.get(case) {
                    None => return Err(no_case(case, variant)),
                    Some(None) => {}
                    Some(Some(payload)) => {
                        let payload = plan.node(payload);
                        if !payload.plain {
                            self.mend(payload, at + variant.payload as usize)?;
                        }
                    }
                }
            }
            Kind::Flags(labels) => {
                let block = &mut self.out.bytes_mut()[at..][..node.size as usize];
                for (i, word) in block.chunks_mut(4).enumerate() {
                    let stray = unnamed(*labels, i as u32).to_le_bytes();
                    word.iter_mut().zip(stray).for_each(|(byte, stray)| *byte &= !stray);
                }
            }
            Kind::Own(number) => self.handle(InterfaceType::Own(plan.resources[*number as usize]), *number, at)?,
            Kind::Borrow(number) => {
                self.handle(InterfaceType::Borrow(plan.resources[*number as usize]), *number, at)?
            }
        }
        Ok(())
    }

    /// Takes a resource from the guest, whose index of it is in the message.
    fn handle(&mut self, ty: InterfaceType, number: u32, at: usize) -> Result<()> {
        let index = u32_at(self.out.bytes(), at);
        let host = match self.resources {
            Some(resources) => resources[number as usize].host,
            None => is_host(ty, &self.cx.instance_type()),
        };
        if host {
            let number = self.host_number(ty, index).map_err(|error| broken(&error.to_string()))?;
            self.out.bytes_mut()[at..][..4].copy_from_slice(&number.to_le_bytes());
            return Ok(());
        }
        let rep = match ty {
            InterfaceType::Borrow(table) => self.cx.guest_resource_lift_borrow(table, index).map(Some),
            _ => Ok(None),
        };
        let lifted = rep.and_then(|rep| {
            let resource = ResourceAny::linear_lift_from_flat(self.cx, ty, &ValRaw::u32(index))?;
            Ok(Pending { at, resource, rep })
        });
        self.pending.push(lifted.map_err(|error| broken(&error.to_string()))?);
        Ok(())
    }

    /// The number by which the host knows a resource of its own.
    fn host_number(&mut self, ty: InterfaceType, index: u32) -> Result<u32> {
        match ty {
            InterfaceType::Own(table) => self.lift_own(table, index),
            InterfaceType::Borrow(table) => self.cx.guest_resource_lift_borrow(table, index),
            _ => unreachable!("only these are handles"),
        }
    }

    fn lift_own(&mut self, table: TypeResourceTableIndex, index: u32) -> Result<u32> {
        Ok(self.cx.guest_resource_lift_own(table, index)?.0)
    }

    /// Lays core values out as they would lie in memory; [`Lifting::mend`] does the rest.
    fn flat(&mut self, node: &Node, values: &mut std::slice::Iter<'_, ValRaw>, at: usize) -> Result<()> {
        let plan = self.plan;
        match &node.kind {
            Kind::Record(record) => {
                for field in &record.fields {
                    self.flat(plan.node(field.node), values, at + field.at as usize)?;
                }
                return Ok(());
            }
            Kind::Fixed(element, n) => {
                let element = plan.node(*element);
                for i in 0..*n as usize {
                    self.flat(element, values, at + i * element.size as usize)?;
                }
                return Ok(());
            }
            Kind::Variant(variant) => {
                let after = values.as_slice().get(node.flat as usize..).ok_or_else(missing)?;
                let case = take(values)?.get_u32();
                let payload = variant.cases.get(case).ok_or_else(|| no_case(case, variant))?;
                let bytes = case.to_le_bytes();
                self.out.bytes_mut()[at..][..variant.size as usize].copy_from_slice(&bytes[..variant.size as usize]);
                if let Some(payload) = payload {
                    self.flat(plan.node(payload), values, at + variant.payload as usize)?;
                }
                *values = after.iter();
                return Ok(());
            }
            _ => {}
        }
        let block = &mut self.out.bytes_mut()[at..];
        match &node.kind {
            Kind::Number(number) => lay(*number, take(values)?, block),
            Kind::Bool => block[0] = (take(values)?.get_u32() != 0).into(),
            Kind::Char | Kind::Own(_) | Kind::Borrow(_) => lay(Number::Word, take(values)?, block),
            Kind::String | Kind::List(..) => {
                lay(Number::Word, take(values)?, block);
                lay(Number::Word, take(values)?, &mut block[4..]);
            }
            Kind::Flags(_) => {
                for word in block[..node.size as usize].chunks_mut(4) {
                    let bytes = take(values)?.get_u32().to_le_bytes();
                    word.copy_from_slice(&bytes[..word.len()]);
                }
            }
            Kind::Record(_) | Kind::Fixed(..) | Kind::Variant(_) => {}
        }
        Ok(())
    }

    fn put_pair(&mut self, at: usize, pointer: usize, len: usize) {
        let pair = pointer as u64 | (len as u64) << 32;
        self.out.bytes_mut()[at..][..8].copy_from_slice(&pair.to_le_bytes());
    }
}

#[inline]
fn take<'a>(values: &mut std::slice::Iter<'a, ValRaw>) -> Result<&'a ValRaw> {
    values.next().ok_or_else(missing)
}

/// Writes a number to the start of a block.
#[inline]
fn lay(number: Number, value: &ValRaw, block: &mut [u8]) {
    match number {
        Number::S8 | Number::U8 => block[0] = value.get_u32() as u8,
        Number::S16 | Number::U16 => block[..2].copy_from_slice(&(value.get_u32() as u16).to_le_bytes()),
        Number::Word => block[..4].copy_from_slice(&value.get_u32().to_le_bytes()),
        Number::Long => block[..8].copy_from_slice(&value.get_u64().to_le_bytes()),
    }
}

/// Takes hostcall fuel for bytes that the host is about to copy.
#[inline]
fn pay(cx: &mut LiftContext<'_>, bytes: usize) -> Result<()> {
    cx.consume_fuel(bytes).map_err(|_| {
        let message = "a guest hands over more bytes in one call than the store's hostcall fuel allows";
        ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_HOSTCALL_FUEL, message)
    })
}

impl From<NoRoom> for Error {
    fn from(_: NoRoom) -> Error {
        let message = "there is no memory for a message, or it would be longer than 2 GiB";
        ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_HOSTCALL_FUEL, message)
    }
}

/// A guest has broken the canonical ABI.
#[cold]
pub(super) fn broken(message: &str) -> Error {
    ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_GUEST_ABI, message)
}

#[cold]
fn string_outside() -> Error {
    broken("string pointer/length out of bounds of memory")
}

#[cold]
fn string_not_aligned() -> Error {
    broken("string pointer not aligned to 2")
}

#[cold]
fn no_case(case: u32, variant: &Variant) -> Error {
    broken(&format!("discriminant {case} out of range [0..{})", variant.cases.len()))
}

#[cold]
fn missing() -> Error {
    broken("there are fewer core values than the type has")
}
