//! Power cuts at every moment, over a disk that keeps only what was synced. `kill -9` cannot show
//! this: the page cache survives the process.

use super::append;
use super::commit;
use super::recovered_from;
use super::simulated::Fault;
use super::simulated::Random;
use super::simulated::Simulated;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// When a learner is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ack {
    /// When the commit has returned, as the journal does.
    AfterCommit,
    /// When the commit begins.
    TooEarly,
}

/// Some lives of a machine that loses its power now and then, and drops segments whose commits are
/// saved elsewhere. The complaint, if anything that was acknowledged and not saved is missing or
/// there twice afterwards.
fn lives(seed: u64, fault: Fault, ack: Ack) -> Result<(), String> {
    let disk = Simulated::new(fault);
    let mut random = Random(seed);
    // What was acknowledged, with its commit; and the commit below which all is saved elsewhere.
    let (mut acknowledged, mut saved) = (BTreeMap::new(), 1);
    let mut next = 0;
    for _ in 0..6 {
        let begun = recovered_from(&disk, saved);
        let (mut recovered, found) = begun.map_err(|error| error.to_string())?;
        let unique: BTreeSet<u64> = found.iter().copied().collect();
        if unique.len() != found.len() {
            return Err("something is there twice".to_owned());
        }
        let mut needed = acknowledged.iter().filter(|(_, commit)| **commit >= saved);
        if let Some((lost, _)) = needed.find(|(id, _)| !unique.contains(id)) {
            return Err(format!("{lost} was acknowledged and is lost"));
        }
        disk.state().fuse = Some(random.below(120));
        loop {
            let count = 1 + random.below(4);
            let appends: Vec<_> = (next..next + count)
                .map(|id| append(id, usize::try_from(random.below(6000)).unwrap()))
                .collect();
            let commit_number = recovered.writer.next();
            let committed = commit(&disk, &mut recovered.writer, &appends);
            if committed.is_ok() || ack == Ack::TooEarly {
                acknowledged.extend((next..next + count).map(|id| (id, commit_number)));
            }
            next += count;
            let forgotten = (random.below(8) == 0).then(|| {
                saved = saved.max(1 + random.below(recovered.writer.next()));
                recovered.writer.segments().forget(&disk, saved)
            });
            if committed.is_err() || matches!(forgotten, Some(Err(_))) {
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

/// The mistakes that only such a disk can show: each must be noticed, or the test above
/// proves nothing.
#[test]
fn a_forgotten_sync_or_a_hasty_acknowledgement_would_be_noticed() {
    for (fault, ack) in [
        (Fault::FileSync, Ack::AfterCommit),
        (Fault::DirectorySync, Ack::AfterCommit),
        (Fault::RemovalSync, Ack::AfterCommit),
        (Fault::None, Ack::TooEarly),
    ] {
        let noticed = (0..200)
            .filter(|seed| lives(*seed, fault, ack).is_err())
            .count();
        assert!(noticed > 0, "{fault:?} goes unnoticed");
    }
}
