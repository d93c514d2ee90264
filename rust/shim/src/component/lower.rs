//! From a message into a guest. The message has been checked; whatever is wrong here nevertheless is an error, never
//! undefined.

use super::check::{Resource, TOO_SHORT, bad_argument, changed, handle_changed};
use super::handles::{End, Handles};
use super::message::{Message, case_at, pair_at, u16_at, u32_at, u64_at};
use super::plan::{Id, Kind, Node, Number, Plan};
use super::resource::is_host;
use std::mem::MaybeUninit;
use wasmtime::component::__internal::wasmtime_environ::component::StringEncoding;
use wasmtime::component::__internal::{InterfaceType, LowerContext};
use wasmtime::component::Lower as _;
use wasmtime::{Result, ValRaw};

/// Lowers a message of numbers into core values.
#[inline]
pub(super) fn numbers(numbers: &[(u32, Number)], block: &[u8], to: &mut [MaybeUninit<ValRaw>]) {
    for ((at, number), slot) in numbers.iter().zip(to) {
        slot.write(ValRaw::u64(extended(*number, block, *at as usize)));
    }
}

/// A number as a core value, extended as its type says.
#[inline]
fn extended(number: Number, block: &[u8], at: usize) -> u64 {
    match number {
        Number::S8 => i32::from(block[at] as i8) as u32 as u64,
        Number::U8 => block[at].into(),
        Number::S16 => i32::from(u16_at(block, at) as i16) as u32 as u64,
        Number::U16 => u16_at(block, at).into(),
        Number::Word => u32_at(block, at).into(),
        Number::Long => u64_at(block, at),
    }
}

/// One message on its way.
pub(super) struct Lowering<'c, 'a, T: 'static> {
    pub(super) cx: &'c mut LowerContext<'a, T>,
    pub(super) plan: &'c Plan,
    pub(super) message: Message<'c>,
    /// The plan's resources, if they are known already.
    pub(super) resources: Option<&'c [Resource]>,
    /// The store's handles, which nobody else uses meanwhile.
    pub(super) handles: *mut Handles,
}

impl<'c, T: 'static> Lowering<'c, '_, T> {
    /// Lowers the tuple into core values, of which `to` has room for as many as the type has.
    pub(super) fn lower_flat(&mut self, to: &mut [MaybeUninit<ValRaw>]) -> Result<()> {
        let block = self.block()?;
        if let Some(fields) = &self.plan.numbers {
            numbers(fields, block, to);
            return Ok(());
        }
        let mut slots = Slots { to, at: 0 };
        self.flat(self.plan.root(), block, &mut slots)
    }

    /// Lowers the tuple into new memory of the guest's, and returns its address.
    pub(super) fn lower_new(&mut self) -> Result<usize> {
        let root = self.plan.root();
        let address = self.cx.realloc(0, 0, root.align, root.size as usize)?;
        self.lower_memory(address)?;
        Ok(address)
    }

    /// Lowers the tuple into memory of the guest's.
    pub(super) fn lower_memory(&mut self, address: usize) -> Result<()> {
        let (root, block) = (self.plan.root(), self.block()?);
        self.copy(block, address)?;
        if root.exact { Ok(()) } else { self.mend(root, block, address) }
    }

    fn block(&self) -> Result<&'c [u8]> {
        self.message.block(self.plan.root().size).ok_or_else(|| bad_argument(TOO_SHORT))
    }

    fn copy(&mut self, block: &[u8], address: usize) -> Result<()> {
        let memory = self.cx.as_slice_mut();
        let to = memory.get_mut(address..).and_then(|rest| rest.get_mut(..block.len()));
        to.ok_or_else(|| bad_argument("a guest's memory has shrunk"))?.copy_from_slice(block);
        Ok(())
    }

    fn zero(&mut self, address: usize, len: usize) {
        self.cx.as_slice_mut()[address..][..len].fill(0);
    }

    /// Lowers a string; returns its address and its length in units.
    fn string(&mut self, block: &[u8]) -> Result<(usize, usize)> {
        let (pointer, n) = pair_at(block, 0);
        let bytes = self.message.at(pointer, n as usize).ok_or_else(changed)?;
        if self.cx.options().string_encoding == StringEncoding::Utf8 {
            let address = self.cx.realloc(0, 0, 1, bytes.len())?;
            self.copy(bytes, address)?;
            return Ok((address, bytes.len()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| changed())?;
        let mut pair = MaybeUninit::<[ValRaw; 2]>::uninit();
        text.linear_lower_to_flat(self.cx, InterfaceType::String, &mut pair)?;
        // SAFETY: it has succeeded.
        let [address, len] = unsafe { pair.assume_init() };
        Ok((address.get_u32() as usize, len.get_u32() as usize))
    }

    /// Lowers a list; returns its address and its length.
    fn list(&mut self, id: Id, block: &[u8]) -> Result<(usize, usize)> {
        let plan = self.plan;
        let element = plan.node(id);
        let (pointer, n) = pair_at(block, 0);
        let (n, size) = (n as usize, element.size as usize);
        let block = self.message.at(pointer, n * size).ok_or_else(changed)?;
        let address = self.cx.realloc(0, 0, element.align, block.len())?;
        self.copy(block, address)?;
        if !element.exact {
            self.elements(element, block, address)?;
        }
        Ok((address, n))
    }

    fn elements(&mut self, element: &Node, block: &[u8], address: usize) -> Result<()> {
        let size = element.size as usize;
        let Some(gaps) = &element.gaps else {
            for (i, from) in block.chunks_exact(size).enumerate() {
                self.mend(element, from, address + i * size)?;
            }
            return Ok(());
        };
        let memory = &mut self.cx.as_slice_mut()[address..][..block.len()];
        for (at, len) in gaps {
            let (at, len) = (*at as usize, *len as usize);
            match len {
                4 => memory.chunks_exact_mut(size).for_each(|to| to[at..at + 4].fill(0)),
                _ => memory.chunks_exact_mut(size).for_each(|to| to[at..at + len].fill(0)),
            }
        }
        Ok(())
    }

    /// Puts right what cannot be copied: the block at the address is a copy of the message's. What lies between values
    /// becomes zero, since it is none of the guest's business.
    fn mend(&mut self, node: &Node, block: &[u8], address: usize) -> Result<()> {
        let plan = self.plan;
        match &node.kind {
            Kind::String | Kind::List(..) => {
                let (pointer, len) = match &node.kind {
                    Kind::List(element, _) => self.list(*element, block)?,
                    _ => self.string(block)?,
                };
                let pair = pointer as u64 | (len as u64) << 32;
                *self.cx.get::<8>(address) = pair.to_le_bytes();
            }
            Kind::Record(record) => {
                for field in record.fields.iter().filter(|field| !field.exact) {
                    let at = field.at as usize;
                    self.mend(plan.node(field.node), &block[at..], address + at)?;
                }
                for (at, len) in &record.padding {
                    self.zero(address + *at as usize, *len as usize);
                }
            }
            Kind::Fixed(element, _) => {
                let element = plan.node(*element);
                self.elements(element, &block[..node.size as usize], address)?;
            }
            Kind::Variant(variant) => {
                let (head, payload) = (variant.size as usize, variant.payload as usize);
                let mut used = 0;
                match variant.cases.get(case_at(block, variant.size)) {
                    None => return Err(changed()),
                    Some(None) => {}
                    Some(Some(id)) => {
                        let value = plan.node(id);
                        used = value.size as usize;
                        if !value.exact {
                            self.mend(value, &block[payload..], address + payload)?;
                        }
                    }
                }
                self.zero(address + head, payload - head);
                self.zero(address + payload + used, node.size as usize - payload - used);
            }
            Kind::Own(number) => {
                let index = self.own(*number, u32_at(block, 0))?;
                *self.cx.get::<4>(address) = index.to_le_bytes();
            }
            Kind::Borrow(number) => {
                let index = self.borrow(*number, u32_at(block, 0))?;
                *self.cx.get::<4>(address) = index.to_le_bytes();
            }
            Kind::Number(_) | Kind::Bool | Kind::Char | Kind::Flags(_) => {}
        }
        Ok(())
    }

    fn flat(&mut self, node: &Node, block: &[u8], slots: &mut Slots<'_>) -> Result<()> {
        let plan = self.plan;
        match &node.kind {
            Kind::Number(number) => slots.put(extended(*number, block, 0)),
            Kind::Bool => slots.put((block[0] != 0).into()),
            Kind::Char => slots.put(u32_at(block, 0).into()),
            Kind::String => {
                let (address, len) = self.string(block)?;
                slots.put(address as u64);
                slots.put(len as u64);
            }
            Kind::List(element, _) => {
                let (address, len) = self.list(*element, block)?;
                slots.put(address as u64);
                slots.put(len as u64);
            }
            Kind::Record(record) => {
                for field in &record.fields {
                    self.flat(plan.node(field.node), &block[field.at as usize..], slots)?;
                }
            }
            Kind::Fixed(element, n) => {
                let element = plan.node(*element);
                for i in 0..*n as usize {
                    self.flat(element, &block[i * element.size as usize..], slots)?;
                }
            }
            Kind::Variant(variant) => {
                let case = case_at(block, variant.size);
                let end = slots.at + node.flat as usize;
                slots.put(case.into());
                match variant.cases.get(case) {
                    None => return Err(changed()),
                    Some(None) => {}
                    Some(Some(id)) => self.flat(plan.node(id), &block[variant.payload as usize..], slots)?,
                }
                while slots.at < end {
                    slots.put(0);
                }
            }
            Kind::Flags(_) => {
                for word in block[..node.size as usize].chunks(4) {
                    let mut bytes = [0; 4];
                    bytes[..word.len()].copy_from_slice(word);
                    slots.put(u32::from_le_bytes(bytes).into());
                }
            }
            Kind::Own(number) => {
                let index = self.own(*number, u32_at(block, 0))?;
                slots.put(index.into());
            }
            Kind::Borrow(number) => {
                let index = self.borrow(*number, u32_at(block, 0))?;
                slots.put(index.into());
            }
        }
        Ok(())
    }

    /// Gives a resource away; returns the guest's index of it.
    fn own(&mut self, number: u32, handle: u32) -> Result<u32> {
        let table = self.plan.resources[number as usize];
        let ty = InterfaceType::Own(table);
        if self.is_host(ty, number) {
            return self.cx.guest_resource_lower_own(table, handle);
        }
        let index = self.other(ty, handle)?;
        // SAFETY: nobody else uses the handles meanwhile.
        unsafe { (*self.handles).remove(handle, End::Given) };
        Ok(index)
    }

    /// Lends a resource; returns the guest's index of it.
    fn borrow(&mut self, number: u32, handle: u32) -> Result<u32> {
        let table = self.plan.resources[number as usize];
        let ty = InterfaceType::Borrow(table);
        if self.is_host(ty, number) {
            return self.cx.guest_resource_lower_borrow(table, handle);
        }
        self.other(ty, handle)
    }

    fn is_host(&self, ty: InterfaceType, number: u32) -> bool {
        match self.resources {
            Some(resources) => resources[number as usize].host,
            None => is_host(ty, &self.cx.instance_type()),
        }
    }

    fn other(&mut self, ty: InterfaceType, handle: u32) -> Result<u32> {
        // SAFETY: nobody else uses the handles meanwhile.
        let resource = unsafe { (*self.handles).get(handle) }.ok_or_else(handle_changed)?;
        let mut slot = MaybeUninit::<ValRaw>::uninit();
        resource.linear_lower_to_flat(self.cx, ty, &mut slot)?;
        // SAFETY: it has succeeded.
        Ok(unsafe { slot.assume_init() }.get_u32())
    }
}

/// Core values, filled one by one.
struct Slots<'a> {
    to: &'a mut [MaybeUninit<ValRaw>],
    at: usize,
}

impl Slots<'_> {
    /// Writes all of a slot: a value may be read as a wider one, where several cases of a variant share the slot.
    fn put(&mut self, value: u64) {
        self.to[self.at].write(ValRaw::u64(value));
        self.at += 1;
    }
}
