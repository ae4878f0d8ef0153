//! Group commit on this machine: acknowledgements and syncs a second, and how long one waits;
//! alone, and while learners' sessions are saved beside it.
//!
//! No criterion: what is measured is many who wait for one thread. Data is written below
//! `target/tmp` and removed. `cargo bench --bench journal`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

mod many;
mod measured;
mod typical;

use lamplight::base::id::LearnerId;
use lamplight::base::metrics::Source as _;
use lamplight::runtime;
use lamplight::store::Append;
use lamplight::store::Config;
use lamplight::store::Directory;
use lamplight::store::Journal;
use lamplight::store::Snapshots;
use lamplight::store::SnapshotsConfig;
use lamplight::store::recover;
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use std::time::Instant;

const LASTS: Duration = Duration::from_secs(3);
/// Where nothing is measured.
const LASTS_TRIED: Duration = Duration::from_millis(100);
/// Beside a database it takes longer until tables are merged.
const LASTS_BESIDE: Duration = Duration::from_secs(15);
/// An answer as an effect, with its head.
const BYTES: usize = 130;
/// Learners whose sessions are saved, over and over.
const LEARNERS: u64 = 100_000;
/// States of one save.
const BATCH: u64 = 256;

fn main() {
    println!(
        "| producers | sessions saved/s, threads | acks/s | syncs/s | p50 ms | p99 ms | max ms | \
         CPU s/s |\n|--:|--:|--:|--:|--:|--:|--:|--:|"
    );
    for producers in [1, 64, 1024] {
        measure(producers, None);
    }
    // 400,000 learners, each saved every 40 s; and five times as many.
    for (rate, workers) in [(10_000, 1), (10_000, 2), (50_000, 1), (50_000, 2)] {
        measure(64, Some((rate, workers)));
    }
}

/// One row: the journal, and perhaps so many sessions a second saved by so many threads.
fn measure(producers: usize, beside: Option<(u64, u8)>) {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("journal-bench");
    let disk = Directory::open(&place.join("journal")).unwrap();
    let config = Config::default();
    let bytes = config.segment_bytes();
    let recovered = recover(&disk, bytes, 1, &mut |_, _| Ok(()), &mut |_| {}).unwrap();
    let started = Journal::start(Arc::new(disk), recovered.writer, &config);
    let (journal, worker) = started.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let saving = beside.map(|(rate, workers)| {
        let config = SnapshotsConfig {
            workers,
            ..SnapshotsConfig::default()
        };
        let snapshots = Snapshots::open(&place.join("sessions"), &config).unwrap();
        let stop = Arc::clone(&stop);
        std::thread::spawn(move || save(&snapshots, rate, &stop))
    });
    let lasts = match beside {
        _ if !measured::is_measured() => LASTS_TRIED,
        Some(_) => LASTS_BESIDE,
        None => LASTS,
    };
    let (cpu, begin) = (cpu_seconds(), runtime::now());
    let waits = run(producers, &journal, lasts);
    let seconds = begin.elapsed().as_secs_f64();
    let cpu = (cpu_seconds() - cpu) / seconds;
    stop.store(true, Relaxed);
    let saved = saving.map(|thread| thread.join().unwrap() as f64 / seconds);
    let beside = beside.map_or_else(
        || "–".to_owned(),
        |(_, workers)| format!("{:.0}, {workers}", saved.unwrap_or(0.0)),
    );
    let mut samples = Vec::new();
    journal.sample(&mut samples);
    let commits = samples
        .iter()
        .find(|sample| sample.name == "lamplight_journal_commits");
    let commits = commits.map_or(0, |sample| sample.value);
    println!(
        "| {producers} | {beside} | {:.0} | {:.0} | {:.2} | {:.2} | {:.2} | {cpu:.2} |",
        waits.len() as f64 / seconds,
        commits as f64 / seconds,
        at(&waits, 0.5),
        at(&waits, 0.99),
        at(&waits, 1.0),
    );
    drop(journal);
    worker.join().unwrap();
    std::fs::remove_dir_all(&place).unwrap();
}

/// All waits of so many producers, sorted.
fn run(producers: usize, journal: &Journal, lasts: Duration) -> Vec<Duration> {
    let waits: Rc<RefCell<Vec<Duration>>> = Rc::default();
    let end = runtime::now() + lasts;
    runtime::block_on({
        let (waits, journal) = (Rc::clone(&waits), journal.clone());
        async move {
            for _ in 0..producers {
                let producer = produce(end, journal.clone(), Rc::clone(&waits));
                drop(runtime::spawn("producer", producer));
            }
            runtime::drained(0).await;
        }
    });
    let mut waits = waits.take();
    waits.sort_unstable();
    waits
}

/// Milliseconds at this share of the sorted waits.
fn at(waits: &[Duration], share: f64) -> f64 {
    let last = waits.len() - 1;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of the list"
    )]
    let place = (last as f64 * share) as usize;
    waits
        .get(place)
        .map_or(0.0, |wait| wait.as_secs_f64() * 1000.0)
}

/// Appends, waits, and appends again.
async fn produce(end: Instant, journal: Journal, waits: Rc<RefCell<Vec<Duration>>>) {
    loop {
        let asked = runtime::now();
        if asked >= end {
            return;
        }
        let mut append = Append::default();
        let encode = |out: &mut Vec<u8>| out.resize(out.len() + BYTES, 7);
        append.push(LearnerId([1; 16]), encode).unwrap();
        append.with_leaf([2; 32]);
        let durable = journal.append(append).await;
        durable.unwrap();
        waits.borrow_mut().push(asked.elapsed());
    }
}

/// Saves the typical learner's state under ever other ids, so many a second. Gives how many.
fn save(snapshots: &Snapshots, rate: u64, stop: &AtomicBool) -> u64 {
    let mut state = Vec::new();
    typical::learner().encode(&mut state);
    let (begin, mut saved) = (runtime::now(), 0);
    while !stop.load(Relaxed) {
        let batch: Vec<_> = (saved..saved + BATCH)
            .map(|n| (many::id(n % LEARNERS), state.clone()))
            .collect();
        snapshots.save(&batch, 1 + saved).unwrap();
        saved += BATCH;
        let due = begin + Duration::from_secs_f64(saved as f64 / rate as f64);
        std::thread::sleep(due.saturating_duration_since(runtime::now()));
    }
    saved
}

/// User and system time of this process.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(')').next().unwrap().split_whitespace();
    let ticks: f64 = fields
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<f64>().unwrap())
        .sum();
    ticks / 100.0
}
