//! Makes the one object of the archive small, after the partial link.
//!
//! A partial link keeps every relocation, even those that nothing can change any more: a call from one function to
//! another inside `.text` has a fixed distance. Rust also reaches functions of other crates through the global offset
//! table, in a form that final linkers may not shorten. Here such references are resolved, and names that nobody can
//! refer to are dropped. The instructions that are rewritten are those of the x86-64 psABI, section "Optimize
//! GOTPCRELX relocations".

use crate::elf::{Object, Reloc, Section, Symbol};
use anyhow::{Context, Result};
use object::elf;
use std::collections::BTreeSet;

/// Compacts `object`, in which only the symbols named by `keep` stay visible.
pub fn compact(object: &mut Object, keep: &BTreeSet<String>) -> Result<()> {
    localise(object, keep);
    for section in &mut object.sections {
        // What the partial link left of entries that it dropped from `.eh_frame`.
        section.relocs.retain(|r| r.kind != elf::R_X86_64_NONE);
    }
    resolve_code(object)?;
    refer_to_sections(object);
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
fn resolve_code(object: &mut Object) -> Result<()> {
    let text = object.section(".text").context("no .text")?;
    let Object { sections, symbols } = object;
    let Section { data, relocs, .. } = &mut sections[text];
    let mut left = Vec::new();
    for mut reloc in std::mem::take(relocs) {
        let symbol = &symbols[reloc.symbol];
        if is_got_load(reloc.kind) && reloc.addend == -4 && is_plain(symbol) {
            skip_got(data, &mut reloc);
        }
        if matches!(reloc.kind, elf::R_X86_64_PC32 | elf::R_X86_64_PLT32) && symbol.section == text {
            let place = reloc.offset as usize;
            let distance = symbol.value as i64 + reloc.addend - reloc.offset as i64;
            data[place..place + 4].copy_from_slice(&i32::try_from(distance)?.to_le_bytes());
        } else {
            left.push(reloc);
        }
    }
    *relocs = left;
    Ok(())
}

fn is_got_load(kind: u32) -> bool {
    matches!(kind, elf::R_X86_64_GOTPCREL | elf::R_X86_64_GOTPCRELX | elf::R_X86_64_REX_GOTPCRELX)
}

/// Whether the address of the symbol is simply where it stands in this object.
fn is_plain(symbol: &Symbol) -> bool {
    symbol.is_defined() && !matches!(symbol.kind, elf::STT_TLS | elf::STT_GNU_IFUNC)
}

/// Rewrites one instruction that loads an address from the global offset table, if it is of a known form.
///
/// The four bytes at the relocation are the displacement of a `[rip + x]` operand, so the byte before is ModRM and
/// the one before that the opcode.
fn skip_got(code: &mut [u8], reloc: &mut Reloc) {
    let at = reloc.offset as usize;
    match code[at - 3..at] {
        // call [rip + x] => addr32 call x
        [_, 0xff, 0x15] => code[at - 2..at].copy_from_slice(&[0x67, 0xe8]),
        // jmp [rip + x] => jmp x; nop
        [_, 0xff, 0x25] => {
            code[at - 2] = 0xe9;
            code[at + 3] = 0x90;
            reloc.offset -= 1;
        }
        // mov r64, [rip + x] => lea r64, [rip + x]
        [0x48 | 0x4c, 0x8b, modrm] if modrm & 0xc7 == 0x05 => code[at - 2] = 0x8d,
        _ => return,
    }
    reloc.kind = elf::R_X86_64_PC32;
}

/// Turns references to hidden symbols into references to their sections, so that the names can go.
fn refer_to_sections(object: &mut Object) {
    let first = object.symbols.len();
    for section in 0..object.sections.len() {
        object.symbols.push(Symbol { kind: elf::STT_SECTION, section, ..Symbol::default() });
    }
    let Object { sections, symbols } = object;
    for reloc in sections.iter_mut().flat_map(|s| &mut s.relocs) {
        let symbol = &symbols[reloc.symbol];
        let direct = matches!(
            reloc.kind,
            elf::R_X86_64_PC32 | elf::R_X86_64_PLT32 | elf::R_X86_64_64 | elf::R_X86_64_32 | elf::R_X86_64_32S
        );
        if direct && symbol.bind == elf::STB_LOCAL && is_plain(symbol) {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// An object with a visible function at 0, a hidden one at `0x20`, a static in `.rodata` and the given code at 0.
    fn object(code: &[u8], relocs: Vec<Reloc>) -> Object {
        let mut data = code.to_vec();
        data.resize(0x40, 0xcc);
        let text = Section {
            name: b".text".into(),
            kind: elf::SHT_PROGBITS,
            align: 16,
            size: 0x40,
            data,
            relocs,
            ..Section::default()
        };
        let rodata = Section { name: b".rodata".into(), kind: elf::SHT_PROGBITS, align: 8, ..Section::default() };
        let symbol = |name: &[u8], section, value| Symbol {
            name: name.into(),
            bind: elf::STB_GLOBAL,
            kind: elf::STT_NOTYPE,
            section,
            value,
            ..Symbol::default()
        };
        Object {
            sections: vec![Section::default(), text, rodata],
            symbols: vec![
                Symbol::default(),
                symbol(b"wasm_visible", 1, 0),
                symbol(b"hidden", 1, 0x20),
                symbol(b"constant", 2, 8),
                symbol(b"malloc", 0, 0),
            ],
        }
    }

    fn compacted(code: &[u8], kind: u32, offset: u64, symbol: usize) -> (Vec<u8>, Vec<Reloc>, Object) {
        let mut object = object(code, vec![Reloc { offset, kind, symbol, addend: -4 }]);
        compact(&mut object, &BTreeSet::from(["wasm_visible".to_owned()])).unwrap();
        (object.sections[1].data[..code.len()].to_vec(), object.sections[1].relocs.clone(), object)
    }

    #[test]
    fn calls_between_functions_are_resolved() {
        let (code, relocs, _) = compacted(&[0x90, 0xe8, 0, 0, 0, 0], elf::R_X86_64_PLT32, 2, 2);
        assert_eq!(code, [0x90, 0xe8, 0x1a, 0, 0, 0]);
        assert!(relocs.is_empty());
    }

    #[test]
    fn calls_through_the_table_become_direct() {
        let (code, relocs, _) = compacted(&[0x90, 0xff, 0x15, 0, 0, 0, 0], elf::R_X86_64_GOTPCREL, 3, 2);
        assert_eq!(code, [0x90, 0x67, 0xe8, 0x19, 0, 0, 0]);
        assert!(relocs.is_empty());
    }

    #[test]
    fn jumps_through_the_table_become_direct() {
        let (code, relocs, _) = compacted(&[0x90, 0xff, 0x25, 0, 0, 0, 0], elf::R_X86_64_GOTPCREL, 3, 2);
        assert_eq!(code, [0x90, 0xe9, 0x1a, 0, 0, 0, 0x90]);
        assert!(relocs.is_empty());
    }

    #[test]
    fn loads_of_addresses_are_computed() {
        let (code, relocs, object) = compacted(&[0x4c, 0x8b, 0x3d, 0, 0, 0, 0], elf::R_X86_64_GOTPCREL, 3, 3);
        assert_eq!(code, [0x4c, 0x8d, 0x3d, 0, 0, 0, 0]);
        let [reloc] = relocs.as_slice() else { panic!("{relocs:?}") };
        assert_eq!((reloc.kind, reloc.addend), (elf::R_X86_64_PC32, 4));
        let symbol = &object.symbols[reloc.symbol];
        assert_eq!((symbol.kind, symbol.section), (elf::STT_SECTION, 2));
    }

    #[test]
    fn other_instructions_and_foreign_functions_stay() {
        // cmp rax, [rip + x]
        let code = [0x48, 0x3b, 0x05, 0, 0, 0, 0];
        let (left, relocs, _) = compacted(&code, elf::R_X86_64_GOTPCREL, 3, 3);
        assert_eq!((left.as_slice(), relocs[0].kind), (code.as_slice(), elf::R_X86_64_GOTPCREL));
        let call = [0x90, 0xff, 0x15, 0, 0, 0, 0];
        let (left, relocs, _) = compacted(&call, elf::R_X86_64_GOTPCREL, 3, 4);
        assert_eq!((left.as_slice(), relocs[0].kind), (call.as_slice(), elf::R_X86_64_GOTPCREL));
    }

    #[test]
    fn only_the_api_stays_visible() {
        let (_, _, object) = compacted(&[0x90, 0xe8, 0, 0, 0, 0], elf::R_X86_64_PLT32, 2, 4);
        let names: Vec<_> = object.symbols.iter().map(|s| str::from_utf8(&s.name).unwrap()).collect();
        assert_eq!(names, ["", "wasm_visible", "malloc"]);
        let again = Object::parse(&object.write().unwrap()).unwrap();
        assert_eq!(again.symbols.len(), 3);
        assert_eq!(again.sections[1].data, object.sections[1].data);
        assert_eq!(again.sections[1].relocs, object.sections[1].relocs);
    }
}
