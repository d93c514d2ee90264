//! Objects for macOS: all tables keep their order, so that indices stay what they are; names and content change.

use super::Names;
use object::macho::{
    LC_DATA_IN_CODE, LC_LINKER_OPTIMIZATION_HINT, LC_SEGMENT_64, LC_SYMTAB, N_ABS, N_EXT, N_PEXT, N_SECT, N_TYPE,
    S_ATTR_DEBUG, S_GB_ZEROFILL, S_THREAD_LOCAL_ZEROFILL, S_ZEROFILL,
};

/// What is emptied, by the names of segments.
const EMPTIED: &[&[u8]] = &[DEBUG, b"__LLVM"];
/// The segment, and the name for what is emptied: debugging information, which linkers leave out.
const DEBUG: &[u8] = b"__DWARF";
const LEFT_OUT: &[u8] = b"__debug_none";

const HEADER: usize = 32;
const SECTION: usize = 80;
const RELOCATION: usize = 8;
const SYMBOL: usize = 16;

pub fn rewrite(old: &[u8], names: &Names) -> Vec<u8> {
    let (count, size) = (u32_at(old, 16), u32_at(old, 20));
    let mut new = old[..HEADER + size].to_vec();
    // By section, the first of which has the number 1.
    let mut emptied = vec![false];
    let mut at = HEADER;
    for _ in 0..count {
        match u32_at(old, at) as u32 {
            LC_SEGMENT_64 => segment(old, &mut new, at, &mut emptied),
            LC_SYMTAB => symbols(old, &mut new, at, names, &emptied),
            LC_DATA_IN_CODE => {
                let (from, size) = (u32_at(old, at + 8), u32_at(old, at + 12));
                copy(old, &mut new, at + 8, from, size, 8);
            }
            // A million bytes, so that the linker may shorten a few loads of addresses.
            LC_LINKER_OPTIMIZATION_HINT => new[at + 8..at + 16].fill(0),
            _ => {}
        }
        at += u32_at(old, at + 4);
    }
    new
}

/// Copies the content and the relocations of all sections, unless they are emptied. An object has one segment.
fn segment(old: &[u8], new: &mut Vec<u8>, command: usize, emptied: &mut Vec<bool>) {
    let sections = u32_at(old, command + 64);
    new.resize(new.len().next_multiple_of(16), 0);
    let start = new.len();
    let headers = (0..sections).map(|n| command + 72 + n * SECTION);
    for at in headers.clone() {
        let gone = EMPTIED.iter().any(|name| until_zero(&old[at + 16..at + 32]) == *name);
        emptied.push(gone);
        if gone {
            new[at..at + SECTION].fill(0);
            new[at..at + LEFT_OUT.len()].copy_from_slice(LEFT_OUT);
            new[at + 16..at + 16 + DEBUG.len()].copy_from_slice(DEBUG);
            set32(new, at + 64, S_ATTR_DEBUG as usize);
            continue;
        }
        let kind = u32_at(old, at + 64) as u32 & 0xff;
        if ![S_ZEROFILL, S_ATTR_DEBUG, S_GB_ZEROFILL, S_THREAD_LOCAL_ZEROFILL].contains(&kind) {
            let align = 1 << u32_at(old, at + 52);
            copy(old, new, at + 48, u32_at(old, at + 48), u32_at(old, at + 40), align);
        }
    }
    let content = new.len() - start;
    set32(new, command + 40, start);
    set32(new, command + 48, content);
    for at in headers {
        let relocations = u32_at(new, at + 60);
        if relocations != 0 {
            copy(old, new, at + 56, u32_at(old, at + 56), relocations * RELOCATION, 8);
        }
    }
}

/// Copies the symbols with their new names, hides those that only other objects of the archive may refer to.
fn symbols(old: &[u8], new: &mut Vec<u8>, command: usize, names: &Names, emptied: &[bool]) {
    let (first, count) = (u32_at(old, command + 8), u32_at(old, command + 12));
    let (from, size) = (u32_at(old, command + 16), u32_at(old, command + 20));
    let strings = &old[from..from + size];
    // All local names are the one at 1. Linkers leave out names that begin with this letter.
    let mut new_strings = b"\0l\0".to_vec();
    new.resize(new.len().next_multiple_of(8), 0);
    let place = new.len();
    set32(new, command + 8, place);
    for entry in old[first..first + count * SYMBOL].chunks_exact(SYMBOL) {
        let mut entry = entry.to_vec();
        let (kind, section) = (entry[4], usize::from(entry[5]));
        let is_in_section = kind & N_TYPE == N_SECT;
        if is_in_section && emptied.get(section) == Some(&true) {
            entry[4] = N_ABS;
            entry[5..].fill(0);
        }
        let at = if kind & N_EXT == 0 {
            1
        } else {
            let name = until_zero(&strings[u32_at(&entry, 0)..]);
            let hidden = names.shared(name);
            if hidden.is_some() && is_in_section {
                entry[4] |= N_PEXT;
            }
            let at = new_strings.len();
            new_strings.extend(hidden.unwrap_or(name));
            new_strings.push(0);
            at
        };
        set32(&mut entry, 0, at);
        new.extend(entry);
    }
    let place = new.len();
    set32(new, command + 16, place);
    new_strings.resize(new_strings.len().next_multiple_of(8), 0);
    set32(new, command + 20, new_strings.len());
    new.extend(new_strings);
}

/// Copies a part of the file, and sets the field at `field` to the place where it is now.
fn copy(old: &[u8], new: &mut Vec<u8>, field: usize, from: usize, size: usize, align: usize) {
    new.resize(new.len().next_multiple_of(align), 0);
    let place = new.len();
    set32(new, field, place);
    new.extend(&old[from..from + size]);
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|b| *b == 0).next().unwrap_or_default()
}

fn u32_at(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) as usize
}

fn set32(bytes: &mut [u8], at: usize, value: usize) {
    bytes[at..at + 4].copy_from_slice(&(value as u32).to_le_bytes());
}
