//! The version of macOS that the objects of an archive are for.

use anyhow::{Result, ensure};
use object::LittleEndian as LE;
use object::macho::{BuildVersionCommand, LC_BUILD_VERSION, LC_VERSION_MIN_MACOSX, MachHeader64, VersionMinCommand};
use object::read::archive::ArchiveFile;
use object::read::macho::MachHeader as _;

/// The highest of the versions that the objects name.
pub fn lowest(archive: &[u8]) -> Result<String> {
    let mut lowest = 0;
    for member in ArchiveFile::parse(archive)?.members() {
        let data = member?.data(archive)?;
        let mut commands = MachHeader64::<LE>::parse(data, 0)?.load_commands(LE, data, 0)?;
        while let Some(command) = commands.next()? {
            lowest = lowest.max(match command.cmd() {
                LC_BUILD_VERSION => command.data::<BuildVersionCommand<LE>>()?.minos.get(LE),
                LC_VERSION_MIN_MACOSX => command.data::<VersionMinCommand<LE>>()?.version.get(LE),
                _ => 0,
            });
        }
    }
    ensure!(lowest != 0, "no object says which version of macOS it is for");
    Ok(format!("macOS {}.{}", lowest >> 16, lowest >> 8 & 0xff))
}
