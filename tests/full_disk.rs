//! Files that cannot grow, met by the real journal and the real database (RLIMIT_FSIZE): clear,
//! safe, recoverable. Full, failing and read-only disks one by one: `src/store/tests`.
//!
//! A limit counts for a whole process, so each test runs in one of its own; and the signal that the
//! kernel sends beside the error must be ignored, which only a shell can do without `unsafe`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use lamplight::base::id::LearnerId;
use lamplight::base::units::Size;
use lamplight::runtime::block_on;
use lamplight::session::Effect;
use lamplight::session::Fact;
use lamplight::session::State;
use lamplight::store::Append;
use lamplight::store::AppendError;
use lamplight::store::Config;
use lamplight::store::Directory;
use lamplight::store::Health;
use lamplight::store::Journal;
use lamplight::store::Snapshots;
use lamplight::store::SnapshotsConfig;
use lamplight::store::SnapshotsError;
use lamplight::store::recover;
use rustix::process::Resource;
use rustix::process::Rlimit;
use rustix::process::getrlimit;
use rustix::process::setrlimit;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// Tells the tests that they are in a process of their own.
const APART: &str = "LAMPLIGHT_TEST_APART";
const MIB: u64 = 1 << 20;

/// Runs `body` in a process of its own; `name` is the test's.
fn apart(name: &str, body: fn(&Path)) {
    let temp = TempDir::new().unwrap();
    if std::env::var_os(APART).is_some() {
        body(temp.path());
        return;
    }
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(APART, "1")
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    assert!(out.contains("1 passed"), "{out}\n{err}");
}

/// No file of this process grows beyond `bytes` from now on; `None`: as far as it may.
fn limit(bytes: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    let current = bytes.or(maximum);
    setrlimit(Resource::Fsize, Rlimit { current, maximum }).unwrap();
}

fn append(bytes: usize) -> Append {
    let mut append = Append::default();
    let fill = |out: &mut Vec<u8>| out.resize(out.len() + bytes, 7);
    append.push(LearnerId([1; 16]), fill).unwrap();
    append
}

fn start(dir: &Path, segment: Size) -> (Journal, lamplight::runtime::Worker<()>, u64) {
    let disk = Directory::open(dir).unwrap();
    let config = Config {
        segment,
        ..Config::default()
    };
    let bytes = config.segment_bytes();
    let recovered = recover(&disk, bytes, 1, &mut |_, _| Ok(()), &mut |_| {}).unwrap();
    let started = Journal::start(Arc::new(disk), recovered.writer, &config);
    let (journal, worker) = started.unwrap();
    (journal, worker, recovered.records)
}

#[test]
fn a_journal_whose_next_file_cannot_be_made_refuses_and_heals() {
    apart(
        "a_journal_whose_next_file_cannot_be_made_refuses_and_heals",
        |dir| {
            let (journal, worker, _) = start(dir, Size::mib(4));
            block_on(async { journal.append(append(10)).await.unwrap() });
            drop(journal);
            worker.join().unwrap();
            limit(Some(5 * MIB));
            // The file in use is below the limit, the next one is not.
            let (journal, worker, _) = start(dir, Size::mib(8));
            let (mut written, mut refused) = (1, 0);
            block_on(async {
                while refused == 0 {
                    match journal.append(append(60_000)).await {
                        Ok(_) => written += 1,
                        Err(error) => {
                            assert_eq!(error, AppendError::NoSpace);
                            refused += 1;
                        }
                    }
                }
                assert_eq!(journal.health(), Health::NoSpace);
                limit(None);
                // By itself: a node that is not ready is asked for nothing.
                let give_up = lamplight::runtime::now() + Duration::from_secs(60);
                while journal.health() != Health::Well {
                    assert!(lamplight::runtime::now() < give_up, "it does not heal");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                journal.append(append(60_000)).await.unwrap();
            });
            drop(journal);
            worker.join().unwrap();
            let (journal, worker, records) = start(dir, Size::mib(8));
            assert_eq!(records, written + 1);
            drop(journal);
            worker.join().unwrap();
        },
    );
}

#[test]
fn a_journal_that_cannot_be_made_at_all_is_named() {
    apart("a_journal_that_cannot_be_made_at_all_is_named", |dir| {
        limit(Some(MIB));
        let disk = Directory::open(dir).unwrap();
        let made = recover(&disk, 4 * MIB, 1, &mut |_, _| Ok(()), &mut |_| {});
        let error = made.unwrap_err();
        assert_eq!(
            error.to_string(),
            "journal: cannot make journal-000000000001.log"
        );
        limit(None);
        // Nothing half-made is in the way.
        recover(&disk, 4 * MIB, 1, &mut |_, _| Ok(()), &mut |_| {}).unwrap();
    });
}

fn saved(version: u32, bytes: usize) -> (State, Vec<u8>) {
    let mut state = State::default();
    let fact = Fact::Epoch(version);
    state.apply(&Effect {
        generation: 0,
        fact,
    });
    let mut encoded = Vec::with_capacity(bytes);
    state.encode(&mut encoded);
    (state, encoded)
}

#[test]
fn snapshots_that_cannot_be_written_stop_and_are_whole_after_a_new_start() {
    apart(
        "snapshots_that_cannot_be_written_stop_and_are_whole_after_a_new_start",
        |dir| {
            let config = SnapshotsConfig {
                reserve: Size::mib(0),
                ..SnapshotsConfig::default()
            };
            let id = |n: u64| {
                let [low, high] = [n.wrapping_mul(0x9e37_79b9_7f4a_7c15), n];
                LearnerId((u128::from(low) << 64 | u128::from(high)).to_be_bytes())
            };
            let snapshots = Snapshots::open(dir, &config).unwrap();
            snapshots.save(&[(id(0), saved(7, 10).1)], 5).unwrap();
            limit(Some(MIB));
            let (mut version, mut mark) = (8, 5);
            let error = loop {
                let batch: Vec<_> = (0..1000).map(|n| (id(n), saved(version, 10).1)).collect();
                match snapshots.save(&batch, mark + 1) {
                    Ok(()) => (version, mark) = (version + 1, mark + 1),
                    Err(error) => break error,
                }
            };
            assert!(matches!(error, SnapshotsError::Failed(_)), "{error}");
            // Learners can still be read, and nothing more is promised.
            let known = Some(saved(version - 1, 10).0);
            assert_eq!(snapshots.load(id(0)).unwrap(), known);
            assert!(snapshots.failure().is_some());
            limit(None);
            assert!(snapshots.save(&[], mark + 9).is_err());
            assert_eq!(snapshots.mark(), mark);
            drop(snapshots);
            let snapshots = Snapshots::open(dir, &config).unwrap();
            assert_eq!(snapshots.mark(), mark);
            for n in 0..1000 {
                assert_eq!(snapshots.load(id(n)).unwrap(), known, "{n}");
            }
            snapshots.save(&[], mark + 1).unwrap();
        },
    );
}
