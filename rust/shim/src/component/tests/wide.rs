//! Components with 64-bit memories: among themselves they pass everything, with the host what is in no memory.

use super::echo::MEMORY;
use super::*;
use wasmtime_c_api::wasm_byte_vec_t;
use wasmtime_error_code_t::{WASMTIME_ERROR_OTHER, WASMTIME_ERROR_UNSUPPORTED};

fn wide() -> Host {
    Host::with(|config| {
        config.concurrency_support(false).wasm_memory64(true).wasm_component_model_memory64(true);
    })
}

/// The same as [`MEMORY`] with 64 bits, and with names of its own; its allocator never resets.
const MEMORY64: &str = r#"
  (core module $allocator64
    (memory (export "memory") i64 4)
    (global $next (mut i64) (i64.const 131072))
    (func (export "realloc") (param i64 i64 i64 i64) (result i64)
      (global.get $next)
      (global.set $next (i64.and (i64.add (i64.add (global.get $next) (local.get 3)) (i64.const 15)) (i64.const -16)))))
  (core instance $a64 (instantiate $allocator64))
  (alias core export $a64 "memory" (core memory $memory64))
  (alias core export $a64 "realloc" (core func $realloc64))"#;

/// A type that has the same core values with each size of pointers: those of numbers hide those of the string.
const HIDING: &str = r#"(variant (case "numbers" (tuple u64 u64)) (case "text" string))"#;

/// A component that exports `f` with each memory, as `narrow` and as `wide`. `core` and `core64` are the core types.
fn lifted(ty: &str, core: &str, core64: &str) -> String {
    format!(
        r#"(component
          (type $v' {HIDING}) (export $v "v" (type $v'))
          {MEMORY} {MEMORY64}
          (core module $m
            (func (export "narrow") {core} (unreachable))
            (func (export "wide") {core64} (unreachable)))
          (core instance $i (instantiate $m))
          (func (export "narrow") {ty}
            (canon lift (core func $i "narrow") (memory $memory) (realloc $realloc)))
          (func (export "wide") {ty}
            (canon lift (core func $i "wide") (memory $memory64) (realloc $realloc64))))"#
    )
}

#[test]
fn exports_with_values_in_a_wide_memory_are_refused() {
    let host = wide();
    let seventeen: String = (0..17).map(|i| format!("(param \"p{i}\" u8) ")).collect();
    let wide = [
        (r#"(param "a" string)"#, "(param i32 i32)", "(param i64 i64)"),
        (r#"(param "a" (list u8))"#, "(param i32 i32)", "(param i64 i64)"),
        (r#"(param "a" (map u8 u8))"#, "(param i32 i32)", "(param i64 i64)"),
        (r#"(result string)"#, "(result i32)", "(result i64)"),
        (r#"(result (tuple u8 u8))"#, "(result i32)", "(result i64)"),
        (&seventeen, "(param i32)", "(param i64)"),
        (r#"(param "a" $v)"#, "(param i32 i64 i64)", "(param i32 i64 i64)"),
    ];
    for (ty, core, core64) in wide {
        let instance = host.instantiate(&lifted(ty, core, core64)).unwrap();
        assert!(host.find(&instance, &["narrow"]).unwrap().is_some(), "{ty}");
        assert_eq!(code(host.find(&instance, &["wide"]).map(drop)), Some(WASMTIME_ERROR_UNSUPPORTED), "{ty}");
    }
    // Numbers are in no memory.
    let numbers = lifted(r#"(param "a" u64) (result u32)"#, "(param i64) (result i32)", "(param i64) (result i32)");
    let numbers = numbers.replace("(unreachable)", "(i32.wrap_i64 (local.get 0))");
    let instance = host.instantiate(&numbers).unwrap();
    for name in ["narrow", "wide"] {
        assert_eq!(host.call(&host.func(&instance, &[name]), &7_u64.to_le_bytes()).unwrap(), 7_u32.to_le_bytes());
    }
}

/// A component that imports `h#f` and uses it with one memory.
fn lowered(ty: &str, core: &str, options: &str) -> String {
    format!(
        r#"(component
          (type $v' {HIDING}) (import "v" (type $v (eq $v')))
          (import "h" (instance $h (export "f" (func {ty}))))
          {MEMORY} {MEMORY64}
          (core func $f (canon lower (func $h "f") {options}))
          (core module $m (import "" "f" (func {core})))
          (core instance (instantiate $m (with "" (instance (export "f" (func $f)))))))"#
    )
}

#[test]
fn imports_with_values_in_a_wide_memory_are_refused() {
    let mut host = wide();
    host.define(&["h", "f"], |_| panic!("it is never called"));
    let seventeen: String = (0..17).map(|i| format!("(param \"p{i}\" u8) ")).collect();
    let wide = [
        (r#"(param "a" string)"#, "(param i32 i32)", "(param i64 i64)"),
        (r#"(param "a" u8) (result (list u8))"#, "(param i32 i32)", "(param i32 i64)"),
        (&seventeen, "(param i32)", "(param i64)"),
    ];
    for (ty, core, core64) in wide {
        let narrow = lowered(ty, core, "(memory $memory) (realloc $realloc)");
        host.instantiate(&narrow).unwrap();
        let refused = host.instantiate(&lowered(ty, core64, "(memory $memory64) (realloc $realloc64)")).unwrap_err();
        assert_eq!(refused.0, Some(WASMTIME_ERROR_UNSUPPORTED), "{ty}");
        assert!(refused.1.contains("`h#f`"), "{}", refused.1);
    }
    let numbers = lowered(r#"(param "a" u64) (result u32)"#, "(param i64) (result i32)", "(memory $memory64)");
    host.instantiate(&numbers).unwrap();
    let hiding = r#"(component
      (type $v' VARIANT) (import "v" (type $v (eq $v')))
      (import "g" (func $g (param "a" $v)))
      MEMORY64
      (core func $f (canon lower (func $g) (memory $memory64)))
      (core module $m (import "" "f" (func (param i32 i64 i64))))
      (core instance (instantiate $m (with "" (instance (export "f" (func $f)))))))"#;
    host.define(&["g"], |_| panic!("it is never called"));
    let hiding = hiding.replace("VARIANT", HIDING).replace("MEMORY64", MEMORY64);
    assert_eq!(code(host.instantiate(&hiding).map(drop)), Some(WASMTIME_ERROR_UNSUPPORTED));
}

/// A component whose `echo` goes through one of another that has a 64-bit memory.
fn through() -> String {
    format!(
        r#"(component
          (component $inner
            {MEMORY64}
            (core module $m (import "" "memory" (memory i64 1))
              (func (export "echo") (param i64 i64) (result i64)
                (i64.store (i64.const 16) (local.get 0)) (i64.store (i64.const 24) (local.get 1)) (i64.const 16)))
            (core instance $i (instantiate $m (with "" (instance (export "memory" (memory $memory64))))))
            (func (export "echo") (param "a" (list string)) (result (list string))
              (canon lift (core func $i "echo") (memory $memory64) (realloc $realloc64))))
          (component $outer
            (import "echo" (func $inner (param "a" (list string)) (result (list string))))
            {MEMORY}
            (core func $echo (canon lower (func $inner) (memory $memory) (realloc $realloc)))
            (core module $m (import "" "echo" (func $echo (param i32 i32 i32)))
              (func (export "echo") (param i32 i32) (result i32)
                (call $echo (local.get 0) (local.get 1) (i32.const 64)) (i32.const 64)))
            (core instance $i (instantiate $m (with "" (instance (export "echo" (func $echo))))))
            (func (export "echo") (param "a" (list string)) (result (list string))
              (canon lift (core func $i "echo") (memory $memory) (realloc $realloc))))
          (instance $inner (instantiate $inner))
          (instance $outer (instantiate $outer (with "echo" (func $inner "echo"))))
          (export "outer" (instance $outer))
          (export "inner" (instance $inner)))"#
    )
}

#[test]
fn components_pass_values_through_wide_memories() {
    let host = wide();
    let instance = host.instantiate(&through()).unwrap();
    let mut message = Vec::new();
    // A list of two strings at 8: "wide" at 24, "memory" at 28.
    for word in [8_u32, 2, 24, 4, 28, 6] {
        message.extend(word.to_le_bytes());
    }
    message.extend(b"widememory");
    assert_eq!(host.call(&host.func(&instance, &["outer", "echo"]), &message).unwrap(), message);
    assert_eq!(code(host.find(&instance, &["inner", "echo"]).map(drop)), Some(WASMTIME_ERROR_UNSUPPORTED));
}

#[test]
fn compiled_components_are_refused_too() {
    let text = lifted(r#"(param "a" string)"#, "(param i32 i32)", "(param i64 i64)");
    let host = wide();
    let mut compiled = wasm_byte_vec_t::from(Vec::new());
    assert!(wasmtime_binding_component_serialize(&host.compile(&text).unwrap(), &mut compiled).is_none());
    let host = wide();
    let mut component = ptr::null_mut();
    let bytes = compiled.as_slice();
    // SAFETY: the bytes come from `serialize`.
    let component = unsafe {
        let engine = host.engine();
        failed(wasmtime_binding_component_deserialize(engine, bytes.as_ptr(), bytes.len(), &mut component)).unwrap();
        Box::from_raw(component)
    };
    let instance = host.instance(&host.link(&component).unwrap()).unwrap();
    assert_eq!(code(host.find(&instance, &["wide"]).map(drop)), Some(WASMTIME_ERROR_UNSUPPORTED));
    assert!(host.find(&instance, &["narrow"]).unwrap().is_some());
}

#[test]
fn memories_of_imported_modules_are_told_apart() {
    let mut host = wide();
    for (name, ty) in [("narrow", ""), ("wide", "i64")] {
        let module = format!(r#"(module (memory (export "memory") {ty} 1))"#);
        let module = wasmtime::Module::new(cast::engine(host.engine()), module).unwrap();
        let path = path_bytes(&["modules", name]);
        let module = cast::wrap_module(module);
        // SAFETY: the path is valid.
        let defined = unsafe {
            wasmtime_binding_component_linker_define_module(&mut host.linker, path.as_ptr(), path.len(), &module)
        };
        failed(defined).unwrap();
    }
    let text = r#"(component
      (import "modules" (instance $modules
        (export "narrow" (core module (export "memory" (memory 1))))
        (export "wide" (core module (export "memory" (memory i64 1))))))
      (alias export $modules "narrow" (core module $narrow))
      (alias export $modules "wide" (core module $wide))
      (core instance $narrow (instantiate $narrow))
      (core instance $wide (instantiate $wide))
      (core module $m
        (func (export "narrow") (result i32) (unreachable))
        (func (export "wide") (result i64) (unreachable)))
      (core instance $i (instantiate $m))
      (func (export "narrow") (result string)
        (canon lift (core func $i "narrow") (memory (core memory $narrow "memory"))))
      (func (export "wide") (result string)
        (canon lift (core func $i "wide") (memory (core memory $wide "memory")))))"#;
    let instance = host.instantiate(text).unwrap();
    assert!(host.find(&instance, &["narrow"]).unwrap().is_some());
    assert_eq!(code(host.find(&instance, &["wide"]).map(drop)), Some(WASMTIME_ERROR_UNSUPPORTED));
}

#[test]
fn wide_resources_are_refused() {
    let text = r#"(component
      (component $inner
        (type $r (resource (rep i64)))
        (core func $new (canon resource.new $r))
        (core module $m (import "" "new" (func (param i64) (result i32))))
        (core instance (instantiate $m (with "" (instance (export "new" (func $new)))))))
      (instance (instantiate $inner)))"#;
    assert_eq!(code(wide().compile(text).map(drop)), Some(WASMTIME_ERROR_UNSUPPORTED));
    // What is not valid is told in upstream's words.
    let broken = r#"(component
      (core module $m (func (export "dtor") (param i32)))
      (core instance $m (instantiate $m))
      (type $r (resource (rep i64) (dtor (core func $m "dtor")))))"#;
    let (broken, message) = wide().compile(broken).map(drop).unwrap_err();
    assert_eq!(broken, Some(WASMTIME_ERROR_OTHER));
    assert!(message.contains("wrong signature for a destructor"), "{message}");
}

#[test]
fn without_the_setting_nothing_is_wide() {
    let text = lifted(r#"(param "a" string)"#, "(param i32 i32)", "(param i64 i64)");
    let (code, message) = Host::new().compile(&text).map(drop).unwrap_err();
    assert_eq!(code, Some(WASMTIME_ERROR_OTHER));
    assert!(message.contains("64-bit memories require"), "{message}");
}
