//! Makes the one object of the archive small, after the partial link.
//!
//! A partial link keeps every relocation, even those that nothing can change any more: a call from one function to
//! another inside `.text` has a fixed distance. Rust also reaches functions of other crates through the global offset
//! table, in a form that final linkers may not shorten. Here such references are resolved, and names that nobody can
//! refer to are dropped. What a relocation means is each machine's own: see [`Machine`].

mod aarch64;
mod riscv64;
mod x86_64;

use crate::elf::{Object, Reloc, Section, Symbol};
use anyhow::{Context, Result, bail};
use object::elf;
use std::collections::BTreeSet;

/// What differs between the machines.
trait Machine {
    /// Whether a relocation changes nothing, as one that the partial link left of what it dropped.
    fn is_nothing(&self, kind: u32) -> bool;

    /// What has to be done ahead of everything else.
    fn prepare(&self, _: &mut Object) -> Result<()> {
        Ok(())
    }

    /// Rewrites one instruction that loads an address from the global offset table, if it is of a known form; the
    /// address is that of something in this object.
    fn skip_table(&self, code: &mut [u8], reloc: &mut Reloc) -> Result<()>;

    /// Resolves a reference within a section, if all that it depends on is the distance, which is from the place of the
    /// relocation to the symbol, with the addend.
    fn resolve(&self, code: &mut [u8], reloc: &Reloc, distance: i64) -> Result<bool>;

    /// Whether a relocation means the same when it refers to a section and an addend instead of a symbol.
    fn takes_section(&self, kind: u32) -> bool;
}

/// The machine of an object.
fn machine(object: &Object) -> Result<&'static dyn Machine> {
    Ok(match object.machine {
        elf::EM_X86_64 => &x86_64::X86_64,
        elf::EM_AARCH64 => &aarch64::AArch64,
        elf::EM_RISCV => &riscv64::RiscV64,
        other => bail!("no machine with the number {other} is known"),
    })
}

/// Writes a 32-bit word.
fn set32(code: &mut [u8], offset: u64, word: u32) {
    let at = offset as usize;
    code[at..at + 4].copy_from_slice(&word.to_le_bytes());
}

/// Reads a 32-bit word.
fn get32(code: &[u8], offset: u64) -> u32 {
    let at = offset as usize;
    u32::from_le_bytes([code[at], code[at + 1], code[at + 2], code[at + 3]])
}

/// Compacts `object`, in which only the symbols named by `keep` stay visible.
pub fn compact(object: &mut Object, keep: &BTreeSet<String>) -> Result<()> {
    let machine = machine(object)?;
    localise(object, keep);
    for section in &mut object.sections {
        section.relocs.retain(|r| !machine.is_nothing(r.kind));
    }
    machine.prepare(object)?;
    resolve_code(object, machine)?;
    refer_to_sections(object, machine);
    drop_symbols(object);
    // What the C compiler said by its absence must be said: the stack need not be executable.
    object.sections.push(Section {
        name: b".note.GNU-stack".into(),
        kind: elf::SHT_PROGBITS,
        align: 1,
        ..Section::default()
    });
    for section in &mut object.sections {
        section.flags &= !u64::from(elf::SHF_GNU_RETAIN | elf::SHF_GROUP);
    }
    Ok(())
}

/// Hides every defined symbol but those of the C API.
fn localise(object: &mut Object, keep: &BTreeSet<String>) {
    for symbol in &mut object.symbols {
        let kept = str::from_utf8(&symbol.name).is_ok_and(|name| keep.contains(name));
        if symbol.section != 0 && !kept {
            symbol.bind = elf::STB_LOCAL;
            symbol.other = elf::STV_DEFAULT;
        }
    }
}

/// Resolves the references from code to code, and goes straight to what is reached through the global offset table.
fn resolve_code(object: &mut Object, machine: &dyn Machine) -> Result<()> {
    let text = object.section(".text").context("no .text")?;
    let Object { sections, symbols, .. } = object;
    let Section { data, relocs, .. } = &mut sections[text];
    let mut left = Vec::new();
    for mut reloc in std::mem::take(relocs) {
        let symbol = &symbols[reloc.symbol];
        if is_plain(symbol) {
            machine.skip_table(data, &mut reloc)?;
        }
        let distance = symbol.value as i64 + reloc.addend - reloc.offset as i64;
        if symbol.section != text || !machine.resolve(data, &reloc, distance)? {
            left.push(reloc);
        }
    }
    *relocs = left;
    Ok(())
}

/// Whether the address of the symbol is simply where it stands in this object.
fn is_plain(symbol: &Symbol) -> bool {
    symbol.is_defined() && !matches!(symbol.kind, elf::STT_TLS | elf::STT_GNU_IFUNC)
}

/// Turns references to hidden symbols into references to their sections, so that the names can go.
fn refer_to_sections(object: &mut Object, machine: &dyn Machine) {
    let first = object.symbols.len();
    for section in 0..object.sections.len() {
        object.symbols.push(Symbol { kind: elf::STT_SECTION, section, ..Symbol::default() });
    }
    let Object { sections, symbols, .. } = object;
    for reloc in sections.iter_mut().flat_map(|s| &mut s.relocs) {
        let symbol = &symbols[reloc.symbol];
        if machine.takes_section(reloc.kind) && symbol.bind == elf::STB_LOCAL && is_plain(symbol) {
            reloc.addend += symbol.value as i64;
            reloc.symbol = first + symbol.section;
        }
    }
}

/// Drops the symbols that are neither visible nor referred to.
fn drop_symbols(object: &mut Object) {
    let used: BTreeSet<usize> = object.sections.iter().flat_map(|s| &s.relocs).map(|r| r.symbol).collect();
    let mut new = vec![0; object.symbols.len()];
    let mut symbols = vec![Symbol::default()];
    for (i, symbol) in object.symbols.iter().enumerate().skip(1) {
        let visible = symbol.bind != elf::STB_LOCAL && symbol.section != 0;
        if visible || used.contains(&i) {
            new[i] = symbols.len();
            symbols.push(symbol.clone());
        }
    }
    for reloc in object.sections.iter_mut().flat_map(|s| &mut s.relocs) {
        reloc.symbol = new[reloc.symbol];
    }
    object.symbols = symbols;
}
