//! `build/LICENSE-THIRD-PARTY.md`: whose work the archives contain, and under which terms. cargo-about collects it, as
//! `about.toml` and `about.hbs` say.

use crate::cargo::run as run_command;
use crate::go_link::generated;
use crate::workspace::Workspace;
use anyhow::{Context, Result, ensure};
use std::process::Command;

/// Writes the file, or checks it.
pub fn run(ws: &Workspace, check: bool) -> Result<()> {
    generated(&ws.root.join("build/LICENSE-THIRD-PARTY.md"), &text(ws)?, check)
}

fn text(ws: &Workspace) -> Result<String> {
    // The crates of all platforms have to be there, because what follows looks nothing up on the network.
    run_command(Command::new(env!("CARGO")).args(["fetch", "--quiet", "--locked"]).current_dir(&ws.rust))?;
    let out = Command::new(env!("CARGO"))
        .args(["about", "generate", "--frozen", "--fail", "--manifest-path", "archive/Cargo.toml"])
        .args(["--config", "about.toml", "about.hbs"])
        .current_dir(&ws.rust)
        .output()
        .context("cargo")?;
    // Terms that it does not find where about.toml says are no error to it but a warning.
    let said = String::from_utf8_lossy(&out.stderr);
    ensure!(
        out.status.success() && said.is_empty(),
        "cargo-about, which `ci/install --rust` installs: {}\n{said}",
        out.status
    );
    Ok(without_line_ends(&String::from_utf8(out.stdout)?))
}

/// The text as git likes it: the terms of some crates have line ends of Windows, others spaces before them.
fn without_line_ends(text: &str) -> String {
    let mut lines: Vec<_> = text.lines().map(str::trim_end).collect();
    while lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::TARGETS;
    use std::fs;

    #[test]
    fn lines_end_as_git_likes_them() {
        assert_eq!(without_line_ends("a\r\n b \t\n\n\x0cc\n\n\n"), "a\n b\n\n\x0cc\n");
    }

    /// The lists of platforms in the configurations of cargo-about and cargo-deny are that of targets.rs.
    #[test]
    fn configurations_name_all_platforms() {
        let ws = Workspace::open().unwrap();
        let expected: Vec<_> = TARGETS.iter().map(|target| target.triple).collect();
        for file in ["about.toml", "deny.toml"] {
            let text = fs::read_to_string(ws.rust.join(file)).unwrap();
            let list = text.split_once("\ntargets = [").unwrap().1.split_once(']').unwrap().0;
            let named: Vec<_> =
                list.lines().filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\",")).collect();
            assert_eq!(named, expected, "{file}");
        }
    }
}
