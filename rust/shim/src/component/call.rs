//! Calls of a component's exports through one frame, which belongs to the store.

use super::Data;
use super::buffer::Buffer;
use super::check::{Resource, bad_argument, check};
use super::func::wasmtime_binding_component_func_t;
use super::handles::{self, End, Handles};
use super::lift::{Lifting, Pending, Place, broken};
use super::lower::Lowering;
use super::message::{Message, wasmtime_binding_component_segment_t};
use super::plan::Plan;
use super::plans;
use super::resource::is_host;
use super::state::{Deeper, State};
use crate::call::{guarded, is_trap};
use crate::cast;
use crate::error::{ExtError, code_of, wasmtime_error_code_t};
use crate::store::Whole;
use crate::wasi::{Undropped, drop_resource, is_ours};
use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use wasmtime::component::__internal::wasmtime_environ::component::TypeResourceTableIndex;
use wasmtime::component::__internal::{CanonicalAbiInfo, InstanceType, InterfaceType, LiftContext, LowerContext};
use wasmtime::component::{ComponentNamedList, ComponentType, Lift, Lower, ResourceAny, TypedFunc};
use wasmtime::{AsContextMut, Error, Result, StoreContextMut, Trap, ValRaw, WasmBacktrace};
use wasmtime_c_api::{wasm_trap_t, wasmtime_error_t};

/// A call of a component's function. There is one frame for each store, the field `component` of
/// `wasmtime_binding_store_t`; a call that a host function makes meanwhile uses the same.
///
/// A message has the canonical ABI's memory layout: 32-bit, little-endian. At offset 0 is the tuple of the parameters,
/// or of the results, and behind it is what pointers refer to. A pointer is an offset in the message; in `message`, one
/// whose highest bit is set is the number of a segment, of which the pointer's string or list takes the beginning. A
/// string is UTF-8, its length in bytes. A handle of a resource that was defined with
/// `wasmtime_binding_component_linker_define_resource` is the host's own number; any other is one that `results` of an
/// earlier call, or the message of a host function, had.
#[repr(C)]
pub struct wasmtime_binding_component_call_t {
    /// The store's context, a `wasmtime_context_t *`. It is set by the store.
    pub context: *mut c_void,
    /// What to call.
    pub func: *const wasmtime_binding_component_func_t,
    /// The arguments, to be written before a call. The memory belongs to the store, and may be another after a call or
    /// after `wasmtime_binding_component_call_grow`. Null while `capacity` is 0.
    pub message: *mut u8,
    /// How many bytes of `message` the arguments have.
    pub len: usize,
    /// How many bytes `message` has room for.
    pub capacity: usize,
    /// Memory of the caller's to which pointers in `message` refer, needed until the guest runs.
    pub segments: *const wasmtime_binding_component_segment_t,
    /// The number of entries in `segments`.
    pub nsegments: usize,
    /// Memory of the caller's, needed until the call returns, for a list in the results: the first one of numbers, or
    /// of tuples of numbers, that fits is written there and not to `results`. Its pointer is 0x8000_0000. May be null.
    pub list: *mut u8,
    /// How many bytes `list` has.
    pub list_capacity: usize,
    /// The results of the last call that succeeded: aligned to 16 bytes, and there until the store's next call of a
    /// component's function, which may be one that is made inside of another.
    pub results: *const u8,
    /// How many bytes `results` has.
    pub results_len: usize,
    /// Set when the call failed otherwise than by a trap: owned by the caller. Null before and after a success.
    pub error: *mut wasmtime_error_t,
    /// Set when the call trapped: owned by the caller. Null before and after a success.
    pub trap: *mut wasm_trap_t,
    /// Whether the call that has failed last had entered the guest: then, the handles that it gave away are gone.
    pub entered: bool,
    /// Whether the call that has failed last has left its instance half done: then, calls of that are a
    /// `WASMTIME_ERROR_COMPONENT_UNUSABLE`. Not so if the guest had returned when the call failed.
    pub broken_off: bool,
}

/// A new store's frame.
pub(crate) fn frame(context: *mut c_void) -> wasmtime_binding_component_call_t {
    wasmtime_binding_component_call_t {
        context,
        func: ptr::null(),
        message: ptr::null_mut(),
        len: 0,
        capacity: 0,
        segments: ptr::null(),
        nsegments: 0,
        list: ptr::null_mut(),
        list_capacity: 0,
        results: ptr::null(),
        results_len: 0,
        error: ptr::null_mut(),
        trap: ptr::null_mut(),
        entered: false,
        broken_off: false,
    }
}

/// Makes the call that the frame describes, and calls the function's post-return. Returns 0 when it succeeded, with
/// `results`, and 1 when `error` or `trap` is set, with `entered` and `broken_off`.
///
/// Everything is checked before the guest is entered. A message that is not what the function's type says is a
/// `WASMTIME_ERROR_BAD_ARGUMENT`, a wrong handle a `WASMTIME_ERROR_BAD_HANDLE`, a store without room for handles in the
/// results a `WASMTIME_ERROR_HANDLE_LIMIT`, a function that is lifted asynchronously a `WASMTIME_ERROR_UNSUPPORTED`:
/// these leave everything as it was, and the handles with the caller. Afterwards, handles that were given away are gone
/// even if the call fails. A guest that breaks the canonical ABI is a `WASMTIME_ERROR_GUEST_ABI`, one that hands over
/// too much a `WASMTIME_ERROR_HOSTCALL_FUEL`. What a host function does wrong has the same codes as if the caller had
/// done it: `entered` tells them apart. After any failure inside of a guest, calls of the same instance are a
/// `WASMTIME_ERROR_COMPONENT_UNUSABLE`; results for which there is no room, a `WASMTIME_ERROR_HANDLE_LIMIT` too, are
/// none: the guest has returned.
///
/// Whatever is used of the frame is read before the guest is entered, and the outcome is written when it has left.
///
/// # Safety
///
/// `call` must be a store's own frame, as `wasmtime_binding_component_call_t` says, and the store not be in use but by
/// a host function that makes the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_call(call: *mut wasmtime_binding_component_call_t) -> u32 {
    // SAFETY: the caller vouches for the frame.
    let (state, func) = unsafe { (Whole::state(Whole::of_component(call)), (*call).func) };
    let guest = Cell::new(Guest::Outside);
    // SAFETY: the store's state is there as long as the store, and nobody else uses it now.
    let outcome = unsafe {
        let lent = (*state).handles.lent();
        let _deeper = Deeper::new(state);
        // SAFETY: as above.
        let outcome = guarded((*call).context, |context| invoke(context, call, state, &guest));
        (*state).handles.give_back(lent);
        outcome
    };
    // SAFETY: as above; the frame's message is the state's.
    unsafe {
        if (*state).message.trim((*call).len) {
            show_message(call, &(*state).message);
        }
    }
    match outcome {
        Ok(()) => {
            // SAFETY: as above.
            unsafe {
                (*call).results = (*state).results.as_ptr();
                (*call).results_len = (*state).results.len();
            }
            0
        }
        Err(error) => {
            let broken_off = guest.get() == Guest::Inside;
            // SAFETY: as above, and the function has been used if the guest was entered.
            unsafe {
                if broken_off {
                    (*state).unusable.push((*func).instance);
                }
                (*call).entered = guest.get() != Guest::Outside;
                (*call).broken_off = broken_off;
                fail(call, state, broken_off, error)
            }
        }
    }
}

/// Makes room for `capacity` bytes in the frame's `message`, of which the first `len` stay. False, and nothing is
/// changed, if there is no memory, or if it would be 2 GiB or more.
///
/// # Safety
///
/// As for `wasmtime_binding_component_call`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_call_grow(
    call: *mut wasmtime_binding_component_call_t,
    capacity: usize,
) -> bool {
    // SAFETY: the caller vouches for the frame.
    unsafe {
        let message = &mut (*Whole::state(Whole::of_component(call))).message;
        let grown = message.reserve(capacity).is_ok();
        show_message(call, message);
        grown
    }
}

/// Drops a handle, which becomes invalid. If the host owned the resource, its destructor runs, which is the guest's: so
/// the outcome is in the frame, as that of a call is, and 0 or 1 is returned.
///
/// A handle that does not exist, or that is lent to a call which has not returned, is a `WASMTIME_ERROR_BAD_HANDLE`.
/// One of a resource of WASI that has children, which the host owns, is a `WASMTIME_ERROR_HAS_CHILDREN`, and stays
/// valid; so does that of a stream whose wait for the last bytes was interrupted. Handles of the host's own resources
/// are no handles here. The counterpart of `wasmtime::component::ResourceAny::resource_drop`.
///
/// # Safety
///
/// As for `wasmtime_binding_component_call`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_resource_drop(
    call: *mut wasmtime_binding_component_call_t,
    handle: u32,
) -> u32 {
    // SAFETY: the caller vouches for the frame, and nobody else uses the store's state now.
    unsafe {
        let state = Whole::state(Whole::of_component(call));
        let deeper = Deeper::new(state);
        let outcome = guarded((*call).context, |context| drop_handle(context.as_context_mut(), state, handle));
        drop(deeper);
        match outcome {
            Ok(()) => 0,
            // Only what comes from a guest has its backtrace.
            Err(error) => fail(call, state, error.is::<WasmBacktrace>(), error),
        }
    }
}

/// Drops a handle.
///
/// # Safety
///
/// `state` must be that of the store of `context`, which nobody else uses.
unsafe fn drop_handle(mut context: StoreContextMut<'_, Data>, state: *mut State, handle: u32) -> Result<()> {
    // SAFETY: as the caller promises. What may call a guest, which may use the state, has no reference to it.
    unsafe {
        let resource = (*state).handles.droppable(handle)?;
        if !is_ours(&resource) {
            (*state).handles.remove(handle, End::Dropped);
            return drop_resource(context, resource).map_err(|undropped| undropped.error);
        }
        match drop_resource(context.as_context_mut(), resource) {
            Err(Undropped { error, still: Some((resource, number)) }) => {
                (*state).handles.learn(handle, resource, number);
                Err(error)
            }
            dropped => {
                (*state).handles.remove(handle, End::Dropped);
                dropped.map_err(|undropped| undropped.error)
            }
        }
    }
}

/// Drops resources that nobody gets: those of WASI that have children when these are gone. The first other error is the
/// outcome.
fn drop_all(mut context: StoreContextMut<'_, Data>, mut resources: Vec<ResourceAny>) -> Result<()> {
    let mut outcome = Ok(());
    loop {
        let (many, mut stay) = (resources.len(), Vec::new());
        for resource in resources {
            match drop_resource(context.as_context_mut(), resource) {
                Ok(()) => {}
                Err(Undropped { error, still: Some((resource, _)) })
                    if code_of(&error) == wasmtime_error_code_t::WASMTIME_ERROR_HAS_CHILDREN =>
                {
                    stay.push(resource);
                }
                Err(undropped) => outcome = outcome.and(Err(undropped.error)),
            }
        }
        if stay.is_empty() || stay.len() == many {
            return outcome;
        }
        resources = stay;
    }
}

/// Tells the frame where the message's memory is.
///
/// # Safety
///
/// The frame must be a live store's.
unsafe fn show_message(call: *mut wasmtime_binding_component_call_t, message: &Buffer) {
    // SAFETY: the caller vouches for the frame.
    unsafe {
        (*call).message = message.as_ptr();
        (*call).capacity = message.capacity();
    }
}

/// How far a call has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guest {
    /// The guest has not been entered.
    Outside,
    Inside,
    /// The guest has returned.
    Left,
}

/// Puts a failure where the caller looks for it. `inside` says whether the guest was entered.
///
/// # Safety
///
/// Both must be a live store's.
#[cold]
pub(super) unsafe fn fail(
    call: *mut wasmtime_binding_component_call_t,
    state: *const State,
    inside: bool,
    error: Error,
) -> u32 {
    // SAFETY: the caller vouches for them.
    unsafe {
        // Upstream says the same of an instance that has trapped, of one that is being called right now, and of a guest
        // that has come back to its own caller.
        let error = match error.downcast_ref() {
            Some(Trap::CannotEnterComponent) if !inside && (*state).depth == 0 => unusable(),
            _ => error,
        };
        if is_trap(&error) {
            (*call).trap = Box::into_raw(Box::new(cast::wrap_trap(error)));
        } else {
            (*call).error = Box::into_raw(Box::new(error.into()));
        }
    }
    1
}

#[cold]
fn unusable() -> Error {
    let message = "cannot enter component instance: a call was broken off, of it or of another in the same store";
    ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_COMPONENT_UNUSABLE, message)
}

/// Checks the frame and makes the call.
///
/// # Safety
///
/// `call` and `state` must be those of the store of `context`.
unsafe fn invoke(
    context: &mut StoreContextMut<'_, Data>,
    call: *mut wasmtime_binding_component_call_t,
    state: *mut State,
    guest: &Cell<Guest>,
) -> Result<()> {
    // SAFETY: the caller vouches for the frame.
    let frame = unsafe { &*call };
    // SAFETY: a function that is not null is one of ours.
    let func = unsafe { frame.func.as_ref() }.ok_or_else(|| bad_argument("there is no function to call"))?;
    if func.context != frame.context {
        return Err(bad_argument("the function belongs to another store"));
    }
    if frame.len > frame.capacity {
        return Err(bad_argument("the message is longer than its memory"));
    }
    // SAFETY: the caller vouches for the message and the segments.
    let message = unsafe {
        Message { bytes: cast::slice(frame.message, frame.len), segments: cast::slice(frame.segments, frame.nsegments) }
    };
    // SAFETY: nobody else uses the state until the guest is entered.
    unsafe {
        let state = &mut *state;
        if state.unusable.contains(&func.instance) {
            return Err(unusable());
        }
        let handles = &mut state.handles;
        let lent = handles.lent();
        let resource = |number: u32| func.params.resources[number as usize];
        let given = check(&func.params.plan, message, handles, &resource, "parameter")?;
        if func.results.resources.iter().any(|resource| !resource.host) && handles.room() + given == 0 {
            handles.forget(lent);
            return Err(handles::full("the function was not called, since its results may have more"));
        }
        handles.lend(lent);
    }
    // SAFETY: as above; addresses only.
    let (handles, results) = unsafe { (&raw mut (*state).handles, &raw mut (*state).results) };
    let list = Cell::new(NonNull::new(frame.list).map(|start| Place { start, capacity: frame.list_capacity }));
    let running = Running { func, message, handles, results, list, guest, pending: RefCell::default() };
    {
        let _current = Current::new(&running);
        let made = func.typed.call(&mut *context, Args { running: ptr::from_ref(&running).cast() });
        made.map_err(|error| refused(func, guest.get(), error))?;
    }
    guest.set(Guest::Left);
    // SAFETY: the guest has left.
    settle(context, unsafe { &mut *state }, running.pending.into_inner())
}

/// What a call ends with that has failed: upstream has no code for functions that cannot be called synchronously.
#[cold]
fn refused(func: &wasmtime_binding_component_func_t, guest: Guest, error: Error) -> Error {
    let known = is_trap(&error) || code_of(&error) != wasmtime_error_code_t::WASMTIME_ERROR_OTHER;
    if guest != Guest::Outside || known || !func.is_async {
        return error;
    }
    let message = "the function is async and lifted asynchronously, which is not supported yet";
    ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_UNSUPPORTED, message)
}

/// Gives the resources in the results handles.
fn settle(context: &mut StoreContextMut<'_, Data>, state: *mut State, pending: Vec<Pending>) -> Result<()> {
    if pending.is_empty() {
        return Ok(());
    }
    let full = || handles::full("the function has returned, but its results have more and were dropped");
    // SAFETY: no guest runs.
    if unsafe { (*state).handles.room() } < pending.len() {
        drop_all(context.as_context_mut(), pending.into_iter().map(|pending| pending.resource).collect())?;
        return Err(full());
    }
    // SAFETY: as above.
    let State { handles, results, .. } = unsafe { &mut *state };
    for Pending { at, resource, rep } in pending {
        let handle = handles.insert(resource, rep).ok_or_else(full)?;
        results.bytes_mut()[at..][..4].copy_from_slice(&handle.to_le_bytes());
    }
    Ok(())
}

/// A call that runs, for those who lower and lift.
struct Running<'a> {
    func: &'a wasmtime_binding_component_func_t,
    message: Message<'a>,
    /// Those of the store, which the guest does not use while values are lowered and lifted.
    handles: *mut Handles,
    results: *mut Buffer,
    /// The caller's memory for a list in the results, as long as none is there.
    list: Cell<Option<Place>>,
    guest: &'a Cell<Guest>,
    pending: RefCell<Vec<Pending>>,
}

thread_local! {
    /// The innermost call of a component that the thread makes: what lifts has no object.
    static CURRENT: Cell<*const Running<'static>> = const { Cell::new(ptr::null()) };
}

/// Says that a call is the innermost, as long as it lives.
struct Current {
    outer: *const Running<'static>,
}

impl Current {
    fn new(running: &Running<'_>) -> Current {
        Current { outer: CURRENT.replace(ptr::from_ref(running).cast()) }
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        CURRENT.set(self.outer);
    }
}

/// The arguments of a call.
pub(super) struct Args {
    running: *const Running<'static>,
}

// SAFETY: it is made, used and dropped within one call, by one thread.
unsafe impl Send for Args {}
// SAFETY: as above.
unsafe impl Sync for Args {}

// SAFETY: as many values as an export's arguments can be. What is written is what the type of the function says, since
// that is what the plan was made of; more than that nobody reads.
unsafe impl ComponentType for Args {
    type Lower = [ValRaw; 16];

    /// Nobody asks for it: arguments are never in memory but where `linear_lower_to_flat` puts them.
    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::ZERO;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        Sought::note(ty, types)
    }
}

// SAFETY: the type is always a tuple.
unsafe impl ComponentNamedList for Args {}

// SAFETY: all values that the function has are written before it says that it has succeeded.
unsafe impl Lower for Args {
    #[inline]
    fn linear_lower_to_flat<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        _: InterfaceType,
        to: &mut MaybeUninit<[ValRaw; 16]>,
    ) -> Result<()> {
        // SAFETY: the call lasts.
        let Running { func, message, handles, guest, .. } = unsafe { &*self.running };
        guest.set(Guest::Inside);
        let plan = &*func.params.plan;
        let resources = Some(&*func.params.resources);
        let mut lowering = Lowering { cx, plan, message: *message, resources, handles: *handles };
        // SAFETY: an array that need not be initialised is one of values that need not be.
        let to = unsafe { &mut *ptr::from_mut(to).cast::<[MaybeUninit<ValRaw>; 16]>() };
        if plan.root().flat as usize <= to.len() {
            return lowering.lower_flat(to);
        }
        let address = lowering.lower_new()?;
        to[0].write(ValRaw::u64(address as u64));
        Ok(())
    }

    fn linear_lower_to_memory<T>(&self, _: &mut LowerContext<'_, T>, _: InterfaceType, _: usize) -> Result<()> {
        Err(broken("arguments are not lowered to memory"))
    }
}

/// The results of a call, which are in the store.
pub(super) struct Results;

// SAFETY: as for `Args`: an export called synchronously returns one value or none, and one that is not there is not
// read.
unsafe impl ComponentType for Results {
    type Lower = [ValRaw; 1];

    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::ZERO;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        Sought::note(ty, types)
    }
}

// SAFETY: the type is always a tuple.
unsafe impl ComponentNamedList for Results {}

// SAFETY: it makes nothing that could be invalid.
unsafe impl Lift for Results {
    #[inline]
    fn linear_lift_from_flat(cx: &mut LiftContext<'_>, _: InterfaceType, values: &[ValRaw; 1]) -> Result<Results> {
        // SAFETY: either it is null or the call lasts.
        let Some(Running { func, results, list, pending, .. }) = (unsafe { CURRENT.get().as_ref() }) else {
            return Err(broken("there is no call"));
        };
        let plan = &*func.results.plan;
        // SAFETY: nobody else uses the buffer while the results are lifted.
        let out = unsafe { &mut **results };
        // Not earlier: calls that were made inside of this one have left their results.
        out.trim(out.len());
        out.clear();
        let resources = Some(&*func.results.resources);
        let mut lifting = Lifting { cx, plan, resources, out, list: list.take(), pending: &mut pending.borrow_mut() };
        match plan.root().flat {
            flat @ 0..=1 => lifting.lift_flat(&values[..flat as usize])?,
            _ => lifting.lift_memory(values[0].get_u32() as usize)?,
        }
        Ok(Results)
    }

    fn linear_lift_from_memory(_: &mut LiftContext<'_>, _: InterfaceType, _: &[u8]) -> Result<Results> {
        Err(broken("results are not lifted from memory"))
    }
}

/// A tuple's plan, with the resources of one instance.
pub(super) struct Sought {
    pub(super) plan: Arc<Plan>,
    pub(super) resources: Box<[Resource]>,
}

thread_local! {
    /// What the type check of a function has found, for who looks the function up.
    static SOUGHT: RefCell<Vec<Sought>> = const { RefCell::new(Vec::new()) };
}

impl Sought {
    fn note(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        let plan = plans::get(types.types, *ty)?;
        let resource = |table: &TypeResourceTableIndex| Resource {
            ty: types.resource_type(*table),
            host: is_host(InterfaceType::Own(*table), types),
        };
        let resources = plan.resources.iter().map(resource).collect();
        SOUGHT.with_borrow_mut(|sought| sought.push(Sought { plan, resources }));
        Ok(())
    }

    /// The plans of a function's parameters and results. What cannot be sent is a `WASMTIME_ERROR_UNSUPPORTED`.
    pub(super) fn both(check: impl FnOnce() -> Result<Exported>) -> Result<(Exported, Sought, Sought)> {
        SOUGHT.with_borrow_mut(Vec::clear);
        let func = check()?;
        let mut sought = SOUGHT.take().into_iter();
        match (sought.next(), sought.next()) {
            (Some(params), Some(results)) => Ok((func, params, results)),
            _ => Err(bad_argument("the function's type was not asked for")),
        }
    }
}

/// A function that takes and returns messages.
pub(super) type Exported = TypedFunc<Args, Results>;
