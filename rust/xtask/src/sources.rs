//! One hash over everything that decides what an archive is, beside the tools.
//!
//! It covers, by path and content, `rust/Cargo.toml`, `rust/shim/`, `rust/archive/` and the files of xtask that make
//! the archive; and, by name, version and checksum, every crate of `rust/Cargo.lock` that is compiled for it. What only
//! xtask or the tests use is not part of it.

use crate::targets::Target;
use crate::workspace::{Workspace, closure};
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

/// The files, relative to `rust/`; a folder stands for all files below it.
const FILES: &[&str] = &[
    "Cargo.toml",
    "archive",
    "shim/Cargo.toml",
    "shim/build.rs",
    "shim/src",
    "xtask/src/archive.rs",
    "xtask/src/cargo.rs",
    "xtask/src/compact",
    "xtask/src/elf.rs",
    "xtask/src/merge.lds",
    "xtask/src/recipe.rs",
    "xtask/src/separate",
    "xtask/src/symbols.rs",
    "xtask/src/toolchain.rs",
    "xtask/src/tools.rs",
];

/// The hash for one platform, in hexadecimal digits.
pub fn hash(ws: &Workspace, target: &Target) -> Result<String> {
    let mut lines = BTreeSet::new();
    for file in FILES {
        for path in files(&ws.rust.join(file))? {
            let name = path.strip_prefix(&ws.rust)?.components().map(|c| c.as_os_str().to_string_lossy());
            lines.insert(format!("file {} {}", name.collect::<Vec<_>>().join("/"), sha256(&fs::read(&path)?)));
        }
    }
    let checksums = checksums(&fs::read_to_string(ws.rust.join("Cargo.lock"))?);
    let metadata = ws.metadata(target.triple)?;
    for package in closure(&metadata)? {
        let version = package.version.to_string();
        let checksum = checksums.get(&(package.name.to_string(), version.clone()));
        lines.insert(format!("crate {} {version} {}", package.name, checksum.map_or("-", String::as_str)));
    }
    Ok(sha256(lines.into_iter().collect::<Vec<_>>().join("\n").as_bytes()))
}

/// SHA-256 in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// All files at or below `path`, sorted.
pub fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.into()]);
    }
    let mut entries = fs::read_dir(path)
        .with_context(|| path.display().to_string())?
        .map(|e| Ok(e?.path()))
        .collect::<Result<Vec<_>>>()?;
    entries.sort();
    let mut all = Vec::new();
    for entry in entries {
        all.extend(files(&entry)?);
    }
    Ok(all)
}

/// The checksums in a lock file, by name and version.
fn checksums(lock: &str) -> HashMap<(String, String), String> {
    lock.split("[[package]]")
        .filter_map(|package| {
            let field = |key: &str| {
                let line = package.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(" = "))?;
                Some(line.trim_matches('"').to_owned())
            };
            Some(((field("name")?, field("version")?), field("checksum")?))
        })
        .collect()
}
