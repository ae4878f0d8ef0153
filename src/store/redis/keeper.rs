//! The thread that keeps the connection: look-ups, shipments and news, side by side.

use crate::base::id::LearnerId;
use crate::runtime;
use crate::session::State;
use crate::store::redis::Config;
use crate::store::redis::Event;
use crate::store::redis::Known;
use crate::store::redis::Pace;
use crate::store::redis::Place;
use crate::store::redis::Redis;
use crate::store::redis::RedisError;
use crate::store::redis::RedisHealth;
use crate::store::redis::Shipment;
use crate::store::redis::Shipped;
use crate::store::redis::Unreadable;
use crate::store::redis::handle::Load;
use crate::store::redis::handle::Shared;
use crate::store::redis::handle::Ship;
use crate::store::redis::link::Link;
use crate::store::redis::link::LinkError;
use crate::store::redis::metrics::Metrics;
use crate::store::redis::news::News;
use crate::store::redis::news::Voice;
use crate::store::redis::read;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Between two looks at what other nodes said; also how a silent server is noticed.
const LOOK: Duration = Duration::from_secs(1);
/// Looks after which a server that takes no writes is connected to anew: its name may lead to
/// another one by then.
const LOOKS_REFUSED_MAX: u32 = 5;

pub(super) struct Keeper {
    config: Config,
    loads: mpsc::Receiver<Load>,
    ships: mpsc::Receiver<Ship>,
    news: News,
    known: Known,
    shared: Arc<Shared>,
    pace: Pace,
}

/// Why a connection is not served any more.
enum End {
    /// All handles were dropped.
    Over,
    Broken(LinkError),
}

impl From<LinkError> for End {
    fn from(error: LinkError) -> Self {
        Self::Broken(error)
    }
}

impl Keeper {
    pub(super) fn new(
        config: Config,
        learners: usize,
        (loads, ships): (mpsc::Receiver<Load>, mpsc::Receiver<Ship>),
        events: mpsc::Sender<Event>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            config,
            loads,
            ships,
            news: News::new(events),
            known: Known::new(learners),
            shared,
            pace: Pace::default(),
        }
    }

    pub(super) async fn run(mut self) {
        let Some(place) = self.config.place() else {
            // `Config::check` refuses it; without a server nothing is ever answered.
            return;
        };
        loop {
            match self.live(&place).await {
                End::Over => return,
                End::Broken(error) => self.note(&error),
            }
            let wait = self.pace.failed(runtime::random::number());
            if self.refuse(Duration::from_millis(wait)).await.is_none() {
                return;
            }
        }
    }

    /// One connection, from its making to its end.
    async fn live(&mut self, place: &Place) -> End {
        let link = match Box::pin(Link::open(&self.config, place)).await {
            Ok(link) => link,
            Err(error) => return End::Broken(error),
        };
        let shared = Arc::clone(&self.shared);
        match Box::pin(self.news.begin(&link, &shared.metrics)).await {
            Ok(true) => {}
            Ok(false) => self.known.clear(),
            Err(error) => return End::Broken(error),
        }
        shared.metrics.connections.add_one();
        shared.metrics.up.set(1);
        tracing::info!(host = place.host, port = place.port, "connected to Redis");
        shared.health.send_replace(RedisHealth::Well);
        let voice = self.news.voice();
        let end = tokio::select! {
            end = load_all(&link, &mut self.loads, &shared.metrics) => end,
            end = ship_all(&link, &mut self.ships, &mut self.known, voice, &shared) => end,
            end = hear_all(&link, &mut self.news, &mut self.pace, &shared) => end,
        };
        shared.metrics.up.set(0);
        // Whether others wrote meanwhile, nobody can tell; a guess too many costs little.
        end
    }

    /// Says what is wrong, once for each thing that is.
    fn note(&self, error: &LinkError) {
        self.shared.metrics.broken.add_one();
        let cause = error.source().map(|cause| format!(": {cause}"));
        let what = format!("{error}{}", cause.unwrap_or_default());
        let away = RedisHealth::Away(what);
        let before = self.shared.health.send_replace(away.clone());
        if before != away {
            tracing::warn!(redis = %away, "Redis does not help; everything goes on without it");
        }
    }

    /// Answers for `wait` that Redis is away; `None` if nobody can ask any more.
    async fn refuse(&mut self, wait: Duration) -> Option<()> {
        let over = tokio::time::sleep(wait);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return Some(()),
                load = self.loads.recv() => drop(load?.reply.send(Err(RedisError::Away))),
                ship = self.ships.recv() => drop(ship?.reply.send(Err(RedisError::Away))),
            }
        }
    }
}

/// Look-ups: all that wait go together.
async fn load_all(link: &Link, loads: &mut mpsc::Receiver<Load>, metrics: &Metrics) -> End {
    let mut waiting = Vec::with_capacity(Redis::BATCH_MAX);
    loop {
        if loads.recv_many(&mut waiting, Redis::BATCH_MAX).await == 0 {
            return End::Over;
        }
        // Whoever asked and went away meanwhile need not be looked up.
        waiting.retain(|load| !load.reply.is_closed());
        let values = match link.read(waiting.iter().map(|load| load.learner)).await {
            Ok(values) => values,
            // Those who wait hear of it by the end of their channel.
            Err(error) => return End::Broken(error),
        };
        for (load, value) in waiting.drain(..).zip(values) {
            let loaded = match value {
                Ok(value) => loaded(load.learner, &value, metrics),
                Err(code) => {
                    metrics.loads_failed.add_one();
                    Err(RedisError::Refused(code))
                }
            };
            drop(load.reply.send(loaded));
        }
    }
}

fn loaded(
    learner: LearnerId,
    value: &[u8],
    metrics: &Metrics,
) -> Result<Option<State>, RedisError> {
    if value.is_empty() {
        metrics.loads_missed.add_one();
        return Ok(None);
    }
    match read(learner, value) {
        Ok(state) => {
            metrics.loads_found.add_one();
            Ok(Some(state))
        }
        Err(Unreadable::Damaged) => {
            metrics.loads_damaged.add_one();
            tracing::error!(?learner, "the learner's value in Redis is damaged");
            Ok(None)
        }
        Err(Unreadable::Newer(error)) => {
            metrics.loads_newer.add_one();
            Err(RedisError::Newer(error))
        }
    }
}

/// Shipments, one after the other.
async fn ship_all(
    link: &Link,
    ships: &mut mpsc::Receiver<Ship>,
    known: &mut Known,
    voice: Voice,
    shared: &Shared,
) -> End {
    while let Some(Ship { batch, reply }) = ships.recv().await {
        if reply.is_closed() {
            continue;
        }
        match Box::pin(ship(link, batch, known, voice, &shared.metrics)).await {
            Ok(shipped) => {
                shared.health.send_if_modified(|health| {
                    let heals = matches!(health, RedisHealth::Refusing(_));
                    if heals {
                        *health = RedisHealth::Well;
                    }
                    heals
                });
                drop(reply.send(Ok(shipped)));
            }
            Err(error @ LinkError::Refused(_)) => {
                let refusing = RedisHealth::Refusing(error.to_string());
                if *shared.health.borrow() != refusing {
                    tracing::warn!(redis = %refusing, "Redis takes no writes");
                }
                shared.health.send_replace(refusing);
                let LinkError::Refused(code) = error else {
                    continue;
                };
                drop(reply.send(Err(RedisError::Refused(code))));
            }
            Err(error) => return End::Broken(error),
        }
    }
    End::Over
}

async fn ship(
    link: &Link,
    batch: Vec<(LearnerId, State)>,
    known: &mut Known,
    voice: Voice,
    metrics: &Metrics,
) -> Result<Vec<Shipped>, LinkError> {
    let mut shipment = Shipment::new(batch, known);
    while !shipment.is_done() {
        let replies = link.write(shipment.writes()).await?;
        shipment.answered(replies);
    }
    let shipped = shipment.finish(known);
    let stored = shipped.iter().filter(|one| one.outcome.is_ok());
    // Also of those whose value was there already: the first time may have ended before its news.
    let stored: Vec<LearnerId> = stored.map(|one| one.learner).collect();
    voice.tell(link, &stored, metrics).await?;
    for one in &shipped {
        metrics.count(&one.outcome, one.joined.is_some());
    }
    Ok(shipped)
}

/// What other nodes say, and whether the server is still the same.
async fn hear_all(link: &Link, news: &mut News, pace: &mut Pace, shared: &Shared) -> End {
    let mut refused = 0;
    loop {
        if let Err(error) = news.hear(link, &shared.metrics).await {
            return End::Broken(error);
        }
        pace.worked();
        let refuses = matches!(*shared.health.borrow(), RedisHealth::Refusing(_));
        refused = if refuses { refused + 1 } else { 0 };
        if refused > LOOKS_REFUSED_MAX {
            return End::Broken(LinkError::Broken);
        }
        tokio::time::sleep(LOOK).await;
    }
}
