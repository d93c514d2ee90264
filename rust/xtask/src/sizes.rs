//! What each feature costs: the archive is built without it, or with it if it is left out by default.

use crate::cargo::Options;
use crate::library::{self, PLAIN};
use crate::targets::Target;
use crate::workspace::{C_API, SHIM, Workspace, package};
use anyhow::{Context, Result, ensure};
use cargo_metadata::Package;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

/// Features of the C API that the library leaves out.
const LEFT_OUT: &[&str] = &["all-arch", "debug-builtins", "logging", "pulley", "wasi-http"];

/// Measures all features, or those named by `only`, and prints a row for each.
pub fn run(ws: &Workspace, output: Option<&Path>, jobs: Option<u32>, only: &[String]) -> Result<()> {
    let target = Target::find(None)?;
    let metadata = ws.metadata(target.triple)?;
    let shim = package(&metadata, SHIM)?;
    let default = shim.features.get("default").context("the shim has default features")?;
    let wanted = |feature: &str| only.is_empty() || only.iter().any(|o| o == feature);
    let known = |feature: &str| default.iter().any(|f| f == feature) || LEFT_OUT.contains(&feature);
    ensure!(only.iter().all(|f| known(f)), "{only:?}: one of these is no feature that can be measured");

    let out = metadata.target_directory.join("xtask/sizes.a").into_std_path_buf();
    let size = |features: Vec<String>| -> Result<i64> {
        library::build(ws, target, &Options { features: Some(features), jobs, ..PLAIN }, &out)?;
        Ok(fs::metadata(&out)?.len() as i64)
    };
    let report = |line: String| -> Result<()> {
        println!("{line}");
        if let Some(path) = output {
            writeln!(OpenOptions::new().create(true).append(true).open(path)?, "{line}")?;
        }
        Ok(())
    };
    let bytes = |change: Result<i64>| change.map_or_else(|_| "does not build".to_owned(), |n| n.to_string());

    let whole = size(default.iter().map(|f| format!("{SHIM}/{f}")).collect())?;
    report("| feature | bytes in the archive | |\n|---|---:|---|".into())?;
    report(format!("| all default features together | {whole} | |"))?;
    for feature in default.iter().filter(|f| wanted(f)) {
        // What needs the feature goes with it.
        let (gone, left): (Vec<_>, Vec<_>) = default.iter().partition(|f| needs(shim, f, feature));
        let without = left.iter().map(|f| format!("{SHIM}/{f}")).collect();
        let names: Vec<_> = gone.iter().map(|f| f.as_str()).collect();
        report(format!("| {} | {} | in |", names.join(" and "), bytes(size(without).map(|n| whole - n))))?;
    }
    for feature in LEFT_OUT.iter().filter(|f| wanted(f)) {
        let with = default.iter().map(|f| format!("{SHIM}/{f}")).chain([format!("{C_API}/{feature}")]).collect();
        report(format!("| {feature} | {} | left out |", bytes(size(with).map(|n| n - whole))))?;
    }
    Ok(())
}

/// Whether a feature of a package is another one or switches it on.
fn needs(package: &Package, feature: &str, other: &str) -> bool {
    feature == other
        || package.features.get(feature).is_some_and(|switched| switched.iter().any(|f| needs(package, f, other)))
}
