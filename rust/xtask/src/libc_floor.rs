//! The lowest version of the C library, or of macOS, that a program with the archive runs on.

use crate::symbols;
use crate::targets::{System, Target};
use crate::zig::zig;
use anyhow::{Context, Result, ensure};
use object::LittleEndian as LE;
use object::macho::{BuildVersionCommand, LC_BUILD_VERSION, LC_VERSION_MIN_MACOSX, MachHeader64, VersionMinCommand};
use object::read::archive::ArchiveFile;
use object::read::macho::MachHeader as _;
use std::fs;
use std::path::Path;
use std::process::Stdio;

/// The newest version of the GNU C library that zig can link against.
const GLIBC_NEWEST: u32 = 41;

/// The version that the objects for macOS name. For glibc, links a program that refers to every function of the archive
/// against one version after the other, from the lowest that the platform has; the first that succeeds is the answer. `None`
/// if zig is not installed, or if there is nothing to find out.
///
/// Only strong references count: what Rust's standard library looks for and can do without stays weak.
pub fn lowest(target: &Target, archive: &Path, native_libs: &[String], work: &Path) -> Result<Option<String>> {
    let lowest = match target.system {
        System::Glibc(minor) => minor,
        System::MacOs(_) => return macos(&fs::read(archive)?).map(Some),
        System::Musl | System::Windows => return Ok(None),
    };
    if zig().is_none() {
        return Ok(None);
    }
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
    for minor in lowest..=GLIBC_NEWEST {
        let mut zig = zig().context("zig")?;
        let linked = zig
            .args(["cc", "-fno-builtin", "-target", &format!("{}.2.{minor}", target.zig)])
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

/// The highest of the versions that the objects name.
fn macos(archive: &[u8]) -> Result<String> {
    let mut lowest = 0;
    for member in ArchiveFile::parse(archive)?.members() {
        let data = member?.data(archive)?;
        let mut commands = MachHeader64::<LE>::parse(data, 0)?.load_commands(LE, data, 0)?;
        while let Some(command) = commands.next()? {
            lowest = lowest.max(match command.cmd() {
                LC_BUILD_VERSION => command.data::<BuildVersionCommand<LE>>()?.minos.get(LE),
                LC_VERSION_MIN_MACOSX => command.data::<VersionMinCommand<LE>>()?.version.get(LE),
                _ => 0,
            });
        }
    }
    ensure!(lowest != 0, "no object says which version of macOS it is for");
    Ok(format!("macOS {}.{}", lowest >> 16, lowest >> 8 & 0xff))
}
