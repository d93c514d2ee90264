//! Functions and resources that the host defines for components: every call arrives at one callback, with a message.

use super::Data;
use super::buffer::Buffer;
use super::check::{Resource, bad_argument, check};
use super::handles::{self, End, Handles};
use super::lift::{Lifting, Pending, broken};
use super::lower::Lowering;
use super::message::Message;
use super::plan::Plan;
use super::plans;
use super::resource::is_host;
use crate::cast;
use crate::cast::StoreAddress;
use crate::hostcall::wasmtime_binding_finalizer_t;
use crate::store::Whole;
use std::cell::RefCell;
use std::ffi::c_void;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ptr;
use std::sync::Arc;
use wasmtime::component::__internal::{
    CanonicalAbiInfo, ComponentTypes, InstanceType, InterfaceType, LiftContext, LowerContext,
};
use wasmtime::component::{ComponentNamedList, ComponentType, Lift, Lower};
use wasmtime::{AsContext, AsContextMut, Result, StoreContextMut, ValRaw};
use wasmtime_c_api::{wasm_trap_t, wasmtime_context_get_data};

/// A call from a component to a function of the host, as the callback sees it. Valid until the callback returns.
///
/// Messages are as `wasmtime_binding_component_call_t` says; in neither direction are there segments. A handle in the
/// arguments to a resource that the host has not defined is the host's to drop if the guest gave it away; if the guest
/// lent it, it is valid until the callback returns.
#[repr(C)]
pub struct wasmtime_binding_component_hostcall_t {
    /// What the function was defined with.
    pub env: u64,
    /// What `wasmtime_context_get_data` returns for the store.
    pub data: *mut c_void,
    /// The store's context, a `wasmtime_context_t *`.
    pub context: *mut c_void,
    /// The arguments on the way in; over them, the results on the way out. The start is aligned to 16 bytes.
    pub message: *mut u8,
    /// How many bytes the arguments have on the way in, and how many the results on the way out.
    pub len: usize,
    /// How many bytes `message` has room for: at least 256.
    pub capacity: usize,
    /// To be set, with an owned trap, when the call fails; null otherwise.
    pub trap: Option<Box<wasm_trap_t>>,
}

/// The callback that serves every host function of a binding's components.
pub type wasmtime_binding_component_hostcall_callback_t =
    extern "C" fn(call: *mut wasmtime_binding_component_hostcall_t);

/// What the host functions of a binding's components have in common.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wasmtime_binding_component_host_t {
    /// Serves every call.
    pub callback: wasmtime_binding_component_hostcall_callback_t,
    /// Hears that a function or a resource is gone; may be null.
    pub finalizer: Option<wasmtime_binding_finalizer_t>,
}

/// Makes room for `capacity` bytes in the call's `message`, of which the first `len` stay. False, and nothing is
/// changed, if there is no memory, or if it would be 2 GiB or more.
///
/// # Safety
///
/// `call` must be what the callback was called with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_hostcall_grow(
    call: *mut wasmtime_binding_component_hostcall_t,
    capacity: usize,
) -> bool {
    // SAFETY: callbacks are only called with the first field of such a structure.
    let call = unsafe { &mut *call.cast::<Call>() };
    let grown = call.buffer.reserve(capacity).is_ok();
    call.show_message();
    grown
}

/// A call with all that it needs. Threads keep those that are over for the next.
#[repr(C)]
struct Call {
    head: wasmtime_binding_component_hostcall_t,
    /// The message: arguments, then results.
    buffer: Buffer,
    /// The resources in the arguments.
    pending: Vec<Pending>,
    /// The handles in the arguments that are valid for as long as the call.
    borrowed: Vec<u32>,
    /// The store's, once the host is asked.
    handles: *mut Handles,
    /// How long the message was at most.
    used: usize,
}

// SAFETY: it is used by one thread, which makes the call.
unsafe impl Send for Call {}
// SAFETY: as above.
unsafe impl Sync for Call {}

impl Call {
    fn new() -> Call {
        Call {
            head: wasmtime_binding_component_hostcall_t {
                env: 0,
                data: ptr::null_mut(),
                context: ptr::null_mut(),
                message: ptr::null_mut(),
                len: 0,
                capacity: 0,
                trap: None,
            },
            buffer: Buffer::new(),
            pending: Vec::new(),
            borrowed: Vec::new(),
            handles: ptr::null_mut(),
            used: 0,
        }
    }

    fn show_message(&mut self) {
        self.head.message = self.buffer.as_ptr();
        self.head.capacity = self.buffer.capacity();
    }

    /// Gives the resources in the arguments handles, and notes which are borrowed.
    #[cold]
    fn register(&mut self) -> Result<()> {
        // SAFETY: the store's handles are there, and nobody else uses them now.
        let handles = unsafe { &mut *self.handles };
        let full = || handles::full("the arguments of a host function have more");
        if handles.room() < self.pending.len() {
            return Err(full());
        }
        for Pending { at, resource, rep } in self.pending.drain(..) {
            let handle = handles.insert(resource, rep).ok_or_else(full)?;
            self.buffer.bytes_mut()[at..][..4].copy_from_slice(&handle.to_le_bytes());
            if !resource.owned() {
                self.borrowed.push(handle);
            }
        }
        Ok(())
    }

    /// Ends what was borrowed for the call.
    #[cold]
    fn return_borrowed(&mut self, cx: &mut StoreContextMut<'_, Data>) -> Result<()> {
        for handle in self.borrowed.drain(..) {
            // SAFETY: the store's handles are there; what the callback has called is over.
            if let Some(resource) = unsafe { (*self.handles).remove(handle, End::Returned) } {
                resource.resource_drop(&mut *cx)?;
            }
        }
        Ok(())
    }
}

/// One host function or destructor; says goodbye when the closure that holds it is dropped.
pub(super) struct Host {
    env: u64,
    host: wasmtime_binding_component_host_t,
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(finalizer) = self.host.finalizer {
            finalizer(self.env);
        }
    }
}

impl Host {
    pub(super) fn new(host: &wasmtime_binding_component_host_t, env: u64) -> Host {
        Host { env, host: *host }
    }

    /// Serves a call of a function: from its arguments to its results.
    #[inline]
    pub(super) fn call(&self, mut cx: StoreContextMut<'_, Data>, mut passed: Passed) -> Result<Passed> {
        let Some(state) = Whole::components(cx.data()) else {
            return Err(bad_argument("the store was not made by wasmtime_binding_store_new"));
        };
        let call = &mut **passed.0;
        // SAFETY: the state is there as long as the store; this is an address only.
        call.handles = unsafe { &raw mut (*state).handles };
        if !call.pending.is_empty() {
            call.register()?;
        }
        let outcome = self.run(&mut cx, call);
        if call.borrowed.is_empty() {
            outcome?;
        } else {
            // What the function has failed with says more.
            let returned = call.return_borrowed(&mut cx);
            outcome.and(returned)?;
        }
        Ok(passed)
    }

    /// Serves the call of a destructor.
    pub(super) fn destroy(&self, mut cx: StoreContextMut<'_, Data>, number: u32) -> Result<()> {
        let mut passed = Passed::new();
        let call = &mut **passed.0;
        call.buffer.push(&number.to_le_bytes(), 1)?;
        self.run(&mut cx, call)
    }

    #[inline]
    fn run(&self, cx: &mut StoreContextMut<'_, Data>, call: &mut Call) -> Result<()> {
        call.buffer.reserve(1)?;
        call.used = call.buffer.len();
        call.head.env = self.env;
        call.head.data = wasmtime_context_get_data(cx.as_context());
        call.head.context = StoreAddress::of(cx.as_context_mut()).pointer();
        call.head.len = call.used;
        call.show_message();
        (self.host.callback)(ptr::from_mut(call).cast());
        if let Some(trap) = call.head.trap.take() {
            return Err(cast::unwrap_trap(*trap));
        }
        if call.head.len > call.buffer.capacity() {
            return Err(bad_argument("a host function's results are longer than its message"));
        }
        // SAFETY: the binding has written so many, which are there.
        unsafe { call.buffer.set_len(call.head.len) };
        call.used = call.used.max(call.head.len);
        Ok(())
    }
}

/// A call of a host function on its way: with the arguments, then with the results.
pub(super) struct Passed(ManuallyDrop<Box<Call>>);

/// How many calls a thread keeps: one for each that runs inside of another.
const SPARE: usize = 4;

/// A call is kept with no larger message, and with no more resources. A guest chooses how long its messages are; a
/// store gives everything back in the end, but a thread does not end with it.
const KEPT_BYTES: usize = 2 << 20;
const KEPT_RESOURCES: usize = 1024;

/// How many bytes the thread keeps for messages.
#[cfg(test)]
pub(super) fn kept() -> usize {
    SPARES.with_borrow(|spares| spares.iter().map(|call| call.buffer.capacity()).sum())
}

thread_local! {
    #[expect(clippy::vec_box, reason = "what is handed on is the pointer: moving so much more takes a fifth of a call")]
    static SPARES: RefCell<Vec<Box<Call>>> = const { RefCell::new(Vec::new()) };
}

impl Passed {
    /// An empty one.
    #[inline]
    fn new() -> Passed {
        let spare = SPARES.try_with(|spares| spares.borrow_mut().pop()).ok().flatten();
        Passed(ManuallyDrop::new(spare.unwrap_or_else(|| Box::new(Call::new()))))
    }

    #[inline]
    fn lift(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        lift: impl FnOnce(&mut Lifting<'_, '_>) -> Result<()>,
    ) -> Result<Passed> {
        let types: *const ComponentTypes = &**cx.types;
        let mut passed = Passed::new();
        let Call { buffer, pending, .. } = &mut **passed.0;
        plans::with(
            cx,
            types,
            ty,
            |cx| cx.types.clone(),
            |cx, plan| lift(&mut Lifting { cx, plan, resources: None, out: buffer, list: None, pending }),
        )?;
        Ok(passed)
    }

    /// Checks the results and lowers them.
    #[inline]
    fn lower<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        lower: impl FnOnce(&mut Lowering<'_, '_, T>) -> Result<()>,
    ) -> Result<()> {
        let types: *const ComponentTypes = cx.types;
        let handles = self.0.handles;
        plans::with(cx, types, ty, own_types, |cx, plan| {
            let message = Message { bytes: self.0.buffer.bytes(), segments: &[] };
            if !plan.root().plain {
                let types = cx.instance_type();
                let resource = |number: u32| resource(plan, number, &types);
                // SAFETY: the store's handles are there, and nobody else uses them meanwhile.
                check(plan, message, unsafe { &mut *handles }, &resource, "result")?;
            }
            lower(&mut Lowering { cx, plan, message, resources: None, handles })
        })
    }
}

impl Drop for Passed {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: nobody uses it afterwards.
        let mut call = unsafe { ManuallyDrop::take(&mut self.0) };
        if call.buffer.capacity() > KEPT_BYTES {
            call.buffer = Buffer::new();
        }
        call.buffer.trim(call.used);
        call.buffer.clear();
        call.pending.clear();
        call.pending.shrink_to(KEPT_RESOURCES);
        call.borrowed.clear();
        call.borrowed.shrink_to(KEPT_RESOURCES);
        let _ = SPARES.try_with(|spares| {
            let mut spares = spares.borrow_mut();
            if spares.len() < SPARE {
                spares.push(call);
            }
        });
    }
}

/// The types of the component that a message goes to.
fn own_types<T>(cx: &LowerContext<'_, T>) -> Arc<ComponentTypes> {
    cx.instance_type().types.clone()
}

/// A resource of a plan in an instance.
fn resource(plan: &Plan, number: u32, types: &InstanceType<'_>) -> Resource {
    let table = plan.resources[number as usize];
    Resource { ty: types.resource_type(table), host: is_host(InterfaceType::Own(table), types) }
}

// SAFETY: the number of values is that of the type, which upstream has checked before it passes them on; an empty array
// stands for all of them.
unsafe impl ComponentType for Passed {
    type Lower = [ValRaw; 0];

    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::ZERO;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        plans::get(types.types, *ty).map(drop)
    }
}

// SAFETY: the type is always a tuple.
unsafe impl ComponentNamedList for Passed {}

// SAFETY: it makes nothing that could be invalid.
unsafe impl Lift for Passed {
    #[inline]
    fn linear_lift_from_flat(cx: &mut LiftContext<'_>, ty: InterfaceType, values: &[ValRaw; 0]) -> Result<Passed> {
        Passed::lift(cx, ty, |lifting| {
            let flat = lifting.plan.root().flat as usize;
            if flat > 16 {
                return Err(broken("a host function has too many core values"));
            }
            // SAFETY: there are as many as the type has (see above).
            lifting.lift_flat(unsafe { std::slice::from_raw_parts(values.as_ptr(), flat) })
        })
    }

    fn linear_lift_from_memory(cx: &mut LiftContext<'_>, ty: InterfaceType, bytes: &[u8]) -> Result<Passed> {
        // The bytes are an empty piece of the guest's memory: it is their address that counts.
        let address = bytes.as_ptr().addr().wrapping_sub(cx.memory().as_ptr().addr());
        Passed::lift(cx, ty, |lifting| lifting.lift_memory(address))
    }
}

// SAFETY: all values that the type has are written before it says that it has succeeded.
unsafe impl Lower for Passed {
    #[inline]
    fn linear_lower_to_flat<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        to: &mut MaybeUninit<[ValRaw; 0]>,
    ) -> Result<()> {
        let to = to.as_mut_ptr().cast::<MaybeUninit<ValRaw>>();
        self.lower(cx, ty, |lowering| {
            let flat = lowering.plan.root().flat as usize;
            if flat > 1 {
                return Err(broken("a host function has too many results"));
            }
            // SAFETY: there are as many as the type has (see above).
            lowering.lower_flat(unsafe { std::slice::from_raw_parts_mut(to, flat) })
        })
    }

    fn linear_lower_to_memory<T>(&self, cx: &mut LowerContext<'_, T>, ty: InterfaceType, address: usize) -> Result<()> {
        self.lower(cx, ty, |lowering| lowering.lower_memory(address))
    }
}
