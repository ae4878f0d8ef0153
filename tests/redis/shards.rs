//! Two nodes' learners in memory, with journals and snapshots of their own, that share a Redis.

use crate::node::config;
use crate::node::enrolled;
use crate::node::learner;
use crate::node::within;
use crate::server::Server;
use lamplight::base::id::CourseId;
use lamplight::base::metrics::Source as _;
use lamplight::base::units::Size;
use lamplight::base::units::Span;
use lamplight::runtime::Shutdown;
use lamplight::runtime::Task;
use lamplight::runtime::Trigger;
use lamplight::runtime::Worker;
use lamplight::runtime::block_on;
use lamplight::runtime::spawn;
use lamplight::session::State;
use lamplight::shards;
use lamplight::shards::Judged;
use lamplight::shards::Shards;
use lamplight::store;
use lamplight::store::Directory;
use lamplight::store::Journal;
use lamplight::store::Redis;
use lamplight::store::RedisHealth;
use lamplight::store::Snapshots;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

struct House {
    shards: Arc<Shards>,
    redis: Redis,
    stop: Trigger,
    tasks: Vec<Task>,
    journal: Worker<()>,
}

impl House {
    /// A node whose data lie in `dir`; what changes is shipped after `after`.
    fn open(dir: &Path, url: &str, after: Duration) -> Self {
        let snapshots = Snapshots::open(&dir.join("sessions"), &store::SnapshotsConfig::default());
        let snapshots = Arc::new(snapshots.unwrap());
        let (redis, events, _thread) = Redis::start(&config(url), 1000).unwrap();
        let shards = Shards::new(shards::Setup {
            config: shards::Config {
                snapshot_after: Span::secs(1),
                idle: Span::secs(1),
                ..shards::Config::default()
            },
            cold: Some(Arc::<Snapshots>::clone(&snapshots)),
            redis: Some(redis.clone()),
            mark: 0,
        });
        let settings = store::Config {
            segment: Size::mib(4),
            ..store::Config::default()
        };
        let disk = Directory::open(&dir.join("journal")).unwrap();
        let bytes = settings.segment_bytes();
        let replay = &mut |id, effect: &[u8]| shards.replay(id, effect);
        let recovered = store::recover(&disk, bytes, snapshots.mark(), replay, &mut |_| {});
        let started = Journal::start(Arc::new(disk), recovered.unwrap().writer, &settings);
        let (writes, journal) = started.unwrap();
        shards.open(writes);
        let (stop, stopped) = Shutdown::new();
        let last = Duration::from_secs(60);
        let ship = shards::ship(Arc::clone(&shards), events, after, stopped.clone(), last);
        let keep = shards::keep(Arc::clone(&shards), stopped, last);
        let tasks = vec![spawn("shipping", ship), spawn("keeper", keep)];
        Self {
            shards,
            redis,
            stop,
            tasks,
            journal,
        }
    }

    /// Enrols a learner and waits until that is acknowledged.
    async fn enrol(&self, id: u16, course: u64) {
        self.act(id, move |state| {
            let effect = state.enrol(CourseId(course), 5).unwrap();
            Judged::changed((), effect.into_iter().collect())
        })
        .await;
    }

    async fn act(&self, id: u16, judge: impl FnOnce(&mut State) -> Judged<()> + 'static) {
        let acted = self.shards.act(learner(id), judge).wait().await.unwrap();
        within("the disk", acted.durable).await.unwrap();
    }

    async fn state(&self, id: u16) -> State {
        let read = self.shards.read(learner(id), State::clone);
        within("a learner", Box::pin(read.wait())).await.unwrap()
    }

    /// Looks until the learner is as wanted.
    async fn wait_state(&self, id: u16, wanted: impl Fn(&State) -> bool) {
        let look = async {
            while !wanted(&self.state(id).await) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        within("a learner to be as wanted", Box::pin(look)).await;
    }

    /// Looks until a metric is as wanted.
    async fn wait_count(&self, name: &str, label: &str, wanted: impl Fn(i64) -> bool) {
        let look = async {
            while !wanted(self.count(name, label)) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        within(name, look).await;
    }

    fn count(&self, name: &str, label: &str) -> i64 {
        let mut samples = Vec::new();
        self.shards.sample(&mut samples);
        self.redis.sample(&mut samples);
        let wanted = samples.iter().filter(|sample| {
            let is_labelled = sample.label.is_some_and(|(_, value)| value == label);
            sample.name == name && (label.is_empty() || is_labelled)
        });
        wanted.map(|sample| sample.value).sum()
    }

    async fn lacks_nothing(&self) {
        self.wait_count("lamplight_learners_lacking", "redis", |count| count == 0)
            .await;
    }

    /// Ends it as a drain does.
    async fn end(self) {
        self.stop.close();
        for task in self.tasks {
            within("a task", task.ended()).await;
        }
        drop((self.shards, self.redis));
        self.journal.join().unwrap();
    }
}

const AT_ONCE: Duration = Duration::ZERO;
const NEVER: Duration = Duration::from_secs(86_400);

#[test]
fn a_learner_who_changes_nodes_and_back_finds_everything_on_both() {
    let (server, a, b) = (Server::start(), dir(), dir());
    block_on(async {
        let a = House::open(a.path(), &server.url(), AT_ONCE);
        let b = House::open(b.path(), &server.url(), AT_ONCE);
        a.enrol(1, 1).await;
        a.lacks_nothing().await;
        a.wait_count("lamplight_redis_shipped", "", |count| count > 0)
            .await;
        assert_eq!(b.state(1).await, a.state(1).await);
        b.enrol(1, 2).await;
        // The first node has the learner in memory and hears of it.
        a.wait_state(1, |state| state.courses.len() == 2).await;
        a.end().await;
        b.end().await;
    });
}

#[test]
fn a_sign_out_reaches_every_node_also_where_changes_gather_for_a_day() {
    let (server, a, b) = (Server::start(), dir(), dir());
    block_on(async {
        let a = House::open(a.path(), &server.url(), NEVER);
        let b = House::open(b.path(), &server.url(), NEVER);
        a.enrol(1, 1).await;
        b.enrol(1, 1).await;
        a.act(1, |state| {
            Judged::changed((), vec![state.sign_out_everywhere()])
        })
        .await;
        b.wait_state(1, |state| state.epoch == 1).await;
        a.end().await;
        b.end().await;
    });
}

#[test]
fn while_redis_is_away_both_nodes_go_on_and_agree_afterwards() {
    let (mut server, a, b) = (Server::start(), dir(), dir());
    block_on(async {
        let a = House::open(a.path(), &server.url(), AT_ONCE);
        let b = House::open(b.path(), &server.url(), AT_ONCE);
        within("redis", a.redis.answers()).await;
        a.enrol(1, 1).await;
        server.kill();
        a.wait_count("lamplight_redis_up", "", |up| up == 0).await;
        for id in 0..50 {
            a.enrol(id, 2).await;
            b.enrol(id, 3).await;
        }
        let away = matches!(a.redis.health(), RedisHealth::Away(_));
        assert!(away, "{}", a.redis.health());
        assert!(a.count("lamplight_learners_lacking", "redis") <= 50);
        server.begin();
        for id in 0..50 {
            let all = |state: &State| {
                let is_in = |course| state.courses.get(CourseId(course)).is_some();
                is_in(2) && is_in(3) && (id != 1 || is_in(1))
            };
            a.wait_state(id, all).await;
            b.wait_state(id, all).await;
        }
        a.end().await;
        b.end().await;
    });
}

#[test]
fn an_empty_redis_is_filled_from_disk_with_those_whom_nobody_has_in_memory() {
    let (server, a, b) = (Server::start(), dir(), dir());
    block_on(async {
        // Redis lacks them all when this node ends: it never answered.
        let house = House::open(a.path(), "redis://127.0.0.1:1", AT_ONCE);
        for id in 0..600 {
            house.enrol(id, u64::from(id % 7)).await;
        }
        // They rest, and memory is not held up by a Redis that is away.
        house
            .wait_count("lamplight_learners", "", |count| count == 0)
            .await;
        house.end().await;
        let house = House::open(a.path(), &server.url(), AT_ONCE);
        let all = |count| count >= 600;
        house
            .wait_count("lamplight_redis_shipped", "fresh", all)
            .await;
        let other = House::open(b.path(), &server.url(), AT_ONCE);
        for id in 0..600 {
            assert_eq!(other.state(id).await, enrolled([u64::from(id % 7)]));
        }
        // And when it is emptied while both serve.
        server.say(&["FLUSHALL"]);
        let again = |count| count >= 1200;
        house
            .wait_count("lamplight_redis_shipped", "fresh", again)
            .await;
        house.end().await;
        other.end().await;
    });
}

#[test]
fn a_node_that_ends_ships_what_still_gathers() {
    let (server, a, b) = (Server::start(), dir(), dir());
    block_on(async {
        let a = House::open(a.path(), &server.url(), NEVER);
        within("redis", a.redis.answers()).await;
        for id in 0..300 {
            a.enrol(id, 1).await;
        }
        a.end().await;
        let b = House::open(b.path(), &server.url(), NEVER);
        for id in 0..300 {
            assert_eq!(b.state(id).await, enrolled([1]));
        }
        b.end().await;
    });
}

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}
