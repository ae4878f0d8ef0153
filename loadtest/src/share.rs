//! What one generator thread has to do: its share of the mode that was asked for.

use crate::cli::Common;
use crate::cli::Learn;
use crate::cli::Mode;
use crate::honesty::Loop;
use crate::learn::Activity;
use crate::learn::Lesson;
use crate::pace::Window;
use crate::plan::Resource;
use crate::target::Target;
use lamplight::base::units::Span;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

/// Connections of `get` and `segments` unless asked otherwise.
const GET_CONNECTIONS: usize = 64;
const SEGMENT_CONNECTIONS: usize = 8;
/// Requests in flight a connection unless asked otherwise; below the eight streams a server may
/// grant to begin with.
const GET_IN_FLIGHT: usize = 8;
const SEGMENTS_IN_FLIGHT: usize = 2;
/// A learner does one thing after the other.
const LEARN_IN_FLIGHT: usize = 1;
/// Attempts on their way at once; the server's own bound lies far above.
const EXAM_IN_FLIGHT: usize = 1024;

/// Handshakes under way at once. A client keeps eight tickets a server; more at once than it has
/// tickets for would be full handshakes.
const FULL_IN_FLIGHT: usize = 32;
const RESUMED_IN_FLIGHT: usize = 8;

/// How requests of the loaded interval arrive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Arrivals {
    /// There is no loaded interval.
    None,
    /// So many in flight on each active connection.
    Closed(usize),
    /// So many a second over all active connections.
    Open(f64),
    /// So many new connections under way, each for one request.
    Churn(usize),
    /// Each connection once, all due at the beginning, so many in flight.
    Once(usize),
}

/// The work of a whole run, or of one thread.
#[derive(Debug, Clone)]
pub(crate) struct Share {
    /// Where to.
    pub(crate) target: Target,
    /// The target's address.
    pub(crate) address: SocketAddr,
    /// What to ask for.
    pub(crate) resources: Arc<[Resource]>,
    /// Which thread; seeds its choices.
    pub(crate) thread: u16,
    /// What every mode takes.
    pub(crate) common: Common,
    /// Connections to open and keep.
    pub(crate) connections: usize,
    /// How many of them carry load.
    pub(crate) active: usize,
    /// Handshakes under way at once while opening.
    pub(crate) opening: usize,
    /// New connections a second at most while opening.
    pub(crate) open_rate: Option<f64>,
    /// Keep-alive interval of a quiet connection.
    pub(crate) keep_alive: Duration,
    /// How load arrives.
    pub(crate) arrivals: Arrivals,
    /// Whether sessions are resumed.
    pub(crate) resume: bool,
    /// Requests of the final check in flight at once; zero for no check.
    pub(crate) checking: usize,
    /// What learners do; without it the load is GET.
    pub(crate) lesson: Option<Arc<Lesson>>,
}

/// Times of a run that the coordinator keeps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// Quiet before memory is read.
    pub(crate) quiet: Duration,
    /// Rest after it.
    pub(crate) hold: Duration,
    /// Load before measuring.
    pub(crate) warm_up: Duration,
    /// Time measured.
    pub(crate) length: Duration,
}

impl Times {
    /// The measured window if load begins at `start`.
    pub(crate) fn window(&self, start: Instant) -> Window {
        Window::new(start, self.warm_up, self.length)
    }
}

impl Share {
    /// The whole run's work.
    pub(crate) fn of(mode: &Mode, address: SocketAddr, resources: Arc<[Resource]>) -> Self {
        let common = mode.common().clone();
        let base = Self {
            target: common.target.clone(),
            address,
            resources,
            thread: 0,
            common,
            connections: 0,
            active: 0,
            opening: 64,
            open_rate: None,
            keep_alive: Duration::from_secs(20),
            arrivals: Arrivals::None,
            resume: false,
            checking: 0,
            lesson: None,
        };
        let resumes = matches!(mode, Mode::Handshakes(h) if h.resume);
        let churn = if resumes {
            RESUMED_IN_FLIGHT
        } else {
            FULL_IN_FLIGHT
        };
        match mode {
            Mode::Get(load) => base.loaded(load, GET_CONNECTIONS, GET_IN_FLIGHT),
            Mode::Segments(load) => base.loaded(load, SEGMENT_CONNECTIONS, SEGMENTS_IN_FLIGHT),
            Mode::Handshakes(h) => Self {
                arrivals: Arrivals::Churn(h.in_flight.unwrap_or(churn).max(1)),
                resume: h.resume,
                ..base
            },
            Mode::Idle(idle) => Self {
                connections: idle.connections,
                active: idle.connections,
                opening: idle.opening.max(1),
                open_rate: idle.open_rate,
                keep_alive: idle.keep_alive.duration(),
                arrivals: idle.then_get.map_or(Arrivals::None, Arrivals::Open),
                checking: if idle.final_check {
                    idle.checking.max(1)
                } else {
                    0
                },
                ..base
            },
            Mode::Login(learn)
            | Mode::Beats(learn)
            | Mode::Answers(learn)
            | Mode::ExamStart(learn) => {
                let activity = mode.learning().map_or(Activity::Login, |(a, _)| a);
                base.learning(activity, learn)
            }
        }
    }

    fn learning(self, activity: Activity, learn: &Learn) -> Self {
        let base = self.loaded(&learn.load, GET_CONNECTIONS, LEARN_IN_FLIGHT);
        let once = learn.load.in_flight.unwrap_or(EXAM_IN_FLIGHT).max(1);
        Self {
            opening: learn.opening.max(1),
            keep_alive: learn.keep_alive.duration(),
            arrivals: match activity {
                Activity::ExamStart => Arrivals::Once(once),
                Activity::Login | Activity::Beats | Activity::Answers => base.arrivals,
            },
            lesson: Some(Arc::new(Lesson::of(activity, learn))),
            ..base
        }
    }

    fn loaded(self, load: &crate::cli::Load, connections: usize, in_flight: usize) -> Self {
        let connections = load.connections.unwrap_or(connections).max(1);
        let in_flight = load.in_flight.unwrap_or(in_flight).max(1);
        Self {
            connections,
            active: load.active.unwrap_or(connections).clamp(1, connections),
            arrivals: load
                .rate
                .map_or(Arrivals::Closed(in_flight), Arrivals::Open),
            ..self
        }
    }

    /// The part of thread `thread` of `threads`; the parts add up to the whole.
    pub(crate) fn part(&self, thread: u16, threads: u16) -> Self {
        let share = |whole: usize| part_of(whole, thread, threads);
        let at_least_one = |whole: usize| share(whole).max(usize::from(whole > 0));
        let rate = |whole: f64| whole / f64::from(threads);
        Self {
            thread,
            connections: share(self.connections),
            active: share(self.active),
            opening: at_least_one(self.opening),
            open_rate: self.open_rate.map(rate),
            checking: at_least_one(self.checking),
            arrivals: match self.arrivals {
                Arrivals::Open(whole) => Arrivals::Open(rate(whole)),
                Arrivals::Churn(whole) => Arrivals::Churn(at_least_one(whole)),
                Arrivals::None => Arrivals::None,
                Arrivals::Closed(each) => Arrivals::Closed(each),
                Arrivals::Once(whole) => Arrivals::Once(at_least_one(whole)),
            },
            ..self.clone()
        }
    }

    /// Whether arrivals depend on answers.
    pub(crate) const fn arrivals_loop(&self) -> Loop {
        match self.arrivals {
            Arrivals::Open(_) => Loop::Open,
            Arrivals::None | Arrivals::Closed(_) | Arrivals::Churn(_) | Arrivals::Once(_) => {
                Loop::Closed
            }
        }
    }
}

fn part_of(whole: usize, thread: u16, threads: u16) -> usize {
    let (thread, threads) = (usize::from(thread), usize::from(threads.max(1)));
    whole / threads + usize::from(thread < whole % threads)
}

impl Mode {
    /// The times of this mode.
    pub(crate) fn times(&self) -> Times {
        let none = Duration::ZERO;
        let (quiet, hold, warm_up, length) = match self {
            Self::Get(l) | Self::Segments(l) => (none, none, l.warm_up, l.duration),
            Self::Handshakes(h) => (none, none, h.warm_up, h.duration),
            Self::Idle(i) => (i.quiet.duration(), i.hold.duration(), i.warm_up, i.duration),
            Self::Login(l) | Self::Beats(l) | Self::Answers(l) => {
                (l.quiet.duration(), none, l.load.warm_up, l.load.duration)
            }
            // There is only one beginning.
            Self::ExamStart(l) => (l.quiet.duration(), none, Span::ms(0), l.load.duration),
        };
        Times {
            quiet,
            hold,
            warm_up: warm_up.duration(),
            length: length.duration(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use crate::cli::Command;
    use clap::Parser;

    fn share(words: &str) -> Share {
        let all = format!("x {words} --target https://127.0.0.1:1/");
        let cli = Cli::try_parse_from(all.split(' ')).unwrap();
        let Command::Measure(mode) = cli.command else {
            panic!("{cli:?}");
        };
        let resources = crate::plan::single(&mode.common().target);
        Share::of(&mode, "127.0.0.1:1".parse().unwrap(), resources.into())
    }

    #[test]
    fn threads_open_every_connection_once() {
        let whole = share("idle --connections 400000 --then-get 10000");
        for threads in 1..=7 {
            let parts: Vec<_> = (0..threads).map(|t| whole.part(t, threads)).collect();
            assert_eq!(parts.iter().map(|p| p.connections).sum::<usize>(), 400_000);
            let each = Arrivals::Open(10_000.0 / f64::from(threads));
            assert!(parts.iter().all(|p| p.arrivals == each));
        }
    }

    #[test]
    fn active_connections_are_some_of_those_open() {
        assert_eq!(share("get --connections 10 --active 50").active, 10);
        assert_eq!(share("get --connections 10 --active 3").active, 3);
        assert_eq!(share("segments").arrivals, Arrivals::Closed(2));
        assert_eq!(share("get --rate 5").arrivals_loop(), Loop::Open);
    }
}
