//! zig, which compiles C for every platform and knows every version of the GNU C library.

use std::process::{Command, Stdio};

/// How zig is called.
const NAMES: &[&[&str]] = &[&["zig"], &["python3", "-m", "ziglang"]];

/// zig, without arguments, if it is installed.
pub fn zig() -> Option<Command> {
    NAMES.iter().find(|words| works(command(words).arg("version"))).map(|words| command(words))
}

/// Whether a command can be run and says nothing is wrong.
pub fn works(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn command(words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}
