//! The lowest system that a program with the archive runs on, found in the archive.

mod macos;
mod windows;

use crate::symbols;
use crate::targets::{System, Target};
use crate::workspace::Workspace;
use crate::zig::zig;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

/// The newest version of the GNU C library that zig can link against.
const GLIBC_NEWEST: u32 = 41;

/// The lowest system, as one says it: `glibc 2.17`, `musl`, `Windows 10`, `macOS 12.0`. `None` if zig is not installed.
///
/// zig links a program that refers to every function of the archive, with the libraries that the manifest names and
/// no others. For glibc against one version after the other, from the lowest that the platform has; the first that
/// succeeds is the answer. Only strong references count: what Rust's standard library looks for and can do without
/// stays weak. musl's symbols have no versions, so nothing more can be said than that zig's has them. What is
/// imported from Windows is looked up, and objects for macOS name their version.
pub fn lowest(ws: &Workspace, target: &Target, archive: &Path, libs: &[String], work: &Path) -> Result<Option<String>> {
    if zig().is_none() {
        return Ok(None);
    }
    let bytes = fs::read(archive)?;
    let program = program(&bytes, work)?;
    if let System::Glibc(lowest) = target.system {
        for minor in lowest..=GLIBC_NEWEST {
            if link(&format!("{}.2.{minor}", target.zig), &program, archive, libs)?.status.success() {
                return Ok(Some(format!("glibc 2.{minor}")));
            }
        }
        bail!("zig links the archive against no version of the GNU C library");
    }
    let linked = link(&target.zig_name(), &program, archive, libs)?;
    let errors = String::from_utf8_lossy(&linked.stderr);
    ensure!(linked.status.success(), "zig does not link the archive with {libs:?} alone:\n{errors}");
    match target.system {
        System::Windows => windows::lowest(ws, target, &bytes).map(Some),
        System::MacOs(_) => macos::lowest(&bytes).map(Some),
        System::Glibc(_) | System::Musl => Ok(Some("musl".into())),
    }
}

/// Writes a program that refers to every function of the archive.
fn program(archive: &[u8], work: &Path) -> Result<PathBuf> {
    fs::create_dir_all(work)?;
    let source = work.join("all.c");
    let api = symbols::api(archive)?;
    let declared: String = api.iter().map(|name| format!("void {name}(void);\n")).collect();
    let used = api.iter().map(String::as_str).collect::<Vec<_>>().join(",\n    ");
    fs::write(
        &source,
        format!(
            "{declared}void (*volatile all[])(void) = {{\n    {used},\n}};\nint main(void) {{ return all[0] == 0; }}\n"
        ),
    )?;
    Ok(source)
}

fn link(platform: &str, program: &Path, archive: &Path, libs: &[String]) -> Result<Output> {
    let mut zig = zig().context("zig")?;
    zig.args(["cc", "-fno-builtin", "-target", platform]).arg(program).arg(archive).args(libs);
    Ok(zig.arg("-o").arg(program.with_extension("exe")).output()?)
}
