//! `fd_readdir`.

use super::super::kind::filetype;
use super::super::listing::{Listed, Listing, SOME};
use super::HostDir;
use crate::wake::{Waker, check_stop};
use crate::wasi::fault::{Fault, Outcome};
use rustix::fs::{AtFlags, Dir, FileType};
use wasmtime_wasi::p1::types::Filetype;

impl HostDir {
    /// Lists the directory as it is now.
    pub(in crate::wasi::host) fn list(
        &self,
        (listed, most): (&Listed, usize),
        waker: Option<&Waker>,
    ) -> Outcome<Listing> {
        let stat = rustix::fs::fstat(&self.dir)?;
        let itself = (stat.st_dev as u64, stat.st_ino as u64);
        let mut listing = Listing::new(listed, most);
        let mut dir = Dir::new(self.readable()?)?;
        // Linux has these two first on most file systems; programs may count on it.
        listing.push(b".", itself.1, Filetype::Directory)?;
        let parent =
            if itself == self.root { itself.1 } else { rustix::fs::statat(&self.dir, c"..", AtFlags::empty())?.st_ino };
        listing.push(b"..", parent, Filetype::Directory)?;
        while let Some(entry) = dir.read() {
            let entry = entry?;
            if listing.len().is_multiple_of(SOME) {
                check_stop::<Fault>(waker)?;
            }
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let kind = match entry.file_type() {
                // Some file systems do not say. What is gone meanwhile stays unknown.
                FileType::Unknown => rustix::fs::statat(&self.dir, name, AtFlags::SYMLINK_NOFOLLOW)
                    .map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode as _)),
                known => known,
            };
            listing.push(name.to_bytes(), entry.ino(), filetype(kind))?;
        }
        Ok(listing.finish())
    }
}
