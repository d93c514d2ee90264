//! A second, slow codec to test the first with: types, values and messages of its own.

use std::fmt::Write as _;

/// A type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ty {
    Bool,
    S8,
    U8,
    S16,
    U16,
    S32,
    U32,
    S64,
    U64,
    F32,
    F64,
    Char,
    String,
    List(Box<Ty>),
    Map(Box<Ty>, Box<Ty>),
    Fixed(Box<Ty>, u32),
    Record(Vec<Ty>),
    Tuple(Vec<Ty>),
    Variant(Vec<Option<Ty>>),
    Enum(u32),
    Option(Box<Ty>),
    Result(Option<Box<Ty>>, Option<Box<Ty>>),
    Flags(u32),
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Val {
    /// A number in as many bytes as its type has, a bool, a char, or flags.
    Bits(u64),
    Text(String),
    /// The parts of a list, a record or a tuple.
    Parts(Vec<Val>),
    Case(u32, Option<Box<Val>>),
}

/// Numbers at random, the same for the same seed.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(super) fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n
    }
}

impl Ty {
    pub(super) fn random(random: &mut Random, depth: u32) -> Ty {
        let kinds = if depth == 0 { 13 } else { 23 };
        let boxed = |random: &mut Random| Box::new(Ty::random(random, depth - 1));
        match random.below(kinds) {
            0 => Ty::Bool,
            1 => Ty::S8,
            2 => Ty::U8,
            3 => Ty::S16,
            4 => Ty::U16,
            5 => Ty::S32,
            6 => Ty::U32,
            7 => Ty::S64,
            8 => Ty::U64,
            9 => Ty::F32,
            10 => Ty::F64,
            11 => Ty::Char,
            12 => Ty::String,
            13 => Ty::List(boxed(random)),
            14 => {
                let keys = [Ty::Bool, Ty::U8, Ty::S16, Ty::U32, Ty::S64, Ty::Char, Ty::String];
                Ty::Map(Box::new(keys[random.below(7) as usize].clone()), boxed(random))
            }
            15 => Ty::Fixed(boxed(random), 1 + random.below(4) as u32),
            16 => Ty::Record(Ty::several(random, depth, 5)),
            17 => Ty::Tuple(Ty::several(random, depth, 5)),
            18 => {
                let cases = 1 + random.below(5);
                let case = |random: &mut Random| (random.below(3) > 0).then(|| Ty::random(random, depth - 1));
                Ty::Variant((0..cases).map(|_| case(random)).collect())
            }
            19 => Ty::Enum(if random.below(8) == 0 { 300 } else { 1 + random.below(6) as u32 }),
            20 => Ty::Option(boxed(random)),
            21 => {
                let half = |random: &mut Random| (random.below(3) > 0).then(|| boxed(random));
                Ty::Result(half(random), half(random))
            }
            _ => Ty::Flags(1 + random.below(32) as u32),
        }
    }

    fn several(random: &mut Random, depth: u32, most: u64) -> Vec<Ty> {
        (0..1 + random.below(most)).map(|_| Ty::random(random, depth - 1)).collect()
    }

    pub(super) fn value(&self, random: &mut Random) -> Val {
        let few = |random: &mut Random| if random.below(20) == 0 { 40 } else { random.below(4) };
        match self {
            Ty::Bool => Val::Bits(random.below(2)),
            Ty::S8 | Ty::U8 => Val::Bits(random.next() & 0xff),
            Ty::S16 | Ty::U16 => Val::Bits(random.next() & 0xffff),
            Ty::S32 | Ty::U32 | Ty::F32 => Val::Bits(random.next() & 0xffff_ffff),
            Ty::S64 | Ty::U64 | Ty::F64 => Val::Bits(random.next()),
            Ty::Char => Val::Bits(letter(random) as u64),
            Ty::String => Val::Text((0..few(random)).map(|_| letter(random)).collect()),
            Ty::List(element) => Val::Parts((0..few(random)).map(|_| element.value(random)).collect()),
            Ty::Map(key, value) => {
                let entry = |random: &mut Random| Val::Parts(vec![key.value(random), value.value(random)]);
                Val::Parts((0..few(random)).map(|_| entry(random)).collect())
            }
            Ty::Fixed(element, n) => Val::Parts((0..*n).map(|_| element.value(random)).collect()),
            Ty::Record(types) | Ty::Tuple(types) => Val::Parts(types.iter().map(|ty| ty.value(random)).collect()),
            Ty::Flags(n) => Val::Bits(random.next() & ((1 << n) - 1)),
            _ => {
                let cases = self.cases();
                let case = random.below(cases.len() as u64) as usize;
                Val::Case(case as u32, cases[case].map(|ty| Box::new(ty.value(random))))
            }
        }
    }

    /// The payloads of whatever has cases.
    fn cases(&self) -> Vec<Option<&Ty>> {
        match self {
            Ty::Variant(cases) => cases.iter().map(Option::as_ref).collect(),
            Ty::Enum(n) => vec![None; *n as usize],
            Ty::Option(ty) => vec![None, Some(ty)],
            Ty::Result(ok, err) => vec![ok.as_deref(), err.as_deref()],
            _ => panic!("{self:?} has no cases"),
        }
    }

    /// The types of whatever has fields.
    fn fields(&self) -> Vec<&Ty> {
        match self {
            Ty::Record(types) | Ty::Tuple(types) => types.iter().collect(),
            Ty::Map(key, value) => vec![key, value],
            Ty::Fixed(ty, n) => vec![&**ty; *n as usize],
            _ => panic!("{self:?} has no fields"),
        }
    }

    /// Size and alignment.
    pub(super) fn layout(&self) -> (usize, usize) {
        match self {
            Ty::Bool | Ty::S8 | Ty::U8 => (1, 1),
            Ty::S16 | Ty::U16 => (2, 2),
            Ty::S32 | Ty::U32 | Ty::F32 | Ty::Char => (4, 4),
            Ty::S64 | Ty::U64 | Ty::F64 => (8, 8),
            Ty::String | Ty::List(_) | Ty::Map(..) => (8, 4),
            Ty::Record(_) | Ty::Tuple(_) | Ty::Fixed(..) => laid(&self.fields()).1,
            Ty::Flags(n) => match n {
                0..=8 => (1, 1),
                9..=16 => (2, 2),
                _ => (4, 4),
            },
            _ => {
                let cases = self.cases();
                let head = head(cases.len());
                let layouts = cases.iter().flatten().map(|ty| ty.layout());
                let (size, align) = layouts.fold((0, head), |a, b| (a.0.max(b.0), a.1.max(b.1)));
                ((head.next_multiple_of(align) + size).next_multiple_of(align), align)
            }
        }
    }

    /// The core types of an argument.
    pub(super) fn flat(&self) -> Vec<&'static str> {
        match self {
            Ty::S64 | Ty::U64 => vec!["i64"],
            Ty::F32 => vec!["f32"],
            Ty::F64 => vec!["f64"],
            Ty::String | Ty::List(_) | Ty::Map(..) => vec!["i32"; 2],
            Ty::Record(_) | Ty::Tuple(_) | Ty::Fixed(..) => self.fields().iter().flat_map(|ty| ty.flat()).collect(),
            Ty::Variant(_) | Ty::Enum(_) | Ty::Option(_) | Ty::Result(..) => {
                let mut all: Vec<&'static str> = Vec::new();
                for case in self.cases().into_iter().flatten() {
                    for (i, core) in case.flat().into_iter().enumerate() {
                        match all.get_mut(i) {
                            None => all.push(core),
                            Some(other) if *other == core => {}
                            Some(other) if matches!((*other, core), ("i32", "f32") | ("f32", "i32")) => *other = "i32",
                            Some(other) => *other = "i64",
                        }
                    }
                }
                all.insert(0, "i32");
                all
            }
            _ => vec!["i32"],
        }
    }

    /// The type in the text format. Those that need a name are added to `names`.
    pub(super) fn text(&self, names: &mut String, count: &mut u32) -> String {
        let list = |types: &[Ty], names: &mut String, count: &mut u32| {
            types.iter().map(|ty| ty.text(names, count)).collect::<Vec<_>>().join(" ")
        };
        let defined = match self {
            Ty::Bool => return "bool".into(),
            Ty::S8 => return "s8".into(),
            Ty::U8 => return "u8".into(),
            Ty::S16 => return "s16".into(),
            Ty::U16 => return "u16".into(),
            Ty::S32 => return "s32".into(),
            Ty::U32 => return "u32".into(),
            Ty::S64 => return "s64".into(),
            Ty::U64 => return "u64".into(),
            Ty::F32 => return "f32".into(),
            Ty::F64 => return "f64".into(),
            Ty::Char => return "char".into(),
            Ty::String => return "string".into(),
            Ty::List(ty) => return format!("(list {})", ty.text(names, count)),
            Ty::Map(key, value) => return format!("(map {} {})", key.text(names, count), value.text(names, count)),
            Ty::Fixed(ty, n) => return format!("(list {} {n})", ty.text(names, count)),
            Ty::Tuple(types) => return format!("(tuple {})", list(types, names, count)),
            Ty::Option(ty) => return format!("(option {})", ty.text(names, count)),
            Ty::Result(ok, err) => {
                let ok = ok.as_ref().map_or(String::new(), |ty| ty.text(names, count));
                let err = err.as_ref().map_or(String::new(), |ty| format!("(error {})", ty.text(names, count)));
                return format!("(result {ok} {err})");
            }
            Ty::Record(types) => {
                let field = |(i, ty): (usize, &Ty)| format!("(field \"f{i}\" {})", ty.text(names, count));
                format!("(record {})", types.iter().enumerate().map(field).collect::<Vec<_>>().join(" "))
            }
            Ty::Variant(cases) => {
                let case = |(i, ty): (usize, &Option<Ty>)| {
                    let payload = ty.as_ref().map_or(String::new(), |ty| ty.text(names, count));
                    format!("(case \"c{i}\" {payload})")
                };
                format!("(variant {})", cases.iter().enumerate().map(case).collect::<Vec<_>>().join(" "))
            }
            Ty::Enum(n) => format!("(enum {})", (0..*n).map(|i| format!("\"e{i}\"")).collect::<Vec<_>>().join(" ")),
            Ty::Flags(n) => format!("(flags {})", (0..*n).map(|i| format!("\"l{i}\"")).collect::<Vec<_>>().join(" ")),
        };
        *count += 1;
        let n = *count;
        let _ = writeln!(names, "(type $d{n} {defined}) (import \"t{n}\" (type $t{n} (eq $d{n})))");
        format!("$t{n}")
    }
}

/// The offsets of fields, and the size and the alignment of all.
fn laid(types: &[&Ty]) -> (Vec<usize>, (usize, usize)) {
    let (mut end, mut largest) = (0_usize, 1);
    let mut offsets = Vec::new();
    for ty in types {
        let (size, align) = ty.layout();
        let at = end.next_multiple_of(align);
        offsets.push(at);
        end = at + size;
        largest = largest.max(align);
    }
    (offsets, (end.next_multiple_of(largest), largest))
}

/// The size of a discriminant.
fn head(cases: usize) -> usize {
    match cases {
        0..=256 => 1,
        257..=65_536 => 2,
        _ => 4,
    }
}

fn letter(random: &mut Random) -> char {
    const ODD: &[char] = &['\0', 'é', 'ÿ', 'Ā', '€', '\u{d7ff}', '\u{e000}', '\u{ffff}', '😀', '\u{10ffff}'];
    match random.below(4) {
        0 => ODD[random.below(ODD.len() as u64) as usize],
        // Latin, but not all of it is ASCII.
        1 => char::from(random.next() as u8),
        _ => char::from(b'a' + random.below(26) as u8),
    }
}

/// Writes a value as the tuple's only field.
pub(super) fn message(ty: &Ty, value: &Val) -> Vec<u8> {
    let mut out = vec![0; ty.layout().0];
    write(ty, value, &mut out, 0);
    out
}

fn write(ty: &Ty, value: &Val, out: &mut Vec<u8>, at: usize) {
    let (size, _) = ty.layout();
    match (ty, value) {
        (_, Val::Bits(bits)) => out[at..at + size].copy_from_slice(&bits.to_le_bytes()[..size]),
        (_, Val::Text(text)) => {
            let start = out.len();
            out.extend(text.as_bytes());
            pair(out, at, start, text.len());
        }
        (Ty::List(_) | Ty::Map(..), Val::Parts(parts)) => {
            let entry = match ty {
                Ty::List(element) => (**element).clone(),
                _ => Ty::Tuple(ty.fields().into_iter().cloned().collect()),
            };
            let size = entry.layout().0;
            let start = out.len();
            out.resize(start + size * parts.len(), 0);
            for (i, part) in parts.iter().enumerate() {
                write(&entry, part, out, start + i * size);
            }
            pair(out, at, start, parts.len());
        }
        (_, Val::Parts(parts)) => {
            let fields = ty.fields();
            for ((field, part), offset) in fields.iter().zip(parts).zip(laid(&fields).0) {
                write(field, part, out, at + offset);
            }
        }
        (_, Val::Case(case, payload)) => {
            let cases = ty.cases();
            let head = head(cases.len());
            out[at..at + head].copy_from_slice(&case.to_le_bytes()[..head]);
            if let Some(payload) = payload {
                let align = ty.layout().1;
                write(cases[*case as usize].unwrap(), payload, out, at + head.next_multiple_of(align));
            }
        }
    }
}

fn pair(out: &mut [u8], at: usize, start: usize, len: usize) {
    out[at..at + 4].copy_from_slice(&(start as u32).to_le_bytes());
    out[at + 4..at + 8].copy_from_slice(&(len as u32).to_le_bytes());
}

/// Reads a value, and checks that it is one, and that blocks are aligned.
pub(super) fn read(ty: &Ty, bytes: &[u8], at: usize) -> Val {
    let (size, align) = ty.layout();
    assert_eq!(at % align, 0, "{ty:?} at {at}");
    let number = |at: usize, size: usize| {
        let mut number = [0; 8];
        number[..size].copy_from_slice(&bytes[at..at + size]);
        u64::from_le_bytes(number)
    };
    match ty {
        Ty::String => {
            let (start, len) = (number(at, 4) as usize, number(at + 4, 4) as usize);
            Val::Text(String::from_utf8(bytes[start..start + len].to_vec()).unwrap())
        }
        Ty::List(_) | Ty::Map(..) => {
            let entry = match ty {
                Ty::List(element) => (**element).clone(),
                _ => Ty::Tuple(ty.fields().into_iter().cloned().collect()),
            };
            let (start, len) = (number(at, 4) as usize, number(at + 4, 4) as usize);
            Val::Parts((0..len).map(|i| read(&entry, bytes, start + i * entry.layout().0)).collect())
        }
        Ty::Record(_) | Ty::Tuple(_) | Ty::Fixed(..) => {
            let fields = ty.fields();
            let offsets = laid(&fields).0;
            Val::Parts(fields.iter().zip(offsets).map(|(field, offset)| read(field, bytes, at + offset)).collect())
        }
        Ty::Variant(_) | Ty::Enum(_) | Ty::Option(_) | Ty::Result(..) => {
            let cases = ty.cases();
            let head = head(cases.len());
            let case = number(at, head) as usize;
            let payload = cases[case].map(|ty| Box::new(read(ty, bytes, at + head.next_multiple_of(align))));
            Val::Case(case as u32, payload)
        }
        _ => {
            let bits = number(at, size);
            match ty {
                Ty::Bool => assert!(bits < 2),
                Ty::Char => assert!(char::from_u32(bits as u32).is_some()),
                Ty::Flags(n) => assert!(bits < 1 << n),
                _ => {}
            }
            Val::Bits(bits)
        }
    }
}
