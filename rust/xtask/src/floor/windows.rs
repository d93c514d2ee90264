//! The version of Windows that has all functions which an archive imports.
//!
//! Microsoft's metadata say from which version on a function is there; the crate `windows-bindgen` carries them.
//! (Releases after 0.66 do not say it any more.) What they leave out is in the tables here, and anything else is an
//! error, so that no function goes unchecked.

use crate::symbols;
use crate::targets::Target;
use crate::workspace::{Workspace, package};
use anyhow::{Context, Result, ensure};
use object::read::archive::ArchiveFile;
use std::collections::{BTreeMap, BTreeSet};
use windows_metadata::reader::Index;
use windows_metadata::{HasAttributes as _, Value};

/// What Rust's standard library is made for, whatever it imports. Go asks for the same.
const RUST: Version = [10, 0, 0];

/// Functions that the metadata leave undated, and that no program has had to look for since Windows XP for x86-64.
const ALWAYS: &[&str] = &[
    "GetConsoleMode",
    "GetConsoleOutputCP",
    "GetConsoleScreenBufferInfo",
    "GetCurrentDirectoryW",
    "GetNumberOfConsoleInputEvents",
    "GetStdHandle",
    "NtCreateFile",
    "NtCreateNamedPipeFile",
    "NtDeviceIoControlFile",
    "NtOpenFile",
    "NtQueryInformationFile",
    "NtQueryVolumeInformationFile",
    "NtReadFile",
    "NtWriteFile",
    "PeekConsoleInputW",
    "ReadConsoleInputW",
    "ReadConsoleW",
    "RtlAddFunctionTable",
    "RtlDeleteFunctionTable",
    "RtlLookupFunctionEntry",
    "RtlVirtualUnwind",
    "SetCurrentDirectoryW",
    "WriteConsoleW",
];

/// Functions that the metadata leave undated, with the version that has them.
const DATED: &[(&str, Version)] = &[
    // As CancelIoEx, which calls it.
    ("NtCancelIoFileEx", [6, 0, 6000]),
    // Rust's standard library relies on it from this version on.
    ("ProcessPrng", [10, 0, 0]),
];

/// Functions of the C runtime and of the unwinder, which the compiler links, and what linkers define.
const RUNTIME: &[&str] = &[
    "_GCC_specific_handler",
    "_tls_index",
    "_tls_used",
    "_wcsdup",
    "abort",
    "calloc",
    "ceil",
    "ceilf",
    "floor",
    "floorf",
    "fmod",
    "fmodf",
    "free",
    "malloc",
    "memcmp",
    "memcpy",
    "memmove",
    "memset",
    "pow",
    "strlen",
    "strncpy_s",
    "strnlen",
    "wcscmp",
];

/// Major, minor and build number, as Windows counts them: 8.1 is 6.3.9600.
type Version = [u32; 3];

/// The highest of the versions that the imported functions ask for, but not less than Rust's.
pub fn lowest(ws: &Workspace, target: &Target, archive: &[u8]) -> Result<String> {
    let metadata = ws.metadata(target.triple)?;
    let folder = package(&metadata, "windows-bindgen")?.manifest_path.with_file_name("default");
    let dated = dated(&Index::read(folder.join("Windows.Win32.winmd")).context("metadata of Windows")?);
    let mut lowest = RUST;
    let mut unknown = Vec::new();
    for name in wanted(archive)? {
        let name = name.strip_prefix("__imp_").unwrap_or(&name);
        if RUNTIME.contains(&name) || ALWAYS.contains(&name) || name.starts_with("_Unwind_") {
            continue;
        }
        let known = DATED.iter().find(|(dated, _)| *dated == name).map(|(_, version)| version);
        match known.or_else(|| dated.get(name)) {
            Some(version) => lowest = lowest.max(*version),
            None => unknown.push(name.to_owned()),
        }
    }
    ensure!(unknown.is_empty(), "since when Windows has {unknown:?} must be said in xtask/src/floor/windows.rs");
    Ok(name(lowest))
}

/// What the archive needs and does not contain itself, but for imports.
fn wanted(archive: &[u8]) -> Result<BTreeSet<String>> {
    let (mut wanted, mut defined) = (BTreeSet::new(), BTreeSet::new());
    for member in ArchiveFile::parse(archive)?.members() {
        let data = member?.data(archive)?;
        if symbols::is_import(data)? {
            continue;
        }
        for symbol in symbols::of(data)?.unwrap_or_default() {
            if symbol.defined {
                defined.insert(symbol.name)
            } else {
                wanted.insert(symbol.name)
            };
        }
    }
    Ok(wanted.difference(&defined).cloned().collect())
}

/// The versions that the metadata name, by function.
fn dated(index: &Index) -> BTreeMap<String, Version> {
    let mut dated = BTreeMap::new();
    for functions in index.all().filter(|ty| ty.name() == "Apis") {
        for function in functions.methods() {
            let Some(map) = function.impl_map() else { continue };
            let Some(attribute) = function.find_attribute("SupportedOSPlatformAttribute") else { continue };
            // Servers have names of their own; what only they have stays unknown.
            if let Some((_, Value::Utf8(platform))) = attribute.value().first()
                && let Some(version) = version(platform)
            {
                dated.insert(map.import_name().to_owned(), version);
            }
        }
    }
    dated
}

/// A version as the metadata have it, for example `windows6.0.6000`. There 8.0 and 8.1 go by their names.
fn version(platform: &str) -> Option<Version> {
    let text = platform.strip_prefix("windows")?;
    match text {
        "8.0" => return Some([6, 2, 9200]),
        "8.1" => return Some([6, 3, 9600]),
        _ => {}
    }
    let mut version = [0; 3];
    for (n, part) in text.split('.').enumerate() {
        *version.get_mut(n)? = part.parse().ok()?;
    }
    Some(version)
}

fn name(version: Version) -> String {
    match version {
        [10, 0, 0] => "Windows 10".into(),
        [major, _, build] => format!("Windows {major}, build {build}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(version("windows6.0.6000"), Some([6, 0, 6000]));
        assert_eq!(version("windows10.0.17134"), Some([10, 0, 17134]));
        assert!(version("windows8.1") < Some(RUST) && version("windows8.0") < version("windows8.1"));
        assert_eq!(version("macos12"), None);
        assert_eq!(name([10, 0, 17134]), "Windows 10, build 17134");
    }

    #[test]
    fn metadata_are_dated() {
        let metadata = Workspace::open().unwrap().metadata("x86_64-pc-windows-gnu").unwrap();
        let folder = package(&metadata, "windows-bindgen").unwrap().manifest_path.with_file_name("default");
        let dated = dated(&Index::read(folder.join("Windows.Win32.winmd")).unwrap());
        assert!(dated.len() > 10_000, "{}", dated.len());
        assert_eq!(dated["WaitOnAddress"], [6, 2, 9200]);
        assert_eq!(dated["SetThreadDescription"], [10, 0, 14393]);
    }
}
