//! Building the library.

use crate::cargo::{self, Options};
use crate::recipe;
use crate::targets::Target;
use crate::workspace::Workspace;
use anyhow::Result;
use std::fs;
use std::path::Path;

/// How the committed archives are built.
pub const PLAIN: Options = Options { lto: false, features: None, jobs: None };

/// Builds the archive `out`; returns what rustc says a program must be linked with.
pub fn build(ws: &Workspace, target: &Target, options: &Options, out: &Path) -> Result<Vec<String>> {
    let built = cargo::build(ws, target, options)?;
    let work = built.library.with_file_name("xtask");
    recipe::process(target, &built.library, &work, out)?;
    Ok(built.native_libs)
}

/// Builds an archive that is not recorded.
pub fn build_aside(ws: &Workspace, target: &Target, lto: bool, out: &Path) -> Result<()> {
    build(ws, target, &Options { lto, ..PLAIN }, out)?;
    println!("{}: {} bytes", out.display(), fs::metadata(out)?.len());
    Ok(())
}
