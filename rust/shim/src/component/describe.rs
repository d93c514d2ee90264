//! A component's types as bytes: one crossing tells a binding all of its imports and exports.
//!
//! Little-endian. `str` is a `u32` length and UTF-8 bytes; `?t` is a `u8` that says whether there is one, then the
//! number of a type.
//!
//! - The component: `u32` count of resources; `u32` count of types; `u32` count of imports; `u32` count of exports;
//!   each count followed by what it counts. An import or an export is str name, item.
//! - A resource is `u8`: 1 if the component defines it, 0 if it imports it; str name, empty if it has none.
//! - A type is `u8`, then what it consists of, where types are numbers (`u32`) of types before it: 0 bool, 1 s8, 2 u8,
//!   3 s16, 4 u16, 5 s32, 6 u32, 7 s64, 8 u64, 9 f32, 10 f64, 11 char, 12 string, 13 list (type), 14 map (key, value),
//!   15 fixed-length list (type, `u32` length), 16 record (`u32` count of fields: str name, type), 17 tuple (`u32`
//!   count of types), 18 variant (`u32` count of cases: str name, ?t), 19 enum (`u32` count of str), 20 option (type),
//!   21 result (?t, ?t), 22 flags (`u32` count of str), 23 own (`u32` number of the resource), 24 borrow (the same),
//!   25 future (?t), 26 stream (?t), 27 error-context.
//! - An item is `u8`, then: 0 function (`u8` async, `u32` count of parameters: str name, type; ?t result), 1 instance
//!   (`u32` count of exports: str name, item), 2 component, 3 core module, 4 core function, 5 resource (`u32` its
//!   number), 6 type (its number).

use crate::cast;
use crate::error::{ExtError, wasmtime_error_code_t};
use crate::guard::guard;
use std::collections::HashMap;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{ResourceType, Type};
use wasmtime::{Engine, Result};
use wasmtime_c_api::{wasm_byte_vec_t, wasmtime_component_t, wasmtime_error_t};

/// How deeply items and types may be nested. Upstream allows 100.
const DEEPEST: u32 = 128;

/// A description is no longer: what is short in a component may be long when it is told.
const LONGEST: usize = 64 << 20;

/// Describes a component's imports and exports, in the component's order, into `*out`, which the caller owns. A
/// component whose types are too many or too deeply nested is a `WASMTIME_ERROR_UNSUPPORTED`. The counterpart of
/// `wasmtime_component_type`; the encoding is in `component/describe.rs`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_component_describe(
    component: &wasmtime_component_t,
    out: &mut wasm_byte_vec_t,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        let component = cast::component(component);
        let engine = component.engine();
        let ty = component.component_type();
        let mut types = Types { defined: false, ..Types::default() };
        let mut items = Writer::default();
        items.count(ty.imports(engine).len())?;
        for (name, import) in ty.imports(engine) {
            items.str(name)?;
            item(&mut items, &mut types, engine, name, &import.ty, 0)?;
        }
        types.defined = true;
        items.count(ty.exports(engine).len())?;
        for (name, export) in ty.exports(engine) {
            items.str(name)?;
            item(&mut items, &mut types, engine, name, &export.ty, 0)?;
        }
        let mut all = Writer::default();
        all.count(types.resources.len())?;
        for resource in &types.resources {
            all.0.push(resource.defined.into());
            all.str(&resource.name)?;
        }
        all.count(types.known.len())?;
        all.0.extend(types.written.0);
        all.0.extend(items.0);
        out.set_buffer(all.0);
        Ok(())
    })
}

/// What a component needs to be instantiated.
#[repr(C)]
pub struct wasmtime_binding_component_required_t {
    /// Whether that is known: not if it instantiates a module or a component that it imports. Everything else is 0
    /// then.
    pub known: bool,
    /// The number of memories.
    pub memories: u32,
    /// The number of tables.
    pub tables: u32,
    /// The largest size that a memory has at first, in pages.
    pub memory_size: u64,
    /// The largest size that a table has at first, in elements.
    pub table_size: u64,
}

/// Stores what a component needs to be instantiated. The counterpart of
/// `wasmtime::component::Component::resources_required`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_component_resources_required(
    component: &wasmtime_component_t,
    out: &mut wasmtime_binding_component_required_t,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        let required = cast::component(component).resources_required();
        let known = required.is_some();
        let required = required.as_ref();
        *out = wasmtime_binding_component_required_t {
            known,
            memories: required.map_or(0, |r| r.num_memories),
            tables: required.map_or(0, |r| r.num_tables),
            memory_size: required.and_then(|r| r.max_initial_memory_size).unwrap_or(0),
            table_size: required.and_then(|r| r.max_initial_table_size).unwrap_or(0),
        };
        Ok(())
    })
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, n: u32) {
        self.0.extend(n.to_le_bytes());
    }

    fn count(&mut self, n: usize) -> Result<()> {
        self.number(u32::try_from(n)?);
        Ok(())
    }

    fn str(&mut self, s: &str) -> Result<()> {
        self.count(s.len())?;
        self.0.extend(s.as_bytes());
        if self.0.len() > LONGEST {
            return Err(unsupported("the component's description is too long"));
        }
        Ok(())
    }

    fn optional(&mut self, ty: Option<u32>) {
        self.0.push(ty.is_some().into());
        if let Some(ty) = ty {
            self.number(ty);
        }
    }
}

/// The types and resources that have been met.
#[derive(Default)]
struct Types {
    written: Writer,
    /// The number of each type. What upstream prints of a type says which one of the component's it is.
    known: HashMap<String, u32>,
    resources: Vec<Resource>,
    known_resources: HashMap<String, u32>,
    /// Whether a resource that has not been met yet is the component's own.
    defined: bool,
}

struct Resource {
    defined: bool,
    name: String,
}

impl Types {
    fn resource(&mut self, ty: &ResourceType, name: &str) -> Result<u32> {
        let key = format!("{ty:?}");
        let number = match self.known_resources.get(&key) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(self.resources.len())?;
                self.known_resources.insert(key, number);
                self.resources.push(Resource { defined: self.defined, name: String::new() });
                number
            }
        };
        let known = &mut self.resources[number as usize].name;
        if known.is_empty() {
            name.clone_into(known);
        }
        Ok(number)
    }

    /// The number of a type, which is written if it is new.
    fn ty(&mut self, ty: &Type, depth: u32) -> Result<u32> {
        if depth > DEEPEST {
            return Err(unsupported("a type is nested too deeply"));
        }
        let key = format!("{ty:?}");
        if let Some(number) = self.known.get(&key) {
            return Ok(*number);
        }
        let mut w = Writer::default();
        self.write(&mut w, ty, depth + 1)?;
        self.written.0.extend(w.0);
        if self.written.0.len() > LONGEST {
            return Err(unsupported("the component's description is too long"));
        }
        let number = u32::try_from(self.known.len())?;
        self.known.insert(key, number);
        Ok(number)
    }

    fn optional(&mut self, ty: Option<Type>, depth: u32) -> Result<Option<u32>> {
        ty.map(|ty| self.ty(&ty, depth)).transpose()
    }

    fn write(&mut self, w: &mut Writer, ty: &Type, depth: u32) -> Result<()> {
        match ty {
            Type::Bool => w.0.push(0),
            Type::S8 => w.0.push(1),
            Type::U8 => w.0.push(2),
            Type::S16 => w.0.push(3),
            Type::U16 => w.0.push(4),
            Type::S32 => w.0.push(5),
            Type::U32 => w.0.push(6),
            Type::S64 => w.0.push(7),
            Type::U64 => w.0.push(8),
            Type::Float32 => w.0.push(9),
            Type::Float64 => w.0.push(10),
            Type::Char => w.0.push(11),
            Type::String => w.0.push(12),
            Type::List(list) => {
                w.0.push(13);
                w.number(self.ty(&list.ty(), depth)?);
            }
            Type::Map(map) => {
                w.0.push(14);
                w.number(self.ty(&map.key(), depth)?);
                w.number(self.ty(&map.value(), depth)?);
            }
            Type::FixedLengthList(list) => {
                w.0.push(15);
                w.number(self.ty(&list.ty(), depth)?);
                w.number(list.len());
            }
            Type::Record(record) => {
                w.0.push(16);
                w.count(record.fields().len())?;
                for field in record.fields() {
                    w.str(field.name)?;
                    w.number(self.ty(&field.ty, depth)?);
                }
            }
            Type::Tuple(tuple) => {
                w.0.push(17);
                w.count(tuple.types().len())?;
                for ty in tuple.types() {
                    w.number(self.ty(&ty, depth)?);
                }
            }
            Type::Variant(variant) => {
                w.0.push(18);
                w.count(variant.cases().len())?;
                for case in variant.cases() {
                    w.str(case.name)?;
                    w.optional(self.optional(case.ty, depth)?);
                }
            }
            Type::Enum(names) => {
                w.0.push(19);
                w.count(names.names().len())?;
                names.names().try_for_each(|name| w.str(name))?;
            }
            Type::Option(option) => {
                w.0.push(20);
                w.number(self.ty(&option.ty(), depth)?);
            }
            Type::Result(result) => {
                w.0.push(21);
                w.optional(self.optional(result.ok(), depth)?);
                w.optional(self.optional(result.err(), depth)?);
            }
            Type::Flags(flags) => {
                w.0.push(22);
                w.count(flags.names().len())?;
                flags.names().try_for_each(|name| w.str(name))?;
            }
            Type::Own(resource) => {
                w.0.push(23);
                w.number(self.resource(resource, "")?);
            }
            Type::Borrow(resource) => {
                w.0.push(24);
                w.number(self.resource(resource, "")?);
            }
            Type::Future(future) => {
                w.0.push(25);
                w.optional(self.optional(future.ty(), depth)?);
            }
            Type::Stream(stream) => {
                w.0.push(26);
                w.optional(self.optional(stream.ty(), depth)?);
            }
            Type::ErrorContext => w.0.push(27),
        }
        Ok(())
    }
}

fn item(
    w: &mut Writer,
    types: &mut Types,
    engine: &Engine,
    name: &str,
    item: &ComponentItem,
    depth: u32,
) -> Result<()> {
    if depth > DEEPEST {
        return Err(unsupported("the component's instances are nested too deeply"));
    }
    match item {
        ComponentItem::ComponentFunc(func) => {
            w.0.push(0);
            write_func(w, types, func)?;
        }
        ComponentItem::ComponentInstance(instance) => {
            w.0.push(1);
            w.count(instance.exports(engine).len())?;
            for (name, export) in instance.exports(engine) {
                w.str(name)?;
                self::item(w, types, engine, name, &export.ty, depth + 1)?;
            }
        }
        ComponentItem::Component(_) => w.0.push(2),
        ComponentItem::Module(_) => w.0.push(3),
        ComponentItem::CoreFunc(_) => w.0.push(4),
        ComponentItem::Resource(resource) => {
            w.0.push(5);
            w.number(types.resource(resource, name)?);
        }
        ComponentItem::Type(ty) => {
            w.0.push(6);
            w.number(types.ty(ty, 0)?);
        }
    }
    Ok(())
}

fn write_func(w: &mut Writer, types: &mut Types, func: &ComponentFunc) -> Result<()> {
    w.0.push(func.async_().into());
    w.count(func.params().len())?;
    for (name, ty) in func.params() {
        w.str(name)?;
        w.number(types.ty(&ty, 0)?);
    }
    let mut results = func.results();
    w.optional(types.optional(results.next(), 0)?);
    match results.next() {
        None => Ok(()),
        Some(_) => Err(unsupported("a function has more than one result")),
    }
}

fn unsupported(message: &str) -> wasmtime::Error {
    ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_UNSUPPORTED, message)
}
