//! What every function of WASI 0.2 starts with, and what a store keeps for them.

use super::poll::Waking;
use super::streams::Keeping;
use crate::wake::Waker;
use crate::wasi::fault::{Errno, Fault, Outcome};
use crate::wasi::find::find;
use crate::wasi::state::State;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use wasmtime::component::{Resource, ResourceTable, ResourceTableError};
use wasmtime::{Result, StoreContextMut};
use wasmtime_c_api::WasmtimeStoreData as Data;

/// What components of a store have of WASI 0.2.
#[derive(Default)]
pub(in crate::wasi) struct Second {
    /// Their resources: ours and upstream's.
    pub(super) table: ResourceTable,
    /// How many of them are descriptors, or hold something of the system as those do: sockets, look-ups of names.
    descriptors: Arc<AtomicUsize>,
    /// How many are pollables.
    pub(super) pollables: usize,
    /// What their streams keep to be written later.
    pub(super) keeping: Keeping,
    /// What upstream's implementation wakes, once somebody has waited for it.
    waking: Option<Arc<Waking>>,
    /// What ends a wait in a store that has nothing for it.
    spare: Box<Waker>,
}

/// How many resources a component may have that are no descriptors, and so cost the host nothing but memory.
pub(super) const MOST: usize = 65_536;

/// One call of a component.
pub(super) struct Wasi<'a> {
    pub(super) state: &'a mut State,
    pub(super) second: &'a mut Second,
    /// How many bytes the call may make the host copy or keep.
    pub(super) fuel: usize,
}

impl Wasi<'_> {
    /// Runs a function for the component that has called it.
    #[inline]
    pub(super) fn enter<T>(
        context: StoreContextMut<'_, Data>,
        function: impl FnOnce(&mut Wasi<'_>) -> Result<T>,
    ) -> Result<T> {
        let fuel = context.hostcall_fuel();
        Wasi::again(find(context)?, fuel, function)
    }

    /// [`Wasi::enter`] with a state that was found.
    #[inline]
    pub(super) fn again<T>(
        state: &mut State,
        fuel: usize,
        function: impl FnOnce(&mut Wasi<'_>) -> Result<T>,
    ) -> Result<T> {
        // It is out of the state for the call, and lost if that panics: then the component has nothing any more. The
        // binding's callbacks cannot come back here: it refuses them the store.
        let mut second = state.second.take().unwrap_or_else(Second::limited);
        let result = function(&mut Wasi { state, second: &mut second, fuel });
        state.second = Some(second);
        result
    }

    /// Makes sure that there is room for so many resources, without which nothing is taken from the host.
    pub(super) fn reserve(&mut self, resources: usize) -> Outcome {
        let mut places = Vec::new();
        let mut enough: Outcome = Ok(());
        while enough.is_ok() && places.len() < resources {
            enough = self.second.table.push(()).map(|place| places.push(place)).map_err(Fault::from);
        }
        for place in places {
            self.second.table.delete(place)?;
        }
        enough
    }

    /// Puts something into the table. A component that has too much of it hears so.
    pub(super) fn push<T: Send + 'static>(&mut self, entry: T) -> Outcome<u32> {
        Ok(self.second.table.push(entry)?.rep())
    }

    /// [`Wasi::push`] for what has to be gone before its parent.
    pub(super) fn push_child<T, P>(&mut self, entry: T, parent: &Resource<P>) -> Outcome<u32>
    where
        T: Send + 'static,
        P: 'static,
    {
        Ok(self.second.table.push_child(entry, parent)?.rep())
    }

    /// The resource of ours that a number stands for.
    #[inline]
    pub(super) fn get<T: 'static>(&self, number: u32) -> Result<&T> {
        Ok(self.second.table.get(&Resource::new_borrow(number))?)
    }

    #[inline]
    pub(super) fn get_mut<T: 'static>(&mut self, number: u32) -> Result<&mut T> {
        Ok(self.second.table.get_mut(&Resource::new_borrow(number))?)
    }

    /// Takes a resource out of the table.
    pub(super) fn take<T: 'static>(&mut self, number: u32) -> Result<T> {
        Ok(self.second.table.delete(Resource::new_own(number))?)
    }

    /// `EMFILE` unless there may be one descriptor more.
    pub(super) fn may_count_descriptor(&self) -> Outcome {
        // Others take something away at most.
        if self.second.descriptors.load(Relaxed) < self.state.descriptors.max {
            Ok(())
        } else {
            Err(Errno::Mfile.into())
        }
    }

    /// Says that there is one descriptor more, or that there may not be.
    pub(super) fn count_descriptor(&mut self) -> Outcome {
        self.may_count_descriptor()?;
        self.second.descriptors.fetch_add(1, Relaxed);
        Ok(())
    }

    /// Says that there is one descriptor less.
    pub(super) fn uncount_descriptor(&mut self) {
        self.second.descriptors.fetch_sub(1, Relaxed);
    }

    /// [`Wasi::count_descriptor`], for as long as there is what this returns.
    pub(super) fn count_apart(&mut self) -> Outcome<Counted> {
        self.count_descriptor()?;
        Ok(Counted(self.second.descriptors.clone()))
    }

    /// What ends a wait, also when nobody watches the store, and what upstream's implementation wakes for that.
    pub(super) fn waking<'w>(&mut self) -> (&'w Waker, std::task::Waker) {
        // Either outlives the waking: the store drops its state before its deadline.
        let waker: *const Waker = self.state.any_waker().unwrap_or(&*self.second.spare);
        let waking = self.second.waking.get_or_insert_with(|| Waking::new(waker));
        // SAFETY: as above.
        (unsafe { &*waker }, waking.clone().into())
    }
}

/// One of the descriptors of a store, wherever it is.
pub(super) struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Second {
    #[cold]
    fn limited() -> Box<Second> {
        let mut second = Box::<Second>::default();
        second.table.set_max_capacity(MOST);
        second
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        if let Some(waking) = &self.waking {
            waking.end();
        }
    }
}

/// A component that has too many resources hears so. All else is a mistake of ours.
impl From<ResourceTableError> for Fault {
    #[cold]
    fn from(error: ResourceTableError) -> Fault {
        match error {
            ResourceTableError::Full => Errno::Mfile.into(),
            error => Fault::Trap(error.into()),
        }
    }
}
