//! What a descriptor of a component stands for.

use super::enter::Wasi;
use crate::wasi::descriptors::Entry;
use crate::wasi::fault::{Errno, Outcome};
use crate::wasi::host::{HostDir, HostFile};
use crate::wasi::served::{ServedDir, ServedFile};
use std::cell::{Ref, RefCell, RefMut};
use std::rc::Rc;
use wasmtime::Result;
use wasmtime::component::Resource;
use wasmtime_wasi::p1::types::Filestat;
use wasmtime_wasi::p2::bindings::filesystem::types::Descriptor;

/// What several resources of a store have together: a file its descriptors and its streams.
pub(in crate::wasi) struct Shared<T>(Rc<RefCell<T>>);

// SAFETY: all who have it are in one table, which is used by whoever uses the store.
unsafe impl<T> Send for Shared<T> {}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Shared(self.0.clone())
    }
}

impl<T> Shared<T> {
    pub(super) fn new(value: T) -> Shared<T> {
        Shared(Rc::new(RefCell::new(value)))
    }

    /// For as long as one operation lasts.
    pub(super) fn borrow(&self) -> Ref<'_, T> {
        self.0.borrow()
    }

    /// For an operation during which nobody else may have it.
    pub(super) fn borrow_mut(&self) -> RefMut<'_, T> {
        self.0.borrow_mut()
    }

    /// What it was, if this is the last.
    pub(super) fn into_inner(self) -> Option<T> {
        Rc::into_inner(self.0).map(RefCell::into_inner)
    }
}

/// What a descriptor stands for.
pub(super) enum Node {
    Dir(Box<HostDir>),
    ServedDir(Box<ServedDir>),
    File(Shared<HostFile>),
    ServedFile(Shared<ServedFile>),
}

// SAFETY: as above.
unsafe impl Send for Node {}

/// A directory of either kind.
pub(super) enum AnyDir<'a> {
    Host(&'a HostDir),
    Served(&'a ServedDir),
}

impl Node {
    /// What was opened below a directory.
    pub(super) fn new(entry: Entry) -> Result<Node, Errno> {
        match entry {
            Entry::Dir(dir) => Ok(Node::Dir(dir)),
            Entry::ServedDir(dir) => Ok(Node::ServedDir(dir)),
            Entry::Host(file) => Ok(Node::File(Shared::new(file))),
            Entry::ServedFile(file) => Ok(Node::ServedFile(Shared::new(file))),
            Entry::Inner(_) | Entry::Stream(_) => Err(Errno::Notsup),
        }
    }

    pub(super) fn dir(&self) -> Result<AnyDir<'_>, Errno> {
        match self {
            Node::Dir(dir) => Ok(AnyDir::Host(dir)),
            Node::ServedDir(dir) => Ok(AnyDir::Served(dir)),
            Node::File(_) | Node::ServedFile(_) => Err(Errno::Notdir),
        }
    }

    /// The attributes.
    pub(super) fn stat(&self) -> Outcome<Filestat> {
        match self {
            Node::Dir(dir) => Ok(dir.stat()?),
            Node::ServedDir(dir) => dir.stat(),
            Node::File(file) => Ok(file.borrow().stat()?),
            Node::ServedFile(file) => file.borrow().stat(),
        }
    }

    /// Lets go of it; what the binding serves says what comes of that.
    fn close(self) -> Outcome {
        match self {
            Node::ServedDir(dir) => dir.close(),
            Node::ServedFile(file) => file.into_inner().map_or(Ok(()), ServedFile::close),
            Node::Dir(_) | Node::File(_) => Ok(()),
        }
    }
}

impl Wasi<'_> {
    /// What a descriptor stands for.
    #[inline]
    pub(super) fn node(&self, this: &Resource<Descriptor>) -> Result<&Node> {
        self.get(this.rep())
    }

    /// Makes a descriptor.
    pub(super) fn new_descriptor(&mut self, node: Node) -> Outcome<Resource<Descriptor>> {
        self.count_descriptor()?;
        match self.push(node) {
            Ok(number) => Ok(Resource::new_own(number)),
            Err(fault) => {
                self.uncount_descriptor();
                Err(fault)
            }
        }
    }

    pub(super) fn drop_descriptor(&mut self, number: u32) -> Result<()> {
        let node = self.take::<Node>(number)?;
        self.uncount_descriptor();
        match node.close() {
            Err(crate::wasi::fault::Fault::Trap(error)) => Err(error),
            _ => Ok(()),
        }
    }
}
