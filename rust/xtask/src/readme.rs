//! The table of platforms in README.md, from build/manifest.json and the list of platforms.

use crate::go_link::generated;
use crate::manifest::{Archive, Manifest};
use crate::targets::{TARGETS, Target};
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::fs;

/// Between these two lines the table is.
const BEGIN: &str = "<!-- cargo xtask manifest: platforms -->\n";
const END: &str = "<!-- end -->\n";

/// Writes the table, or checks it.
pub fn run(ws: &Workspace, manifest: &Manifest, check: bool) -> Result<()> {
    let path = ws.root.join("README.md");
    let text = fs::read_to_string(&path)?;
    let (before, rest) = text.split_once(BEGIN).context("README.md has no place for the platforms")?;
    let (_, after) = rest.split_once(END).context("the place for the platforms in README.md has no end")?;
    generated(&path, &format!("{before}{BEGIN}{}{END}{after}", table(manifest)), check)
}

fn table(manifest: &Manifest) -> String {
    let rows = TARGETS.iter().filter_map(|target| Some(row(target, manifest.archives.get(target.dir)?)));
    format!(
        "| platform | archive | size | compressed | runs on | shown by |\n|---|---|---:|---:|---|---|\n{}",
        rows.collect::<String>()
    )
}

fn row(target: &Target, archive: &Archive) -> String {
    let Target { dir, go: (os, arch), proof, .. } = target;
    let tag = target.tag().map(|tag| format!(", `-tags {tag}`")).unwrap_or_default();
    let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    let (size, compressed) = (megabytes(archive.size), megabytes(archive.compressed_size));
    let system = archive.lowest_system.as_deref().unwrap_or("unknown");
    // musl's names have no versions.
    let later = if system.contains(' ') { " or later" } else { "" };
    format!("| {os}/{arch}{tag} | [{dir}](build/{dir}) | {size} | {compressed} | {system}{later} | {proof} |\n")
}
