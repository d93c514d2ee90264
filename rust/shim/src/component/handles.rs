//! The handles that a store's host has to resources that others define.
//!
//! A handle is a place in a table together with a generation, so that one that was given up is never taken for what has
//! its place now: no handle comes twice. A place whose generations are used up is never used again, so that a store
//! runs out of handles after four billion of them. What the host borrows, and what it has lent to a call that still
//! runs, is known here too: upstream checks the same, but only when the guest has been entered.

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

/// A place is used again only when so many others wait: so the host's mistakes with a handle are told by what became of
/// it for a while.
const WAITING: usize = 64;

/// No place.
const NONE: u32 = u32::MAX;

pub(super) struct Handles {
    entries: Vec<Entry>,
    /// The queue of free places.
    first_free: u32,
    last_free: u32,
    free: usize,
    /// How many places have used up their generations.
    used_up: usize,
    /// How many places there may be.
    most: usize,
    limit: usize,
    /// The number of the message that is checked, never 0.
    message: u64,
    /// What the calls that run now have borrowed, the innermost call's last.
    lent: Vec<u32>,
}

struct Entry {
    resource: Option<ResourceAny>,
    /// What the resource is for those who define it, as far as that is known here.
    rep: Option<u32>,
    /// That of the handle that there is, or, if there is no resource, of the next one; behind [`LAST`] if none comes.
    generation: u32,
    /// What became of the handle before.
    end: End,
    next_free: u32,
    /// How many calls have borrowed it.
    lent: u32,
    /// The message that gives it away, and the one that lends it.
    given: u64,
    borrowed: u64,
}

/// What becomes of a handle.
#[derive(Clone, Copy)]
pub(super) enum End {
    /// It was dropped.
    Dropped,
    /// A guest has got it.
    Given,
    /// The call is over that the resource was lent to the host for.
    Returned,
}

impl Handles {
    pub(super) fn new() -> Handles {
        Handles::with_places(MOST)
    }

    /// A table that has no more than so many places, ever.
    fn with_places(most: usize) -> Handles {
        Handles {
            entries: Vec::new(),
            first_free: NONE,
            last_free: NONE,
            free: 0,
            used_up: 0,
            most,
            limit: USUAL,
            message: 0,
            lent: Vec::new(),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.entries.len() - self.free - self.used_up
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit.min(MOST);
    }

    /// How many more there may be.
    pub(super) fn room(&self) -> usize {
        let places = self.most - self.count() - self.used_up;
        self.limit.saturating_sub(self.count()).min(places)
    }

    /// Gives a resource a handle; nothing if there are too many. `rep` is what it is for those who define it, if that
    /// is known.
    pub(super) fn insert(&mut self, resource: ResourceAny, rep: Option<u32>) -> Option<u32> {
        if self.room() == 0 {
            return None;
        }
        let place = match self.first_free {
            NONE => self.append(),
            _ if self.free <= WAITING && self.entries.len() < self.most => self.append(),
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
        entry.rep = rep;
        Some(entry.generation << PLACE_BITS | place)
    }

    fn append(&mut self) -> u32 {
        self.entries.push(Entry {
            resource: None,
            rep: None,
            generation: 1,
            end: End::Dropped,
            next_free: NONE,
            lent: 0,
            given: 0,
            borrowed: 0,
        });
        (self.entries.len() - 1) as u32
    }

    /// Takes a handle's resource out, whatever its state.
    pub(super) fn remove(&mut self, handle: u32, end: End) -> Option<ResourceAny> {
        let place = self.place(handle)?;
        let entry = &mut self.entries[place as usize];
        let resource = entry.resource.take();
        entry.end = end;
        entry.generation += 1;
        if entry.generation > LAST {
            self.used_up += 1;
            return resource;
        }
        entry.next_free = NONE;
        match self.last_free {
            NONE => self.first_free = place,
            last => self.entries[last as usize].next_free = place,
        }
        self.last_free = place;
        self.free += 1;
        resource
    }

    /// The resource of a handle that is to be dropped.
    pub(super) fn to_drop(&mut self, handle: u32) -> Result<ResourceAny> {
        let entry = self.entry(handle).map_err(bad)?;
        if entry.lent > 0 {
            return Err(bad("a handle that is lent to a call cannot be dropped before that returns"));
        }
        entry.resource.ok_or_else(|| bad(UNKNOWN))
    }

    /// The resource of a handle.
    pub(super) fn get(&self, handle: u32) -> Option<ResourceAny> {
        self.entries[self.place(handle)? as usize].resource
    }

    /// The resource of a handle, and what it is for those who define it, if that is known.
    pub(super) fn known(&mut self, handle: u32) -> Result<(ResourceAny, Option<u32>)> {
        let entry = self.entry(handle).map_err(bad)?;
        match entry.resource {
            Some(resource) => Ok((resource, entry.rep)),
            None => Err(bad(UNKNOWN)),
        }
    }

    /// Says what the resource of a handle is for those who define it, and what upstream has for it from now on.
    pub(super) fn learn(&mut self, handle: u32, resource: ResourceAny, rep: u32) {
        if let Ok(entry) = self.entry(handle) {
            (entry.resource, entry.rep) = (Some(resource), Some(rep));
        }
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
            None => Err(self.end(handle)),
        }
    }

    /// What is wrong with a handle that is not valid.
    #[cold]
    fn end(&self, handle: u32) -> Fault {
        let (place, generation) = (handle & PLACE, handle >> PLACE_BITS);
        match self.entries.get(place as usize) {
            Some(entry) if generation != 0 && generation + 1 == entry.generation => match entry.end {
                End::Dropped => "the handle was dropped",
                End::Given => "the handle was given away",
                End::Returned => "the handle was lent for a call that is over",
            },
            Some(entry) if generation != 0 && generation < entry.generation => {
                "the handle was dropped or given away, or lent for a call that is over"
            }
            _ => UNKNOWN,
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

/// There are more handles than the store may have. `what` says what came of it.
#[cold]
pub(super) fn full(what: &str) -> Error {
    let message = format!("the store has as many handles of resources as it may have: {what}");
    ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_HANDLE_LIMIT, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use wasmtime::component::Resource;
    use wasmtime::{Engine, Store};

    /// A resource; they are all alike.
    fn resource() -> ResourceAny {
        let mut store = Store::new(&Engine::default(), ());
        ResourceAny::try_from_resource(Resource::<u8>::new_own(1), &mut store).unwrap()
    }

    #[test]
    fn no_handle_comes_twice() {
        let resource = resource();
        let mut handles = Handles::with_places(2 * WAITING);
        let mut seen = HashSet::new();
        while let Some(handle) = handles.insert(resource, None) {
            assert!(handle != 0 && seen.insert(handle), "{handle:#x} has come before");
            assert_eq!(handles.count(), 1);
            assert!(handles.remove(handle, End::Dropped).is_some());
        }
        // Each place has had all of its generations.
        assert_eq!(seen.len(), 2 * WAITING * LAST as usize);
        assert_eq!((handles.count(), handles.room()), (0, 0));
        assert!(seen.iter().all(|handle| handles.get(*handle).is_none()));
    }

    #[test]
    fn what_a_resource_is_for_others() {
        let resource = resource();
        let mut handles = Handles::with_places(2);
        let lent = handles.insert(resource, Some(7)).unwrap();
        let own = handles.insert(resource, None).unwrap();
        assert_eq!(handles.known(lent).unwrap(), (resource, Some(7)));
        assert_eq!(handles.known(own).unwrap(), (resource, None));
        handles.learn(own, resource, 9);
        assert_eq!(handles.known(own).unwrap(), (resource, Some(9)));
        handles.remove(own, End::Given);
        assert_eq!(handles.known(own).unwrap_err().to_string(), "the handle was given away");
        // What has its place next is another one, of which nobody learns by the old handle.
        let next = handles.insert(resource, None).unwrap();
        handles.learn(own, resource, 9);
        assert_eq!(handles.known(next).unwrap(), (resource, None));
    }

    #[test]
    fn what_became_of_a_handle() {
        let resource = resource();
        let mut handles = Handles::with_places(1);
        let mut told = |handle| handles.to_drop(handle).unwrap_err().to_string();
        assert_eq!(told(0), UNKNOWN);
        assert_eq!(told(1 << PLACE_BITS), UNKNOWN);
        let mut old = Vec::new();
        for (end, text) in [
            (End::Dropped, "the handle was dropped"),
            (End::Given, "the handle was given away"),
            (End::Returned, "the handle was lent for a call that is over"),
        ] {
            let handle = handles.insert(resource, None).unwrap();
            handles.remove(handle, end);
            assert_eq!(handles.to_drop(handle).unwrap_err().to_string(), text);
            old.push(handle);
        }
        let told = |handle| handles.end(handle);
        assert!(told(old[0]).starts_with("the handle was dropped or given away"));
        // The next one, and what cannot be one.
        for none in [0, old[2] + (1 << PLACE_BITS), u32::MAX, old[2] + 1] {
            assert_eq!(told(none), UNKNOWN);
        }
        // The last of a place has its end, too.
        let mut last = 0;
        while let Some(handle) = handles.insert(resource, None) {
            handles.remove(handle, End::Given);
            last = handle;
        }
        assert_eq!(handles.end(last), "the handle was given away");
    }
}
