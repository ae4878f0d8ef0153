//! Group commit on this machine: acknowledgements and syncs a second, and how long one waits.
//!
//! No criterion: what is measured is many who wait for one thread. The journal is written below
//! `target/tmp` and removed. `cargo bench --bench journal`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

use lamplight::base::id::LearnerId;
use lamplight::base::metrics::Source as _;
use lamplight::runtime;
use lamplight::store::Append;
use lamplight::store::Config;
use lamplight::store::Directory;
use lamplight::store::Journal;
use lamplight::store::recover;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

const LASTS: Duration = Duration::from_secs(3);
/// An answer as an effect, with its head.
const BYTES: usize = 130;

fn main() {
    println!(
        "| producers | acks/s | syncs/s | p50 ms | p99 ms | max ms |\n|--:|--:|--:|--:|--:|--:|"
    );
    for producers in [1, 64, 1024] {
        let place = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("journal-bench");
        let disk = Directory::open(&place).unwrap();
        let config = Config::default();
        let recovered = recover(
            &disk,
            config.segment_bytes(),
            1,
            &mut |_, _| Ok(()),
            &mut |_| {},
        )
        .unwrap();
        let started = Journal::start(Arc::new(disk), recovered.writer, &config);
        let (journal, worker) = started.unwrap();
        run(producers, &journal);
        drop(journal);
        worker.join().unwrap();
        std::fs::remove_dir_all(&place).unwrap();
    }
}

fn run(producers: usize, journal: &Journal) {
    let waits: Rc<RefCell<Vec<Duration>>> = Rc::default();
    let begin = runtime::now();
    runtime::block_on({
        let (waits, journal) = (Rc::clone(&waits), journal.clone());
        async move {
            for _ in 0..producers {
                let producer = produce(begin, journal.clone(), Rc::clone(&waits));
                drop(runtime::spawn("producer", producer));
            }
            runtime::drained(0).await;
        }
    });
    let seconds = begin.elapsed().as_secs_f64();
    let mut waits = waits.take();
    waits.sort_unstable();
    let at = |share: f64| {
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
    };
    let mut samples = Vec::new();
    journal.sample(&mut samples);
    let commits = samples
        .iter()
        .find(|sample| sample.name == "lamplight_journal_commits");
    let commits = commits.map_or(0, |sample| sample.value);
    println!(
        "| {producers} | {:.0} | {:.0} | {:.2} | {:.2} | {:.2} |",
        waits.len() as f64 / seconds,
        commits as f64 / seconds,
        at(0.5),
        at(0.99),
        at(1.0),
    );
}

/// Appends, waits, and appends again.
async fn produce(begin: Instant, journal: Journal, waits: Rc<RefCell<Vec<Duration>>>) {
    while begin.elapsed() < LASTS {
        let mut append = Append::default();
        let encode = |out: &mut Vec<u8>| out.resize(out.len() + BYTES, 7);
        append.push(LearnerId([1; 16]), encode).unwrap();
        append.with_leaf([2; 32]);
        let asked = runtime::now();
        let durable = journal.append(append).await;
        durable.unwrap();
        waits.borrow_mut().push(asked.elapsed());
    }
}
