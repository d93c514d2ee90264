//! Writing a static library: the same bytes for the same objects, for any platform.

use crate::targets::{System, Target};
use anyhow::{Context, Result};
use ar_archive_writer::{ArchiveKind, DEFAULT_OBJECT_READER, NewArchiveMember, write_archive_to_stream};
use std::fs;
use std::io::Cursor;
use std::path::Path;

/// Writes an archive of the given objects, with an index of their symbols.
pub fn write(target: &Target, objects: Vec<(String, Vec<u8>)>, out: &Path) -> Result<()> {
    let kind = if matches!(target.system, System::MacOs(_)) { ArchiveKind::Darwin } else { ArchiveKind::Gnu };
    let members: Vec<_> =
        objects.into_iter().map(|(name, bytes)| NewArchiveMember::new(bytes, &DEFAULT_OBJECT_READER, name)).collect();
    let mut bytes = Cursor::new(Vec::new());
    write_archive_to_stream(&mut bytes, &members, kind, false, None)?;
    fs::create_dir_all(out.parent().context("an archive in a folder")?)?;
    fs::write(out, bytes.into_inner()).with_context(|| out.display().to_string())
}
