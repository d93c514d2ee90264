//! Guests and hosts that do what they must not.

use super::echo::MEMORY;
use super::values::{Random, Ty, read};
use super::*;
use wasmtime_error_code_t::{
    WASMTIME_ERROR_BAD_ARGUMENT, WASMTIME_ERROR_COMPONENT_UNUSABLE, WASMTIME_ERROR_GUEST_ABI,
    WASMTIME_ERROR_HOSTCALL_FUEL, WASMTIME_ERROR_OTHER, WASMTIME_ERROR_UNSUPPORTED,
};

/// A guest whose functions return what the caller wants: `word` the two numbers in memory, `flat` the first as it is.
/// `bad` returns them as a string or whatever the type says.
fn liar(ty: &str, encoding: &str, body: &str) -> String {
    format!(
        r#"(component
          {MEMORY}
          (core module $m (import "" "memory" (memory 1))
            {body}
            (func (export "pair") (param i32 i32) (result i32)
              (i32.store (i32.const 64) (local.get 0)) (i32.store (i32.const 68) (local.get 1)) (i32.const 64))
            (func (export "first") (param i32 i32) (result i32) (local.get 0))
            (func (export "trap") (unreachable)))
          (core instance $i (instantiate $m (with "" (instance (export "memory" (memory $memory))))))
          (type $e' (enum "a" "b" "c")) (export $e "e" (type $e'))
          (type $f' (flags "a" "b" "c")) (export $f "f" (type $f'))
          (func (export "lie") (param "a" u32) (param "b" u32) (result {ty})
            (canon lift (core func $i "{core}") (memory $memory) (realloc $realloc) string-encoding={encoding}))
          (func (export "trap") (canon lift (core func $i "trap"))))"#,
        core = if matches!(ty, "bool" | "char" | "$e" | "$f" | "u8" | "s8") { "first" } else { "pair" },
    )
}

fn two(a: u32, b: u32) -> Vec<u8> {
    [a.to_le_bytes(), b.to_le_bytes()].concat()
}

/// What a guest's two numbers become as a value of the type.
fn lie(ty: &str, encoding: &str, a: u32, b: u32) -> Outcome<Vec<u8>> {
    let host = Host::new();
    let body = r#"(data (i32.const 1024) "abc\ff\00d8 \00") (data (i32.const 1056) "\ff")
      (data (i32.const 1060) "\00\d8")"#;
    let instance = host.instantiate(&liar(ty, encoding, body)).unwrap();
    let func = host.func(&instance, &["lie"]);
    let first = host.call(&func, &two(a, b));
    // Whoever has lied is not asked again.
    let again = host.call(&func, &two(1024, 0));
    if first.is_err() {
        assert_eq!(code(again), Some(WASMTIME_ERROR_COMPONENT_UNUSABLE));
    }
    first
}

#[test]
fn values_of_guests_are_checked() {
    let outside = 4 << 16;
    let mut said = Vec::new();
    let broken = [
        ("(map string u32)", "utf8", outside, 1),
        ("(map string u32)", "utf8", 1026, 0),
        ("string", "utf8", outside, 1),
        ("string", "utf8", outside - 1, 2),
        ("string", "utf8", u32::MAX, u32::MAX),
        ("string", "utf8", 1056, 1),
        ("string", "utf16", 1025, 1),
        ("string", "utf16", outside - 2, 2),
        ("string", "utf16", 1024, 0x8000_0000),
        ("string", "utf16", 1060, 1),
        ("string", "latin1+utf16", 1025, 1),
        ("string", "latin1+utf16", outside - 2, 0x8000_0002),
        ("(list u32)", "utf8", 1026, 0),
        ("(list u32)", "utf8", outside - 8, 3),
        ("(list u64)", "utf8", 0, u32::MAX),
        ("(list string)", "utf8", outside + 4, 0),
        ("(list char)", "utf8", 1024, 1),
        ("char", "utf8", 0xd800, 0),
        ("char", "utf8", 0x11_0000, 0),
        ("$e", "utf8", 3, 0),
        ("$e", "utf8", 0x100, 0),
        ("(option u32)", "utf8", 2, 0),
        ("(result u32 (error u32))", "utf8", 7, 0),
    ];
    for (ty, encoding, a, b) in broken {
        let (code, text) = lie(ty, encoding, a, b).unwrap_err();
        assert_eq!(code, Some(WASMTIME_ERROR_GUEST_ABI), "{ty} {encoding} {a} {b}");
        said.push(format!("{ty} {encoding} {a} {b}: {text}"));
    }
    // Scripts look for upstream's words.
    let words = [
        "map pointer/length out of bounds of memory",
        "map pointer is not aligned",
        "string pointer/length out of bounds of memory",
        "invalid utf-8 sequence of 1 bytes from index 0",
        "string pointer not aligned to 2",
        "list pointer is not aligned",
        "list pointer/length out of bounds of memory",
        "converted integer out of range for `char`",
        "discriminant 3 out of range [0..3)",
        "discriminant 2 out of range [0..2)",
        "unpaired surrogate found: d800",
    ];
    for word in words {
        assert!(said.iter().any(|text| text.ends_with(word)), "{word}: {said:#?}");
    }
    let fine = [
        ("bool", "utf8", 2, vec![1]),
        ("bool", "utf8", 0x100, vec![1]),
        ("u8", "utf8", 0x1ff, vec![0xff]),
        ("s8", "utf8", 0x180, vec![0x80]),
        ("$f", "utf8", 0xff, vec![7]),
        ("char", "utf8", 0x10_ffff, vec![0xff, 0xff, 0x10, 0]),
    ];
    for (ty, encoding, a, seen) in fine {
        assert_eq!(lie(ty, encoding, a, 0).unwrap(), seen, "{ty}");
    }
    assert_eq!(lie("string", "utf8", outside, 0).unwrap().len(), 8);
    assert_eq!(lie("string", "latin1+utf16", 1024, 4).unwrap()[8..], *"abcÿ".as_bytes());
    assert_eq!(lie("(list u32)", "utf8", outside, 0).unwrap().len(), 8);
}

/// A guest's memory holds anything: what comes of it is a value or an error.
#[test]
fn memory_full_of_nonsense() {
    let (mut values, mut errors) = (0, 0);
    for seed in 1..=25 {
        let mut random = Random(seed * 77);
        random.next();
        let ty = Ty::random(&mut random, 3);
        let (mut names, size) = (String::new(), ty.layout().0);
        let text = ty.text(&mut names, &mut 0);
        if size > 2000 {
            continue;
        }
        // The image comes to lie at 131072, where the allocator begins.
        let wat = format!(
            r#"(component {names} {MEMORY}
              (core module $m (func (export "f") (param i32 i32) (result i32) (local.get 0)))
              (core instance $i (instantiate $m))
              (func (export "f") (param "image" (list u8)) (result (tuple {text} u64))
                (canon lift (core func $i "f") (memory $memory) (realloc $realloc) (post-return $reseti32))))"#
        );
        let host = Host::new();
        // SAFETY: the store is the test's own.
        unsafe { wasmtime_binding_component_set_hostcall_fuel(host.store, 100_000) };
        let component = host.compile(&wat).unwrap();
        let pre = host.link(&component).unwrap();
        let mut func = None;
        for _ in 0..200 {
            let mut message = two(8, 8000);
            while message.len() < 8008 {
                // Little numbers for cases and lengths, pointers into the image and a bit beside it, letters, nonsense.
                let word = match random.below(8) {
                    0..=3 => random.below(4) as u32,
                    4 => 131_072 + 8 * random.below(500) as u32,
                    5 => 131_072 + random.below(4000) as u32,
                    6 => 0x6161_6161,
                    _ => random.next() as u32,
                };
                message.extend(word.to_le_bytes());
            }
            let current = func.take().unwrap_or_else(|| host.func(&host.instance(&pre).unwrap(), &["f"]));
            match host.call(&current, &message) {
                Ok(results) => {
                    read(&ty, &results, 0);
                    values += 1;
                    func = Some(current);
                }
                Err((Some(WASMTIME_ERROR_GUEST_ABI | WASMTIME_ERROR_HOSTCALL_FUEL), _)) => errors += 1,
                Err(other) => panic!("{ty:?}: {other:?}"),
            }
        }
    }
    assert!(values > 100 && errors > 100, "{values} {errors}");
}

/// A pointer to results that are in memory may be wrong too.
#[test]
fn results_in_memory_are_checked() {
    for (address, what) in [(4 << 16, "out"), ((4 << 16) - 4, "out"), (66, "aligned"), (u32::MAX - 3, "out")] {
        let host = Host::new();
        let wat = format!(
            r#"(component {MEMORY}
              (core module $m (func (export "f") (result i32) (i32.const {address})))
              (core instance $i (instantiate $m))
              (func (export "f") (result (tuple u32 u32)) (canon lift (core func $i "f") (memory $memory))))"#,
            address = address as i32,
        );
        let instance = host.instantiate(&wat).unwrap();
        let (found, text) = host.call(&host.func(&instance, &["f"]), &[]).unwrap_err();
        assert_eq!(found, Some(WASMTIME_ERROR_GUEST_ABI));
        assert!(text.contains(what), "{address}: {text}");
    }
}

/// The guest's allocator may return anything.
#[test]
fn allocators_are_not_trusted() {
    for address in ["1", "0x7fffffff", "-8", "(unreachable)"] {
        let host = Host::new();
        let address = if address.starts_with('(') { address.into() } else { format!("(i32.const {address})") };
        let wat = format!(
            r#"(component
              (core module $m (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) {address})
                (func (export "f") (param i32 i32)))
              (core instance $i (instantiate $m))
              (func (export "f") (param "x" (list u64))
                (canon lift (core func $i "f") (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))"#
        );
        let instance = host.instantiate(&wat).unwrap();
        let func = host.func(&instance, &["f"]);
        let message = [&two(8, 1)[..], &[0; 8]].concat();
        let first = code(host.call(&func, &message));
        assert_eq!(first, if address.contains("unreachable") { None } else { Some(WASMTIME_ERROR_OTHER) });
        assert_eq!(code(host.call(&func, &message)), Some(WASMTIME_ERROR_COMPONENT_UNUSABLE), "{address}");
    }
}

/// What a guest hands over in one call is limited, whatever it consists of.
#[test]
fn hostcall_fuel_is_taken() {
    let wat = liar("(list string)", "utf8", "");
    let host = Host::new();
    // SAFETY: the store is the test's own.
    unsafe {
        assert_eq!(wasmtime_binding_component_hostcall_fuel(host.store), 128 << 20);
        wasmtime_binding_component_set_hostcall_fuel(host.store, 1000);
    }
    // Strings of length 0 at address 0.
    let instance = host.instantiate(&wat).unwrap();
    let func = host.func(&instance, &["lie"]);
    assert_eq!(host.call(&func, &two(1024, 124)).unwrap().len(), 1000);
    assert_eq!(code(host.call(&func, &two(1024, 125))), Some(WASMTIME_ERROR_HOSTCALL_FUEL));
    assert_eq!(code(host.call(&func, &two(1024, 1))), Some(WASMTIME_ERROR_COMPONENT_UNUSABLE));
    // Another instance of the store is as it was.
    let instance = host.instantiate(&wat).unwrap();
    host.call(&host.func(&instance, &["lie"]), &two(1024, 1)).unwrap();
}

#[test]
fn traps_leave_instances_unusable() {
    for concurrency in [false, cfg!(feature = "component-model-async")] {
        let host = Host::with(|config| {
            config.concurrency_support(concurrency);
        });
        let instance = host.instantiate(&liar("u8", "utf8", "")).unwrap();
        let (trap, lie) = (host.func(&instance, &["trap"]), host.func(&instance, &["lie"]));
        host.call(&lie, &two(1, 2)).unwrap();
        let (found, text) = host.call(&trap, &[]).unwrap_err();
        assert_eq!(found, None, "{text}");
        assert!(text.contains("unreachable"), "{text}");
        assert_eq!(code(host.call(&lie, &two(1, 2))), Some(WASMTIME_ERROR_COMPONENT_UNUSABLE));
    }
}

/// A call that ran out of fuel was broken off, as one that was interrupted is.
#[test]
fn calls_without_fuel() {
    let host = Host::with(|config| {
        config.concurrency_support(false).consume_fuel(true);
    });
    let whole = crate::store::Whole::of(host.store);
    // SAFETY: the store is the test's own.
    let fuel = |n| unsafe { cast::store(&mut (*whole).store).set_fuel(n).unwrap() };
    fuel(1_000_000);
    let wat = r#"(component (core module $m (func (export "f") (loop (br 0))) (func (export "g")))
      (core instance $i (instantiate $m))
      (func (export "f") (canon lift (core func $i "f"))) (func (export "g") (canon lift (core func $i "g"))))"#;
    let instance = host.instantiate(wat).unwrap();
    host.call(&host.func(&instance, &["g"]), &[]).unwrap();
    let (found, text) = host.call(&host.func(&instance, &["f"]), &[]).unwrap_err();
    assert!(found.is_none() && text.contains("fuel"), "{text}");
    fuel(1_000_000);
    assert_eq!(code(host.call(&host.func(&instance, &["g"]), &[])), Some(WASMTIME_ERROR_COMPONENT_UNUSABLE));
}

/// Whatever is wrong with a message is told before the guest is entered, and the instance stays as it was.
#[test]
fn messages_are_checked() {
    let host = Host::new();
    let instance = host
        .instantiate(&format!(
            r#"(component {MEMORY}
              (core module $m (func (export "f") (param i32)))
              (core instance $i (instantiate $m))
              (type $e' (enum "a" "b" "c")) (export $e "e" (type $e'))
              (type $f' (flags "a" "b" "c")) (export $f "f" (type $f'))
              (type $pad (tuple u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64))
              (func (export "all") (param "b" bool) (param "c" char) (param "e" $e) (param "f" $f) (param "s" string)
                (param "l" (list string)) (param "o" (option bool)) (param "bs" (list bool)) (param "pad" $pad)
                (canon lift (core func $i "f") (memory $memory) (realloc $realloc))))"#
        ))
        .unwrap();
    let func = host.func(&instance, &["all"]);
    // b at 0, c at 4, e at 8, f at 9, s at 12, l at 20, o at 28, bs at 32, pad at 40.
    let good = {
        let mut good = vec![0; 40 + 17 * 8];
        good[4] = b'x';
        for at in [12, 20, 32] {
            good[at..at + 8].copy_from_slice(&two(0, 0));
        }
        good
    };
    host.call(&func, &good).unwrap();
    let end = good.len() as u32;
    let bad: &[(usize, &[u8], &str)] = &[
        (0, &[2], "parameter 1: "),
        (4, &0xd800_u32.to_le_bytes(), "parameter 2: "),
        (8, &[3], "parameter 3: "),
        (9, &[8], "parameter 4: "),
        (12, &two(end, 1), "parameter 5: "),
        (12, &two(u32::MAX, 1), "parameter 5: "),
        (12, &two(0, u32::MAX), "parameter 5: "),
        (12, &two(0x8000_0000, 1), "parameter 5: "),
        (20, &two(end - 7, 1), "parameter 6: "),
        (20, &two(0, 0x2000_0000), "parameter 6: "),
        (28, &[2], "parameter 7: "),
        (28, &[1, 9], "parameter 7, payload: "),
        (32, &two(4, 1), "parameter 8, [0]: "),
    ];
    for (at, bytes, place) in bad {
        let mut message = good.clone();
        message[*at..at + bytes.len()].copy_from_slice(bytes);
        let (found, text) = host.call(&func, &message).unwrap_err();
        assert_eq!(found, Some(WASMTIME_ERROR_BAD_ARGUMENT), "{at} {bytes:?}");
        assert!(text.starts_with(place), "{at} {bytes:?}: {text}");
    }
    let not_utf8 = [&good[..], &[0xff]].concat();
    for (at, bytes, place) in [(12, two(end, 1), "parameter 5: "), (20, two(end + 1, 1), "parameter 6, [0]: ")] {
        let mut message = [&not_utf8[..], &two(end, 1)].concat();
        message[at..at + 8].copy_from_slice(&bytes);
        let (found, text) = host.call(&func, &message).unwrap_err();
        assert_eq!(found, Some(WASMTIME_ERROR_BAD_ARGUMENT));
        assert!(text.starts_with(place) && text.contains("UTF-8"), "{text}");
    }
    for len in [0, 1, good.len() - 1] {
        assert_eq!(code(host.call(&func, &good[..len])), Some(WASMTIME_ERROR_BAD_ARGUMENT));
    }
    host.call(&func, &good).unwrap();
}

/// A function is of its store.
#[test]
fn functions_of_other_stores() {
    let (one, other) = (Host::new(), Host::new());
    let wat = liar("u8", "utf8", "");
    let instance = one.instantiate(&wat).unwrap();
    other.instantiate(&wat).unwrap();
    let func = one.func(&instance, &["lie"]);
    assert_eq!(code(other.call(&func, &two(1, 2))), Some(WASMTIME_ERROR_BAD_ARGUMENT));
    // Upstream panics.
    assert_eq!(code(other.find(&instance, &["lie"]).map(drop)), Some(wasmtime_error_code_t::WASMTIME_ERROR_PANIC));
    drop(one);
    // A function outlives its store.
    drop(func);
}

/// What a host function returns is checked, too; what it fails with reaches the caller.
#[test]
fn host_functions() {
    let wat = format!(
        r#"(component {MEMORY}
          (import "h" (func $h (param "x" u32) (result string)))
          (core func $l (canon lower (func $h) (memory $memory) (realloc $realloc)))
          (core module $m (import "" "h" (func $h (param i32 i32)))
            (func (export "f") (param i32) (result i32) (call $h (local.get 0) (i32.const 64)) (i32.const 64)))
          (core instance $i (instantiate $m (with "" (instance (export "h" (func $l))))))
          (func (export "f") (param "x" u32) (result string)
            (canon lift (core func $i "f") (memory $memory) (realloc $realloc))))"#
    );
    type Case = (u32, Outcome<Vec<u8>>, Result<&'static str, &'static str>);
    let answers: [Case; 6] = [
        (1, Ok([&two(8, 3)[..], b"abc"].concat()), Ok("abc")),
        (2, Ok(vec![]), Err("too short")),
        (3, Ok(two(8, 1)), Err("out of the message")),
        (4, Ok([&two(8, 1)[..], b"\xff"].concat()), Err("result 1: a string is not UTF-8")),
        (5, Err((None, "as the test wants it".into())), Err("as the test wants it")),
        (6, Ok([&two(8, 5000)[..], &[b'x'; 5000]].concat()), Ok(&"xxxxx"[..5])),
    ];
    for (x, answer, seen) in answers {
        let mut host = Host::new();
        let given = answer.clone();
        host.define(&["h"], move |served| {
            assert_eq!(served.message(), x.to_le_bytes());
            given.clone()
        });
        let instance = host.instantiate(&wat).unwrap();
        let func = host.func(&instance, &["f"]);
        match (host.call(&func, &x.to_le_bytes()), seen) {
            (Ok(results), Ok(text)) => assert!(results[8..].starts_with(text.as_bytes())),
            (Err((_, text)), Err(part)) => assert!(text.contains(part), "{text}"),
            (found, wanted) => panic!("{found:?} {wanted:?}"),
        }
    }
}

/// Arguments of a host function may lie as results do.
#[test]
fn arguments_of_host_functions_are_checked() {
    for (ty, core, a, b) in [
        ("string", "i32 i32", 4 << 16, 1),
        ("(list u64)", "i32 i32", 1028, 1),
        ("(option char)", "i32 i32", 1, 0xd800),
        ("(option char)", "i32 i32", 2, 0),
    ] {
        let wat = format!(
            r#"(component {MEMORY}
              (import "h" (func $h (param "x" {ty})))
              (core func $l (canon lower (func $h) (memory $memory)))
              (core module $m (import "" "h" (func $h (param {core})))
                (func (export "f") (param i32 i32) (call $h (local.get 0) (local.get 1))))
              (core instance $i (instantiate $m (with "" (instance (export "h" (func $l))))))
              (func (export "f") (param "a" u32) (param "b" u32) (canon lift (core func $i "f"))))"#
        );
        let mut host = Host::new();
        host.define(&["h"], |_| panic!("the host is not called"));
        let instance = host.instantiate(&wat).unwrap();
        let func = host.func(&instance, &["f"]);
        assert_eq!(code(host.call(&func, &two(a, b))), Some(WASMTIME_ERROR_GUEST_ABI), "{ty} {a} {b}");
    }
}

/// A host function calls the component that called it.
#[test]
fn calls_inside_of_calls() {
    let wat = format!(
        r#"(component {MEMORY}
          (import "h" (func $h (param "s" string) (result string)))
          (core func $l (canon lower (func $h) (memory $memory) (realloc $realloc)))
          (core module $m (import "" "h" (func $h (param i32 i32 i32)))
            (func (export "f") (param i32 i32) (result i32)
              (call $h (local.get 0) (local.get 1) (i32.const 64)) (i32.const 64)))
          (core instance $i (instantiate $m (with "" (instance (export "h" (func $l))))))
          (func (export "f") (param "s" string) (result string)
            (canon lift (core func $i "f") (memory $memory) (realloc $realloc))))"#
    );
    let text = |s: &str| [&two(8, s.len() as u32)[..], s.as_bytes()].concat();
    let mut host = Host::new();
    let frame = unsafe_frame(&host);
    let found: std::rc::Rc<RefCell<Option<Box<wasmtime_binding_component_func_t>>>> = Default::default();
    let func = found.clone();
    host.define(&["h"], move |served| {
        let mut given = String::from_utf8(served.message()[8..].to_vec()).unwrap();
        if given.len() < 20 {
            given.push('x');
            let func = ptr::from_ref(func.borrow().as_deref().unwrap());
            // SAFETY: it is the test's own, as is the store, which nobody uses but this call.
            let results = unsafe { call(frame, &*func, &text(&given), &[]) }.unwrap();
            given = String::from_utf8(results[8..].to_vec()).unwrap();
            given.push('y');
        }
        Ok(text(&given))
    });
    let instance = host.instantiate(&wat).unwrap();
    let func = host.func(&instance, &["f"]);
    let address = ptr::from_ref(&*func);
    *found.borrow_mut() = Some(func);
    // SAFETY: as above.
    let results = unsafe { call(frame, &*address, &text("0123456789abcdefghi"), &[]) }.unwrap();
    assert_eq!(results[8..], *b"0123456789abcdefghixy");
    found.take();
}

fn unsafe_frame(host: &Host) -> *mut wasmtime_binding_component_call_t {
    // SAFETY: the store is there as long as the host.
    unsafe { &raw mut (*host.store).component }
}

/// With concurrency, an instance is not entered again while it is called.
#[test]
fn calls_inside_of_calls_with_concurrency() {
    if !cfg!(feature = "component-model-async") {
        return;
    }
    let wat = r#"(component
      (import "h" (func $h))
      (core func $l (canon lower (func $h)))
      (core module $m (import "" "h" (func $h)) (func (export "f") (call $h)) (func (export "g")))
      (core instance $i (instantiate $m (with "" (instance (export "h" (func $l))))))
      (func (export "f") (canon lift (core func $i "f")))
      (func (export "g") (canon lift (core func $i "g"))))"#;
    let mut host = Host::with(|_| {});
    let frame = unsafe_frame(&host);
    let found: std::rc::Rc<RefCell<Vec<Box<wasmtime_binding_component_func_t>>>> = Default::default();
    let funcs = found.clone();
    host.define(&["h"], move |_| {
        let funcs = funcs.borrow();
        // SAFETY: the store is the test's own.
        unsafe {
            let (found, text) = call(frame, &funcs[0], &[], &[]).unwrap_err();
            assert_eq!(found, None, "{text}");
            call(frame, &funcs[1], &[], &[])
        }
    });
    let (one, other) = (host.instantiate(wat).unwrap(), host.instantiate(wat).unwrap());
    let f = host.func(&one, &["f"]);
    found.borrow_mut().extend([host.func(&one, &["g"]), host.func(&other, &["g"])]);
    host.call(&f, &[]).unwrap();
    found.borrow_mut().clear();
}

/// A component that comes back to the one around it traps, which is no reason to say that it could not be entered.
#[test]
fn guests_that_call_their_callers() {
    let wat = r#"(component
      (component $inner
        (import "back" (func $back))
        (core func $l (canon lower (func $back)))
        (core module $m (import "" "back" (func $back)) (func (export "f") (call $back)))
        (core instance $i (instantiate $m (with "" (instance (export "back" (func $l))))))
        (func (export "f") (canon lift (core func $i "f"))))
      (core module $t (table (export "t") 1 funcref)
        (func (export "back") (call_indirect (i32.const 0))))
      (core instance $t (instantiate $t))
      (func $back (canon lift (core func $t "back")))
      (instance $inner (instantiate $inner (with "back" (func $back))))
      (core func $f (canon lower (func $inner "f")))
      (core module $fill (import "" "t" (table 1 funcref)) (import "" "f" (func $f)) (elem (i32.const 0) func $f)
        (func (export "run") (call $f)))
      (core instance $fill (instantiate $fill (with "" (instance
        (export "t" (table $t "t")) (export "f" (func $f))))))
      (func (export "run") (canon lift (core func $fill "run"))))"#;
    let host = Host::new();
    let instance = host.instantiate(wat).unwrap();
    let func = host.func(&instance, &["run"]);
    let (found, text) = host.call(&func, &[]).unwrap_err();
    assert_eq!(found, None, "{text}");
    assert!(text.contains("cannot enter component instance"), "{text}");
    let (found, text) = host.call(&func, &[]).unwrap_err();
    assert_eq!(found, Some(WASMTIME_ERROR_COMPONENT_UNUSABLE));
    assert!(text.contains("cannot enter component instance"), "{text}");
}

#[test]
fn what_is_not_supported_yet() {
    if !cfg!(feature = "component-model-async") {
        return;
    }
    let types = ["(future u32)", "(stream u8)", "(list (tuple u8 (option (stream u8))))", "error-context"];
    for ty in types {
        let mut host = Host::with(|config| {
            config.wasm_component_model_error_context(true);
        });
        host.define(&["h"], |_| Ok(Vec::new()));
        let exporting = format!(
            r#"(component {MEMORY}
              (core module $m (func (export "f") (param i32)) (func (export "g") (param i32 i32)))
              (core instance $i (instantiate $m))
              (func (export "f") (param "x" {ty})
                (canon lift (core func $i "{name}") (memory $memory) (realloc $realloc))))"#,
            name = if ty.starts_with("(list") { "g" } else { "f" },
        );
        let instance = host.instantiate(&exporting).unwrap();
        let (found, text) = host.find(&instance, &["f"]).map(drop).unwrap_err();
        assert_eq!(found, Some(WASMTIME_ERROR_UNSUPPORTED), "{text}");
        assert!(["future", "stream", "error-context"].iter().any(|name| text.contains(name)), "{text}");
        let importing = format!(r#"(component (import "h" (func (param "x" {ty}))))"#);
        let component = host.compile(&importing).unwrap();
        let (found, text) = host.link(&component).map(drop).unwrap_err();
        assert_eq!(found, Some(WASMTIME_ERROR_UNSUPPORTED), "{text}");
    }
}

#[test]
fn what_is_asynchronous() {
    if !cfg!(feature = "component-model-async") {
        return;
    }
    let mut host = Host::with(|_| {});
    host.define(&["h"], |_| Ok(Vec::new()));
    host.define(&["of", "h"], |_| Ok(Vec::new()));
    // An import is refused when it is linked, wherever it is.
    for import in [r#""h" (func async (param "x" u32))"#, r#""of" (instance (export "h" (func async)))"#] {
        let component = host.compile(&format!("(component (import {import}))")).unwrap();
        let (found, text) = host.link(&component).map(drop).unwrap_err();
        assert_eq!(found, Some(WASMTIME_ERROR_UNSUPPORTED), "{text}");
        assert!(text.contains("`h`") && text.contains("the function is async"), "{text}");
    }
    // An export that is lifted asynchronously is refused when it is called: nothing has happened, and what is lifted
    // synchronously can be called although its type is async.
    let wat = r#"(component
      (core func $return (canon task.return (result u32)))
      (core module $m
        (import "" "return" (func $return (param i32)))
        (func (export "a") (param i32) (result i32) (call $return (local.get 0)) (i32.const 0))
        (func (export "callback") (param i32 i32 i32) (result i32) (unreachable))
        (func (export "s") (param i32) (result i32) (local.get 0)))
      (core instance $i (instantiate $m (with "" (instance (export "return" (func $return))))))
      (func (export "a") async (param "x" u32) (result u32)
        (canon lift (core func $i "a") async (callback (core func $i "callback"))))
      (func (export "s") async (param "x" u32) (result u32) (canon lift (core func $i "s"))))"#;
    let instance = host.instantiate(wat).unwrap();
    let (a, s) = (host.func(&instance, &["a"]), host.func(&instance, &["s"]));
    for _ in 0..2 {
        let (found, text) = host.call(&a, &7_u32.to_le_bytes()).unwrap_err();
        assert_eq!(found, Some(WASMTIME_ERROR_UNSUPPORTED), "{text}");
        assert!(text.contains("async"), "{text}");
        // SAFETY: the store is the test's own.
        unsafe { assert!(!(*host.store).component.entered && !(*host.store).component.broken_off) };
        assert_eq!(host.call(&s, &7_u32.to_le_bytes()).unwrap(), 7_u32.to_le_bytes());
    }
}

/// Types that would be huge are refused, and so are functions that have too many.
#[test]
fn huge_types() {
    let host = Host::new();
    let fixed = r#"(component (core module $m (func (export "f") (param i32)))
      (core instance $i (instantiate $m))
      (core module $a (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (unreachable)))
      (core instance $a (instantiate $a))
      (type $t (list u64 100000000))
      (func (export "f") (param "x" (tuple $t $t $t $t $t $t))
        (canon lift (core func $i "f") (memory (core memory $a "memory")) (realloc (core func $a "realloc")))))"#;
    // Upstream itself may refuse it.
    if let Ok(instance) = host.instantiate(fixed) {
        let (found, text) = host.find(&instance, &["f"]).map(drop).unwrap_err();
        assert_eq!(found, Some(WASMTIME_ERROR_UNSUPPORTED), "{text}");
    }
    let mut deep = "u8".to_owned();
    for _ in 0..90 {
        deep = format!("(option {deep})");
    }
    let wat = format!(
        r#"(component {MEMORY}
          (core module $m (func (export "f") (param i32)))
          (core instance $i (instantiate $m))
          (func (export "f") (param "x" {deep}) (canon lift (core func $i "f") (memory $memory) (realloc $realloc))))"#
    );
    let instance = host.instantiate(&wat).unwrap();
    let func = host.func(&instance, &["f"]);
    host.call(&func, &[1; 91]).unwrap();

    // A list of 10 MB of what is wrapped in nothing but itself takes no longer than the list without the wrappers.
    let mut wrapped = "bool".to_owned();
    for _ in 0..90 {
        wrapped = format!("(tuple {wrapped})");
    }
    let wat = format!(
        r#"(component
          (core module $m (memory (export "memory") 160) (func (export "f") (result i32)
            (i32.store (i32.const 8) (i32.const 10000000)) (i32.const 4)))
          (core instance $i (instantiate $m))
          (func (export "f") (result (list {wrapped}))
            (canon lift (core func $i "f") (memory (core memory $i "memory")))))"#
    );
    let instance = host.instantiate(&wat).unwrap();
    let func = host.func(&instance, &["f"]);
    let start = std::time::Instant::now();
    assert_eq!(host.call(&func, &[]).unwrap().len(), 10_000_008);
    // Nine hundred million steps take longer.
    assert!(start.elapsed() < std::time::Duration::from_secs(8), "{:?}", start.elapsed());
}

/// A thread keeps the plans of large types, since it would take longer to make them than the guest's whole call, and
/// those of any number of functions do not add up.
#[test]
fn plans_of_large_types() {
    const FIELDS: usize = 9_000;
    let fields: String = (0..FIELDS).map(|i| format!(r#"(field "f{i}" u8) "#)).collect();
    // With so many fields, all that is passed is a pointer.
    let functions = 32;
    let each = |make: &dyn Fn(usize) -> String| -> String { (0..functions).map(make).collect() };
    let wat = format!(
        r#"(component {MEMORY}
          (type $large' (record {fields}))
          (import "t" (type $large (eq $large')))
          {imports} {lowered}
          (core module $m {core_imports} {exports})
          (core instance $i (instantiate $m (with "" (instance {given}))))
          {lifted})"#,
        imports = each(&|i| {
            let (open, close) = ("(list ".repeat(i + 1), ")".repeat(i + 1));
            format!(r#"(import "h{i}" (func $h{i} (param "x" $large) (param "y" {open}u8{close})))"#)
        }),
        lowered = each(&|i| format!(r#"(core func $l{i} (canon lower (func $h{i}) (memory $memory)))"#)),
        core_imports = each(&|i| format!(r#"(import "" "h{i}" (func $h{i} (param i32)))"#)),
        exports = each(&|i| format!(r#"(func (export "f{i}") (call $h{i} (i32.const 1024)))"#)),
        given = each(&|i| format!(r#"(export "h{i}" (func $l{i}))"#)),
        lifted = each(&|i| format!(r#"(func (export "f{i}") (canon lift (core func $i "f{i}")))"#)),
    );
    let mut host = Host::new();
    for i in 0..functions {
        host.define(&[&format!("h{i}")], |served| {
            assert!(served.message().len() >= FIELDS);
            Ok(Vec::new())
        });
    }
    let instance = host.instantiate(&wat).unwrap();
    let made = || plans::MADE.get();
    for i in 0..functions {
        let func = host.func(&instance, &[&format!("f{i}")]);
        host.call(&func, &[]).unwrap();
        let before = made();
        host.call(&func, &[]).unwrap();
        assert_eq!(made(), before, "a plan was made for a call");
        assert!(plans::weight() <= 2 * plan::MOST);
    }
}

/// A guest chooses how long its messages are; a thread does not keep memory for long ones.
#[test]
fn threads_keep_little() {
    let wat = r#"(component
      (import "h" (func $h (param "s" (list u8))))
      (core module $a (memory (export "memory") 200))
      (core instance $a (instantiate $a))
      (core func $l (canon lower (func $h) (memory (core memory $a "memory"))))
      (core module $m (import "" "h" (func $h (param i32 i32)))
        (func (export "f") (param i32) (call $h (i32.const 0) (local.get 0))))
      (core instance $i (instantiate $m (with "" (instance (export "h" (func $l))))))
      (func (export "f") (param "x" u32) (canon lift (core func $i "f"))))"#;
    let mut host = Host::new();
    host.define(&["h"], |_| Ok(Vec::new()));
    let instance = host.instantiate(wat).unwrap();
    let func = host.func(&instance, &["f"]);
    host.call(&func, &100_000_u32.to_le_bytes()).unwrap();
    let usual = host::kept();
    assert!(usual >= 100_000, "{usual}");
    host.call(&func, &10_000_000_u32.to_le_bytes()).unwrap();
    assert!(host::kept() <= 4 << 20, "{} bytes are kept", host::kept());
}
