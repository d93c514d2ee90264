//! Names that are no name of a file below a directory.
//!
//! `cap-primitives` takes a path apart and gives its parts to the system one by one. A part that says `D:` is
//! harmless in the middle of a path, but by itself it is a drive, and leads out of every directory. Others are the
//! names of devices, or of streams within a file, or are shortened before the system looks for them, in some of its
//! calls and not in others.

use crate::wasi::fault::Errno;
use std::path::{Component, Path};

/// Refuses what is no path below a directory: `EPERM` if it leads elsewhere as a whole, and `ENOENT` if a part of it
/// cannot be a name. The system itself says the same of other characters that no name has.
pub(in crate::wasi) fn check_path(path: &Path) -> Result<(), Errno> {
    if matches!(path.components().next(), Some(Component::Prefix(_) | Component::RootDir)) {
        return Err(Errno::Perm);
    }
    let text = path.to_string_lossy();
    if text.split(['/', '\\']).all(is_name) { Ok(()) } else { Err(Errno::Noent) }
}

fn is_name(part: &str) -> bool {
    matches!(part, "" | "." | "..") || !(part.contains(':') || part.ends_with(['.', ' ']) || is_device(part))
}

/// Whether a name is that of a device, which it is with any extension.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end_matches(' ').to_ascii_uppercase();
    if matches!(&*stem, "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") {
        return true;
    }
    let number = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    matches!(number, Some("0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for path in ["a", "./a/../b", "a//b/", "comma", "com", "com10", "conx.txt", ".hidden", "a.b c.d", "nul1", ""] {
            assert_eq!(check_path(Path::new(path)), Ok(()), "{path}");
        }
        for path in ["D:", "D:x", "a:b", "c:/x", "/x", "\\x", "\\\\server\\share", "//server/share/x", "\\\\?\\C:\\x"] {
            assert_eq!(check_path(Path::new(path)), Err(Errno::Perm), "{path}");
        }
        for path in [
            "./D:",
            "a/D:x",
            "x\\..\\D:",
            "ab:c",
            "ab::$DATA",
            "a.",
            "a/b ",
            "...",
            "nul",
            "b/Con.txt",
            "lpt9.a.b",
            "com²",
            "AUX .c",
        ] {
            assert_eq!(check_path(Path::new(path)), Err(Errno::Noent), "{path}");
        }
    }
}
