//! Tests of WASI 0.2 that need no binding: the types of all functions, and a component that greets.

use super::*;
use crate::cast;
use crate::component::{wasmtime_binding_component_instantiate, wasmtime_binding_component_linker_instantiate_pre};
use crate::engine::{wasmtime_binding_engine_new, wasmtime_binding_engine_t};
use crate::error::code_of;
use crate::store::{
    wasmtime_binding_store_delete, wasmtime_binding_store_make, wasmtime_binding_store_new, wasmtime_binding_store_t,
};
use crate::wasi::{
    WASMTIME_WASI_STDIO_FILE, wasmtime_binding_store_set_wasi, wasmtime_binding_stream_request_t,
    wasmtime_wasi_options_t,
};
use std::collections::BTreeSet;
use std::mem;
use std::path::PathBuf;
use std::process::Command;
use std::ptr;
use wasmtime::component::{Component, types::ComponentItem};
use wasmtime::{Config, Engine};
use wasmtime_c_api::{
    wasm_config_t, wasm_engine_t, wasmtime_component_linker_new, wasmtime_component_linker_t, wasmtime_component_t,
    wasmtime_error_t,
};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

fn ok(error: Option<Box<wasmtime_error_t>>) {
    if let Some(error) = error {
        panic!("{:#}", cast::error(&error));
    }
}

fn path_bytes(names: &[&str]) -> Vec<u8> {
    names.iter().flat_map(|name| (name.len() as u32).to_le_bytes().into_iter().chain(name.bytes())).collect()
}

/// Where the sources of a crate are.
fn crate_dir(name: &str) -> PathBuf {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata = String::from_utf8(metadata.stdout).unwrap();
    let manifests = metadata.split("\"manifest_path\":\"").skip(1).filter_map(|rest| rest.split('"').next());
    let found = manifests.map(PathBuf::from).find(|path| {
        let dir = path.parent().and_then(|dir| dir.file_name()).unwrap_or_default().to_string_lossy();
        dir.strip_prefix(name).is_some_and(|rest| rest.starts_with("-48."))
    });
    found.unwrap().parent().unwrap().to_owned()
}

/// A linker with what a component imports of WASI, and the items that were defined.
fn linker_for(engine: &wasm_engine_t, component: &Component) -> (Box<wasmtime_component_linker_t>, BTreeSet<String>) {
    let mut linker = wasmtime_component_linker_new(engine);
    let engine: &Engine = cast::engine(engine);
    let mut defined = BTreeSet::new();
    for (interface, import) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(instance) = import.ty else { continue };
        for (item, export) in instance.exports(engine) {
            if !matches!(export.ty, ComponentItem::ComponentFunc(_) | ComponentItem::Resource(_)) {
                continue;
            }
            let (path, mut found) = (path_bytes(&[interface, item]), false);
            // SAFETY: the path is valid.
            ok(unsafe {
                wasmtime_binding_component_linker_define_wasi(&mut linker, path.as_ptr(), path.len(), &mut found)
            });
            if found {
                defined.insert(format!("{} {item}", interface.split('@').next().unwrap()));
            }
        }
    }
    (linker, defined)
}

/// Compiles without optimising, which is quick.
fn engine() -> *mut wasmtime_binding_engine_t {
    let mut config = Config::new();
    config.concurrency_support(false).cranelift_opt_level(wasmtime::OptLevel::None);
    // SAFETY: the wrapper is its only field, as `cast.rs` says.
    let config = unsafe { mem::transmute::<Config, wasm_config_t>(config) };
    let mut engine = ptr::null_mut();
    // SAFETY: all is valid.
    ok(unsafe { wasmtime_binding_engine_new(Some(Box::new(config)), &mut engine) });
    engine
}

/// Every interface has the functions and resources that the crate's own WIT says, with its types: a component for each
/// world that imports all of it is linked.
#[test]
fn has_the_types_of_the_worlds() {
    let mut resolve = Resolve::default();
    resolve.features.insert("network-error-code".to_owned());
    resolve.features.insert("cli-exit-with-code".to_owned());
    resolve.push_dir(crate_dir("wasmtime-wasi").join("src/p2/wit")).unwrap();
    let engine = engine();
    // SAFETY: it is this test's own.
    let wrapped = unsafe { &(*engine).engine };
    let (mut all, mut worlds) = (BTreeSet::new(), Vec::new());
    for (id, world) in resolve.worlds.iter().filter(|(_, world)| world.name == "imports") {
        let package = &resolve.packages[world.package.unwrap()].name.name;
        let abi = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);
        let mut module = dummy_module(&resolve, id, abi);
        embed_component_metadata(&mut module, &resolve, id, StringEncoding::UTF8).unwrap();
        let bytes = ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap();
        let component = Component::from_binary(cast::engine(wrapped), &bytes).unwrap();
        let (linker, defined) = linker_for(wrapped, &component);
        let mut pre = ptr::null_mut();
        // SAFETY: the component's wrapper has it as its only field.
        let component = unsafe { mem::transmute::<Component, wasmtime_component_t>(component) };
        ok(wasmtime_binding_component_linker_instantiate_pre(&linker, &component, &mut pre));
        // SAFETY: it was just made.
        drop(unsafe { Box::from_raw(pre) });
        println!("{package}: {} items", defined.len());
        worlds.push(package.clone());
        all.extend(defined);
    }
    worlds.sort();
    assert_eq!(worlds, ["cli", "clocks", "filesystem", "io", "random", "sockets"]);
    let have: BTreeSet<_> = linker::INTERFACES
        .iter()
        .flat_map(|(interface, items)| items.iter().map(move |(item, _)| format!("{interface} {item}")))
        .collect();
    assert_eq!(all, have);
    // SAFETY: nobody uses it any more.
    drop(unsafe { Box::from_raw(engine) });
}

/// Writes through a stream that waits, and ends with a status.
const GREETER: &str = r#"(component
    (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
    (alias export $error "error" (type $error))
    (import "wasi:io/streams@0.2.0" (instance $streams
        (export "output-stream" (type $out (sub resource)))
        (alias outer 1 $error (type $e'))
        (export "error" (type $e (eq $e')))
        (type $failure' (variant (case "last-operation-failed" (own $e)) (case "closed")))
        (export "stream-error" (type $failure (eq $failure')))
        (export "[method]output-stream.blocking-write-and-flush"
            (func (param "self" (borrow $out)) (param "contents" (list u8)) (result (result (error $failure)))))))
    (alias export $streams "output-stream" (type $out))
    (import "wasi:cli/stdout@0.2.3" (instance $stdout
        (alias outer 1 $out (type $o'))
        (export "output-stream" (type $o (eq $o')))
        (export "get-stdout" (func (result (own $o))))))
    (import "wasi:cli/exit@0.2.0" (instance $exit (export "exit" (func (param "status" (result))))))
    (core module $memory (memory (export "memory") 1) (data (i32.const 64) "hello\n"))
    (core instance $i (instantiate $memory))
    (alias core export $i "memory" (core memory $m))
    (core func $get (canon lower (func $stdout "get-stdout")))
    (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory $m)))
    (core func $exit (canon lower (func $exit "exit")))
    (core module $main
        (import "" "get" (func $get (result i32)))
        (import "" "write" (func $write (param i32 i32 i32 i32)))
        (import "" "exit" (func $exit (param i32)))
        (func $start
            (call $write (call $get) (i32.const 64) (i32.const 6) (i32.const 0))
            (call $exit (i32.const 1)))
        (start $start))
    (core instance (instantiate $main (with "" (instance
        (export "get" (func $get)) (export "write" (func $write)) (export "exit" (func $exit)))))))"#;

extern "C" fn no_streams(_: *mut wasmtime_binding_stream_request_t) {
    unreachable!("there are no streams");
}

/// A store with a component, whose start function has run: what came of that.
fn greet(engine: *mut wasmtime_binding_engine_t, options: Option<&wasmtime_wasi_options_t>) -> wasmtime::Error {
    // SAFETY: all pointers are valid, and everything is this test's own.
    unsafe {
        let wrapped = &(*engine).engine;
        let component = Component::new(cast::engine(wrapped), GREETER).unwrap();
        let (linker, defined) = linker_for(wrapped, &component);
        assert_eq!(defined.len(), 5);
        let component = mem::transmute::<Component, wasmtime_component_t>(component);
        let mut pre = ptr::null_mut();
        ok(wasmtime_binding_component_linker_instantiate_pre(&linker, &component, &mut pre));
        let store: *mut wasmtime_binding_store_t = wasmtime_binding_store_new();
        let mut epoch = 0_u64;
        ((*store).setup.engine, (*store).setup.memory_epoch) = (engine, &raw mut epoch);
        ok(wasmtime_binding_store_make(store));
        if let Some(options) = options {
            ok(wasmtime_binding_store_set_wasi(store, options, no_streams));
        }
        wasmtime_binding_component_instantiate(&*pre, &raw mut (*store).call);
        let call = &mut (*store).call;
        let error = match (call.error.is_null(), call.trap.is_null()) {
            (false, _) => (*Box::from_raw(call.error)).into(),
            (_, false) => cast::unwrap_trap(*Box::from_raw(call.trap)),
            _ => panic!("the component did not exit"),
        };
        drop(Box::from_raw(pre));
        wasmtime_binding_store_delete(store);
        error
    }
}

#[test]
#[cfg(unix)]
fn greets_and_exits() {
    use std::io::{Read, Seek};
    use std::os::fd::AsRawFd;
    let engine = engine();
    let path = std::env::temp_dir().join(format!("gowasmtime-p2-{}", std::process::id()));
    let mut file = std::fs::File::options().read(true).write(true).create_new(true).open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    // SAFETY: all zero is a valid one.
    let mut options: wasmtime_wasi_options_t = unsafe { mem::zeroed() };
    options.stdout_stream.kind = WASMTIME_WASI_STDIO_FILE;
    options.stdout_stream.host_fd = ptr::without_provenance_mut(file.as_raw_fd() as usize);
    let error = greet(engine, Some(&options));
    assert_eq!(error.downcast_ref::<wasmtime_wasi::I32Exit>().map(|exit| exit.0), Some(1), "{error:#}");
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello\n");

    let error = greet(engine, None);
    assert_eq!(code_of(&error), crate::error::wasmtime_error_code_t::WASMTIME_ERROR_NO_WASI, "{error:#}");
    // SAFETY: nobody uses it any more.
    drop(unsafe { Box::from_raw(engine) });
}
