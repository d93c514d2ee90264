//! The C compiler for a platform, and what is missing here to build for it.
//!
//! Where a platform has tools of its own (`gcc` on Linux, MinGW for Windows), they are used; everything else is
//! compiled by zig, through cargo-zigbuild, which takes out of the command line what zig does not know.

use crate::cargo::output;
use crate::targets::Target;
use crate::toolchain;
use crate::zig::{works, zig};
use anyhow::{Context, Result, ensure};
use std::env;
use std::process::Command;

/// cargo-zigbuild's wrapper around a tool of zig.
const ZIG: &str = "cargo-zigbuild zig";

/// Which C compiler to use, as the `cc` crate takes it: words with spaces between them.
pub struct Tools {
    /// The compiler.
    pub cc: String,
    /// What makes archives, if not what the `cc` crate finds by itself.
    pub ar: Option<String>,
    /// Arguments of the compiler.
    pub flags: Vec<&'static str>,
    /// The linker, where the format has partial links.
    pub ld: Option<String>,
}

impl Tools {
    /// The tools for a platform, or what to install.
    pub fn of(target: &Target) -> Result<Self> {
        let tools = Self::choose(target)?;
        let missing = tools.missing();
        ensure!(missing.is_empty(), "building {} needs\n  {}", target.dir, missing.join("\n  "));
        Ok(tools)
    }

    fn choose(target: &Target) -> Result<Self> {
        let own = env::var(target.variable("CC")).ok();
        let is_host = toolchain::host()? == target.triple;
        let ld = linker(target);
        if let Some(cc) = own.or_else(|| env::var("CC").ok().filter(|_| is_host)) {
            return Ok(Self { cc, ar: None, flags: vec![], ld });
        }
        Ok(match target.tools {
            Some("") if is_host => Self { cc: "cc".into(), ar: None, flags: vec![], ld },
            Some(prefix) if !prefix.is_empty() => Self { cc: format!("{prefix}gcc"), ar: None, flags: vec![], ld },
            _ => Self {
                cc: format!("{ZIG} cc -- -target {}", target.zig_name()),
                ar: Some(format!("{ZIG} ar --")),
                flags: zig_flags(target),
                ld,
            },
        })
    }

    /// What is not installed, each with the way to get it.
    fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        if self.cc.starts_with(ZIG) {
            if zig().is_none() {
                missing.push("zig: `pip install ziglang`".into());
            }
            if !works(Command::new("cargo-zigbuild").arg("--version")) {
                missing.push("cargo-zigbuild: `pip install cargo-zigbuild` or `cargo install cargo-zigbuild`".into());
            }
        } else if !works(words(&self.cc).arg("--version")) {
            missing.push(format!("{}: `apt install {}`", self.cc, package(&self.cc)));
        }
        if let Some(ld) = &self.ld
            && !works(words(ld).arg("--version"))
        {
            missing.push(format!("{ld}: `apt install {}`", package(ld)));
        }
        missing
    }

    /// The first lines in which they say who they are.
    pub fn versions(&self) -> Result<Vec<String>> {
        let cc = if self.cc.starts_with(ZIG) {
            let mut zig = zig().context("zig")?;
            format!("zig {}", output(zig.arg("version"))?.trim_end())
        } else {
            first_line(&self.cc)?
        };
        let ld = self.ld.as_deref().map(first_line).transpose()?;
        Ok(std::iter::once(cc).chain(ld).collect())
    }
}

/// The partial link is done by the binutils of the machine.
fn linker(target: &Target) -> Option<String> {
    if !target.is_elf() {
        return None;
    }
    let machine = target.triple.split('-').next().unwrap_or_default().replace("riscv64gc", "riscv64");
    Some(if machine == env::consts::ARCH { "ld".into() } else { format!("{machine}-linux-gnu-ld") })
}

/// What zig must be told that other compilers do by themselves.
fn zig_flags(target: &Target) -> Vec<&'static str> {
    let mut flags = vec!["-fno-sanitize=all"];
    if target.triple.starts_with("riscv64") {
        // Code that the linker may shorten keeps a relocation for every jump in it. rustc does not ask for it either.
        flags.push("-mno-relax");
    }
    flags
}

/// Debian's package of a tool.
fn package(tool: &str) -> String {
    let name = tool.split_whitespace().next().unwrap_or(tool);
    match name {
        "cc" | "gcc" => "gcc".into(),
        "ld" => "binutils".into(),
        _ => match (name.strip_suffix("-ld"), name.contains("mingw")) {
            (_, true) => format!("gcc-mingw-w64-{}", name.split("-w64").next().unwrap_or_default().replace('_', "-")),
            (Some(machine), _) => format!("binutils-{machine}"),
            _ => name.into(),
        },
    }
}

fn first_line(tool: &str) -> Result<String> {
    let text = output(words(tool).arg("--version"))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn words(tool: &str) -> Command {
    let mut words = tool.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or(tool));
    command.args(words);
    command
}
