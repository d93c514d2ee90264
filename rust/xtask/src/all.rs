//! Building the archives of all platforms: one after the other, on after a failure, and from where it stopped.

use crate::manifest::{self, Archive, Manifest};
use crate::sources;
use crate::targets::{TARGETS, Target};
use crate::workspace::Workspace;
use anyhow::{Result, ensure};
use std::fmt::Write as _;
use std::time::Instant;

/// What became of one platform.
enum Outcome {
    /// It was built before, from the same sources.
    Present(Archive),
    /// It was built, in so many seconds.
    Built(Archive, u64),
    /// It could not be built.
    Failed(anyhow::Error, u64),
    /// There is to be none, for a reason.
    Withheld(&'static str),
}

/// Builds every archive that is missing or was built from other sources, but those that are withheld, and prints a
/// table of all of them.
pub fn build(ws: &Workspace) -> Result<()> {
    let mut rows = Vec::new();
    for target in TARGETS {
        let outcome = one(ws, target)?;
        if let Outcome::Failed(error, _) = &outcome {
            eprintln!("{}: {error:#}", target.dir);
        }
        rows.push((target, outcome));
    }
    print!("{}", table(&rows)?);
    let failed: Vec<_> = rows.iter().filter(|(_, o)| matches!(o, Outcome::Failed(..))).map(|(t, _)| t.dir).collect();
    ensure!(failed.is_empty(), "not built: {}", failed.join(", "));
    Ok(())
}

fn one(ws: &Workspace, target: &Target) -> Result<Outcome> {
    if let Some(reason) = target.withheld {
        return Ok(Outcome::Withheld(reason));
    }
    let recorded = Manifest::read(ws)?.archives.remove(target.dir);
    if let Some(archive) = recorded
        && archive.sources == sources::hash(ws, target)?
        && manifest::is_present(ws, target, &archive)
    {
        return Ok(Outcome::Present(archive));
    }
    let start = Instant::now();
    let built = manifest::build(ws, target);
    let seconds = start.elapsed().as_secs();
    Ok(match built {
        Ok(archive) => Outcome::Built(archive, seconds),
        Err(error) => Outcome::Failed(error, seconds),
    })
}

fn table(rows: &[(&Target, Outcome)]) -> Result<String> {
    let mut out = String::from("| platform | seconds | bytes | compressed | SHA-256 |\n|---|---:|---:|---:|---|\n");
    for (target, outcome) in rows {
        let (seconds, archive) = match outcome {
            Outcome::Present(archive) => ("built before".into(), archive),
            Outcome::Built(archive, seconds) => (seconds.to_string(), archive),
            Outcome::Withheld(reason) => {
                writeln!(out, "| {} | | none: {reason} | | |", target.dir)?;
                continue;
            }
            Outcome::Failed(error, seconds) => {
                writeln!(out, "| {} | {seconds} | failed: {error} | | |", target.dir)?;
                continue;
            }
        };
        let Archive { size, compressed_size, sha256, .. } = archive;
        writeln!(out, "| {} | {seconds} | {size} | {compressed_size} | {sha256} |", target.dir)?;
    }
    Ok(out)
}
