//! Resources: those of guests, and those of the host.

use super::*;
use std::rc::Rc;
use wasmtime_error_code_t::{
    WASMTIME_ERROR_BAD_ARGUMENT, WASMTIME_ERROR_BAD_HANDLE, WASMTIME_ERROR_COMPONENT_UNUSABLE,
    WASMTIME_ERROR_HANDLE_LIMIT,
};

/// A guest with a resource, `thing`, and one of the host's, `hres`. `log` is called with what is destroyed.
const GUEST: &str = r#"(component
  (import "log" (func $log (param "rep" u32)))
  (import "hres" (type $hres (sub resource)))
  (import "make" (func $make (param "n" u32) (result (own $hres))))
  (import "peek" (func $peek (param "r" (borrow $hres)) (result u32)))
  (core func $log-l (canon lower (func $log)))
  (core func $make-l (canon lower (func $make)))
  (core func $peek-l (canon lower (func $peek)))
  (core func $hdrop (canon resource.drop $hres))
  (core module $dm (import "" "log" (func $log (param i32)))
    (func (export "dtor") (param i32)
      (if (i32.eq (local.get 0) (i32.const 666)) (then (unreachable)))
      (call $log (local.get 0))))
  (core instance $di (instantiate $dm (with "" (instance (export "log" (func $log-l))))))
  (type $thing' (resource (rep i32) (dtor (core func $di "dtor"))))
  (export $thing "thing" (type $thing'))
  (core func $new (canon resource.new $thing'))
  (core func $drop (canon resource.drop $thing'))
  (core module $m
    (import "" "new" (func $new (param i32) (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (import "" "make" (func $make (param i32) (result i32)))
    (import "" "peek" (func $peek (param i32) (result i32)))
    (import "" "hdrop" (func $hdrop (param i32)))
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
    (func (export "get") (param i32) (result i32) (local.get 0))
    (func (export "two") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "take") (param i32) (call $drop (local.get 0)))
    (func (export "again") (param i32) (result i32) (call $drop (local.get 0)) (call $new (i32.const 99)))
    (func (export "many") (param i32) (result i32) (local $i i32)
      (i32.store (i32.const 16) (i32.const 4096)) (i32.store (i32.const 20) (local.get 0))
      (block $done (loop $l
        (br_if $done (i32.eq (local.get $i) (local.get 0)))
        (i32.store (i32.add (i32.const 4096) (i32.mul (local.get $i) (i32.const 4))) (call $new (local.get $i)))
        (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $l)))
      (i32.const 16))
    (func (export "use-host") (param i32) (result i32) (local $h i32) (local $r i32)
      (local.set $h (call $make (local.get 0)))
      (local.set $r (call $peek (local.get $h)))
      (call $hdrop (local.get $h)) (local.get $r))
    (func (export "give-host") (param i32) (result i32) (call $make (local.get 0)))
    (func (export "take-host") (param i32) (call $hdrop (local.get 0)))
    (func (export "lend-host") (param i32) (result i32) (local $r i32)
      (local.set $r (call $peek (local.get 0))) (call $hdrop (local.get 0)) (local.get $r))
    (func (export "keep-host") (param i32)))
  (core instance $i (instantiate $m (with "" (instance
    (export "new" (func $new)) (export "drop" (func $drop)) (export "make" (func $make-l))
    (export "peek" (func $peek-l)) (export "hdrop" (func $hdrop))))))
  (func (export "make") (param "n" u32) (result (own $thing)) (canon lift (core func $i "make")))
  (func (export "get") (param "t" (borrow $thing)) (result u32) (canon lift (core func $i "get")))
  (func (export "two") (param "a" (borrow $thing)) (param "b" (borrow $thing)) (result u32)
    (canon lift (core func $i "two")))
  (func (export "take") (param "t" (own $thing)) (canon lift (core func $i "take")))
  (func (export "again") (param "t" (own $thing)) (result (own $thing)) (canon lift (core func $i "again")))
  (func (export "mixed") (param "a" (own $thing)) (param "b" (borrow $thing)) (result u32)
    (canon lift (core func $i "two")))
  (func (export "both") (param "a" (own $thing)) (param "b" (own $thing)) (result u32)
    (canon lift (core func $i "two")))
  (func (export "all") (param "ts" (list (own $thing))) (result u32)
    (canon lift (core func $i "two") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
  (func (export "many") (param "n" u32) (result (list (own $thing)))
    (canon lift (core func $i "many") (memory (core memory $i "memory"))))
  (func (export "use-host") (param "n" u32) (result u32) (canon lift (core func $i "use-host")))
  (func (export "give-host") (param "n" u32) (result (own $hres)) (canon lift (core func $i "give-host")))
  (func (export "take-host") (param "h" (own $hres)) (canon lift (core func $i "take-host")))
  (func (export "lend-host") (param "h" (borrow $hres)) (result u32) (canon lift (core func $i "lend-host")))
  (func (export "keep-host") (param "h" (borrow $hres)) (canon lift (core func $i "keep-host"))))"#;

/// What has happened, in turn.
type Log = Rc<RefCell<Vec<(&'static str, u32)>>>;

fn word(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes[..4].try_into().unwrap())
}

fn host() -> (Host, Log) {
    let log = Log::default();
    let mut host = Host::new();
    for (name, entry) in [("log", "destroyed"), ("make", "made"), ("peek", "peeked")] {
        let log = log.clone();
        host.define(&[name], move |served| {
            let given = word(served.message());
            log.borrow_mut().push((entry, given));
            Ok(match name {
                "log" => Vec::new(),
                "make" => (given + 1000).to_le_bytes().to_vec(),
                _ => (given * 2).to_le_bytes().to_vec(),
            })
        });
    }
    let dropped = log.clone();
    host.define_resource(&["hres"], 7, move |number| dropped.borrow_mut().push(("dropped", number)));
    (host, log)
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[test]
fn resources_of_guests() {
    let (host, log) = host();
    let instance = host.instantiate(GUEST).unwrap();
    let f = |name: &str| host.func(&instance, &[name]);
    let make = |n: u32| word(&host.call(&f("make"), &words(&[n])).unwrap());

    let (a, b) = (make(10), make(20));
    assert!(a != 0 && b != 0 && a != b);
    assert_eq!(host.handles(), (2, 65_536));
    assert_eq!(host.call(&f("get"), &words(&[a])).unwrap(), words(&[10]));
    assert_eq!(host.call(&f("two"), &words(&[a, a])).unwrap(), words(&[20]));
    assert_eq!(host.call(&f("two"), &words(&[a, b])).unwrap(), words(&[30]));

    // Nothing changes when a message is refused.
    for (name, message) in [
        ("get", vec![0]),
        ("get", vec![u32::MAX]),
        ("get", vec![a + (1 << 20)]),
        ("take", vec![5]),
        ("mixed", vec![a, a]),
        ("both", vec![a, a]),
        ("both", vec![a, 0]),
        ("all", vec![8, 3, a, b, a]),
    ] {
        assert_eq!(code(host.call(&f(name), &words(&message))), Some(WASMTIME_ERROR_BAD_HANDLE), "{name} {message:?}");
        assert_eq!(host.handles().0, 2);
    }

    // Given away, dropped, and stale afterwards.
    host.call(&f("take"), &words(&[a])).unwrap();
    assert_eq!(log.take(), [("destroyed", 10)]);
    assert_eq!(host.handles().0, 1);
    assert_eq!(code(host.call(&f("get"), &words(&[a]))), Some(WASMTIME_ERROR_BAD_HANDLE));
    host.drop_handle(b).unwrap();
    assert_eq!(log.take(), [("destroyed", 20)]);
    assert_eq!(code(host.drop_handle(b)), Some(WASMTIME_ERROR_BAD_HANDLE));
    assert_eq!(host.handles().0, 0);

    // Stale handles stay so although their place is used again.
    let mut seen = std::collections::HashSet::from([a, b]);
    for n in 1000..6000 {
        let handle = make(n);
        assert!(seen.insert(handle), "{handle:#x} comes back after {n}");
        host.drop_handle(handle).unwrap();
    }

    // An instance's resources are not another's.
    let other = host.instantiate(GUEST).unwrap();
    let foreign = word(&host.call(&host.func(&other, &["make"]), &words(&[1])).unwrap());
    assert_eq!(code(host.call(&f("get"), &words(&[foreign]))), Some(WASMTIME_ERROR_BAD_HANDLE));

    // In lists.
    let list = host.call(&f("many"), &words(&[3])).unwrap();
    let handles: Vec<u32> = list[8..].chunks(4).map(word).collect();
    assert_eq!(handles.len(), 3);
    assert_eq!(host.call(&f("get"), &words(&handles[2..])).unwrap(), words(&[2]));
    let message = [words(&[8, 3]), words(&handles)].concat();
    host.call(&f("all"), &message).unwrap();
    assert_eq!(host.handles().0, 1);
}

#[test]
fn a_destructor_that_traps() {
    let (host, _) = host();
    let instance = host.instantiate(GUEST).unwrap();
    let make = host.func(&instance, &["make"]);
    let bad = word(&host.call(&make, &words(&[666])).unwrap());
    let (found, text) = host.drop_handle(bad).unwrap_err();
    assert_eq!(found, None);
    assert!(text.contains("unreachable"), "{text}");
    assert_eq!(host.handles().0, 0);
    assert_eq!(code(host.call(&make, &words(&[1]))), Some(WASMTIME_ERROR_COMPONENT_UNUSABLE));
}

#[test]
fn too_many_handles() {
    let (host, log) = host();
    let instance = host.instantiate(GUEST).unwrap();
    let (make, many) = (host.func(&instance, &["make"]), host.func(&instance, &["many"]));
    // SAFETY: the store is the test's own.
    unsafe { wasmtime_binding_component_set_handle_limit(host.store, 3) };
    let handles: Vec<u32> = (0..3).map(|n| word(&host.call(&make, &words(&[n])).unwrap())).collect();
    assert_eq!(host.handles(), (3, 3));
    log.take();
    // Whether the guest was entered by the call that has failed last, and whether it was broken off.
    // SAFETY: the store is the test's own.
    let how = || unsafe { ((*host.store).component.entered, (*host.store).component.broken_off) };
    // Full: the guest is not entered.
    for (func, n) in [(&make, 100), (&many, 1)] {
        let (found, text) = host.call(func, &words(&[n])).unwrap_err();
        assert_eq!(found, Some(WASMTIME_ERROR_HANDLE_LIMIT));
        assert!(text.contains("was not called"), "{text}");
        assert_eq!(how(), (false, false));
    }
    assert_eq!(log.take(), []);
    // A call that gives one away makes room for one.
    let again = host.func(&instance, &["again"]);
    let other = word(&host.call(&again, &words(&[handles[2]])).unwrap());
    assert_eq!(log.take(), [("destroyed", 2)]);
    let (found, text) = host.call(&again, &words(&[handles[2]])).unwrap_err();
    assert_eq!((found, how()), (Some(WASMTIME_ERROR_BAD_HANDLE), (false, false)));
    assert_eq!(text, "parameter 1: the handle was given away");
    host.drop_handle(other).unwrap();
    assert_eq!(host.drop_handle(other).unwrap_err().1, "the handle was dropped");
    assert_eq!(host.drop_handle(1 << 19).unwrap_err().1, "there is no such handle");
    host.call(&make, &words(&[2])).unwrap();
    log.take();
    // Numbers of the host's own resources are no handles.
    let give = host.func(&instance, &["give-host"]);
    assert_eq!(host.call(&give, &words(&[1])).unwrap(), words(&[1001]));
    log.take();
    // Too few: what does not fit is dropped, and all is as before.
    host.drop_handle(handles[0]).unwrap();
    log.take();
    let (found, text) = host.call(&many, &words(&[2])).unwrap_err();
    assert_eq!((found, how()), (Some(WASMTIME_ERROR_HANDLE_LIMIT), (true, false)));
    assert!(text.contains("has returned"), "{text}");
    assert_eq!(log.take(), [("destroyed", 0), ("destroyed", 1)]);
    assert_eq!(host.handles(), (2, 3));
    assert_eq!(host.call(&many, &words(&[1])).unwrap().len(), 12);
    // SAFETY: as above.
    unsafe {
        wasmtime_binding_component_set_handle_limit(host.store, usize::MAX);
        assert_eq!(host.handles(), (3, 1_048_575));
        wasmtime_binding_component_set_guest_handle_limit(host.store, 5);
    }
    assert_eq!(code(host.call(&many, &words(&[6]))), Some(wasmtime_error_code_t::WASMTIME_ERROR_OTHER));
}

#[test]
fn resources_of_the_host() {
    let (host, log) = host();
    let instance = host.instantiate(GUEST).unwrap();
    let f = |name: &str| host.func(&instance, &[name]);
    // The guest gets one, lends it to the host, drops it.
    assert_eq!(host.call(&f("use-host"), &words(&[5])).unwrap(), words(&[2010]));
    assert_eq!(log.take(), [("made", 5), ("peeked", 1005), ("dropped", 1005)]);
    // It comes back as the number that the host knows it by.
    assert_eq!(host.call(&f("give-host"), &words(&[6])).unwrap(), words(&[1006]));
    host.call(&f("take-host"), &words(&[77])).unwrap();
    assert_eq!(log.take(), [("made", 6), ("dropped", 77)]);
    assert_eq!(host.call(&f("lend-host"), &words(&[42])).unwrap(), words(&[84]));
    assert_eq!(log.take(), [("peeked", 42)]);
    assert_eq!(host.handles().0, 0);
    // A guest has to give back what it has borrowed.
    let (found, text) = host.call(&f("keep-host"), &words(&[1])).unwrap_err();
    assert!(text.contains("borrow"), "{found:?} {text}");
    assert_eq!(code(host.call(&f("keep-host"), &words(&[1]))), Some(WASMTIME_ERROR_COMPONENT_UNUSABLE));
}

/// A component inside of another lends the host what it has made itself.
const LENDER: &str = r#"(component
  (import "thing" (type $thing (sub resource)))
  (import "see" (func $see (param "t" (borrow $thing)) (result u32)))
  (import "keep" (func $keep (param "t" (own $thing))))
  (import "new" (func $new (param "n" u32) (result (own $thing))))
  (core func $see-l (canon lower (func $see)))
  (core func $keep-l (canon lower (func $keep)))
  (core func $new-l (canon lower (func $new)))
  (core func $drop (canon resource.drop $thing))
  (core module $m
    (import "" "see" (func $see (param i32) (result i32)))
    (import "" "keep" (func $keep (param i32)))
    (import "" "new" (func $new (param i32) (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (func (export "f") (param i32) (result i32) (local $t i32) (local $r i32)
      (local.set $t (call $new (local.get 0)))
      (local.set $r (call $see (local.get $t)))
      (call $keep (local.get $t))
      (local.get $r)))
  (core instance $i (instantiate $m (with "" (instance
    (export "see" (func $see-l)) (export "keep" (func $keep-l)) (export "new" (func $new-l)) (export "drop" (func $drop))))))
  (func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f"))))"#;

/// Host functions that get and give handles of resources that the host has not defined.
#[test]
fn handles_in_host_functions() {
    // Whether there is what `new` returns.
    for good in [true, false] {
        let mut host = Host::new();
        // The resource is one that no number stands for, as those of unknown imports are.
        let ty = wasmtime::component::ResourceType::host::<Host>();
        cast::component_linker(&mut host.linker).root().resource("thing", ty, |_, _| Ok(())).unwrap();
        let seen: Rc<RefCell<Vec<u32>>> = Rc::default();
        let (lent, given) = (seen.clone(), seen.clone());
        host.define(&["see"], move |served| {
            lent.borrow_mut().push(word(served.message()));
            Ok(words(&[7]))
        });
        host.define(&["keep"], move |served| {
            given.borrow_mut().push(word(served.message()));
            Ok(Vec::new())
        });
        let whole = crate::store::Whole::of(host.store);
        let handle = {
            let resource = wasmtime::component::Resource::<Host>::new_own(3);
            // SAFETY: the store is the test's own.
            let (store, state) = unsafe { (cast::store(&mut (*whole).store), &mut *crate::store::Whole::state(whole)) };
            let resource = wasmtime::component::ResourceAny::try_from_resource(resource, store).unwrap();
            state.handles.insert(resource, None).unwrap()
        };
        host.define(&["new"], move |_| Ok(words(&[if good { handle } else { handle + 1 }])));
        let instance = host.instantiate(LENDER).unwrap();
        let outcome = host.call(&host.func(&instance, &["f"]), &words(&[1]));
        if !good {
            // The host function has failed; its handle stays the host's.
            assert_eq!(code(outcome), Some(WASMTIME_ERROR_BAD_HANDLE));
            // It is not the caller's handle that is wrong.
            // SAFETY: the store is the test's own.
            unsafe { assert!((*host.store).component.entered && (*host.store).component.broken_off) };
            assert_eq!(host.handles().0, 1);
            host.drop_handle(handle).unwrap();
            continue;
        }
        assert_eq!(outcome.unwrap(), words(&[7]));
        // What was lent is gone, what was given away is the host's again, with another handle.
        let (lent, given) = (seen.borrow()[0], seen.borrow()[1]);
        assert_eq!(host.handles().0, 1);
        for (gone, why) in
            [(lent, "the handle was lent for a call that is over"), (handle, "the handle was given away")]
        {
            let (found, text) = host.drop_handle(gone).unwrap_err();
            assert_eq!((found, &*text), (Some(WASMTIME_ERROR_BAD_HANDLE), why));
        }
        host.drop_handle(given).unwrap();
        assert_eq!(host.handles().0, 0);
    }
}

#[test]
fn paths() {
    let mut host = Host::new();
    host.define(&["a:b/c@1.2.0", "f"], |_| Ok(Vec::new()));
    let host = host;
    // A compatible version does.
    for (version, there) in [("1.2.0", true), ("1.0.0", true), ("2.0.0", false)] {
        let component =
            host.compile(&format!(r#"(component (import "a:b/c@{version}" (instance (export "f" (func)))))"#)).unwrap();
        assert_eq!(host.link(&component).is_ok(), there, "{version}");
    }
    let instance = host.instantiate("(component)").unwrap();
    for path in [&b""[..], &[1], &[4, 0, 0, 0, b'a'], &[1, 0, 0, 0, 0xff], &[0xff; 4]] {
        let mut func = ptr::null_mut();
        // SAFETY: all pointers are valid.
        let error = unsafe {
            let context = cast::store(&mut (*crate::store::Whole::of(host.store)).store).into();
            wasmtime_binding_component_instance_func(context, &instance, path.as_ptr(), path.len(), &mut func)
        };
        assert_eq!(code(failed(error)), Some(WASMTIME_ERROR_BAD_ARGUMENT));
    }
    // What does not exist is null.
    let wat = r#"(component (core module $m (func (export "f"))) (core instance $i (instantiate $m))
      (func $f (canon lift (core func $i "f")))
      (instance $out (export "g" (func $f)))
      (export "x:y/z@0.2.3" (instance $out)) (export "f" (func $f)))"#;
    let instance = host.instantiate(wat).unwrap();
    for (path, there) in [
        (&["x:y/z@0.2.3", "g"][..], true),
        (&["x:y/z@0.2.1", "g"], true),
        (&["f"], true),
        (&["x:y/z@0.3.0", "g"], false),
        (&["x:y/z@0.2.3"], false),
        (&["x:y/z@0.2.3", "f"], false),
        (&["f", "g"], false),
        (&["nothing"], false),
    ] {
        assert_eq!(host.find(&instance, path).unwrap().is_some(), there, "{path:?}");
    }
}

/// A definition that fails, and one that is no more needed, say so once.
#[test]
fn finalizers() {
    thread_local! {
        static GONE: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
    }
    extern "C" fn gone(env: u64) {
        GONE.with_borrow_mut(|gone| gone.push(env));
    }
    let mut host = Host::new();
    let functions = wasmtime_binding_component_host_t { callback, finalizer: Some(gone) };
    let mut define = |path: &[u8], env| {
        // SAFETY: the path is valid.
        failed(unsafe {
            wasmtime_binding_component_linker_define_func(&mut host.linker, path.as_ptr(), path.len(), &functions, env)
        })
    };
    define(&path_bytes(&["f"]), 1).unwrap();
    assert!(GONE.take().is_empty());
    define(&path_bytes(&["f"]), 2).unwrap_err();
    assert_eq!(GONE.take(), [2]);
    define(&[1, 2], 3).unwrap_err();
    assert_eq!(GONE.take(), [3]);
    let component = host
        .compile(
            r#"(component (import "f" (func $f)) (core func $l (canon lower (func $f)))
              (core module $m (import "" "f" (func)))
              (core instance (instantiate $m (with "" (instance (export "f" (func $l)))))))"#,
        )
        .unwrap();
    let pre = host.link(&component).unwrap();
    drop(host);
    assert!(GONE.take().is_empty());
    drop(pre);
    assert_eq!(GONE.take(), [1]);
}

/// What an instance exports besides functions.
#[test]
fn modules_and_resources_of_instances() {
    let mut host = Host::new();
    let wat = r#"(component
      (core module $m (func (export "f")))
      (type $r' (resource (rep i32)))
      (core func $new (canon resource.new $r'))
      (core module $k (import "" "new" (func $new (param i32) (result i32)))
        (func (export "make") (result i32) (call $new (i32.const 9)))
        (func (export "get") (param i32) (result i32) (local.get 0)))
      (core instance $k (instantiate $k (with "" (instance (export "new" (func $new))))))
      (instance $out (export "m" (core module $m)) (export $r "r" (type $r')))
      (export "a:b/c" (instance $out))
      (export $r "r" (type $r'))
      (func (export "make") (result (own $r)) (canon lift (core func $k "make")))
      (func (export "get") (param "r" (borrow $r)) (result u32) (canon lift (core func $k "get"))))"#;
    let one = host.instantiate(wat).unwrap();
    let mut found = Vec::new();
    for path in [&["a:b/c", "m"][..], &["a:b/c", "r"], &["m"]] {
        let path = path_bytes(path);
        let mut module = ptr::null_mut();
        // SAFETY: all pointers are valid.
        unsafe {
            let context = cast::store(&mut (*crate::store::Whole::of(host.store)).store).into();
            let error =
                wasmtime_binding_component_instance_module(context, &one, path.as_ptr(), path.len(), &mut module);
            failed(error).unwrap();
            found.push(!module.is_null());
            if !module.is_null() {
                assert!(cast::module(&Box::from_raw(module)).get_export("f").is_some());
            }
        }
    }
    assert_eq!(found, [true, false, false]);

    for (export, there) in [(&["make"][..], false), (&["a:b/c", "r"], true)] {
        let (to, export) = (path_bytes(&["r"]), path_bytes(export));
        let mut found = ptr::null_mut();
        // SAFETY: as above.
        unsafe {
            let context = cast::store(&mut (*crate::store::Whole::of(host.store)).store).into();
            failed(wasmtime_binding_component_instance_resource(
                context,
                &one,
                export.as_ptr(),
                export.len(),
                &mut found,
            ))
            .unwrap();
            assert_eq!(!found.is_null(), there);
            if there {
                let found = Box::from_raw(found);
                failed(wasmtime_binding_component_linker_define_exported_resource(
                    &mut host.linker,
                    to.as_ptr(),
                    to.len(),
                    &found,
                ))
                .unwrap();
            }
        }
    }
    // Another component passes the first one's resources on.
    let other = r#"(component
      (import "r" (type $r (sub resource)))
      (core module $m (func (export "f") (param i32) (result i32) (local.get 0)))
      (core instance $m (instantiate $m))
      (func (export "f") (param "r" (own $r)) (result (own $r)) (canon lift (core func $m "f"))))"#;
    let other = host.instantiate(other).unwrap();
    let made = host.call(&host.func(&one, &["make"]), &[]).unwrap();
    let passed = host.call(&host.func(&other, &["f"]), &made).unwrap();
    assert_eq!(host.call(&host.func(&one, &["get"]), &passed).unwrap(), words(&[9]));
    assert_eq!(host.handles().0, 1);
    host.drop_handle(word(&passed)).unwrap();
}
