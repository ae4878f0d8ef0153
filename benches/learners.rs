//! 400,000 typical learners in memory: what one costs, how fast they are found and judged, how long
//! a restart with them takes, and how long the first touch of one at rest.
//!
//! No criterion: memory is measured, and threads together. Data is written below `target/tmp` and
//! removed. `cargo bench --bench learners [-- LEARNERS]`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

mod measured;
mod typical;

use lamplight::base::id::LearnerId;
use lamplight::runtime;
use lamplight::runtime::Shutdown;
use lamplight::runtime::Worker;
use lamplight::session::State;
use lamplight::shards::Cold;
use lamplight::shards::Config;
use lamplight::shards::Judged;
use lamplight::shards::Setup;
use lamplight::shards::Shards;
use lamplight::shards::Touch;
use lamplight::store;
use lamplight::store::Directory;
use lamplight::store::Disk;
use lamplight::store::DiskFile;
use lamplight::store::Journal;
use lamplight::store::Snapshots;
use lamplight::store::SnapshotsConfig;
use lamplight::store::recover;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

const LEARNERS: u64 = 400_000;
/// Looks and answers of each thread.
const LOOKS: u64 = 200_000;
const ACTS: u64 = 50_000;
/// How much less is done where nothing is measured.
const TRIED_SHARE: u64 = 200;

/// All of `whole`, or enough to show that it works.
fn some(whole: u64) -> u64 {
    if measured::is_measured() {
        whole
    } else {
        whole / TRIED_SHARE
    }
}

fn main() {
    let count = std::env::args().find_map(|argument| argument.parse().ok());
    let count = count.unwrap_or_else(|| some(LEARNERS));
    in_memory(count);
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("learners-bench");
    drop(std::fs::remove_dir_all(&place));
    at_rest(count, &place);
    std::fs::remove_dir_all(&place).unwrap();
}

/// Learner `n`: ids are spread like hashes.
fn learner(n: u64) -> LearnerId {
    let (a, b) = (mixed(n), mixed(n ^ u64::MAX));
    LearnerId((u128::from(a) << 64 | u128::from(b)).to_be_bytes())
}

/// splitmix64.
const fn mixed(n: u64) -> u64 {
    let z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Resident bytes of this process.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.unwrap().parse::<u64>().unwrap() * 1024
}

fn per_second(count: u64, begun: Instant) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let count = count as f64;
    count / begun.elapsed().as_secs_f64()
}

fn shards(cold: Option<Arc<dyn Cold>>) -> Arc<Shards> {
    let config = Config {
        snapshot_after: lamplight::base::units::Span::secs(1),
        ..Config::default()
    };
    Shards::new(Setup {
        config,
        cold,
        redis: None,
        mark: 0,
    })
}

fn started(disk: Arc<dyn Disk>, shards: &Arc<Shards>, needed: u64) -> Worker<()> {
    let config = store::Config::default();
    let mut replay = |learner: LearnerId, effect: &[u8]| shards.replay(learner, effect);
    let bytes = config.segment_bytes();
    let recovered = recover(&*disk, bytes, needed, &mut replay, &mut |_| {}).unwrap();
    let (journal, thread) = Journal::start(disk, recovered.writer, &config).unwrap();
    shards.open(journal);
    thread
}

fn in_memory(count: u64) {
    let state = typical::learner();
    let shards = shards(None);
    let thread = started(Arc::new(Nowhere), &shards, 1);
    let before = resident();
    runtime::block_on(async {
        for n in 0..count {
            shards.join(learner(n), &state);
            shards.read(learner(n), |_state| ()).wait().await.unwrap();
        }
    });
    let bytes = (resident() - before) / count;
    println!(
        "learners in memory: {count}; bytes each by RSS: {bytes}; estimated: {}",
        shards.bytes() as u64 / count
    );
    for threads in [1, 2, 4] {
        let begun = runtime::now();
        runtime::in_parallel(threads, threads, |thread| {
            look(&shards, count, thread as u64);
        });
        let rate = per_second(some(LOOKS) * threads as u64, begun);
        println!("looks a second, {threads} threads, random: {rate:.0}");
    }
    for threads in [1, 2] {
        let begun = runtime::now();
        runtime::in_parallel(threads, threads, |thread| {
            act(&shards, count, thread as u64);
        });
        let rate = per_second(some(ACTS) * threads as u64, begun);
        println!("answers judged and appended a second, {threads} threads, no disk: {rate:.0}");
    }
    drop(shards);
    thread.join().unwrap();
}

fn look(shards: &Arc<Shards>, count: u64, thread: u64) {
    for n in 0..some(LOOKS) {
        let at = mixed(n ^ thread << 40) % count;
        let seen = shards.read(learner(at), |state| state.epoch);
        assert!(matches!(seen, Touch::Now(Ok(0))));
    }
}

fn act(shards: &Arc<Shards>, count: u64, thread: u64) {
    for n in 0..some(ACTS) {
        let at = mixed(n ^ thread << 40) % count;
        // A journal that is behind refuses; the bench waits for it.
        while let Touch::Now(Err(_)) = answer(shards, at, n) {
            std::thread::yield_now();
        }
    }
}

fn answer(shards: &Arc<Shards>, at: u64, n: u64) -> Touch<lamplight::shards::Acted<()>> {
    shards.act(learner(at), move |state: &mut State| {
        let (course, key) = typical::open(state);
        let seq = 100 + u32::try_from(n % 1_000_000).unwrap_or(0);
        let item = u16::try_from(n % 20).unwrap_or(0);
        let answered = state.answer(
            (course, key),
            item,
            typical::answer(item, seq % 20_000),
            u64::MAX,
        );
        Judged::changed((), answered.map(|(_, effect)| effect).into_iter().collect())
    })
}

fn at_rest(count: u64, place: &Path) {
    let state = typical::learner();
    let (sessions, journal) = (place.join("sessions"), place.join("journal"));
    let open = || Arc::new(Snapshots::open(&sessions, &SnapshotsConfig::default()).unwrap());
    let snapshots = open();
    let learners = shards(Some(Arc::<Snapshots>::clone(&snapshots)));
    let thread = started(Arc::new(Directory::open(&journal).unwrap()), &learners, 1);
    for n in 0..count {
        learners.join(learner(n), &state);
    }
    let begun = runtime::now();
    save_all(&learners);
    println!(
        "snapshots written a second: {:.0}",
        per_second(count, begun)
    );
    // An answer of everybody that is not in the snapshots yet when the process ends.
    let before = resident();
    runtime::block_on(async {
        let mut waiting = Vec::new();
        for n in 0..count {
            let acted = answer(&learners, n, n).wait().await.unwrap();
            waiting.push(acted.durable);
            if waiting.len() == 10_000 {
                for durable in waiting.drain(..) {
                    durable.await.unwrap();
                }
            }
        }
        for durable in waiting {
            durable.await.unwrap();
        }
    });
    println!(
        "bytes each by which all being dirty grew: {}",
        resident().saturating_sub(before) / count
    );
    drop(learners);
    thread.join().unwrap();
    drop(snapshots);
    let begun = runtime::now();
    let snapshots = open();
    let needed = snapshots.mark();
    let learners = shards(Some(Arc::<Snapshots>::clone(&snapshots)));
    let disk = Arc::new(Directory::open(&journal).unwrap());
    let thread = started(disk, &learners, needed);
    let took = begun.elapsed().as_secs_f64();
    println!(
        "restart with {count} learners, {} of them with facts in the journal: {took:.2} s",
        learners.len()
    );
    touch_cold(&learners, count);
    drop(learners);
    thread.join().unwrap();
}

/// Runs the keeper until everybody is at rest.
fn save_all(learners: &Arc<Shards>) {
    let (trigger, stop) = Shutdown::new();
    let shards = Arc::clone(learners);
    let keep = move || lamplight::shards::keep(shards, stop, Duration::from_secs(600));
    let keeper = Worker::start("sessions".to_owned(), keep).unwrap();
    trigger.close();
    keeper.join().unwrap();
}

/// First touches of learners of whom memory knows at most a fact.
fn touch_cold(learners: &Arc<Shards>, count: u64) {
    let mut waits = runtime::block_on(async {
        let mut waits = Vec::new();
        for n in 0..20_000.min(count) {
            let begun = runtime::now();
            let at = learner(mixed(n) % count);
            let courses = learners.read(at, |state| state.courses.len()).wait().await;
            waits.push(begun.elapsed());
            assert_eq!(courses.unwrap(), 3);
        }
        waits
    });
    waits.sort_unstable();
    let at = |percent: usize| {
        waits
            .get(waits.len() * percent / 100)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "first touch: p50 {:?}, p99 {:?}, max {:?}",
        at(50),
        at(99),
        waits.last().unwrap()
    );
}

/// A disk that keeps nothing and takes no time.
struct Nowhere;
struct Nothing;

impl Disk for Nowhere {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn create(&self, _name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(Nothing))
    }

    fn open(&self, _name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(Nothing))
    }

    fn rename(&self, _from: &str, _to: &str) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, _name: &str) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for Nothing {
    fn size(&self) -> io::Result<u64> {
        Ok(0)
    }

    fn read(&self, _offset: u64, _buffer: &mut [u8]) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, _offset: u64, _bytes: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
