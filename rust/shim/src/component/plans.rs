//! The plans that a thread has used last.
//!
//! What lifts the arguments of a host function is a function without an object: it gets the type and nothing else. So
//! plans are found by the component's types and the number of the tuple in these. A component's types stay where they
//! are as long as anybody has a weak reference to them; the cache has one for each plan.

use super::plan::{MOST, Plan};
use std::cell::RefCell;
use std::sync::{Arc, Weak};
use wasmtime::Result;
use wasmtime::component::__internal::{ComponentTypes, InterfaceType};

/// The number of places for plans, in groups, in which each plan has one place to be.
const GROUPS: usize = 32;
const PLACES: usize = 4;

/// How much all of them hold together, by their weights. A guest chooses how large its types are, and how many
/// functions it calls on how many threads; and a plan that is not kept is made for each call.
const HEAVIEST: usize = 2 * MOST;

struct Entry {
    types: Weak<ComponentTypes>,
    tuple: InterfaceType,
    plan: Arc<Plan>,
}

#[derive(Default)]
struct Cache {
    groups: [[Option<Entry>; PLACES]; GROUPS],
    /// Which place of any group is given up next.
    turn: usize,
    /// The weights of all plans together.
    weight: usize,
}

thread_local! {
    static CACHE: RefCell<Cache> = RefCell::default();
}

/// Hands the plan of a tuple to `f`. `own` is asked for the types when the plan has to be made.
#[inline]
pub(super) fn with<C, R>(
    cx: &mut C,
    types: *const ComponentTypes,
    tuple: InterfaceType,
    own: impl FnOnce(&C) -> Arc<ComponentTypes>,
    f: impl FnOnce(&mut C, &Plan) -> Result<R>,
) -> Result<R> {
    // While `f` has a plan, the cache is borrowed, and whoever comes from inside makes a plan of its own.
    let mut f = Some(f);
    let found = CACHE.try_with(|cache| {
        let cache = cache.try_borrow().ok()?;
        let plan = cache.find(types, tuple)?;
        Some((f.take()?)(cx, plan))
    });
    if let Ok(Some(outcome)) = found {
        return outcome;
    }
    let plan = make(&own(cx), tuple)?;
    match f {
        Some(f) => f(cx, &plan),
        None => unreachable!("a plan that was found has been used"),
    }
}

/// The plan of a tuple, to be kept.
pub(super) fn get(types: &Arc<ComponentTypes>, tuple: InterfaceType) -> Result<Arc<Plan>> {
    let found = CACHE.try_with(|cache| {
        let cache = cache.try_borrow().ok()?;
        let group = &cache.groups[group(Arc::as_ptr(types), tuple)];
        let entry = group.iter().flatten().find(|entry| entry.is(Arc::as_ptr(types), tuple))?;
        Some(entry.plan.clone())
    });
    match found {
        Ok(Some(plan)) => Ok(plan),
        _ => make(types, tuple),
    }
}

#[cfg(test)]
thread_local! {
    /// How many plans the thread has made.
    pub(super) static MADE: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// How much the plans of the thread hold.
#[cfg(test)]
pub(super) fn weight() -> usize {
    CACHE.with_borrow(|cache| {
        let plans = cache.groups.iter().flatten().flatten();
        let weight = plans.map(|entry| entry.plan.weight).sum();
        assert_eq!(cache.weight, weight);
        weight
    })
}

#[cold]
fn make(types: &Arc<ComponentTypes>, tuple: InterfaceType) -> Result<Arc<Plan>> {
    #[cfg(test)]
    MADE.set(MADE.get() + 1);
    let plan = Plan::new(types, tuple)?;
    // A thread that ends, or a cache in use, has no place for it.
    let _ = CACHE.try_with(|cache| {
        if let Ok(mut cache) = cache.try_borrow_mut() {
            cache.keep(Entry { types: Arc::downgrade(types), tuple, plan: plan.clone() });
        }
    });
    Ok(plan)
}

impl Entry {
    #[inline]
    fn is(&self, types: *const ComponentTypes, tuple: InterfaceType) -> bool {
        self.types.as_ptr() == types && self.tuple == tuple
    }
}

impl Cache {
    #[inline]
    fn find(&self, types: *const ComponentTypes, tuple: InterfaceType) -> Option<&Plan> {
        let group = &self.groups[group(types, tuple)];
        group.iter().flatten().find(|entry| entry.is(types, tuple)).map(|entry| &*entry.plan)
    }

    fn keep(&mut self, entry: Entry) {
        if self.weight + entry.plan.weight > HEAVIEST {
            *self = Cache::default();
        }
        self.weight += entry.plan.weight;
        let group = &mut self.groups[group(entry.types.as_ptr(), entry.tuple)];
        let free = group.iter().position(|place| place.as_ref().is_none_or(|e| e.types.strong_count() == 0));
        let place = free.unwrap_or(self.turn % PLACES);
        self.turn += 1;
        if let Some(old) = group[place].replace(entry) {
            self.weight -= old.plan.weight;
        }
    }
}

#[inline]
fn group(types: *const ComponentTypes, tuple: InterfaceType) -> usize {
    let number = match tuple {
        InterfaceType::Tuple(index) => index.as_u32() as usize,
        _ => 0,
    };
    (number ^ (types.addr() >> 6)) % GROUPS
}
