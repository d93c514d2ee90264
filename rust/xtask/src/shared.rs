//! The shared library, which is linked from the archive: the same code, and the same functions shown.
//!
//! zig links it for every platform, against the lowest version of the system that the archive is built for. So a
//! shared library that is made on a new Linux runs on an old one.

use crate::cargo::run;
use crate::library::{self, PLAIN};
use crate::manifest::{self, Manifest, archive_path};
use crate::sources;
use crate::symbols;
use crate::targets::{System, Target};
use crate::workspace::Workspace;
use crate::zig::zig;
use anyhow::{Context, Result, ensure};
use object::{Object as _, read::File};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Makes the shared library of a platform, which is not committed: of the given archive, if there is one.
pub fn build(ws: &Workspace, target: &Target, archive: Option<&Path>, out: Option<&Path>) -> Result<()> {
    let out = out.map_or_else(|| ws.root.join("dist").join(target.dir).join(name(target)), PathBuf::from);
    let work = ws.metadata(target.triple)?.target_directory.join("xtask").join(target.dir).into_std_path_buf();
    fs::create_dir_all(out.parent().context("a library in a folder")?)?;
    fs::create_dir_all(&work)?;
    let (archive, native_libs) = match archive {
        Some(archive) => (archive.into(), recorded_libs(ws, target)?),
        None => fresh(ws, target, &work)?,
    };
    let api = symbols::api(&fs::read(&archive)?)?;
    let mut linker = zig().context("zig links shared libraries: `pip install ziglang`")?;
    linker.args(["cc", "-target", &target.zig_name(), "-shared", "-o"]).arg(&out);
    match target.system {
        System::Glibc(_) | System::Musl => elf(&mut linker, &archive),
        System::Windows => windows(&mut linker, &archive, &api, &out, &work)?,
        System::MacOs(_) => macos(&mut linker, &archive),
    }
    run(linker.args(native_libs))?;

    let shown = exports(&out)?;
    let difference: Vec<_> = shown.symmetric_difference(&api).collect();
    ensure!(difference.is_empty(), "{} does not show what the archive shows: {difference:?}", out.display());
    println!("{}: {} bytes, {} functions", out.display(), fs::metadata(&out)?.len(), shown.len());
    Ok(())
}

/// What the file is called, where programs look for it.
fn name(target: &Target) -> &'static str {
    match target.system {
        System::Glibc(_) | System::Musl => "libwasmtime.so",
        System::Windows => "wasmtime.dll",
        System::MacOs(_) => "libwasmtime.dylib",
    }
}

/// The archive to link, and what to link beside it: the one in build/ if the sources are its own, or one that is
/// built here.
fn fresh(ws: &Workspace, target: &Target, work: &Path) -> Result<(PathBuf, Vec<String>)> {
    if let Some(recorded) = Manifest::read(ws)?.archives.remove(target.dir)
        && recorded.sources == sources::hash(ws, target)?
        && manifest::is_present(ws, target, &recorded)
    {
        return Ok((archive_path(ws, target), recorded.native_libs));
    }
    let path = work.join("libwasmtime.a");
    let native_libs = target.native_libs(&library::build(ws, target, &PLAIN, &path)?);
    Ok((path, native_libs))
}

fn recorded_libs(ws: &Workspace, target: &Target) -> Result<Vec<String>> {
    let recorded = Manifest::read(ws)?.archives.remove(target.dir);
    Ok(recorded.with_context(|| format!("{} is not in build/manifest.json", target.dir))?.native_libs)
}

fn elf(linker: &mut Command, archive: &Path) {
    // Calls within the library go straight to its own functions.
    linker.args(["-Wl,-soname,libwasmtime.so", "-Wl,-Bsymbolic", "-Wl,-z,defs", "-s"]);
    linker.arg("-Wl,--whole-archive").arg(archive).arg("-Wl,--no-whole-archive");
}

fn windows(linker: &mut Command, archive: &Path, api: &BTreeSet<String>, out: &Path, work: &Path) -> Result<()> {
    // Without a list, everything that the objects share would be shown.
    let list = work.join("wasmtime.def");
    fs::write(
        &list,
        format!("LIBRARY wasmtime.dll\nEXPORTS\n{}\n", api.iter().cloned().collect::<Vec<_>>().join("\n")),
    )?;
    linker.arg("-s").arg(format!("-Wl,--out-implib={}", out.with_file_name("libwasmtime.dll.a").display()));
    linker.args([&list, archive]);
    Ok(())
}

fn macos(linker: &mut Command, archive: &Path) {
    linker.arg("-Wl,-install_name,@rpath/libwasmtime.dylib");
    linker.arg(format!("-Wl,-force_load,{}", archive.display()));
}

/// Marks of the file itself, in every library for macOS.
const LINKER_DEFINED: &[&str] = &["__dso_handle", "_mh_dylib_header"];

/// The functions that a shared library shows.
fn exports(library: &Path) -> Result<BTreeSet<String>> {
    let data = fs::read(library)?;
    let file = File::parse(&*data)?;
    let underscore = file.format() == object::BinaryFormat::MachO;
    let names = file.exports()?.into_iter().map(|export| {
        let name = export.name();
        String::from_utf8_lossy(if underscore { name.strip_prefix(b"_").unwrap_or(name) } else { name }).into_owned()
    });
    // zig's linker for macOS shows what it defines itself.
    Ok(names.filter(|name| !underscore || !LINKER_DEFINED.contains(&name.as_str())).collect())
}
