//! Whether a message is what its types say, before anything is done with it.

use super::buffer::LONGEST;
use super::handles::{self, Handles};
use super::message::{Message, case_at, pair_at, u32_at, unnamed};
use super::plan::{Kind, Node, Plan};
use crate::error::{ExtError, wasmtime_error_code_t};
use std::fmt::Write as _;
use wasmtime::component::ResourceType;
use wasmtime::{Error, Result};

/// A resource that a plan names, in one instance.
#[derive(Clone, Copy)]
pub(super) struct Resource {
    pub(super) ty: ResourceType,
    /// Whether handles of it are the host's own numbers.
    pub(super) host: bool,
}

/// Checks a message, and returns how many handles it gives away. Afterwards, those that it lends are noted in
/// `handles`, but not lent yet. `what` says what the tuple's fields are.
pub(super) fn check(
    plan: &Plan,
    message: Message<'_>,
    handles: &mut Handles,
    resource: &dyn Fn(u32) -> Resource,
    what: &str,
) -> Result<usize> {
    let root = plan.root();
    let Some(block) = message.block(root.size) else {
        return Err(bad_argument(TOO_SHORT));
    };
    if root.plain {
        return Ok(0);
    }
    handles.begin();
    let lent = handles.lent();
    let mut check = Check { plan, message, handles, resource, given: 0 };
    match check.value(root, block) {
        Ok(()) => Ok(check.given),
        Err(fault) => {
            handles.forget(lent);
            Err(fault.error(what))
        }
    }
}

struct Check<'a> {
    plan: &'a Plan,
    message: Message<'a>,
    handles: &'a mut Handles,
    resource: &'a dyn Fn(u32) -> Resource,
    /// How many handles are given away.
    given: usize,
}

/// What is wrong, and where: from the inside to the outside.
struct Fault {
    code: wasmtime_error_code_t,
    what: &'static str,
    path: Vec<Step>,
}

enum Step {
    Field(usize),
    Element(usize),
    Payload,
}

impl Fault {
    #[cold]
    fn new(what: &'static str) -> Fault {
        Fault { code: wasmtime_error_code_t::WASMTIME_ERROR_BAD_ARGUMENT, what, path: Vec::new() }
    }

    #[cold]
    fn handle(what: &'static str) -> Fault {
        Fault { code: wasmtime_error_code_t::WASMTIME_ERROR_BAD_HANDLE, what, path: Vec::new() }
    }

    #[cold]
    fn at(mut self, step: Step) -> Fault {
        self.path.push(step);
        self
    }

    /// The fault in words: fields are counted from 1, elements from 0.
    fn error(self, what: &str) -> Error {
        let mut text = String::new();
        for (i, step) in self.path.iter().rev().enumerate() {
            // Writing to a string cannot fail.
            let _ = match step {
                Step::Field(n) if i == 0 => write!(text, "{what} {}", n + 1),
                Step::Field(n) => write!(text, ", field {}", n + 1),
                Step::Element(n) => write!(text, ", [{n}]"),
                Step::Payload => write!(text, ", payload"),
            };
        }
        let _ = write!(text, ": {}", self.what);
        ExtError::error(self.code, text)
    }
}

impl Check<'_> {
    fn value(&mut self, node: &Node, block: &[u8]) -> Result<(), Fault> {
        let plan = self.plan;
        match &node.kind {
            Kind::Number(_) => Ok(()),
            Kind::Bool => truth(block[0] <= 1, "a bool is neither 0 nor 1"),
            Kind::Char => truth(char::from_u32(u32_at(block, 0)).is_some(), "a char is not a Unicode scalar value"),
            Kind::String => self.string(block),
            Kind::List(element, _) => {
                let (pointer, n) = pair_at(block, 0);
                let element = plan.node(*element);
                let bytes = u64::from(n) * u64::from(element.size);
                truth(bytes <= LONGEST as u64, "a list is too long")?;
                let block = self.message.at(pointer, bytes as usize).ok_or_else(|| Fault::new(OUTSIDE))?;
                self.elements(element, block)
            }
            Kind::Fixed(element, _) => self.elements(plan.node(*element), &block[..node.size as usize]),
            Kind::Record(record) => {
                for (i, field) in record.fields.iter().enumerate().filter(|(_, field)| !field.plain) {
                    let block = &block[field.at as usize..];
                    self.value(plan.node(field.node), block).map_err(|fault| fault.at(Step::Field(i)))?;
                }
                Ok(())
            }
            Kind::Variant(variant) => match variant.cases.get(case_at(block, variant.size)) {
                None => Err(Fault::new("a variant has no such case")),
                Some(None) => Ok(()),
                Some(Some(payload)) => {
                    let block = &block[variant.payload as usize..];
                    self.value(plan.node(payload), block).map_err(|fault| fault.at(Step::Payload))
                }
            },
            Kind::Flags(labels) => {
                let mut word = [0; 4];
                for (i, bytes) in block[..node.size as usize].chunks(4).enumerate() {
                    word[..bytes.len()].copy_from_slice(bytes);
                    let stray = u32::from_le_bytes(word) & unnamed(*labels, i as u32);
                    truth(stray == 0, "flags have a bit that no label names")?;
                }
                Ok(())
            }
            Kind::Own(number) => {
                let resource = (self.resource)(*number);
                if resource.host {
                    return Ok(());
                }
                self.given += 1;
                self.handles.check_own(u32_at(block, 0), resource.ty).map_err(Fault::handle)
            }
            Kind::Borrow(number) => {
                let resource = (self.resource)(*number);
                if resource.host {
                    return Ok(());
                }
                self.handles.check_borrow(u32_at(block, 0), resource.ty).map_err(Fault::handle)
            }
        }
    }

    fn string(&self, block: &[u8]) -> Result<(), Fault> {
        let (pointer, n) = pair_at(block, 0);
        truth(n as usize <= LONGEST, "a string is too long")?;
        let bytes = self.message.at(pointer, n as usize).ok_or_else(|| Fault::new(OUTSIDE))?;
        truth(std::str::from_utf8(bytes).is_ok(), "a string is not UTF-8")
    }

    fn elements(&mut self, node: &Node, block: &[u8]) -> Result<(), Fault> {
        match node.kind {
            _ if node.plain => return Ok(()),
            // A list of these may be long.
            Kind::Bool if block.iter().all(|byte| *byte <= 1) => return Ok(()),
            _ => {}
        }
        for (i, element) in block.chunks_exact(node.size as usize).enumerate() {
            self.value(node, element).map_err(|fault| fault.at(Step::Element(i)))?;
        }
        Ok(())
    }
}

pub(super) const TOO_SHORT: &str = "the message is too short for its type";

const OUTSIDE: &str = "a pointer leads out of the message";

#[inline]
fn truth(condition: bool, otherwise: &'static str) -> Result<(), Fault> {
    if condition { Ok(()) } else { Err(Fault::new(otherwise)) }
}

/// A message of the host's that is not what it has to be.
#[cold]
pub(super) fn bad_argument(message: &str) -> Error {
    ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_BAD_ARGUMENT, message)
}

/// What `lower.rs` says when a message has changed since it was checked.
#[cold]
pub(super) fn changed() -> Error {
    bad_argument("a message has changed after it was checked")
}

/// As above, of a handle.
#[cold]
pub(super) fn handle_changed() -> Error {
    handles::bad("a message has changed after it was checked")
}
