//! Components that use 64-bit memories.
//!
//! From component to component upstream passes values through such memories. Between a component and the host it does
//! not: there it takes each pointer for 32 bits, checks nothing, and goes on with nonsense. So what would cross there
//! is refused: a function of the component's when it is looked up, one of the host's when the component is linked.
//!
//! Which memories are meant, only the description tells that upstream keeps in compiled code. It is there whoever has
//! compiled the component. Nothing of this is done unless the engine allows 64-bit memories in components.

use super::plan::Plan;
use crate::error::{ExtError, wasmtime_error_code_t};
use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::{Arc, Weak};
use wasmtime::component::__internal::wasmtime_environ::component::{
    CanonicalOptions, Component as Description, ComponentArtifacts, Export, ExportIndex, ExportItem, ExtractMemory,
    GlobalInitializer, InstantiateModule, MAX_FLAT_PARAMS, MAX_FLAT_RESULTS, RuntimeImportIndex, TypeDef,
    TypeFuncIndex,
};
use wasmtime::component::__internal::wasmtime_environ::object::Endianness;
use wasmtime::component::__internal::wasmtime_environ::object::read::elf::ElfFile64;
use wasmtime::component::__internal::wasmtime_environ::object::read::{Object as _, ObjectSection as _};
use wasmtime::component::__internal::wasmtime_environ::wasmparser::WasmFeatures;
use wasmtime::component::__internal::wasmtime_environ::{EntityRef as _, EntityType, IndexType, WasmValType, obj};
use wasmtime::component::__internal::{ComponentTypes, InterfaceType};
use wasmtime::component::Component;
use wasmtime::{Engine, Error, Result};

/// Whether components may have 64-bit memories.
pub(super) fn allowed(engine: &Engine) -> bool {
    engine.get_wasm_features().contains(WasmFeatures::CM64)
}

/// Refuses a component that imports a function through a 64-bit memory.
pub(super) fn check_imports(component: &Component) -> Result<()> {
    if !allowed(component.engine()) {
        return Ok(());
    }
    match &Wide::of(component)?.import {
        Some(name) => Err(unsupported(&format!("`{name}` is imported with a 64-bit memory"))),
        None => Ok(()),
    }
}

/// Refuses an exported function whose values are in a 64-bit memory.
pub(super) fn check_export(component: &Component, export: u32) -> Result<()> {
    if allowed(component.engine()) && Wide::of(component)?.exports.contains(&ExportIndex::from_u32(export)) {
        return Err(unsupported("the function is exported with a 64-bit memory"));
    }
    Ok(())
}

/// Refuses a valid component with a resource that is represented by 64 bits: upstream's compiler panics at it. What is
/// broken is left to upstream, which says what is wrong.
#[cfg(any(feature = "cranelift", feature = "winch"))]
pub(super) fn check_resources(engine: &Engine, bytes: &[u8]) -> Result<()> {
    use wasmtime::component::__internal::wasmtime_environ::wasmparser::{
        ComponentType, Parser, Payload, ValType, Validator,
    };
    if !allowed(engine) {
        return Ok(());
    }
    let is_wide = |payload| match payload {
        Ok(Payload::ComponentTypeSection(types)) => {
            types.into_iter().any(|ty| matches!(ty, Ok(ComponentType::Resource { rep: ValType::I64, .. })))
        }
        _ => false,
    };
    let mut payloads = Parser::new(0).parse_all(bytes).take_while(Result::is_ok);
    let valid = || Validator::new_with_features(engine.get_wasm_features()).validate_all(bytes).is_ok();
    if payloads.any(is_wide) && valid() {
        return Err(unsupported("a resource is represented by 64 bits"));
    }
    Ok(())
}

/// What of a component cannot be used.
struct Wide {
    /// The functions that the host cannot call.
    exports: HashSet<ExportIndex>,
    /// A function that the host cannot define.
    import: Option<String>,
}

thread_local! {
    /// What was asked for last: whoever looks up one function of a component looks up others.
    static LAST: RefCell<Option<(Weak<ComponentTypes>, Arc<Wide>)>> = const { RefCell::new(None) };
}

impl Wide {
    fn of(component: &Component) -> Result<Arc<Wide>> {
        let ty = component.component_type();
        // They stay where they are as long as anybody has a weak reference to them, so no other component has them.
        let types = ty.instance_type().types;
        let known = LAST.with_borrow(|last| match last {
            Some((of, wide)) if of.as_ptr() == Arc::as_ptr(types) => Some(wide.clone()),
            _ => None,
        });
        if let Some(wide) = known {
            return Ok(wide);
        }
        let image = component.image_range();
        // SAFETY: the component's code stays as it is for as long as there is the component.
        let image = unsafe { std::slice::from_raw_parts(image.start, image.end.addr() - image.start.addr()) };
        let file = ElfFile64::<Endianness>::parse(image).map_err(broken)?;
        let section = file.section_by_name(obj::ELF_WASMTIME_INFO).ok_or_else(|| broken("it has no description"))?;
        let artifacts = postcard::from_bytes(section.data().map_err(broken)?).map_err(broken)?;
        let wide = Arc::new(Wide::new(&artifacts));
        LAST.set(Some((Arc::downgrade(types), wide.clone())));
        Ok(wide)
    }

    fn new(artifacts: &ComponentArtifacts) -> Wide {
        let (component, types) = (&artifacts.info.component, &artifacts.types);
        let mut modules = Vec::new();
        let mut memories = HashSet::new();
        let mut imports = Vec::new();
        for initializer in &component.initializers {
            match initializer {
                // Instances are numbered in the order in which they are made.
                GlobalInitializer::InstantiateModule(module, _) => modules.push(module),
                GlobalInitializer::ExtractMemory(memory) if is_wide(artifacts, &modules, memory) => {
                    memories.insert(memory.index);
                }
                GlobalInitializer::LowerImport { import, .. } => imports.push(*import),
                _ => {}
            }
        }
        let is_wide = |options: &CanonicalOptions| options.memory().is_some_and(|memory| memories.contains(&memory));
        let exports = component.export_items.iter().filter_map(|(index, export)| match export {
            Export::LiftedFunction { ty, options, .. } => {
                (is_wide(&component.options[*options]) && crosses(types, *ty)).then_some(index)
            }
            _ => None,
        });
        let wide: Vec<_> = component.options.values().filter(|options| is_wide(options)).collect();
        let import = imports.into_iter().find(|import| match item(component, types, *import) {
            Some(TypeDef::ComponentFunc(ty)) => wide.iter().any(|options| may_lower(types, ty, options)),
            // Nothing else is lowered.
            _ => !wide.is_empty(),
        });
        Wide { exports: exports.collect(), import: import.map(|import| name(component, import)) }
    }
}

/// Whether a memory is a 64-bit one. If that cannot be told, it is.
fn is_wide(artifacts: &ComponentArtifacts, modules: &[&InstantiateModule], memory: &ExtractMemory) -> bool {
    let ComponentArtifacts { info, types, static_modules, .. } = artifacts;
    let ty = match (modules.get(memory.export.instance.index()), &memory.export.item) {
        (Some(InstantiateModule::Static(module, _)), ExportItem::Index(memory)) => {
            static_modules[*module].module.memories.get(*memory)
        }
        (Some(InstantiateModule::Import(import, _)), ExportItem::Name(name)) => {
            match item(&info.component, types, *import) {
                Some(TypeDef::Module(module)) => match types[module].exports.get(name) {
                    Some(EntityType::Memory(memory)) => Some(memory),
                    _ => None,
                },
                _ => None,
            }
        }
        _ => None,
    };
    ty.is_none_or(|ty| ty.idx_type == IndexType::I64)
}

/// What is imported.
fn item(component: &Description, types: &ComponentTypes, import: RuntimeImportIndex) -> Option<TypeDef> {
    let (root, path) = &component.imports[import];
    path.iter().try_fold(component.import_types[*root].1.ty, |ty, name| match ty {
        TypeDef::ComponentInstance(instance) => types[instance].exports.get(name).map(|item| item.ty),
        _ => None,
    })
}

/// What it is called.
fn name(component: &Description, import: RuntimeImportIndex) -> String {
    let (root, path) = &component.imports[import];
    let root = &component.import_types[*root].0;
    [root].into_iter().chain(path).map(String::as_str).collect::<Vec<_>>().join("#")
}

/// Whether values of a function's are in the memory that it is lifted or lowered with, or pointers into that.
fn crosses(types: &ComponentTypes, func: TypeFuncIndex) -> bool {
    let params = types[func].params;
    let (flat_params, flat_results) = flat(types, func);
    flat_params.is_none()
        || flat_results.is_none()
        // One core value is no string and no list. What cannot be sent at all is refused one way or the other.
        || Plan::new(types, InterfaceType::Tuple(params)).map_or(true, |plan| plan.points())
}

/// How many core values the parameters and the results are; none if they are in memory.
fn flat(types: &ComponentTypes, func: TypeFuncIndex) -> (Option<usize>, Option<usize>) {
    let func = &types[func];
    let (params, results) = (&types[func.params].abi, &types[func.results].abi);
    (params.flat_count(MAX_FLAT_PARAMS), results.flat_count(MAX_FLAT_RESULTS))
}

/// Whether a function may be lowered with these options, and has values in their memory: the description does not say
/// which options an import has. But it says what the core function is that comes of them, which has as many values as
/// the type, and a pointer among them. With the async ABI, results are always in memory.
fn may_lower(types: &ComponentTypes, func: TypeFuncIndex, options: &CanonicalOptions) -> bool {
    let core = types[options.core_type].unwrap_func();
    let (params, results) = flat(types, func);
    // A pointer to the results is one more parameter.
    let count = params.unwrap_or(1) + usize::from(results.is_none());
    let alike = core.params().len() == count && core.results().len() == results.unwrap_or(0);
    options.async_ || alike && core.params().contains(&WasmValType::I64) && crosses(types, func)
}

fn unsupported(what: &str) -> Error {
    let message = format!("{what}, which is not supported yet");
    ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_UNSUPPORTED, message)
}

fn broken(why: impl std::fmt::Display) -> Error {
    Error::msg(format!("compiled code that cannot be read: {why}"))
}
