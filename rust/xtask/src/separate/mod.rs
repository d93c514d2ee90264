//! Archives in formats of which no linker here makes partial links: the objects stay apart.
//!
//! What a partial link does for ELF is done in other ways. Code that nobody reaches is gone by optimisation at link
//! time, and objects that nobody reaches are left out. Names that the objects need among themselves, but nobody else,
//! are replaced by numbers, so that two Rust libraries in one program do not clash; local names are replaced by one
//! for all. Debugging information, bitcode and what an object asks of its linker are emptied.

mod coff;
mod macho;

use crate::symbols::{self, PRIVATE};
use anyhow::{Context, Result};
use object::read::archive::ArchiveFile;
use std::collections::{BTreeMap, BTreeSet};

/// An object of the archive.
struct Member<'a> {
    name: String,
    data: &'a [u8],
    symbols: Vec<symbols::Symbol>,
    /// What it is of an import from a shared library, if it is one.
    import: Option<Import>,
}

/// What tools make to import functions from a shared library. The names of functions in it mean something to the
/// linker.
#[derive(Clone, Copy, PartialEq)]
enum Import {
    /// One function, in a form that is no object.
    Short,
    /// A part of the tables of imports: the library's or one function's.
    Part,
}

/// How the names in an object change.
pub struct Names {
    /// What becomes of the names that the objects share; all others stay.
    shared: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Names {
    /// The new name of something that other objects may refer to, if it gets one.
    pub fn shared(&self, name: &[u8]) -> Option<&[u8]> {
        self.shared.get(name).map(Vec::as_slice)
    }
}

/// The objects of an archive that the functions `keep` need, with names and content as said above.
pub fn process(archive: &[u8], keep: &BTreeSet<String>) -> Result<Vec<(String, Vec<u8>)>> {
    let members = members(archive)?;
    let reached = reached(&members, keep);
    let names = names(&members, keep);
    let mut objects = Vec::new();
    for (n, member) in members.iter().enumerate().filter(|(n, _)| reached.contains(n)) {
        let data = match object::FileKind::parse(member.data) {
            _ if member.import == Some(Import::Short) => member.data.to_vec(),
            Ok(object::FileKind::MachO64) => macho::rewrite(member.data, &names),
            _ => coff::rewrite(member.data, &names),
        };
        // Only imports are told apart by their names, by linkers that sort them.
        let name = if member.import.is_some() { member.name.clone() } else { format!("wasmtime{n}.o") };
        objects.push((name, data));
    }
    Ok(objects)
}

fn members(archive: &[u8]) -> Result<Vec<Member<'_>>> {
    let mut members = Vec::new();
    for member in ArchiveFile::parse(archive)?.members() {
        let member = member?;
        let name = String::from_utf8_lossy(member.name()).into_owned();
        let data = member.data(archive)?;
        // rustc adds its own metadata, which is no object.
        let Some(symbols) = symbols::of(data).with_context(|| name.clone())? else { continue };
        let import = match object::FileKind::parse(data) {
            Ok(object::FileKind::CoffImport) => Some(Import::Short),
            _ => symbols::is_import(data)?.then_some(Import::Part),
        };
        members.push(Member { name, data, symbols, import });
    }
    Ok(members)
}

/// The positions of the objects that a linker would take, beginning with those that define what is kept.
fn reached(members: &[Member], keep: &BTreeSet<String>) -> BTreeSet<usize> {
    let mut definitions: BTreeMap<&str, usize> = BTreeMap::new();
    for (n, member) in members.iter().enumerate() {
        for symbol in member.symbols.iter().filter(|s| s.defined) {
            definitions.entry(&symbol.name).or_insert(n);
        }
    }
    let mut todo: Vec<usize> = keep.iter().filter_map(|name| definitions.get(name.as_str()).copied()).collect();
    let mut reached = BTreeSet::new();
    while let Some(n) = todo.pop() {
        if reached.insert(n) {
            if members[n].import == Some(Import::Short) {
                // It refers to the parts that describe its library by nothing but the common name.
                let is_part = |other: &Member| other.import == Some(Import::Part) && other.name == members[n].name;
                todo.extend((0..members.len()).filter(|&other| is_part(&members[other])));
            }
            let wanted = members[n].symbols.iter().filter(|s| !s.defined);
            todo.extend(wanted.filter_map(|s| definitions.get(s.name.as_str()).copied()));
        }
    }
    reached
}

/// New names for what the objects define for each other.
fn names(members: &[Member], keep: &BTreeSet<String>) -> Names {
    let imported: BTreeSet<&str> = members
        .iter()
        .filter(|m| m.import.is_some())
        .flat_map(|m| &m.symbols)
        .map(|s| s.name.as_str())
        .filter(|name| !names_a_file(name))
        .collect();
    let mut shared = BTreeMap::new();
    for symbol in members.iter().flat_map(|m| &m.symbols).filter(|s| s.defined) {
        if !keep.contains(&symbol.name) && !imported.contains(symbol.name.as_str()) {
            let next = shared.len();
            shared.entry(symbol.raw.clone()).or_insert_with(|| format!("{PRIVATE}{next}").into_bytes());
        }
    }
    Names { shared }
}

/// Whether a name in the parts of an import is made of the path of a temporary file, as dlltool does it; so that it
/// is another one in every build.
fn names_a_file(name: &str) -> bool {
    name.starts_with("_head_") || name.ends_with("_iname")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive;
    use crate::targets::Target;
    use object::write::{Object, Relocation, Symbol, SymbolSection};
    use object::{
        Architecture, BinaryFormat, Endianness, File, Object as _, ObjectSection as _, ObjectSymbol as _,
        RelocationEncoding, RelocationFlags, RelocationKind, RelocationTarget, SectionKind, SymbolFlags, SymbolKind,
        SymbolScope,
    };
    use std::fs;

    fn function(name: &str, section: SymbolSection, value: u64, scope: SymbolScope) -> Symbol {
        let flags = SymbolFlags::None;
        Symbol { name: name.into(), value, size: 0, kind: SymbolKind::Text, scope, weak: false, section, flags }
    }

    /// An object with two functions that others see, a local one, a call of something else, and a section to be
    /// emptied.
    fn object(format: BinaryFormat, api: &str, helper: &str, called: &str, emptied: (&str, &str)) -> Vec<u8> {
        let mut object = Object::new(format, Architecture::X86_64, Endianness::Little);
        let text = object.section_id(object::write::StandardSection::Text);
        object.append_section_data(text, &[0xe8, 0, 0, 0, 0, 0xc3, 0xc3, 0xc3], 16);
        let here = SymbolSection::Section(text);
        object.add_symbol(function(api, here, 0, SymbolScope::Dynamic));
        object.add_symbol(function(helper, here, 6, SymbolScope::Dynamic));
        object.add_symbol(function("a_local_function", here, 7, SymbolScope::Compilation));
        let symbol = object.add_symbol(function(called, SymbolSection::Undefined, 0, SymbolScope::Unknown));
        let flags = RelocationFlags::Generic {
            kind: RelocationKind::PltRelative,
            encoding: RelocationEncoding::X86Branch,
            size: 32,
        };
        object.add_relocation(text, Relocation { offset: 1, symbol, addend: -4, flags }).unwrap();
        let gone = object.add_section(emptied.0.into(), emptied.1.into(), SectionKind::Other);
        object.append_section_data(gone, b"something that a linker would read", 1);
        object.write().unwrap()
    }

    fn processed(format: BinaryFormat, dir: &str, emptied: (&str, &str)) {
        let objects = vec![
            ("a.o".to_owned(), object(format, "wasm_one", "a_helper_function", "another_helper", emptied)),
            ("b.o".to_owned(), object(format, "wasm_two", "another_helper", "malloc", emptied)),
            ("c.o".to_owned(), object(format, "nobody", "needs_this", "free", emptied)),
        ];
        let folder = std::env::temp_dir().join(format!("xtask-separate-{dir}-{}", std::process::id()));
        let path = folder.join("raw.a");
        archive::write(Target::find(Some(dir)).unwrap(), objects, &path).unwrap();
        let raw = fs::read(&path).unwrap();
        let keep = symbols::api(&raw).unwrap();
        assert_eq!(keep, BTreeSet::from(["wasm_one".to_owned(), "wasm_two".to_owned()]));
        let objects = process(&raw, &keep).unwrap();
        assert_eq!(objects.len(), 2, "what nobody needs is left out");

        let first = File::parse(&*objects[0].1).unwrap();
        let second = File::parse(&*objects[1].1).unwrap();
        let text = first.sections().find(|s| s.kind() == SectionKind::Text).unwrap();
        assert_eq!(text.data().unwrap()[5..], [0xc3, 0xc3, 0xc3]);
        let (place, reloc) = text.relocations().next().unwrap();
        let RelocationTarget::Symbol(called) = reloc.target() else { panic!("{reloc:?}") };
        let called = first.symbol_by_index(called).unwrap().name().unwrap().to_owned();
        assert_eq!(place, 1);
        assert!(called.starts_with(PRIVATE), "{called}");
        let called = second.symbols().find(|s| s.name() == Ok(&called)).expect("one name in both objects");
        assert_eq!(called.address() - second.sections().next().unwrap().address(), 6);
        let all: Vec<_> = first.symbols().chain(second.symbols()).map(|s| s.name().unwrap().to_owned()).collect();
        assert!(all.iter().all(|name| !name.contains("helper") && !name.contains("local")), "{all:?}");
        assert!(all.iter().any(|name| name.ends_with("malloc")), "{all:?}");
        let bytes: usize = first.sections().map(|s| s.data().unwrap().len()).sum();
        assert_eq!(bytes, 8);

        archive::write(Target::find(Some(dir)).unwrap(), objects, &path).unwrap();
        assert_eq!(symbols::defined(&fs::read(&path).unwrap()).unwrap(), keep);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn coff() {
        processed(BinaryFormat::Coff, "windows-x86_64", ("", ".drectve"));
    }

    #[test]
    fn macho() {
        processed(BinaryFormat::MachO, "macos-x86_64", ("__LLVM", "__bitcode"));
    }

    /// A part of an import as dlltool makes it.
    fn part(defined: &str, wanted: &str) -> Vec<u8> {
        let mut object = Object::new(BinaryFormat::Coff, Architecture::X86_64, Endianness::Little);
        let tables = object.add_section(vec![], b".idata$5".to_vec(), SectionKind::Data);
        object.append_section_data(tables, &[0; 8], 8);
        object.add_symbol(function(defined, SymbolSection::Section(tables), 0, SymbolScope::Dynamic));
        object.add_symbol(function(wanted, SymbolSection::Undefined, 0, SymbolScope::Unknown));
        object.write().unwrap()
    }

    #[test]
    fn imports() {
        let (head, tail) = ("_head__tmp_rustcA1b2C3_kernel32_dll", "__tmp_rustcA1b2C3_kernel32_dll_iname");
        let objects = vec![
            ("a.o".to_owned(), object(BinaryFormat::Coff, "wasm_one", "helper", "__imp_Sleep", ("", ".drectve"))),
            ("kernel32.dllh.o".to_owned(), part(head, tail)),
            ("kernel32.dlls0.o".to_owned(), part("__imp_Sleep", head)),
            ("kernel32.dlls1.o".to_owned(), part("__imp_Beep", head)),
            ("kernel32.dllt.o".to_owned(), part(tail, tail)),
        ];
        let folder = std::env::temp_dir().join(format!("xtask-imports-{}", std::process::id()));
        let path = folder.join("raw.a");
        archive::write(Target::find(Some("windows-x86_64")).unwrap(), objects, &path).unwrap();
        let raw = fs::read(&path).unwrap();
        fs::remove_dir_all(folder).unwrap();
        let objects = process(&raw, &symbols::api(&raw).unwrap()).unwrap();

        let names: Vec<_> = objects.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["wasmtime0.o", "kernel32.dllh.o", "kernel32.dlls0.o", "kernel32.dllt.o"]);
        let symbols: Vec<_> = objects.iter().flat_map(|(_, data)| symbols::of(data).unwrap().unwrap()).collect();
        assert!(symbols.iter().all(|s| !s.name.contains("rustc")), "a name tells where it was built");
        for symbol in symbols.iter().filter(|s| !s.defined) {
            assert!(symbols.iter().any(|s| s.defined && s.name == symbol.name), "{} is lost", symbol.name);
        }
    }
}
