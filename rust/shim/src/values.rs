//! Values that cross the boundary with their kind beside them. References need no roots on the other side: a `funcref`
//! travels as the function's handle, an `externref` as the token that the binding made it with.

use crate::error::{ExtError, wasmtime_error_code_t};
use crate::guard::guard;
use std::ffi::c_void;
use wasmtime::{
    AsContextMut, ExternRef, Func, GcHeapOutOfMemory, HeapType, Ref, Result, RootScope, Rooted, StoreContextMut, Val,
    ValType,
};
use wasmtime_c_api::{
    WASMTIME_ANYREF, WASMTIME_EXNREF, WASMTIME_EXTERNREF, WASMTIME_F32, WASMTIME_F64, WASMTIME_FUNCREF, WASMTIME_I32,
    WASMTIME_I64, WASMTIME_V128, WasmtimeStoreContextMut, WasmtimeStoreData, wasmtime_context_get_data,
    wasmtime_error_t, wasmtime_valkind_t,
};

/// A value and its kind (`WASMTIME_I32` and so on).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wasmtime_binding_val_t {
    /// What the value is.
    pub kind: wasmtime_valkind_t,
    /// The value.
    pub of: wasmtime_binding_valunion_t,
}

/// The value in a `wasmtime_binding_val_t`.
#[repr(C)]
#[derive(Clone, Copy)]
pub union wasmtime_binding_valunion_t {
    /// `WASMTIME_I32`.
    pub i32: i32,
    /// `WASMTIME_I64`.
    pub i64: i64,
    /// `WASMTIME_F32`, as bits.
    pub f32: u32,
    /// `WASMTIME_F64`, as bits.
    pub f64: u64,
    /// `WASMTIME_V128`, little-endian.
    pub v128: [u8; 16],
    /// `WASMTIME_EXTERNREF`: the binding's token plus one, 0 for null, `UINT64_MAX` for a reference that no binding
    /// made.
    pub externref: u64,
    /// `WASMTIME_FUNCREF`: a function, or a null one, whose first eight bytes are 0.
    ///
    /// `WASMTIME_ANYREF` and `WASMTIME_EXNREF`: zeros, which is null. Other references of these kinds do not cross.
    pub funcref: [u64; 2],
}

impl Default for wasmtime_binding_val_t {
    fn default() -> Self {
        wasmtime_binding_val_t { kind: WASMTIME_I32, of: wasmtime_binding_valunion_t { v128: [0; 16] } }
    }
}

const _: () = assert!(size_of::<Func>() == 16 && align_of::<Func>() == 8);

/// The token of a foreign reference.
const FOREIGN: u64 = u64::MAX;

/// Tells the binding that the `externref` with `token` is gone. `data` is the store's.
pub type wasmtime_binding_externref_finalizer_t = extern "C" fn(data: *mut c_void, token: u64);

/// What an `externref` of a binding holds.
struct HostRef {
    token: u64,
    data: usize,
    finalizer: wasmtime_binding_externref_finalizer_t,
}

impl Drop for HostRef {
    fn drop(&mut self) {
        (self.finalizer)(self.data as *mut c_void, self.token);
    }
}

/// How values are converted for one store.
#[derive(Clone, Copy)]
pub(crate) struct Converter {
    /// What is told when an `externref` made here is gone.
    pub(crate) finalizer: wasmtime_binding_externref_finalizer_t,
}

impl Converter {
    /// Turns a value of the binding into one of the store. References are rooted in the store's current scope.
    ///
    /// # Safety
    ///
    /// A function in `val` must belong to the store.
    pub(crate) unsafe fn lower(
        self,
        mut store: impl AsContextMut<Data = WasmtimeStoreData>,
        val: &wasmtime_binding_val_t,
    ) -> Result<Val> {
        // SAFETY: the kind says which field is set; every bit pattern is a value of the scalar fields, and the caller
        // vouches for functions.
        unsafe {
            Ok(match val.kind {
                WASMTIME_I32 => Val::I32(val.of.i32),
                WASMTIME_I64 => Val::I64(val.of.i64),
                WASMTIME_F32 => Val::F32(val.of.f32),
                WASMTIME_F64 => Val::F64(val.of.f64),
                WASMTIME_V128 => Val::V128(u128::from_le_bytes(val.of.v128).into()),
                WASMTIME_FUNCREF => Val::FuncRef(match val.of.funcref {
                    [0, _] => None,
                    raw => Some(std::mem::transmute::<[u64; 2], Func>(raw)),
                }),
                WASMTIME_EXTERNREF => Val::ExternRef(match val.of.externref {
                    0 => None,
                    FOREIGN => return Err(unsupported("an externref that no binding made cannot be passed")),
                    token => Some(self.externref(store.as_context_mut(), token - 1)?),
                }),
                WASMTIME_ANYREF if val.of.funcref == [0, 0] => Val::AnyRef(None),
                WASMTIME_EXNREF if val.of.funcref == [0, 0] => Val::ExnRef(None),
                kind => {
                    return Err(unsupported(format!("values of kind {kind} cannot be passed")));
                }
            })
        }
    }

    fn externref(self, store: StoreContextMut<'_, WasmtimeStoreData>, token: u64) -> Result<Rooted<ExternRef>> {
        let data = wasmtime_context_get_data((&store).into()) as usize;
        ExternRef::new(store, HostRef { token, data, finalizer: self.finalizer }).map_err(|error| {
            // With the heap full, the error has the value: it must not outlive the store in somebody's hands.
            match error.downcast::<GcHeapOutOfMemory<HostRef>>() {
                Ok(full) => full.take_inner().1.into(),
                Err(error) => error,
            }
        })
    }

    /// Turns a value of the store into one of the binding.
    pub(crate) fn lift(
        self,
        mut store: impl AsContextMut<Data = WasmtimeStoreData>,
        val: &Val,
    ) -> Result<wasmtime_binding_val_t> {
        let (kind, of) = match val {
            Val::I32(i32) => (WASMTIME_I32, wasmtime_binding_valunion_t { i32: *i32 }),
            Val::I64(i64) => (WASMTIME_I64, wasmtime_binding_valunion_t { i64: *i64 }),
            Val::F32(f32) => (WASMTIME_F32, wasmtime_binding_valunion_t { f32: *f32 }),
            Val::F64(f64) => (WASMTIME_F64, wasmtime_binding_valunion_t { f64: *f64 }),
            Val::V128(v) => {
                let v128 = v.as_u128().to_le_bytes();
                (WASMTIME_V128, wasmtime_binding_valunion_t { v128 })
            }
            Val::FuncRef(func) => {
                let funcref = match func {
                    None => [0, 0],
                    // SAFETY: a `Func` is two words, the first of them never 0 (checked above and by the C API's use
                    // of 0 for null).
                    Some(func) => unsafe { std::mem::transmute::<Func, [u64; 2]>(*func) },
                };
                (WASMTIME_FUNCREF, wasmtime_binding_valunion_t { funcref })
            }
            Val::ExternRef(reference) => {
                let externref = match reference {
                    None => 0,
                    Some(reference) => reference
                        .data(store.as_context_mut())?
                        .and_then(|data| data.downcast_ref::<HostRef>())
                        .map_or(FOREIGN, |host| host.token + 1),
                };
                (WASMTIME_EXTERNREF, wasmtime_binding_valunion_t { externref })
            }
            Val::AnyRef(None) => (WASMTIME_ANYREF, wasmtime_binding_valunion_t { funcref: [0, 0] }),
            Val::ExnRef(None) => (WASMTIME_EXNREF, wasmtime_binding_valunion_t { funcref: [0, 0] }),
            Val::AnyRef(Some(_)) | Val::ExnRef(Some(_)) | Val::ContRef(_) => {
                return Err(unsupported("references to GC objects cannot be passed"));
            }
        };
        Ok(wasmtime_binding_val_t { kind, of })
    }

    /// Turns a value of the binding into a reference of the store.
    ///
    /// # Safety
    ///
    /// As for `lower`.
    pub(crate) unsafe fn lower_ref(
        self,
        store: impl AsContextMut<Data = WasmtimeStoreData>,
        val: &wasmtime_binding_val_t,
    ) -> Result<Ref> {
        // SAFETY: the caller vouches for functions.
        unsafe { self.lower(store, val)? }.ref_().ok_or_else(|| {
            ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_BAD_ARGUMENT, "the value is not a reference")
        })
    }
}

/// Whether a value of this type crosses as it is in a raw slot, with no rooting and no conversion.
pub(crate) fn is_plain(ty: &ValType) -> bool {
    match ty {
        ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64 | ValType::V128 => true,
        ValType::Ref(_) => false,
    }
}

/// A null value of a type, to be overwritten with a result.
pub(crate) fn placeholder(ty: &ValType) -> Val {
    match ty {
        ValType::Ref(ty) if matches!(ty.heap_type(), HeapType::Extern | HeapType::NoExtern) => Val::ExternRef(None),
        ValType::Ref(_) => Val::FuncRef(None),
        _ => Val::I32(0),
    }
}

/// Calls a function whose signature has references, with every argument checked.
///
/// `vals` holds the `nargs` arguments on the way in and the results on the way out; it has room for the larger number
/// of the two, `len`. The counterpart of `wasmtime_func_call`; traps are told apart as in `wasmtime_binding_call`,
/// whose frame is used for everything but the slots.
///
/// # Safety
///
/// As for `wasmtime_binding_call`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_call_checked(
    call: *mut crate::call::wasmtime_binding_call_t,
    vals: *mut wasmtime_binding_val_t,
    nargs: usize,
    len: usize,
    finalizer: wasmtime_binding_externref_finalizer_t,
) -> u32 {
    crate::call::run(call, |context| {
        // SAFETY: the caller vouches for the frame.
        let func = unsafe { crate::call::function(call) };
        let mut scope = RootScope::new(context);
        let converter = Converter { finalizer };
        // SAFETY: the caller vouches for the array.
        let vals = unsafe { std::slice::from_raw_parts_mut(vals, len) };
        let args = vals[..nargs]
            .iter()
            // SAFETY: the caller vouches for functions among the arguments.
            .map(|val| unsafe { converter.lower(&mut scope, val) })
            .collect::<Result<Vec<_>>>()?;
        let mut results: Vec<Val> = func.ty(&scope).results().map(|ty| placeholder(&ty)).collect();
        func.call(&mut scope, &args, &mut results)?;
        for (slot, result) in vals.iter_mut().zip(&results) {
            *slot = converter.lift(&mut scope, result)?;
        }
        Ok(())
    })
}

fn unsupported(message: impl Into<String>) -> wasmtime::Error {
    ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_UNSUPPORTED, message)
}

/// Runs `f` in a root scope of the context, guarded.
pub(crate) fn scoped(
    mut context: WasmtimeStoreContextMut<'_>,
    f: impl FnOnce(&mut RootScope<&mut WasmtimeStoreContextMut<'_>>) -> Result<()>,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| f(&mut RootScope::new(&mut context)))
}
