//! Nodes, learners and a Redis in virtual time: messages that are lost, late, doubled and out of
//! order, crashes, power cuts, clocks that jump, a Redis that dies, hangs and forgets, two nodes
//! that serve one learner.
//!
//! Real are the learners' states and effects, the journal's writer and recovery (over a disk that
//! loses what was not synced), shipping, versions and pace. Modelled are the network, the server
//! and the tasks between them. Everything that happens follows from the seed; a failing one is
//! printed, and `SIM_SEED=17 cargo test --test sim` replays it alone.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests; what fails shall fail loudly"
)]

mod disk;
mod exchange;
mod node;
mod person;
mod random;
mod redis;
mod verdict;
mod world;

use world::Harm;
use world::World;

const SEEDS: u64 = 256;

fn seeds() -> std::ops::Range<u64> {
    match std::env::var("SIM_SEED") {
        Ok(seed) => {
            let seed = seed.parse().unwrap();
            seed..seed + 1
        }
        Err(_unset) => 0..SEEDS,
    }
}

#[test]
fn nothing_acknowledged_is_lost_nothing_counts_twice_and_all_copies_become_one() {
    let mut told = 0;
    for seed in seeds() {
        match World::new(seed, Harm::None).run() {
            Ok(acknowledged) => told += acknowledged,
            Err(what) => panic!("seed {seed}: {what}\nSIM_SEED={seed} cargo test --test sim"),
        }
    }
    assert!(told > 0, "nobody was told anything");
}

/// What the simulation must notice: each of these is a way to build it wrongly.
fn is_noticed(harm: Harm) {
    let found = (0..SEEDS).any(|seed| World::new(seed, harm).run().is_err());
    assert!(found, "{harm:?} is not noticed by any of {SEEDS} seeds");
}

#[test]
fn telling_before_the_disk_has_it_is_noticed() {
    is_noticed(Harm::TellBeforeSync);
}

#[test]
fn a_sync_that_is_forgotten_is_noticed() {
    is_noticed(Harm::NoSync);
}

#[test]
fn a_conflict_that_is_overwritten_instead_of_joined_is_noticed() {
    is_noticed(Harm::Overwrite);
}

#[test]
fn news_that_are_not_joined_are_noticed() {
    is_noticed(Harm::DropNews);
}

#[test]
fn a_redis_that_forgot_and_is_not_filled_again_is_noticed() {
    is_noticed(Harm::NoSweep);
}

#[test]
fn a_restart_without_the_journal_is_noticed() {
    is_noticed(Harm::NoRecovery);
}
