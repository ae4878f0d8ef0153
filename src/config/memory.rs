//! What a configuration can take of the machine, so that a surprise comes at start and not on
//! the national day.

use crate::base::units::Size;
use crate::config::Config;
use std::fs;
use std::path::Path;

/// Measured: an idle HTTP/3 connection, everything counted.
const QUIC_CONNECTION_BYTES: u64 = 16 * 1024;
/// Measured: an idle HTTP/2 connection with its TLS session.
const TCP_CONNECTION_BYTES: u64 = 50 * 1024;
/// Measured: what resumption with early data keeps of one session.
const EARLY_SESSION_BYTES: u64 = 300;
/// Code, catalogue, sockets' bookkeeping of one worker.
const WORKER_BYTES: u64 = 24 * 1024 * 1024;
/// Share of the machine that a configuration may take before a warning; the rest is the kernel's
/// socket buffers and the page cache.
const MACHINE_PERCENT_MAX: u64 = 80;

/// What a configuration takes when every bound is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// Parts, largest meaning first: what for, and how much.
    pub parts: Vec<(String, Size)>,
    /// Their sum.
    pub total: Size,
    /// Sentences about what does not fit this machine.
    pub warnings: Vec<String>,
}

/// What the machine has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Machine {
    /// Memory this process may use: the machine's, or its control group's if that is less.
    pub memory: Option<Size>,
    /// Files it may have open.
    pub files: Option<u64>,
    /// Processors it may use.
    pub cores: usize,
}

impl Machine {
    /// Reads it from `/proc` and `/sys`; what cannot be read is left out.
    pub fn read() -> Self {
        let total = fs::read_to_string("/proc/meminfo")
            .ok()
            .as_deref()
            .and_then(total_memory);
        let group = fs::read_to_string(Path::new("/sys/fs/cgroup/memory.max")).ok();
        let group = group.and_then(|text| text.trim().parse().ok());
        let limits = fs::read_to_string("/proc/self/limits").ok();
        Self {
            memory: total.into_iter().chain(group).min().map(Size::bytes),
            files: limits.as_deref().and_then(open_files),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        }
    }
}

/// What `config` takes at its bounds, beside what `machine` has.
pub fn estimate(config: &Config, machine: &Machine) -> Estimate {
    let connections = config.server.connections_max as u64;
    let parts = parts(config, machine);
    let sizes = parts.iter().map(|(_, size)| size.as_bytes());
    let total = Size::bytes(sizes.fold(0, u64::saturating_add));
    let mut warnings = Vec::new();
    if let Some(memory) = machine.memory
        && total.as_bytes() > memory.as_bytes() / 100 * MACHINE_PERCENT_MAX
    {
        let (has, needs) = (people(memory), people(total));
        warnings.push(format!(
            "at its bounds this takes {needs}, the machine has {has}: lower server.connections_max"
        ));
    }
    if let Some(files) = machine.files.filter(|files| *files < connections) {
        let bytes = people(Size::bytes(files.saturating_mul(TCP_CONNECTION_BYTES)));
        warnings.push(format!(
            "{files} files may be open, so about as many HTTP/2 and HTTP/1.1 connections \
             ({bytes}); HTTP/3 needs none per connection; raise it with `ulimit -n`"
        ));
    }
    Estimate {
        parts,
        total,
        warnings,
    }
}

/// What takes memory, and how much of it at most.
fn parts(config: &Config, machine: &Machine) -> Vec<(String, Size)> {
    let connections = config.server.connections_max as u64;
    let workers = if config.server.workers == 0 {
        machine.cores
    } else {
        config.server.workers
    };
    let early = if config.quic.early_data {
        config.quic.early_sessions_max as u64
    } else {
        0
    };
    vec![
        (
            format!("{connections} idle HTTP/3 connections (server.connections_max)"),
            Size::bytes(connections.saturating_mul(QUIC_CONNECTION_BYTES)),
        ),
        (
            format!("{early} sessions for early data (quic.early_sessions_max)"),
            Size::bytes(early.saturating_mul(EARLY_SESSION_BYTES)),
        ),
        (
            "chunks of media and texts (content.cache)".to_owned(),
            config.content.cache,
        ),
        (
            "sample tables of recordings (content.index_cache)".to_owned(),
            config.content.index_cache,
        ),
        (
            format!("replies read as they are sent, on {workers} workers (quic.pulled_max)"),
            Size::bytes((workers as u64).saturating_mul(config.quic.pulled_max.as_bytes())),
        ),
        (
            "learners in memory (sessions.memory)".to_owned(),
            config.sessions.memory,
        ),
        (
            "database of saved sessions (snapshots.cache, snapshots.memtable)".to_owned(),
            Size::bytes(
                5_u64
                    .saturating_mul(config.snapshots.memtable.as_bytes())
                    .saturating_add(config.snapshots.cache.as_bytes()),
            ),
        ),
        (
            format!("{workers} workers"),
            Size::bytes((workers as u64).saturating_mul(WORKER_BYTES)),
        ),
    ]
}

/// A size rounded for reading.
pub fn people(size: Size) -> String {
    let units = [("GiB", 1_u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let fitting = units.iter().find(|(_, unit)| size.as_bytes() >= *unit);
    let Some((name, unit)) = fitting else {
        return size.to_string();
    };
    let tenths = size.as_bytes().saturating_mul(10) / unit;
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

fn total_memory(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kib.checked_mul(1024)
}

fn open_files(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_too_large_for_the_machine_is_said_before_it_starts() {
        let mut config = Config::default();
        config.server.connections_max = 1_000_000;
        let small = Machine {
            memory: Some(Size::mib(4096)),
            files: Some(1024),
            cores: 2,
        };
        let warnings = estimate(&config, &small).warnings;
        assert!(warnings[0].contains("machine has 4.0 GiB"), "{warnings:?}");
        assert!(warnings[1].contains("1024 files"), "{warnings:?}");
        let large = Machine {
            memory: Some(Size::mib(65_536)),
            files: Some(2_000_000),
            cores: 2,
        };
        assert!(estimate(&config, &large).warnings.is_empty());
    }

    #[test]
    fn what_linux_writes_is_read() {
        assert_eq!(
            total_memory("MemTotal:       16 kB\nMemFree: 1 kB"),
            Some(16 * 1024)
        );
        let limits = "Limit  Soft Limit\nMax open files            20000      20000    files";
        assert_eq!(open_files(limits), Some(20_000));
        assert!(Machine::read().cores >= 1);
    }
}
