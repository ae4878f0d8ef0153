//! Requests in flight: each ends exactly once, as a right answer or as a named fault.

use crate::body::BodyFault;
use crate::body::Incoming;
use crate::body::References;
use crate::learn::Step;
use crate::pace::Window;
use crate::plan::Resource;
use crate::tally::Purpose;
use crate::tally::STALL;
use crate::tally::Tally;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

/// Why a request failed without a whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No whole answer within the time allowed.
    Timeout(Duration),
    /// The server reset the stream with that code.
    Reset(u64),
    /// The connection went away.
    Lost(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(after) => write!(f, "no whole answer within {} s", after.as_secs_f64()),
            Self::Reset(code) => write!(f, "stream reset with code {code:#x}"),
            Self::Lost(why) => write!(f, "connection lost: {why}"),
        }
    }
}

/// Bytes of a reply to a call that are kept; a longer one is no reply of these calls.
const REPLY_BYTES_MAX: usize = 64 * 1024;

/// One request in flight.
struct Flight {
    purpose: Purpose,
    status: u16,
    intended: Instant,
    deadline: Instant,
    content: Content,
}

/// What comes back.
enum Content {
    /// A resource that is the same for everybody.
    Resource(usize, Incoming),
    /// The reply to a learner's call.
    Reply(Step, Vec<u8>),
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The resource of this index.
    Resource(usize),
    /// A learner's call.
    Call(Step),
}

/// What has been asked and not yet been answered, by connection and stream.
pub(crate) struct Ledger<K> {
    flights: HashMap<K, Flight>,
    references: References,
    resources: Arc<[Resource]>,
    timeout: Duration,
    window: Option<Window>,
    /// What ended, counted.
    pub(crate) tally: Tally,
}

impl<K: Copy + Eq + Hash> Ledger<K> {
    /// An empty ledger; an answer later than `timeout` after the intended time is a fault.
    pub(crate) fn new(resources: Arc<[Resource]>, timeout: Duration) -> Self {
        Self {
            flights: HashMap::new(),
            references: References::new(&resources),
            resources,
            timeout,
            window: None,
            tally: Tally::default(),
        }
    }

    /// Load begins: what is due and answered inside the window is measured.
    pub(crate) const fn measure(&mut self, window: Window) {
        self.window = Some(window);
    }

    /// Requests in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.flights.len()
    }

    /// A request left at `now` that should have left at `intended`.
    pub(crate) fn begin(
        &mut self,
        key: K,
        purpose: Purpose,
        subject: Subject,
        intended: Instant,
        now: Instant,
    ) {
        let content = match subject {
            Subject::Resource(index) => Content::Resource(index, self.references.begin(index)),
            Subject::Call(step) => Content::Reply(step, Vec::new()),
        };
        let flight = Flight {
            purpose,
            status: 0,
            intended,
            deadline: now + self.timeout,
            content,
        };
        self.flights.insert(key, flight);
    }

    /// The final status came.
    pub(crate) fn head(&mut self, key: K, status: u16) {
        if let Some(flight) = self.flights.get_mut(&key) {
            flight.status = status;
        }
    }

    /// Bytes of content came, in order.
    pub(crate) fn body(&mut self, key: K, bytes: &[u8]) {
        match self.flights.get_mut(&key).map(|flight| &mut flight.content) {
            Some(Content::Resource(index, body)) => self.references.feed(*index, body, bytes),
            Some(Content::Reply(_, kept)) => {
                let room = REPLY_BYTES_MAX.saturating_sub(kept.len());
                kept.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
            }
            None => {}
        }
    }

    /// The answer is whole. Tells what it was for, `None` if nobody waits for it any more. `read`
    /// judges the reply to a learner's call by its status and content.
    pub(crate) fn done(
        &mut self,
        key: K,
        now: Instant,
        read: impl FnOnce(Step, u16, &[u8]) -> Result<(), String>,
    ) -> Option<Purpose> {
        let flight = self.flights.remove(&key)?;
        let (subject, judged) = match flight.content {
            Content::Resource(index, body) => {
                let judged = match flight.status {
                    200 => self.references.finish(index, body),
                    other => Err(BodyFault::Status(other)),
                };
                let judged = judged.map_err(|fault| fault.to_string());
                (Subject::Resource(index), judged)
            }
            Content::Reply(step, bytes) => {
                let judged = read(step, flight.status, &bytes);
                (Subject::Call(step), judged.map(|()| bytes.len() as u64))
            }
        };
        match judged {
            Ok(bytes) => self.answered(flight.purpose, flight.intended, now, bytes),
            Err(fault) => self.fault(flight.purpose, subject, fault),
        }
        Some(flight.purpose)
    }

    /// The request ended without a whole answer.
    pub(crate) fn failed(&mut self, key: K, fault: &Fault) -> Option<Purpose> {
        let flight = self.flights.remove(&key)?;
        let subject = match flight.content {
            Content::Resource(index, _) => Subject::Resource(index),
            Content::Reply(step, _) => Subject::Call(step),
        };
        self.fault(flight.purpose, subject, fault.to_string());
        Some(flight.purpose)
    }

    /// A request that could not be sent at all.
    pub(crate) fn never_left(&mut self, purpose: Purpose, subject: Subject, why: &str) {
        self.fault(purpose, subject, format!("never left: {why}"));
    }

    /// Fails what belongs to a connection that is gone; tells what each was for.
    pub(crate) fn fail_all(&mut self, of: impl Fn(&K) -> bool, fault: &Fault) -> Vec<Purpose> {
        let keys: Vec<K> = self.flights.keys().filter(|k| of(k)).copied().collect();
        keys.into_iter()
            .filter_map(|key| self.failed(key, fault))
            .collect()
    }

    /// Gives up what is overdue; tells what each was for.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<(K, Purpose)> {
        let overdue = self.flights.iter().filter(|(_, f)| f.deadline <= now);
        let keys: Vec<K> = overdue.map(|(key, _)| *key).collect();
        let late = Fault::Timeout(self.timeout);
        keys.into_iter()
            .filter_map(|key| Some((key, self.failed(key, &late)?)))
            .collect()
    }

    /// Digests of the first bodies, to compare threads with each other.
    pub(crate) const fn references(&self) -> &References {
        &self.references
    }

    fn answered(&mut self, purpose: Purpose, intended: Instant, now: Instant, bytes: u64) {
        let took = now.saturating_duration_since(intended);
        let window = self.window.filter(|_| purpose == Purpose::Load);
        let count = self.tally.of(purpose);
        count.answered += 1;
        if window.is_some_and(|w| w.holds(now)) {
            count.measured += 1;
            count.measured_bytes += bytes;
        }
        if window.is_none_or(|w| w.holds(intended)) {
            count.latency.record(took);
            count.stalls += u64::from(took > STALL);
        }
    }

    fn fault(&mut self, purpose: Purpose, subject: Subject, kind: String) {
        self.tally.of(purpose).failed += 1;
        let what = match subject {
            Subject::Resource(index) => self.resources.get(index).map_or("?", |r| &r.path),
            Subject::Call(step) => step.name(),
        };
        let example = format!("{what}: {kind}");
        self.tally.fault(kind, || example);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);

    #[expect(
        clippy::disallowed_methods,
        reason = "an arbitrary instant to count from"
    )]
    fn some_instant() -> Instant {
        Instant::now()
    }

    fn ledger() -> Ledger<u64> {
        let resource = |path: &str| Resource {
            path: path.into(),
            length: None,
            sha256: None,
        };
        let all = ["/a", "/b"].map(resource);
        Ledger::new(Arc::from(all.to_vec()), TIMEOUT)
    }

    fn answer(ledger: &mut Ledger<u64>, key: u64, status: u16, body: &[u8], at: Instant) {
        ledger.head(key, status);
        ledger.body(key, body);
        ledger.done(key, at, |_, _, _| Ok(())).unwrap();
    }

    #[test]
    fn latency_counts_from_the_intended_time_not_from_the_late_start() {
        let (mut ledger, start) = (ledger(), some_instant());
        let ms = |n| start + Duration::from_millis(n);
        ledger.measure(Window::new(start, Duration::ZERO, Duration::from_secs(1)));
        ledger.begin(1, Purpose::Load, Subject::Resource(0), start, ms(30));
        answer(&mut ledger, 1, 200, b"x", ms(50));
        let tally = &ledger.tally;
        assert_eq!(tally.load.latency.max().as_millis(), 50);
        assert_eq!((tally.load.measured, tally.load.measured_bytes), (1, 1));
    }

    #[test]
    fn an_answer_that_comes_much_too_late_is_a_stall_and_others_are_not() {
        let (mut ledger, start) = (ledger(), some_instant());
        ledger.measure(Window::new(start, Duration::ZERO, Duration::from_secs(1)));
        for (key, after) in (0..).zip([Duration::ZERO, STALL, STALL * 2, TIMEOUT]) {
            ledger.begin(key, Purpose::Load, Subject::Resource(0), start, start);
            answer(&mut ledger, key, 200, b"x", start + after);
        }
        assert_eq!(ledger.tally.load.stalls, 2);
        assert_eq!(ledger.tally.load.latency.summary().count, 4);
    }

    #[test]
    fn every_fault_has_a_name_and_is_counted_once() {
        let (mut ledger, start) = (ledger(), some_instant());
        let cases: &[(u16, &[u8])] = &[(200, b"right"), (503, b""), (200, b"wrong"), (200, b"r")];
        for (key, (status, body)) in (0..).zip(cases) {
            ledger.begin(key, Purpose::Load, Subject::Resource(0), start, start);
            answer(&mut ledger, key, *status, body, start);
        }
        ledger.begin(9, Purpose::Check, Subject::Resource(1), start, start);
        assert_eq!(ledger.expire(start + TIMEOUT), [(9, Purpose::Check)]);
        assert_eq!(ledger.done(9, start, |_, _, _| Ok(())), None);
        let names: Vec<_> = ledger.tally.faults.keys().map(String::as_str).collect();
        let expected = [
            "body too short",
            "no whole answer within 10 s",
            "status 503",
            "wrong bytes",
        ];
        assert_eq!(names, expected);
        assert_eq!(ledger.tally.load.answered, 1);
        assert_eq!(
            (ledger.tally.load.failed, ledger.tally.check.failed),
            (3, 1)
        );
        assert_eq!(ledger.in_flight(), 0);
    }

    #[test]
    fn warm_up_answers_are_not_measured() {
        let (mut ledger, start) = (ledger(), some_instant());
        let second = Duration::from_secs(1);
        ledger.measure(Window::new(start, second, second));
        ledger.begin(1, Purpose::Load, Subject::Resource(0), start, start);
        answer(&mut ledger, 1, 200, b"x", start + second / 2);
        let load = &ledger.tally.load;
        assert_eq!((load.answered, load.measured), (1, 0));
        assert_eq!(load.latency.summary().count, 0);
    }
}
