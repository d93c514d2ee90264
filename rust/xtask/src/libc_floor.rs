//! The lowest version of the C library that a program with the archive runs on.

use crate::symbols;
use crate::targets::{Libc, Target};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// The versions of the GNU C library that zig can link against.
const GLIBC_MINOR: std::ops::RangeInclusive<u32> = 17..=41;

/// Links a program that refers to every function of the archive against one version after the other, from the lowest
/// that zig knows; the first that succeeds is the answer. `None` if zig is not installed.
///
/// Only strong references count: what Rust's standard library looks for and can do without stays weak.
pub fn lowest(target: &Target, archive: &Path, native_libs: &[String], work: &Path) -> Result<Option<String>> {
    let Libc::Glibc { zig: triple } = target.libc;
    let Some(zig) = zig() else { return Ok(None) };
    fs::create_dir_all(work)?;
    let source = work.join("all.c");
    let api = symbols::api(&fs::read(archive)?)?;
    let declared: String = api.iter().map(|name| format!("void {name}(void);\n")).collect();
    let used = api.iter().map(String::as_str).collect::<Vec<_>>().join(",\n    ");
    fs::write(
        &source,
        format!(
            "{declared}void (*volatile all[])(void) = {{\n    {used},\n}};\nint main(void) {{ return all[0] == 0; }}\n"
        ),
    )?;
    for minor in GLIBC_MINOR {
        let linked = Command::new(zig[0])
            .args(&zig[1..])
            .args(["cc", "-fno-builtin", "-target", &format!("{triple}.2.{minor}")])
            .arg(&source)
            .arg(archive)
            .args(native_libs)
            .arg("-o")
            .arg(work.join("all"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if linked.success() {
            return Ok(Some(format!("glibc 2.{minor}")));
        }
    }
    None.context("zig links the archive against no version of the GNU C library")
}

/// How zig is called here, if it is.
fn zig() -> Option<Vec<&'static str>> {
    [vec!["zig"], vec!["python3", "-m", "ziglang"]].into_iter().find(|zig| {
        let mut command = Command::new(zig[0]);
        command.args(&zig[1..]).arg("version").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    })
}
