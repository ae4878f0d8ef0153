//! A node as far as Redis goes: a handle, what it was told, and what it knows.

use lamplight::base::id::CourseId;
use lamplight::base::id::LearnerId;
use lamplight::base::metrics::Source as _;
use lamplight::base::units::Span;
use lamplight::runtime::Worker;
use lamplight::session::State;
use lamplight::store::Redis;
use lamplight::store::RedisError;
use lamplight::store::RedisHealth;
use lamplight::store::Shipped;
use lamplight::store::redis::Config;
use lamplight::store::redis::Event;
use std::future::Future;
use std::time::Duration;
use tokio::sync::mpsc;

pub(crate) struct Node {
    pub(crate) redis: Redis,
    pub(crate) events: mpsc::Receiver<Event>,
    worker: Worker<()>,
}

pub(crate) fn config(url: &str) -> Config {
    Config {
        url: url.to_owned(),
        timeout: Span::ms(500),
        ..Config::default()
    }
}

pub(crate) fn learner(id: u16) -> LearnerId {
    let mut bytes = [0x5a; 16];
    // Where the table of versions looks, so that learners differ there.
    (bytes[0], bytes[1]) = ((id >> 8) as u8, id as u8);
    (bytes[14], bytes[15]) = (bytes[0], bytes[1]);
    LearnerId(bytes)
}

pub(crate) fn enrolled(courses: impl IntoIterator<Item = u64>) -> State {
    let mut state = State::default();
    for course in courses {
        state.enrol(CourseId(course), 5).unwrap();
    }
    state
}

impl Node {
    pub(crate) fn start(config: &Config) -> Self {
        assert_eq!(config.check(), Ok(()));
        let (redis, events, worker) = Redis::start(config, 1000).unwrap();
        Self {
            redis,
            events,
            worker,
        }
    }

    /// Connected, and told to ship everything.
    pub(crate) async fn connected(config: &Config) -> Self {
        let mut node = Self::start(config);
        node.redis.answers().await;
        assert_eq!(node.event().await, Event::Behind);
        node
    }

    /// The next event.
    pub(crate) async fn event(&mut self) -> Event {
        let event = within("an event", self.events.recv()).await;
        event.unwrap()
    }

    /// The next event that says that everything must be shipped.
    pub(crate) async fn behind(&mut self) {
        while self.event().await != Event::Behind {}
    }

    pub(crate) async fn ship(&self, id: u16, state: &State) -> Result<Shipped, RedisError> {
        let shipped = self.redis.ship(vec![(learner(id), state.clone())]).await?;
        Ok(shipped.into_iter().next().unwrap())
    }

    /// Ships until it works.
    pub(crate) async fn ship_at_last(&self, id: u16, state: &State) -> Shipped {
        let try_again = async {
            loop {
                if let Ok(shipped) = self.ship(id, state).await
                    && shipped.outcome.is_ok()
                {
                    return shipped;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        within("a shipment", try_again).await
    }

    /// Loads until Redis answers.
    pub(crate) async fn load_at_last(&self, id: u16) -> Option<State> {
        let try_again = async {
            loop {
                if let Ok(state) = self.redis.load(learner(id)).await {
                    return state;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        within("a load", try_again).await
    }

    /// Waits until its health is as wanted.
    pub(crate) async fn wait_health(&self, wanted: impl Fn(&RedisHealth) -> bool) -> RedisHealth {
        let look = async {
            loop {
                let health = self.redis.health();
                if wanted(&health) {
                    return health;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        within("its health", look).await
    }

    pub(crate) async fn away(&self) -> String {
        let is_away = |health: &RedisHealth| matches!(health, RedisHealth::Away(_));
        self.wait_health(is_away).await.to_string()
    }

    /// The sum of a metric's samples, of those with `label` if one is given.
    pub(crate) fn count(&self, name: &str, label: Option<&str>) -> i64 {
        let mut samples = Vec::new();
        self.redis.sample(&mut samples);
        let of_name = samples.iter().filter(|sample| sample.name == name);
        let wanted = of_name.filter(|sample| {
            label.is_none_or(|label| sample.label.is_some_and(|(_, value)| value == label))
        });
        wanted.map(|sample| sample.value).sum()
    }

    /// Drops the handle and waits for its thread.
    pub(crate) fn end(self) {
        drop((self.redis, self.events));
        self.worker.join().unwrap();
    }
}

/// Fails if it takes two minutes, far longer than anything here should.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(Duration::from_secs(120), future).await;
    waited.unwrap_or_else(|_late| panic!("waited two minutes for {what}"))
}
