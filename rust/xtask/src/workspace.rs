//! Where things are, and which crates the library is made of.

use anyhow::{Context, Result};
use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, Package, PackageId};
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

/// The package whose static library is the archive.
pub const ARCHIVE: &str = "wasmtime-archive";
/// The package that holds the extension.
pub const SHIM: &str = "wasmtime-ext";
/// The package that implements the C API.
pub const C_API: &str = "wasmtime-c-api-impl";

/// The repository that xtask was compiled in.
pub struct Workspace {
    /// The repository.
    pub root: PathBuf,
    /// The cargo workspace, `rust/` below the root.
    pub rust: PathBuf,
}

impl Workspace {
    /// Finds the repository.
    pub fn open() -> Result<Self> {
        // What cargo says when it runs xtask, because a shared target folder may hold the xtask of another checkout.
        let own =
            std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let rust = own.parent().context("xtask is in a workspace")?;
        let root = rust.parent().context("the workspace is in the repository")?;
        Ok(Self { root: root.into(), rust: rust.into() })
    }

    /// What cargo knows about the workspace, for one platform.
    pub fn metadata(&self, triple: &str) -> Result<Metadata> {
        Ok(MetadataCommand::new()
            .manifest_path(self.rust.join("Cargo.toml"))
            .features(CargoOpt::SomeFeatures(vec![]))
            .other_options(vec!["--locked".into(), "--filter-platform".into(), triple.into()])
            .exec()?)
    }
}

/// A workspace package by its name.
pub fn package<'m>(metadata: &'m Metadata, name: &str) -> Result<&'m Package> {
    metadata.packages.iter().find(|p| p.name == name).with_context(|| format!("no package {name}"))
}

/// The packages that the archive is made from, itself and what runs while it is built included, in the order of their
/// names and versions.
pub fn closure(metadata: &Metadata) -> Result<Vec<&Package>> {
    let resolve = metadata.resolve.as_ref().context("cargo metadata without a resolution")?;
    let nodes: HashMap<&PackageId, _> = resolve.nodes.iter().map(|n| (&n.id, n)).collect();
    let mut seen = BTreeSet::new();
    let mut todo = vec![&package(metadata, ARCHIVE)?.id];
    while let Some(id) = todo.pop() {
        if !seen.insert(id) {
            continue;
        }
        for dep in &nodes[id].deps {
            if dep.dep_kinds.iter().any(|k| matches!(k.kind, DependencyKind::Normal | DependencyKind::Build)) {
                todo.push(&dep.pkg);
            }
        }
    }
    let mut packages: Vec<_> = seen.into_iter().map(|id| &metadata[id]).collect();
    packages.sort_by_key(|p| (p.name.to_string(), p.version.clone()));
    Ok(packages)
}
