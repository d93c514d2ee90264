//! x86-64: calls and jumps have 32-bit distances, and the forms of access to the global offset table are those of the
//! psABI, section "Optimize GOTPCRELX relocations".

use super::{Machine, set32};
use crate::elf::Reloc;
use anyhow::Result;
use object::elf;

pub(super) struct X86_64;

impl Machine for X86_64 {
    fn is_nothing(&self, kind: u32) -> bool {
        kind == elf::R_X86_64_NONE
    }

    fn skip_table(&self, code: &mut [u8], reloc: &mut Reloc) -> Result<()> {
        if is_table_load(reloc.kind) && reloc.addend == -4 {
            skip_table(code, reloc);
        }
        Ok(())
    }

    fn resolve(&self, code: &mut [u8], reloc: &Reloc, distance: i64) -> Result<bool> {
        let known = matches!(reloc.kind, elf::R_X86_64_PC32 | elf::R_X86_64_PLT32);
        if known {
            set32(code, reloc.offset, i32::try_from(distance)? as u32);
        }
        Ok(known)
    }

    fn takes_section(&self, kind: u32) -> bool {
        matches!(
            kind,
            elf::R_X86_64_PC32 | elf::R_X86_64_PLT32 | elf::R_X86_64_64 | elf::R_X86_64_32 | elf::R_X86_64_32S
        )
    }
}

fn is_table_load(kind: u32) -> bool {
    matches!(kind, elf::R_X86_64_GOTPCREL | elf::R_X86_64_GOTPCRELX | elf::R_X86_64_REX_GOTPCRELX)
}

/// Rewrites one instruction that loads an address from the global offset table, if it is of a known form.
///
/// The four bytes at the relocation are the displacement of a `[rip + x]` operand, so the byte before is ModRM and
/// the one before that the opcode.
fn skip_table(code: &mut [u8], reloc: &mut Reloc) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compact::compact;
    use crate::elf::{Object, Section, Symbol};
    use std::collections::BTreeSet;

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
            machine: elf::EM_X86_64,
            flags: 0,
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
