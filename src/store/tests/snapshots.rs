//! Sessions at rest, over real files.

use super::learner;
use super::state;
use crate::base::id::LearnerId;
use crate::base::metrics::Source as _;
use crate::base::units::Size;
use crate::session::State;
use crate::store::Snapshots;
use crate::store::SnapshotsConfig;
use crate::store::SnapshotsError;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

fn config() -> SnapshotsConfig {
    SnapshotsConfig {
        memtable: Size::mib(1),
        cache: Size::mib(1),
        reserve: Size::mib(0),
        ..SnapshotsConfig::default()
    }
}

fn open(dir: &Path) -> Snapshots {
    Snapshots::open(dir, &config()).unwrap()
}

fn encoded(state: &State) -> Vec<u8> {
    let mut bytes = Vec::new();
    state.encode(&mut bytes);
    bytes
}

/// States of these learners, as they are saved.
fn batch(learners: std::ops::Range<u32>, version: u32) -> Vec<(LearnerId, Vec<u8>)> {
    learners
        .map(|n| (learner(n), encoded(&state(n, version))))
        .collect()
}

/// Copies a database as it lies there, as if its process had been killed.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn what_is_saved_comes_back_equal_also_after_a_kill() {
    let temp = TempDir::new().unwrap();
    let dir = temp.path().join("sessions");
    let snapshots = open(&dir);
    assert_eq!((snapshots.mark(), snapshots.is_empty()), (1, true));
    assert_eq!(snapshots.load(learner(1)).unwrap(), None);
    snapshots.save(&batch(0..3000, 1), 7).unwrap();
    snapshots.save(&batch(1000..1500, 2), 9).unwrap();
    // A lower mark is true as well, and nothing new.
    snapshots.save(&batch(0..1, 3), 2).unwrap();
    snapshots.save(&[], 12).unwrap();
    let copied = temp.path().join("copy");
    copy(&dir, &copied);
    drop(snapshots);
    for dir in [dir, copied] {
        let snapshots = open(&dir);
        assert_eq!(snapshots.mark(), 12);
        for (n, version) in [(0, 3), (1, 1), (999, 1), (1000, 2), (1499, 2), (2999, 1)] {
            let found = snapshots.load(learner(n)).unwrap();
            assert_eq!(found, Some(state(n, version)), "{n}");
        }
        assert_eq!(snapshots.load(learner(3000)).unwrap(), None);
        let all: Result<Vec<_>, _> = snapshots.iter().collect();
        let all = all.unwrap();
        assert_eq!(all.len(), 3000);
        assert!(all.is_sorted_by_key(|(learner, _)| *learner));
        assert!(all.contains(&(learner(1200), state(1200, 2))));
    }
}

#[test]
fn two_processes_never_share_a_database() {
    let temp = TempDir::new().unwrap();
    let _first = open(temp.path());
    let error = Snapshots::open(temp.path(), &config()).unwrap_err();
    assert!(matches!(error, SnapshotsError::InUse { .. }), "{error}");
}

#[test]
fn with_little_room_nothing_is_saved_and_nothing_breaks() {
    let temp = TempDir::new().unwrap();
    let config = SnapshotsConfig {
        reserve: Size::mib(1 << 30),
        ..config()
    };
    let snapshots = Snapshots::open(temp.path(), &config).unwrap();
    let error = snapshots.save(&batch(0..1, 1), 5).unwrap_err();
    assert!(error.to_string().contains("snapshots.reserve"), "{error}");
    assert_eq!((snapshots.mark(), snapshots.failure()), (1, None));
    assert_eq!(snapshots.load(learner(0)).unwrap(), None);
    let mut samples = Vec::new();
    snapshots.sample(&mut samples);
    let refused = samples
        .iter()
        .find(|sample| sample.label == Some(("reason", "no_space")));
    assert_eq!(refused.unwrap().value, 1);
    drop(snapshots);
    // With room again it goes on.
    let snapshots = open(temp.path());
    snapshots.save(&batch(0..1, 1), 5).unwrap();
    assert_eq!(snapshots.load(learner(0)).unwrap(), Some(state(0, 1)));
}

#[test]
fn a_database_whose_making_was_cut_is_made_anew() {
    let temp = TempDir::new().unwrap();
    fs::write(temp.path().join("0.jnl"), [0; 100]).unwrap();
    fs::create_dir(temp.path().join("keyspaces")).unwrap();
    fs::write(temp.path().join("version"), "").unwrap();
    open(temp.path()).save(&batch(0..1, 1), 5).unwrap();
    assert_eq!(open(temp.path()).mark(), 5);
}

#[test]
fn a_lost_version_file_never_empties_a_database() {
    let temp = TempDir::new().unwrap();
    open(temp.path()).save(&batch(0..10, 1), 5).unwrap();
    let version = fs::read(temp.path().join("version")).unwrap();
    fs::remove_file(temp.path().join("version")).unwrap();
    let error = Snapshots::open(temp.path(), &config()).unwrap_err();
    assert!(matches!(error, SnapshotsError::Damaged { .. }), "{error}");
    fs::write(temp.path().join("version"), version).unwrap();
    assert_eq!(
        open(temp.path()).load(learner(3)).unwrap(),
        Some(state(3, 1))
    );
}

/// All files with content, deepest last.
fn files(dir: &Path, into: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else if fs::metadata(&path).unwrap().len() > 0 {
            into.push(path);
        }
    }
}

#[test]
fn a_flipped_bit_never_makes_a_wrong_state_or_a_mark_that_promises_too_much() {
    let temp = TempDir::new().unwrap();
    let whole = temp.path().join("whole");
    // More than a memtable, so that there are tables, and some that are in the log only.
    let snapshots = open(&whole);
    for round in 1..4 {
        let mark = u64::from(round) + 1;
        snapshots.save(&batch(0..6000, round), mark).unwrap();
    }
    drop(snapshots);
    drop(open(&whole));
    let mut all = Vec::new();
    files(&whole, &mut all);
    assert!(
        all.iter()
            .any(|file| file.starts_with(whole.join("keyspaces")))
    );
    let mut noticed = 0;
    for (file, share) in all
        .iter()
        .flat_map(|file| [(file, 0), (file, 2), (file, 5)])
    {
        let broken = temp.path().join("broken");
        copy(&whole, &broken);
        let target = broken.join(file.strip_prefix(&whole).unwrap());
        let mut bytes = fs::read(&target).unwrap();
        let used = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0) + 1;
        bytes[used * share / 6] ^= 4;
        fs::write(&target, bytes).unwrap();
        match Snapshots::open(&broken, &config()) {
            Err(error) => {
                noticed += 1;
                let told = error.to_string();
                assert!(
                    told.contains("store export") || told.contains("version"),
                    "{told}"
                );
            }
            Ok(snapshots) => {
                // The library cuts its log off before a broken batch, and the mark with it: what is
                // older is told by an older mark, and the journal is asked for the rest.
                let promised = snapshots.mark() - 1;
                noticed += u32::from(promised < 3);
                for n in (0..6000).step_by(97) {
                    match snapshots.load(learner(n)) {
                        Ok(found) => {
                            let mut fits = (promised..4).map(|round| match round {
                                0 => None,
                                round => Some(state(n, u32::try_from(round).unwrap())),
                            });
                            let shown = file.display();
                            assert!(fits.any(|state| state == found), "{n}, {shown}, {promised}");
                        }
                        Err(error) => {
                            noticed += 1;
                            assert!(error.to_string().starts_with("snapshots:"), "{error}");
                        }
                    }
                }
            }
        }
        fs::remove_dir_all(&broken).unwrap();
    }
    assert!(noticed > 0, "no flip was noticed");
}

#[test]
fn a_value_of_a_newer_version_or_of_somebody_else_is_not_believed() {
    let temp = TempDir::new().unwrap();
    let snapshots = open(temp.path());
    snapshots.save(&batch(0..2, 1), 1).unwrap();
    let value = snapshots.sessions.get(learner(0).0).unwrap().unwrap();
    let replace = |with: &[u8]| {
        snapshots.sessions.insert(learner(1).0, with).unwrap();
        snapshots.load(learner(1)).unwrap_err()
    };
    let mut newer = value.to_vec();
    newer[0] = 2;
    let error = replace(&newer);
    assert!(
        matches!(error, SnapshotsError::Format { format: 2, .. }),
        "{error}"
    );
    // A good value, but another learner's.
    let error = replace(&value);
    assert!(
        error.to_string().contains(&learner(1).to_string()),
        "{error}"
    );
    for len in 0..6 {
        assert!(
            matches!(replace(&value[..len]), SnapshotsError::Value { .. }),
            "{len}"
        );
    }
}

/// Where a save under way leaves the log when the power goes: its last blocks are there, one in the
/// middle is not.
fn tear(dir: &Path, from_end: usize) -> std::path::PathBuf {
    let log = dir.join("0.jnl");
    let mut bytes = fs::read(&log).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    // Zeros inside a value: the lengths around it stay.
    bytes[used - from_end..used - from_end + 200].fill(0);
    fs::write(&log, bytes).unwrap();
    log
}

#[test]
fn a_save_that_a_power_cut_tore_is_cut_off_and_the_mark_with_it() {
    let temp = TempDir::new().unwrap();
    let snapshots = open(temp.path());
    snapshots.save(&batch(0..100, 1), 5).unwrap();
    snapshots.save(&batch(0..200, 2), 9).unwrap();
    drop(snapshots);
    tear(temp.path(), 600);
    for _ in 0..2 {
        let snapshots = open(temp.path());
        assert_eq!(snapshots.mark(), 5);
        assert_eq!(snapshots.load(learner(7)).unwrap(), Some(state(7, 1)));
        assert_eq!(snapshots.load(learner(150)).unwrap(), None);
    }
    // And it goes on.
    open(temp.path()).save(&batch(0..200, 3), 11).unwrap();
    let snapshots = open(temp.path());
    assert_eq!(snapshots.mark(), 11);
    assert_eq!(snapshots.load(learner(150)).unwrap(), Some(state(150, 3)));
}

#[test]
fn a_broken_batch_before_others_is_refused_and_nothing_is_cut() {
    let temp = TempDir::new().unwrap();
    let snapshots = open(temp.path());
    snapshots.save(&batch(0..100, 1), 5).unwrap();
    for mark in 6..10 {
        snapshots.save(&batch(0..1, 2), mark).unwrap();
    }
    drop(snapshots);
    let log = tear(temp.path(), 10_000);
    let before = fs::read(&log).unwrap();
    let error = Snapshots::open(temp.path(), &config()).unwrap_err();
    assert!(error.to_string().contains("ChecksumMismatch"), "{error}");
    assert!(error.to_string().contains("store export"), "{error}");
    let after = fs::read(&log).unwrap();
    assert_eq!(after.len(), before.len());
    assert!(after == before, "the log was changed");
}
