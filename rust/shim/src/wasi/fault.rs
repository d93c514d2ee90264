//! How a WASI call ends when it does not end well.

pub(super) use wasmtime_wasi::p1::types::Errno;
use wiggle::GuestError;

/// An errno for the guest, or a trap that ends it.
pub(super) enum Fault {
    Errno(Errno),
    Trap(wasmtime::Error),
}

/// What the implementation of a WASI function returns.
pub(super) type Outcome<T = ()> = Result<T, Fault>;

impl From<Errno> for Fault {
    fn from(errno: Errno) -> Self {
        Fault::Errno(errno)
    }
}

impl From<wasmtime::Error> for Fault {
    #[cold]
    fn from(error: wasmtime::Error) -> Self {
        Fault::Trap(error)
    }
}

impl From<wasmtime_wasi::p1::types::Error> for Fault {
    #[cold]
    fn from(error: wasmtime_wasi::p1::types::Error) -> Self {
        match error.downcast() {
            Ok(errno) => Fault::Errno(errno),
            Err(trap) => Fault::Trap(trap),
        }
    }
}

/// A pointer that is out of bounds or misaligned traps, as the description of the interface demands; a value that
/// does not belong to its type is an errno.
impl From<GuestError> for Fault {
    #[cold]
    fn from(error: GuestError) -> Self {
        match error {
            GuestError::PtrOverflow | GuestError::PtrOutOfBounds(_) | GuestError::PtrNotAligned(..) => {
                Fault::Trap(error.into())
            }
            GuestError::InvalidFlagValue(_) | GuestError::InvalidEnumValue(_) => Errno::Inval.into(),
            GuestError::SliceLengthsDiffer => Errno::Fault.into(),
            GuestError::InvalidUtf8(_) => Errno::Ilseq.into(),
            GuestError::TryFromIntError(_) => Errno::Overflow.into(),
            GuestError::InFunc { err, .. } => Fault::from(*err),
        }
    }
}
