//! Learners who leave memory and come back.

use super::COURSE;
use super::House;
use super::NOW_S;
use super::Shelf;
use super::enrol;
use super::enrol_safely;
use super::learner;
use crate::base::units::Size;
use crate::base::units::Span;
use crate::runtime;
use crate::runtime::Shutdown;
use crate::runtime::block_on;
use crate::session::Profile;
use crate::session::State;
use crate::shards::Config;
use crate::shards::Judged;
use crate::shards::ShardError;
use crate::shards::keep;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

/// Waits for a condition, a minute at most.
async fn until(what: &str, condition: impl Fn() -> bool) {
    let limit = runtime::now() + Duration::from_secs(60);
    while !condition() {
        assert!(runtime::now() < limit, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A sign-in that fills the state.
async fn sign_in(house: &House, n: u64) {
    let text: Box<str> = format!("{n:0>200}").into();
    let profile = Profile {
        at_s: NOW_S,
        locality: Some(text.clone()),
        unit: Some(text),
    };
    let device = crate::base::id::DeviceId([9; 16]);
    let judge = move |state: &mut State| {
        let (effects, began_s) = state.sign_in(device, profile, NOW_S);
        Judged::changed(began_s, effects)
    };
    let acted = house.shards.act(learner(n), judge).wait().await.unwrap();
    acted.durable.await.unwrap();
}

#[test]
fn however_many_ask_for_a_learner_at_rest_it_is_read_once() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = Arc::<Shelf>::default();
    let mut state = State::default();
    state.enrol(COURSE, NOW_S).unwrap();
    shelf.put(learner(1), &state);
    block_on(async {
        let house = House::open(dir.path(), Some(Arc::clone(&shelf)));
        shelf.shut.store(true, SeqCst);
        let first = house.enrol(1);
        for _ in 0..100 {
            let shards = Arc::clone(&house.shards);
            runtime::spawn("touch", async move {
                let acted = enrol(&shards, learner(1)).wait().await.unwrap();
                assert!(!acted.outcome, "the enrolment at rest is known");
            });
        }
        // Whoever began the load goes away: the others get the learner all the same.
        drop(first);
        let shards = Arc::clone(&house.shards);
        until("all wait", || shards.metrics.misses.value() == 101).await;
        shelf.shut.store(false, SeqCst);
        runtime::drained(0).await;
        assert_eq!(shelf.loads.load(SeqCst), 1);
    });
}

#[test]
fn a_learner_who_left_memory_comes_back_equal() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = Arc::<Shelf>::default();
    block_on(async {
        let house = House::open(dir.path(), Some(Arc::clone(&shelf)));
        for n in 0..50 {
            sign_in(&house, n).await;
        }
        let before = house
            .shards
            .read(learner(7), Clone::clone)
            .wait()
            .await
            .unwrap();
        house.shards.let_go(u32::MAX);
        assert_eq!(
            house.shards.len(),
            50,
            "nobody leaves who is not at rest yet"
        );
        house.shards.save_due(u32::MAX, None).await;
        house.shards.let_go(u32::MAX);
        assert!(house.shards.is_empty());
        assert_eq!(house.shards.bytes(), 0);
        let after = house
            .shards
            .read(learner(7), Clone::clone)
            .wait()
            .await
            .unwrap();
        assert_eq!(after, before);
    });
}

#[test]
fn a_snapshot_never_loses_what_only_the_snapshot_knew() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = Arc::<Shelf>::default();
    block_on(async {
        let house = House::open(dir.path(), Some(Arc::clone(&shelf)));
        // At rest from a former life whose journal is gone.
        let mut old = State::default();
        old.enrol(crate::base::id::CourseId(99), NOW_S).unwrap();
        let fresh = learner(1);
        enrol_safely(&house, 1).await.unwrap();
        house.close();
        shelf.put(fresh, &old);
        // Recovered facts are joined with the snapshot when they are saved, also untouched.
        let house = House::open(dir.path(), Some(Arc::clone(&shelf)));
        house.shards.save_due(u32::MAX, None).await;
        assert_eq!(shelf.state(fresh).courses.len(), 2);
        let seen = house.shards.read(fresh, |state| state.courses.len());
        assert_eq!(seen.wait().await.unwrap(), 2);
        // What another node knows of somebody at rest.
        shelf.put(learner(2), &old);
        let mut news = State::default();
        news.enrol(COURSE, NOW_S).unwrap();
        house.shards.join(learner(2), &news);
        house.shards.join(fresh, &news);
        house.shards.save_due(u32::MAX, None).await;
        assert_eq!(shelf.state(learner(2)).courses.len(), 2);
        assert_eq!(shelf.state(fresh).courses.len(), 2);
    });
}

#[test]
fn the_journal_forgets_what_is_at_rest_and_nothing_is_lost_by_it() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = Arc::<Shelf>::default();
    let count = || std::fs::read_dir(dir.path()).unwrap().count();
    block_on(async {
        let house = House::open(dir.path(), Some(Arc::clone(&shelf)));
        let acts = |from: u64| {
            for n in from..from + 12_000 {
                let shards = Arc::clone(&house.shards);
                let text: Box<str> = format!("{n:0>250}").into();
                runtime::spawn("sign in", async move {
                    let profile = Profile {
                        at_s: NOW_S,
                        locality: Some(text.clone()),
                        unit: Some(text),
                    };
                    let judge = move |state: &mut State| {
                        let device = crate::base::id::DeviceId([9; 16]);
                        Judged::changed((), state.sign_in(device, profile, NOW_S).0)
                    };
                    let acted = shards.act(learner(n), judge).wait().await.unwrap();
                    acted.durable.await.unwrap();
                });
            }
        };
        acts(0);
        runtime::drained(0).await;
        let full = count();
        assert!(full >= 3, "{full} segments");
        // Saved, and a tick later not needed any more.
        house.shards.save_due(u32::MAX, None).await;
        let mark = house.shards.journal().unwrap().mark();
        house.shards.calendar.begin(3, mark);
        house.shards.save_due(u32::MAX, None).await;
        let less = count();
        assert!(less < full, "{less} of {full} segments");
        enrol_safely(&house, 1).await.unwrap();
        house.close();
        let house = House::open(dir.path(), Some(Arc::clone(&shelf)));
        assert!(house.shards.len() < 12_000, "some of them are at rest only");
        for n in (0..12_000).step_by(97).chain([1]) {
            let look = |state: &State| state.profile.clone().unwrap().unit.unwrap();
            let unit = house.shards.read(learner(n), look).wait().await.unwrap();
            assert_eq!(*unit, format!("{n:0>250}"));
        }
        assert!(house.enrolled(1).await);
    });
}

#[test]
fn a_shelf_that_fails_for_a_while_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = Arc::<Shelf>::default();
    block_on(async {
        let house = House::open(dir.path(), Some(Arc::clone(&shelf)));
        enrol_safely(&house, 1).await.unwrap();
        shelf.broken.store(true, SeqCst);
        house.shards.save_due(u32::MAX, None).await;
        house.shards.let_go(u32::MAX);
        assert!(house.enrolled(1).await, "who cannot be saved stays");
        let refused = house.enrol(2).wait().await.unwrap_err();
        assert!(matches!(refused, ShardError::Load(_)), "{refused:?}");
        shelf.broken.store(false, SeqCst);
        assert!(house.enrol(2).wait().await.unwrap().outcome);
        house.shards.save_due(u32::MAX, None).await;
        assert!(shelf.state(learner(1)).courses.get(COURSE).is_some());
        house.shards.let_go(u32::MAX);
        assert!(house.shards.map.get(&learner(1)).is_none());
        assert!(house.enrolled(1).await);
    });
}

#[test]
fn memory_is_bounded_and_only_newcomers_are_refused_when_nobody_can_leave() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = Arc::<Shelf>::default();
    let config = Config {
        memory: Size::mib(1),
        snapshot_after: Span::secs(1),
        ..Config::default()
    };
    block_on(async {
        let house = House::with(dir.path(), Some(Arc::clone(&shelf)), config);
        // Nobody keeps: nobody can leave.
        let mut inside = 0;
        let refused = loop {
            match enrol_safely(&house, inside).await {
                Ok(_) => inside += 1,
                Err(refused) => break refused,
            }
        };
        assert_eq!(refused, ShardError::Full);
        assert!(house.shards.bytes() <= 1 << 20);
        assert!(inside > 5000, "{inside} learners in a MiB");
        sign_in(&house, 3).await;
        assert!(house.enrolled(3).await, "those inside notice nothing");
        let (trigger, stop) = Shutdown::new();
        let keeping = keep(Arc::clone(&house.shards), stop, Duration::from_secs(60));
        let keeping = runtime::spawn("keeper", keeping);
        for n in inside..20_000 {
            // A slow machine may need longer to make room than a newcomer waits.
            let limit = runtime::now() + Duration::from_secs(60);
            while let Err(refused) = enrol_safely(&house, n).await {
                assert_eq!(refused, ShardError::Full);
                assert!(runtime::now() < limit, "nobody leaves");
            }
            assert!(house.shards.bytes() <= (1 << 20) + 1024, "{n}");
        }
        trigger.close();
        keeping.ended().await;
        house.shards.let_go(u32::MAX);
        for n in (0..20_000).step_by(499) {
            assert!(house.enrolled(n).await, "{n} comes back");
        }
        assert_eq!(
            shelf.states.lock().unwrap().len(),
            20_000,
            "all are at rest at the end"
        );
    });
}

#[test]
fn the_keeper_lets_idle_learners_go_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = Arc::<Shelf>::default();
    let config = Config {
        snapshot_after: Span::secs(1),
        idle: Span::secs(1),
        ..Config::default()
    };
    block_on(async {
        let house = House::with(dir.path(), Some(Arc::clone(&shelf)), config);
        enrol_safely(&house, 1).await.unwrap();
        let (trigger, stop) = Shutdown::new();
        let keeping = keep(Arc::clone(&house.shards), stop, Duration::from_secs(60));
        let keeping = runtime::spawn("keeper", keeping);
        let shards = Arc::clone(&house.shards);
        until("the learner is at rest", || shards.is_empty()).await;
        assert!(house.enrolled(1).await);
        trigger.close();
        keeping.ended().await;
    });
}
