//! Descriptions.

use super::*;
use wasmtime_c_api::wasm_byte_vec_t;

fn described(wat: &str) -> Vec<u8> {
    let host = Host::with(|_| {});
    let component = host.compile(wat).unwrap();
    let mut out = wasm_byte_vec_t::from(Vec::new());
    failed(wasmtime_binding_component_describe(&component, &mut out)).unwrap();
    out.as_slice().to_vec()
}

/// Reads a description into text, a line for each thing.
struct Reader<'a>(&'a [u8], Vec<String>);

impl Reader<'_> {
    fn byte(&mut self) -> u8 {
        let (byte, rest) = self.0.split_first().unwrap();
        self.0 = rest;
        *byte
    }

    fn number(&mut self) -> u32 {
        let (bytes, rest) = self.0.split_first_chunk().unwrap();
        self.0 = rest;
        u32::from_le_bytes(*bytes)
    }

    fn str(&mut self) -> String {
        let n = self.number() as usize;
        let (text, rest) = self.0.split_at(n);
        self.0 = rest;
        String::from_utf8(text.to_vec()).unwrap()
    }

    fn many(&mut self, each: impl Fn(&mut Self) -> String) -> String {
        let n = self.number();
        (0..n).map(|_| each(self)).collect::<Vec<_>>().join(", ")
    }

    /// The text of a type before.
    fn ty(&mut self) -> String {
        let n = self.number() as usize;
        self.1[n].clone()
    }

    fn optional(&mut self) -> String {
        if self.byte() == 0 { "_".into() } else { self.ty() }
    }

    fn named(&mut self) -> String {
        format!("{}: {}", self.str(), self.ty())
    }

    fn definition(&mut self) -> String {
        const SIMPLE: [&str; 13] =
            ["bool", "s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64", "f32", "f64", "char", "string"];
        match self.byte() {
            n @ 0..=12 => SIMPLE[n as usize].into(),
            13 => format!("list<{}>", self.ty()),
            14 => format!("map<{}, {}>", self.ty(), self.ty()),
            15 => format!("list<{}, {}>", self.ty(), self.number()),
            16 => format!("record {{{}}}", self.many(Self::named)),
            17 => format!("tuple<{}>", self.many(Self::ty)),
            18 => format!("variant {{{}}}", self.many(|r| format!("{}({})", r.str(), r.optional()))),
            19 => format!("enum {{{}}}", self.many(Self::str)),
            20 => format!("option<{}>", self.ty()),
            21 => format!("result<{}, {}>", self.optional(), self.optional()),
            22 => format!("flags {{{}}}", self.many(Self::str)),
            23 => format!("own<{}>", self.number()),
            24 => format!("borrow<{}>", self.number()),
            25 => format!("future<{}>", self.optional()),
            26 => format!("stream<{}>", self.optional()),
            27 => "error-context".into(),
            n => panic!("type {n}"),
        }
    }

    fn item(&mut self) -> String {
        let name = self.str();
        let item = match self.byte() {
            0 => {
                let kind = if self.byte() == 1 { "async func" } else { "func" };
                format!("{kind}({}) -> {}", self.many(Self::named), self.optional())
            }
            1 => format!("{{{}}}", self.many(Self::item)),
            2 => "component".into(),
            3 => "core module".into(),
            4 => "core func".into(),
            5 => format!("resource {}", self.number()),
            6 => format!("type {}", self.ty()),
            n => panic!("item {n}"),
        };
        format!("{name} = {item}")
    }
}

fn text(wat: &str) -> (String, String, String) {
    let bytes = described(wat);
    let mut reader = Reader(&bytes, Vec::new());
    let resources = reader.many(|r| format!("{} {}", r.byte(), r.str()));
    for _ in 0..reader.number() {
        let ty = reader.definition();
        reader.1.push(ty);
    }
    let (imports, exports) = (reader.many(Reader::item), reader.many(Reader::item));
    assert!(reader.0.is_empty());
    // A type has one number.
    let mut types = reader.1.clone();
    types.sort();
    types.dedup();
    assert_eq!(types.len(), reader.1.len(), "{:?}", reader.1);
    (resources, imports, exports)
}

#[test]
fn everything() {
    let (resources, imports, exports) = text(
        r#"(component
          (import "a:b/c@1.2.3" (instance
            (export "res" (type $res (sub resource)))
            (type $r (record (field "x" u32) (field "y" (list string)))) (export "r" (type $r' (eq $r)))
            (export "f" (func (param "r" (borrow $res)) (param "s" $r') (result (option $r'))))))
          (import "m" (core module (export "f" (func))))
          (import "g" (func (param "a" (tuple bool s8 u8 s16 u16 s32 u32 s64 u64 f32 f64 char))
            (param "m" (map string (list u8 4))) (result (result (error (result u8))))))
          (type $own' (resource (rep i32))) (export $own "own" (type $own'))
          (type $v (variant (case "p") (case "q" (own $own)))) (export "v" (type $v))
          (type $e (enum "one" "two")) (export "e" (type $e))
          (type $f (flags "red" "green")) (export "f" (type $f)))"#,
    );
    assert_eq!(resources, "0 res, 1 own");
    assert_eq!(
        imports,
        "a:b/c@1.2.3 = {res = resource 0, r = type record {x: u32, y: list<string>}, \
         f = func(r: borrow<0>, s: record {x: u32, y: list<string>}) -> option<record {x: u32, y: list<string>}>}, \
         m = core module, \
         g = func(a: tuple<bool, s8, u8, s16, u16, s32, u32, s64, u64, f32, f64, char>, m: map<string, list<u8, 4>>) \
         -> result<_, result<u8, _>>"
    );
    assert_eq!(
        exports,
        "own = resource 1, v = type variant {p(_), q(own<1>)}, e = type enum {one, two}, \
         f = type flags {red, green}"
    );
}

#[test]
fn what_is_asynchronous() {
    if cfg!(feature = "component-model-async") {
        let (_, imports, _) =
            text(r#"(component (import "f" (func async (param "s" (stream u8)) (result (future)))))"#);
        assert_eq!(imports, "f = async func(s: stream<u8>) -> future<_>");
    }
}

/// The same resource under two names is one; two resources of one name are two.
#[test]
fn resources() {
    let (resources, imports, _) = text(
        r#"(component
          (import "a" (instance $a (export "r" (type (sub resource)))))
          (alias export $a "r" (type $r))
          (import "b" (instance $b (alias outer 1 $r (type $r)) (export "r" (type (eq $r)))
            (export "q" (type (sub resource))))))"#,
    );
    assert_eq!(resources, "0 r, 0 q");
    assert_eq!(imports, "a = {r = resource 0}, b = {r = resource 0, q = resource 1}");
}
