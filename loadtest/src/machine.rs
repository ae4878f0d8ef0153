//! What the kernel says about a process: CPU time, memory, datagrams dropped at its sockets.

use serde::Serialize;
use std::collections::HashSet;
use std::fs;
use std::io;
use std::ops::Sub;
use std::time::Duration;

/// Clock ticks a second in `/proc/PID/stat`; fixed at 100 for user space on Linux.
const USER_HZ: u64 = 100;

/// Numbers of one process at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// User plus system time of all threads, in steps of 10 ms.
    pub(crate) cpu: Duration,
    /// Resident memory, bytes (VmRSS).
    pub(crate) rss_bytes: u64,
    /// Datagrams the kernel dropped because a UDP socket of the process was full.
    pub(crate) drops: u64,
}

impl Reading {
    /// Reads the process with that id.
    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        let missing = |e: io::Error| {
            let what = format!("process {pid} cannot be read ({e}); is it running?");
            io::Error::new(e.kind(), what)
        };
        let text = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).map_err(missing);
        Ok(Self {
            cpu: cpu_of_stat(&text("stat")?).ok_or_else(|| unreadable(pid, "stat"))?,
            rss_bytes: rss_of_status(&text("status")?).ok_or_else(|| unreadable(pid, "status"))?,
            drops: socket_drops(pid),
        })
    }

    /// Reads this process.
    pub(crate) fn of_self() -> io::Result<Self> {
        Self::of(std::process::id())
    }
}

/// What was spent between two readings; memory is the later one's.
impl Sub for Reading {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(before.cpu),
            rss_bytes: self.rss_bytes,
            drops: self.drops.saturating_sub(before.drops),
        }
    }
}

fn unreadable(pid: u32, file: &str) -> io::Error {
    io::Error::other(format!("/proc/{pid}/{file} is not as Linux writes it"))
}

/// utime and stime: the 14th and 15th fields; the name before may hold blanks and brackets.
fn cpu_of_stat(stat: &str) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 1_000 / USER_HZ))
}

fn rss_of_status(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    Some(kib * 1_024)
}

/// Drops at all UDP sockets of the process; zero where its descriptors are not ours to see.
fn socket_drops(pid: u32) -> u64 {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return 0;
    };
    let links = entries.filter_map(|e| fs::read_link(e.ok()?.path()).ok());
    let inodes: HashSet<u64> = links
        .filter_map(|l| inode_of_link(l.to_str()?))
        .collect::<HashSet<_>>();
    let tables = ["udp", "udp6"].map(|t| format!("/proc/{pid}/net/{t}"));
    let lines = tables.iter().filter_map(|t| fs::read_to_string(t).ok());
    lines.map(|text| drops_of_table(&text, &inodes)).sum()
}

fn inode_of_link(link: &str) -> Option<u64> {
    let number = link.strip_prefix("socket:[")?.strip_suffix(']')?;
    number.parse().ok()
}

/// Column 10 is the inode, the last one the drops.
fn drops_of_table(table: &str, inodes: &HashSet<u64>) -> u64 {
    let rows = table.lines().skip(1);
    let mine = rows.filter_map(|row| {
        let inode: u64 = row.split_ascii_whitespace().nth(9)?.parse().ok()?;
        let drops: u64 = row.split_ascii_whitespace().last()?.parse().ok()?;
        inodes.contains(&inode).then_some(drops)
    });
    mine.sum()
}

/// The machine a figure was measured on.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    /// Kernel release.
    pub(crate) kernel: String,
    /// Processor model.
    pub(crate) processor: String,
    /// Cores online.
    pub(crate) cores: usize,
    /// Memory, bytes.
    pub(crate) memory_bytes: u64,
}

impl Machine {
    /// This machine; unknown parts stay empty.
    pub(crate) fn here() -> Self {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpuinfo = text("/proc/cpuinfo");
        let named = |l: &str| {
            Some(
                l.strip_prefix("model name")?
                    .trim_start_matches([' ', '\t', ':'])
                    .to_owned(),
            )
        };
        let meminfo = text("/proc/meminfo");
        let total = meminfo.lines().find_map(|l| l.strip_prefix("MemTotal:"));
        let kib = total.and_then(|l| l.split_ascii_whitespace().next()?.parse::<u64>().ok());
        Self {
            kernel: text("/proc/sys/kernel/osrelease").trim().to_owned(),
            processor: cpuinfo.lines().find_map(named).unwrap_or_default(),
            cores: cpuinfo.matches("processor\t").count(),
            memory_bytes: kib.unwrap_or(0) * 1_024,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_with_brackets_does_not_shift_the_columns() {
        let stat = "7 (a) b) c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 1 0 1 1 1";
        assert_eq!(cpu_of_stat(stat), Some(Duration::from_millis(3_000)));
        assert_eq!(cpu_of_stat("7 (x) S 1"), None);
    }

    #[test]
    fn only_own_sockets_count_as_dropping() {
        let table = "  sl  local rem st tx rx tr tm retr uid timeout inode ref pointer drops\n\
             1: 0100007F:1 00000000:0 07 0:0 00:0 0 0 0 41 2 0 5\n\
             2: 0100007F:2 00000000:0 07 0:0 00:0 0 0 0 42 2 0 9\n";
        assert_eq!(drops_of_table(table, &HashSet::from([42])), 9);
        assert_eq!(inode_of_link("socket:[42]"), Some(42));
        assert_eq!(inode_of_link("pipe:[42]"), None);
    }

    #[test]
    fn this_process_has_memory_and_a_vanished_one_is_an_error() {
        assert!(Reading::of_self().unwrap().rss_bytes > 100_000);
        let gone = Reading::of(u32::MAX).unwrap_err().to_string();
        assert!(gone.contains("is it running?"), "{gone}");
    }
}
