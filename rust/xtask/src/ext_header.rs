//! `include/wasmtime/ext.h`, generated from the extension.

use crate::workspace::{SHIM, Workspace, package};
use anyhow::{Context, Result, anyhow, ensure};
use cbindgen::{Builder, Config};

/// What follows the include guard of the generated header.
const PROLOGUE: &str = "
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wasmtime.h>

/**
 * The version of the extension that this header belongs to.
 */
#define WASMTIME_EXT_VERSION";

/// What the header of a C library has no place for.
const RUST: &[&str] = &["Option_", "Box_", "Vec_", "Result_", "NonNull_", "MaybeUninit"];

/// The text of the header.
pub fn generate(ws: &Workspace) -> Result<String> {
    let mut config = Config::from_file(ws.rust.join("cbindgen.toml")).map_err(|e| anyhow!(e))?;
    let metadata = ws.metadata(&crate::toolchain::host()?)?;
    let version = &package(&metadata, SHIM)?.version;
    config.after_includes = Some(format!("{PROLOGUE} \"{version}\""));
    // An alias of a callback type inside `Option` is opaque to cbindgen, and it leaves out what only that refers to.
    config.export.include = optional(&bind(ws, &config)?);
    let text = nullable_callbacks(bind(ws, &config)?).replace("_t * ", "_t *");
    let leak = text.lines().find(|line| RUST.iter().any(|word| line.contains(word)));
    ensure!(leak.is_none(), "the generated ext.h speaks Rust: {}", leak.unwrap_or_default());
    Ok(text)
}

fn bind(ws: &Workspace, config: &Config) -> Result<String> {
    let shim = ws.rust.join("shim");
    let bindings = Builder::new().with_config(config.clone()).with_crate(shim).generate().context("cbindgen")?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    Ok(String::from_utf8(text)?)
}

/// The types that are declared inside an `Option`.
fn optional(text: &str) -> Vec<String> {
    let declared = text.lines().filter_map(|l| l.strip_prefix("typedef struct Option_")?.split(' ').next());
    declared.map(str::to_owned).collect()
}

/// Replaces `Option` of a callback type by the type itself: in C a function pointer may be null anyway.
///
/// The type is declared where cbindgen has put the opaque `Option`, ahead of its uses, after the structures that it
/// takes.
fn nullable_callbacks(mut text: String) -> String {
    for name in optional(&text) {
        let option = format!("Option_{name}");
        let opaque = format!("typedef struct {option} {option};");
        let blocks: Vec<_> = text.split("\n\n").collect();
        let declares = |block: &str| block.contains("typedef ") && block.contains(&format!("(*{name})("));
        let Some(alias) = blocks.iter().copied().find(|block| declares(block)) else {
            continue;
        };
        let place = blocks.iter().position(|block| *block == opaque).unwrap_or_default();
        let mut moved: Vec<_> = blocks[place..].iter().copied().filter(|block| is_taken(block, alias)).collect();
        moved.push(alias);
        let mut ordered = Vec::new();
        for block in &blocks {
            if *block == opaque {
                ordered.append(&mut moved.clone());
            } else if !moved.contains(block) {
                ordered.push(*block);
            }
        }
        text = ordered.join("\n\n").replace(&format!("struct {option}"), &name).replace(&option, &name);
    }
    text
}

/// Whether a block defines a structure that a callback type takes.
fn is_taken(block: &str, alias: &str) -> bool {
    let name = block.lines().find_map(|l| l.strip_prefix("typedef struct ")?.strip_suffix(" {"));
    name.is_some_and(|name| alias.contains(&format!("struct {name} *")))
}
