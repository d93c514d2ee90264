//! Objects for Windows: all tables keep their order, so that indices stay what they are; names and content change.

use super::Names;

/// What is emptied, by the beginnings of the names of sections. In `.drectve` LLVM names every hidden symbol, which
/// binutils before 2.40 do not know and warn about ("corrupt .drectve"); and C code exports functions from whatever
/// it is linked into.
const EMPTIED: &[&[u8]] = &[b".debug", b".drectve", b".llvmbc", b".llvmcmd", b".llvm_addrsig", b".comment"];

const SECTION: usize = 40;
const RELOCATION: usize = 10;
/// A section that the linker leaves out, aligned to one byte.
const LEFT_OUT: u32 = 0x0010_0a00;
/// The number of relocations does not fit, and stands in the first of them.
const MORE_RELOCATIONS: u32 = 0x0100_0000;

const EXTERNAL: u8 = 2;
const STATIC: u8 = 3;
const LABEL: u8 = 6;
const WEAK: u8 = 105;

/// Where things are in the two forms of the format: with up to 32,767 sections, and with more.
struct Form {
    header: usize,
    sections: usize,
    stamp: usize,
    symbol: usize,
    /// The class of a symbol, after which comes the number of entries that belong to it.
    class: usize,
}

pub fn rewrite(old: &[u8], names: &Names) -> Vec<u8> {
    let form = if u16_at(old, 0) == 0 && u16_at(old, 2) == 0xffff {
        Form { header: 56, sections: u32_at(old, 44), stamp: 8, symbol: 20, class: 18 }
    } else {
        let options = usize::from(u16_at(old, 16));
        Form { header: 20 + options, sections: usize::from(u16_at(old, 2)), stamp: 4, symbol: 18, class: 16 }
    };
    let symbols_at = form.header_symbols();
    let (first, count) = (u32_at(old, symbols_at), u32_at(old, symbols_at + 4));
    let strings = &old[first + count * form.symbol..];
    let mut new_strings = vec![0; 4];

    let mut new = old[..form.header + form.sections * SECTION].to_vec();
    set32(&mut new, form.stamp, 0);
    for n in 0..form.sections {
        section(old, &mut new, form.header + n * SECTION, strings, &mut new_strings);
    }
    new.resize(new.len().next_multiple_of(4), 0);
    let place = new.len();
    set32(&mut new, symbols_at, place);
    symbols(&old[first..first + count * form.symbol], &form, strings, names, &mut new, &mut new_strings);
    let size = new_strings.len();
    set32(&mut new_strings, 0, size);
    new.extend(new_strings);
    new
}

impl Form {
    /// Where the header says where the symbols are, and how many.
    fn header_symbols(&self) -> usize {
        if self.symbol == 20 { 48 } else { 8 }
    }
}

/// Copies the content and the relocations of the section with the header at `at`, unless it is emptied.
fn section(old: &[u8], new: &mut Vec<u8>, at: usize, strings: &[u8], new_strings: &mut Vec<u8>) {
    let name = section_name(&old[at..at + 8], strings);
    if name.len() > 8 {
        let number = format!("/{}", new_strings.len());
        new_strings.extend(name);
        new_strings.push(0);
        let mut field = [0; 8];
        field[..number.len()].copy_from_slice(number.as_bytes());
        new[at..at + 8].copy_from_slice(&field);
    }
    let (size, content, relocs) = (u32_at(old, at + 16), u32_at(old, at + 20), u32_at(old, at + 24));
    let flags = u32_at(old, at + 36) as u32;
    if EMPTIED.iter().any(|start| name.starts_with(start)) {
        new[at + 16..at + 36].fill(0);
        set32(new, at + 36, LEFT_OUT as usize);
        return;
    }
    // Line numbers are debugging information.
    set32(new, at + 28, 0);
    new[at + 34..at + 36].fill(0);
    if content != 0 {
        new.resize(new.len().next_multiple_of(4), 0);
        let place = new.len();
        set32(new, at + 20, place);
        new.extend(&old[content..content + size]);
    }
    let mut count = usize::from(u16_at(old, at + 32));
    if flags & MORE_RELOCATIONS != 0 && count == 0xffff {
        count = u32_at(old, relocs);
    }
    if count != 0 {
        let place = new.len();
        set32(new, at + 24, place);
        new.extend(&old[relocs..relocs + count * RELOCATION]);
    }
}

/// Copies the symbols with their new names.
fn symbols(old: &[u8], form: &Form, strings: &[u8], names: &Names, new: &mut Vec<u8>, new_strings: &mut Vec<u8>) {
    let mut entries = old.chunks_exact(form.symbol);
    while let Some(entry) = entries.next() {
        let own = usize::from(entry[form.class + 1]);
        let name = name(&entry[..8], strings);
        let name = match entry[form.class] {
            // The symbol of a section has an entry that describes the section, and its name.
            STATIC if own == 0 => b"l",
            LABEL => b"l",
            EXTERNAL | WEAK => names.shared(name).unwrap_or(name),
            _ => name,
        };
        new.extend(field(name, new_strings));
        new.extend(&entry[8..]);
        new.extend(entries.by_ref().take(own).flatten());
    }
}

/// A name as a symbol has it: itself if it is short, otherwise where it is among the strings.
fn field(name: &[u8], strings: &mut Vec<u8>) -> [u8; 8] {
    let mut field = [0; 8];
    if name.len() <= 8 {
        field[..name.len()].copy_from_slice(name);
    } else {
        field[4..].copy_from_slice(&(strings.len() as u32).to_le_bytes());
        strings.extend(name);
        strings.push(0);
    }
    field
}

fn name<'a>(field: &'a [u8], strings: &'a [u8]) -> &'a [u8] {
    if field[..4] == [0; 4] { until_zero(&strings[u32_at(field, 4)..]) } else { until_zero(field) }
}

fn section_name<'a>(field: &'a [u8], strings: &'a [u8]) -> &'a [u8] {
    let number = field.strip_prefix(b"/").and_then(|n| str::from_utf8(until_zero(n)).ok()?.parse::<usize>().ok());
    number.map_or(until_zero(field), |at| until_zero(&strings[at..]))
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|b| *b == 0).next().unwrap_or_default()
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) as usize
}

fn set32(bytes: &mut [u8], at: usize, value: usize) {
    bytes[at..at + 4].copy_from_slice(&(value as u32).to_le_bytes());
}
