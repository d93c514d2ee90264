//! Globals, tables and memories of a binding: created from encoded types, read and written with tokens for references.

use crate::describe::TypeReader;
use crate::store::Whole;
use crate::values::{Converter, scoped, wasmtime_binding_externref_finalizer_t, wasmtime_binding_val_t};
use crate::{cast, guard::guard};
use wasmtime::{AsContext, Global, Memory, Table};
use wasmtime_c_api::{WasmtimeStoreContextMut, wasmtime_error_t};

/// Creates a global of the encoded type `ty` in a store. The counterpart of `wasmtime_global_new`.
///
/// # Safety
///
/// The pointers must be valid; a function in `val` must belong to the store.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_global_new(
    context: WasmtimeStoreContextMut<'_>,
    ty: *const u8,
    ty_len: usize,
    val: &wasmtime_binding_val_t,
    finalizer: wasmtime_binding_externref_finalizer_t,
    out: &mut Global,
) -> Option<Box<wasmtime_error_t>> {
    scoped(context, |scope| {
        // SAFETY: the caller vouches for the pointers.
        let bytes = unsafe { cast::bytes(ty, ty_len) };
        let ty = TypeReader::new(scope.as_context().engine(), bytes).global()?;
        // SAFETY: the caller vouches for functions.
        let val = unsafe { Converter { finalizer }.lower(&mut *scope, val)? };
        *out = Global::new(&mut *scope, ty, val)?;
        Ok(())
    })
}

/// Reads a global into `*out`. The counterpart of `wasmtime_global_get`.
///
/// # Safety
///
/// `global` must belong to the store of `context`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_global_get(
    context: WasmtimeStoreContextMut<'_>,
    global: &Global,
    finalizer: wasmtime_binding_externref_finalizer_t,
    out: &mut wasmtime_binding_val_t,
) -> Option<Box<wasmtime_error_t>> {
    scoped(context, |scope| {
        let val = global.get(&mut *scope);
        *out = Converter { finalizer }.lift(&mut *scope, &val)?;
        Ok(())
    })
}

/// Writes a global. A wrong type and an immutable global are errors. The counterpart of `wasmtime_global_set`.
///
/// # Safety
///
/// `global`, and a function in `val`, must belong to the store of `context`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_global_set(
    context: WasmtimeStoreContextMut<'_>,
    global: &Global,
    val: &wasmtime_binding_val_t,
    finalizer: wasmtime_binding_externref_finalizer_t,
) -> Option<Box<wasmtime_error_t>> {
    scoped(context, |scope| {
        // SAFETY: the caller vouches for functions.
        let val = unsafe { Converter { finalizer }.lower(&mut *scope, val)? };
        global.set(&mut *scope, val)
    })
}

/// Creates a table of the encoded type `ty`, every element `init`. The counterpart of `wasmtime_table_new`.
///
/// # Safety
///
/// As for `wasmtime_binding_global_new`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_table_new(
    context: WasmtimeStoreContextMut<'_>,
    ty: *const u8,
    ty_len: usize,
    init: &wasmtime_binding_val_t,
    finalizer: wasmtime_binding_externref_finalizer_t,
    out: &mut Table,
) -> Option<Box<wasmtime_error_t>> {
    scoped(context, |scope| {
        // SAFETY: the caller vouches for the pointers.
        let bytes = unsafe { cast::bytes(ty, ty_len) };
        let ty = TypeReader::new(scope.as_context().engine(), bytes).table()?;
        // SAFETY: the caller vouches for functions.
        let init = unsafe { Converter { finalizer }.lower_ref(&mut *scope, init)? };
        *out = Table::new(&mut *scope, ty, init)?;
        Ok(())
    })
}

/// Reads an element into `*out` and sets `*found`, or clears it when `index` is out of bounds. The counterpart of
/// `wasmtime_table_get`.
///
/// # Safety
///
/// `table` must belong to the store of `context`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_table_get(
    context: WasmtimeStoreContextMut<'_>,
    table: &Table,
    index: u64,
    finalizer: wasmtime_binding_externref_finalizer_t,
    out: &mut wasmtime_binding_val_t,
    found: &mut bool,
) -> Option<Box<wasmtime_error_t>> {
    scoped(context, |scope| {
        let element = table.get(&mut *scope, index);
        *found = element.is_some();
        if let Some(element) = element {
            *out = Converter { finalizer }.lift(&mut *scope, &element.into())?;
        }
        Ok(())
    })
}

/// Writes an element. The counterpart of `wasmtime_table_set`.
///
/// # Safety
///
/// `table`, and a function in `val`, must belong to the store of `context`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_table_set(
    context: WasmtimeStoreContextMut<'_>,
    table: &Table,
    index: u64,
    val: &wasmtime_binding_val_t,
    finalizer: wasmtime_binding_externref_finalizer_t,
) -> Option<Box<wasmtime_error_t>> {
    scoped(context, |scope| {
        // SAFETY: the caller vouches for functions.
        let val = unsafe { Converter { finalizer }.lower_ref(&mut *scope, val)? };
        table.set(&mut *scope, index, val)
    })
}

/// Grows a table by `delta` elements of `init` and stores the old size in `*previous`. The counterpart of
/// `wasmtime_table_grow`.
///
/// # Safety
///
/// As for `wasmtime_binding_table_set`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_table_grow(
    context: WasmtimeStoreContextMut<'_>,
    table: &Table,
    delta: u64,
    init: &wasmtime_binding_val_t,
    finalizer: wasmtime_binding_externref_finalizer_t,
    previous: &mut u64,
) -> Option<Box<wasmtime_error_t>> {
    scoped(context, |scope| {
        // SAFETY: the caller vouches for functions.
        let init = unsafe { Converter { finalizer }.lower_ref(&mut *scope, init)? };
        *previous = table.grow(&mut *scope, delta, init)?;
        Ok(())
    })
}

/// Creates a memory of the encoded type `ty`. The counterpart of `wasmtime_memory_new`.
///
/// # Safety
///
/// `ty` must be valid for `ty_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_memory_new(
    mut context: WasmtimeStoreContextMut<'_>,
    ty: *const u8,
    ty_len: usize,
    out: &mut Memory,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        // SAFETY: the caller vouches for the pointer.
        let bytes = unsafe { cast::bytes(ty, ty_len) };
        let ty = TypeReader::new(context.engine(), bytes).memory()?;
        *out = Whole::making(&mut context, |context| Memory::new(context, ty))?;
        Ok(())
    })
}

/// Stores a memory's address and size in bytes. They hold until the store's memory epoch changes. The counterpart of
/// `wasmtime_memory_data` and `wasmtime_memory_data_size`.
///
/// # Safety
///
/// `memory` must belong to the store of `context`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_memory_data(
    context: WasmtimeStoreContextMut<'_>,
    memory: &Memory,
    data: &mut *mut u8,
    len: &mut usize,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        *data = memory.data_ptr(&context);
        *len = memory.data_size(&context);
        Ok(())
    })
}

/// Grows a memory by `delta` pages and stores the old size, in pages, in `*previous`. The counterpart of
/// `wasmtime_memory_grow`.
///
/// # Safety
///
/// `memory` must belong to the store of `context`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_memory_grow(
    context: WasmtimeStoreContextMut<'_>,
    memory: &Memory,
    delta: u64,
    previous: &mut u64,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        *previous = memory.grow(context, delta)?;
        Ok(())
    })
}
