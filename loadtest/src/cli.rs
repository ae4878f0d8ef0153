//! The command line.

use crate::learn::Activity;
use crate::target::Target;
use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;
use lamplight::base::units::Span;
use std::path::PathBuf;
use std::str::FromStr;

/// Honest load for HTTP/3 servers: open-loop latencies from the intended send time, every body
/// checked, and no verdict when the generator itself was the bottleneck.
///
/// Exit codes: 0 nothing failed and every objective was met, 1 something failed or was missed,
/// 2 not judged, or used wrongly.
#[derive(Debug, Parser)]
#[command(name = "lamplight-loadtest", version)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Measure, or look at what was measured.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// A measurement.
    #[command(flatten)]
    Measure(Box<Mode>),
    /// Print one value of a JSON report, e.g. load.latency_ms.p99
    Figure {
        /// The report.
        file: PathBuf,
        /// Names from the outside in, with dots between.
        path: String,
    },
}

/// The modes.
#[derive(Debug, Subcommand)]
pub(crate) enum Mode {
    /// Many small requests, closed loop (--in-flight) or open loop (--rate).
    Get(Load),
    /// Large bodies: throughput per CPU second of the server.
    Segments(Load),
    /// A new connection, one request, close; again and again, full or resumed.
    Handshakes(Handshakes),
    /// Connections that only stay: memory a connection, then requests over all of them.
    Idle(Idle),
    /// Sessions begin, each with a token of the development issuer.
    Login(Learn),
    /// Learners who watch: five beats a call, on the disk when they are answered.
    Beats(Learn),
    /// Learners in a quiz: answers, each with a receipt.
    Answers(Learn),
    /// Every connection's learner opens an attempt, all at the same moment.
    ExamStart(Learn),
}

/// What every mode takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// URL to ask for, e.g. https://localhost:4433/v1/health
    #[arg(long, value_name = "URL")]
    pub(crate) target: Target,
    /// File of resources to choose from at random: a line is PATH [LENGTH] [SHA-256]
    #[arg(long, value_name = "FILE")]
    pub(crate) urls: Option<PathBuf>,
    /// The target is not on loopback and the user may load it
    #[arg(long)]
    pub(crate) i_own_this_target: bool,
    /// PEM file of the authority to trust; without it any certificate will do on loopback
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Any certificate will do elsewhere too
    #[arg(long, conflicts_with = "ca")]
    pub(crate) insecure: bool,
    /// Key exchange offered
    #[arg(long, value_enum, default_value_t = KeyExchange::X25519)]
    pub(crate) key_exchange: KeyExchange,
    /// Generator threads, each with its share of connections and rate
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) threads: u16,
    /// UDP sockets a thread spreads its connections over
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) sockets: u16,
    /// Open loops release what is due at least this often, not request by request; latency counts
    /// from the intended time all the same
    #[arg(long, default_value = "1ms", value_name = "SPAN")]
    pub(crate) tick: Span,
    /// Same seed, same choices
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// An answer or handshake later than this is a fault
    #[arg(long, default_value = "10s", value_name = "SPAN")]
    pub(crate) timeout: Span,
    /// Process to read CPU time and memory of
    #[arg(long, value_name = "PID")]
    pub(crate) server_pid: Option<u32>,
    /// Write the whole result as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// What must hold.
    #[command(flatten)]
    pub(crate) objectives: Objectives,
}

/// What must hold for exit code 0; no failures is always one of them.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Objectives {
    /// Latency at the 99th percentile must not exceed this
    #[arg(long, value_name = "SPAN")]
    pub(crate) max_p99: Option<Span>,
    /// Requests (or handshakes) a second must reach this
    #[arg(long, value_name = "N")]
    pub(crate) min_rate: Option<f64>,
    /// Requests (or handshakes) per CPU second of the server must reach this
    #[arg(long, value_name = "N")]
    pub(crate) min_per_cpu: Option<f64>,
    /// Gbit of content per CPU second of the server must reach this
    #[arg(long, value_name = "N")]
    pub(crate) min_gbit_per_cpu: Option<f64>,
    /// Server memory per idle connection must not exceed this, bytes
    #[arg(long, value_name = "N")]
    pub(crate) max_connection_bytes: Option<u64>,
}

/// `get` and `segments`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Load {
    /// What every mode takes.
    #[command(flatten)]
    pub(crate) common: Common,
    /// Connections to open [default: 64; segments: 8]
    #[arg(long)]
    pub(crate) connections: Option<usize>,
    /// How many of them carry the requests [default: all]
    #[arg(long, value_name = "N")]
    pub(crate) active: Option<usize>,
    /// Closed loop: requests in flight on each active connection [default: 8; segments: 2]
    #[arg(long, value_name = "N", conflicts_with = "rate")]
    pub(crate) in_flight: Option<usize>,
    /// Open loop: requests a second over all active connections
    #[arg(long, value_name = "N")]
    pub(crate) rate: Option<f64>,
    /// Time measured
    #[arg(long, default_value = "10s", value_name = "SPAN")]
    pub(crate) duration: Span,
    /// Load before measuring begins
    #[arg(long, default_value = "2s", value_name = "SPAN")]
    pub(crate) warm_up: Span,
}

/// `login`, `beats`, `answers`, `exam-start`. A learner stays on a connection.
#[derive(Debug, Clone, Args)]
pub(crate) struct Learn {
    /// Connections and load; exam-start asks each connection once, --in-flight at a time
    /// [default: 1024].
    #[command(flatten)]
    pub(crate) load: Load,
    /// Handshakes and log-ins under way at once before the load
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub(crate) opening: usize,
    /// A connection sends a keep-alive when it was quiet this long
    #[arg(long, default_value = "20s", value_name = "SPAN")]
    pub(crate) keep_alive: Span,
    /// Nothing happens for this long before memory is read
    #[arg(long, default_value = "0s", value_name = "SPAN")]
    pub(crate) quiet: Span,
    /// Course that is learned
    #[arg(long, default_value = "ky-nang-so", value_name = "ID")]
    pub(crate) course: String,
    /// Lesson that is watched
    #[arg(long, default_value = "mat-khau", value_name = "ID")]
    pub(crate) lesson: String,
    /// Its length
    #[arg(long, default_value = "40s", value_name = "SPAN")]
    pub(crate) length: Span,
    /// Media of one beat; more than twice what time allows is rejected
    #[arg(long, default_value = "200ms", value_name = "SPAN")]
    pub(crate) beat: Span,
    /// Quiz that is sat
    #[arg(long, default_value = "mat-khau-quiz", value_name = "ID")]
    pub(crate) quiz: String,
    /// An item of the quiz and the member that answers it; may be repeated
    #[arg(
        long = "answer",
        default_value = "q1=\"choice\":[1]",
        value_name = "ITEM=MEMBER"
    )]
    pub(crate) answers: Vec<ItemAnswer>,
}

/// An item and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ItemAnswer(pub(crate) (String, String));

impl FromStr for ItemAnswer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (item, member) = text.split_once('=').unwrap_or_default();
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&format!("{{{member}}}"));
        if item.is_empty() || member.is_empty() || is_json.is_err() {
            return Err("write it like q1=\"choice\":[1]".to_owned());
        }
        Ok(Self((item.to_owned(), member.to_owned())))
    }
}

/// `handshakes`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Handshakes {
    /// What every mode takes.
    #[command(flatten)]
    pub(crate) common: Common,
    /// Handshakes under way at once [default: 32; with --resume 8, the tickets a client keeps]
    #[arg(long, value_name = "N")]
    pub(crate) in_flight: Option<usize>,
    /// Resume sessions instead of full handshakes
    #[arg(long)]
    pub(crate) resume: bool,
    /// Time measured
    #[arg(long, default_value = "10s", value_name = "SPAN")]
    pub(crate) duration: Span,
    /// Load before measuring begins
    #[arg(long, default_value = "2s", value_name = "SPAN")]
    pub(crate) warm_up: Span,
}

/// `idle`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Idle {
    /// What every mode takes.
    #[command(flatten)]
    pub(crate) common: Common,
    /// Connections to open; each makes one request
    #[arg(long, default_value_t = 1_000)]
    pub(crate) connections: usize,
    /// Handshakes under way at once
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub(crate) opening: usize,
    /// New connections a second at most
    #[arg(long, value_name = "N")]
    pub(crate) open_rate: Option<f64>,
    /// A connection sends a keep-alive when it was quiet this long
    #[arg(long, default_value = "20s", value_name = "SPAN")]
    pub(crate) keep_alive: Span,
    /// Nothing happens for this long before memory is read
    #[arg(long, default_value = "1500ms", value_name = "SPAN")]
    pub(crate) quiet: Span,
    /// Connections only stay for this long after memory was read
    #[arg(long, default_value = "0s", value_name = "SPAN")]
    pub(crate) hold: Span,
    /// Then requests a second, open loop, at random over all connections and URLs
    #[arg(long, value_name = "N")]
    pub(crate) then_get: Option<f64>,
    /// Time measured of --then-get
    #[arg(long, default_value = "20s", value_name = "SPAN")]
    pub(crate) duration: Span,
    /// Requests of --then-get before measuring begins
    #[arg(long, default_value = "3s", value_name = "SPAN")]
    pub(crate) warm_up: Span,
    /// At the end every connection must answer one more request
    #[arg(long)]
    pub(crate) final_check: bool,
    /// Requests of the final check in flight at once
    #[arg(long, default_value_t = 256, value_name = "N")]
    pub(crate) checking: usize,
}

/// Key exchange groups a client offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyExchange {
    /// X25519 alone.
    X25519,
    /// The hybrid of ML-KEM-768 and X25519, as current browsers offer.
    #[value(name = "x25519mlkem768")]
    X25519MlKem768,
}

impl KeyExchange {
    /// The name people know it by.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::X25519 => "X25519",
            Self::X25519MlKem768 => "X25519MLKEM768",
        }
    }
}

impl Mode {
    /// The mode's name on the command line.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Get(_) => "get",
            Self::Segments(_) => "segments",
            Self::Handshakes(_) => "handshakes",
            Self::Idle(_) => "idle",
            Self::Login(_) => "login",
            Self::Beats(_) => "beats",
            Self::Answers(_) => "answers",
            Self::ExamStart(_) => "exam-start",
        }
    }

    /// What its learners do, if it has any.
    pub(crate) const fn learning(&self) -> Option<(Activity, &Learn)> {
        match self {
            Self::Get(_) | Self::Segments(_) | Self::Handshakes(_) | Self::Idle(_) => None,
            Self::Login(l) => Some((Activity::Login, l)),
            Self::Beats(l) => Some((Activity::Beats, l)),
            Self::Answers(l) => Some((Activity::Answers, l)),
            Self::ExamStart(l) => Some((Activity::ExamStart, l)),
        }
    }

    /// What every mode takes.
    pub(crate) const fn common(&self) -> &Common {
        match self {
            Self::Get(l) | Self::Segments(l) => &l.common,
            Self::Handshakes(h) => &h.common,
            Self::Idle(i) => &i.common,
            Self::Login(l) | Self::Beats(l) | Self::Answers(l) | Self::ExamStart(l) => {
                &l.load.common
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_rate_and_a_number_in_flight_cannot_both_be_asked_for() {
        let words = "x get --target https://localhost:1/ --rate 5 --in-flight 2";
        assert!(Cli::try_parse_from(words.split(' ')).is_err());
        let words = "x idle --target https://localhost:1/ --connections 50000 --then-get 10000";
        let cli = Cli::try_parse_from(words.split(' ')).unwrap();
        let Command::Measure(mode) = cli.command else {
            panic!("{cli:?}");
        };
        assert_eq!((mode.name(), mode.common().seed), ("idle", 1));
    }
}
