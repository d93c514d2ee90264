//! What is to be known of a type to send its values: offsets, sizes, and what has to be looked at.

use crate::error::{ExtError, wasmtime_error_code_t};
use std::collections::HashMap;
use std::sync::Arc;
use wasmtime::component::__internal::wasmtime_environ::component::TypeResourceTableIndex;
use wasmtime::component::__internal::{ComponentTypes, InterfaceType};
use wasmtime::{Error, Result};

/// How deeply types may be nested. Upstream allows 100.
const DEEPEST: u32 = 128;

/// How many types, fields and cases the parameters or results of a function may have in all. A thread keeps plans of
/// twice as many (`plans.rs`), so it has room for any two.
pub(super) const MOST: usize = 65_536;

/// The size that a value's own block may have.
const LARGEST: u64 = 1 << 28;

/// Gaps are listed up to this number; a type with more is gone through field by field.
const GAPS: usize = 16;

/// The plan of a tuple of parameters or results.
pub(super) struct Plan {
    nodes: Box<[Node]>,
    /// The tuple's fields, if they are numbers and nothing else: the most frequent case has a way of its own.
    pub(super) numbers: Option<Box<[(u32, Number)]>>,
    /// The tables of the resources that the type names. Nodes refer to them by number.
    pub(super) resources: Box<[TypeResourceTableIndex]>,
    /// How much the plan holds, in types, fields and cases.
    pub(super) weight: usize,
}

/// The plan of one type.
pub(super) struct Node {
    pub(super) kind: Kind,
    /// The size of a value's block in bytes.
    pub(super) size: u32,
    pub(super) align: u32,
    /// How many core values it is as an argument; [`NEVER_FLAT`] if it is too large for that.
    pub(super) flat: u32,
    /// Every content of the block is a value: numbers, and tuples of them.
    pub(super) plain: bool,
    /// A value that was checked can be copied into a guest as it is: it holds no pointers, no handles, no padding.
    pub(super) exact: bool,
    /// The same but for padding, which is always at the same place: offset and length.
    pub(super) gaps: Option<Box<[(u32, u32)]>>,
}

pub(super) const NEVER_FLAT: u32 = u32::MAX;

/// The number of a node in its plan.
pub(super) type Id = u32;

/// A number in the number of bytes and the kind of extension that it takes to become a core value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Number {
    S8,
    U8,
    S16,
    U16,
    /// Four bytes.
    Word,
    /// Eight bytes.
    Long,
}

pub(super) enum Kind {
    Number(Number),
    Bool,
    Char,
    String,
    /// The element, and what the type is called.
    List(Id, &'static str),
    /// The element, and how many there are.
    Fixed(Id, u32),
    Record(Record),
    Variant(Variant),
    /// How many labels.
    Flags(u32),
    /// The number of the resource in the plan.
    Own(u32),
    Borrow(u32),
}

/// A record, a tuple, or the entry of a map.
pub(super) struct Record {
    pub(super) fields: Box<[Field]>,
    /// Padding of the record's own, not that in its fields: offset and length.
    pub(super) padding: Box<[(u32, u32)]>,
}

#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) at: u32,
    pub(super) node: Id,
    /// As in [`Node`].
    pub(super) plain: bool,
    pub(super) exact: bool,
}

/// A variant, an enum, an option or a result.
pub(super) struct Variant {
    /// The size of the discriminant in bytes.
    pub(super) size: u32,
    /// Where the payload begins.
    pub(super) payload: u32,
    pub(super) cases: Cases,
}

pub(super) enum Cases {
    /// None of so many has a payload.
    Bare(u32),
    Payloads(Box<[Option<Id>]>),
}

impl Cases {
    pub(super) fn len(&self) -> usize {
        match self {
            Cases::Bare(n) => *n as usize,
            Cases::Payloads(cases) => cases.len(),
        }
    }

    /// The payload of a case, or nothing if there is no such case.
    #[inline]
    pub(super) fn get(&self, case: u32) -> Option<Option<Id>> {
        match self {
            Cases::Bare(n) => (case < *n).then_some(None),
            Cases::Payloads(cases) => cases.get(case as usize).copied(),
        }
    }
}

impl Plan {
    /// The plan of a tuple. What cannot be sent is a `WASMTIME_ERROR_UNSUPPORTED`.
    pub(super) fn new(types: &ComponentTypes, tuple: InterfaceType) -> Result<Arc<Plan>> {
        let (nodes, resources) = (Vec::new(), Vec::new());
        let (known, numbers) = (HashMap::new(), HashMap::new());
        let mut builder = Builder { types, nodes, known, resources, numbers, weight: 0 };
        builder.node(tuple, 0)?;
        let Builder { nodes, resources, weight, .. } = builder;
        let numbers = match nodes.last() {
            Some(Node { kind: Kind::Record(record), flat, .. }) if *flat <= 16 => {
                let number = |field: &Field| match nodes[field.node as usize].kind {
                    Kind::Number(number) => Some((field.at, number)),
                    _ => None,
                };
                record.fields.iter().map(number).collect()
            }
            _ => None,
        };
        Ok(Arc::new(Plan { nodes: nodes.into(), numbers, resources: resources.into(), weight }))
    }

    #[inline]
    pub(super) fn node(&self, id: Id) -> &Node {
        &self.nodes[id as usize]
    }

    /// Whether a value may have pointers.
    pub(super) fn points(&self) -> bool {
        self.nodes.iter().any(|node| matches!(node.kind, Kind::String | Kind::List(..)))
    }

    /// The tuple itself.
    #[inline]
    pub(super) fn root(&self) -> &Node {
        // Types are numbered in the order in which they are complete.
        &self.nodes[self.nodes.len() - 1]
    }
}

struct Builder<'a> {
    types: &'a ComponentTypes,
    nodes: Vec<Node>,
    known: HashMap<InterfaceType, Id>,
    resources: Vec<TypeResourceTableIndex>,
    /// The number of each resource.
    numbers: HashMap<TypeResourceTableIndex, u32>,
    weight: usize,
}

/// What a type has, but for what the canonical ABI says of it.
struct Shape {
    kind: Kind,
    size: u64,
    align: u32,
    plain: bool,
    exact: bool,
    gaps: Option<Vec<(u32, u32)>>,
}

impl Shape {
    /// A value of `size` bytes without anything in it.
    fn scalar(kind: Kind, size: u32, plain: bool) -> Shape {
        Shape { kind, size: size.into(), align: size, plain, exact: true, gaps: Some(Vec::new()) }
    }

    /// A value that has to be gone through.
    fn reference(kind: Kind, size: u32) -> Shape {
        Shape { kind, size: size.into(), align: 4, plain: false, exact: false, gaps: None }
    }
}

impl Builder<'_> {
    fn node(&mut self, ty: InterfaceType, depth: u32) -> Result<Id> {
        if let Some(id) = self.known.get(&ty) {
            return Ok(*id);
        }
        if depth > DEEPEST {
            return Err(unsupported("a type is nested too deeply"));
        }
        // One field is laid out like the record that it is all of. So the work that a value makes is never more than
        // its size, however deeply a guest has wrapped it. The tuple itself stays what it is.
        if depth > 0
            && let Some(only) = self.only_field(ty)
        {
            let id = self.node(only, depth + 1)?;
            self.known.insert(ty, id);
            return Ok(id);
        }
        let shape = self.shape(ty, depth + 1)?;
        self.weigh(1)?;
        let abi = self.types.canonical_abi(&ty);
        // Upstream computes the size of a huge type in a way that may overflow.
        if shape.size > LARGEST || u64::from(abi.size32) != shape.size || abi.align32 != shape.align {
            return Err(unsupported("a type's values are too large"));
        }
        let flat = abi.flat_count.map_or(NEVER_FLAT, u32::from);
        let id = self.push(shape, flat);
        self.known.insert(ty, id);
        Ok(id)
    }

    /// The type of the only field of a record, a tuple or a list of fixed length.
    fn only_field(&self, ty: InterfaceType) -> Option<InterfaceType> {
        match ty {
            InterfaceType::Record(i) => match &*self.types[i].fields {
                [field] => Some(field.ty),
                _ => None,
            },
            InterfaceType::Tuple(i) => match &*self.types[i].types {
                [ty] => Some(*ty),
                _ => None,
            },
            InterfaceType::FixedLengthList(i) => {
                let list = &self.types[i];
                (list.size == 1).then_some(list.element)
            }
            _ => None,
        }
    }

    fn push(&mut self, shape: Shape, flat: u32) -> Id {
        let gaps = shape.gaps.filter(|gaps| gaps.len() <= GAPS).map(Vec::into_boxed_slice);
        let Shape { kind, size, align, plain, exact, .. } = shape;
        self.nodes.push(Node { kind, size: size as u32, align, flat, plain, exact, gaps });
        (self.nodes.len() - 1) as Id
    }

    /// Counts what the plan holds, lest a hostile component make it hold very much.
    fn weigh(&mut self, n: usize) -> Result<()> {
        self.weight += n;
        if self.weight > MOST { Err(unsupported("a function's types are too many")) } else { Ok(()) }
    }

    fn shape(&mut self, ty: InterfaceType, depth: u32) -> Result<Shape> {
        use InterfaceType as I;
        let types = self.types;
        Ok(match ty {
            I::Bool => Shape::scalar(Kind::Bool, 1, false),
            I::S8 => Shape::scalar(Kind::Number(Number::S8), 1, true),
            I::U8 => Shape::scalar(Kind::Number(Number::U8), 1, true),
            I::S16 => Shape::scalar(Kind::Number(Number::S16), 2, true),
            I::U16 => Shape::scalar(Kind::Number(Number::U16), 2, true),
            I::S32 | I::U32 | I::Float32 => Shape::scalar(Kind::Number(Number::Word), 4, true),
            I::S64 | I::U64 | I::Float64 => Shape::scalar(Kind::Number(Number::Long), 8, true),
            I::Char => Shape::scalar(Kind::Char, 4, false),
            I::String => Shape::reference(Kind::String, 8),
            I::List(i) => {
                let element = self.node(types[i].element, depth)?;
                Shape::reference(Kind::List(element, "list"), 8)
            }
            I::Map(i) => {
                let entry = self.record(&[types[i].key, types[i].value], depth)?;
                self.weigh(1)?;
                if entry.size > LARGEST {
                    return Err(unsupported("a type's values are too large"));
                }
                let element = self.push(entry, NEVER_FLAT);
                Shape::reference(Kind::List(element, "map"), 8)
            }
            I::FixedLengthList(i) => self.fixed(types[i].element, types[i].size, depth)?,
            I::Record(i) => {
                let fields: Vec<_> = types[i].fields.iter().map(|field| field.ty).collect();
                self.record(&fields, depth)?
            }
            I::Tuple(i) => self.record(&types[i].types, depth)?,
            I::Variant(i) => {
                let cases: Vec<_> = types[i].cases.values().copied().collect();
                self.variant(&cases, depth)?
            }
            I::Enum(i) => self.bare(types[i].names.len())?,
            I::Option(i) => self.variant(&[None, Some(types[i].ty)], depth)?,
            I::Result(i) => self.variant(&[types[i].ok, types[i].err], depth)?,
            I::Flags(i) => {
                let labels = types[i].names.len() as u32;
                let (size, align) = match labels {
                    0 => (0, 1),
                    1..=8 => (1, 1),
                    9..=16 => (2, 2),
                    _ => (labels.div_ceil(32) * 4, 4),
                };
                Shape { align, ..Shape::scalar(Kind::Flags(labels), size, false) }
            }
            I::Own(table) => Shape::reference(Kind::Own(self.resource(table)), 4),
            I::Borrow(table) => Shape::reference(Kind::Borrow(self.resource(table)), 4),
            I::Future(_) => return Err(unsupported("the type future is not supported yet")),
            I::Stream(_) => return Err(unsupported("the type stream is not supported yet")),
            I::ErrorContext(_) => return Err(unsupported("the type error-context is not supported yet")),
        })
    }

    fn resource(&mut self, table: TypeResourceTableIndex) -> u32 {
        *self.numbers.entry(table).or_insert_with(|| {
            self.resources.push(table);
            (self.resources.len() - 1) as u32
        })
    }

    fn record(&mut self, types: &[InterfaceType], depth: u32) -> Result<Shape> {
        self.weigh(types.len())?;
        let mut fields = Vec::with_capacity(types.len());
        let mut padding = Vec::new();
        let mut shape = Shape { plain: true, ..Shape::scalar(Kind::Bool, 0, true) };
        shape.align = 1;
        let mut gap = |from: u64, to: u64, shape: &mut Shape| {
            if from < to && to <= LARGEST {
                let gap = (from as u32, (to - from) as u32);
                padding.push(gap);
                shape.exact = false;
                if let Some(gaps) = &mut shape.gaps {
                    gaps.push(gap);
                }
            }
        };
        for ty in types {
            let id = self.node(*ty, depth)?;
            let node = &self.nodes[id as usize];
            let at = shape.size.next_multiple_of(node.align.into());
            gap(shape.size, at, &mut shape);
            shape.size = at + u64::from(node.size);
            if shape.size > LARGEST {
                return Err(unsupported("a type's values are too large"));
            }
            shape.align = shape.align.max(node.align);
            shape.plain &= node.plain;
            shape.exact &= node.exact;
            shape.gaps = joined(shape.gaps.take(), node, at as u32);
            fields.push(Field { at: at as u32, node: id, plain: node.plain, exact: node.exact });
        }
        let size = shape.size.next_multiple_of(shape.align.into());
        gap(shape.size, size, &mut shape);
        shape.size = size;
        shape.kind = Kind::Record(Record { fields: fields.into(), padding: padding.into() });
        Ok(shape)
    }

    fn fixed(&mut self, element: InterfaceType, n: u32, depth: u32) -> Result<Shape> {
        let id = self.node(element, depth)?;
        let node = &self.nodes[id as usize];
        let mut shape = Shape {
            kind: Kind::Fixed(id, n),
            size: u64::from(node.size) * u64::from(n),
            align: node.align,
            plain: node.plain,
            exact: node.exact,
            gaps: None,
        };
        if node.exact {
            shape.gaps = Some(Vec::new());
        } else if let Some(gaps) = &node.gaps
            && gaps.len().saturating_mul(n as usize) <= GAPS
        {
            let size = node.size;
            shape.gaps = Some((0..n).flat_map(|i| gaps.iter().map(move |(at, len)| (i * size + at, *len))).collect());
        }
        Ok(shape)
    }

    fn bare(&mut self, cases: usize) -> Result<Shape> {
        let n = u32::try_from(cases)?;
        let size = discriminant(n);
        let kind = Kind::Variant(Variant { size, payload: size, cases: Cases::Bare(n) });
        Ok(Shape::scalar(kind, size, false))
    }

    fn variant(&mut self, cases: &[Option<InterfaceType>], depth: u32) -> Result<Shape> {
        if cases.iter().all(Option::is_none) {
            return self.bare(cases.len());
        }
        self.weigh(cases.len())?;
        let size = discriminant(u32::try_from(cases.len())?);
        let (mut align, mut largest) = (size, 0_u64);
        let mut payloads = Vec::with_capacity(cases.len());
        for case in cases {
            payloads.push(match case {
                None => None,
                Some(ty) => {
                    let id = self.node(*ty, depth)?;
                    let node = &self.nodes[id as usize];
                    align = align.max(node.align);
                    largest = largest.max(node.size.into());
                    Some(id)
                }
            });
        }
        let payload = size.next_multiple_of(align);
        // Nothing is left over if all cases fill the block.
        let full = |id: &Option<Id>| {
            id.is_some_and(|id| {
                let node = &self.nodes[id as usize];
                node.exact && u64::from(node.size) == largest
            })
        };
        let total = (u64::from(payload) + largest).next_multiple_of(align.into());
        let exact = payload == size && total == u64::from(payload) + largest && payloads.iter().all(full);
        let kind = Kind::Variant(Variant { size, payload, cases: Cases::Payloads(payloads.into()) });
        let gaps = exact.then(Vec::new);
        Ok(Shape { kind, size: total, align, plain: false, exact, gaps })
    }
}

/// The gaps of a record so far, with those of its next field.
fn joined(gaps: Option<Vec<(u32, u32)>>, field: &Node, at: u32) -> Option<Vec<(u32, u32)>> {
    let mut gaps = gaps?;
    if field.exact {
        return Some(gaps);
    }
    gaps.extend(field.gaps.as_deref()?.iter().map(|(gap, len)| (at + gap, *len)));
    (gaps.len() <= GAPS).then_some(gaps)
}

/// The size of the discriminant of a variant with so many cases.
fn discriminant(cases: u32) -> u32 {
    match cases {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

fn unsupported(message: &str) -> Error {
    ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_UNSUPPORTED, message)
}
