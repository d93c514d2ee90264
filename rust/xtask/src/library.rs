//! Building the library.

use crate::cargo::{self, Kind, Options};
use crate::recipe;
use crate::targets::Target;
use crate::workspace::Workspace;
use anyhow::Result;
use std::fs;
use std::path::{Path, PathBuf};

/// How the committed archives are built.
pub const PLAIN: Options = Options { kind: Kind::Static, lto: false, features: None, jobs: None };

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

/// Builds the shared library, which is not committed.
pub fn build_shared(ws: &Workspace, target: &Target, out: Option<&Path>) -> Result<()> {
    let built = cargo::build(ws, target, &Options { kind: Kind::Shared, ..PLAIN })?;
    let out = out.map_or_else(|| ws.root.join("dist").join(target.dir).join("libwasmtime.so"), PathBuf::from);
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(&built.library, &out)?;
    println!("{}: {} bytes", out.display(), fs::metadata(&out)?.len());
    Ok(())
}
