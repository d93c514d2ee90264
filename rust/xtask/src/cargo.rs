//! Running cargo and rustc so that the result depends on the sources and the tools only.

use crate::targets::{System, Target};
use crate::toolchain::{self, Std, Toolchain};
use crate::tools::Tools;
use crate::workspace::{ARCHIVE, Workspace};
use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::{CrateType, Message};
use std::collections::BTreeSet;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What can be chosen about a build.
#[derive(Clone)]
pub struct Options {
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

/// Builds the static library of the package `wasmtime-archive`.
pub fn build(ws: &Workspace, target: &Target, options: &Options) -> Result<Built> {
    let toolchain = toolchain::of(target)?;
    let tools = Tools::of(target)?;
    let std = if toolchain.std == Std::Source { "built from source" } else { "as installed" };
    println!("{}: {}, standard library {std}; {}", target.dir, toolchain.version, tools.versions()?.join("; "));
    let mut cargo = toolchain.cargo("rustc", target);
    cargo.current_dir(&ws.rust).args(["--release", "--locked", "--message-format=json", "--lib", "--package", ARCHIVE]);
    if let Some(features) = &options.features {
        cargo.args(["--no-default-features", "--features", &features.join(",")]);
    }
    if let Some(jobs) = options.jobs {
        cargo.args(["--jobs", &jobs.to_string()]);
    }
    reproducible(&mut cargo, ws, target, &toolchain, &tools)?;
    if options.lto {
        cargo.env("CARGO_PROFILE_RELEASE_LTO", "fat");
    }
    cargo.args(["--", "--print=native-static-libs"]);

    let mut child = cargo.stdout(Stdio::piped()).spawn().context("cargo")?;
    let mut library = None;
    let mut native_libs = Vec::new();
    for message in Message::parse_stream(BufReader::new(child.stdout.take().context("stdout")?)) {
        match message? {
            Message::CompilerMessage(m) => match m.message.message.strip_prefix("native-static-libs: ") {
                Some(libs) => native_libs = libs.split_whitespace().map(str::to_owned).collect(),
                None => eprint!("{}", m.message.rendered.unwrap_or_default()),
            },
            Message::CompilerArtifact(a)
                if a.target.name == "wasmtime" && a.target.crate_types.contains(&CrateType::StaticLib) =>
            {
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
fn reproducible(
    cargo: &mut Command,
    ws: &Workspace,
    target: &Target,
    toolchain: &Toolchain,
    tools: &Tools,
) -> Result<()> {
    let metadata = ws.metadata(target.triple)?;
    // Later entries win in rustc and in C compilers, so what may contain another comes first.
    let mut map = vec![
        (ws.rust.display().to_string(), "/rust".to_owned()),
        (metadata.target_directory.to_string(), "/target".to_owned()),
        (toolchain.sources().display().to_string(), format!("/rustc/{}", toolchain.commit)),
    ];
    let registries: BTreeSet<_> = metadata
        .packages
        .iter()
        .filter(|p| p.source.is_some())
        .filter_map(|p| p.manifest_path.parent()?.parent().map(ToString::to_string))
        .collect();
    map.extend(registries.into_iter().map(|dir| (dir, "/crates".to_owned())));

    let mut rust_flags: Vec<_> = map.iter().map(|(from, to)| format!("--remap-path-prefix={from}={to}")).collect();
    if target.triple.ends_with("-windows-gnullvm") {
        // A section for each function, each with its entry in every table, doubles the size of the archive. For the
        // other Windows it is the default not to.
        rust_flags.push("-Zfunction-sections=no".into());
        cargo.env("RUSTC_BOOTSTRAP", "1");
    }
    let c_flags = tools.flags.iter().map(|flag| (*flag).to_owned());
    let c_flags: Vec<_> =
        c_flags.chain(map.iter().map(|(from, to)| format!("-ffile-prefix-map={from}={to}"))).collect();
    if let Some(ar) = &tools.ar {
        cargo.env(target.variable("AR"), ar);
    }
    if let System::MacOs(version) = target.system {
        cargo.env("MACOSX_DEPLOYMENT_TARGET", version);
    }
    cargo
        .env("CARGO_ENCODED_RUSTFLAGS", rust_flags.join("\x1f"))
        .env(target.variable("CC"), &tools.cc)
        .env(target.variable("CFLAGS"), c_flags.join(" "))
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
