//! Types as bytes: one crossing tells a binding all of a module's imports and exports, or a function's signature.
//!
//! Little-endian. `str` is a `u32` length and UTF-8 bytes.
//!
//! - A value type is `u8`: 0 i32, 1 i64, 2 f32, 3 f64, 4 v128, 5 reference; a reference goes on with `u8` nullable,
//!   `u8` heap kind (`WASMTIME_HEAPTYPE_KIND_*`).
//! - A function type is `u32` count and value types of the parameters, the same of the results.
//! - A global type is value type, `u8` mutable.
//! - A table type is value type, limits.
//! - A memory type is limits, `u8` shared, `u8` log2 of the page size.
//! - Limits are `u8` 64-bit, `u64` minimum, `u8` whether there is a maximum, `u64` maximum.
//! - An external type is `u8`, then the type: 0 function, 1 global, 2 table, 3 memory, 4 shared memory (as memory),
//!   5 tag (as function).
//! - A module is `u32` count of imports (str module, str name, external type), `u32` count of exports (str name,
//!   external type).

use crate::error::{ExtError, wasmtime_error_code_t};
use crate::{cast, guard::guard};
use wasmtime::{
    Engine, ExternType, Func, FuncType, GlobalType, HeapType, MemoryType, MemoryTypeBuilder, Mutability, RefType,
    Result, TableType, ValType,
};
use wasmtime_c_api::{
    WasmtimeStoreContext, WasmtimeStoreContextMut, wasm_byte_vec_t, wasmtime_error_t, wasmtime_extern_t,
    wasmtime_module_t,
};

/// Describes a module's imports and exports, in the module's order, into `*out`, which the caller owns.
///
/// The counterpart of `wasmtime_module_imports` and `wasmtime_module_exports`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_module_types(
    module: &wasmtime_module_t,
    out: &mut wasm_byte_vec_t,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        let module = cast::module(module);
        let mut w = Writer::default();
        w.len(module.imports().len())?;
        for import in module.imports() {
            w.str(import.module())?;
            w.str(import.name())?;
            w.external(&import.ty())?;
        }
        w.len(module.exports().len())?;
        for export in module.exports() {
            w.str(export.name())?;
            w.external(&export.ty())?;
        }
        out.set_buffer(w.0);
        Ok(())
    })
}

/// Describes a function's type into `*out`, which the caller owns. The counterpart of `wasmtime_func_type`.
///
/// # Safety
///
/// `func` must belong to the store of `context`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_func_type(
    context: WasmtimeStoreContext<'_>,
    func: &Func,
    out: &mut wasm_byte_vec_t,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        out.set_buffer(func_type(&func.ty(context))?);
        Ok(())
    })
}

/// The encoding of a function's type.
pub(crate) fn func_type(ty: &FuncType) -> Result<Vec<u8>> {
    let mut w = Writer::default();
    w.func(ty)?;
    Ok(w.0)
}

/// Describes the type of any external item into `*out`, which the caller owns. The counterpart of
/// `wasmtime_extern_type`.
///
/// # Safety
///
/// `item` must belong to the store of `context`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_extern_type(
    context: WasmtimeStoreContextMut<'_>,
    item: &wasmtime_extern_t,
    out: &mut wasm_byte_vec_t,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        let mut w = Writer::default();
        // SAFETY: the caller vouches for `item`.
        let item = unsafe { item.to_extern() };
        w.external(&item.ty(&context))?;
        out.set_buffer(w.0);
        Ok(())
    })
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn len(&mut self, n: usize) -> Result<()> {
        self.0.extend(u32::try_from(n)?.to_le_bytes());
        Ok(())
    }

    fn str(&mut self, s: &str) -> Result<()> {
        self.len(s.len())?;
        self.0.extend(s.as_bytes());
        Ok(())
    }

    fn external(&mut self, ty: &ExternType) -> Result<()> {
        match ty {
            ExternType::Func(ty) => {
                self.0.push(0);
                self.func(ty)?;
            }
            ExternType::Global(ty) => {
                self.0.push(1);
                self.val(ty.content());
                self.0.push(u8::from(ty.mutability().is_var()));
            }
            ExternType::Table(ty) => {
                self.0.push(2);
                self.table(ty);
            }
            ExternType::Memory(ty) => {
                self.0.push(if ty.is_shared() { 4 } else { 3 });
                self.memory(ty);
            }
            ExternType::Tag(ty) => {
                self.0.push(5);
                self.func(ty.ty())?;
            }
        }
        Ok(())
    }

    fn func(&mut self, ty: &FuncType) -> Result<()> {
        self.len(ty.params().len())?;
        ty.params().for_each(|ty| self.val(&ty));
        self.len(ty.results().len())?;
        ty.results().for_each(|ty| self.val(&ty));
        Ok(())
    }

    fn table(&mut self, ty: &TableType) {
        self.val(&ValType::Ref(ty.element().clone()));
        self.limits(ty.is_64(), ty.minimum(), ty.maximum());
    }

    fn memory(&mut self, ty: &MemoryType) {
        self.limits(ty.is_64(), ty.minimum(), ty.maximum());
        self.0.push(u8::from(ty.is_shared()));
        self.0.push(ty.page_size_log2());
    }

    fn limits(&mut self, is_64: bool, minimum: u64, maximum: Option<u64>) {
        self.0.push(u8::from(is_64));
        self.0.extend(minimum.to_le_bytes());
        self.0.push(u8::from(maximum.is_some()));
        self.0.extend(maximum.unwrap_or(0).to_le_bytes());
    }

    fn val(&mut self, ty: &ValType) {
        match ty {
            ValType::I32 => self.0.push(0),
            ValType::I64 => self.0.push(1),
            ValType::F32 => self.0.push(2),
            ValType::F64 => self.0.push(3),
            ValType::V128 => self.0.push(4),
            ValType::Ref(ty) => {
                self.0.extend([5, u8::from(ty.is_nullable()), heap_kind(ty.heap_type())]);
            }
        }
    }
}

/// The `WASMTIME_HEAPTYPE_KIND_*` of a heap type; 255 for one that the C API does not know.
fn heap_kind(ty: &HeapType) -> u8 {
    match ty {
        HeapType::Extern => 0,
        HeapType::NoExtern => 1,
        HeapType::Func => 2,
        HeapType::ConcreteFunc(_) => 3,
        HeapType::NoFunc => 4,
        HeapType::Any => 5,
        HeapType::None => 6,
        HeapType::Eq => 7,
        HeapType::I31 => 8,
        HeapType::Array => 9,
        HeapType::ConcreteArray(_) => 10,
        HeapType::Struct => 11,
        HeapType::ConcreteStruct(_) => 12,
        HeapType::Exn => 13,
        HeapType::ConcreteExn(_) => 14,
        HeapType::NoExn => 15,
        _ => 255,
    }
}

/// Reads types in the encoding above.
pub(crate) struct TypeReader<'a> {
    engine: &'a Engine,
    rest: &'a [u8],
}

impl<'a> TypeReader<'a> {
    /// Starts at the first byte of an encoded type.
    pub(crate) fn new(engine: &'a Engine, bytes: &'a [u8]) -> Self {
        TypeReader { engine, rest: bytes }
    }

    /// Reads a function type. Malformed bytes are a `WASMTIME_ERROR_BAD_ARGUMENT`.
    pub(crate) fn func(&mut self) -> Result<FuncType> {
        let params = self.vals()?;
        let results = self.vals()?;
        Ok(FuncType::try_new(self.engine, params, results)?)
    }

    /// Reads a global type.
    pub(crate) fn global(&mut self) -> Result<GlobalType> {
        let content = self.val()?;
        let [mutable] = self.take()?;
        Ok(GlobalType::new(content, if mutable != 0 { Mutability::Var } else { Mutability::Const }))
    }

    /// Reads a table type.
    pub(crate) fn table(&mut self) -> Result<TableType> {
        let ValType::Ref(element) = self.val()? else {
            return Err(malformed("a table's elements must be references"));
        };
        let (is_64, minimum, maximum) = self.limits()?;
        if is_64 {
            return Ok(TableType::new64(element, minimum, maximum));
        }
        Ok(TableType::new(element, minimum.try_into()?, maximum.map(u32::try_from).transpose()?))
    }

    /// Reads a memory type.
    pub(crate) fn memory(&mut self) -> Result<MemoryType> {
        let (is_64, minimum, maximum) = self.limits()?;
        let [shared, page_size_log2] = self.take()?;
        MemoryTypeBuilder::new()
            .memory64(is_64)
            .min(minimum)
            .max(maximum)
            .shared(shared != 0)
            .page_size_log2(page_size_log2)
            .build()
    }

    fn limits(&mut self) -> Result<(bool, u64, Option<u64>)> {
        let [is_64] = self.take()?;
        let minimum = u64::from_le_bytes(self.take()?);
        let [has_maximum] = self.take()?;
        let maximum = u64::from_le_bytes(self.take()?);
        Ok((is_64 != 0, minimum, (has_maximum != 0).then_some(maximum)))
    }

    fn vals(&mut self) -> Result<Vec<ValType>> {
        let n = u32::from_le_bytes(self.take()?);
        (0..n).map(|_| self.val()).collect()
    }

    /// Reads a value type.
    pub(crate) fn val(&mut self) -> Result<ValType> {
        let [tag] = self.take()?;
        Ok(match tag {
            0 => ValType::I32,
            1 => ValType::I64,
            2 => ValType::F32,
            3 => ValType::F64,
            4 => ValType::V128,
            5 => {
                let [nullable, kind] = self.take()?;
                ValType::Ref(RefType::new(nullable != 0, abstract_heap(kind)?))
            }
            _ => return Err(malformed(format!("there is no value type {tag}"))),
        })
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk().ok_or_else(|| malformed("the type ends too early"))?;
        self.rest = rest;
        Ok(*head)
    }
}

fn abstract_heap(kind: u8) -> Result<HeapType> {
    Ok(match kind {
        0 => HeapType::Extern,
        1 => HeapType::NoExtern,
        2 => HeapType::Func,
        4 => HeapType::NoFunc,
        5 => HeapType::Any,
        6 => HeapType::None,
        7 => HeapType::Eq,
        8 => HeapType::I31,
        9 => HeapType::Array,
        11 => HeapType::Struct,
        13 => HeapType::Exn,
        15 => HeapType::NoExn,
        _ => return Err(malformed(format!("heap kind {kind} is not an abstract heap type"))),
    })
}

fn malformed(message: impl Into<String>) -> wasmtime::Error {
    ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_BAD_ARGUMENT, message)
}
