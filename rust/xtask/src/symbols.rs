//! Which symbols an archive or an object shows, and which of them are the C API.

use anyhow::{Context, Result};
use object::read::archive::ArchiveFile;
use object::read::elf::{FileHeader as _, Sym as _};
use object::{LittleEndian as LE, elf};
use std::collections::BTreeSet;

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

/// The defined global symbols of all objects in an archive.
pub fn defined(archive: &[u8]) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for member in ArchiveFile::parse(archive)?.members() {
        let data = member?.data(archive)?;
        if !data.starts_with(&elf::ELFMAG) {
            continue;
        }
        let header = elf::FileHeader64::<LE>::parse(data)?;
        let sections = header.sections(LE, data)?;
        let symbols = sections.symbols(LE, data, elf::SHT_SYMTAB)?;
        for symbol in symbols.iter() {
            if symbol.st_bind() != elf::STB_LOCAL && !symbol.is_undefined(LE) {
                names.insert(str::from_utf8(symbols.symbol_name(LE, symbol)?).context("a symbol's name")?.to_owned());
            }
        }
    }
    Ok(names)
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
