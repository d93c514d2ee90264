//! The functions on sockets. No descriptor is a socket that could do more than be read and written, yet.

use super::call::Call;
use super::descriptors::Entry;
use super::fault::{Errno, Outcome};

impl Call<'_> {
    fn no_socket(&mut self, fd: i32) -> Outcome<i32> {
        match self.entry(fd)? {
            // The process's own standard stream may be one.
            Entry::Host(file) if file.is_socket() => Err(Errno::Notsup.into()),
            _ => Err(Errno::Notsock.into()),
        }
    }

    pub(super) fn sock_accept(&mut self, fd: i32, _flags: i32, _accepted: i32) -> Outcome<i32> {
        self.no_socket(fd)
    }

    pub(super) fn sock_recv(
        &mut self,
        fd: i32,
        _iovs: i32,
        _count: i32,
        _flags: i32,
        _received: i32,
        _out_flags: i32,
    ) -> Outcome<i32> {
        self.no_socket(fd)
    }

    pub(super) fn sock_send(&mut self, fd: i32, _iovs: i32, _count: i32, _flags: i32, _sent: i32) -> Outcome<i32> {
        self.no_socket(fd)
    }

    pub(super) fn sock_shutdown(&mut self, fd: i32, _how: i32) -> Outcome<i32> {
        self.no_socket(fd)
    }
}
