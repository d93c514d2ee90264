//! AArch64: branches have distances in instructions. An address takes two instructions, of which the first gives the
//! distance in pages, which is known only if the section begins with a page.

use super::{Machine, get32, set32};
use crate::elf::{Object, Reloc};
use anyhow::{Context, Result, ensure};
use object::elf;

/// What `adrp` counts in, whatever the system's pages are.
const PAGE: u64 = 4096;

pub(super) struct AArch64;

impl Machine for AArch64 {
    fn is_nothing(&self, kind: u32) -> bool {
        kind == elf::R_AARCH64_NONE
    }

    fn prepare(&self, object: &mut Object) -> Result<()> {
        let text = object.section(".text").context("no .text")?;
        let text = &mut object.sections[text];
        text.align = text.align.max(PAGE);
        Ok(())
    }

    fn skip_table(&self, code: &mut [u8], reloc: &mut Reloc) -> Result<()> {
        match reloc.kind {
            // adrp x, :got:symbol => adrp x, symbol
            elf::R_AARCH64_ADR_GOT_PAGE => reloc.kind = elf::R_AARCH64_ADR_PREL_PG_HI21,
            // ldr x, [y, :got_lo12:symbol] => add x, y, :lo12:symbol
            elf::R_AARCH64_LD64_GOT_LO12_NC => {
                let word = get32(code, reloc.offset);
                ensure!(word >> 22 == 0b11_1110_0101, "no load from the global offset table: {word:#x}");
                set32(code, reloc.offset, 0x9100_0000 | (word & 0x3ff));
                reloc.kind = elf::R_AARCH64_ADD_ABS_LO12_NC;
            }
            _ => {}
        }
        Ok(())
    }

    fn resolve(&self, code: &mut [u8], reloc: &Reloc, distance: i64) -> Result<bool> {
        // Where the reference leads, from the beginning of a page.
        let target = reloc.offset as i64 + distance;
        let low = target as u32 & 0xfff;
        let (value, bits, at) = match reloc.kind {
            elf::R_AARCH64_CALL26 | elf::R_AARCH64_JUMP26 => (distance >> 2, 26, 0),
            elf::R_AARCH64_CONDBR19 | elf::R_AARCH64_LD_PREL_LO19 => (distance >> 2, 19, 5),
            elf::R_AARCH64_TSTBR14 => (distance >> 2, 14, 5),
            elf::R_AARCH64_ADR_PREL_PG_HI21 => {
                let pages = (target >> 12) - (reloc.offset >> 12) as i64;
                ensure!(pages >> 20 == pages >> 63, "an address {distance} bytes away");
                let pages = pages as u32;
                set_bits(code, reloc, 0x6000_0000, pages << 29);
                (i64::from(pages as i32 >> 2), 19, 5)
            }
            elf::R_AARCH64_PREL32 => {
                set32(code, reloc.offset, i32::try_from(distance)? as u32);
                return Ok(true);
            }
            kind => {
                let Some(scale) = low_part(kind) else { return Ok(false) };
                ensure!(low.is_multiple_of(1 << scale), "an access that is not aligned");
                set_bits(code, reloc, 0xfff << 10, low >> scale << 10);
                return Ok(true);
            }
        };
        ensure!(value >> (bits - 1) == value >> 63, "a branch over {distance} bytes");
        set_bits(code, reloc, ((1 << bits) - 1) << at, (value as u32) << at);
        Ok(true)
    }

    fn takes_section(&self, kind: u32) -> bool {
        low_part(kind).is_some()
            || matches!(
                kind,
                elf::R_AARCH64_ABS64
                    | elf::R_AARCH64_ABS32
                    | elf::R_AARCH64_PREL64
                    | elf::R_AARCH64_PREL32
                    | elf::R_AARCH64_ADR_PREL_LO21
                    | elf::R_AARCH64_ADR_PREL_PG_HI21
            )
    }
}

/// How many bits of the address within a page are left out by a relocation of that part, if it is one.
fn low_part(kind: u32) -> Option<u32> {
    Some(match kind {
        elf::R_AARCH64_ADD_ABS_LO12_NC | elf::R_AARCH64_LDST8_ABS_LO12_NC => 0,
        elf::R_AARCH64_LDST16_ABS_LO12_NC => 1,
        elf::R_AARCH64_LDST32_ABS_LO12_NC => 2,
        elf::R_AARCH64_LDST64_ABS_LO12_NC => 3,
        elf::R_AARCH64_LDST128_ABS_LO12_NC => 4,
        _ => return None,
    })
}

/// Replaces the bits of an instruction that `mask` has.
fn set_bits(code: &mut [u8], reloc: &Reloc, mask: u32, bits: u32) {
    set32(code, reloc.offset, (get32(code, reloc.offset) & !mask) | (bits & mask));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_the_section_are_resolved() {
        // adrp x0, page; add x0, x0, low; at 0x0ffc, to 0x5008
        let mut code = vec![0; 0x0ffc];
        code.extend([0x9000_0000_u32, 0x9100_0000].iter().flat_map(|word| word.to_le_bytes()));
        for (offset, kind) in [(0x0ffc, elf::R_AARCH64_ADR_PREL_PG_HI21), (0x1000, elf::R_AARCH64_ADD_ABS_LO12_NC)] {
            let reloc = Reloc { offset, kind, symbol: 1, addend: 0 };
            assert!(AArch64.resolve(&mut code, &reloc, 0x5008 - offset as i64).unwrap());
        }
        // adrp x0, +5 pages; add x0, x0, #8
        assert_eq!((get32(&code, 0x0ffc), get32(&code, 0x1000)), (0xb000_0020, 0x9100_2000));
    }

    fn reloc(kind: u32) -> Reloc {
        Reloc { offset: 0, kind, symbol: 1, addend: 0 }
    }

    #[test]
    fn branches_are_resolved() {
        for (kind, before, distance, after) in [
            (elf::R_AARCH64_CALL26, 0x9400_0000_u32, 0x1000, 0x9400_0400_u32), // bl
            (elf::R_AARCH64_JUMP26, 0x1400_0000, -4, 0x17ff_ffff),             // b
            (elf::R_AARCH64_CONDBR19, 0x5400_0001, 8, 0x5400_0041),            // b.ne
            (elf::R_AARCH64_TSTBR14, 0x3600_0000, 8, 0x3600_0040),             // tbz
        ] {
            let mut code = before.to_le_bytes();
            assert!(AArch64.resolve(&mut code, &reloc(kind), distance).unwrap());
            assert_eq!(u32::from_le_bytes(code), after, "{kind}");
        }
        assert!(AArch64.resolve(&mut [0; 4], &reloc(elf::R_AARCH64_CALL26), 1 << 28).is_err());
    }

    #[test]
    fn addresses_of_other_sections_stay_in_two_instructions() {
        // ldr x3, [x5]
        let (mut code, mut load) = (0xf940_00a3_u32.to_le_bytes(), reloc(elf::R_AARCH64_LD64_GOT_LO12_NC));
        AArch64.skip_table(&mut code, &mut load).unwrap();
        // add x3, x5, #0
        assert_eq!((u32::from_le_bytes(code), load.kind), (0x9100_00a3, elf::R_AARCH64_ADD_ABS_LO12_NC));
    }
}
