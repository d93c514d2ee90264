//! Which symbols an archive or an object shows, and which of them are the C API.

use anyhow::Result;
use object::read::archive::ArchiveFile;
use object::read::coff::ImportFile;
use object::{
    BinaryFormat, File, FileKind, Object as _, ObjectSection as _, ObjectSymbol as _, SymbolKind, SymbolScope,
};
use std::collections::BTreeSet;

/// How the names begin by which the objects of an archive know each other, if they cannot be merged into one.
pub const PRIVATE: &str = "_wasmtime.";

/// Whether a symbol belongs to the C API.
///
/// Wasmtime gives helpers that are private to it names that end in its version (`…_48_0_8`), so that two versions can
/// be linked together; those are not part of it.
pub fn is_api(name: &str) -> bool {
    ["wasm_", "wasi_", "wasmtime_"].iter().any(|p| name.starts_with(p)) && !is_versioned(name)
}

fn is_versioned(name: &str) -> bool {
    let mut parts = name.rsplit('_');
    (0..3).all(|_| parts.next().is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit())))
}

/// A symbol that an object shares with others.
pub struct Symbol {
    /// The name as C has it.
    pub name: String,
    /// The name as the object has it.
    pub raw: Vec<u8>,
    /// Whether the object defines it, or needs it from another one.
    pub defined: bool,
    /// Whether only objects that are linked together may refer to it.
    pub hidden: bool,
}

/// The symbols that an object shares with others, or nothing if `data` is no object.
pub fn of(data: &[u8]) -> Result<Option<Vec<Symbol>>> {
    match FileKind::parse(data) {
        Ok(FileKind::CoffImport) => return Ok(Some(imported(data)?)),
        Ok(FileKind::Elf64 | FileKind::MachO64 | FileKind::Coff | FileKind::CoffBig) => {}
        _ => return Ok(None),
    }
    let file = File::parse(data)?;
    let underscore = file.format() == BinaryFormat::MachO;
    let mut symbols = Vec::new();
    for symbol in file.symbols().filter(|s| s.is_global() || s.is_undefined()) {
        let raw = symbol.name_bytes()?;
        if raw.is_empty() || symbol.kind() == SymbolKind::File {
            continue;
        }
        let name = if underscore { raw.strip_prefix(b"_").unwrap_or(raw) } else { raw };
        symbols.push(Symbol {
            name: String::from_utf8_lossy(name).into_owned(),
            raw: raw.to_vec(),
            defined: !symbol.is_undefined(),
            // ELF has it too, but a hidden symbol of an archive's only object would still be there for programs.
            hidden: underscore && symbol.scope() == SymbolScope::Linkage,
        });
    }
    Ok(Some(symbols))
}

/// What the short form of an import defines.
fn imported(data: &[u8]) -> Result<Vec<Symbol>> {
    let name = ImportFile::parse(data)?.symbol().to_vec();
    let text = String::from_utf8_lossy(&name).into_owned();
    let symbol = |name: String| Symbol { raw: name.clone().into_bytes(), name, defined: true, hidden: false };
    Ok(vec![symbol(format!("__imp_{text}")), symbol(text)])
}

/// The names that an archive shows to programs, without those of imports and those by which its objects know each
/// other.
pub fn defined(archive: &[u8]) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for member in ArchiveFile::parse(archive)?.members() {
        let data = member?.data(archive)?;
        let symbols = of(data)?.unwrap_or_default();
        if is_import(data)? {
            continue;
        }
        let shown = symbols.into_iter().filter(|s| s.defined && !s.hidden && !s.raw.starts_with(PRIVATE.as_bytes()));
        names.extend(shown.map(|s| s.name));
    }
    Ok(names)
}

/// Whether an object is what a linker makes of functions in a shared library of Windows.
pub fn is_import(data: &[u8]) -> Result<bool> {
    Ok(match FileKind::parse(data) {
        Ok(FileKind::CoffImport) => true,
        Ok(FileKind::Coff | FileKind::CoffBig) => {
            File::parse(data)?.sections().any(|s| s.name_bytes().is_ok_and(|name| name.starts_with(b".idata$")))
        }
        _ => false,
    })
}

/// The symbols of the C API in an archive.
pub fn api(archive: &[u8]) -> Result<BTreeSet<String>> {
    Ok(defined(archive)?.into_iter().filter(|name| is_api(name)).collect())
}

#[cfg(test)]
mod tests {
    use super::is_api;

    #[test]
    fn private_helpers_are_not_api() {
        assert!(is_api("wasmtime_engine_clone"));
        assert!(is_api("wasm_v128_1_2"));
        assert!(!is_api("wasmtime_using_libunwind_48_0_8"));
        assert!(!is_api("_wasm_engine_new"));
    }
}
