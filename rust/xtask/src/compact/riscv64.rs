//! RISC-V: the second instruction of an address refers to the first one, by a label. Differences between labels are two
//! relocations at one place. All of it holds only for code that the linker may not shorten.

use super::{Machine, get32, is_plain, set32};
use crate::elf::{Object, Reloc, Section};
use anyhow::{Context, Result, ensure};
use object::elf;
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct RiscV64;

impl Machine for RiscV64 {
    fn is_nothing(&self, kind: u32) -> bool {
        matches!(kind, elf::R_RISCV_NONE | elf::R_RISCV_RELAX)
    }

    fn prepare(&self, object: &mut Object) -> Result<()> {
        let shrinks = object.sections.iter().flat_map(|s| &s.relocs).any(|r| r.kind == elf::R_RISCV_ALIGN);
        ensure!(!shrinks, "some of the code was compiled so that the linker may shorten it");
        mend_frames(object)?;
        resolve_differences(object)?;
        skip_table(object)?;
        resolve_addresses(object)
    }

    fn skip_table(&self, _: &mut [u8], _: &mut Reloc) -> Result<()> {
        Ok(())
    }

    fn resolve(&self, code: &mut [u8], reloc: &Reloc, distance: i64) -> Result<bool> {
        if !matches!(reloc.kind, elf::R_RISCV_CALL | elf::R_RISCV_CALL_PLT) {
            return Ok(false);
        }
        set_upper(code, reloc.offset, distance)?;
        set_lower(code, reloc.offset + 4, distance);
        Ok(true)
    }

    fn takes_section(&self, kind: u32) -> bool {
        matches!(kind, elf::R_RISCV_32 | elf::R_RISCV_64 | elf::R_RISCV_32_PCREL | elf::R_RISCV_PCREL_HI20)
    }
}

/// Mends the unwinding information. In a partial link that drops sections, GNU ld 2.40 for RISC-V adds the size of
/// each `.eh_frame` that it is given to the places of its relocations, and leaves it what is said of functions that
/// are gone.
fn mend_frames(object: &mut Object) -> Result<()> {
    let Some(frames) = object.section(".eh_frame") else { return Ok(()) };
    let frames = &mut object.sections[frames];
    let beyond = frames.relocs.iter().filter(|r| r.offset >= frames.size).count();
    if beyond != 0 {
        ensure!(beyond == frames.relocs.len(), "relocations of .eh_frame are neither right nor beyond its end");
        frames.relocs.iter_mut().for_each(|r| r.offset -= frames.size);
    }
    drop_dead_frames(frames)
}

/// Drops the frames of functions that are gone: no relocation says any more where they begin.
fn drop_dead_frames(frames: &mut Section) -> Result<()> {
    let (old, relocs) = (std::mem::take(&mut frames.data), std::mem::take(&mut frames.relocs));
    let named: BTreeSet<u64> = relocs.iter().map(|r| r.offset).collect();
    // Where each one that stays was, up to where, and where it is now.
    let mut moved = BTreeMap::new();
    let mut start = 0;
    while start < old.len() as u64 {
        let end = start + 4 + u64::from(get32(&old, start));
        let entry = old.get(start as usize..end as usize).context(".eh_frame ends in the middle of an entry")?;
        ensure!(entry.len() >= 8, ".eh_frame ends before its end");
        let distance = u64::from(get32(entry, 4));
        let now = frames.data.len() as u64;
        if distance == 0 {
            moved.insert(start, (end, now));
            frames.data.extend(entry);
        } else if named.contains(&(start + 8)) {
            let common = (start + 4).checked_sub(distance).and_then(|at| moved.get(&at));
            let (_, common) = common.context("a frame without its common part")?;
            let distance = now + 4 - common;
            moved.insert(start, (end, now));
            frames.data.extend(entry);
            set32(&mut frames.data, now + 4, distance as u32);
        }
        start = end;
    }
    frames.size = frames.data.len() as u64;
    frames.relocs = relocs
        .into_iter()
        .filter_map(|reloc| {
            let (start, (end, now)) = moved.range(..=reloc.offset).next_back()?;
            (reloc.offset < *end).then(|| Reloc { offset: reloc.offset - start + now, ..reloc })
        })
        .collect();
    Ok(())
}

/// Replaces the differences of two places in one section by numbers.
fn resolve_differences(object: &mut Object) -> Result<()> {
    let Object { sections, symbols, .. } = object;
    for Section { data, relocs, .. } in sections {
        let mut left: Vec<Reloc> = Vec::with_capacity(relocs.len());
        for reloc in std::mem::take(relocs) {
            let width = match reloc.kind {
                elf::R_RISCV_SUB8 => 1,
                elf::R_RISCV_SUB16 => 2,
                elf::R_RISCV_SUB32 => 4,
                elf::R_RISCV_SUB64 => 8,
                _ => {
                    left.push(reloc);
                    continue;
                }
            };
            let plus = left.last().filter(|plus| plus.offset == reloc.offset && plus.kind + 4 == reloc.kind);
            let Some(plus) = plus else {
                left.push(reloc);
                continue;
            };
            let (a, b) = (&symbols[plus.symbol], &symbols[reloc.symbol]);
            if !a.is_defined() || a.section != b.section {
                left.push(reloc);
                continue;
            }
            let difference = (a.value as i64 + plus.addend) - (b.value as i64 + reloc.addend);
            let place = reloc.offset as usize..reloc.offset as usize + width;
            let mut old = [0; 8];
            old[..width].copy_from_slice(&data[place.clone()]);
            let new = i64::from_le_bytes(old).wrapping_add(difference).to_le_bytes();
            data[place].copy_from_slice(&new[..width]);
            left.pop();
        }
        *relocs = left;
    }
    Ok(())
}

/// Computes the addresses that are loaded from the global offset table, where they are in this object.
fn skip_table(object: &mut Object) -> Result<()> {
    let text = object.section(".text").context("no .text")?;
    let Object { sections, symbols, .. } = object;
    let Section { data, relocs, .. } = &mut sections[text];
    let mut skipped = BTreeSet::new();
    for reloc in relocs.iter_mut() {
        if reloc.kind == elf::R_RISCV_GOT_HI20 && is_plain(&symbols[reloc.symbol]) {
            reloc.kind = elf::R_RISCV_PCREL_HI20;
            skipped.insert(reloc.offset);
        }
    }
    for reloc in relocs.iter().filter(|r| r.kind == elf::R_RISCV_PCREL_LO12_I) {
        let label = &symbols[reloc.symbol];
        if label.section == text && skipped.contains(&label.value) {
            // ld x, low(y) => addi x, y, low
            let word = get32(data, reloc.offset);
            ensure!(word & 0x707f == 0x3003, "no load from the global offset table: {word:#x}");
            set32(data, reloc.offset, (word & 0xffff_8f80) | 0x13);
        }
    }
    Ok(())
}

/// Resolves the addresses within the code.
fn resolve_addresses(object: &mut Object) -> Result<()> {
    let text = object.section(".text").context("no .text")?;
    let Object { sections, symbols, .. } = object;
    let Section { data, relocs, .. } = &mut sections[text];
    let mut known = BTreeMap::new();
    for reloc in relocs.iter().filter(|r| r.kind == elf::R_RISCV_PCREL_HI20) {
        let symbol = &symbols[reloc.symbol];
        if symbol.section == text && is_plain(symbol) {
            let distance = symbol.value as i64 + reloc.addend - reloc.offset as i64;
            set_upper(data, reloc.offset, distance)?;
            known.insert(reloc.offset, distance);
        }
    }
    relocs.retain(|reloc| match reloc.kind {
        elf::R_RISCV_PCREL_HI20 => !known.contains_key(&reloc.offset),
        elf::R_RISCV_PCREL_LO12_I | elf::R_RISCV_PCREL_LO12_S => {
            let label = &symbols[reloc.symbol];
            let distance = known.get(&label.value).filter(|_| label.section == text);
            if let Some(&distance) = distance {
                match reloc.kind {
                    elf::R_RISCV_PCREL_LO12_I => set_lower(data, reloc.offset, distance),
                    _ => set_lower_of_store(data, reloc.offset, distance),
                }
            }
            distance.is_none()
        }
        _ => true,
    });
    Ok(())
}

/// Sets the upper 20 bits of a distance in `auipc`. The lower 12 are added with their sign.
fn set_upper(code: &mut [u8], at: u64, distance: i64) -> Result<()> {
    let upper = i32::try_from(distance + 0x800)? as u32 & 0xffff_f000;
    set32(code, at, (get32(code, at) & 0xfff) | upper);
    Ok(())
}

/// Sets the lower 12 bits of a distance in an instruction that computes, loads or jumps.
fn set_lower(code: &mut [u8], at: u64, distance: i64) {
    set32(code, at, (get32(code, at) & 0x000f_ffff) | ((distance as u32) << 20));
}

/// Sets the lower 12 bits of a distance in an instruction that stores.
fn set_lower_of_store(code: &mut [u8], at: u64, distance: i64) {
    let low = distance as u32;
    set32(code, at, (get32(code, at) & 0x01ff_f07f) | ((low & 0xfe0) << 20) | ((low & 0x1f) << 7));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries of `.eh_frame`: their lengths, what distinguishes them, and four bytes more.
    fn entries(all: &[[u32; 3]]) -> Vec<u8> {
        all.iter().flatten().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn frames_of_functions_that_are_gone_are_dropped() {
        // Common part, a dead frame, a live one, another common part, a live frame of the first.
        let data = entries(&[[8, 0, 1], [8, 16, 0], [8, 28, 0], [8, 0, 2], [8, 52, 0]]);
        let size = data.len() as u64;
        let relocs = |places: [u64; 3]| {
            places.map(|offset| Reloc { offset, kind: elf::R_RISCV_32_PCREL, symbol: 1, addend: 0 }).to_vec()
        };
        let mend = |places| {
            let name = b".eh_frame".into();
            let frames = Section { name, size, data: data.clone(), relocs: relocs(places), ..Section::default() };
            let sections = vec![Section::default(), frames];
            let mut object = Object { machine: elf::EM_RISCV, flags: 0, sections, symbols: vec![] };
            mend_frames(&mut object).map(|()| object.sections.remove(1))
        };
        for shift in [0, size] {
            let frames = mend([8 + shift, 32 + shift, 56 + shift]).unwrap();
            assert_eq!(frames.data, entries(&[[8, 0, 1], [8, 16, 0], [8, 0, 2], [8, 40, 0]]));
            assert_eq!(frames.size, frames.data.len() as u64);
            assert_eq!(frames.relocs, relocs([8, 20, 44]));
        }
        assert!(mend([8, 32, 56 + size]).is_err());
    }

    #[test]
    fn calls_are_resolved() {
        // auipc ra, 0; jalr ra
        let call = [0x0000_0097_u32, 0x0000_80e7];
        for (distance, want) in [
            (0x1004, [0x0000_1097, 0x0040_80e7]),
            (0x1800, [0x0000_2097, 0x8000_80e7]),
            (-4, [0x0000_0097, 0xffc0_80e7]),
        ] {
            let mut code: Vec<u8> = call.iter().flat_map(|word| word.to_le_bytes()).collect();
            let reloc = Reloc { offset: 0, kind: elf::R_RISCV_CALL_PLT, symbol: 1, addend: 0 };
            assert!(RiscV64.resolve(&mut code, &reloc, distance).unwrap());
            assert_eq!([get32(&code, 0), get32(&code, 4)], want, "{distance}");
        }
    }
}
