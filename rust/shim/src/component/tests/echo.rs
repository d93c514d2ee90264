//! Every type in each position: as an export's argument and result, and as a host function's, flat and in memory.

use super::values::{Random, Ty, Val, message, read};
use super::*;

/// A component with a function `through` that calls the host's `h` with its argument and returns the result.
fn component(ty: &Ty, encoding: &str) -> String {
    let mut names = String::new();
    let text = ty.text(&mut names, &mut 0);
    let flat = ty.flat();
    let params = if flat.len() > 16 { vec!["i32"] } else { flat.clone() };
    let gets: String = (0..params.len()).map(|i| format!("(local.get {i})")).collect();
    let params = params.join(" ");
    let options = format!("(memory $memory) (realloc $realloc) string-encoding={encoding}");
    // A result that is more than one core value goes to memory that the caller has chosen.
    let (result, retptr, call) = match flat.len() {
        1 => (flat[0], "", format!("(call $h {gets})")),
        _ => ("i32", "i32", format!("(call $h {gets} (i32.const 65536)) (i32.const 65536)")),
    };
    let imported = if flat.len() == 1 { format!("(result {result})") } else { String::new() };
    format!(
        r#"(component
          {names}
          (import "h" (func $h (param "x" {text}) (result {text})))
          {MEMORY}
          (core func $lowered (canon lower (func $h) {options}))
          (core module $m
            (import "" "h" (func $h (param {params}) (param {retptr}) {imported}))
            (func (export "through") (param {params}) (result {result}) {call}))
          (core instance $i (instantiate $m (with "" (instance (export "h" (func $lowered))))))
          (func (export "through") (param "x" {text}) (result {text})
            (canon lift (core func $i "through") {options} (post-return $reset{result}))))"#
    )
}

/// A memory with an allocator that is reset after each call.
pub(super) const MEMORY: &str = r#"
  (core module $allocator
    (memory (export "memory") 4)
    (global $next (mut i32) (i32.const 131072))
    (func (export "realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
                              (i32.sub (i32.const 0) (local.get $align))))
      (global.set $next (i32.add (local.get $at) (local.get $new)))
      (block $enough
        (br_if $enough (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
        (drop (memory.grow (i32.add (i32.shr_u (local.get $new) (i32.const 16)) (i32.const 1)))))
      (memory.copy (local.get $at) (local.get $old)
        (select (local.get $size) (local.get $new) (i32.lt_u (local.get $size) (local.get $new))))
      (memory.fill (i32.add (local.get $at) (local.get $size)) (i32.const 0xa5)
        (select (i32.sub (local.get $new) (local.get $size)) (i32.const 0) (i32.gt_u (local.get $new) (local.get $size))))
      (local.get $at))
    (func $reset (global.set $next (i32.const 131072)))
    (func (export "reseti32") (param i32) (call $reset))
    (func (export "reseti64") (param i64) (call $reset))
    (func (export "resetf32") (param f32) (call $reset))
    (func (export "resetf64") (param f64) (call $reset)))
  (core instance $a (instantiate $allocator))
  (alias core export $a "memory" (core memory $memory))
  (alias core export $a "realloc" (core func $realloc))
  (alias core export $a "reseti32" (core func $reseti32))
  (alias core export $a "reseti64" (core func $reseti64))
  (alias core export $a "resetf32" (core func $resetf32))
  (alias core export $a "resetf64" (core func $resetf64))
"#;

/// Sends values of a type through a component.
fn send(host: &Host, ty: &Ty, encoding: &str, values: &[Val]) {
    let instance = host.instantiate(&component(ty, encoding)).unwrap_or_else(|e| panic!("{ty:?}: {e:?}"));
    let func = host.func(&instance, &["through"]);
    for value in values {
        let results = host.call(&func, &message(ty, value)).unwrap_or_else(|e| panic!("{ty:?}, {value:?}: {e:?}"));
        assert_eq!(&read(ty, &results, 0), value, "{ty:?} in {encoding}");
    }
}

fn echoing(host: &mut Host) {
    host.define(&["h"], |served| Ok(served.message().to_vec()));
}

/// A type of each kind, alone, in lists, in variants, in records.
fn each() -> Vec<Ty> {
    let mut simple = vec![
        Ty::Bool,
        Ty::S8,
        Ty::U8,
        Ty::S16,
        Ty::U16,
        Ty::S32,
        Ty::U32,
        Ty::S64,
        Ty::U64,
        Ty::F32,
        Ty::F64,
        Ty::Char,
        Ty::String,
        Ty::List(Box::new(Ty::U8)),
        Ty::List(Box::new(Ty::String)),
        Ty::Map(Box::new(Ty::String), Box::new(Ty::F64)),
        Ty::Fixed(Box::new(Ty::U16), 3),
        Ty::Fixed(Box::new(Ty::String), 20),
        Ty::Record(vec![Ty::U8, Ty::F64, Ty::String, Ty::Bool]),
        Ty::Record(vec![Ty::U64; 20]),
        Ty::Tuple(vec![Ty::U32, Ty::F64]),
        Ty::Variant(vec![Some(Ty::U32), Some(Ty::F32), Some(Ty::String), None, Some(Ty::S64), Some(Ty::F64)]),
        Ty::Variant(vec![Some(Ty::S8), Some(Ty::F32)]),
        Ty::Enum(3),
        Ty::Enum(257),
        Ty::Option(Box::new(Ty::U8)),
        Ty::Option(Box::new(Ty::Option(Box::new(Ty::String)))),
        Ty::Result(Some(Box::new(Ty::S8)), Some(Box::new(Ty::F64))),
        Ty::Result(None, Some(Box::new(Ty::String))),
        Ty::Result(None, None),
        Ty::Tuple(vec![Ty::Tuple(vec![Ty::Record(vec![Ty::Bool])])]),
        Ty::Fixed(Box::new(Ty::Record(vec![Ty::String])), 1),
        Ty::Flags(1),
        Ty::Flags(9),
        Ty::Flags(17),
        Ty::Flags(32),
    ];
    let mut all = simple.clone();
    for ty in simple.drain(..) {
        all.push(Ty::List(Box::new(ty.clone())));
        all.push(Ty::Variant(vec![None, Some(ty.clone()), Some(Ty::F32)]));
        all.push(Ty::Tuple(vec![Ty::U8, ty, Ty::U8]));
    }
    all
}

#[test]
fn each_type_in_each_position() {
    for encoding in ["utf8", "utf16", "latin1+utf16"] {
        let mut host = Host::new();
        echoing(&mut host);
        let mut random = Random(1);
        for ty in each().into_iter().filter(|ty| encoding == "utf8" || format!("{ty:?}").contains("String")) {
            let values: Vec<_> = (0..8).map(|_| ty.value(&mut random)).collect();
            send(&host, &ty, encoding, &values);
        }
    }
}

#[test]
fn the_same_with_concurrency() {
    if cfg!(feature = "component-model-async") {
        let mut host = Host::with(|_| {});
        echoing(&mut host);
        let mut random = Random(2);
        for ty in each().into_iter().step_by(3) {
            let values: Vec<_> = (0..3).map(|_| ty.value(&mut random)).collect();
            send(&host, &ty, "utf8", &values);
        }
    }
}

/// `WASMTIME_EXT_TYPES` says how many types are tried.
#[test]
fn random_types() {
    let count = std::env::var("WASMTIME_EXT_TYPES").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    for seed in 1..=count {
        let mut random = Random(seed);
        random.next();
        let ty = Ty::random(&mut random, 3);
        if ty.layout().0 > 30_000 {
            continue;
        }
        let mut host = Host::new();
        echoing(&mut host);
        let values: Vec<_> = (0..10).map(|_| ty.value(&mut random)).collect();
        let encoding = ["utf8", "utf16", "latin1+utf16"][seed as usize % 3];
        println!("seed {seed}: {ty:?}");
        send(&host, &ty, encoding, &values);
    }
}

/// Nothing of the host's but values reaches a guest: not what lies between them.
#[test]
fn padding_is_no_business_of_guests() {
    let pair = Ty::Tuple(vec![Ty::U8, Ty::U32]);
    let types = [
        (pair.clone(), vec![1, 0xee, 0xee, 0xee, 2, 0, 0, 0], vec![1, 0, 0, 0, 2, 0, 0, 0]),
        (Ty::Option(Box::new(Ty::U32)), vec![0, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee], vec![0; 8]),
        (Ty::Option(Box::new(Ty::U8)), vec![0, 0xee], vec![0; 2]),
        (Ty::Variant(vec![Some(Ty::U8), Some(Ty::Tuple(vec![Ty::U8, Ty::U8]))]), vec![0, 7, 0xee], vec![0, 7, 0]),
        (
            Ty::Fixed(Box::new(pair), 2),
            vec![1, 0xee, 0xee, 0xee, 2, 0, 0, 0, 3, 0xee, 0xee, 0xee, 4, 0, 0, 0],
            vec![1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0],
        ),
    ];
    for (ty, given, seen) in types {
        let mut names = String::new();
        let text = ty.text(&mut names, &mut 0);
        let n = 3;
        let bytes = given.len() * n;
        let wat = format!(
            r#"(component {names} {MEMORY}
              (core module $m (import "" "memory" (memory 1))
                (func (export "bytes") (param i32 i32) (result i32)
                  (i32.store (i32.const 65536) (local.get 0))
                  (i32.store (i32.const 65540) (i32.const {bytes})) (i32.const 65536)))
              (core instance $i (instantiate $m (with "" (instance (export "memory" (memory $memory))))))
              (func (export "bytes") (param "x" (list {text})) (result (list u8))
                (canon lift (core func $i "bytes") (memory $memory) (realloc $realloc))))"#
        );
        let host = Host::new();
        let instance = host.instantiate(&wat).unwrap();
        let func = host.func(&instance, &["bytes"]);
        let mut message = vec![8, 0, 0, 0, n as u8, 0, 0, 0];
        (0..n).for_each(|_| message.extend(&given));
        let results = host.call(&func, &message).unwrap();
        assert_eq!(results[8..], seen.repeat(n), "{ty:?}");
        // The same from a segment.
        let segment = given.repeat(n);
        // SAFETY: the store is the test's own.
        let results = unsafe {
            let frame = &raw mut (*host.store).component;
            call(frame, &func, &[0, 0, 0, 0x80, n as u8, 0, 0, 0], &[&segment]).unwrap()
        };
        assert_eq!(results[8..], seen.repeat(n), "{ty:?}");
    }
}

/// Long lists and strings, in the message and beside it.
#[test]
fn long_messages() {
    let host = {
        let mut host = Host::new();
        echoing(&mut host);
        host
    };
    let ty = Ty::Tuple(vec![Ty::List(Box::new(Ty::U8)), Ty::String]);
    let instance = host.instantiate(&component(&ty, "utf8")).unwrap();
    let func = host.func(&instance, &["through"]);
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|i| i as u8).collect();
    let text = "à".repeat(500_000);
    let mut given = Vec::new();
    for (i, len) in [bytes.len(), text.len()].into_iter().enumerate() {
        given.extend((0x8000_0000_u32 | i as u32).to_le_bytes());
        given.extend((len as u32).to_le_bytes());
    }
    for _ in 0..3 {
        // SAFETY: the store is the test's own.
        let results =
            unsafe { call(&raw mut (*host.store).component, &func, &given, &[&bytes, text.as_bytes()]).unwrap() };
        let value = Val::Parts(vec![
            Val::Parts(bytes.iter().map(|byte| Val::Bits(u64::from(*byte))).collect()),
            Val::Text(text.clone()),
        ]);
        assert!(read(&ty, &results, 0) == value);
    }
}

/// A list of numbers in the results goes to memory of the caller's, if there is some and it suffices.
#[test]
fn a_list_in_the_callers_memory() {
    let host = {
        let mut host = Host::new();
        echoing(&mut host);
        host
    };
    let list = |element: Ty| Ty::List(Box::new(element));
    let ty = Ty::Tuple(vec![list(Ty::Bool), list(Ty::Tuple(vec![Ty::U8, Ty::U32])), list(Ty::U8)]);
    let instance = host.instantiate(&component(&ty, "utf8")).unwrap();
    let func = host.func(&instance, &["through"]);
    let pairs = [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0];
    let mut given = Vec::new();
    for word in [24_u32, 2, 32, 2, 48, 3] {
        given.extend(word.to_le_bytes());
    }
    given.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    given.extend(pairs);
    given.extend([5, 6, 7]);
    const PLACED: u32 = 0x8000_0000;
    for (capacity, first, second) in [(0, false, false), (16, true, false), (15, false, true), (2, false, false)] {
        let mut memory = [0xaa; 16];
        // SAFETY: the store is the test's own.
        let results = unsafe {
            let frame = &raw mut (*host.store).component;
            (*frame).list = memory.as_mut_ptr();
            (*frame).list_capacity = capacity;
            let results = call(frame, &func, &given, &[]).unwrap();
            (*frame).list = std::ptr::null_mut();
            results
        };
        let pointer = |at: usize| u32::from_le_bytes(*results[at..].first_chunk().unwrap());
        assert_eq!((pointer(0) == PLACED, pointer(8) == PLACED, pointer(16) == PLACED), (false, first, second));
        let bytes = |at: usize, len: usize| match pointer(at) {
            PLACED => memory[..len].to_vec(),
            start => results[start as usize..][..len].to_vec(),
        };
        assert_eq!(
            (bytes(0, 2), bytes(8, 16), bytes(16, 3)),
            (vec![1, 0], pairs.to_vec(), vec![5, 6, 7]),
            "{capacity}"
        );
        let used = if first {
            16
        } else if second {
            3
        } else {
            0
        };
        assert!(memory[used..].iter().all(|byte| *byte == 0xaa));
    }
}
