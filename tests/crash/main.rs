//! The real binary under load, killed with SIGKILL at random instants, over and over on one data
//! directory.
//!
//! Goal: what was acknowledged is there after any crash, once, and provable. Method: learners over
//! HTTP/2 remember every acknowledgement; after each start all of it is asked for again, and every
//! receipt is checked with the published key. What was on its way when the process died may be
//! there or not, is sent again, and must not count twice. Snapshots are written every second and
//! segments of the journal are small, so kills fall into their writing and dropping too. A killed
//! process leaves its page cache to the next: what a machine loses without power is `store`'s
//! matter (src/store/tests/power.rs).
//!
//! `CRASH_SEED` repeats a run's choices (not its instants), `CRASH_ROUNDS` sets its length.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and tells its seed"
)]

mod learner;
mod process;

use learner::Learner;
use process::Process;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

const ROUNDS: u64 = 50;
const LEARNERS: u64 = 12;
/// Acknowledgements of a round before it ends, at most.
const ACKS_MAX: u64 = 150;
/// Milliseconds from the last of them to the kill, at most.
const AFTER_MS: u64 = 30;

/// Seeded choices (SplitMix64).
#[derive(Debug, Clone)]
struct Choice(u64);

impl Choice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |value| value.parse().unwrap())
}

/// One life of the process: all that was promised is looked for, learners go on, the process is
/// killed. Gives the learners and how much was acknowledged.
async fn live(
    process: &mut Process,
    learners: Vec<Learner>,
    choice: &mut Choice,
) -> (Vec<Learner>, u64) {
    let client = process.client();
    let acks = Arc::new(AtomicU64::new(0));
    let mut tasks = Vec::new();
    let mut checked = Vec::new();
    for mut learner in learners {
        learner.audit(&client).await;
        checked.push(learner);
    }
    for mut learner in checked {
        let (client, acks) = (client.clone(), Arc::clone(&acks));
        tasks.push(tokio::spawn(async move {
            while learner.go_on(&client).await.is_some() {
                acks.fetch_add(1, Relaxed);
            }
            learner
        }));
    }
    let wanted = 1 + choice.below(ACKS_MAX);
    while acks.load(Relaxed) < wanted {
        // A learner only ends when the process is gone, or when a promise was broken.
        if tasks.iter().any(tokio::task::JoinHandle::is_finished) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(choice.below(AFTER_MS))).await;
    process.kill();
    let mut back = Vec::new();
    for task in tasks {
        back.push(task.await.unwrap());
    }
    (back, acks.load(Relaxed))
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_or_doubled_by_kills_at_any_instant() {
    let now = lamplight::runtime::unix_ms();
    let seed = setting("CRASH_SEED", now);
    println!("CRASH_SEED={seed}");
    let data = tempfile::tempdir().unwrap();
    let mut choice = Choice(seed);
    let mut learners: Vec<Learner> = (0..LEARNERS)
        .map(|number| Learner::new(number, Choice(seed ^ (number + 1))))
        .collect();
    let mut acknowledged = 0;
    for _ in 0..setting("CRASH_ROUNDS", ROUNDS) {
        let mut process = Process::start(data.path());
        let (back, acks) = live(&mut process, learners, &mut choice).await;
        learners = back;
        acknowledged += acks;
    }
    let process = Process::start(data.path());
    let client = process.client();
    for learner in &mut learners {
        learner.audit(&client).await;
    }
    let receipts: usize = learners.iter().map(|learner| learner.verified).sum();
    println!("{acknowledged} acknowledged, {receipts} receipts verified");
    assert!(receipts > 0, "no answer was ever acknowledged");
}
