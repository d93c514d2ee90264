//! `internal/witgen/wasi-0.2.json`: the WIT of the pinned wasmtime-wasi, as wit-parser's JSON, of which
//! `internal/witgen` makes Go packages.
//!
//! It has what is unstable, too, marked as that. Comments are left out: the Go packages have their own.

use crate::go_link::generated;
use crate::toolchain;
use crate::workspace::{Workspace, package};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use wit_parser::{Docs, Resolve, TypeDefKind, WorldItem};

/// The file, from the repository's root.
const FILE: &str = "internal/witgen/wasi-0.2.json";
/// The crate that has the WIT, and the folder in it.
const CRATE: &str = "wasmtime-wasi";
const FOLDER: &str = "src/p2/wit";

/// Writes the file, or checks it.
pub fn run(ws: &Workspace, check: bool) -> Result<()> {
    generated(&ws.root.join(FILE), &text(&folder(ws)?)?, check).context("`cargo xtask wit`")
}

/// Where the WIT of the crate is.
fn folder(ws: &Workspace) -> Result<PathBuf> {
    let metadata = ws.metadata(&toolchain::host()?)?;
    let manifest = package(&metadata, CRATE)?.manifest_path.as_std_path();
    Ok(manifest.parent().context("a crate in a folder")?.join(FOLDER))
}

/// The packages in a folder as JSON: everything in the order of its definition.
fn text(folder: &Path) -> Result<String> {
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    resolve.push_dir(folder).with_context(|| folder.display().to_string())?;
    drop_docs(&mut resolve);
    Ok(serde_json::to_string_pretty(&resolve)? + "\n")
}

/// Takes out all comments.
fn drop_docs(resolve: &mut Resolve) {
    for (_, package) in resolve.packages.iter_mut() {
        package.docs = Docs::default();
    }
    for (_, world) in resolve.worlds.iter_mut() {
        world.docs = Docs::default();
        for item in world.imports.values_mut().chain(world.exports.values_mut()) {
            match item {
                WorldItem::Interface { docs, .. } => *docs = Docs::default(),
                WorldItem::Function(function) => function.docs = Docs::default(),
                WorldItem::Type { .. } => {}
            }
        }
    }
    for (_, interface) in resolve.interfaces.iter_mut() {
        interface.docs = Docs::default();
        interface.functions.values_mut().for_each(|function| function.docs = Docs::default());
    }
    for (_, def) in resolve.types.iter_mut() {
        def.docs = Docs::default();
        match &mut def.kind {
            TypeDefKind::Record(record) => record.fields.iter_mut().for_each(|field| field.docs = Docs::default()),
            TypeDefKind::Flags(flags) => flags.flags.iter_mut().for_each(|flag| flag.docs = Docs::default()),
            TypeDefKind::Variant(variant) => variant.cases.iter_mut().for_each(|case| case.docs = Docs::default()),
            TypeDefKind::Enum(names) => names.cases.iter_mut().for_each(|case| case.docs = Docs::default()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Names, versions and features are there, comments are not.
    #[test]
    fn has_everything_but_comments() {
        let folder = std::env::temp_dir().join(format!("xtask-wit-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let wit = "/// secret
package a:b@1.2.3;
/// secret
interface c {
    /// secret
    record r {
        /// secret
        x: u8,
    }
    /// secret
    enum e {
        /// secret
        y,
    }
    /// secret
    flags g {
        /// secret
        z,
    }
    /// secret
    variant v {
        /// secret
        w(r),
    }
    /// secret
    @unstable(feature = later)
    f: func(a: r) -> e;
}
/// secret
world d {
    /// secret
    import c;
    /// secret
    import h: func();
}
";
        fs::write(folder.join("a.wit"), wit).unwrap();
        let text = text(&folder).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert!(!text.contains("secret") && !text.contains("docs"), "{text}");
        for part in ["\"a:b@1.2.3\"", "\"later\"", "\"h\"", "\"w\"", "\"z\"", "\"y\""] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }
}
