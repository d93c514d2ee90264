//! Running cargo and rustc so that the result depends on the sources and the tools only.

use crate::targets::Target;
use crate::workspace::{ARCHIVE, Workspace};
use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::{CrateType, Message};
use std::collections::BTreeSet;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What `rustc -vV` says.
pub struct Rustc {
    /// The first line, for example `rustc 1.95.0 (59807616e 2026-04-14)`.
    pub version: String,
    /// The platform that it runs on.
    pub host: String,
    commit: String,
}

/// Asks rustc who it is.
pub fn rustc() -> Result<Rustc> {
    let text = output(Command::new("rustc").arg("-vV"))?;
    let field = |key: &str| {
        text.lines()
            .find_map(|l| l.strip_prefix(key))
            .map(str::to_owned)
            .with_context(|| format!("rustc -vV without {key}"))
    };
    Ok(Rustc {
        version: text.lines().next().unwrap_or_default().into(),
        host: field("host: ")?,
        commit: field("commit-hash: ")?,
    })
}

/// Which kind of library to build.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    /// An archive.
    Static,
    /// A shared library.
    Shared,
}

/// What can be chosen about a build.
#[derive(Clone)]
pub struct Options {
    /// Which kind of library to build.
    pub kind: Kind,
    /// Optimise across all crates at link time.
    pub lto: bool,
    /// The features instead of the default ones.
    pub features: Option<Vec<String>>,
    /// How many compilations run at a time.
    pub jobs: Option<u32>,
}

/// What cargo built.
pub struct Built {
    /// The library.
    pub library: PathBuf,
    /// What rustc says a program must be linked with, as linker arguments.
    pub native_libs: Vec<String>,
}

/// Builds the package `wasmtime-archive`.
pub fn build(ws: &Workspace, target: &Target, options: &Options) -> Result<Built> {
    let (crate_type, kind) = match options.kind {
        Kind::Static => ("staticlib", CrateType::StaticLib),
        Kind::Shared => ("cdylib", CrateType::CDyLib),
    };
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(&ws.rust).args(["rustc", "--release", "--locked", "--message-format=json", "--lib"]).args([
        "--package",
        ARCHIVE,
        "--crate-type",
        crate_type,
        "--target",
        target.triple,
    ]);
    if let Some(features) = &options.features {
        cargo.args(["--no-default-features", "--features", &features.join(",")]);
    }
    if let Some(jobs) = options.jobs {
        cargo.args(["--jobs", &jobs.to_string()]);
    }
    reproducible(&mut cargo, ws, target)?;
    if options.lto {
        cargo.env("CARGO_PROFILE_RELEASE_LTO", "fat");
    }
    if options.kind == Kind::Static {
        cargo.args(["--", "--print=native-static-libs"]);
    } else {
        cargo.args(["--", "-Cstrip=symbols", "-Clink-arg=-Wl,-soname,libwasmtime.so"]);
    }

    let mut child = cargo.stdout(Stdio::piped()).spawn().context("cargo")?;
    let mut library = None;
    let mut native_libs = Vec::new();
    for message in Message::parse_stream(BufReader::new(child.stdout.take().context("stdout")?)) {
        match message? {
            Message::CompilerMessage(m) => match m.message.message.strip_prefix("native-static-libs: ") {
                Some(libs) => native_libs = libs.split_whitespace().map(str::to_owned).collect(),
                None => eprint!("{}", m.message.rendered.unwrap_or_default()),
            },
            Message::CompilerArtifact(a) if a.target.name == "wasmtime" && a.target.crate_types.contains(&kind) => {
                library = a.filenames.into_iter().next().map(PathBuf::from);
            }
            _ => {}
        }
    }
    ensure!(child.wait()?.success(), "cargo failed");
    let library = library.context("cargo built no library")?;
    Ok(Built { library, native_libs })
}

/// Keeps the paths of this machine, and what its user has configured, out of the library.
fn reproducible(cargo: &mut Command, ws: &Workspace, target: &Target) -> Result<()> {
    let metadata = ws.metadata(target.triple)?;
    let rustc = rustc()?;
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))?;
    // Later entries win in rustc and in C compilers, so what may contain another comes first.
    let mut map = vec![
        (ws.rust.display().to_string(), "/rust".to_owned()),
        (metadata.target_directory.to_string(), "/target".to_owned()),
        (format!("{}/lib/rustlib/src/rust", sysroot.trim_end()), format!("/rustc/{}", rustc.commit)),
    ];
    let registries: BTreeSet<_> = metadata
        .packages
        .iter()
        .filter(|p| p.source.is_some())
        .filter_map(|p| p.manifest_path.parent()?.parent().map(ToString::to_string))
        .collect();
    map.extend(registries.into_iter().map(|dir| (dir, "/crates".to_owned())));

    let rust_flags: Vec<_> = map.iter().map(|(from, to)| format!("--remap-path-prefix={from}={to}")).collect();
    let c_flags: Vec<_> = map.iter().map(|(from, to)| format!("-ffile-prefix-map={from}={to}")).collect();
    cargo
        .env("CARGO_ENCODED_RUSTFLAGS", rust_flags.join("\x1f"))
        .env(format!("CFLAGS_{}", target.triple.replace('-', "_")), c_flags.join(" "))
        .env_remove("RUSTC_WRAPPER")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env("CARGO_INCREMENTAL", "0");
    for (name, _) in std::env::vars() {
        if name.starts_with("CARGO_PROFILE_") {
            cargo.env_remove(name);
        }
    }
    Ok(())
}

/// Runs a command and returns what it wrote to its standard output.
pub fn output(command: &mut Command) -> Result<String> {
    let out = command.stderr(Stdio::inherit()).output().with_context(|| format!("{command:?}"))?;
    if !out.status.success() {
        bail!("{command:?}: {}", out.status);
    }
    Ok(String::from_utf8(out.stdout)?)
}

/// Runs a command.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}
