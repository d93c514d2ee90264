//! The signal that brings a thread back from a call of the system in which it waits. On Unix nothing else does.
//!
//! The handler does nothing: what counts is that it was installed without `SA_RESTART`, so that the call fails with
//! `EINTR`. Go's runtime has a handler of its own for every signal, which restarts calls; so the signal is one that
//! nobody has a handler for but such a runtime, and what others send by that number still arrives there.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

/// A thread that may be in a call.
#[derive(Clone, Copy)]
pub(super) struct Thread(libc::pthread_t);

// SAFETY: it names a thread, and other threads may know it.
unsafe impl Send for Thread {}

impl Thread {
    /// The calling thread.
    pub(super) fn this() -> Thread {
        // SAFETY: a plain call, which cannot fail.
        Thread(unsafe { libc::pthread_self() })
    }

    /// Brings the thread back if it waits in a call at this moment. It must not have ended. Whether there is a signal
    /// to do so.
    pub(super) fn interrupt(self) -> bool {
        let Some(signal) = signal() else { return false };
        // Somebody else may have taken the signal meanwhile.
        if disposition(signal).is_none_or(|now| now.sa_sigaction != own()) {
            install(signal);
        }
        // SAFETY: the caller says that the thread is there.
        unsafe { libc::pthread_kill(self.0, signal) };
        true
    }
}

/// As long as it lives, the signal reaches the calling thread.
pub(super) struct Reachable {
    /// The signal, if it has to be held back again.
    held_back: Option<c_int>,
}

impl Reachable {
    /// Lets the signal through.
    pub(super) fn begin() -> Reachable {
        let mut before = MaybeUninit::<libc::sigset_t>::zeroed();
        let held_back = signal().filter(|signal| {
            let set = set_of(*signal);
            // SAFETY: plain calls on local sets.
            unsafe {
                libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, before.as_mut_ptr()) == 0
                    && libc::sigismember(before.as_ptr(), *signal) == 1
            }
        });
        Reachable { held_back }
    }
}

impl Drop for Reachable {
    fn drop(&mut self) {
        if let Some(signal) = self.held_back {
            let set = set_of(signal);
            // SAFETY: a plain call on a local set.
            unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut()) };
        }
    }
}

fn set_of(signal: c_int) -> libc::sigset_t {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: plain calls on a local set, which the first one initialises.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), signal);
        set.assume_init()
    }
}

/// The signal, whose handler is installed at the first use; nothing if there is none to be had.
fn signal() -> Option<c_int> {
    static SIGNAL: OnceLock<Option<c_int>> = OnceLock::new();
    *SIGNAL.get_or_init(|| candidates().find(|signal| is_free(*signal) && take(*signal)))
}

/// Installs the handler, and keeps it if the signal arrives. Whether that worked.
fn take(signal: c_int) -> bool {
    let Some(before) = disposition(signal) else { return false };
    if !install(signal) {
        return false;
    }
    let arrives = arrives(signal);
    if !arrives {
        // SAFETY: the disposition is one that the system has told.
        unsafe { libc::sigaction(signal, &raw const before, ptr::null_mut()) };
    }
    arrives
}

/// How often the handler was called for a signal of our own.
static ARRIVED: AtomicUsize = AtomicUsize::new(0);

/// Whether a signal that a thread sends to itself arrives there: an emulator such as qemu-user keeps some of them for
/// itself, and does not say so. Nobody else sends it yet.
fn arrives(signal: c_int) -> bool {
    let before = ARRIVED.load(Ordering::SeqCst);
    let probe = std::thread::Builder::new().spawn(move || {
        let set = set_of(signal);
        // SAFETY: plain calls, on a local set and for this thread. The signal arrives before the last one returns.
        unsafe {
            libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, ptr::null_mut());
            libc::pthread_kill(libc::pthread_self(), signal);
        }
    });
    let probed = probe.is_ok_and(|thread| thread.join().is_ok());
    // Without a thread to try it on, it is taken to be as on most systems.
    !probed || ARRIVED.load(Ordering::SeqCst) != before
}

/// The highest and the lowest real-time signals are what tools and C libraries take for themselves.
#[cfg(target_os = "linux")]
fn candidates() -> impl Iterator<Item = c_int> {
    (libc::SIGRTMIN() + 2..libc::SIGRTMAX()).rev()
}

/// There are no real-time signals. This one tells of instructions that an emulator does not know, of which there are
/// none.
#[cfg(not(target_os = "linux"))]
fn candidates() -> impl Iterator<Item = c_int> {
    std::iter::once(libc::SIGEMT)
}

/// Whether nobody has a handler for a signal in particular. Go's runtime has the same one for all, also for `SIGURG`.
fn is_free(signal: c_int) -> bool {
    let Some(now) = disposition(signal) else { return false };
    now.sa_sigaction == libc::SIG_DFL
        || disposition(libc::SIGURG).is_some_and(|urgent| {
            !matches!(urgent.sa_sigaction, libc::SIG_DFL | libc::SIG_IGN) && urgent.sa_sigaction == now.sa_sigaction
        })
}

/// What happens at a signal; nothing if there is no such signal.
fn disposition(signal: c_int) -> Option<libc::sigaction> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: it fills the local structure, and changes nothing.
    unsafe { (libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) == 0).then(|| action.assume_init()) }
}

/// The handler and the flags that the signal had before.
static BEFORE: (AtomicUsize, AtomicI32) = (AtomicUsize::new(libc::SIG_DFL), AtomicI32::new(0));

/// Installs the handler, which passes on what it is not meant for. Whether that worked.
fn install(signal: c_int) -> bool {
    let Some(before) = disposition(signal) else { return false };
    if before.sa_sigaction != own() {
        BEFORE.0.store(before.sa_sigaction, Ordering::SeqCst);
        BEFORE.1.store(before.sa_flags, Ordering::SeqCst);
    }
    // SAFETY: all zero is a valid structure, and the handler has the form that the flags say.
    unsafe {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
        action.sa_sigaction = own();
        // Go demands the second flag of every handler.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigemptyset(&raw mut action.sa_mask);
        libc::sigaction(signal, &raw const action, ptr::null_mut()) == 0
    }
}

/// The handler's address.
fn own() -> usize {
    handle as *const () as usize
}

type Handler = extern "C" fn(c_int);
type HandlerWithInfo = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);

/// Only calls what may be called in a signal handler.
extern "C" fn handle(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the system gives a good pointer.
    if unsafe { is_ours(info) } {
        ARRIVED.fetch_add(1, Ordering::Relaxed);
        return;
    }
    let (before, flags) = (BEFORE.0.load(Ordering::SeqCst), BEFORE.1.load(Ordering::SeqCst));
    if before == libc::SIG_IGN {
        return;
    }
    if before == libc::SIG_DFL {
        // What the signal does by default comes when this returns.
        // SAFETY: plain calls.
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        }
    } else if flags & libc::SA_SIGINFO != 0 {
        // SAFETY: that was the signal's handler, and the flag says of which form it is.
        let before = unsafe { std::mem::transmute::<usize, HandlerWithInfo>(before) };
        before(signal, info, context);
    } else {
        // SAFETY: as above.
        let before = unsafe { std::mem::transmute::<usize, Handler>(before) };
        before(signal);
    }
}

/// Whether a signal comes from [`Thread::interrupt`]: one that this process has sent to a thread of its own.
///
/// # Safety
///
/// `info` must be what a handler was given.
#[cfg(target_os = "linux")]
unsafe fn is_ours(info: *const libc::siginfo_t) -> bool {
    const SI_TKILL: c_int = -6;
    // SAFETY: as the caller promises; who sent it is told with this code.
    unsafe { (*info).si_code == SI_TKILL && (*info).si_pid() == libc::getpid() }
}

/// Whether a signal comes from [`Thread::interrupt`]. Here the system does not tell who has sent one to a thread.
///
/// # Safety
///
/// None.
#[cfg(not(target_os = "linux"))]
unsafe fn is_ours(_: *const libc::siginfo_t) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    /// The signal is one that arrives, and one without the handler is found not to.
    #[test]
    fn finds_a_signal_that_arrives() {
        assert!(arrives(signal().unwrap()));
        assert!(!arrives(libc::SIGURG)); // which does nothing by default
        assert!(!take(libc::SIGKILL));
    }

    /// A thread that reads from a pipe into which nobody writes comes back, also with the signal held back before.
    #[test]
    fn interrupts_a_read() {
        for held_back in [false, true] {
            let (reader, _writer) = rustix::pipe::pipe().unwrap();
            let (here, there) = mpsc::channel();
            let thread = std::thread::spawn(move || {
                let set = set_of(signal().unwrap());
                if held_back {
                    // SAFETY: a plain call on a local set.
                    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut()) };
                }
                let reachable = Reachable::begin();
                here.send(Thread::this()).unwrap();
                let result = rustix::io::read(&reader, &mut [0; 1]);
                drop(reachable);
                let mut now = MaybeUninit::<libc::sigset_t>::zeroed();
                // SAFETY: plain calls on local sets.
                let blocked = unsafe {
                    libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), now.as_mut_ptr());
                    libc::sigismember(now.as_ptr(), signal().unwrap()) == 1
                };
                assert_eq!(blocked, held_back);
                result
            });
            let waiting = there.recv().unwrap();
            while !thread.is_finished() {
                assert!(waiting.interrupt());
                std::thread::sleep(Duration::from_millis(1));
            }
            assert_eq!(thread.join().unwrap(), Err(rustix::io::Errno::INTR));
        }
    }
}
