//! The result: one structure for machines (JSON), one table for people.

use crate::cli::Objectives;
use crate::honesty::Evidence;
use crate::honesty::Loop;
use crate::honesty::Verdict;
use crate::latency::Summary;
use crate::machine::Machine;
use crate::machine::Reading;
use crate::tally::Count;
use crate::tally::Tally;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Share of connections that must resume when that is what is measured.
const RESUMED_PERCENT_MIN: u64 = 98;

/// What was asked for.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Plan {
    /// Mode's name.
    pub(crate) mode: &'static str,
    /// The target's authority.
    pub(crate) target: String,
    /// Words of the command line.
    pub(crate) command: Vec<String>,
    /// Connections to open at the same time.
    pub(crate) connections: usize,
    /// Resources to choose from.
    pub(crate) resources: usize,
    /// Generator threads.
    pub(crate) threads: u16,
    /// Seed of all choices.
    pub(crate) seed: u64,
    /// Key exchange offered.
    pub(crate) key_exchange: &'static str,
    /// Whether connections resume sessions.
    pub(crate) resumes: bool,
    /// Whether arrivals depend on answers.
    pub(crate) arrivals: Loop,
    /// Time between two releases of an open loop's requests, milliseconds.
    pub(crate) tick_ms: u64,
    /// Requests a second of an open loop.
    pub(crate) rate: Option<f64>,
}

/// Readings of one process at the moments that matter.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Readings {
    /// Before the first connection.
    pub(crate) start: Reading,
    /// All connections open and quiet.
    pub(crate) resting: Reading,
    /// The measured window opens.
    pub(crate) from: Reading,
    /// The measured window closes.
    pub(crate) until: Reading,
}

/// All that a run observed.
#[derive(Debug)]
pub(crate) struct Observed {
    /// Counts and latencies of all threads.
    pub(crate) tally: Tally,
    /// Length of the measured window; zero if there was none.
    pub(crate) window: Duration,
    /// Connections that were open when memory was read.
    pub(crate) live: u64,
    /// How long opening took.
    pub(crate) opening: Duration,
    /// The generator's own readings.
    pub(crate) own: Readings,
    /// The server's, if its process is known.
    pub(crate) server: Option<(u32, Readings)>,
    /// When the run began, milliseconds since 1970 UTC.
    pub(crate) started_unix_ms: u64,
}

/// Requests of one purpose.
#[derive(Debug, Serialize)]
pub(crate) struct Requests {
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    pub(crate) measured: u64,
    pub(crate) per_second: f64,
    pub(crate) gbit_per_second: f64,
    pub(crate) stalls_over_250_ms: u64,
    pub(crate) latency_ms: Summary,
}

/// Connections.
#[derive(Debug, Serialize)]
pub(crate) struct Connections {
    pub(crate) connected: u64,
    pub(crate) resumed: u64,
    pub(crate) refused: u64,
    pub(crate) lost: u64,
    pub(crate) live_when_resting: u64,
    pub(crate) opening_seconds: f64,
    pub(crate) handshake_ms: Summary,
}

/// The server's process.
#[derive(Debug, Serialize)]
pub(crate) struct Server {
    pub(crate) pid: u32,
    pub(crate) cpu_seconds: f64,
    pub(crate) requests_per_cpu_second: f64,
    pub(crate) gbit_per_cpu_second: f64,
    pub(crate) rss_bytes_start: u64,
    pub(crate) rss_bytes_resting: u64,
    pub(crate) rss_bytes_per_connection: u64,
    pub(crate) rss_bytes_end: u64,
    pub(crate) socket_drops: u64,
}

/// The generator itself.
#[derive(Debug, Serialize)]
pub(crate) struct Generator {
    pub(crate) lag_p99_ms: f64,
    pub(crate) lag_max_ms: f64,
    pub(crate) stall_max_ms: f64,
    pub(crate) busy: f64,
    pub(crate) socket_drops: u64,
    pub(crate) cpu_seconds: f64,
    pub(crate) rss_bytes_per_connection: u64,
    pub(crate) rss_bytes_end: u64,
}

/// The whole result.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Tool and version.
    pub(crate) tool: &'static str,
    pub(crate) started_unix_ms: u64,
    pub(crate) plan: Plan,
    pub(crate) machine: Machine,
    pub(crate) window_seconds: f64,
    pub(crate) connections: Connections,
    pub(crate) opening: Requests,
    pub(crate) load: Requests,
    pub(crate) check: Requests,
    pub(crate) server: Option<Server>,
    pub(crate) generator: Generator,
    pub(crate) faults: BTreeMap<String, u64>,
    pub(crate) fault_examples: Vec<String>,
    pub(crate) missed: Vec<String>,
    pub(crate) doubts: Vec<String>,
    /// The verdict.
    pub(crate) verdict: Verdict,
}

impl Report {
    /// Draws the conclusions.
    pub(crate) fn new(plan: Plan, observed: Observed, objectives: &Objectives) -> Self {
        let evidence = evidence(&plan, &observed);
        let doubts = evidence.doubts();
        let generator = generator(&evidence, &observed);
        let seconds = observed.window.as_secs_f64();
        let mut report = Self {
            tool: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")),
            started_unix_ms: observed.started_unix_ms,
            machine: Machine::here(),
            window_seconds: seconds,
            connections: connections(&observed),
            opening: requests(&observed.tally.opening, 0.0),
            load: requests(&observed.tally.load, seconds),
            check: requests(&observed.tally.check, 0.0),
            server: observed.server.map(|(pid, r)| server(pid, r, &observed)),
            generator,
            faults: observed.tally.faults,
            fault_examples: observed.tally.examples,
            missed: Vec::new(),
            doubts,
            verdict: Verdict::Withheld,
            plan,
        };
        report.missed = report.judge(objectives);
        report.verdict = Verdict::of(&report.doubts, &report.missed);
        report
    }

    /// Objectives that were not met, in words.
    fn judge(&self, objectives: &Objectives) -> Vec<String> {
        let mut missed = Vec::new();
        let faults: u64 = self.faults.values().sum();
        if faults > 0 {
            missed.push(format!("{faults} requests or connections failed"));
        }
        let c = &self.connections;
        if self.plan.resumes && c.resumed * 100 < c.connected * RESUMED_PERCENT_MIN {
            missed.push(format!(
                "only {} of {} connections resumed a session",
                c.resumed, c.connected
            ));
        }
        let per_cpu = |of: fn(&Server) -> f64| self.server.as_ref().map(of);
        let rate = self.load.per_second;
        let work = per_cpu(|s| s.requests_per_cpu_second);
        let floors = [
            ("rate per second", objectives.min_rate, Some(rate)),
            ("work per server CPU second", objectives.min_per_cpu, work),
            (
                "Gbit per server CPU second",
                objectives.min_gbit_per_cpu,
                per_cpu(|s| s.gbit_per_cpu_second),
            ),
        ];
        for (what, floor, value) in floors {
            missed.extend(floor.and_then(|f| below(what, f, value)));
        }
        let p99 = objectives.max_p99.map(|m| m.duration().as_secs_f64() * 1e3);
        if let Some(max) = p99.filter(|max| self.load.latency_ms.p99 > *max) {
            missed.push(format!(
                "p99 is {:.1} ms, above {max} ms",
                self.load.latency_ms.p99
            ));
        }
        let bytes = self.server.as_ref().map(|s| s.rss_bytes_per_connection);
        let room = objectives.max_connection_bytes;
        if let Some(max) = room.filter(|max| bytes.is_none_or(|b| b > *max)) {
            missed.push(match bytes {
                Some(b) => format!("{b} bytes per connection, above {max}"),
                None => "memory per connection needs --server-pid".into(),
            });
        }
        missed
    }
}

fn below(what: &str, floor: f64, value: Option<f64>) -> Option<String> {
    match value {
        Some(value) if value >= floor => None,
        Some(value) => Some(format!("{what} is {value:.1}, below {floor}")),
        None => Some(format!("{what} needs --server-pid")),
    }
}

fn evidence(plan: &Plan, observed: &Observed) -> Evidence {
    let own = observed.own.until - observed.own.from;
    let thread_time = observed.window.as_secs_f64() * f64::from(plan.threads);
    Evidence {
        arrivals: plan.arrivals,
        lag_p99: observed.tally.lag.quantile(0.99),
        lag_max: observed.tally.lag.max(),
        stall_max: observed.tally.stall_max,
        busy: ratio(own.cpu.as_secs_f64(), thread_time),
        drops: (observed.own.until - observed.own.start).drops,
    }
}

fn generator(evidence: &Evidence, observed: &Observed) -> Generator {
    let ms = |d: Duration| d.as_secs_f64() * 1e3;
    let own = &observed.own;
    Generator {
        lag_p99_ms: ms(evidence.lag_p99),
        lag_max_ms: ms(evidence.lag_max),
        stall_max_ms: ms(evidence.stall_max),
        busy: evidence.busy,
        socket_drops: evidence.drops,
        cpu_seconds: (own.until - own.from).cpu.as_secs_f64(),
        rss_bytes_per_connection: per_connection(own, observed.live),
        rss_bytes_end: own.until.rss_bytes,
    }
}

fn server(pid: u32, readings: Readings, observed: &Observed) -> Server {
    let cpu = (readings.until - readings.from).cpu.as_secs_f64();
    let load = &observed.tally.load;
    Server {
        pid,
        cpu_seconds: cpu,
        requests_per_cpu_second: ratio(load.measured as f64, cpu),
        gbit_per_cpu_second: ratio(gbit(load.measured_bytes), cpu),
        rss_bytes_start: readings.start.rss_bytes,
        rss_bytes_resting: readings.resting.rss_bytes,
        rss_bytes_per_connection: per_connection(&readings, observed.live),
        rss_bytes_end: readings.until.rss_bytes,
        socket_drops: (readings.until - readings.start).drops,
    }
}

fn per_connection(readings: &Readings, live: u64) -> u64 {
    let grown = readings
        .resting
        .rss_bytes
        .saturating_sub(readings.start.rss_bytes);
    grown.checked_div(live).unwrap_or(0)
}

fn connections(observed: &Observed) -> Connections {
    let tally = &observed.tally;
    Connections {
        connected: tally.connected,
        resumed: tally.resumed,
        refused: tally.refused,
        lost: tally.lost,
        live_when_resting: observed.live,
        opening_seconds: observed.opening.as_secs_f64(),
        handshake_ms: tally.handshake.summary(),
    }
}

fn requests(count: &Count, seconds: f64) -> Requests {
    Requests {
        answered: count.answered,
        failed: count.failed,
        measured: count.measured,
        per_second: ratio(count.measured as f64, seconds),
        gbit_per_second: ratio(gbit(count.measured_bytes), seconds),
        stalls_over_250_ms: count.stalls,
        latency_ms: count.latency.summary(),
    }
}

fn gbit(bytes: u64) -> f64 {
    bytes as f64 * 8.0 / 1e9
}

fn ratio(a: f64, b: f64) -> f64 {
    if b > 0.0 { a / b } else { 0.0 }
}
