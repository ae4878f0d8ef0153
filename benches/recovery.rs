//! A start with 400,000 learners: how long until they can be served, how long the first touch of
//! one who rests takes, how long a whole export.
//!
//! No criterion: each start is one event. Data is written below `target/tmp` and removed; the
//! kernel has the files in its cache, as after a restart of the process.
//! `cargo bench --bench recovery`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

mod many;
mod measured;
mod typical;

use lamplight::base::id::LearnerId;
use lamplight::progress;
use lamplight::runtime;
use lamplight::session::Effect;
use lamplight::session::State;
use lamplight::store::Append;
use lamplight::store::Config;
use lamplight::store::Directory;
use lamplight::store::Place;
use lamplight::store::Segment;
use lamplight::store::Snapshots;
use lamplight::store::SnapshotsConfig;
use lamplight::store::recover;
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

const LEARNERS: u64 = 400_000;
/// Where nothing is measured.
const LEARNERS_TRIED: u64 = 2_000;
/// Beats of each learner since the last save.
const BEATS: u64 = 3;
/// Learners touched to measure the first touch.
const TOUCHED: u64 = 20_000;

/// How many learners.
fn learners() -> u64 {
    if measured::is_measured() {
        LEARNERS
    } else {
        LEARNERS_TRIED
    }
}

fn main() {
    let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recovery-bench");
    drop(std::fs::remove_dir_all(&data));
    let place = Place::in_data(&data, Config::default(), SnapshotsConfig::default());
    let saved = timed(|| save(&place));
    let written = timed(|| write(&place));
    println!("| what | measured |\n|---|--:|");
    println!(
        "| {} states saved, in batches of 1,024 | {} |",
        learners(),
        ms(saved.1)
    );
    println!(
        "| {} beats written in {} commits | {} |",
        learners() * BEATS,
        written.0,
        ms(written.1)
    );
    let (snapshots, opening) =
        timed(|| Snapshots::open(&place.sessions, &place.snapshots_config).unwrap());
    println!("| start: snapshots opened | {} |", ms(opening));
    let (records, replaying) = timed(|| replay(&place, snapshots.mark()));
    println!(
        "| start: {records} beats of {} learners replayed | {} |",
        learners(),
        ms(replaying)
    );
    let mut touches: Vec<Duration> = (0..TOUCHED)
        .map(|n| {
            let learner = many::id(n * 7919 % learners());
            let (found, touch) = timed(|| snapshots.load(learner).unwrap());
            assert!(found.is_some());
            touch
        })
        .collect();
    touches.sort_unstable();
    let at = |of: usize| ms(touches.get(touches.len() * of / 1000).copied().unwrap());
    println!(
        "| first touch, {TOUCHED} learners: p50, p99, p99.9 | {}, {}, {} |",
        at(500),
        at(990),
        at(999)
    );
    drop(snapshots);
    let (found, exporting) = timed(|| place.export(std::io::sink(), 0, &mut |_| {}).unwrap());
    assert_eq!((found.learners, found.complaints.len()), (learners(), 0));
    println!("| export of all | {} |", ms(exporting));
    println!("| on the disk | {:.0} MB |", bytes(&data) as f64 / 1e6);
    std::fs::remove_dir_all(&data).unwrap();
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begin: Instant = runtime::now();
    let outcome = work();
    (outcome, begin.elapsed())
}

fn ms(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1000.0)
}

fn save(place: &Place) {
    let snapshots = Snapshots::open(&place.sessions, &place.snapshots_config).unwrap();
    let mut state = Vec::new();
    typical::learner().encode(&mut state);
    for from in (0..learners()).step_by(1024) {
        let some = from..(from + 1024).min(learners());
        let batch: Vec<_> = some.map(|n| (many::id(n), state.clone())).collect();
        snapshots.save(&batch, 1).unwrap();
    }
}

/// Beats as a busy server commits them, a thousand together. Gives the number of commits.
fn write(place: &Place) -> u64 {
    let mut learner = typical::learner();
    let beats: Vec<Vec<Effect>> = (0..BEATS)
        .map(|n| {
            let n = u32::try_from(n).unwrap();
            let from_ms = 200_000 + n * 20_000;
            let beat = typical::beat(44, 2000 + n, from_ms, from_ms + 20_000);
            let now_ms = typical::NOW_MS + 200_000;
            let config = progress::Config::default();
            learner
                .watch(typical::device(0), &[beat], &config, now_ms)
                .effects
        })
        .collect();
    let disk = Directory::open(&place.journal).unwrap();
    let bytes = place.journal_config.segment_bytes();
    let recovered = recover(&disk, bytes, 1, &mut |_, _| Ok(()), &mut |_| {}).unwrap();
    let mut writer = recovered.writer;
    let all = beats
        .iter()
        .flat_map(|effects| (0..learners()).map(move |n| (n, effects)));
    let mut appends = Vec::new();
    for (n, effects) in all {
        let mut append = Append::default();
        for effect in effects {
            append.push(many::id(n), |out| effect.encode(out)).unwrap();
        }
        appends.push(append);
        if appends.len() == 1000 {
            if !writer.fits(appends.iter().map(Append::len).sum()) {
                let next = Segment::make(&disk, writer.segment() + 1, bytes).unwrap();
                writer.rotate(next);
            }
            writer.commit(&appends, 5).unwrap();
            appends.clear();
        }
    }
    writer.next() - 1
}

/// Replays into partial states, as a start does. Gives the number of records.
fn replay(place: &Place, needed: u64) -> u64 {
    let mut states: HashMap<LearnerId, State> = HashMap::new();
    let disk = Directory::open(&place.journal).unwrap();
    let mut apply = |learner: LearnerId, bytes: &[u8]| {
        let effect = Effect::decode(bytes).map_err(|error| error.to_string())?;
        states.entry(learner).or_default().apply(&effect);
        Ok(())
    };
    let bytes = place.journal_config.segment_bytes();
    let recovered = recover(&disk, bytes, needed, &mut apply, &mut |_| {}).unwrap();
    assert_eq!(states.len() as u64, learners());
    recovered.records
}

/// Bytes of all files below.
fn bytes(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let about = entry.metadata().unwrap();
            if about.is_dir() {
                bytes(&entry.path())
            } else {
                use std::os::unix::fs::MetadataExt as _;
                about.blocks() * 512
            }
        })
        .sum()
}
