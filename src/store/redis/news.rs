//! What nodes tell each other through Redis, and whether Redis still is what it was.
//!
//! A stream of the learners that were shipped, kept short: each node reads it once a second from
//! where it stopped. A subscription would be told at once, but loses what is said while it is
//! broken, and nothing tells that it did. The stream's places tell when something was missed, and
//! then everything is compared.

use crate::base::id::LearnerId;
use crate::runtime::random;
use crate::store::redis::Event;
use crate::store::redis::link::Link;
use crate::store::redis::link::LinkError;
use crate::store::redis::metrics::Metrics;
use redis::Value;
use tokio::sync::mpsc;

/// Entries of the stream that are kept; one names all learners of a shipment.
const KEPT: i64 = 4096;
/// Entries read at a time.
const READ: usize = 256;

/// This node's place in the stream, and what it knows of the server.
pub(super) struct News {
    events: mpsc::Sender<Event>,
    /// What this process signs its entries with.
    by: [u8; 8],
    /// The last entry that was read.
    place: Place,
    /// The server as it was seen last.
    server: Option<Server>,
    /// Something was lost or missed and has still to be said.
    behind: bool,
}

/// What tells other nodes.
#[derive(Clone, Copy)]
pub(super) struct Voice {
    by: [u8; 8],
}

/// The place of an entry: milliseconds and number.
type Place = (u64, u64);

/// What changes when a server is restarted, replaced or emptied.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Server {
    /// Empty if this user may not ask.
    run: Vec<u8>,
    marker: Vec<u8>,
}

impl News {
    pub(super) fn new(events: mpsc::Sender<Event>) -> Self {
        Self {
            events,
            by: random::bytes(),
            place: (0, 0),
            server: None,
            behind: false,
        }
    }

    /// Looks at the server of a new connection. `false`: what was known of its content is void.
    pub(super) async fn begin(
        &mut self,
        link: &Link,
        metrics: &Metrics,
    ) -> Result<bool, LinkError> {
        let mut pipe = redis::pipe();
        pipe.cmd("INFO").arg("server");
        let stream = link.key("news");
        pipe.cmd("XRANGE").arg(&stream).arg("-").arg("+");
        pipe.arg("COUNT").arg(1);
        pipe.cmd("XREVRANGE").arg(&stream).arg("+").arg("-");
        pipe.arg("COUNT").arg(1);
        pipe.cmd("XLEN").arg(&stream);
        let mut values = link.ask(&pipe).await?.into_iter();
        let run = run_id(&values.next().unwrap_or_default());
        let [first, last] = [values.next(), values.next()].map(|value| edge(value.as_ref()));
        let is_cut = matches!(values.next(), Some(Value::Int(len)) if len >= KEPT);
        let marker = marker(link).await?;
        let server = Some(Server { run, marker });
        let same = self.server == server;
        // Who has read nothing yet begins with the first entry that there ever was, if it is there.
        let is_gap = is_cut || self.place != Place::default();
        let missed = is_gap && first.is_some_and(|first| first > self.place);
        if self.server.is_none() {
            // Nobody was in memory before this: what was said until now concerns nobody.
            self.place = last.unwrap_or_default();
        } else if !same {
            metrics.lost.add_one();
            tracing::warn!("Redis was restarted or emptied; everything is shipped again");
            self.place = (0, 0);
        }
        self.behind |= !same || missed;
        self.server = server;
        Ok(same)
    }

    /// Reads what was said since, and whether the server was emptied.
    pub(super) async fn hear(&mut self, link: &Link, metrics: &Metrics) -> Result<(), LinkError> {
        if self.behind && self.events.try_send(Event::Behind).is_ok() {
            self.behind = false;
        }
        loop {
            let Ok(room) = self.events.try_reserve() else {
                // Whoever listens is slow; the stream keeps the rest for a while.
                return Ok(());
            };
            let mut pipe = redis::pipe();
            pipe.cmd("GET").arg(link.key("marker"));
            pipe.cmd("XREAD").arg("COUNT").arg(READ).arg("STREAMS");
            pipe.arg(link.key("news"));
            pipe.arg(format!("{}-{}", self.place.0, self.place.1));
            let mut values = link.ask(&pipe).await?.into_iter();
            let marker = bytes(values.next().as_ref()).map(<[u8]>::to_vec);
            if marker != self.server.as_ref().map(|server| server.marker.clone()) {
                // Emptied while we were connected. A new connection begins with a new look.
                return Err(LinkError::Broken);
            }
            let entries = entries(&values.next().unwrap_or_default());
            let count = entries.len();
            let mut changed = Vec::new();
            for (place, by, learners) in entries {
                self.place = self.place.max(place);
                if by != self.by {
                    changed.extend(learners);
                }
            }
            if !changed.is_empty() {
                metrics.heard.add(changed.len() as u64);
                changed.sort_unstable();
                changed.dedup();
                room.send(Event::Changed(changed));
            }
            if count < READ {
                return Ok(());
            }
        }
    }

    /// What tells others, to be used while this one listens.
    pub(super) const fn voice(&self) -> Voice {
        Voice { by: self.by }
    }
}

impl Voice {
    /// Tells the other nodes that learners were shipped.
    pub(super) async fn tell(
        self,
        link: &Link,
        learners: &[LearnerId],
        metrics: &Metrics,
    ) -> Result<(), LinkError> {
        if learners.is_empty() {
            return Ok(());
        }
        let who: Vec<u8> = learners.iter().flat_map(|learner| learner.0).collect();
        let mut pipe = redis::pipe();
        pipe.cmd("XADD").arg(link.key("news"));
        pipe.arg("MAXLEN").arg("~").arg(KEPT).arg("*");
        pipe.arg("by").arg(&self.by).arg("who").arg(who);
        if let Value::ServerError(_) = link.ask_one(&pipe).await? {
            // The states are there; other nodes hear of them when they next touch the learners.
            metrics.untold.add(learners.len() as u64);
        }
        Ok(())
    }
}

/// The marker that says whether the server is still the one that was filled; set if there is none.
async fn marker(link: &Link) -> Result<Vec<u8>, LinkError> {
    let key = link.key("marker");
    let fresh: [u8; 16] = random::bytes();
    let mut pipe = redis::pipe();
    pipe.cmd("GET").arg(&key);
    if let Some(marker) = bytes(Some(&link.ask_one(&pipe).await?)) {
        return Ok(marker.to_vec());
    }
    let mut pipe = redis::pipe();
    // Refused by a server that cannot be written; then there is no marker yet.
    pipe.cmd("SET").arg(&key).arg(&fresh).arg("NX");
    pipe.cmd("GET").arg(&key);
    let values = link.ask(&pipe).await?;
    Ok(bytes(values.last()).map(<[u8]>::to_vec).unwrap_or_default())
}

fn bytes(value: Option<&Value>) -> Option<&[u8]> {
    let Some(Value::BulkString(bytes)) = value else {
        return None;
    };
    Some(bytes)
}

/// `run_id` of the reply to `INFO server`; empty if it may not be asked.
fn run_id(value: &Value) -> Vec<u8> {
    let text = bytes(Some(value)).unwrap_or_default();
    let mut lines = text.split(|byte| *byte == b'\n');
    let found = lines.find_map(|line| line.strip_prefix(b"run_id:"));
    found.map(|id| id.trim_ascii().to_vec()).unwrap_or_default()
}

/// The place of the only entry of a range.
fn edge(value: Option<&Value>) -> Option<Place> {
    let Some(Value::Array(entries)) = value else {
        return None;
    };
    entry(entries.first()?).map(|(place, ..)| place)
}

/// The entries of a reply to `XREAD`; what is not ours is passed over.
fn entries(value: &Value) -> Vec<(Place, Vec<u8>, Vec<LearnerId>)> {
    let Value::Array(streams) = value else {
        return Vec::new();
    };
    let Some(Value::Array(stream)) = streams.first() else {
        return Vec::new();
    };
    let Some(Value::Array(entries)) = stream.get(1) else {
        return Vec::new();
    };
    entries.iter().filter_map(entry).collect()
}

fn entry(value: &Value) -> Option<(Place, Vec<u8>, Vec<LearnerId>)> {
    let Value::Array(parts) = value else {
        return None;
    };
    let place = std::str::from_utf8(bytes(parts.first())?).ok()?;
    let (ms, number) = place.split_once('-')?;
    let place = (ms.parse().ok()?, number.parse().ok()?);
    let fields: &[Value] = if let Some(Value::Array(fields)) = parts.get(1) {
        fields
    } else {
        &[]
    };
    let field = |name: &[u8]| {
        let mut pairs = fields.chunks_exact(2);
        let pair = pairs.find(|pair| bytes(pair.first()) == Some(name))?;
        bytes(pair.last())
    };
    let by = field(b"by").unwrap_or_default().to_vec();
    let (learners, _) = field(b"who").unwrap_or_default().as_chunks::<16>();
    let learners = learners.iter().map(|id| LearnerId(*id)).collect();
    Some((place, by, learners))
}
