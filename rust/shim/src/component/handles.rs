//! The handles that a store's host has to resources that others define.
//!
//! A handle is a place in a table together with a generation, so that one that was given up is never taken for what has
//! its place now. What the host borrows, and what it has lent to a call that still runs, is known here too: upstream
//! checks the same, but only when the guest has been entered.

use crate::error::{ExtError, wasmtime_error_code_t};
use wasmtime::component::{ResourceAny, ResourceType};
use wasmtime::{Error, Result};

/// The bits of a handle that are its place.
const PLACE_BITS: u32 = 20;
const PLACE: u32 = (1 << PLACE_BITS) - 1;
/// The largest generation. None is 0, and so no handle is.
const LAST: u32 = (1 << (32 - PLACE_BITS)) - 1;

/// The most handles that a table can have.
pub(super) const MOST: usize = PLACE as usize;

/// How many handles a store has if nobody says otherwise.
const USUAL: usize = 65_536;

/// A place is used again only when so many others wait, so that a generation comes back late.
const WAITING: usize = 64;

/// No place.
const NONE: u32 = u32::MAX;

pub(super) struct Handles {
    entries: Vec<Entry>,
    /// The queue of free places.
    first_free: u32,
    last_free: u32,
    free: usize,
    limit: usize,
    /// The number of the message that is checked, never 0.
    message: u64,
    /// What the calls that run now have borrowed, the innermost call's last.
    lent: Vec<u32>,
}

struct Entry {
    resource: Option<ResourceAny>,
    generation: u32,
    next_free: u32,
    /// How many calls have borrowed it.
    lent: u32,
    /// The message that gives it away, and the one that lends it.
    given: u64,
    borrowed: u64,
}

impl Handles {
    pub(super) fn new() -> Handles {
        Handles {
            entries: Vec::new(),
            first_free: NONE,
            last_free: NONE,
            free: 0,
            limit: USUAL,
            message: 0,
            lent: Vec::new(),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.entries.len() - self.free
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit.min(MOST);
    }

    /// How many more there may be.
    pub(super) fn room(&self) -> usize {
        self.limit.saturating_sub(self.count())
    }

    /// Gives a resource a handle; nothing if there are too many.
    pub(super) fn insert(&mut self, resource: ResourceAny) -> Option<u32> {
        if self.room() == 0 {
            return None;
        }
        let place = match self.first_free {
            NONE => self.append(),
            _ if self.free <= WAITING && self.entries.len() < MOST => self.append(),
            place => {
                self.first_free = self.entries[place as usize].next_free;
                if self.first_free == NONE {
                    self.last_free = NONE;
                }
                self.free -= 1;
                place
            }
        };
        let entry = &mut self.entries[place as usize];
        entry.resource = Some(resource);
        Some(entry.generation << PLACE_BITS | place)
    }

    fn append(&mut self) -> u32 {
        self.entries.push(Entry { resource: None, generation: 1, next_free: NONE, lent: 0, given: 0, borrowed: 0 });
        (self.entries.len() - 1) as u32
    }

    /// Takes a handle's resource out, whatever its state.
    pub(super) fn remove(&mut self, handle: u32) -> Option<ResourceAny> {
        let place = self.place(handle)?;
        let entry = &mut self.entries[place as usize];
        let resource = entry.resource.take();
        entry.generation = if entry.generation == LAST { 1 } else { entry.generation + 1 };
        entry.next_free = NONE;
        match self.last_free {
            NONE => self.first_free = place,
            last => self.entries[last as usize].next_free = place,
        }
        self.last_free = place;
        self.free += 1;
        resource
    }

    /// Takes out what is to be dropped.
    pub(super) fn take(&mut self, handle: u32) -> Result<ResourceAny> {
        if self.entry(handle).map_err(bad)?.lent > 0 {
            return Err(bad("a handle that is lent to a call cannot be dropped before that returns"));
        }
        self.remove(handle).ok_or_else(|| bad(UNKNOWN))
    }

    /// The resource of a handle.
    pub(super) fn get(&self, handle: u32) -> Option<ResourceAny> {
        self.entries[self.place(handle)? as usize].resource
    }

    /// Begins the check of a message, in which no handle may be given away twice.
    pub(super) fn begin(&mut self) {
        self.message += 1;
    }

    /// Checks a handle that the message gives away.
    pub(super) fn check_own(&mut self, handle: u32, ty: ResourceType) -> Result<(), Fault> {
        let message = self.message;
        let entry = self.entry(handle)?;
        let resource = entry.resource.as_ref();
        if resource.is_none_or(|resource| resource.ty() != ty) {
            return Err("a handle is of another resource");
        }
        if resource.is_some_and(|resource| !resource.owned()) {
            return Err("a borrowed handle cannot be given away");
        }
        if entry.lent > 0 || entry.borrowed == message {
            return Err("a handle that is lent cannot be given away");
        }
        if entry.given == message {
            return Err("a handle cannot be given away twice");
        }
        entry.given = message;
        Ok(())
    }

    /// Checks a handle that the message lends.
    pub(super) fn check_borrow(&mut self, handle: u32, ty: ResourceType) -> Result<(), Fault> {
        let message = self.message;
        let entry = self.entry(handle)?;
        if entry.resource.as_ref().is_none_or(|resource| resource.ty() != ty) {
            return Err("a handle is of another resource");
        }
        if entry.given == message {
            return Err("a handle that is given away cannot be lent");
        }
        entry.borrowed = message;
        self.lent.push(handle);
        Ok(())
    }

    /// Where the handles begin that are lent from now on.
    pub(super) fn lent(&self) -> usize {
        self.lent.len()
    }

    /// The check has failed: nothing is lent.
    pub(super) fn forget(&mut self, from: usize) {
        self.lent.truncate(from);
    }

    /// The check has succeeded: from now on what was borrowed is lent.
    pub(super) fn lend(&mut self, from: usize) {
        for i in from..self.lent.len() {
            if let Some(place) = self.place(self.lent[i]) {
                self.entries[place as usize].lent += 1;
            }
        }
    }

    /// The call has returned: what it had borrowed is no more lent.
    pub(super) fn give_back(&mut self, from: usize) {
        while self.lent.len() > from {
            if let Some(handle) = self.lent.pop()
                && let Some(place) = self.place(handle)
            {
                self.entries[place as usize].lent -= 1;
            }
        }
    }

    fn entry(&mut self, handle: u32) -> Result<&mut Entry, Fault> {
        match self.place(handle) {
            Some(place) => Ok(&mut self.entries[place as usize]),
            None => Err(UNKNOWN),
        }
    }

    /// The place of a handle that is valid.
    fn place(&self, handle: u32) -> Option<u32> {
        let place = handle & PLACE;
        let entry = self.entries.get(place as usize)?;
        (entry.generation == handle >> PLACE_BITS && entry.resource.is_some()).then_some(place)
    }
}

/// What is wrong with a handle.
type Fault = &'static str;

const UNKNOWN: Fault = "there is no such handle";

/// A handle that is not as it has to be.
pub(super) fn bad(message: &str) -> Error {
    ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_BAD_HANDLE, message)
}

/// There are more handles than the store may have.
pub(super) fn full() -> Error {
    let message = "the store has as many handles of resources as it may have";
    ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_HANDLE_LIMIT, message)
}
