//! Power cuts at every moment, over a disk that keeps only what was synced. `kill -9` cannot show
//! this: the page cache survives the process.

use super::append;
use super::commit;
use super::recovered;
use super::simulated::Fault;
use super::simulated::Random;
use super::simulated::Simulated;
use std::collections::BTreeSet;

/// When a learner is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ack {
    /// When the commit has returned, as the journal does.
    AfterCommit,
    /// When the commit begins.
    TooEarly,
}

/// Some lives of a machine that loses its power now and then. The complaint, if anything that was
/// acknowledged is missing or there twice afterwards.
fn lives(seed: u64, fault: Fault, ack: Ack) -> Result<(), String> {
    let disk = Simulated::new(fault);
    let mut random = Random(seed);
    let mut acknowledged = BTreeSet::new();
    let mut next = 0;
    for _ in 0..6 {
        let (mut recovered, found) = recovered(&disk).map_err(|error| error.to_string())?;
        let unique: BTreeSet<u64> = found.iter().copied().collect();
        if unique.len() != found.len() {
            return Err("something is there twice".to_owned());
        }
        if let Some(lost) = acknowledged.difference(&unique).next() {
            return Err(format!("{lost} was acknowledged and is lost"));
        }
        disk.state().fuse = Some(random.below(120));
        loop {
            let count = 1 + random.below(4);
            let appends: Vec<_> = (next..next + count)
                .map(|id| append(id, usize::try_from(random.below(6000)).unwrap()))
                .collect();
            if ack == Ack::TooEarly {
                acknowledged.extend(next..next + count);
            }
            let committed = commit(&disk, &mut recovered.writer, &appends);
            if committed.is_ok() {
                acknowledged.extend(next..next + count);
            }
            next += count;
            if committed.is_err() {
                break;
            }
        }
        disk.crash(&mut random);
    }
    Ok(())
}

#[test]
fn no_acknowledged_answer_is_lost_by_a_power_cut() {
    for seed in 0..200 {
        if let Err(complaint) = lives(seed, Fault::None, Ack::AfterCommit) {
            panic!("seed {seed}: {complaint}");
        }
    }
}

/// The three mistakes that only such a disk can show: each must be noticed, or the test above
/// proves nothing.
#[test]
fn a_forgotten_sync_or_a_hasty_acknowledgement_would_be_noticed() {
    for (fault, ack) in [
        (Fault::FileSync, Ack::AfterCommit),
        (Fault::DirectorySync, Ack::AfterCommit),
        (Fault::None, Ack::TooEarly),
    ] {
        let noticed = (0..100)
            .filter(|seed| lives(*seed, fault, ack).is_err())
            .count();
        assert!(noticed > 0, "{fault:?} goes unnoticed");
    }
}
