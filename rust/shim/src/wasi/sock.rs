//! The functions on sockets.

use super::call::{Call, OK};
use super::descriptors::Entry;
use super::fault::{Errno, Outcome};
use super::memory::Spans;
use wasmtime_wasi::p1::types::{Fdflags, Riflags, Roflags, Sdflags};

impl Call<'_> {
    pub(super) fn sock_accept(&mut self, fd: i32, flags: i32, accepted: i32) -> Outcome<i32> {
        let flags = Fdflags::try_from(flags)?;
        if !Fdflags::NONBLOCK.contains(flags) {
            return Err(Errno::Inval.into());
        }
        let waker = self.state.waker();
        // A full table must be found out before a connection is taken.
        let number = self.state.descriptors.next();
        match self.entry(fd)? {
            Entry::Inner(_) | Entry::Dir(_) | Entry::ServedDir(_) | Entry::ServedFile(_) => Err(Errno::Notsock.into()),
            Entry::Host(file) => {
                let number = number?;
                let connection = file.accept(flags.contains(Fdflags::NONBLOCK), waker)?;
                self.state.descriptors.put(number, Entry::Host(connection));
                self.store(accepted, number)
            }
            Entry::Stream(stream) => {
                let number = number?;
                let connection = stream.accept(flags.contains(Fdflags::NONBLOCK))?;
                self.state.descriptors.put(number, connection);
                self.store(accepted, number)
            }
        }
    }

    pub(super) fn sock_recv(
        &mut self,
        fd: i32,
        iovs: i32,
        count: i32,
        flags: i32,
        received: i32,
        out_flags: i32,
    ) -> Outcome<i32> {
        let flags = Riflags::try_from(flags)?;
        let waker = self.state.waker();
        match self.state.descriptors.get(fd)? {
            Entry::Inner(_) | Entry::Dir(_) | Entry::ServedDir(_) | Entry::ServedFile(_) => Err(Errno::Notsock.into()),
            Entry::Host(file) => {
                let spans = Spans::read(&self.memory, iovs, count)?;
                let (n, flags) = file.recv(&spans, flags, waker)?;
                self.store_count(received, n)?;
                self.store(out_flags, flags)
            }
            Entry::Stream(stream) => {
                let n = stream.recv(&Spans::read(&self.memory, iovs, count)?, flags)?;
                self.store_count(received, n)?;
                self.store(out_flags, Roflags::empty())
            }
        }
    }

    /// WASI 0.1 defines no flags for sending.
    pub(super) fn sock_send(&mut self, fd: i32, iovs: i32, count: i32, flags: i32, sent: i32) -> Outcome<i32> {
        if flags != 0 {
            return Err(Errno::Inval.into());
        }
        let waker = self.state.waker();
        match self.state.descriptors.get(fd)? {
            Entry::Inner(_) | Entry::Dir(_) | Entry::ServedDir(_) | Entry::ServedFile(_) => Err(Errno::Notsock.into()),
            Entry::Host(file) => {
                let n = file.send(&mut Spans::read(&self.memory, iovs, count)?, waker)?;
                self.store_count(sent, n)
            }
            Entry::Stream(stream) => {
                let n = stream.send(&mut Spans::read(&self.memory, iovs, count)?)?;
                self.store_count(sent, n)
            }
        }
    }

    pub(super) fn sock_shutdown(&mut self, fd: i32, how: i32) -> Outcome<i32> {
        let how = Sdflags::try_from(how)?;
        match self.entry(fd)? {
            Entry::Inner(_) | Entry::Dir(_) | Entry::ServedDir(_) | Entry::ServedFile(_) => Err(Errno::Notsock.into()),
            Entry::Host(file) => {
                file.shutdown(how)?;
                OK
            }
            Entry::Stream(stream) => {
                stream.shutdown(how)?;
                OK
            }
        }
    }
}
