//! Times: Windows counts steps of 100 nanoseconds since 1601.

use super::NewTime;
use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::SystemInformation::GetSystemTimePreciseAsFileTime;

/// Steps between 1601 and 1970.
const EPOCH: i64 = 11_644_473_600 * 10_000_000;

/// Nanoseconds since 1970; what lies before, or is unknown, is 0.
pub(super) fn nanoseconds(steps: i64) -> u64 {
    u64::try_from(steps - EPOCH).map_or(0, |steps| steps.saturating_mul(100))
}

/// What `SetFileInformationByHandle` takes, in which 0 leaves a time as it is.
pub(super) fn steps(time: NewTime) -> i64 {
    match time {
        NewTime::Keep => 0,
        // There are fewer than 2^63 steps in all the nanoseconds that fit.
        NewTime::At(nanoseconds) => (nanoseconds / 100).cast_signed() + EPOCH,
        NewTime::Now => {
            let mut now = FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 };
            // SAFETY: the time is local and can be written.
            unsafe { GetSystemTimePreciseAsFileTime(&raw mut now) };
            i64::from(now.dwHighDateTime) << 32 | i64::from(now.dwLowDateTime)
        }
    }
}
