//! `build/manifest.json`: what each archive is. The build writes it; everything else reads it.

use crate::floor;
use crate::library::{self, PLAIN};
use crate::sources::{self, sha256};
use crate::symbols;
use crate::targets::{TARGETS, Target};
use crate::toolchain;
use crate::tools::Tools;
use crate::workspace::{C_API, SHIM, Workspace, package};
use crate::{go_link, headers, readme};
use anyhow::{Context, Result, ensure};
use flate2::{Compression, write::DeflateEncoder};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

/// What the file holds: archives by their folder below `build/`.
#[derive(Serialize, Deserialize, Default)]
pub struct Manifest {
    /// The archives.
    pub archives: BTreeMap<String, Archive>,
}

/// One archive.
#[derive(Serialize, Deserialize, Clone, PartialEq)]
pub struct Archive {
    /// rustc's name for the platform.
    pub target: String,
    /// The hash of the file.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its size in bytes as a module archive holds it (deflate, highest level).
    pub compressed_size: u64,
    /// How many functions of the C API it shows.
    pub functions: usize,
    /// The version of Wasmtime in it.
    pub wasmtime: String,
    /// The version of the extension in it.
    pub extension: String,
    /// The hash of what it was built from; `sources.rs` says over what.
    pub sources: String,
    /// The compiler that built it.
    pub rustc: String,
    /// The C compiler and the linker that built it.
    pub tools: Vec<String>,
    /// What a program must be linked with beside it.
    pub native_libs: Vec<String>,
    /// The lowest system that such a program runs on; `floor.rs` says how it is found.
    pub lowest_system: Option<String>,
}

impl Manifest {
    fn path(ws: &Workspace) -> PathBuf {
        ws.root.join("build/manifest.json")
    }

    /// Reads the file; an absent file records nothing.
    pub fn read(ws: &Workspace) -> Result<Self> {
        match fs::read(Self::path(ws)) {
            Ok(text) => Ok(serde_json::from_slice(&text)?),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(e.into()),
        }
    }

    fn write(&self, ws: &Workspace) -> Result<()> {
        Ok(fs::write(Self::path(ws), serde_json::to_string_pretty(self)? + "\n")?)
    }
}

/// Where the archive of a platform is.
pub fn archive_path(ws: &Workspace, target: &Target) -> PathBuf {
    ws.root.join("build").join(target.dir).join("libwasmtime.a")
}

/// What is true of an archive by itself.
fn facts(bytes: &[u8]) -> Result<(String, u64, u64, usize)> {
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::best());
    deflate.write_all(bytes)?;
    Ok((sha256(bytes), bytes.len() as u64, deflate.finish()?.len() as u64, symbols::api(bytes)?.len()))
}

/// Whether the archive that is recorded is the one that is there.
pub fn is_present(ws: &Workspace, target: &Target, archive: &Archive) -> bool {
    fs::read(archive_path(ws, target)).is_ok_and(|bytes| sha256(&bytes) == archive.sha256)
}

/// Builds the archive of a platform and records it.
pub fn build(ws: &Workspace, target: &Target) -> Result<Archive> {
    let sources = sources::hash(ws, target)?;
    let path = archive_path(ws, target);
    let native_libs = target.native_libs(&library::build(ws, target, &PLAIN, &path)?);
    ensure!(sources == sources::hash(ws, target)?, "the sources changed during the build");

    let metadata = ws.metadata(target.triple)?;
    let work = metadata.target_directory.join("xtask").join(target.dir).into_std_path_buf();
    let lowest_system = floor::lowest(ws, target, &path, &native_libs, &work)?;
    if lowest_system.is_none() {
        eprintln!("warning: zig is not installed, so the lowest system is not recorded");
    }
    let (sha256, size, compressed_size, functions) = facts(&fs::read(&path)?)?;
    let archive = Archive {
        target: target.triple.into(),
        sha256,
        size,
        compressed_size,
        functions,
        wasmtime: package(&metadata, C_API)?.version.to_string(),
        extension: package(&metadata, SHIM)?.version.to_string(),
        sources,
        rustc: toolchain::of(target)?.name(),
        tools: Tools::of(target)?.versions()?,
        native_libs,
        lowest_system,
    };
    println!("{}: {size} bytes, {compressed_size} compressed, {functions} functions", path.display());
    let mut manifest = Manifest::read(ws)?;
    manifest.archives.insert(target.dir.into(), archive.clone());
    manifest.write(ws)?;
    go_link::run(ws, &manifest, false)?;
    readme::run(ws, &manifest, false)?;
    Ok(archive)
}

/// Generates what follows from the manifest, after checking that the manifest is true of the archives.
pub fn run(ws: &Workspace, check: bool) -> Result<()> {
    let manifest = Manifest::read(ws)?;
    for (dir, archive) in &manifest.archives {
        verify(ws, dir, archive).with_context(|| format!("build/manifest.json is not true of build/{dir}"))?;
    }
    headers::go_packages(ws, check)?;
    go_link::run(ws, &manifest, check)?;
    readme::run(ws, &manifest, check)
}

/// Checks what the manifest says of one archive.
fn verify(ws: &Workspace, dir: &str, archive: &Archive) -> Result<()> {
    let target = TARGETS.iter().find(|t| t.dir == dir).context("no such platform in targets.rs")?;
    let path = archive_path(ws, target);
    let (sha256, size, compressed_size, functions) =
        facts(&fs::read(&path).with_context(|| path.display().to_string())?)?;
    ensure!(archive.sha256 == sha256, "the archive's SHA-256 is {sha256}");
    ensure!(archive.size == size, "the archive has {size} bytes");
    ensure!(archive.compressed_size == compressed_size, "the archive has {compressed_size} bytes when compressed");
    ensure!(archive.functions == functions, "the archive shows {functions} functions");
    ensure!(archive.target == target.triple, "the target is {}", target.triple);
    let metadata = ws.metadata(target.triple)?;
    let stale = archive.sources != sources::hash(ws, target)?;
    for (name, recorded) in [(C_API, &archive.wasmtime), (SHIM, &archive.extension)].into_iter().filter(|_| !stale) {
        let version = package(&metadata, name)?.version.to_string();
        ensure!(*recorded == version, "{name} is {version}: build the archive again");
    }
    let work = metadata.target_directory.join("xtask").join(target.dir).into_std_path_buf();
    if let Some(lowest) = floor::lowest(ws, target, &path, &archive.native_libs, &work)? {
        ensure!(archive.lowest_system.as_ref() == Some(&lowest), "the lowest system is {lowest}");
    }
    Ok(())
}
