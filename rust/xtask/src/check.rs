//! What CI asks of the committed archives, headers and manifest.

use crate::cargo::output;
use crate::library::{self, PLAIN};
use crate::manifest::{self, Archive, Manifest, archive_path};
use crate::sources::{self, sha256};
use crate::symbols;
use crate::targets::Target;
use crate::toolchain;
use crate::tools::Tools;
use crate::workspace::Workspace;
use crate::{headers, notices, wit};
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

/// The size in bytes that an archive must not exceed.
const LIMIT: u64 = 40_000_000;

/// How the names of functions begin that the C API of the pinned release has, but declares in no header.
const UNDECLARED: &[&str] = &["wasmtime_component_fixed_length_list_type_"];

/// Checks that archives, headers, manifest, notices and sources agree. Reports everything that is wrong.
///
/// Between releases, archives of other platforms than the host's may wait for those who can build them.
pub fn check(ws: &Workspace, release: bool) -> Result<()> {
    let manifest = Manifest::read(ws)?;
    let mut wrong: Vec<String> = Vec::new();
    let mut ask = |result: Result<()>| wrong.extend(result.err().map(|e| format!("{e:#}")));
    ask(headers::run(ws, true));
    ask(manifest::run(ws, true));
    ask(notices::run(ws, true));
    ask(wit::run(ws, true));
    let host = toolchain::host()?;
    for (dir, archive) in &manifest.archives {
        if is_fresh(ws, dir, archive)? || release || archive.target == host {
            ask(archive_of(ws, dir, archive).with_context(|| format!("build/{dir}")));
        } else {
            println!("build/{dir} is stale: built from other sources; `cargo xtask build --target {dir}`");
        }
    }
    let (folders, count) = (fs::read_dir(ws.root.join("build"))?.flatten(), manifest.archives.len());
    let folders = folders.filter(|e| e.path().is_dir()).count();
    if folders != count || count == 0 {
        wrong.push(format!("build/ has {folders} folders, its manifest {count} archives"));
    }
    if !wrong.is_empty() {
        bail!("{} of the checks failed\n\n{}", wrong.len(), wrong.join("\n\n"));
    }
    println!("{count} archives, headers, manifest, notices and WIT are as they should be");
    Ok(())
}

/// Prints the platforms whose archives belong to the sources, and says of the others that they do not.
///
/// Tests of a stale archive would show what was true of other sources, or would not even link.
pub fn fresh(ws: &Workspace) -> Result<()> {
    for (dir, archive) in &Manifest::read(ws)?.archives {
        if is_fresh(ws, dir, archive)? {
            println!("{dir}");
        } else {
            eprintln!("build/{dir} is stale: built from other sources; `cargo xtask build --target {dir}`");
        }
    }
    Ok(())
}

/// Whether an archive belongs to the sources beside it.
fn is_fresh(ws: &Workspace, dir: &str, archive: &Archive) -> Result<bool> {
    Ok(archive.sources == sources::hash(ws, Target::find(Some(dir))?)?)
}

fn archive_of(ws: &Workspace, dir: &str, archive: &Archive) -> Result<()> {
    let target = Target::find(Some(dir))?;
    ensure!(archive.size <= LIMIT, "{} bytes are more than {LIMIT}", archive.size);
    let sources = sources::hash(ws, target)?;
    ensure!(archive.sources == sources, "built from other sources: run `cargo xtask build --target {dir}`");
    let shown = symbols::defined(&fs::read(archive_path(ws, target))?)?;
    let alien: Vec<_> = shown.iter().filter(|name| !symbols::is_api(name)).take(5).collect();
    ensure!(alien.is_empty(), "the archive shows more than the C API: {alien:?}");
    let declared = declared(ws)?;
    let missing: Vec<_> = declared.difference(&shown).collect();
    ensure!(missing.is_empty(), "declared in include/, but not in the archive: {missing:?}");
    let hidden: Vec<_> =
        shown.difference(&declared).filter(|name| UNDECLARED.iter().all(|start| !name.starts_with(start))).collect();
    ensure!(hidden.is_empty(), "in the archive, but not declared in include/: {hidden:?}");
    Ok(())
}

/// The functions that the headers declare.
fn declared(ws: &Workspace) -> Result<BTreeSet<String>> {
    const MARK: &str = "XTASK_API";
    let all = ["wasm.h", "wasi.h", "wasmtime.h", "wasmtime/ext.h"];
    let include = ws.root.join("include");
    let mut cc = Command::new(std::env::var("CC").unwrap_or_else(|_| "cc".into()));
    cc.args(["-E", "-P", "-xc", &format!("-DWASM_API_EXTERN={MARK}"), &format!("-DWASI_API_EXTERN={MARK}")]);
    for header in all {
        cc.arg("-include").arg(include.join(header));
    }
    let text = output(cc.arg("-I").arg(&include).arg("/dev/null"))?;
    let name = |declaration: &str| {
        let before = declaration.split('(').next()?.trim_end();
        let name = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
        Some(name.to_owned())
    };
    Ok(text.split(MARK).skip(1).filter_map(name).collect())
}

/// Builds the archive of a platform again and compares it with the committed one.
///
/// Bit by bit when the tools are those of the manifest; otherwise by what the archives show.
pub fn prove(ws: &Workspace, target: &Target) -> Result<()> {
    let manifest = Manifest::read(ws)?;
    let recorded = manifest.archives.get(target.dir).with_context(|| format!("no archive in build/{}", target.dir))?;
    ensure!(recorded.sources == sources::hash(ws, target)?, "the sources are not those of the archive");

    let again =
        ws.metadata(target.triple)?.target_directory.join("xtask").join(target.dir).join("prove.a").into_std_path_buf();
    let native_libs = target.native_libs(&library::build(ws, target, &PLAIN, &again)?);
    ensure!(native_libs == recorded.native_libs, "the native libraries are {native_libs:?}");
    let again = fs::read(again)?;
    if sha256(&again) == recorded.sha256 {
        println!("build/{}/libwasmtime.a was built again, bit by bit", target.dir);
        return Ok(());
    }
    let mut own = vec![toolchain::of(target)?.name()];
    own.extend(Tools::of(target)?.versions()?);
    let mut theirs = vec![recorded.rustc.clone()];
    theirs.extend(recorded.tools.clone());
    ensure!(own != theirs, "the same sources and tools gave another archive: {}", sha256(&again));
    let committed = symbols::api(&fs::read(archive_path(ws, target))?)?;
    let difference: Vec<_> = committed.symmetric_difference(&symbols::api(&again)?).cloned().collect();
    ensure!(difference.is_empty(), "the archive built here differs in {difference:?}");
    println!("the tools differ, so the bits cannot be compared: here {own:?}, there {theirs:?}");
    println!("both archives show the same {} functions", committed.len());
    Ok(())
}
