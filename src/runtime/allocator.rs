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
/// glibc 2.36 compares the system's huge page mode with one byte that it never read, and so half of
/// all processes begin without what they were told to do. Where the heap is not on huge pages the
/// process begins anew, a few times at most.
///
/// Returns only where nothing was to be done, or with the reason why it could not be; the caller
/// goes on either way.
///
/// # Errors
/// The system refused to run the program's own file again.
pub fn prefer_huge_pages() -> io::Result<()> {
    let begun: Option<u32> = std::env::var(BEGUN).ok().and_then(|n| n.parse().ok());
    let foreign = begun.is_none() && std::env::var_os(VARIABLE).is_some();
    let begun = begun.unwrap_or(0);
    if !cfg!(target_env = "gnu") || foreign || begun >= BEGUN_MAX || begun > 0 && is_followed() {
        return Ok(());
    }
    let mut again = Command::new(std::env::current_exe()?);
    again.args(std::env::args_os().skip(1));
    again
        .env(VARIABLE, SETTINGS)
        .env(BEGUN, (begun + 1).to_string());
    Err(again.exec())
}

/// Whether the heap lies on huge pages, or the system gives them by another rule than advice.
fn is_followed() -> bool {
    let advised = std::fs::read_to_string(MODE).is_ok_and(|mode| mode.contains("[madvise]"));
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap_or_default();
    let flags = maps
        .lines()
        .filter_map(|line| line.strip_prefix("VmFlags:"));
    !advised || flags.flat_map(str::split_whitespace).any(|f| f == "hg")
}

/// How often this process has begun anew.
const BEGUN: &str = "_LAMPLIGHT_BEGUN";
/// Eight fail together once in 256 starts.
const BEGUN_MAX: u32 = 8;
const MODE: &str = "/sys/kernel/mm/transparent_hugepage/enabled";

const VARIABLE: &str = "GLIBC_TUNABLES";
/// Read by glibc 2.35 and newer; others ignore what they do not know.
const SETTINGS: &str = "glibc.malloc.hugetlb=1:glibc.malloc.arena_max=1";
