//! Components from bytes, and what is none.

use super::*;
use std::ffi::CString;
use wasmtime_c_api::wasm_byte_vec_t;
use wasmtime_error_code_t::{WASMTIME_ERROR_NOT_COMPONENT, WASMTIME_ERROR_OTHER};

#[test]
fn modules_are_told_apart() {
    let host = Host::new();
    let module = wat::parse_str("(module)").unwrap();
    let mut compiled = wasm_byte_vec_t::from(Vec::new());
    let engine = host.engine();
    // SAFETY: all pointers are valid.
    unsafe {
        assert_eq!(code(host.compile("(module)").map(drop)), Some(WASMTIME_ERROR_NOT_COMPONENT));
        assert_eq!(code(host.compile("(component").map(drop)), Some(WASMTIME_ERROR_OTHER));
        let mut none = ptr::null_mut();
        let error = wasmtime_binding_component_new(engine, module.as_ptr(), module.len(), &mut none);
        assert_eq!(code(failed(error)), Some(WASMTIME_ERROR_NOT_COMPONENT));

        let artifact = wasmtime::Module::new(cast::engine(engine), &module).unwrap().serialize().unwrap();
        let error = wasmtime_binding_component_deserialize(engine, artifact.as_ptr(), artifact.len(), &mut none);
        assert_eq!(code(failed(error)), Some(WASMTIME_ERROR_NOT_COMPONENT));
        let path = std::env::temp_dir().join(format!("wasmtime-ext-{}.cwasm", std::process::id()));
        std::fs::write(&path, &artifact).unwrap();
        let name = CString::new(path.to_str().unwrap()).unwrap();
        let error = wasmtime_binding_component_deserialize_file(engine, name.as_ptr(), &mut none);
        assert_eq!(code(failed(error)), Some(WASMTIME_ERROR_NOT_COMPONENT));

        let component = host.compile("(component)").unwrap();
        assert!(wasmtime_binding_component_serialize(&component, &mut compiled).is_none());
        let bytes = compiled.as_slice();
        std::fs::write(&path, bytes).unwrap();
        let mut made = [ptr::null_mut(), ptr::null_mut()];
        failed(wasmtime_binding_component_deserialize(engine, bytes.as_ptr(), bytes.len(), &mut made[0])).unwrap();
        failed(wasmtime_binding_component_deserialize_file(engine, name.as_ptr(), &mut made[1])).unwrap();
        made.into_iter().for_each(|component| drop(Box::from_raw(component)));
        std::fs::remove_file(path).unwrap();
        assert!(none.is_null());
    }
}

#[test]
fn what_a_component_requires() {
    let host = Host::new();
    let required = |wat: &str| {
        let component = host.compile(wat).unwrap();
        let mut required = wasmtime_binding_component_required_t {
            known: false,
            memories: 9,
            tables: 9,
            memory_size: 9,
            table_size: 9,
        };
        failed(wasmtime_binding_component_resources_required(&component, &mut required)).unwrap();
        (required.known, required.memories, required.tables, required.memory_size, required.table_size)
    };
    assert_eq!(required("(component)"), (true, 0, 0, 0, 0));
    let two = "(component (core module $m (memory 3) (table 5 funcref)) (core instance (instantiate $m)) \
               (core instance (instantiate $m)))";
    assert_eq!(required(two), (true, 2, 2, 3, 5));
    let imported = r#"(component (import "m" (core module $m)) (core instance (instantiate $m)))"#;
    assert_eq!(required(imported), (false, 0, 0, 0, 0));
}

/// Core modules and unknown imports.
#[test]
fn other_definitions() {
    let mut host = Host::new();
    let engine = cast::engine(host.engine()).clone();
    let module = cast::wrap_module(wasmtime::Module::new(&engine, r#"(module (func (export "f")))"#).unwrap());
    let path = path_bytes(&["m"]);
    // SAFETY: the path is valid.
    failed(unsafe {
        wasmtime_binding_component_linker_define_module(&mut host.linker, path.as_ptr(), path.len(), &module)
    })
    .unwrap();
    let wat = r#"(component
      (import "m" (core module $m (export "f" (func))))
      (import "n" (instance $n (export "g" (func))))
      (core instance $i (instantiate $m))
      (func (export "f") (canon lift (core func $i "f")))
      (core func $g (canon lower (func $n "g")))
      (core module $k (import "" "g" (func $g)) (func (export "g") (call $g)))
      (core instance $j (instantiate $k (with "" (instance (export "g" (func $g))))))
      (func (export "g") (canon lift (core func $j "g"))))"#;
    assert!(host.instantiate(wat).is_err());
    let component = host.compile(wat).unwrap();
    failed(wasmtime_binding_component_linker_define_unknown_as_traps(&mut host.linker, &component)).unwrap();
    let instance = host.instantiate(wat).unwrap();
    host.call(&host.func(&instance, &["f"]), &[]).unwrap();
    let (_, text) = host.call(&host.func(&instance, &["g"]), &[]).unwrap_err();
    assert!(text.contains("n#g"), "{text}");
}
