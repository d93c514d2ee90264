//! Host functions of a binding: every call arrives at one callback, with its arguments in place.

use crate::cast;
use crate::describe::TypeReader;
use crate::guard::guard;
use crate::store::Whole;
use crate::values::{Converter, is_plain, wasmtime_binding_externref_finalizer_t, wasmtime_binding_val_t};
use std::ffi::c_void;
use std::mem::MaybeUninit;
use wasmtime::{AsContext, Caller, Func, FuncType, Result, Val, ValRaw};
use wasmtime_c_api::{
    WasmtimeStoreContextMut, WasmtimeStoreData, wasm_trap_t, wasmtime_caller_t, wasmtime_context_get_data,
    wasmtime_error_t, wasmtime_linker_t,
};

/// A call from a guest to a host function, as the callback sees it. Valid until the callback returns.
#[repr(C)]
pub struct wasmtime_binding_hostcall_t {
    /// What the function was defined with.
    pub env: u64,
    /// What `wasmtime_context_get_data` returns for the store.
    pub data: *mut c_void,
    /// The calling instance and its store.
    pub caller: *mut c_void,
    /// The arguments on the way in, the results on the way out: `wasmtime_val_raw_t` entries when the signature has
    /// numbers and vectors only, `wasmtime_binding_val_t` entries when it has references.
    pub slots: *mut c_void,
    /// The number of entries in `slots`: the larger of the number of parameters and of results.
    pub len: usize,
    /// To be set, with an owned trap, when the call fails; null otherwise.
    pub trap: Option<Box<wasm_trap_t>>,
}

/// The callback that serves every host function of a binding.
pub type wasmtime_binding_hostcall_callback_t = extern "C" fn(call: *mut wasmtime_binding_hostcall_t);

/// Tells a binding that the function defined with `env` is gone for good.
pub type wasmtime_binding_finalizer_t = extern "C" fn(env: u64);

/// What the host functions of a binding have in common.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wasmtime_binding_host_t {
    /// Serves every call.
    pub callback: wasmtime_binding_hostcall_callback_t,
    /// Hears that a function is gone; may be null.
    pub finalizer: Option<wasmtime_binding_finalizer_t>,
    /// Hears that an `externref` made from a result is gone.
    pub externref_finalizer: wasmtime_binding_externref_finalizer_t,
}

/// One host function; says goodbye when the closure that holds it is dropped.
struct Host {
    env: u64,
    host: wasmtime_binding_host_t,
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(finalizer) = self.host.finalizer {
            finalizer(self.env);
        }
    }
}

impl Host {
    #[inline]
    fn call(&self, caller: &mut Caller<'_, WasmtimeStoreData>, slots: *mut c_void, len: usize) -> Result<()> {
        let mut call = wasmtime_binding_hostcall_t {
            env: self.env,
            data: wasmtime_context_get_data(caller.as_context()),
            caller: std::ptr::from_mut(caller).cast(),
            slots,
            len,
            trap: None,
        };
        (self.host.callback)(&raw mut call);
        match call.trap {
            None => Ok(()),
            Some(trap) => {
                Whole::host_failed(caller.data());
                Err(cast::unwrap_trap(*trap))
            }
        }
    }

    /// Calls with arguments in place: no conversion, no allocation.
    fn call_plain(&self, mut caller: Caller<'_, WasmtimeStoreData>, slots: &mut [MaybeUninit<ValRaw>]) -> Result<()> {
        self.call(&mut caller, slots.as_mut_ptr().cast(), slots.len())
    }

    /// Calls with references turned into tokens and back; Wasmtime checks the types of the results.
    fn call_checked(
        &self,
        mut caller: Caller<'_, WasmtimeStoreData>,
        params: &[Val],
        results: &mut [Val],
    ) -> Result<()> {
        let converter = Converter { finalizer: self.host.externref_finalizer };
        let len = params.len().max(results.len());
        let mut vals = Vec::with_capacity(len);
        for param in params {
            vals.push(converter.lift(&mut caller, param)?);
        }
        vals.resize(len, wasmtime_binding_val_t::default());
        self.call(&mut caller, vals.as_mut_ptr().cast(), len)?;
        for (result, val) in results.iter_mut().zip(&vals) {
            // SAFETY: the binding vouches, as for arguments, that functions belong to the store.
            *result = unsafe { converter.lower(&mut caller, val)? };
        }
        Ok(())
    }
}

fn plain(ty: &FuncType) -> bool {
    ty.params().chain(ty.results()).all(|ty| is_plain(&ty))
}

// `wasmtime_caller_t` holds nothing but the `Caller`, so a pointer to the one serves as a pointer to the other.
const _: () = assert!(size_of::<wasmtime_caller_t<'static>>() == size_of::<Caller<'static, WasmtimeStoreData>>());

/// Creates a host function in a store and stores it in `*out`.
///
/// `ty` and `ty_len` are a function type in the encoding of `describe.rs`. The finalizer, if not null, runs once, with
/// `env`, when the store is deleted. The counterpart of `wasmtime_func_new_unchecked`.
///
/// # Safety
///
/// `ty` must be valid for `ty_len` bytes and `out` for a write; the callback must give results of the declared types.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_func_new(
    context: WasmtimeStoreContextMut<'_>,
    ty: *const u8,
    ty_len: usize,
    host: &wasmtime_binding_host_t,
    env: u64,
    out: *mut Func,
) -> Option<Box<wasmtime_error_t>> {
    let host = Host { env, host: *host };
    guard(|| {
        // SAFETY: the caller vouches for `ty`.
        let ty = unsafe { read_type(context.engine(), ty, ty_len)? };
        let func = if plain(&ty) {
            // SAFETY: the caller vouches for the callback's results.
            unsafe { Func::new_unchecked(context, ty, move |caller, slots| host.call_plain(caller, slots)) }
        } else {
            Func::new(context, ty, move |caller, params, results| host.call_checked(caller, params, results))
        };
        // SAFETY: the caller vouches for `out`.
        unsafe { *out = func };
        Ok(())
    })
}

/// Defines a host function in a linker, for every store that the linker serves.
///
/// The finalizer, if not null, runs once, with `env`, when neither the linker nor any store needs the function any
/// more, or at once when the definition fails. The counterpart of `wasmtime_linker_define_func_unchecked`.
///
/// # Safety
///
/// The pointers must be valid for their lengths; the callback must give results of the declared types.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_linker_define_func(
    linker: &mut wasmtime_linker_t,
    module: *const u8,
    module_len: usize,
    name: *const u8,
    name_len: usize,
    ty: *const u8,
    ty_len: usize,
    host: &wasmtime_binding_host_t,
    env: u64,
) -> Option<Box<wasmtime_error_t>> {
    let host = Host { env, host: *host };
    guard(|| {
        let linker = cast::linker(linker);
        // SAFETY: the caller vouches for the pointers.
        let (module, name, ty) = unsafe {
            (cast::str(module, module_len)?, cast::str(name, name_len)?, read_type(linker.engine(), ty, ty_len)?)
        };
        if plain(&ty) {
            // SAFETY: the caller vouches for the callback's results.
            unsafe {
                linker.func_new_unchecked(module, name, ty, move |caller, slots| host.call_plain(caller, slots))?;
            }
        } else {
            linker.func_new(module, name, ty, move |caller, params, results| {
                host.call_checked(caller, params, results)
            })?;
        }
        Ok(())
    })
}

/// Reads an encoded function type.
///
/// # Safety
///
/// `ty` must be valid for `len` bytes.
unsafe fn read_type(engine: &wasmtime::Engine, ty: *const u8, len: usize) -> Result<FuncType> {
    // SAFETY: the caller vouches for the pointer.
    let bytes = unsafe { cast::bytes(ty, len) };
    TypeReader::new(engine, bytes).func()
}
