//! The Rust toolchain that builds for a platform.
//!
//! Usually that is the one that runs xtask, with a standard library that rustup has installed. Where there is none,
//! the standard library is built as well, by any toolchain that has its sources.

use crate::cargo::output;
use crate::targets::Target;
use anyhow::{Context, Result};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A compiler, its cargo and its standard library.
pub struct Toolchain {
    /// The first line of `rustc -vV`, for example `rustc 1.95.0 (59807616e 2026-04-14)`.
    pub version: String,
    /// The platform that it runs on.
    pub host: String,
    /// The commit of its sources, which stands for them in paths.
    pub commit: String,
    /// Where its libraries are.
    pub sysroot: PathBuf,
    /// Where the standard library comes from.
    pub std: Std,
    cargo: PathBuf,
    rustc: PathBuf,
}

/// Where the standard library comes from.
#[derive(Clone, Copy, PartialEq)]
pub enum Std {
    /// It is installed for the platform.
    Installed,
    /// It is built together with the archive.
    Source,
}

/// The platform that xtask runs on.
pub fn host() -> Result<String> {
    Ok(own()?.host)
}

/// The toolchain that runs xtask.
pub fn own() -> Result<Toolchain> {
    ask(env!("CARGO").into(), "rustc".into())
}

/// The toolchain for a platform.
pub fn of(target: &Target) -> Result<Toolchain> {
    let own = own()?;
    if own.has_std(target) {
        return Ok(own);
    }
    std::iter::once(own)
        .chain(others())
        .find(|toolchain| toolchain.sources().join("library/std/Cargo.toml").exists())
        .map(|toolchain| Toolchain { std: Std::Source, ..toolchain })
        .with_context(|| {
            format!(
                "no standard library for {0}: `rustup target add {0}`, or install a Rust with its sources \
                 (`rustup component add rust-src`, Debian's rust-src)",
                target.triple
            )
        })
}

/// The toolchains beside the own one that `PATH` leads to.
fn others() -> impl Iterator<Item = Toolchain> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = env::split_paths(&path).collect();
    folders
        .into_iter()
        .map(|folder| (folder.join("cargo"), folder.join("rustc")))
        .filter(|(cargo, rustc)| cargo.is_file() && rustc.is_file())
        .filter_map(|(cargo, rustc)| ask(cargo, rustc).ok())
}

/// Asks rustc who it is.
fn ask(cargo: PathBuf, rustc: PathBuf) -> Result<Toolchain> {
    let text = output(Command::new(&rustc).arg("-vV"))?;
    let field = |key: &str| {
        text.lines()
            .find_map(|l| l.strip_prefix(key))
            .map(str::to_owned)
            .with_context(|| format!("rustc -vV without {key}"))
    };
    Ok(Toolchain {
        version: text.lines().next().unwrap_or_default().into(),
        host: field("host: ")?,
        commit: field("commit-hash: ")?,
        sysroot: output(Command::new(&rustc).args(["--print", "sysroot"]))?.trim_end().into(),
        std: Std::Installed,
        cargo,
        rustc,
    })
}

impl Toolchain {
    /// Where the sources of the standard library are, if they are installed.
    pub fn sources(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib/src/rust")
    }

    /// How the toolchain is recorded: its version, and whether it built the standard library too.
    pub fn name(&self) -> String {
        match self.std {
            Std::Installed => self.version.clone(),
            Std::Source => format!("{}, standard library from source", self.version),
        }
    }

    /// Its cargo with a subcommand, set up to build for the platform.
    pub fn cargo(&self, subcommand: &str, target: &Target) -> Command {
        let mut cargo = Command::new(&self.cargo);
        cargo.arg(subcommand).env("RUSTC", &self.rustc).args(["--target", target.triple]);
        if self.std == Std::Source {
            // The flag is for nightly compilers; this lets a stable one pass for such.
            cargo.env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=std,panic_unwind");
        }
        cargo
    }

    fn has_std(&self, target: &Target) -> bool {
        let folder = self.sysroot.join("lib/rustlib").join(target.triple).join("lib");
        let is_std = |path: &Path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("libstd-"));
        fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(|e| is_std(&e.path())))
    }
}
