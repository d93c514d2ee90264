//! Functions and resources that the host defines for components: every call arrives at one callback, with a message.

use super::Data;
use super::buffer::Buffer;
use super::check::{Resource, bad_argument, check};
use super::handles::{self, Handles};
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
use std::mem::MaybeUninit;
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

/// A call with the memory of its message.
#[repr(C)]
struct Call {
    head: wasmtime_binding_component_hostcall_t,
    buffer: Buffer,
}

impl Call {
    fn show_message(&mut self) {
        self.head.message = self.buffer.as_ptr();
        self.head.capacity = self.buffer.capacity();
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

    /// Serves a call of a function.
    #[inline]
    pub(super) fn call(&self, mut cx: StoreContextMut<'_, Data>, params: Params) -> Result<Returned> {
        let Params { mut buffer, pending } = params;
        let Some(state) = Whole::components(cx.data()) else {
            return Err(bad_argument("the store was not made by wasmtime_binding_store_new"));
        };
        // SAFETY: the state is there as long as the store, and no guest uses it now.
        let handles = unsafe { &raw mut (*state).handles };
        let borrowed = match pending.is_empty() {
            true => Vec::new(),
            // SAFETY: as above.
            false => unsafe { register(&mut *handles, &mut buffer, pending)? },
        };
        let outcome = self.run(&mut cx, buffer);
        for handle in borrowed {
            // SAFETY: as above; what the callback has called is over.
            if let Some(resource) = unsafe { (*handles).remove(handle) } {
                resource.resource_drop(&mut cx)?;
            }
        }
        Ok(Returned { buffer: outcome?, handles })
    }

    /// Serves the call of a destructor.
    pub(super) fn destroy(&self, mut cx: StoreContextMut<'_, Data>, number: u32) -> Result<()> {
        let mut buffer = spare();
        buffer.push(&number.to_le_bytes(), 1)?;
        keep(self.run(&mut cx, buffer)?);
        Ok(())
    }

    #[inline]
    fn run(&self, cx: &mut StoreContextMut<'_, Data>, mut buffer: Buffer) -> Result<Buffer> {
        buffer.reserve(1)?;
        let mut call = Call {
            head: wasmtime_binding_component_hostcall_t {
                env: self.env,
                data: wasmtime_context_get_data(cx.as_context()),
                context: StoreAddress::of(cx.as_context_mut()).pointer(),
                message: buffer.as_ptr(),
                len: buffer.len(),
                capacity: buffer.capacity(),
                trap: None,
            },
            buffer,
        };
        (self.host.callback)((&raw mut call).cast());
        let Call { head, mut buffer } = call;
        if let Some(trap) = head.trap {
            keep(buffer);
            return Err(cast::unwrap_trap(*trap));
        }
        if head.len > buffer.capacity() {
            return Err(bad_argument("a host function's results are longer than its message"));
        }
        // SAFETY: the binding has written so many, which are there.
        unsafe { buffer.set_len(head.len) };
        Ok(buffer)
    }
}

/// Gives the resources in a message handles; returns those that are borrowed.
fn register(handles: &mut Handles, message: &mut Buffer, pending: Vec<Pending>) -> Result<Vec<u32>> {
    if handles.room() < pending.len() {
        return Err(handles::full());
    }
    let mut borrowed = Vec::new();
    for Pending { at, resource } in pending {
        let handle = handles.insert(resource).ok_or_else(handles::full)?;
        message.bytes_mut()[at..][..4].copy_from_slice(&handle.to_le_bytes());
        if !resource.owned() {
            borrowed.push(handle);
        }
    }
    Ok(borrowed)
}

/// The arguments of a host function.
pub(super) struct Params {
    buffer: Buffer,
    pending: Vec<Pending>,
}

impl Params {
    fn lift(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        lift: impl FnOnce(&mut Lifting<'_, '_>) -> Result<()>,
    ) -> Result<Params> {
        let types: *const ComponentTypes = &**cx.types;
        plans::with(
            cx,
            types,
            ty,
            |cx| cx.types.clone(),
            |cx, plan| {
                let mut params = Params { buffer: spare(), pending: Vec::new() };
                let Params { buffer, pending } = &mut params;
                lift(&mut Lifting { cx, plan, out: buffer, pending })?;
                Ok(params)
            },
        )
    }
}

// SAFETY: the number of values is that of the type, which upstream has checked before it passes them on; an empty array
// stands for all of them.
unsafe impl ComponentType for Params {
    type Lower = [ValRaw; 0];

    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::ZERO;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        plans::get(types.types, *ty).map(drop)
    }
}

// SAFETY: the type is always a tuple.
unsafe impl ComponentNamedList for Params {}

// SAFETY: it makes nothing that could be invalid.
unsafe impl Lift for Params {
    #[inline]
    fn linear_lift_from_flat(cx: &mut LiftContext<'_>, ty: InterfaceType, values: &[ValRaw; 0]) -> Result<Params> {
        Params::lift(cx, ty, |lifting| {
            let flat = lifting.plan.root().flat as usize;
            if flat > 16 {
                return Err(broken("a host function has too many core values"));
            }
            // SAFETY: there are as many as the type has (see above).
            lifting.lift_flat(unsafe { std::slice::from_raw_parts(values.as_ptr(), flat) })
        })
    }

    fn linear_lift_from_memory(cx: &mut LiftContext<'_>, ty: InterfaceType, bytes: &[u8]) -> Result<Params> {
        // The bytes are an empty piece of the guest's memory: it is their address that counts.
        let address = bytes.as_ptr().addr().wrapping_sub(cx.memory().as_ptr().addr());
        Params::lift(cx, ty, |lifting| lifting.lift_memory(address))
    }
}

/// The results of a host function.
pub(super) struct Returned {
    buffer: Buffer,
    /// The store's, which is there as long as the call.
    handles: *mut Handles,
}

// SAFETY: it is made, used and dropped within one call, by one thread.
unsafe impl Send for Returned {}
// SAFETY: as above.
unsafe impl Sync for Returned {}

impl Drop for Returned {
    fn drop(&mut self) {
        keep(std::mem::replace(&mut self.buffer, Buffer::new()));
    }
}

impl Returned {
    /// Checks the message and lowers it.
    #[inline]
    fn lower<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        lower: impl FnOnce(&mut Lowering<'_, '_, T>) -> Result<()>,
    ) -> Result<()> {
        let types: *const ComponentTypes = cx.types;
        plans::with(cx, types, ty, own_types, |cx, plan| {
            let message = Message { bytes: self.buffer.bytes(), segments: &[] };
            {
                let types = cx.instance_type();
                let resource = |number: u32| resource(plan, number, &types);
                // SAFETY: nobody else uses the handles meanwhile.
                check(plan, message, unsafe { &mut *self.handles }, &resource, "result")?;
            }
            lower(&mut Lowering { cx, plan, message, handles: self.handles })
        })
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

// SAFETY: as for `Params`.
unsafe impl ComponentType for Returned {
    type Lower = [ValRaw; 0];

    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::ZERO;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        plans::get(types.types, *ty).map(drop)
    }
}

// SAFETY: the type is always a tuple.
unsafe impl ComponentNamedList for Returned {}

// SAFETY: all values that the type has are written before it says that it has succeeded.
unsafe impl Lower for Returned {
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
            // SAFETY: there are as many as the type has, as in `Params`.
            lowering.lower_flat(unsafe { std::slice::from_raw_parts_mut(to, flat) })
        })
    }

    fn linear_lower_to_memory<T>(&self, cx: &mut LowerContext<'_, T>, ty: InterfaceType, address: usize) -> Result<()> {
        self.lower(cx, ty, |lowering| lowering.lower_memory(address))
    }
}

/// How many buffers a thread keeps: one for each call of a host function inside of another.
const SPARE: usize = 4;

thread_local! {
    static SPARES: RefCell<Vec<Buffer>> = const { RefCell::new(Vec::new()) };
}

/// An empty buffer.
#[inline]
fn spare() -> Buffer {
    SPARES.try_with(|spares| spares.borrow_mut().pop()).ok().flatten().unwrap_or(Buffer::new())
}

/// Keeps a buffer for the next call.
#[inline]
fn keep(mut buffer: Buffer) {
    let used = buffer.len();
    buffer.trim(used);
    buffer.clear();
    let _ = SPARES.try_with(|spares| {
        let mut spares = spares.borrow_mut();
        if spares.len() < SPARE {
            spares.push(buffer);
        }
    });
}
