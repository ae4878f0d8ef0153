//! How the C library's allocator is set, which it reads only once: when a process begins.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Begins the process anew (same id, same arguments) with an allocator that keeps its memory on
/// huge pages, unless `GLIBC_TUNABLES` says what the operator wants.
///
/// Requests that come at random over hundreds of thousands of connections miss the processor's
/// address cache at every step: pages of 2 MiB instead of 4 KiB are worth a quarter of the CPU
/// (docs/decisions.md). One arena, because only the first grows in a way that huge pages follow.
///
/// Returns only where nothing was to be done, or with the reason why it could not be; the caller
/// goes on either way.
///
/// # Errors
/// The system refused to run the program's own file again.
pub fn prefer_huge_pages() -> io::Result<()> {
    if !cfg!(target_env = "gnu") || std::env::var_os(VARIABLE).is_some() {
        return Ok(());
    }
    let mut again = Command::new(std::env::current_exe()?);
    again.args(std::env::args_os().skip(1));
    Err(again.env(VARIABLE, SETTINGS).exec())
}

const VARIABLE: &str = "GLIBC_TUNABLES";
/// Read by glibc 2.35 and newer; others ignore what they do not know.
const SETTINGS: &str = "glibc.malloc.hugetlb=1:glibc.malloc.arena_max=1";
