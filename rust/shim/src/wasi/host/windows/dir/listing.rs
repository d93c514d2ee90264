//! `fd_readdir`.

use super::super::errno::{Host, errno, from_io};
use super::super::file::file_type;
use super::super::listing::{Listed, Listing};
use super::super::sys;
use super::{HostDir, handle};
use crate::wake::{Waker, check_stop};
use crate::wasi::fault::{Fault, Outcome};
use std::mem::offset_of;
use wasmtime_wasi::p1::types::Filetype;
use windows_sys::Win32::Foundation::{ERROR_FILE_NOT_FOUND, ERROR_NO_MORE_FILES};
use windows_sys::Win32::Storage::FileSystem as fs;

/// How much of a directory is read in one call, in units of eight bytes.
const ROOM: usize = 4096;

impl HostDir {
    /// Lists the directory as it is now.
    pub(in crate::wasi::host) fn list(
        &self,
        (listed, most): (&Listed, usize),
        waker: Option<&Waker>,
    ) -> Outcome<Listing> {
        let itself = self.stat()?;
        let dir = self.again(fs::FILE_LIST_DIRECTORY | fs::SYNCHRONIZE).map_err(from_io)?;
        let mut listing = Listing::new(listed, most);
        // Programs may count on these two being first, as they are on Linux. The inode of the second comes with the
        // others.
        listing.push(b".", itself.ino, Filetype::Directory)?;
        listing.push(b"..", itself.ino, Filetype::Directory)?;
        let mut pushed = Ok(());
        let mut parent = itself.ino;
        let mut class = fs::FileIdBothDirectoryRestartInfo;
        let mut buffer = vec![0_u64; ROOM];
        loop {
            check_stop::<Fault>(waker)?;
            let size = (buffer.len() * size_of::<u64>()) as u32;
            // SAFETY: the buffer is as large as is said.
            let read = sys::done(unsafe {
                let at = buffer.as_mut_ptr().cast();
                fs::GetFileInformationByHandleEx(handle(&dir).raw(), class, at, size)
            });
            match read {
                Ok(()) => {}
                Err(Host(ERROR_NO_MORE_FILES | ERROR_FILE_NOT_FOUND)) => break,
                Err(error) => return Err(errno(error).into()),
            }
            class = fs::FileIdBothDirectoryInfo;
            each(&buffer, |entry, name| {
                let inode = entry.FileId.cast_unsigned();
                match String::from_utf16_lossy(name).as_str() {
                    "." => {}
                    ".." => parent = inode,
                    name => {
                        // With a reparse point, this is where its tag stands.
                        let filetype = file_type(entry.FileAttributes, || entry.EaSize);
                        pushed = pushed.and_then(|()| listing.push(name.as_bytes(), inode, filetype));
                    }
                }
            });
            pushed?;
        }
        if (itself.dev, itself.ino) != self.root {
            listing.set_inode(1, parent);
        }
        Ok(listing.finish())
    }
}

/// Goes through the entries that the system has written.
fn each(buffer: &[u64], mut visit: impl FnMut(&fs::FILE_ID_BOTH_DIR_INFO, &[u16])) {
    const NAME: usize = offset_of!(fs::FILE_ID_BOTH_DIR_INFO, FileName);
    let bytes = std::mem::size_of_val(buffer);
    let mut at = 0;
    while at + size_of::<fs::FILE_ID_BOTH_DIR_INFO>() <= bytes {
        // SAFETY: the entry lies within the buffer, and the system aligns each to eight bytes.
        let entry = unsafe { &*buffer.as_ptr().byte_add(at).cast::<fs::FILE_ID_BOTH_DIR_INFO>() };
        let len = entry.FileNameLength as usize;
        if at + NAME + len > bytes {
            return;
        }
        // SAFETY: the name was just found to lie within the buffer.
        let name = unsafe {
            std::slice::from_raw_parts(buffer.as_ptr().byte_add(at + NAME).cast::<u16>(), len / size_of::<u16>())
        };
        visit(entry, name);
        if entry.NextEntryOffset == 0 {
            return;
        }
        at += entry.NextEntryOffset as usize;
    }
}
