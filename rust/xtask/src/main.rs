//! `cargo xtask`: builds, describes and checks the native library.
//!
//! Each command is a module of its own; `targets` is the list of platforms, one entry each.

mod all;
mod archive;
mod cargo;
mod check;
mod compact;
mod elf;
mod ext_header;
mod floor;
mod go_link;
mod headers;
mod library;
mod manifest;
mod notices;
mod readme;
mod recipe;
mod separate;
mod shared;
mod sizes;
mod sources;
mod symbols;
mod targets;
mod toolchain;
mod tools;
mod wit;
mod workspace;
mod zig;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use targets::Target;
use workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Builds, describes and checks the native library")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds the library and records it in build/manifest.json.
    Build(BuildArgs),
    /// Installs the headers of the pinned release and generates include/wasmtime/ext.h.
    Headers(CheckFlag),
    /// Generates the Go link flags and the table in README.md from build/manifest.json.
    Manifest(CheckFlag),
    /// Writes build/LICENSE-THIRD-PARTY.md.
    Notices(CheckFlag),
    /// Writes internal/witgen/wasi-0.2.json, the WIT of the pinned release.
    Wit(CheckFlag),
    /// Checks that archives, headers, manifest, notices and sources agree.
    Check(ReleaseFlag),
    /// Prints the platforms, one a line, whose archives belong to the sources beside them; names the others on stderr.
    Fresh,
    /// Builds an archive again and compares it with the committed one.
    Prove(ProveArgs),
    /// Measures what each feature costs in the archive, as a Markdown table.
    Sizes(SizesArgs),
}

#[derive(Args)]
struct BuildArgs {
    /// The platform, as its folder below build/ is called or as rustc calls it; the host's if absent.
    #[arg(long)]
    target: Option<String>,
    /// Build every platform's that is missing or stale; go on after a failure, and end with a table.
    #[arg(long, conflicts_with_all = ["target", "shared", "lto", "output"])]
    all: bool,
    /// Make the shared library of the archive, into dist/, and record nothing.
    #[arg(long)]
    shared: bool,
    /// Optimise across all crates at link time: slow to build, for comparisons.
    #[arg(long)]
    lto: bool,
    /// Put the archive here and record nothing.
    #[arg(long)]
    output: Option<PathBuf>,
    /// Make the archive from this static library, which cargo built before, to work on the steps after it. With
    /// --shared: make the shared library from this archive, whatever its sources.
    #[arg(long, requires = "output")]
    raw: Option<PathBuf>,
}

#[derive(Args)]
struct ProveArgs {
    /// The platform, as its folder below build/ is called or as rustc calls it; the host's if absent.
    #[arg(long)]
    target: Option<String>,
}

#[derive(Args)]
struct CheckFlag {
    /// Change nothing; fail with the differences if a file is not what it should be.
    #[arg(long)]
    check: bool,
}

#[derive(Args)]
struct ReleaseFlag {
    /// Allow no stale archive, of any platform.
    #[arg(long)]
    release: bool,
}

#[derive(Args)]
struct SizesArgs {
    /// Append each row to this file as soon as it is measured.
    #[arg(long)]
    output: Option<PathBuf>,
    /// How many compilations run at a time.
    #[arg(long)]
    jobs: Option<u32>,
    /// Measure only these features.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let ws = Workspace::open()?;
    match Cli::parse().command {
        Command::Build(args) => {
            if args.all {
                return all::build(&ws);
            }
            let target = Target::find(args.target.as_deref())?;
            if args.shared {
                return shared::build(&ws, target, args.raw.as_deref(), args.output.as_deref());
            }
            if let (Some(raw), Some(out)) = (&args.raw, &args.output) {
                return recipe::process(target, raw, &out.with_extension("work"), out);
            }
            if args.lto || args.output.is_some() {
                let out = args.output.unwrap_or_else(|| ws.root.join("dist").join(target.dir).join("libwasmtime.a"));
                return library::build_aside(&ws, target, args.lto, &out);
            }
            manifest::build(&ws, target).map(|_| ())
        }
        Command::Headers(flag) => headers::run(&ws, flag.check),
        Command::Manifest(flag) => manifest::run(&ws, flag.check),
        Command::Notices(flag) => notices::run(&ws, flag.check),
        Command::Wit(flag) => wit::run(&ws, flag.check),
        Command::Check(flag) => check::check(&ws, flag.release),
        Command::Fresh => check::fresh(&ws),
        Command::Prove(args) => check::prove(&ws, Target::find(args.target.as_deref())?),
        Command::Sizes(args) => sizes::run(&ws, args.output.as_deref(), args.jobs, &args.only),
    }
}
